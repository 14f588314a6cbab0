package apiv1

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/secrets"
)

// A body of 1 MB that is wrong, or long, everywhere costs about as much as another, and its answer tells the first
// faults only.
func TestABodyWrongEverywhereIsAnsweredShort(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.as(d.Staff("Ada Admin", actor.Admin))
	for name, body := range map[string]string{
		"a long name above many entries": `{"` + strings.Repeat("a", 500_000) + `":[` + strings.Repeat("0,", 240_000) + `0]}`,
		"many entries of a wrong type":   `{"name":"x","role":"editor","networks":[` + strings.Repeat("0,", 500_000) + `0]}`,
		"many texts of no use":           `{"name":"x","role":"editor","networks":[` + strings.Repeat(`"\u0000",`, 110_000) + `""]}`,
	} {
		began := time.Now()
		a := p.post("/me/keys", []byte(body)).want(422)
		if took := time.Since(began); took > 20*time.Second || len(a.Body) > 100_000 {
			t.Errorf("%s: answered after %v with %d bytes", name, took, len(a.Body))
		}
	}
}

// The note of a write doesn't help whoever reads the database to guess the password that was in it; and it
// is known again after the keys have rotated.
func TestTheNoteOfAWriteTellsNothingOfIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p, someone := d.as(d.Staff("Ada Admin", actor.Admin)), d.Staff("Eve Editor", actor.Editor)
	path, body := "/accounts/"+someone.ID.String()+"/password", []byte(`{"password":"correct horse battery"}`)
	p.send("PUT", path, body, "Idempotency-Key", "k").want(204)
	plain := sha256.Sum256([]byte("PUT\n" + Prefix + path + "\n\n" + string(body)))
	if n := d.count("select count(*) from idempotency_keys where digest = $1", plain[:]); n != 0 {
		t.Error("a bare digest of the password is stored")
	}
	if n := d.count("select count(*) from idempotency_keys"); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
	ring, err := secrets.ParseKeyRing(secrets.NewKey("next") + "," + d.Keys)
	d.ok(err)
	d.site.Idempotency = idempotency.New(d.DB, ring)
	if a := p.send("PUT", path, body, "Idempotency-Key", "k").want(204); a.Header.Get("Idempotency-Replayed") == "" {
		t.Error("it was done again after the keys had rotated")
	}
}

// Who has used up a key's rate doesn't get another minute's worth by editing the key.
func TestAnEditedKeysRateIsNotFilledUp(t *testing.T) {
	t.Parallel()
	r, now := newRates(), time.Now()
	k := &accounts.Key{ID: secrets.ID(), PerMinute: 10}
	for range 10 {
		if _, err := r.allow(k, now); err != nil {
			t.Fatal(err)
		}
	}
	k.PerMinute = 9
	if _, err := r.allow(k, now); err == nil {
		t.Error("the edited key had a full bucket")
	}
	if _, err := r.allow(k, now.Add(7*time.Second)); err != nil {
		t.Error("it doesn't fill by and by:", err)
	}
}
