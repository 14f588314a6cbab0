package notify_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// relay is a real SMTP server that keeps what it takes, and treats recipients by their local part.
type relay struct {
	mu       sync.Mutex
	messages []message
	tries    map[string]int
	refuse   func(to string, try int) error
	hold     chan struct{} // when not nil, messages are answered after it is closed
	server   *smtp.Server
	address  string
	listener net.Listener
}

type message struct {
	to  string
	raw string
}

func startRelay(t testing.TB) *relay {
	t.Helper()
	r := &relay{tries: map[string]int{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.listener = l.Addr().String(), l
	r.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{relay: r}, nil }))
	r.server.Domain, r.server.ErrorLog = "relay.example", discard{}
	go func() { _ = r.server.Serve(l) }()
	t.Cleanup(func() { _ = r.server.Close() })
	return r
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func (r *relay) received() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.messages...)
}

func (r *relay) to(address string) (out []message) {
	for _, m := range r.received() {
		if m.to == address {
			out = append(out, m)
		}
	}
	return out
}

type session struct {
	relay *relay
	to    string
}

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.tries[to]++
	s.to = to
	if s.relay.refuse != nil {
		return s.relay.refuse(to, s.relay.tries[to])
	}
	return nil
}

func (s *session) Data(body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	s.relay.mu.Lock()
	hold := s.relay.hold
	s.relay.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.messages = append(s.relay.messages, message{to: s.to, raw: string(raw)})
	return nil
}

// world is a house with the notices' service and a relay.
type world struct {
	*housetest.House
	notify *notify.Service
	email  *notify.Email
	links  *subscribers.Links
	relay  *relay
	pool   *email.Pool
	log    *slog.Logger
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOn(t, housetest.New(t), startRelay(t))
}

func worldOn(t testing.TB, h *housetest.House, r *relay) *world {
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
		PublicURL: "https://trust.nordlicht.example", MailFrom: "notices@nordlicht.example", Channels: []string{notify.ChannelEmail}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := email.ParseURL("smtp://" + r.address)
	if err != nil {
		t.Fatal(err)
	}
	w.pool = email.NewPool(cfg, 4, w.log)
	t.Cleanup(func() { _ = w.pool.Close() })
	w.email = notify.NewEmail(email.NewComposer(nil), w.pool, w.links, notify.EmailLimits{Connections: 4, PerDomain: 4})
	return w
}

// send runs the sender until no delivery is due, then stops it.
func (w *world) send(t testing.TB) {
	t.Helper()
	s := notify.StartSender(w.DB, w.Jobs, w.log, w.email)
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
