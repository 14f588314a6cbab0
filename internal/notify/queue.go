package notify

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

type endpointID = uuid.UUID

// standing is what is known of an endpoint. It decides which slots a send to it may take, so that
// those who don't answer never hold up those who do.
type standing int

const (
	reliable standing = iota // it answered promptly the last time
	untried                  // nothing is known
	suspect                  // it let a send wait, or could not be reached, the last time
	standings
)

// slotKind is which of the lane's slots a send takes.
type slotKind int

const (
	fastSlot  slotKind = iota // for who is known to answer
	trialSlot                 // one of the fast, taken by somebody untried
	slowSlot                  // for suspects, and for sends that turned out to be slow
	slotKinds
)

// queueSize is how many claimed deliveries wait at most in a lane for endpoints that are not
// suspects. It is small because whatever is claimed when a worker dies counts as possibly sent.
const queueSize = 500

// queue holds claimed deliveries by endpoint and hands them out in turns, as slots become free, so
// that one endpoint with much to get never holds up the others.
type queue struct {
	mu        sync.Mutex
	changed   *sync.Cond
	limits    Limits
	endpoints map[endpointID]*endpointQueue
	turns     [standings][]*endpointQueue // endpoints with something to send and room for it
	first     standing                    // whose turn it is to be asked first
	used      [slotKinds]int
	waiting   int // deliveries, those of suspects excepted
	suspected int // deliveries of suspects
	mark      int // when waiting has fallen to it, more is claimed
	closed    bool
	low       chan struct{} // tells that more should be claimed
}

// endpointQueue is what this process knows of an endpoint. Limits that several workers must keep
// together are in the endpoint's row.
type endpointQueue struct {
	waiting  []*Outgoing
	inFlight int
	standing standing
	proven   bool      // it answered promptly the last time, in this process
	rests    time.Time // until when it asked to be left alone, by the machine's clock
	inTurns  bool
}

func newQueue(limits Limits) *queue {
	q := &queue{limits: limits, endpoints: map[endpointID]*endpointQueue{}, low: make(chan struct{}, 1)}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// wants says for how many more deliveries there is room, whether suspects may be among them, and
// which endpoints have their fill of work here.
func (q *queue) wants() (room int, suspects bool, busy []endpointID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	suspects = q.suspected < q.limits.Slow
	busy = []endpointID{}
	for id, e := range q.endpoints {
		if q.allowance(e) == 0 || (!suspects && e.standing == suspect) {
			busy = append(busy, id)
		}
	}
	return max(0, queueSize-q.waiting), suspects, busy
}

// take says how many deliveries of an endpoint may be claimed now. answered says whether, by its
// row, the endpoint answered when it was last asked; nil when it was never asked.
func (q *queue) take(id endpointID, answered *bool) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := untried
	if answered != nil {
		s = suspect
		if *answered {
			s = reliable
		}
	}
	return q.allowance(q.of(id, s))
}

// allowance is how many more deliveries of the endpoint may wait here: for one that answers so
// many that as many endpoints as it takes to use every slot have room beside one another; for
// the others only what is tried next. Under a rate, what was claimed in its time and waits for a slot
// must not pile up, to go out all at once.
func (q *queue) allowance(e *endpointQueue) int {
	n := 0
	switch {
	case ticking().Before(e.rests):
	case e.proven:
		n = max(2, queueSize*q.limits.PerEndpoint/max(q.limits.Concurrency, q.limits.PerEndpoint)) - len(e.waiting)
	case e.standing == suspect:
		n = 1 - len(e.waiting) - e.inFlight
	default:
		n = 2 - len(e.waiting) - e.inFlight
	}
	if q.limits.Rate > 0 {
		n = min(n, q.limits.atOnce()-len(e.waiting))
	}
	return max(0, n)
}

// push takes over claimed deliveries.
func (q *queue) push(list []*Outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range list {
		e := q.of(o.EndpointID, untried)
		e.waiting = append(e.waiting, o)
		q.count(e, 1)
		q.line(e)
	}
	q.mark = q.waiting / 2
	q.prune()
}

// of is what is known of an endpoint; when that is nothing, it stands as s.
func (q *queue) of(id endpointID, s standing) *endpointQueue {
	e := q.endpoints[id]
	if e == nil {
		e = &endpointQueue{standing: s}
		q.endpoints[id] = e
	}
	return e
}

func (q *queue) count(e *endpointQueue, n int) {
	if e.standing == suspect {
		q.suspected += n
		return
	}
	q.waiting += n
}

// stand changes what is thought of an endpoint, and where its deliveries count.
func (q *queue) stand(e *endpointQueue, s standing) {
	if e.standing == s {
		return
	}
	q.count(e, -len(e.waiting))
	e.standing = s
	q.count(e, len(e.waiting))
	e.inTurns = false // where it stood it is passed over
	q.line(e)
}

// line puts the endpoint in the turns when it has something to send and room for it.
func (q *queue) line(e *endpointQueue) {
	most := 1
	if e.proven {
		most = q.limits.PerEndpoint
	}
	if !e.inTurns && len(e.waiting) > 0 && e.inFlight < most {
		e.inTurns = true
		q.turns[e.standing] = append(q.turns[e.standing], e)
		q.changed.Signal()
	}
}

