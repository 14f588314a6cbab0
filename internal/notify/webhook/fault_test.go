package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/webhook"
)

func unstarted(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	t.Cleanup(s.Close)
	return s
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

func TestFaultsOfEndpoints(t *testing.T) {
	untrusted := unstarted(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, c := range map[string]struct {
		url    string
		limit  time.Duration
		stage  string
		answer string
	}{
		"hangs":                  {raw(t, hold), short, webhook.StageResponse, "No answer within the time allowed"},
		"hangs, reading nothing": {listen(t, func(net.Conn) { <-t.Context().Done() }), short, webhook.StageResponse, "No answer"},
		"closes":                 {raw(t, func(net.Conn) {}), whole, webhook.StageResponse, "EOF"},
		"resets":                 {raw(t, reset), whole, webhook.StageResponse, "reset"},
		"closes in mid header":   {raw(t, func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Le") }), whole, webhook.StageResponse, "malformed"},
		"garbage":                {raw(t, func(c net.Conn) { fmt.Fprint(c, "220 mail.example ESMTP\r\n\r\n") }), whole, webhook.StageResponse, "malformed"},
		"binary garbage":         {raw(t, func(c net.Conn) { fmt.Fprint(c, "\x00\x01\x02\xff\n\n") }), whole, webhook.StageResponse, "malformed"},
		"slow header":            {raw(t, drip), short, webhook.StageResponse, "No answer"},
		"endless header":         {raw(t, flood("HTTP/1.1 200 OK\r\nX: ", "x")), whole, webhook.StageResponse, "exceeded"},
		"endless headers":        {raw(t, flood("HTTP/1.1 200 OK\r\n", "X: y\r\n")), whole, webhook.StageResponse, "exceeded"},
		"endless hints":          {raw(t, flood("", "HTTP/1.1 103 Early Hints\r\n\r\n")), whole, webhook.StageResponse, "exceeded"},
		"nobody listens":         {"http://" + closedPort(t) + "/", whole, webhook.StageConnect, "connection refused"},
		"no such host":           {"http://nobody.invalid/", whole, webhook.StageDNS, "nobody.invalid can't be resolved"},
		"certificate":            {untrusted.URL, whole, webhook.StageTLS, "certificate"},
		"no TLS there":           {strings.Replace(plain.URL, "http:", "https:", 1), whole, webhook.StageTLS, "TLS handshake"},
		"TLS that hangs":         {strings.Replace(listen(t, hold), "http:", "https:", 1), short, webhook.StageTLS, "No answer"},
		"TLS that closes":        {strings.Replace(listen(t, func(net.Conn) {}), "http:", "https:", 1), whole, webhook.StageTLS, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := send(t, local(t), try(c.url), c.limit)
			want := webhook.Result{Outcome: webhook.Temporary, Stage: c.stage, Answer: res.Answer}
			if diff := cmp.Diff(want, res); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(res.Answer, c.answer) || len(res.Answer) > 4096 || strings.ContainsAny(res.Answer, "\x00\n") {
				t.Errorf("the answer reads %.200q, want %q in it", res.Answer, c.answer)
			}
		})
	}
}

// drops writes a byte now and then, without end.
func drops(c net.Conn) {
	for {
		if _, err := c.Write([]byte{'x'}); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func drip(c net.Conn) {
	for _, b := range []byte("HTTP/1.1 200 OK\r\nX-Slow: " + strings.Repeat("x", 200)) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	hold(c)
}

func reset(c net.Conn) {
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		panic(err)
	}
}

func flood(first, again string) func(net.Conn) {
	return func(c net.Conn) {
		fmt.Fprint(c, first)
		for chunk := []byte(strings.Repeat(again, 1+4096/len(again))); ; {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	}
}

// A body that the endpoint does not take whole did not arrive.
func TestARequestThatDoesNotGoOutWhole(t *testing.T) {
	url := listen(t, func(net.Conn) { <-t.Context().Done() })
	r := try(url)
	r.Body = make([]byte, 32<<20) // more than the kernel holds for us
	res := send(t, local(t), r, 3*time.Second)
	if res.Outcome != webhook.Temporary || res.Stage != webhook.StageRequest {
		t.Errorf("got %+v", res)
	}
}

func TestAStoppedSendSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := raw(t, func(c net.Conn) {
		cancel()
		hold(c)
	})
	if res := local(t).Send(ctx, try(url)); res.Outcome != webhook.Temporary || res.Stage != webhook.StageResponse || !strings.Contains(res.Answer, "Stopped") {
		t.Errorf("got %+v", res)
	}
}

func TestTLSOverBothFamilies(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		var protocol, version atomic.Value
		s := unstarted(t, func(_ http.ResponseWriter, r *http.Request) {
			protocol.Store(r.Proto)
			version.Store(r.TLS.Version)
		})
		s.Listener.Close()
		s.Listener, s.EnableHTTP2 = l, true
		s.StartTLS()
		h := egress.NewClient(egress.Options{Allow: loopback})
		trusted := x509.NewCertPool()
		trusted.AddCert(s.Certificate())
		h.Transport.(*http.Transport).TLSClientConfig.RootCAs = trusted
		t.Cleanup(h.CloseIdleConnections)
		if res := send(t, webhook.NewClient(h), try(s.URL), whole); res.Outcome != webhook.Accepted {
			t.Errorf("%s: %+v", address, res)
		}
		if protocol.Load() != "HTTP/1.1" || version.Load() != uint16(tls.VersionTLS13) {
			t.Errorf("%s: %v, TLS %v", address, protocol.Load(), version.Load())
		}
	}
}

func TestFaultsOfTheProxyAreNotTheEndpoints(t *testing.T) {
	target := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	answering := func(code int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }).URL
	}
	for name, c := range map[string]struct {
		proxy string
		code  int
		stage string
	}{
		"down": {"http://" + closedPort(t), 0, webhook.StageProxy}, "407": {answering(407), 407, webhook.StageProxy},
		"403": {answering(403), 403, webhook.StageTunnel}, "502": {answering(502), 502, webhook.StageTunnel},
		"503": {answering(503), 503, webhook.StageTunnel}, "504": {answering(504), 504, webhook.StageTunnel},
		"closes": {raw(t, func(net.Conn) {}), 0, webhook.StageTunnel},
	} {
		c1 := newClient(t, egress.Options{Allow: loopback, Proxy: parse(t, c.proxy)})
		res := send(t, c1, try(target.URL), whole)
		want := webhook.Result{Outcome: webhook.Unreachable, Stage: c.stage, Code: c.code, Answer: res.Answer}
		if diff := cmp.Diff(want, res); diff != "" || !strings.Contains(res.Answer, "proxy") {
			t.Errorf("%s (-want +got):\n%s\n%s", name, diff, res.Answer)
		}
	}
}

// A thousand hosts at once, answering and hanging, leave no goroutine and no connection behind.
func TestManyHostsLeaveNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	var open, healthy atomic.Int64
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Host, "127.0.9.") {
				select {
				case <-r.Context().Done():
				case <-stop:
				}
			}
		}),
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
				if !strings.HasPrefix(c.LocalAddr().String(), "127.0.9.") {
					healthy.Add(1)
				}
			case http.StateClosed:
				open.Add(-1)
			}
		},
	}
	go s.Serve(l) //nolint:errcheck // it ends with the test
	h := egress.NewClient(egress.Options{Allow: loopback})
	c := webhook.NewClient(h)
	var wg sync.WaitGroup
	var accepted, timedOut atomic.Int64
	for i := range 1000 {
		wg.Go(func() {
			for range 3 {
				// 127.0.0.1 to 127.0.9.100; the last hundred hang.
				url := fmt.Sprintf("http://127.0.%d.%d:%s/", i/100, i%100+1, port)
				limit := time.Minute
				if i >= 900 {
					limit = 300 * time.Millisecond
				}
				switch res := send(t, c, try(url), limit); {
				case res.Outcome == webhook.Accepted:
					accepted.Add(1)
				case i >= 900 && res.Code == 0 && res.Outcome == webhook.Temporary:
					timedOut.Add(1)
				default:
					t.Errorf("%s: %+v", url, res)
				}
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 2700 || timedOut.Load() != 300 {
		t.Errorf("%d accepted, %d timed out", accepted.Load(), timedOut.Load())
	}
	if n := healthy.Load(); n != 900 {
		t.Errorf("%d connections were made to 900 hosts that answer", n)
	}
	h.CloseIdleConnections()
	close(stop)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 && open.Load() == 0 })
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("it does not happen; goroutines:\n%s", buf[:runtime.Stack(buf, true)])
		}
	}
}
