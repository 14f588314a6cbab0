package slack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/slack"
)

// served runs f on every connection of a listener.
func served(t *testing.T, f func(conn net.Conn)) string {
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
			go f(conn)
		}
	}()
	return l.Addr().String()
}

// swallow reads one whole request.
func swallow(conn net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// want checks both ways to post against one outcome.
func want(t *testing.T, c *slack.Client, server string, limit time.Duration, outcome slack.Outcome, stage string) {
	t.Helper()
	for name, target := range targets(server) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		r := c.Send(ctx, target, notice())
		cancel()
		if r.Outcome != outcome || r.Stage != stage || r.Code != 0 || r.Gone {
			t.Errorf("%s: %#v, want %s at %s", name, r, outcome, stage)
		}
	}
}

const generous = time.Minute

func TestNoAnswerAfterTheBodyIsAmbiguous(t *testing.T) {
	quit := make(chan struct{})
	t.Cleanup(func() { close(quit) })
	hangs := served(t, func(conn net.Conn) { swallow(conn); <-quit; conn.Close() })
	closes := served(t, func(conn net.Conn) { swallow(conn); conn.Close() })
	resets := served(t, func(conn net.Conn) {
		swallow(conn)
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	garbage := served(t, func(conn net.Conn) { swallow(conn); fmt.Fprint(conn, "SSH-2.0-x\r\n\r\n"); conn.Close() })
	half := served(t, func(conn net.Conn) { swallow(conn); fmt.Fprint(conn, "HTTP/1.1 200 O"); conn.Close() })
	for _, address := range []string{hangs, closes, resets, garbage, half} {
		limit := generous
		if address == hangs {
			limit = 200 * time.Millisecond
		}
		want(t, client(t, "http://"+address), "http://"+address, limit, slack.Ambiguous, slack.StageResponse)
	}
}

func TestAnAnswerCutShortIsAmbiguous(t *testing.T) {
	address := served(t, func(conn net.Conn) {
		swallow(conn)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
		conn.Close()
	})
	for name, target := range targets("http://" + address) {
		if r := client(t, "http://"+address).Send(t.Context(), target, notice()); r.Outcome != slack.Ambiguous || r.Code != 200 {
			t.Errorf("%s: %#v", name, r)
		}
	}
}

func TestWhatFailsBeforeTheBodyIsTemporary(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	want(t, client(t, gone.URL), gone.URL, generous, slack.Temporary, slack.StageConnect)

	stranger := httptest.NewUnstartedServer(http.NotFoundHandler()) // nobody knows its authority
	stranger.Config.ErrorLog = nil
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	want(t, client(t, stranger.URL), stranger.URL, generous, slack.Temporary, slack.StageTLS)

	quit := make(chan struct{})
	t.Cleanup(func() { close(quit) })
	mute := "https://" + served(t, func(conn net.Conn) { <-quit; conn.Close() })
	want(t, client(t, mute), mute, 200*time.Millisecond, slack.Temporary, slack.StageTLS)

	const nameless = "http://name.invalid"
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
	dialer := &net.Dialer{Resolver: resolver}
	c := slack.NewClient(slack.Options{HTTP: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}, Hosts: []string{"name.invalid"}, APIURL: nameless + "/api/"})
	want(t, c, nameless, generous, slack.Temporary, slack.StageDNS)
}

// The far side hangs up, or stops reading, while the message is being written: it lacks the end, so
// nothing is posted.
func TestAMessageWrittenInPartIsTemporary(t *testing.T) {
	quit := make(chan struct{})
	t.Cleanup(func() { close(quit) })
	resets := served(t, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		_, _ = io.ReadFull(conn, make([]byte, 100))
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	})
	stalls := served(t, func(conn net.Conn) { _ = conn.(*net.TCPConn).SetReadBuffer(4096); <-quit; conn.Close() })
	narrow := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetWriteBuffer(4096)
		}
		return conn, err
	}
	big, err := json.Marshal(strings.Repeat("日", 3000))
	if err != nil {
		t.Fatal(err)
	}
	m := slack.Message{Text: "x", Blocks: repeated(`{"type":"section","text":{"type":"mrkdwn","text":`+string(big)+`}}`, 50)}
	for _, address := range []string{resets, stalls} {
		c := slack.NewClient(slack.Options{HTTP: &http.Client{Transport: &http.Transport{DialContext: narrow}}, Hosts: []string{address}, APIURL: "http://" + address + "/api/"})
		limit := generous
		if address == stalls {
			limit = 3 * time.Second
		}
		for name, target := range targets("http://" + address) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			if r := c.Send(ctx, target, m); r.Outcome != slack.Temporary || r.Stage != slack.StageRequest {
				t.Errorf("%s: %#v", name, r)
			}
			cancel()
		}
	}
}

