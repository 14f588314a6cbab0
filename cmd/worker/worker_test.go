package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/secrets"
)

func TestMigrateUpAndDown(t *testing.T) {
	t.Setenv("DATABASE_URL", databasetest.NewBlankURL(t))
	health := func() error { return command(t.Context(), []string{"health"}, io.Discard) }
	if err := health(); err == nil || !strings.Contains(err.Error(), "worker migrate") {
		t.Errorf("health of an empty database: %v", err)
	}
	var out bytes.Buffer
	for _, args := range []string{"migrate", "migrate", "migrate --down-to 0", "migrate"} {
		if err := command(t.Context(), strings.Fields(args), &out); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
	}
	if !strings.Contains(out.String(), "The schema is at version 0.") {
		t.Errorf("it said %q", out.String())
	}
	if err := health(); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, args, url, want string }{
		{"no database named", "", "", "DATABASE_URL"},
		{"no database to migrate", "migrate", "", "DATABASE_URL"},
		{"no keys", "", databasetest.NewURL(t), "ENCRYPTION_KEYS"},
		{"a version that isn't", "migrate --down-to 99", databasetest.NewURL(t), "from 0 to"},
		{"a version below none", "migrate --down-to -1", databasetest.NewURL(t), "from 0 to"},
		{"too much", "migrate now", databasetest.NewURL(t), "nothing else"},
		{"no such command", "go", databasetest.NewURL(t), `no command "go"`},
	} {
		t.Setenv("DATABASE_URL", c.url)
		err := command(t.Context(), strings.Fields(c.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want a message with %q, got: %v", c.name, c.want, err)
		}
	}
	cfg := settings(t, databasetest.NewBlankURL(t))
	if err := run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "worker migrate") {
		t.Errorf("a database without a schema: %v", err)
	}
}

func settings(t *testing.T, url string) *config.Config {
	t.Helper()
	cfg, err := config.Load(map[string]string{"DATABASE_URL": url, "ENCRYPTION_KEYS": secrets.NewKey("k1"), "LOG_LEVEL": "error"}, config.Worker)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Two workers on one database work its jobs, and end when told to: here the job that removes
// sessions that have run out.
func TestWorkersWork(t *testing.T) {
	url := databasetest.NewURL(t)
	db, err := database.Open(t.Context(), url, database.Options{Now: func() time.Time { return time.Now().Add(-8 * 24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := accounts.New(db)
	if err := s.Create(t.Context(), actor.ForSystem(), &accounts.Account{Email: "ada@nordlicht.example", Name: "Ada", Role: actor.Admin}, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Authenticate(t.Context(), "ada@nordlicht.example", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		go func() { ended <- run(ctx, settings(t, url)) }()
	}
	left := 1
	for i := 0; i < 600 && left > 0; i++ {
		time.Sleep(50 * time.Millisecond)
		if err := db.Pool().QueryRow(t.Context(), "select count(*) from sessions").Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("a worker ended with %v", err)
		}
	}
	if left != 0 {
		t.Error("the session that has run out is still there after 30 seconds")
	}
}
