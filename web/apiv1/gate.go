package apiv1

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"fairnotice/internal/accounts"
	"fairnotice/internal/fault"
	"fairnotice/web"
)

// authenticate finds out who asks, by the key. Nothing of the request is looked at before.
func (s *Site) authenticate(c *gin.Context) {
	c.Set(keySite, s)
	scheme, text, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		s.refuse(c, fault.New(fault.Unauthenticated, "key.missing", nil))
		return
	}
	from, _ := netip.ParseAddr(c.ClientIP()) // none: a key without networks will do
	who, key, err := s.Accounts.KeyActor(c.Request.Context(), strings.TrimSpace(text), from)
	if err != nil {
		s.refuse(c, err)
		return
	}
	web.SetActor(c, who)
	c.Set(keyKey, key)
	withCall(c, who)
}

const keyKey = "apiv1.key"

// limitRate refuses what is over the key's rate, in this server, and says what is left.
func (s *Site) limitRate(c *gin.Context) {
	key := c.MustGet(keyKey).(*accounts.Key)
	left, err := s.rates.allow(key, s.now())
	c.Header("RateLimit-Limit", strconv.Itoa(key.PerMinute))
	c.Header("RateLimit-Remaining", strconv.Itoa(left))
	if err != nil {
		s.refuse(c, err)
	}
}

// rates hold a bucket for each key that was used of late.
type rates struct {
	mu   sync.Mutex
	keys map[uuid.UUID]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	used    time.Time
}

// mostBuckets bounds the memory; there are hardly so many keys.
const mostBuckets = 10_000

func newRates() *rates { return &rates{keys: map[uuid.UUID]*bucket{}} }

// allow takes one request from the key's bucket, which holds a minute's, and says how many are left.
func (r *rates) allow(k *accounts.Key, now time.Time) (left int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.keys[k.ID]
	perSecond := rate.Limit(float64(k.PerMinute) / 60)
	if !ok {
		r.forget(now)
		b = &bucket{limiter: rate.NewLimiter(perSecond, k.PerMinute)}
		r.keys[k.ID] = b
	} else if b.limiter.Burst() != k.PerMinute { // an edit of the key fills nothing up
		b.limiter.SetLimitAt(now, perSecond)
		b.limiter.SetBurstAt(now, k.PerMinute)
	}
	b.used = now
	take := b.limiter.ReserveN(now, 1)
	wait := take.DelayFrom(now)
	if wait <= 0 {
		return int(b.limiter.TokensAt(now)), nil
	}
	take.CancelAt(now)
	seconds := int((wait + time.Second - 1) / time.Second)
	return 0, fault.New(fault.TooMany, "key.rate", fault.Args{"Limit": k.PerMinute, "seconds": seconds})
}

// forget drops buckets that are full again, which loses nothing.
func (r *rates) forget(now time.Time) {
	if len(r.keys) < mostBuckets {
		return
	}
	for id, b := range r.keys {
		if now.Sub(b.used) > time.Minute {
			delete(r.keys, id)
		}
	}
}

// checkQuery refuses an address with text in it that can't be ours.
func (s *Site) checkQuery(c *gin.Context) {
	if err := web.CleanQuery(c); err != nil {
		s.refuse(c, err)
	}
}

// op is the operation asked for. There is none for addresses outside the table.
func (s *Site) op(c *gin.Context) *op { return s.routes[route{c.Request.Method, c.FullPath()}] }

// buffered keeps an answer back until it is known to hold.
type buffered struct {
	gin.ResponseWriter
	status int
	body   []byte
}

func hold(c *gin.Context) *buffered {
	b := &buffered{ResponseWriter: c.Writer, status: http.StatusOK}
	c.Writer = b
	return b
}

func (b *buffered) WriteHeader(status int)               { b.status = status }
func (b *buffered) WriteHeaderNow()                      {}
func (b *buffered) Write(p []byte) (int, error)          { b.body = append(b.body, p...); return len(p), nil }
func (b *buffered) WriteString(text string) (int, error) { return b.Write([]byte(text)) }
func (b *buffered) Status() int                          { return b.status }
func (b *buffered) Size() int                            { return len(b.body) }
func (b *buffered) Written() bool                        { return len(b.body) > 0 }
func (b *buffered) Flush()                               {}

// release sends what was held.
func (b *buffered) release(c *gin.Context) {
	c.Writer = b.ResponseWriter
	c.Writer.WriteHeader(b.status)
	if len(b.body) > 0 {
		_, _ = c.Writer.Write(b.body)
	} else {
		c.Writer.WriteHeaderNow()
	}
}

// giveUp hands the writer back after a panic, for whoever tells of it.
func (b *buffered) giveUp(c *gin.Context) {
	if c.Writer == gin.ResponseWriter(b) {
		b.drop(c)
	}
}

// drop forgets what was held, so that something else can be said.
func (b *buffered) drop(c *gin.Context) {
	c.Writer = b.ResponseWriter
	for _, name := range []string{"Content-Type", "ETag", "Location", "Link"} {
		c.Writer.Header().Del(name)
	}
}
