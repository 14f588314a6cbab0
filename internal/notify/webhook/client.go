package webhook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Request is one try of one delivery.
type Request struct {
	ID      string    // the delivery's: the same for every try
	URL     string    // http or https; user and password in it become basic authentication
	At      time.Time // of this try; receivers refuse what is more than some minutes off
	Body    []byte    // JSON, sent and signed byte by byte
	Secrets []string  // whsec_…, the new one first while one is being replaced
}

// Client sends webhooks. It is safe for concurrent use.
type Client struct{ transport http.RoundTripper }

// NewClient makes a client over the transport of a guarded HTTP client (egress.NewClient). Only the
// transport is used: following a redirect would turn the POST into a GET and an undelivered notice
// into a 200, and a transport never follows one.
func NewClient(c *http.Client) *Client {
	if c.Transport == nil {
		return &Client{transport: http.DefaultTransport}
	}
	return &Client{transport: c.Transport}
}

// Header values that are the same for all requests. Transports don't change them.
var (
	contentType = []string{"application/json"}
	userAgent   = []string{"Fairnotice/1 (+notices)"}
)

// Send makes one try. The time limit is ctx's. The answer is decided by the status line: what
// happens to the body afterwards changes nothing.
func (c *Client) Send(ctx context.Context, r Request) Result {
	sealed, err := sign(r.ID, r.At, r.Body, r.Secrets)
	if err != nil {
		return Result{Outcome: Temporary, Stage: StageCompose, Answer: "No usable secret: " + err.Error()}
	}
	way := new(trail)
	req, err := request(way.follow(ctx), r, sealed)
	if err != nil {
		return Result{Outcome: Permanent, Stage: StageGuard, Answer: sanitize("This is not the address of a webhook: " + err.Error())}
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return way.failure(err)
	}
	return answered(r.At, resp, excerpt(resp))
}

var errAddress = errors.New("it must begin with https:// or http:// and name a host")

func request(ctx context.Context, r Request, sealed signed) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // its text repeats the whole address, which may hold a password
			err = u.Err
		}
		return nil, err
	}
	if (req.URL.Scheme != "https" && req.URL.Scheme != "http") || req.URL.Hostname() == "" {
		return nil, errAddress
	}
	req.Header = http.Header{
		"Content-Type":      contentType,
		"User-Agent":        userAgent,
		"Webhook-Id":        {r.ID},
		"Webhook-Timestamp": {sealed.timestamp},
		"Webhook-Signature": {sealed.signature},
	}
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	return req, nil
}

// trail remembers how far a request got: an error alone does not tell, a time-out least of all.
type trail struct{ handshake, connected, written atomic.Bool }

func (t *trail) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { t.handshake.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { t.connected.Store(true) },
		WroteRequest:      func(i httptrace.WroteRequestInfo) { t.written.Store(i.Err == nil) },
	})
}

// stage is where a request ended that got no answer.
func (t *trail) stage() string {
	switch {
	case t.written.Load():
		return StageResponse
	case t.connected.Load():
		return StageRequest
	case t.handshake.Load():
		return StageTLS
	}
	return StageConnect
}
