// Package databasetest gives each test its own database, cloned from a migrated template.
//
// `make test` starts one PostgreSQL for the whole run and names it in TEST_DATABASE_URL. Without
// it, each package's tests start a server of their own, which goes when they end, however they end.
// Nothing is rolled back: tests commit, as the program does, since a rolled-back test hides commits
// and notifications.
package databasetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database"
	"fairnotice/internal/secrets"
	"fairnotice/migrations"
)

// EnvURL names the server that the tests of one run share.
const EnvURL = "TEST_DATABASE_URL"

// Start is the first instant of a test's clock: an ordinary day, with a deadline over Christmas
// in reach.
var Start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// Clock is a clock that a test moves by hand. It may be read from many goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the clock's present.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// Set puts the clock to an instant.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// New gives the test an empty, migrated database and a clock that stands at Start.
func New(t testing.TB) (*database.DB, *Clock) {
	t.Helper()
	clock := &Clock{now: Start}
	db, err := database.Open(t.Context(), NewURL(t), database.Options{MaxConns: 10, Now: clock.Now, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, clock
}

var quiet = slog.New(slog.DiscardHandler)

// NewURL gives the test the address of an empty, migrated database, dropped when the test ends.
func NewURL(t testing.TB) string {
	t.Helper()
	return create(t, "template "+template(t))
}

// NewBlankURL gives the test the address of a database without a schema.
func NewBlankURL(t testing.TB) string {
	t.Helper()
	return create(t, "template template0")
}

func create(t testing.TB, from string) string {
	t.Helper()
	name := "t_" + hex.EncodeToString(secrets.Bytes(8))
	admin(t, "create database "+name+" "+from)
	t.Cleanup(func() { admin(t, "drop database if exists "+name+" with (force)") })
	return withDatabase(t, server(t), name)
}

// admin runs one statement on the server's own database.
func admin(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server(t))
	if err != nil {
		t.Fatalf("the tests' PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

var (
	templateOnce sync.Once
	templateName string
	errTemplate  error
)

// template makes, once for a set of migrations, the database that tests are cloned from. Several
// test binaries share a server, so the making is under a lock.
func template(t testing.TB) string {
	t.Helper()
	base := server(t)
	templateOnce.Do(func() { templateName, errTemplate = makeTemplate(base) })
	if errTemplate != nil {
		t.Fatalf("prepare the template database: %v", errTemplate)
	}
	return templateName
}

func makeTemplate(base string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	sum, err := schemaDigest()
	if err != nil {
		return "", err
	}
	name := "template_" + sum
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(7301201899)"); err != nil {
		return "", err
	}
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists); err != nil || exists {
		return name, err
	}
	// Renamed when done: a killed run leaves no half-migrated template behind.
	draft := name + "_draft"
	for _, s := range []string{"drop database if exists " + draft + " with (force)", "create database " + draft + " template template0"} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return "", err
		}
	}
	draftURL, err := setDatabase(base, draft)
	if err != nil {
		return "", err
	}
	if err := migrateDatabase(ctx, draftURL); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+draft+" rename to "+name)
	return name, err
}

func migrateDatabase(ctx context.Context, url string) error {
	db, err := database.Open(ctx, url, database.Options{Log: quiet})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// schemaDigest tells one set of migrations from another on a server that outlives a run.
func schemaDigest() (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, migrations.Version)
	err := fs.WalkDir(migrations.SQL, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(migrations.SQL, path)
		h.Write(b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}

func withDatabase(t testing.TB, base, name string) string {
	t.Helper()
	out, err := setDatabase(base, name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func setDatabase(base, name string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("%s: %w", EnvURL, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
