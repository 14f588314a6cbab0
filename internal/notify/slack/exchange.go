package slack

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// maxRead bounds what is read of an answer. The Web API repeats the message in its answer, so it is
// far above what a message can have.
const maxRead = 1 << 20

// exchange watches one request: how far it came and what was answered. slack-go's errors tell
// neither, and it reads answers without end.
type exchange struct {
	reached atomic.Int32 // index of the furthest stage
	handed  atomic.Bool  // the transport has taken the body's last byte
	failed  atomic.Bool  // writing the request failed, so the far side lacks its end
	answer  *answer
}

// answer is what came back, its body cut to maxRead.
type answer struct {
	code   int
	header http.Header
	body   []byte
	broken bool // the body ended before its end
}

// reachable are the stages that an exchange can come to, in order.
var reachable = []string{StageConnect, StageDNS, StageConnect, StageTLS, StageRequest, StageResponse}

const (
	reachedDNS = iota + 1
	reachedConnect
	reachedTLS
	reachedRequest
	reachedAnswer
)

func (x *exchange) reach(stage int32) {
	for {
		now := x.reached.Load()
		if stage <= now || x.reached.CompareAndSwap(now, stage) {
			return
		}
	}
}

// stage is where the exchange is now.
func (x *exchange) stage() string { return reachable[x.reached.Load()] }

// mayBeOut reports that the far side may have the whole message: the transport took all of it and
// didn't say that writing failed. It may be buffered still, which nobody can tell.
func (x *exchange) mayBeOut() bool { return x.handed.Load() && !x.failed.Load() }

type exchangeKey struct{}

// watch is ctx with this exchange's eyes and ears.
func (x *exchange) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, exchangeKey{}, x), &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { x.reach(reachedDNS) },
		ConnectStart:      func(string, string) { x.reach(reachedConnect) },
		TLSHandshakeStart: func() { x.reach(reachedTLS) },
		GotConn:           func(httptrace.GotConnInfo) { x.reach(reachedRequest) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				x.failed.Store(true)
				return
			}
			x.reach(reachedAnswer)
		},
	})
}

// recorder is the transport: it fills the exchange found in the request's context.
type recorder struct{ next http.RoundTripper }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return r.next.RoundTrip(req)
	}
	resp, err := r.next.RoundTrip(x.counted(req))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRead))
	resp.Body.Close() // with more to come it takes the connection along
	x.answer = &answer{code: resp.StatusCode, header: resp.Header, body: body, broken: err != nil}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// counted is the request with a body that tells when its last byte is taken. The transport takes it
// anew (GetBody) only after nothing was written.
func (x *exchange) counted(req *http.Request) *http.Request {
	out := req.WithContext(req.Context()) // a RoundTripper leaves its request alone
	out.Body = &counted{ReadCloser: req.Body, left: req.ContentLength, x: x}
	if req.GetBody != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			x.handed.Store(false)
			x.failed.Store(false)
			return &counted{ReadCloser: body, left: req.ContentLength, x: x}, nil
		}
	}
	return out
}

type counted struct {
	io.ReadCloser
	left int64
	x    *exchange
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.left -= int64(n)
	if c.left <= 0 {
		c.x.handed.Store(true)
	}
	return n, err
}
