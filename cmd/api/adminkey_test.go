package main

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
)

func TestTheCommandMakesAKey(t *testing.T) {
	t.Setenv("DATABASE_URL", databasetest.NewURL(t))
	t.Setenv("PUBLIC_URL", "https://trust.nordlicht.example")
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := command(t.Context(), append([]string{"admin", "key"}, args...), nil, &out)
		return out.String(), err
	}
	if _, err := run("--email", "ada@nordlicht.example", "--name", "pipeline"); err == nil || !strings.Contains(err.Error(), "There is no such account.") {
		t.Errorf("for nobody: %v", err)
	}
	on := func(fn func(*database.DB, *accounts.Service) error) {
		t.Helper()
		if err := withDatabase(t.Context(), cfg, func(db *database.DB) error { return fn(db, accounts.New(db)) }); err != nil {
			t.Fatal(err)
		}
	}
	on(func(_ *database.DB, s *accounts.Service) error {
		return s.Create(t.Context(), actor.ForSystem(), &accounts.Account{Email: "ada@nordlicht.example", Name: "Ada", Role: actor.Approver}, "three quiet herons wade")
	})
	said, err := run("--email", "ada@nordlicht.example", "--name", "pipeline", "--role", "editor", "--days", "7", "--network", "198.51.100.0/24", "--network", "2001:db8::1", "--per-minute", "5")
	text := regexp.MustCompile(`^fnk_\S{43}\n`).FindString(said)
	if err != nil || text == "" || !strings.Contains(said, "acts for: Ada, as editor") || !strings.Contains(said, "from:     198.51.100.0/24, 2001:db8::1/128") ||
		!strings.Contains(said, `curl -H "Authorization: Bearer `+strings.TrimSpace(text)+`" https://trust.nordlicht.example/api/v1/me`) {
		t.Fatalf("it says %q, %v", said, err)
	}
	on(func(db *database.DB, s *accounts.Service) error {
		who, k, err := s.KeyActor(t.Context(), strings.TrimSpace(text), netip.MustParseAddr("198.51.100.9"))
		if err != nil {
			return err
		}
		left := k.ExpiresAt.Sub(db.Now())
		if who.Role != actor.Editor || k.PerMinute != 5 || left > 7*24*time.Hour || left < 7*24*time.Hour-time.Hour {
			t.Errorf("the key is %+v, for %v", k, left)
		}
		_, _, err = s.KeyActor(t.Context(), strings.TrimSpace(text), netip.MustParseAddr("203.0.113.9"))
		if !fault.Has(err, "key.network") {
			t.Errorf("from elsewhere: %v", err)
		}
		return nil
	})
	for _, bad := range []struct{ args, want string }{
		{"--email ada@nordlicht.example", "--name is missing"},
		{"--email ada@nordlicht.example --name x --role admin", "approver"},
		{"--email ada@nordlicht.example --name x --network all", "--network: “all” is not a network"},
		{"--email ada@nordlicht.example --name x --days 0", "--days is between 1 and 366"},
		{"--email ada@nordlicht.example --name x --per-minute 0", "--per-minute is 1 or more"},
		{"--email ada@nordlicht.example --name x more", `doesn't take "more"`},
	} {
		if said, err := run(strings.Fields(bad.args)...); err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(said, accounts.KeyPrefix) {
			t.Errorf("%s: it says %q, %v", bad.args, said, err)
		}
	}
	if _, err := run("--help"); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}
