package email

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// maxMessages is how many messages a connection carries before it is closed. Relays have limits of
// their own (Postfix's default is none, others' 100 or less) and spread load by new connections.
const maxMessages = 100

// Pool keeps connections to one relay. It is safe for concurrent use.
type Pool struct {
	cfg   Config
	tls   *tls.Config
	log   *slog.Logger
	slots chan struct{} // one for each send under way, so at most as many connections

	mu      sync.Mutex
	idle    []*conn // the longest unused first
	reaping bool    // a call of reap is scheduled
	closed  bool
	down    bool // the last send could not reach the relay
}

// NewPool returns a pool of at most max connections; the first is made by the first send.
// A nil log discards.
func NewPool(cfg Config, max int, log *slog.Logger) *Pool {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	return &Pool{
		cfg: cfg,
		tls: &tls.Config{
			ServerName:         cfg.Host,
			RootCAs:            cfg.RootCAs,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
		log:   log,
		slots: make(chan struct{}, max),
	}
}

// Send gives one message to the relay for one recipient, waiting for a free connection if need be,
// and says what the relay said. msg must have CRLF line ends, as [Composer.Compose] makes it. When ctx
// ends, the connection is closed and the result is Unreachable.
//
// A kept connection turns out to be closed only when it is used. Then, and only where no part of
// the message itself was sent, Send starts again once on a fresh connection.
func (p *Pool) Send(ctx context.Context, env Envelope, msg []byte) Result {
	checked, refusal := checkEnvelope(env)
	if refusal != nil {
		return *refusal
	}
	if err := checkContent(msg); err != nil {
		return Result{Outcome: Permanent, Stage: StageData, Enhanced: "5.6.0", Answer: err.Error()}
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return unreachable(StageConnect, context.Cause(ctx)).Result
	}
	res := p.attempt(ctx, checked, msg)
	if err := context.Cause(ctx); err != nil && res.Code == 0 && res.Outcome == Unreachable {
		res.Answer = sanitize(err.Error())
		return res // says nothing about the relay
	}
	p.note(res)
	return res
}

func (p *Pool) attempt(ctx context.Context, env envelope, msg []byte) Result {
	if c := p.take(); c != nil {
		res, f := p.use(ctx, c, env, msg)
		if f == nil {
			return res
		}
		if !f.lost || ctx.Err() != nil {
			return f.Result
		}
	}
	c, f := p.dial(ctx)
	if f != nil {
		return f.Result
	}
	res, f := p.use(ctx, c, env, msg)
	if f != nil {
		return f.Result
	}
	return res
}

// use sends over c and then puts c back or closes it. Cancellation closes it from beside.
func (p *Pool) use(ctx context.Context, c *conn, env envelope, msg []byte) (Result, *failure) {
	stop := context.AfterFunc(ctx, c.abort)
	res, f := c.send(env, msg)
	switch {
	case !stop() || f != nil || c.doubt || c.r.Buffered() > 0:
		_ = c.nc.Close()
	case c.sent >= maxMessages:
		c.quit()
	default:
		p.put(c)
	}
	return res, f
}

func (p *Pool) dial(ctx context.Context) (*conn, *failure) {
	if p.isClosed() {
		return nil, unreachable(StageConnect, errors.New("the pool is closed"))
	}
	dialer := net.Dialer{Timeout: p.cfg.Timeouts.Connect}
	nc, err := dialer.DialContext(ctx, "tcp", p.cfg.address())
	if err != nil {
		return nil, unreachable(StageConnect, err)
	}
	c := &conn{cfg: &p.cfg, raw: nc, nc: nc, r: bufio.NewReaderSize(nc, maxReplyLine)}
	stop := context.AfterFunc(ctx, c.abort)
	f := c.open(p.tls)
	if stop() && f == nil {
		return c, nil
	}
	_ = nc.Close()
	return nil, cmp.Or(f, unreachable(StageConnect, cmp.Or(context.Cause(ctx), net.ErrClosed)))
}

// Check says whether the relay can be used as configured: it connects, turns to TLS, authenticates
// and sends NOOP, on a connection of its own. Do not ask every second: each question is a sign-in.
func (p *Pool) Check(ctx context.Context) error {
	c, f := p.dial(ctx)
	if f != nil {
		return f
	}
	stop := context.AfterFunc(ctx, c.abort)
	defer stop()
	rep, f := c.command(StageConnect, "NOOP")
	c.quit()
	switch {
	case f != nil:
		return f
	case !rep.positive():
		return badReply(StageConnect, rep)
	}
	return nil
}

// Close closes the unused connections. Sends under way end undisturbed and close theirs;
// those that begin later are Unreachable.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.quit()
	}
	return nil
}

func (p *Pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// take returns the connection used last, or nil. The others grow old and are closed.
func (p *Pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

func (p *Pool) put(c *conn) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		c.quit()
		return
	}
	defer p.mu.Unlock()
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	if !p.reaping {
		p.reaping = true
		time.AfterFunc(p.cfg.Timeouts.Idle, p.reap)
	}
}

// reap closes connections that were not used for the idle time and comes back while there are others.
func (p *Pool) reap() {
	p.mu.Lock()
	old := 0
	for old < len(p.idle) && time.Since(p.idle[old].idleSince) >= p.cfg.Timeouts.Idle {
		old++
	}
	stale := append([]*conn(nil), p.idle[:old]...)
	p.idle = append([]*conn(nil), p.idle[old:]...)
	if p.reaping = len(p.idle) > 0; p.reaping {
		time.AfterFunc(p.cfg.Timeouts.Idle-time.Since(p.idle[0].idleSince), p.reap)
	}
	p.mu.Unlock()
	for _, c := range stale {
		c.quit()
	}
}

// note logs when the relay stops and starts to be reachable, not each message in between.
func (p *Pool) note(res Result) {
	down := res.Outcome == Unreachable
	p.mu.Lock()
	changed := down != p.down
	p.down = down
	p.mu.Unlock()
	if !changed {
		return
	}
	if !down {
		p.log.Info("mail relay answers again", "relay", p.cfg)
		return
	}
	attrs := []any{"relay", p.cfg, "stage", res.Stage, "code", res.Code, "enhanced", res.Enhanced}
	if res.Stage == StageConnect || res.Stage == StageTLS {
		attrs = append(attrs, "answer", res.Answer) // later answers may repeat an address or a user
	}
	p.log.Warn("mail relay cannot be used", attrs...)
}
