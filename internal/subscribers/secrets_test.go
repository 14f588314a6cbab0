package subscribers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fairnotice/internal/fault"
	"fairnotice/internal/jobs"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

const (
	slackURL  = "https://hooks.slack.com/services/T000/B000/verysecret"
	slackURL2 = "https://hooks.slack.com/services/T000/B000/othersecret"
	botToken  = subscribers.Secret("xoxb-1111-2222-verysecret")
)

// kept is what the database has of a subscription's secrets, opened with the house's keys.
type kept struct {
	Secret, Former string
	Until          *time.Time
}

func (h *house) kept(id uuid.UUID) kept { return h.openedWith(h.ring, id) }

func (h *house) openedWith(ring *secrets.KeyRing, id uuid.UUID) (out kept) {
	h.t.Helper()
	var secret, former []byte
	h.ok(h.db.Pool().QueryRow(h.t.Context(), "select secret, former_secret, former_secret_until from subscriptions where id = $1", id).Scan(&secret, &former, &out.Until))
	vault := subscribers.NewVault(ring)
	for _, x := range []struct {
		sealed []byte
		into   *string
	}{{secret, &out.Secret}, {former, &out.Former}} {
		if x.sealed == nil {
			continue
		}
		opened, err := vault.Open(id, x.sealed)
		h.ok(err)
		*x.into = opened
	}
	return out
}

// nowhere looks for secrets in the rows, and in the record, of everything.
func (h *house) nowhere(hidden ...string) {
	h.t.Helper()
	for _, table := range []string{"subscriptions", "ledger_entries", "ledger_bodies"} {
		for _, secret := range hidden {
			for _, form := range []string{secret, fmt.Sprintf("%x", secret)} { // a bytea is shown in hexadecimal
				var n int
				h.ok(h.db.Pool().QueryRow(h.t.Context(), "select count(*) from "+table+" x where position($1 in x::text) > 0", form).Scan(&n))
				if n > 0 {
					h.t.Errorf("%s holds a secret in the clear (%d rows)", table, n)
				}
			}
		}
	}
}

// recorded are the kinds of what the ledger has of a subscription, the oldest first, with what of
// the secret changed.
func (h *house) recorded(id uuid.UUID) (out []string) {
	h.t.Helper()
	entries, err := ledger.About(h.t.Context(), h.db, id, 50)
	h.ok(err)
	for _, e := range entries {
		var edit ledger.Edit
		h.ok(json.Unmarshal(e.Body, &edit))
		line := e.Kind
		for _, field := range []string{"address", "secret", "former_secret"} {
			if _, ok := edit.Changed[field]; ok {
				line += " " + field
			}
		}
		out = append([]string{line}, out...)
	}
	return out
}

