package apiv1

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/fault"
)

// watches read the progress of notices for those who follow it: each notice once, however many
// streams there are.
type watches struct {
	read    func(context.Context, uuid.UUID) (*NoticeProgress, error)
	pause   time.Duration // between two reads of a notice
	perKey  int           // streams at once
	most    int           // streams at once of all keys
	running sync.WaitGroup

	mu      sync.Mutex
	notices map[uuid.UUID]*watch
	keys    map[uuid.UUID]int // how many streams a key has open
	streams int
}

func newWatches(read func(context.Context, uuid.UUID) (*NoticeProgress, error)) *watches {
	return &watches{read: read, pause: time.Second, perKey: 10, most: 1000, notices: map[uuid.UUID]*watch{}, keys: map[uuid.UUID]int{}}
}

// watch reads one notice's progress while somebody follows it.
type watch struct {
	all    *watches
	notice uuid.UUID
	cancel context.CancelFunc
	last   *NoticeProgress // nil before the first read
	err    error           // why it ended
	subs   map[*subscription]bool
}

// subscription is one stream's part in a watch. news holds the latest numbers that were not yet taken:
// who is slow misses what came between. It is closed when the watch has failed.
type subscription struct {
	watch *watch
	key   uuid.UUID
	news  chan *NoticeProgress
}

// join follows a notice on behalf of a key. Who joins must leave.
func (a *watches) join(notice, key uuid.UUID) (*subscription, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys[key] >= a.perKey {
		return nil, fault.New(fault.TooMany, "streams.key", fault.Args{"Max": a.perKey, "seconds": 10})
	}
	if a.streams >= a.most {
		return nil, fault.New(fault.TooMany, "streams.all", fault.Args{"seconds": 10})
	}
	w := a.notices[notice]
	if w == nil {
		ctx, cancel := context.WithCancel(context.Background()) // it outlives the request that began it
		w = &watch{all: a, notice: notice, cancel: cancel, subs: map[*subscription]bool{}}
		a.notices[notice] = w
		a.running.Go(func() { w.run(ctx) })
	}
	sub := &subscription{watch: w, key: key, news: make(chan *NoticeProgress, 1)}
	w.subs[sub] = true
	a.keys[key]++
	a.streams++
	if w.last != nil {
		sub.news <- w.last
	}
	return sub, nil
}

// leave ends a subscription; the last one ends the watch.
func (s *subscription) leave() {
	a := s.watch.all
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(s.watch.subs, s)
	a.streams--
	if a.keys[s.key]--; a.keys[s.key] == 0 {
		delete(a.keys, s.key)
	}
	if len(s.watch.subs) == 0 {
		s.watch.end()
	}
}

// first waits for the first numbers.
func (s *subscription) first(ctx context.Context) (*NoticeProgress, error) {
	select {
	case p, ok := <-s.news:
		if !ok {
			return nil, s.watch.err
		}
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end is called with the lock.
func (w *watch) end() {
	w.cancel()
	if w.all.notices[w.notice] == w {
		delete(w.all.notices, w.notice)
	}
}

// run reads until it is cancelled or reading fails: those who follow then ask again, and are told.
func (w *watch) run(ctx context.Context) {
	for {
		began := time.Now()
		p, err := w.all.read(ctx, w.notice)
		if err != nil {
			w.fail(err)
			return
		}
		w.tell(p)
		pause := time.NewTimer(max(w.all.pause, 10*time.Since(began))) // a large notice is asked for less often
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// tell hands new numbers to everybody who follows.
func (w *watch) tell(p *NoticeProgress) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	if w.last != nil && reflect.DeepEqual(*w.last, *p) {
		return
	}
	w.last = p
	for sub := range w.subs {
		select {
		case <-sub.news: // it was not taken, and is old now
		default:
		}
		sub.news <- p
	}
}

func (w *watch) fail(err error) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.err = err
	w.end()
	for sub := range w.subs {
		close(sub.news)
	}
}
