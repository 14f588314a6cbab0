package accounts

import (
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
)

const (
	freeFailures = 5 // wrong passwords before anybody has to wait
	firstDelay   = 30 * time.Second
	longestDelay = 15 * time.Minute
)

// delay is how long after its last failure an account with so many of them takes no password: 30 s
// after the fifth, doubling with each, 15 min at most.
func delay(failures int) time.Duration {
	if failures < freeFailures {
		return 0
	}
	if more := failures - freeFailures; more < 5 {
		return firstDelay << more
	}
	return longestDelay
}

func throttle(failures int, last, now time.Time) error {
	return tooMany(last.Add(delay(failures)).Sub(now))
}

// tooMany is nil when there is nothing to wait for.
func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return fault.New(fault.TooMany, "sign_in.too_many", fault.Args{"seconds": seconds, "Count": seconds})
}

// guesses counts failures for addresses that nobody has, as the table does for accounts, so that
// being told to wait doesn't tell who has one. It lives in memory and holds digests.
type guesses struct {
	mu   sync.Mutex
	seen map[string]guess
}

type guess struct {
	failures int
	last     time.Time
}

const maxGuesses = 10000

func newGuesses() *guesses { return &guesses{seen: map[string]guess{}} }

func (g *guesses) count(email string, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := string(secrets.Digest(strings.ToLower(email)))
	one := g.seen[key]
	if err := throttle(one.failures, one.last, now); err != nil {
		return err
	}
	if len(g.seen) >= maxGuesses {
		clear(g.seen) // somebody tries names by the thousand; the limit per network is for them
	}
	g.seen[key] = guess{failures: one.failures + 1, last: now}
	return nil
}

// Limiter bounds how often one network may try something, in this process: an IPv4 address, or an
// IPv6 /64, which is what one subscriber gets.
type Limiter struct {
	every time.Duration
	burst int

	mu  sync.Mutex
	has map[netip.Prefix]*bucket
}

type bucket struct {
	limit *rate.Limiter
	seen  time.Time
}

// NewLimiter allows burst tries at once, and then one every so often.
func NewLimiter(every time.Duration, burst int) *Limiter {
	return &Limiter{every: every, burst: burst, has: map[netip.Prefix]*bucket{}}
}

// maxNetworks bounds the memory: an entry is about 200 bytes.
const maxNetworks = 20000

// Allow is nil, or a TooMany fault with the seconds to wait.
func (l *Limiter) Allow(from netip.Addr, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(network(from), now)
	b.seen = now
	r := b.limit.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return tooMany(wait)
}

func (l *Limiter) bucket(of netip.Prefix, now time.Time) *bucket {
	if b, ok := l.has[of]; ok {
		return b
	}
	if len(l.has) >= maxNetworks {
		l.forget(now)
	}
	b := &bucket{limit: rate.NewLimiter(rate.Every(l.every), l.burst)}
	l.has[of] = b
	return b
}

// forget drops those that are full again, which loses nothing, and all when that is not enough.
func (l *Limiter) forget(now time.Time) {
	full := time.Duration(l.burst) * l.every
	for of, b := range l.has {
		if now.Sub(b.seen) >= full {
			delete(l.has, of)
		}
	}
	if len(l.has) >= maxNetworks {
		clear(l.has)
	}
}

func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil { // no address: all of those share one entry
		return netip.Prefix{}
	}
	return p
}