// deafened is a connection that takes the header and nothing of the body.
type deafened struct {
	net.Conn
	writes atomic.Int64
}

func (d *deafened) Write(p []byte) (int, error) {
	if d.writes.Add(1) > 1 {
		return 0, syscall.EPIPE
	}
	return d.Conn.Write(p)
}

// A short message is with the transport before it is written: that alone doesn't make it sent.
func TestABodyThatCantBeWrittenIsTemporary(t *testing.T) {
	w := newWorkspace(t)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &deafened{Conn: conn}, err
	}
	c := slack.NewClient(slack.Options{HTTP: &http.Client{Transport: &http.Transport{DialContext: dial}}, Hosts: []string{strings.TrimPrefix(w.URL, "http://")}, APIURL: w.URL + "/api/"})
	want(t, c, w.URL, generous, slack.Temporary, slack.StageRequest)
}

// A kept connection that can't be written to anymore is replaced, and what is said of the post is
// said of the second connection.
func TestAStaleConnectionIsReplaced(t *testing.T) {
	quit := make(chan struct{})
	var posts atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if posts.Add(1) > 1 {
			<-quit
		}
		fmt.Fprint(rw, "ok")
	}))
	t.Cleanup(func() { close(quit); s.Close() }) // it waits for its handlers
	stale := &deafening{}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if stale.Conn == nil {
			stale.Conn = conn
			return stale, err
		}
		return conn, err
	}
	c := slack.NewClient(slack.Options{HTTP: &http.Client{Transport: &http.Transport{DialContext: dial}}, Hosts: []string{strings.TrimPrefix(s.URL, "http://")}})
	if r := c.Send(t.Context(), slack.Target{URL: s.URL + hook}, notice()); r.Outcome != slack.Accepted {
		t.Fatalf("%#v", r)
	}
	stale.deaf.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if r := c.Send(ctx, slack.Target{URL: s.URL + hook}, notice()); r.Outcome != slack.Ambiguous || posts.Load() != 2 {
		t.Errorf("%d posts: %#v", posts.Load(), r)
	}
}

// deafening takes no more bytes from some time on.
type deafening struct {
	net.Conn
	deaf atomic.Bool
}

func (d *deafening) Write(p []byte) (int, error) {
	if d.deaf.Load() {
		return 0, syscall.EPIPE
	}
	return d.Conn.Write(p)
}

func TestTheGuardAndTheProxyAreTold(t *testing.T) {
	w := newWorkspace(t)
	host := strings.TrimPrefix(w.URL, "http://")
	guarded := slack.NewClient(slack.Options{HTTP: egress.NewClient(egress.Options{}), Hosts: []string{host}, APIURL: w.URL + "/api/"})
	want(t, guarded, w.URL, generous, slack.Permanent, slack.StageGuard)

	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	refuses := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusProxyAuthRequired) }))
	t.Cleanup(refuses.Close)
	for proxy, code := range map[string]int{gone.URL: 0, refuses.URL: http.StatusProxyAuthRequired} {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		c := slack.NewClient(slack.Options{HTTP: egress.NewClient(egress.Options{Allow: loopback, Proxy: u}), Hosts: []string{host}, APIURL: w.URL + "/api/"})
		for name, target := range targets(w.URL) {
			if r := c.Send(t.Context(), target, notice()); r.Outcome != slack.Unreachable || r.Stage != slack.StageProxy || r.Code != code {
				t.Errorf("%s: %#v", name, r)
			}
		}
	}
	if n := w.asked(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestAGigabyteIsNotRead(t *testing.T) {
	for _, code := range []int{200, 404, 500} {
		var written atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(code)
			chunk := []byte(strings.Repeat("ok ", 10_000))
			for written.Load() < 1<<30 {
				n, err := rw.Write(chunk)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		}))
		t.Cleanup(s.Close)
		outcome := slack.Temporary
		if code == 200 {
			outcome = slack.Ambiguous
		}
		for name, target := range targets(s.URL) {
			r := client(t, s.URL).Send(t.Context(), target, notice())
			if r.Outcome != outcome || r.Code != code || len(r.Answer) > 4096 || !strings.HasPrefix(r.Answer, "ok ok") {
				t.Errorf("%s: %#v", name, r)
			}
		}
		s.Close() // waits for its handlers
		if n := written.Load(); n > 64<<20 {
			t.Errorf("%d: the server could write %d bytes", code, n)
		}
	}
}

func TestACallersEndIsTold(t *testing.T) {
	w := newWorkspace(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, target := range targets(w.URL) {
		if r := client(t, w.URL).Send(ctx, target, notice()); r.Outcome != slack.Temporary || r.Answer != "Stopped before an answer came" {
			t.Errorf("%s: %#v", name, r)
		}
	}
}
