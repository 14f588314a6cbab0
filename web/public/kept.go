package public

import (
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/web"
)

// Drawing a page takes several queries and many small steps, and most readers ask for the same few
// pages. So each page without a question in its address is kept as it was drawn, and sent again while
// it would be drawn the same. What it is drawn from is
//   - the database: nothing of it changes without an entry in the record, in the same transaction, and
//     entries are committed in their order. Each request asks whether there are new ones;
//   - the clock: a page is kept until the publisher's day ends, or a period that it shows;
//   - the address and the language: the key. What is one reader's alone isn't kept.

const (
	keptPages = 500 // then all are dropped: the register has fewer, in two languages
	// keptFor is how late a page may notice what was changed past the program, by hand in the database.
	keptFor = time.Minute
)

type pageKey struct {
	path string
	lang locale.Lang
}

type keptPage struct {
	drawn       *web.Drawn
	version     int64
	from, until time.Time // it holds at from, and not at until any more
}

type kept struct {
	mu      sync.Mutex
	pages   map[pageKey]keptPage
	seen    int64 // of the record, up to here
	version int64 // the last entry that was news, as far as it is known
}

// ticket is for a page that is about to be drawn and may be kept.
type ticket struct {
	key     pageKey
	version int64
	from    time.Time
	until   time.Time
}

const keyTicket = "public.ticket"

// keep sends a page that was kept; one that isn't, or no longer, is drawn by the handler and kept by
// show.
func (s *Site) keep(h web.Handler) web.Handler {
	return func(c *gin.Context) error {
		if c.Request.URL.RawQuery != "" || web.HasFlash(c) || c.Request.Method != http.MethodGet {
			return h(c)
		}
		t := &ticket{key: pageKey{c.Request.URL.Path, web.Lang(c)}, from: s.web.Now()}
		t.until = t.from.Add(keptFor)
		var err error
		if t.version, err = s.version(c); err != nil {
			return err
		}
		if drawn := s.kept.find(t); drawn != nil {
			return drawn.Send(c)
		}
		c.Set(keyTicket, t)
		return h(c)
	}
}

// version is the last entry of the record that may have changed a page. Read before the page is, it is
// never too new.
func (s *Site) version(c *gin.Context) (int64, error) {
	s.kept.mu.Lock()
	seen := s.kept.seen
	s.kept.mu.Unlock()
	last, some, err := ledger.News(c.Request.Context(), s.DB, seen)
	if err != nil {
		return 0, err
	}
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	another := last < seen // the database was put back to an earlier state
	if some && (last > s.kept.version || another) {
		s.kept.version = last
	}
	if last > s.kept.seen || another {
		s.kept.seen = last
	}
	return s.kept.version, nil
}

func (k *kept) find(t *ticket) *web.Drawn {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, ok := k.pages[t.key]
	if !ok || p.version != t.version || t.from.Before(p.from) || !t.from.Before(p.until) {
		return nil
	}
	return p.drawn
}

func (k *kept) put(t *ticket, d *web.Drawn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pages == nil || len(k.pages) >= keptPages {
		k.pages = map[pageKey]keptPage{}
	}
	k.pages[t.key] = keptPage{d, t.version, t.from, t.until}
}

// turns says that the page being drawn reads otherwise from an instant on.
func (s *Site) turns(c *gin.Context, at time.Time) {
	if t, ok := c.Get(keyTicket); ok {
		t := t.(*ticket)
		if at.After(t.from) && at.Before(t.until) {
			t.until = at
		}
	}
}

// show draws a page, keeps it where it may be kept, and sends it.
func (s *Site) show(c *gin.Context, name string, p web.Data, pub *publisher.Settings) error {
	drawn, forAll, err := s.web.Draw(c, name, p)
	if err != nil {
		return err
	}
	if !forAll {
		return s.web.Render(c, name, p)
	}
	if t, ok := c.Get(keyTicket); ok {
		t := t.(*ticket)
		s.turns(c, pub.Today(t.from).AddDays(1).Start(pub.Zone()))
		s.kept.put(t, drawn)
	}
	return drawn.Send(c)
}