// free says whether a send to an endpoint of this standing may start, and with which slot.
func (q *queue) free(s standing) (slotKind, bool) {
	fast := q.used[fastSlot]+q.used[trialSlot] < q.limits.Concurrency
	switch s {
	case reliable:
		return fastSlot, fast
	case untried: // may take every fast slot while each of them could move to a slow one
		movable := q.used[slowSlot]+q.used[trialSlot] < q.limits.Slow
		return trialSlot, fast && (movable || q.used[trialSlot] < max(1, q.limits.Concurrency/2))
	default: // leaves some for sends that turn out to be slow
		return slowSlot, q.used[slowSlot] < max(1, q.limits.Slow-q.limits.Slow/4)
	}
}

// next waits for a slot and the next delivery that may be sent with it; nil when the queue is
// closed. The slot must be told how the send ended (answered, untaught) and be given back (release).
func (q *queue) next() *slot {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		for i := range standings {
			s := (q.first + i) % standings
			if sl := q.start(s); sl != nil {
				q.first = (s + 1) % standings // the standings take turns too
				return sl
			}
		}
		q.changed.Wait()
	}
	return nil
}

// start takes the first endpoint in line of a standing, if a slot for it is free.
func (q *queue) start(s standing) *slot {
	kind, ok := q.free(s)
	for ok && len(q.turns[s]) > 0 {
		e := q.turns[s][0]
		q.turns[s] = q.turns[s][1:]
		if !e.inTurns || e.standing != s {
			continue // it changed lines
		}
		e.inTurns = false
		if len(e.waiting) == 0 || (!e.proven && e.inFlight > 0) {
			continue // it lost its proof while it stood in line
		}
		out := e.waiting[0]
		e.waiting[0] = nil // the array lives on, this delivery need not
		e.waiting = e.waiting[1:]
		e.inFlight++
		q.count(e, -1)
		q.used[kind]++
		q.line(e)
		if q.waiting <= q.mark {
			q.tellLow()
		}
		return &slot{queue: q, endpoint: e, out: out, kind: kind}
	}
	return nil
}

func (q *queue) tellLow() {
	select {
	case q.low <- struct{}{}:
	default:
	}
}

// prune drops endpoints that nothing is known of but their standing; memory follows the work at
// hand, not the number of endpoints there are.
func (q *queue) prune() {
	if len(q.endpoints) < 4*queueSize {
		return
	}
	for id, e := range q.endpoints {
		if e.inFlight == 0 && len(e.waiting) == 0 && !e.inTurns {
			delete(q.endpoints, id)
		}
	}
}

// close ends next for good.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// drain returns what still waits.
func (q *queue) drain() (out []*Outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.endpoints {
		out = append(out, q.empty(e)...)
	}
	return out
}

// empty takes away what waits for an endpoint.
func (q *queue) empty(e *endpointQueue) []*Outgoing {
	out := e.waiting
	q.count(e, -len(out))
	e.waiting = nil
	return out
}

// slot is a send under way and the place it takes.
type slot struct {
	queue    *queue
	endpoint *endpointQueue
	out      *Outgoing
	kind     slotKind
	over     bool
}

// slowDown notes that the endpoint lets the send wait, and moves it to the slow slots so that it
// no longer takes the place of prompt ones. When those are all taken it stays where it is.
func (s *slot) slowDown() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.over {
		return
	}
	s.endpoint.proven = false
	q.stand(s.endpoint, suspect)
	if s.kind != slowSlot && q.used[slowSlot] < q.limits.Slow {
		q.used[s.kind]--
		q.used[slowSlot]++
		s.kind = slowSlot
		q.changed.Signal()
	}
}

// answered notes that the send ended and whether the endpoint answered promptly. The slot is kept.
// When it asked to be left alone, for as long as rest says, what waits for it is returned.
func (s *slot) answered(promptly bool, rest time.Duration) (back []*Outgoing) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	s.over = true
	e := s.endpoint
	e.inFlight--
	if rest > 0 {
		e.rests = ticking().Add(rest) // until the endpoint's row says so, to everybody
		back = q.empty(e)
	}
	if e.proven = promptly; promptly {
		q.stand(e, reliable)
	} else {
		q.stand(e, suspect)
	}
	q.line(e)
	if q.waiting <= q.mark || q.idle() {
		q.tellLow() // it may get more now
	}
	return back
}

// idle says whether slots are free that nothing waiting here can use.
func (q *queue) idle() bool {
	for s := range standings {
		if _, ok := q.free(s); ok && len(q.turns[s]) > 0 {
			return false
		}
	}
	return q.used[fastSlot]+q.used[trialSlot] < q.limits.Concurrency
}

// untaught notes that the send ended without anything being learnt of the endpoint.
func (s *slot) untaught() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	s.over = true
	s.endpoint.inFlight--
	q.line(s.endpoint)
}

// release gives the slot back.
func (s *slot) release() {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.used[s.kind]--
	q.changed.Signal()
}
