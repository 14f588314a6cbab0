package notify_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// world is a house with the notices' service and a relay.
type world struct {
	*housetest.House
	notify *notify.Service
	email  *notify.Email
	others []notify.Channel // besides email
	links  *subscribers.Links
	relay  *housetest.Relay
	pool   *email.Pool
	log    *slog.Logger
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOn(t, housetest.New(t), housetest.StartRelay(t))
}

func worldOn(t testing.TB, h *housetest.House, r *housetest.Relay) *world {
	t.Helper()
	ring, err := secrets.ParseKeyRing(secrets.NewKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{House: h, relay: r, links: subscribers.NewLinks(h.DB, ring), log: slog.New(slog.DiscardHandler)}
	if os.Getenv("TEST_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	w.notify, err = notify.New(h.DB, h.Jobs, h.Changes, h.Vendors, h.Publisher, w.links, notify.Options{
		PublicURL: "https://trust.nordlicht.example", MailFrom: "notices@nordlicht.example", Channels: []string{notify.ChannelEmail, notify.ChannelWebhook, notify.ChannelSlack}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := email.ParseURL("smtp://" + r.Address)
	if err != nil {
		t.Fatal(err)
	}
	w.pool = email.NewPool(cfg, 8, w.log)
	t.Cleanup(func() { _ = w.pool.Close() })
	w.email = notify.NewEmail(email.NewComposer(nil), w.pool, w.links, notify.EmailLimits{Connections: 4, PerDomain: 4})
	return w
}

// send runs the sender until no delivery is due, then stops it.
func (w *world) send(t testing.TB) {
	t.Helper()
	s := notify.StartSender(w.DB, w.Jobs, w.log, append([]notify.Channel{w.email}, w.others...)...)
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s.Stop(ctx)
	}()
	s.Wake(notify.ChannelEmail)
	w.await(t, "no delivery is due", func() bool {
		return w.count(t, "select count(*) from deliveries where due_at <= $1 or state = 'sending'", w.Clock.Now()) == 0
	})
}

// await waits for a condition; how long it may take is no assertion, only an end to waiting.
func (w *world) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

func (w *world) count(t testing.TB, sql string, args ...any) (n int) {
	t.Helper()
	if err := w.DB.Pool().QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) fanOut(t testing.TB, c *changes.Change) notify.Notice {
	t.Helper()
	if err := w.notify.FanOut(t.Context(), c.ID, notify.Announcement); err != nil {
		t.Fatal(err)
	}
	list, err := w.notify.NoticesOf(t.Context(), c.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("notices: %v, %v", list, err)
	}
	return list[0]
}

// states counts the deliveries by state, as "sent:3 failed:1".
func (w *world) states(t testing.TB, n notify.Notice) string {
	t.Helper()
	p, err := w.notify.ProgressOf(t.Context(), n.ID)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, s := range notify.States {
		if p.Counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", s, p.Counts[s]))
		}
	}
	return strings.Join(parts, " ")
}

func addMany(tb testing.TB, w *world, customer string, n int) {
	tb.Helper()
	_, err := w.DB.Pool().Exec(tb.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), $1::uuid, 'contract', 'email', 'c' || i || '@d' || i % 200 || '.example', 'en', 'active', now(), 'bench', now(), now(), now() from generate_series(1, $2::int) i`, customer, n)
	if err != nil {
		tb.Fatal(err)
	}
}
