package webhook_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/webhook"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func newClient(t testing.TB, o egress.Options) *webhook.Client {
	t.Helper()
	h := egress.NewClient(o)
	t.Cleanup(h.CloseIdleConnections)
	return webhook.NewClient(h)
}

// local is a client that may reach this machine.
func local(t testing.TB) *webhook.Client { return newClient(t, egress.Options{Allow: loopback}) }

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// raw serves each connection with f, which gets it after one whole request, and closes it.
func raw(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err == nil {
			f(conn)
		}
	})
}

// listen serves each connection with f, closes it, and gives the address as a URL.
func listen(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/hook"
}

func hold(conn net.Conn) { io.Copy(io.Discard, conn) } //nolint:errcheck // until the client hangs up

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const body = `{"type":"change.announced","version":1,"text":"Grüße"}`

func try(url string) webhook.Request {
	return webhook.Request{
		ID: "0198c0de-0000-7000-8000-000000000001", URL: url, At: time.Now(), Body: []byte(body),
		Secrets: []string{webhook.NewSecret()},
	}
}

// send tries once with the time limit of production, or a shorter one where it is to run out.
func send(t testing.TB, c *webhook.Client, r webhook.Request, limit time.Duration) webhook.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return c.Send(ctx, r)
}

const (
	whole = 15 * time.Second
	short = 2 * time.Second
)
