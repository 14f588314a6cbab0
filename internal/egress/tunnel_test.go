package egress

import (
	"bufio"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain makes the certificate of httptest's servers one of the system's, as an operator would
// with a proxy's own: the client has no other way to trust it.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "egress")
	if err != nil {
		log.Fatal(err)
	}
	s := httptest.NewTLSServer(nil)
	file := filepath.Join(dir, "roots.pem")
	err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600)
	s.Close()
	if err != nil || os.Setenv("SSL_CERT_FILE", file) != nil {
		log.Fatal("no roots: ", err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// proxy is a CONNECT proxy that leads every tunnel to one place, whatever was asked for, and
// remembers what was.
type proxy struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // "CONNECT host:port credentials"
}

func newProxy(t *testing.T, secure bool, leadsTo, user, password string) *proxy {
	t.Helper()
	p := new(proxy)
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		u, pw, _ := asked.BasicAuth()
		p.mu.Lock()
		p.seen = append(p.seen, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+u))
		p.mu.Unlock()
		switch {
		case u != user || pw != password:
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method != http.MethodConnect:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			pipe(t, w, leadsTo)
		}
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

// pipe turns a request into a tunnel.
func pipe(t *testing.T, w http.ResponseWriter, to string) {
	target, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer target.Close()
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer client.Close()
	// A Content-Length has no meaning here (RFC 9110 section 9.3.6); some proxies send one.
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")
	go func() {
		io.Copy(target, client) //nolint:errcheck // it ends when either side does
		target.Close()
	}()
	io.Copy(client, target) //nolint:errcheck // as above
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.seen...)
}

