// Package egress is the HTTP client for addresses that strangers typed. It reaches the public
// internet and nothing else, unless the operator's allow-list says so.
//
// The check is made on the concrete address, between the making of the socket and its connecting: after
// every name has been resolved and every spelling parsed, so a name that changes its answer, a
// number written in octal or a mapped address gains nothing.
//
// It goes by IANA's registries. A host of one's own network that has an ordinary public address
// (IPv6 often has) looks like the internet from here: a firewall must protect it.
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
	// dialLimit (the proxy's part included) and tlsLimit bound one connection's making. Together they
	// stay below the 15 s of a webhook, so that the caller learns what was waited for.
	dialLimit = 8 * time.Second
	tlsLimit  = 6 * time.Second
	// idleConns bounds what is kept open in all: two goroutines and some 25 to 50 KB each.
	idleConns = 4096
	idleLimit = 90 * time.Second
	// maxHeader bounds an answer's status line and header.
	maxHeader = 64 << 10
	// writeBuffer lets a usual notice and its header leave in one system call: with the default of
	// 4 KiB a send of 6 KiB costs half as much processor time again.
	writeBuffer = 16 << 10
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
	return newClient(o, net.DefaultResolver)
}

func newClient(o Options, resolver *net.Resolver) *http.Client {
	g := newGuard(o.Allow)
	dial := g.dialer(resolver)
	if o.Proxy != nil {
		dial = newTunnel(g, o.Proxy, resolver).dial
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
			WriteBufferSize:        writeBuffer,
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
