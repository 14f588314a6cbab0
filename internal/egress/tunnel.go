package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// ErrProxy is what errors.Is finds when a request failed at the proxy, before the target was asked.
var ErrProxy = errors.New("egress: the proxy")

// ProxyError is the ErrProxy of one request.
type ProxyError struct {
	// Code is the proxy's answer to CONNECT; 0 when it was not reached or gave none.
	Code int
	// Tunnel: the proxy was reached and let us in, and made no tunnel to this target: it refused
	// (403), could not (502, 503, 504), or said nothing in time. That may be its trouble or the
	// target's, which proxies don't tell apart; it says nothing about other targets. Without it, no
	// request gets through: the proxy is down, or wants other credentials (407).
	Tunnel bool
	err    error
}

func (e *ProxyError) Error() string {
	if e.Code > 0 {
		return fmt.Sprintf("%v answers %d %s", ErrProxy, e.Code, http.StatusText(e.Code))
	}
	return fmt.Sprintf("%v fails: %v", ErrProxy, e.err)
}

// Unwrap lets errors.Is find the cause.
func (e *ProxyError) Unwrap() error { return e.err }

// Is makes it an ErrProxy.
func (e *ProxyError) Is(target error) bool { return target == ErrProxy }

var (
	errStatus = errors.New("it refuses the connection")
	errEager  = errors.New("the far side speaks before it is spoken to")
)

// maxConnect bounds the proxy's answer to CONNECT.
const maxConnect = 16 << 10

// tunnel dials through a proxy. CONNECT is used for plain http as well: in a forwarded request the
// proxy's own 502 could not be told from the receiver's.
type tunnel struct {
	guard    *guard
	proxy    *url.URL
	address  string
	header   http.Header
	limit    time.Duration // for all until the target can be spoken to
	dialer   net.Dialer
	resolver *net.Resolver
}

func newTunnel(g *guard, proxy *url.URL, resolver *net.Resolver) *tunnel {
	t := &tunnel{guard: g, proxy: proxy, header: http.Header{}, limit: dialLimit, resolver: resolver}
	port := proxy.Port()
	switch {
	case port != "":
	case proxy.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	t.address = net.JoinHostPort(proxy.Hostname(), port)
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		pair := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		t.header.Set("Proxy-Authorization", "Basic "+pair)
	}
	return t
}

// dial gives a connection to the target, through the proxy.
func (t *tunnel) dial(ctx context.Context, _, target string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	if err := t.check(ctx, target); err != nil {
		return nil, err
	}
	conn, err := t.reach(ctx)
	if err != nil {
		return nil, &ProxyError{err: err}
	}
	if err := t.connect(ctx, conn, target); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// check resolves the target as well as we can from here, and refuses it if any answer is special.
func (t *tunnel) check(ctx context.Context, target string) error {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return &ForbiddenError{}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return t.guard.check(addr)
	}
	addrs, err := t.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		if err := t.guard.check(addr); err != nil {
			return err
		}
	}
	return nil
}

// reach connects to the proxy.
func (t *tunnel) reach(ctx context.Context) (net.Conn, error) {
	conn, err := t.dialer.DialContext(ctx, "tcp", t.address)
	if err != nil || t.proxy.Scheme != "https" {
		return conn, err
	}
	secured := tls.Client(conn, &tls.Config{ServerName: t.proxy.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// connect asks the proxy for the target (RFC 9110 section 9.3.6).
func (t *tunnel) connect(ctx context.Context, conn net.Conn, target string) error {
	unwatch := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // fails on a closed connection only
	code, err := t.converse(conn, target)
	if !unwatch() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return &ProxyError{Code: code, Tunnel: code != http.StatusProxyAuthRequired, err: err}
	}
	return nil
}

// converse gives the status when it is no success.
func (t *tunnel) converse(conn net.Conn, target string) (code int, err error) {
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: t.header}
	if err := ask.Write(conn); err != nil {
		return 0, err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxConnect))
	answer, err := http.ReadResponse(r, ask) //nolint:bodyclose // a 2xx to CONNECT has none (RFC 9110), any other ends the connection
	switch {
	case err != nil:
		return 0, err
	case answer.StatusCode/100 != 2:
		return answer.StatusCode, errStatus
	case r.Buffered() > 0: // a target that speaks first speaks no HTTP
		return 0, errEager
	}
	return 0, nil
}
