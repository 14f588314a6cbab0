package egress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairnotice/internal/egress"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// counted is a server that counts who connects to it.
func counted(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	connections := new(atomic.Int64)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, connections
}

func get(t *testing.T, c *http.Client, address string) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

// However this machine is spelled, nobody gets to it. Each spelling either reaches the guard or
// isn't an address at all; the server on every interface must hear of none.
func TestNoSpellingReachesThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := egress.NewClient(egress.Options{})
	for host, guarded := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "localhost": true, "LOCALHOST": true, "localhost.": false, "0.0.0.0": true,
		"[::1]": true, "[::]": true, "[::ffff:127.0.0.1]": true, "[::ffff:7f00:1]": true, "[::127.0.0.1]": true, "[0:0:0:0:0:ffff:7f00:1]": true,
		"[::1%25lo]": true, "[fe80::1%25lo]": true, "user:password@127.0.0.1": true, "8.8.8.8@127.0.0.1": true,
		"2130706433": false, "0x7f000001": false, "0x7f.1": false, "0177.0.0.1": false, "017700000001": false, "127.1": false, "127.0.0.1.": false, "": false,
		"①②⑦.⓪.⓪.①": false, "127。0。0。1": false, "ⓛocalhost": false, "127.0.0.1%00": false, "127.0.0.1 ": false, "[::1": false,
	} {
		address := "http://" + host + ":" + port + "/"
		_, err := get(t, client, address)
		if err == nil || guarded && !errors.Is(err, egress.ErrForbidden) {
			t.Errorf("%s: %v, want it refused by the guard", address, err)
		}
	}
	for _, address := range []string{"unix:///run/x", "http+unix://%2Frun%2Fx/", "file:///etc/passwd", "ftp://127.0.0.1/", "//127.0.0.1:" + port + "/", "http:127.0.0.1:" + port, "http:///x", "gopher://127.0.0.1:" + port} {
		if _, err := get(t, client, address); err == nil {
			t.Errorf("%s is reached", address)
		}
	}
	if n := connections.Load(); n > 0 {
		t.Errorf("%d connections reached the server", n)
	}
}

func TestAllowedNetworksAreReachedBothFamilies(t *testing.T) {
	client := egress.NewClient(egress.Options{Allow: loopback})
	for _, address := range []string{"127.0.0.1:0", "127.0.7.9:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(ok)}
		go s.Serve(l) //nolint:errcheck // it ends with the test
		t.Cleanup(func() { s.Close() })
		resp, err := get(t, client, "http://"+l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "ok" {
			t.Errorf("%s: %q, %v", address, body, err)
		}
	}
}

func TestRedirectsAreAnswersAndNotFollowed(t *testing.T) {
	target, asked := counted(t, ok)
	client := egress.NewClient(egress.Options{Allow: loopback})
	for _, code := range []int{301, 302, 303, 307, 308} {
		s, _ := counted(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL, code) })
		resp, err := client.Post(s.URL, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("got %d, want the %d itself", resp.StatusCode, code)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the target was asked %d times", n)
	}
}

func TestNothingOfTheEnvironmentNoCookiesNoCompression(t *testing.T) {
	proxy, used := counted(t, ok)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	var cookies, encodings []string
	s, _ := counted(t, func(w http.ResponseWriter, r *http.Request) {
		cookies, encodings = append(cookies, r.Header["Cookie"]...), append(encodings, r.Header["Accept-Encoding"]...)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	client := egress.NewClient(egress.Options{Allow: loopback})
	for range 2 {
		if _, err := get(t, client, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if used.Load() > 0 || len(cookies) > 0 || len(encodings) > 0 {
		t.Errorf("proxy used %d times, cookies %q, encodings %q", used.Load(), cookies, encodings)
	}
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport asks for a proxy") // http.ProxyFromEnvironment would spare loopback
	}
}

func TestHeadersOfAnswersAreBounded(t *testing.T) {
	var written atomic.Int64
	l := listen(t, func(conn net.Conn) {
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX: ")
		for {
			n, err := conn.Write(make([]byte, 4096))
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	if _, err := get(t, egress.NewClient(egress.Options{Allow: loopback}), "http://"+l.Addr().String()); err == nil {
		t.Fatal("an endless header was taken")
	}
	if n := written.Load(); n > 64<<20 {
		t.Errorf("the server could write %d bytes", n)
	}
}

// listen serves each connection with f and closes it.
func listen(t *testing.T, f func(net.Conn)) net.Listener {
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
	return l
}
