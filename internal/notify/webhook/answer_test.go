package webhook_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/webhook"
)

func TestStatusesDecide(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return at.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		code    int
		header  map[string]string
		outcome webhook.Outcome
		after   time.Duration
		gone    bool
	}{
		{200, nil, webhook.Accepted, 0, false},
		{202, nil, webhook.Accepted, 0, false},
		{204, nil, webhook.Accepted, 0, false},
		{299, map[string]string{"Retry-After": "7"}, webhook.Accepted, 0, false},
		{300, nil, webhook.Temporary, 0, false},
		{304, nil, webhook.Temporary, 0, false},
		{400, nil, webhook.Temporary, 0, false},
		{401, nil, webhook.Temporary, 0, false},
		{404, map[string]string{"Retry-After": "7"}, webhook.Temporary, 0, false},
		{408, nil, webhook.Temporary, 0, false},
		{410, nil, webhook.Permanent, 0, true},
		{413, nil, webhook.Temporary, 0, false},
		{425, nil, webhook.Temporary, 0, false},
		{429, nil, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": "7"}, webhook.Temporary, 7 * time.Second, false},
		{429, map[string]string{"Retry-After": " 120 "}, webhook.Temporary, 2 * time.Minute, false},
		{429, map[string]string{"Retry-After": date(time.Hour), "Date": date(0)}, webhook.Temporary, time.Hour, false},
		{429, map[string]string{"Retry-After": date(time.Hour), "Date": date(59 * time.Minute)}, webhook.Temporary, time.Minute, false},
		{429, map[string]string{"Retry-After": date(time.Hour), "Date": "yesterday"}, webhook.Temporary, time.Hour, false},
		{429, map[string]string{"Retry-After": date(-time.Hour), "Date": date(0)}, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": date(48 * time.Hour), "Date": date(0)}, webhook.Temporary, 24 * time.Hour, false},
		{429, map[string]string{"Retry-After": "86401"}, webhook.Temporary, 24 * time.Hour, false},
		{429, map[string]string{"Retry-After": "99999999999999999999999"}, webhook.Temporary, 24 * time.Hour, false},
		{429, map[string]string{"Retry-After": "0"}, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": "-5"}, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": "1.5"}, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": "soon"}, webhook.Temporary, 0, false},
		{429, map[string]string{"Retry-After": "٣"}, webhook.Temporary, 0, false},
		{500, nil, webhook.Temporary, 0, false},
		{500, map[string]string{"Retry-After": "30"}, webhook.Temporary, 30 * time.Second, false},
		{503, map[string]string{"Retry-After": "30"}, webhook.Temporary, 30 * time.Second, false},
		{599, nil, webhook.Temporary, 0, false},
		{999, nil, webhook.Temporary, 0, false},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			for k, v := range c.header {
				w.Header()[k] = []string{v}
			}
			w.WriteHeader(c.code)
		})
		r := try(s.URL)
		r.At = at
		got := send(t, local(t), r, whole)
		want := webhook.Result{Outcome: c.outcome, Stage: webhook.StageResponse, Code: c.code, RetryAfter: c.after, Gone: c.gone, Answer: got.Answer}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d %v (-want +got):\n%s", c.code, c.header, diff)
		}
		if !strings.HasPrefix(got.Answer, fmt.Sprint(c.code)) {
			t.Errorf("%d: the answer reads %q", c.code, got.Answer)
		}
	}
}

// net/http's client would ask the new place with a GET and call its 200 a success.
func TestRedirectsAreFailuresAndNeverFollowed(t *testing.T) {
	var asked atomic.Int64
	target := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	for _, client := range []*webhook.Client{local(t), webhook.NewClient(http.DefaultClient)} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL, code) })
			res := send(t, client, try(s.URL), whole)
			if res.Outcome != webhook.Temporary || res.Code != code || !strings.Contains(res.Answer, "not followed: "+target.URL) {
				t.Errorf("%d: %+v", code, res)
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the target was asked %d times", n)
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://%zz/")
		w.WriteHeader(302)
	})
	if res := send(t, local(t), try(s.URL), whole); res.Code != 302 || res.Outcome != webhook.Temporary {
		t.Errorf("a bad Location: %+v", res)
	}
}

