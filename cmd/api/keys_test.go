package main

import (
	"bytes"
	"strings"
	"testing"

	"fairnotice/internal/actor"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// withKeys runs fn as a program with these keys would, on the database of the environment.
func withKeys(t *testing.T, keys string, fn func(*database.DB, *subscribers.Vault) error) {
	t.Helper()
	t.Setenv("ENCRYPTION_KEYS", keys)
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := cfg.KeyRing()
	if err != nil {
		t.Fatal(err)
	}
	if err := withDatabase(t.Context(), cfg, func(db *database.DB) error { return fn(db, subscribers.NewVault(ring)) }); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreRotatedByTheCommand(t *testing.T) {
	t.Setenv("DATABASE_URL", databasetest.NewURL(t))
	older, newer := secrets.NewKey("k1"), secrets.NewKey("k2")
	hook := &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: subscribers.Webhook, Address: "https://hooks.follower.example/x", Language: "en", ConsentHow: "form"}
	withKeys(t, older, func(db *database.DB, vault *subscribers.Vault) error {
		return subscribers.New(db, vault, subscribers.AddressRules{}).Subscribe(t.Context(), actor.ForSystem(), hook)
	})
	rotate := func(keys string) (string, error) {
		var out bytes.Buffer
		t.Setenv("ENCRYPTION_KEYS", keys)
		err := command(t.Context(), []string{"admin", "rotate-keys"}, nil, &out)
		return out.String(), err
	}
	if said, err := rotate(newer); err == nil || !strings.Contains(err.Error(), hook.ID.String()) || strings.Contains(said, "No stored secret needs") {
		t.Errorf("without the old key it says %q, %v", said, err)
	}
	said, err := rotate(newer + "," + older)
	if err != nil || !strings.Contains(said, `sealed anew with the key "k2": 1.`) || !strings.Contains(said, "No stored secret needs another key.") {
		t.Errorf("it says %q, %v", said, err)
	}
	withKeys(t, newer, func(db *database.DB, vault *subscribers.Vault) error {
		var sealed []byte
		if err := db.Pool().QueryRow(t.Context(), "select secret from subscriptions where id = $1", hook.ID).Scan(&sealed); err != nil {
			return err
		}
		secret, err := vault.Open(hook.ID, sealed)
		if secret != string(hook.SigningSecret) {
			t.Error("with the new key alone another secret comes out")
		}
		return err
	})
	if said, err := rotate(newer); err != nil || !strings.Contains(said, `"k2": 0.`) {
		t.Errorf("once more it says %q, %v", said, err)
	}
}
