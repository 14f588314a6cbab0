package housetest

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Relay is a real SMTP server that keeps what it takes, and treats recipients by their local part.
type Relay struct {
	Address  string // host and port
	mu       sync.Mutex
	messages []Message
	tries    map[string]int
	refuse   func(to string, try int) error
	hold     chan struct{}
	listener net.Listener
}

// Message is one that the relay took.
type Message struct {
	To  string
	Raw string
}

// Refuse makes the relay answer recipients with what fn returns for the address and the number of
// the try, from 1; nil takes everything.
func (r *Relay) Refuse(fn func(to string, try int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = fn
}

// Hold makes the relay answer messages only after the channel is closed; nil answers at once.
func (r *Relay) Hold(until chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = until
}

// Down closes the relay's door: connections are refused.
func (r *Relay) Down() { _ = r.listener.Close() }

// StartRelay starts a relay on a loopback port until the test ends.
func StartRelay(t testing.TB) *Relay {
	t.Helper()
	r := &Relay{tries: map[string]int{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Address, r.listener = l.Addr().String(), l
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{relay: r}, nil }))
	server.Domain, server.ErrorLog = "relay.example", discard{}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return r
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// Received lists what the relay took so far.
func (r *Relay) Received() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.messages...)
}

// Asked counts the recipients that the relay was asked to take a message for.
func (r *Relay) Asked() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tries := range r.tries {
		n += tries
	}
	return n
}

// To lists what it took for one recipient.
func (r *Relay) To(address string) (out []Message) {
	for _, m := range r.Received() {
		if m.To == address {
			out = append(out, m)
		}
	}
	return out
}

type session struct {
	relay *Relay
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
	s.relay.messages = append(s.relay.messages, Message{To: s.to, Raw: string(raw)})
	return nil
}