func TestAnswersAreKeptCleanAndShort(t *testing.T) {
	long := strings.Repeat("ä", 5000)
	for name, c := range map[string]struct{ sent, want string }{
		"text":         {"no such hook", "404 Not Found: no such hook"},
		"nothing":      {"", "404 Not Found"},
		"lines":        {"a\r\nb\tc\n", "404 Not Found: a  b c"},
		"NUL":          {"a\x00b", "404 Not Found: a b"},
		"bad UTF-8":    {"a\xffb", "404 Not Found: a\uFFFDb"},
		"escapes":      {"\x1b[31mred\u202Eder\u200B", "404 Not Found:  [31mred der"},
		"long":         {long, "404 Not Found: " + long[:2*((4096-15)/2)]},
		"bad and long": {strings.Repeat("\xff", 5000), "404 Not Found: \uFFFD"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			fmt.Fprint(w, c.sent)
		})
		got := send(t, local(t), try(s.URL), whole).Answer
		if got != c.want {
			t.Errorf("%s: got %d bytes %.80q, want %d bytes %.80q", name, len(got), got, len(c.want), c.want)
		}
		if len(got) > 4096 || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%s: %d bytes, %.80q", name, len(got), got)
		}
	}
	odd := raw(t, func(conn net.Conn) {
		fmt.Fprint(conn, "HTTP/1.1 500 \x01b\xe4d\x1b[0m\r\nContent-Length: 0\r\n\r\n")
	})
	if got := send(t, local(t), try(odd), whole); got.Code != 500 || got.Answer != "500  b\uFFFDd [0m" {
		t.Errorf("a status line with control characters: %+v", got)
	}
}

// A body that breaks, stalls or does not end changes nothing about what the status line said.
func TestTheStatusLineDecidesWhateverTheBodyDoes(t *testing.T) {
	head := func(code string) string { return "HTTP/1.1 " + code + "\r\nContent-Length: 1000\r\n\r\nhalf" }
	for name, c := range map[string]struct {
		behave func(net.Conn)
		want   webhook.Outcome
	}{
		"200, then it stalls":  {func(c net.Conn) { fmt.Fprint(c, head("200 OK")); hold(c) }, webhook.Accepted},
		"200, then it closes":  {func(c net.Conn) { fmt.Fprint(c, head("200 OK")) }, webhook.Accepted},
		"200, then it resets":  {func(c net.Conn) { fmt.Fprint(c, head("200 OK")); reset(c) }, webhook.Accepted},
		"500, then it stalls":  {func(c net.Conn) { fmt.Fprint(c, head("500 No")); hold(c) }, webhook.Temporary},
		"200, then bad chunks": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n") }, webhook.Accepted},
		"200 without an end":   {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.0 200 OK\r\n\r\nhalf"); hold(c) }, webhook.Accepted},
		"101 and silence": {func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			hold(c)
		}, webhook.Temporary},
		"103, 100, then 200": {func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}, webhook.Accepted},
		"200, drop by drop": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n"); drops(c) }, webhook.Accepted},
		"200 and a second answer": {func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n")
		}, webhook.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan webhook.Result, 1)
			client, request := local(t), try(raw(t, c.behave))
			go func() { done <- client.Send(context.Background(), request) }() // without a time limit of its own
			var res webhook.Result
			select {
			case res = <-done:
			case <-time.After(time.Minute):
				t.Fatal("the body is waited for")
			}
			if res.Outcome != c.want || res.Code == 0 || res.Stage != webhook.StageResponse {
				t.Errorf("got %+v", res)
			}
		})
	}
}

// stopping ends the send's context as soon as the status line is here.
type stopping struct {
	http.RoundTripper
	stop func()
}

func (s stopping) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	s.stop()
	return resp, err
}

// The time may run out while a body is waited for: the answer stands.
func TestAnAnswerBeforeTheTimeIsOutStands(t *testing.T) {
	url := raw(t, func(c net.Conn) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
		hold(c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	h := egress.NewClient(egress.Options{Allow: loopback})
	h.Transport = stopping{h.Transport, cancel}
	if res := webhook.NewClient(h).Send(ctx, try(url)); res.Outcome != webhook.Accepted || ctx.Err() == nil {
		t.Errorf("got %+v", res)
	}
}

func TestAGigabyteIsNotRead(t *testing.T) {
	var written atomic.Int64
	finished := make(chan struct{}, 2)
	for _, status := range []string{"200 OK", "500 Internal Server Error"} {
		url := raw(t, func(c net.Conn) {
			defer func() { finished <- struct{}{} }()
			fmt.Fprint(c, "HTTP/1.1 "+status+"\r\nContent-Length: 1073741824\r\n\r\n")
			for chunk := []byte(strings.Repeat("x", 64<<10)); ; {
				n, err := c.Write(chunk)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		res := send(t, local(t), try(url), whole)
		if want := status + ": xxx"; !strings.HasPrefix(res.Answer, want) || len(res.Answer) != 4096 {
			t.Errorf("got %d bytes, %.40s", len(res.Answer), res.Answer)
		}
		<-finished
	}
	// What the kernel's buffers hold was written and not read.
	if n := written.Load(); n > 64<<20 {
		t.Errorf("the servers could write %d bytes", n)
	} else {
		t.Logf("of two gigabytes the servers could write %d KiB", n>>10)
	}
}

// A body a little longer than what is kept does not cost the connection.
func TestConnectionsAreUsedAgain(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "small": 100, "beyond what is kept": 40 << 10} {
		var connections atomic.Int64
		s := unstarted(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", size)) })
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.Start()
		c := local(t)
		for range 20 {
			if res := send(t, c, try(s.URL), whole); res.Outcome != webhook.Accepted {
				t.Fatalf("got %+v", res)
			}
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%s: %d connections for 20 requests", name, n)
		}
	}
}
