// Package egress is the HTTP client for addresses that strangers typed. It reaches the public
// internet and nothing else, unless the operator's allow-list says so.
//
// The check is made on the concrete address, between the making of the socket and its connecting: after
// every name has been resolved and every spelling parsed, so a name that changes its answer, a
// number written in octal or a mapped address gains nothing.
package egress

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	// dialLimit and tlsLimit bound one connection's making. Together with a proxy's part they stay
	// below the 15 s of a webhook, so that the caller learns what was waited for.
	dialLimit = 8 * time.Second
	tlsLimit  = 8 * time.Second
	// idleConns bounds what is kept open in all: a goroutine pair and some 10 to 40 KB each.
	idleConns = 4096
	idleLimit = 90 * time.Second
	// maxHeader bounds an answer's status line and header.
	maxHeader = 64 << 10
	// perHost is the default of Options.PerHost.
	perHost = 4
)

// Options of a client. The zero value reaches the public internet only, directly.
type Options struct {
	// Allow opens special networks. An IPv4 network written as IPv4-mapped IPv6 means the same.
	Allow []netip.Prefix
	// Proxy leads all requests, http and https alike, through CONNECT at an http or https proxy,
	// with user and password if it has them. The way to the proxy itself is not guarded.
	//
	// The proxy gets the target's name and resolves it again. The client refuses targets that are
	// special when it resolves them, and names that it can't resolve, but a name that changes its
	// answer in between (DNS rebinding), or means something else where the proxy stands, is only
	// stopped by the proxy's own rules.
	Proxy *url.URL
	// PerHost is how many idle connections to one host and port are kept. 0 means 4.
	PerHost int
}

// NewClient makes a guarded client, safe for concurrent use; make one and share it. It follows no
// redirect (a 3xx is the answer), keeps no cookies, reads no proxy from the environment and asks for
// no compression, so that an answer is as big as what was sent. The caller sets the time limit
// by the request's context and bounds what it reads of the body.
//
// Requests to special addresses fail with ErrForbidden, those that failed at the proxy with ErrProxy.
//
// It speaks HTTP/1.1 only. Every receiver does, a request that hangs spoils its own connection and
// no other (HTTP/2 would send the next ones into the same hole until a ping is missed), and the
// parsers of header compression and of frames stay out of strangers' reach.
func NewClient(o Options) *http.Client {
	return newClient(o, newGuard(o.Allow))
}

func newClient(o Options, g *guard) *http.Client {
	dialer := &net.Dialer{Timeout: dialLimit, ControlContext: g.control}
	dial := dialer.DialContext
	if o.Proxy != nil {
		dial = newTunnel(g, o.Proxy).dial
	}
	keep := o.PerHost
	if keep == 0 {
		keep = perHost
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    tlsLimit,
			DisableCompression:     true,
			MaxIdleConns:           idleConns,
			MaxIdleConnsPerHost:    keep,
			IdleConnTimeout:        idleLimit,
			MaxResponseHeaderBytes: maxHeader,
			Protocols:              protocols,
		},
	}
}

// Allowed says whether host is an IP address, as url.URL.Hostname gives it, that the allow-list
// opens. A request to it stays within networks the operator named, so plain http will do. Names are
// never allowed: what they lead to may change.
func Allowed(allow []netip.Prefix, host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && newGuard(allow).opens(plain(addr))
}
