// Package apiv1test serves the API on a real database, for tests of programs that ask it.
package apiv1test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
	"fairnotice/web/apiv1"
)

// Server is the API over HTTP, with the house behind it. No worker runs.
type Server struct {
	*housetest.House
	*httptest.Server
	Accounts *accounts.Service
	Notify   *notify.Service
	T        testing.TB
}

// Serve starts it; the test's end stops it.
func Serve(t testing.TB) *Server {
	t.Helper()
	s := &Server{House: housetest.New(t), T: t}
	ring, err := secrets.ParseKeyRing(s.Keys)
	s.OK(err)
	links := subscribers.NewLinks(s.DB, ring)
	s.Notify, err = notify.New(s.DB, s.Jobs, s.Changes, s.Vendors, s.Publisher, links, notify.Options{
		PublicURL: "https://trust.nordlicht.example", MailFrom: "notices@nordlicht.example", Channels: subscribers.Channels})
	s.OK(err)
	mail := notify.NewEmail(email.NewComposer(nil), nil, links, notify.EmailLimits{Connections: 1})
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "http", Host: "trust.nordlicht.example"}, Publisher: "Nordlicht Software GmbH",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), Now: s.Clock.Now, Away: database.Away})
	s.OK(err)
	s.Accounts = accounts.New(s.DB)
	stopping := make(chan struct{})
	_, err = apiv1.New(kit, apiv1.Services{DB: s.DB, Accounts: s.Accounts, Publisher: s.Publisher, Vendors: s.Vendors,
		Subscribers: s.Subscribers, Changes: s.Changes, Notify: s.Notify, Composer: notify.Composers{notify.ChannelEmail: mail},
		Idempotency: idempotency.New(s.DB, ring), Stopping: stopping})
	s.OK(err)
	s.Server = httptest.NewServer(kit.Handler())
	t.Cleanup(func() {
		close(stopping) // streams end, and the server can close
		s.Close()
	})
	return s
}

// OK fails the test at an error.
func (s *Server) OK(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// Send runs a sender of mail until the test ends, over a relay that takes everything.
func (s *Server) Send(t testing.TB) *housetest.Relay {
	t.Helper()
	relay := housetest.StartRelay(t)
	cfg, err := email.ParseURL("smtp://" + relay.Address)
	s.OK(err)
	ring, err := secrets.ParseKeyRing(s.Keys)
	s.OK(err)
	pool := email.NewPool(cfg, 2, slog.New(slog.DiscardHandler))
	mail := notify.NewEmail(email.NewComposer(nil), pool, subscribers.NewLinks(s.DB, ring), notify.EmailLimits{Connections: 2, PerDomain: 2})
	sender := notify.StartSender(s.DB, s.Jobs, slog.New(slog.DiscardHandler), mail)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		sender.Stop(ctx)
		_ = pool.Close()
	})
	return relay
}

// Key makes an API key of somebody's, with their own role.
func (s *Server) Key(who actor.Actor) string {
	s.T.Helper()
	text, err := s.Accounts.CreateKey(s.T.Context(), who, &accounts.Key{Name: "test", Role: who.Role, PerMinute: accounts.HighestKeyRate})
	s.OK(err)
	return text
}
