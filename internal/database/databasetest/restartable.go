package databasetest

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Restartable is a PostgreSQL of a test's own that writes through to the disk, as in production, and
// that the test may stop and start. Its address stays the same.
type Restartable struct {
	server *Server
	link   string // leads to the socket's folder, which is another one after each start
}

// ServeRestartable starts a server that ends with the test.
func ServeRestartable(t testing.TB) *Restartable {
	t.Helper()
	server, err := ServeDurable(context.Background(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	d := &Restartable{server: server, link: filepath.Join(server.dir, "socket")}
	t.Cleanup(func() { _ = d.server.Stop(context.Background()) })
	d.relink(t)
	return d
}

// NewURL is the address of a new, migrated database.
func (d *Restartable) NewURL(t testing.TB, name string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url(t, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	if err := migrateDatabase(t.Context(), d.url(t, name)); err != nil {
		t.Fatal(err)
	}
	return d.url(t, name)
}

// Stop ends the server as `pg_ctl stop -m fast` does: what is under way is rolled back.
func (d *Restartable) Stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.server.pg.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// StopAtOnce ends the server as `pg_ctl stop -m immediate` does: no goodbye, no checkpoint; the next
// start recovers from the log.
func (d *Restartable) StopAtOnce(t testing.TB) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(d.server.dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(file, []byte("\n"))
	pid, err := strconv.Atoi(string(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-d.server.pg.Done()
	d.Stop(t) // lets go of the folder
}

// Start starts the server again.
func (d *Restartable) Start(t testing.TB) {
	t.Helper()
	if err := d.server.start(context.Background(), quiet, durable); err != nil {
		t.Fatal(err)
	}
	d.relink(t)
}

// relink turns the link to the server's present socket.
func (d *Restartable) relink(t testing.TB) {
	t.Helper()
	u, err := url.Parse(d.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(u.Query().Get("host"), d.link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(d.link+".new", d.link); err != nil {
		t.Fatal(err)
	}
}

func (d *Restartable) url(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(d.server.pg.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("host", d.link)
	u.RawQuery = q.Encode()
	return u.String()
}