func TestAWebhooksSecretIsToldOnceAndRotated(t *testing.T) {
	h := newHouse(t)
	s := h.follower("webhook", "https://example.org/hook", nil)
	first := string(s.SigningSecret)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(first, "whsec_"))
	if err != nil || !strings.HasPrefix(first, "whsec_") || len(raw) != 32 {
		t.Fatalf("the secret has %d bytes, %v", len(raw), err)
	}
	read, err := h.Subscription(t.Context(), s.ID)
	h.ok(err)
	if read.SigningSecret != "" || !read.HasSecret || read.FormerSecretUntil != nil {
		t.Errorf("read back: %q, kept %v, former until %v", string(read.SigningSecret), read.HasSecret, read.FormerSecretUntil)
	}
	wantFault(t, "end what isn't there", h.EndFormerSecret(t.Context(), h.who, s.ID, 1), "subscription.no_former_secret", "")

	second, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
	h.ok(err)
	until := h.clock.Now().Add(24 * time.Hour)
	if diff := cmp.Diff(kept{string(second), first, &until}, h.kept(s.ID)); diff != "" {
		t.Errorf("rotated (-want +got):\n%s", diff)
	}
	_, err = h.RotateSecret(t.Context(), h.who, s.ID, 1)
	wantFault(t, "by a late reader", err, "changed_meanwhile", "")

	h.clock.Add(23 * time.Hour)
	third, err := h.RotateSecret(t.Context(), h.who, s.ID, 2)
	h.ok(err)
	until = h.clock.Now().Add(24 * time.Hour)
	if diff := cmp.Diff(kept{string(third), string(second), &until}, h.kept(s.ID)); diff != "" {
		t.Errorf("rotated again within the day (-want +got):\n%s", diff)
	}
	h.ok(h.EndFormerSecret(t.Context(), h.who, s.ID, 3))
	if diff := cmp.Diff(kept{Secret: string(third)}, h.kept(s.ID)); diff != "" {
		t.Errorf("the former one ended (-want +got):\n%s", diff)
	}
	want := []string{"subscription.added", "subscription.secret_set secret", "subscription.secret_rotated secret",
		"subscription.secret_rotated secret", "subscription.former_secret_ended former_secret"}
	if diff := cmp.Diff(want, h.recorded(s.ID)); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	for _, secret := range []string{first, string(second), string(third)} {
		h.nowhere(secret, strings.TrimPrefix(secret, "whsec_"))
	}
}

func TestFormerSecretsAreSweptWhenTheyEnd(t *testing.T) {
	h := newHouse(t)
	s, other := h.follower("webhook", "https://a.example/hook", nil), h.follower("webhook", "https://b.example/hook", nil)
	fresh, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
	h.ok(err)
	h.clock.Add(time.Hour)
	_, err = h.RotateSecret(t.Context(), h.who, other.ID, 1)
	h.ok(err)
	h.clock.Add(23*time.Hour - time.Second)
	h.ok(h.SweepSecrets(t.Context()))
	if h.kept(s.ID).Former == "" {
		t.Error("swept a second before its end")
	}
	h.clock.Add(time.Second)
	if read, err := h.Subscription(t.Context(), s.ID); err != nil || read.FormerSecretUntil != nil {
		t.Errorf("shown past its end: %v, %v", read.FormerSecretUntil, err)
	}
	wantFault(t, "end what has ended", h.EndFormerSecret(t.Context(), h.who, s.ID, 2), "subscription.no_former_secret", "")
	h.ok(h.SweepSecrets(t.Context()))
	if diff := cmp.Diff(kept{Secret: string(fresh)}, h.kept(s.ID)); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	if h.kept(other.ID).Former == "" {
		t.Error("another's, which has an hour left, went too")
	}
}

func TestSweepingIsAJobByTheClock(t *testing.T) {
	h := newHouse(t)
	s := h.follower("webhook", "https://a.example/hook", nil)
	_, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
	h.ok(err)
	h.clock.Add(subscribers.FormerSecretSigns)
	c := jobs.Config{Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}}, Workers: river.NewWorkers(), Log: slog.New(slog.DiscardHandler)}
	h.AddJobs(&c)
	runner, err := jobs.Start(t.Context(), h.db, c)
	h.ok(err)
	deadline := time.After(time.Minute)
	for h.kept(s.ID).Former != "" {
		select {
		case <-deadline:
			t.Fatal("after a minute the former secret is still there")
		case <-time.After(50 * time.Millisecond):
		}
	}
	h.ok(runner.Stop(t.Context()))
}

