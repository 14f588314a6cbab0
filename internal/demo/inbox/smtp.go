package inbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

func newSMTP(store *store, log *slog.Logger) *smtp.Server {
	b := &backend{store: store, log: log, turnedAway: map[string]bool{}}
	s := smtp.NewServer(b)
	s.Domain = "demo-inbox.example"
	s.MaxMessageBytes = MaxMessage
	s.MaxRecipients = 100
	s.EnableSMTPUTF8 = true
	s.ReadTimeout, s.WriteTimeout = 2*time.Minute, time.Minute
	s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // clients that hang up
	return s
}

// backend decides on addresses for all connections.
type backend struct {
	store *store
	log   *slog.Logger

	mu         sync.Mutex
	turnedAway map[string]bool // greylisted addresses whose next try is accepted
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{backend: b}, nil }

// session is one connection; go-smtp calls it from one goroutine.
type session struct {
	backend *backend
	from    string
	to      []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.backend.judge(to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

// judge refuses the addresses that are there to be refused.
func (b *backend) judge(to string) error {
	to = strings.ToLower(to)
	switch {
	case strings.HasPrefix(to, "bounce"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox (the demo inbox refuses addresses that begin with bounce)"}
	case strings.HasPrefix(to, "greylist") && b.turnAway(to):
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again later (the demo inbox accepts the next try)"}
	}
	return nil
}

// turnAway is true every other time, so that each message to the address shows a retry.
func (b *backend) turnAway(to string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.turnedAway[to] {
		delete(b.turnedAway, to)
		return false
	}
	b.turnedAway[to] = true
	return true
}

// Data keeps the message. Only then does the sender hear 250.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		var own *smtp.SMTPError
		if errors.As(err, &own) {
			return own // too large
		}
		return fmt.Errorf("read a message: %w", err)
	}
	if err := s.backend.store.add(envelope{From: s.from, To: s.to}, raw); err != nil {
		s.backend.log.Error("the demo inbox can't keep a message", "error", err)
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "The message can't be stored"}
	}
	return nil
}