// at is the proxy's URL with user and password.
func (p *proxy) at(t *testing.T, userinfo string) *url.URL {
	t.Helper()
	u, err := url.Parse(strings.Replace(p.URL, "://", "://"+userinfo, 1))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The proxy stands on loopback, which the allow-list does not have: the way to it is the operator's word.
func TestEverythingGoesThroughTheProxy(t *testing.T) {
	clear := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	t.Cleanup(clear.Close)
	secured := httptest.NewTLSServer(clear.Config.Handler)
	t.Cleanup(secured.Close)
	for _, c := range []struct {
		secure               bool
		userinfo, user, word string
	}{{false, "", "", ""}, {false, "us%40er:p%3Aw%2F@", "us@er", "p:w/"}, {true, "", "", ""}, {true, "u:@", "u", ""}} {
		for _, target := range []*httptest.Server{clear, secured} {
			p := newProxy(t, c.secure, target.Listener.Addr().String(), c.user, c.word)
			scheme, _, _ := strings.Cut(target.URL, ":")
			// The name is example.com because httptest's certificate has it; the number stands for it.
			client := newClient(Options{Proxy: p.at(t, c.userinfo)}, nameServer(t, []string{"93.184.215.14"}))
			for range 2 {
				resp, err := client.Get(scheme + "://example.com:8443/hook")
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(body) != "example.com:8443" {
					t.Errorf("%q, %v", body, err)
				}
			}
			want := []string{strings.TrimSpace("CONNECT example.com:8443 " + c.user)}
			if diff := cmp.Diff(want, p.requests()); diff != "" {
				t.Errorf("%+v to %s: one tunnel for both (-want +got):\n%s", c, scheme, diff)
			}
			client.CloseIdleConnections()
		}
	}
}

func TestSpecialTargetsAreRefusedBeforeTheProxyIsAsked(t *testing.T) {
	p := newProxy(t, false, "127.0.0.1:1", "", "")
	for _, c := range []struct {
		host    string
		answers []string
		refused bool // else: not resolved
	}{
		{"127.0.0.1", nil, true}, {"169.254.169.254", nil, true}, {"[::1]", nil, true}, {"[::ffff:10.0.0.1]", nil, true}, {"[fe80::1%25lo]", nil, true},
		{"localhost", nil, true}, {"internal.example", []string{"10.0.0.1"}, true}, {"mixed.example", []string{"93.184.215.14", "127.0.0.1"}, true},
		{"nothing.example", nil, false}, {"2130706433", nil, false}, {"0x7f.1", nil, false}, {"127.0.0.1.", nil, false},
	} {
		client := newClient(Options{Proxy: p.at(t, "")}, nameServer(t, c.answers))
		for _, scheme := range []string{"http", "https"} {
			_, err := reach(t, client, scheme+"://"+c.host+"/")
			var name *net.DNSError
			if c.refused != errors.Is(err, ErrForbidden) || c.refused == errors.As(err, &name) || errors.Is(err, ErrProxy) {
				t.Errorf("%s: %v", c.host, err)
			}
		}
	}
	if asked := p.requests(); len(asked) > 0 {
		t.Errorf("the proxy was asked: %q", asked)
	}
	allowed := newClient(Options{Proxy: p.at(t, ""), Allow: networks(t, "10.0.0.0/8")}, nameServer(t, []string{"10.0.0.1"}))
	if _, err := reach(t, allowed, "http://internal.example/"); !errors.Is(err, ErrProxy) || len(p.requests()) != 1 {
		t.Errorf("an allowed target: %v, the proxy was asked %q", err, p.requests())
	}
}

// What a proxy may do instead of its work. target stands for a public address.
func TestFaultsOfTheProxyAreToldFromTheTargets(t *testing.T) {
	const target = "93.184.215.14:443"
	says := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				fmt.Fprint(c, answer)
			}
		}
	}
	for name, c := range map[string]struct {
		behave func(net.Conn)
		code   int
	}{
		"closes":            {func(net.Conn) {}, 0},
		"hangs":             {hold, 0},
		"garbage":           {says("220 ready\r\n\r\n"), 0},
		"endless header":    {says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)), 0},
		"407":               {says("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"), 407},
		"403, endless body": {says("HTTP/1.1 403 No\r\n\r\n" + strings.Repeat("x", 1<<20)), 403},
		"502":               {says("HTTP/1.1 502 Bad Gateway\r\n\r\n"), 502},
		"503":               {says("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n"), 503},
		"504":               {says("HTTP/1.1 504 Late\r\n\r\n"), 504},
		"redirect":          {says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), 302},
		"speaks first":      {says("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 0},
	} {
		l := serveEach(t, c.behave)
		tunnel := newTunnel(newGuard(nil), &url.URL{Scheme: "http", Host: l.Addr().String()}, net.DefaultResolver)
		if name == "hangs" {
			tunnel.limit = 200 * time.Millisecond
		}
		conn, err := tunnel.dial(t.Context(), "tcp", target)
		var fault *ProxyError
		if conn != nil || !errors.Is(err, ErrProxy) || !errors.As(err, &fault) || fault.Code != c.code || fault.Tunnel != (c.code != 407) || errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	down := newTunnel(newGuard(nil), &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, net.DefaultResolver)
	var fault *ProxyError
	if _, err := down.dial(t.Context(), "tcp", target); !errors.As(err, &fault) || fault.Tunnel {
		t.Errorf("down: %v", err)
	}
	stranger := serveEach(t, hold)
	tls := newTunnel(newGuard(nil), &url.URL{Scheme: "https", Host: stranger.Addr().String()}, net.DefaultResolver)
	tls.limit = 200 * time.Millisecond
	if _, err := tls.dial(t.Context(), "tcp", target); !errors.As(err, &fault) || fault.Tunnel {
		t.Errorf("TLS that hangs: %v", err)
	}
}

func TestTheUsualPortsOfProxies(t *testing.T) {
	for raw, want := range map[string]string{"http://proxy": "proxy:80", "https://proxy/": "proxy:443", "http://proxy:3128": "proxy:3128", "https://[fd00::1]": "[fd00::1]:443"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := newTunnel(newGuard(nil), u, nil).address; got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func hold(c net.Conn) { io.Copy(io.Discard, c) } //nolint:errcheck // until the other side hangs up

func serveEach(t *testing.T, f func(net.Conn)) net.Listener {
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