func TestOfASlackURLOnlyTheShownFormIsInTheClear(t *testing.T) {
	h := newHouse(t)
	s := h.follower("slack", slackURL, nil)
	const shown = "https://hooks.slack.com/services/T000/B000/…886d64f7" // printf %s … | sha256sum
	if s.Address != shown || s.ShownAddress() != shown || h.kept(s.ID).Secret != slackURL {
		t.Errorf("stored as %s, shown as %s", s.Address, s.ShownAddress())
	}
	again := newFollower("slack", slackURL)
	wantFault(t, "the same again", h.Subscribe(t.Context(), h.who, again), "duplicate", "address")
	if again.Address != slackURL {
		t.Errorf("what was typed became %s though nothing was stored", again.Address)
	}
	h.follower("slack", slackURL2, nil)
	h.ok(h.Disable(t.Context(), h.who, s.ID, 1, "revoked"))
	wantFault(t, "another's URL", h.ReplaceSecret(t.Context(), h.who, s.ID, 2, slackURL2), "duplicate", "address")
	wantFault(t, "no URL", h.ReplaceSecret(t.Context(), h.who, s.ID, 2, ""), "required", "address")
	wantFault(t, "a token for a URL", h.ReplaceSecret(t.Context(), h.who, s.ID, 2, botToken), "url.malformed", "address")
	wantFault(t, "another host", h.ReplaceSecret(t.Context(), h.who, s.ID, 2, "https://evil.example/services/T/B/x"), "slack.host", "address")
	h.ok(h.ReplaceSecret(t.Context(), h.who, s.ID, 2, " "+slackURL+"3 "))
	read, err := h.Subscription(t.Context(), s.ID)
	h.ok(err)
	if h.kept(s.ID).Secret != slackURL+"3" || read.State != subscribers.Disabled || read.Address == shown {
		t.Errorf("replaced: %+v", read)
	}
	h.ok(h.Resume(t.Context(), h.who, s.ID, 3))
	_, err = h.RotateSecret(t.Context(), h.who, s.ID, 4)
	wantFault(t, "rotate what Slack made", err, "subscription.not_webhook", "")
	want := []string{"subscription.added", "subscription.secret_set secret", "subscription.disabled",
		"subscription.secret_replaced address secret", "subscription.active"}
	if diff := cmp.Diff(want, h.recorded(s.ID)); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	h.nowhere("verysecret", "othersecret")
}

func TestASlackTokenIsSealed(t *testing.T) {
	h := newHouse(t)
	s := h.follower("slack", "C012AB3CD4E", func(s *subscribers.Subscription) { s.Token = botToken })
	if s.Token != "" || s.Address != "C012AB3CD4E" || h.kept(s.ID).Secret != string(botToken) {
		t.Errorf("stored: %+v", s)
	}
	wantFault(t, "no token", h.ReplaceSecret(t.Context(), h.who, s.ID, 1, " "), "slack.token_needed", "token")
	wantFault(t, "a URL for a token", h.ReplaceSecret(t.Context(), h.who, s.ID, 1, slackURL), "slack.token_malformed", "token")
	h.ok(h.ReplaceSecret(t.Context(), h.who, s.ID, 1, botToken+"2"))
	if got := h.kept(s.ID).Secret; got != string(botToken)+"2" {
		t.Error("the new token isn't there")
	}
	hook := h.follower("webhook", "https://example.org/hook", nil)
	wantFault(t, "replace a webhook's", h.ReplaceSecret(t.Context(), h.who, hook.ID, 1, botToken), "subscription.not_slack", "")
	h.nowhere(string(botToken))
}

// An edit writes every column that gorm knows of; those of secrets are not among them.
func TestEditsKeepSecrets(t *testing.T) {
	h := newHouse(t)
	s := h.follower("webhook", "https://example.org/hook", nil)
	_, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
	h.ok(err)
	before := h.kept(s.ID)
	h.ok(h.Pause(t.Context(), h.who, s.ID, 2, ""))
	h.ok(h.Resume(t.Context(), h.who, s.ID, 3))
	h.ok(h.RevokeLinks(t.Context(), h.who, s.ID))
	if diff := cmp.Diff(before, h.kept(s.ID)); diff != "" || before.Former == "" {
		t.Errorf("after edits (-want +got):\n%s", diff)
	}
}

