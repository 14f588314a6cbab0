package subscribers_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func ringOf(t *testing.T, keys ...string) *secrets.KeyRing {
	t.Helper()
	ring, err := secrets.ParseKeyRing(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// with is the service of a program that runs with other keys.
func (h *house) with(ring *secrets.KeyRing) *subscribers.Service {
	return subscribers.New(h.db, subscribers.NewVault(ring), testRules)
}

func TestKeysAreRotated(t *testing.T) {
	h := newHouse(t)
	older, newer := secrets.NewKey("old"), secrets.NewKey("new")
	h.ring = ringOf(t, older)
	h.Service = h.with(h.ring)
	want := map[uuid.UUID]kept{}
	h.follower("email", "f@example.org", nil)
	for i := range 30 {
		s := h.follower("webhook", fmt.Sprintf("https://example.org/%d", i), nil)
		if i%3 == 0 {
			_, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
			h.ok(err)
		}
		want[s.ID] = h.kept(s.ID)
	}
	slack := h.follower("slack", slackURL, nil)
	want[slack.ID] = h.kept(slack.ID)

	both := h.with(ringOf(t, newer, older))
	var told []int
	done, err := both.ReSeal(t.Context(), func(n int) { told = append(told, n) })
	h.ok(err)
	if done != len(want) || len(told) == 0 || told[len(told)-1] != done {
		t.Errorf("%d of %d sealed anew, told %v", done, len(want), told)
	}
	for id := range want {
		if diff := cmp.Diff(want[id], h.openedWith(ringOf(t, newer), id)); diff != "" {
			t.Errorf("with the new key alone (-want +got):\n%s", diff)
		}
	}
	if done, err := both.ReSeal(t.Context(), nil); done != 0 || err != nil {
		t.Errorf("once more: %d, %v", done, err)
	}
}

func TestManyReSealInBatches(t *testing.T) {
	h := newHouse(t)
	older, newer := secrets.NewKey("old"), secrets.NewKey("new")
	vaultRow := h.with(ringOf(t, older))
	s := newFollower("webhook", "https://example.org/first")
	h.ok(vaultRow.Subscribe(t.Context(), h.who, s))
	// Sealed for another subscription, these can't be opened: what counts here are the batches.
	h.exec(`insert into subscriptions (id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at, secret)
		select gen_random_uuid(), 'follower', 'webhook', 'https://example.org/' || n, 'en', 'active', now(), 'form', now(), now(), now(), x.secret
		from generate_series(1, 450) n, subscriptions x where x.id = $1`, s.ID)
	done, err := h.with(ringOf(t, newer, older)).ReSeal(t.Context(), nil)
	var lost *subscribers.LostError
	if !errors.As(err, &lost) || len(lost.Subscriptions) != 450 || done != 1 {
		t.Fatalf("%d sealed anew, %v", done, err)
	}
	if got := h.openedWith(ringOf(t, newer), s.ID).Secret; got != string(s.SigningSecret) {
		t.Error("the one that could be opened isn't sealed with the new key")
	}
}

func TestASecretWhoseKeyIsGoneIsNamed(t *testing.T) {
	h := newHouse(t)
	gone, older, newer := secrets.NewKey("gone"), secrets.NewKey("old"), secrets.NewKey("new")
	lostOne, fine := newFollower("webhook", "https://a.example/"), newFollower("webhook", "https://b.example/")
	h.ok(h.with(ringOf(t, gone)).Subscribe(t.Context(), h.who, lostOne))
	h.ok(h.with(ringOf(t, older)).Subscribe(t.Context(), h.who, fine))
	done, err := h.with(ringOf(t, newer, older)).ReSeal(t.Context(), nil)
	var lost *subscribers.LostError
	if done != 1 || !errors.As(err, &lost) || !errors.Is(err, secrets.ErrSealed) || !strings.Contains(err.Error(), lostOne.ID.String()) {
		t.Fatalf("%d done, %v", done, err)
	}
	if diff := cmp.Diff([]uuid.UUID{lostOne.ID}, lost.Subscriptions); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if h.openedWith(ringOf(t, newer), fine.ID).Secret != string(fine.SigningSecret) {
		t.Error("the other one isn't sealed anew")
	}
	// The key is found again: nothing was destroyed.
	done, err = h.with(ringOf(t, newer, gone)).ReSeal(t.Context(), nil)
	if done != 1 || err != nil || h.openedWith(ringOf(t, newer), lostOne.ID).Secret != string(lostOne.SigningSecret) {
		t.Errorf("with the key again: %d, %v", done, err)
	}
}

// A rotation gets in between what a run read and what it locks, and a second run waits behind both:
// the secret that was told last is the one that is kept.
func TestReSealingBesideItselfAndARotation(t *testing.T) {
	h := newHouse(t)
	older, newer := secrets.NewKey("old"), secrets.NewKey("new")
	before, now := h.with(ringOf(t, older)), h.with(ringOf(t, newer, older))
	s := newFollower("webhook", "https://example.org/hook")
	h.ok(before.Subscribe(t.Context(), h.who, s))

	hold, err := h.db.Pool().Begin(t.Context())
	h.ok(err)
	_, err = hold.Exec(t.Context(), "select from subscriptions where id = $1 for update", s.ID)
	h.ok(err)
	var wg sync.WaitGroup
	behind := func(waiting int, fn func() error) {
		wg.Go(func() {
			if err := fn(); err != nil {
				t.Error(err)
			}
		})
		for n := -1; n < waiting; {
			h.ok(h.db.Pool().QueryRow(t.Context(), `select count(*) from pg_stat_activity
				where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
		}
	}
	var fresh subscribers.Secret
	behind(1, func() (err error) {
		fresh, err = before.RotateSecret(t.Context(), h.who, s.ID, 1) // a program that hasn't got the new key yet
		return err
	})
	sealed := make(chan int, 2)
	for i := range 2 {
		behind(2+i, func() error {
			n, err := now.ReSeal(t.Context(), nil)
			sealed <- n
			return err
		})
	}
	h.ok(hold.Rollback(t.Context()))
	wg.Wait()
	if n := <-sealed + <-sealed; n != 1 {
		t.Errorf("the two runs sealed %d subscriptions anew, want 1", n)
	}
	if got := h.openedWith(ringOf(t, newer), s.ID); got.Secret != string(fresh) || got.Former != string(s.SigningSecret) {
		t.Error("other secrets are kept than were told")
	}
}