func TestNothingIsResumedWithoutItsSecret(t *testing.T) {
	h := newHouse(t)
	hook := h.follower("webhook", "https://example.org/hook", nil)
	slack := h.follower("slack", slackURL, nil)
	for _, s := range []*subscribers.Subscription{hook, slack} {
		h.ok(h.Disable(t.Context(), h.who, s.ID, 1, ""))
		h.exec("update subscriptions set secret = null where id = $1", s.ID) // as a migration leaves it
	}
	wantFault(t, "webhook", h.Resume(t.Context(), h.who, hook.ID, 2), "subscription.no_secret_webhook", "")
	wantFault(t, "slack", h.Resume(t.Context(), h.who, slack.ID, 2), "subscription.no_secret_slack", "")
	made, err := h.RotateSecret(t.Context(), h.who, hook.ID, 2)
	h.ok(err)
	if diff := cmp.Diff(kept{Secret: string(made)}, h.kept(hook.ID)); diff != "" {
		t.Errorf("the first secret by rotation (-want +got):\n%s", diff)
	}
	h.ok(h.ReplaceSecret(t.Context(), h.who, slack.ID, 2, slackURL))
	h.ok(h.Resume(t.Context(), h.who, hook.ID, 3))
	h.ok(h.Resume(t.Context(), h.who, slack.ID, 3))
}

func TestWhoComesBackGetsANewSecret(t *testing.T) {
	h := newHouse(t)
	s := h.follower("webhook", "https://example.org/hook", nil)
	_, err := h.RotateSecret(t.Context(), h.who, s.ID, 1)
	h.ok(err)
	_, err = h.Unsubscribe(t.Context(), h.who, s.ID, "by letter")
	h.ok(err)
	if diff := cmp.Diff(kept{}, h.kept(s.ID)); diff != "" {
		t.Errorf("kept after unsubscribing (-want +got):\n%s", diff)
	}
	_, err = h.RotateSecret(t.Context(), h.who, s.ID, 3)
	wantFault(t, "rotate while unsubscribed", err, "subscription.state", "")
	again := h.follower("webhook", "https://example.org/hook", nil)
	if again.ID != s.ID || again.SigningSecret == "" || again.SigningSecret == s.SigningSecret {
		t.Errorf("back as %s, with the same secret: %v", again.ID, again.SigningSecret == s.SigningSecret)
	}
	if diff := cmp.Diff(kept{Secret: string(again.SigningSecret)}, h.kept(s.ID)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestASecretShowsItselfNowhere(t *testing.T) {
	var out bytes.Buffer
	s := subscribers.Subscription{Address: "C012AB3CD4E", Token: botToken, SigningSecret: "whsec_verysecret"}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("subscription", "token", s.Token, "all", s)
	slog.New(slog.NewTextHandler(&out, nil)).Info("subscription", "token", s.Token, "all", s)
	fmt.Fprintf(&out, "%v %+v %#v %s %x %q", s, &s, s, s.Token, s.Token, s.SigningSecret)
	raw, err := json.Marshal(map[string]any{"sub": s, "token": s.Token})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	if strings.Contains(out.String(), "verysecret") || strings.Contains(out.String(), fmt.Sprintf("%x", string(botToken))) {
		t.Errorf("it shows: %s", out.String())
	}
	if !strings.Contains(out.String(), "[secret]") {
		t.Errorf("nothing was shown at all: %s", out.String())
	}
}

func TestSecretsAreNotForEveryRole(t *testing.T) {
	h := newHouse(t)
	s := h.follower("webhook", "https://example.org/hook", nil)
	reader := h.who
	reader.Role = "reviewer"
	_, err := h.RotateSecret(t.Context(), reader, s.ID, 1)
	for what, err := range map[string]error{"rotate": err, "end": h.EndFormerSecret(t.Context(), reader, s.ID, 1), "replace": h.ReplaceSecret(t.Context(), reader, s.ID, 1, botToken)} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
