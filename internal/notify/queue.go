package notify

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

type endpointID = uuid.UUID

// queue holds claimed deliveries by endpoint and hands them out in turns, so that one endpoint
// with much to get never holds up the others.
type queue struct {
	mu        sync.Mutex
	filled    *sync.Cond
	endpoints map[endpointID]*endpointQueue
	turns     []*endpointQueue // endpoints with something to send and room for it
	size      int
	perProven int
	closed    bool
	low       chan struct{} // tells that more should be claimed
}

// endpointQueue is what this process knows of an endpoint. Limits that several workers must keep
// together are in the endpoint's row.
type endpointQueue struct {
	id       endpointID
	waiting  []*Outgoing
	reserved int // claimed, on the way here
	inFlight int
	proven   bool // it answered promptly the last time
	inTurns  bool
}

// ahead is how many deliveries an endpoint may have waiting here for each send that it may have in
// flight: enough not to run dry between two claims.
const ahead = 16

// queueSize is how many claimed deliveries wait at most in a lane.
const queueSize = 1000

func newQueue(perProven int) *queue {
	q := &queue{endpoints: map[endpointID]*endpointQueue{}, perProven: perProven, low: make(chan struct{}, 1)}
	q.filled = sync.NewCond(&q.mu)
	return q
}

func (q *queue) room() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, queueSize-q.size)
}

func (q *queue) of(id endpointID) *endpointQueue {
	e := q.endpoints[id]
	if e == nil {
		e = &endpointQueue{id: id}
		q.endpoints[id] = e
	}
	return e
}

// cap is how many sends the endpoint may have in flight: one until it has answered promptly.
func (q *queue) cap(e *endpointQueue) int {
	if e.proven {
		return q.perProven
	}
	return 1
}

// reserve keeps a place for one delivery of the endpoint; false when it has its fill.
func (q *queue) reserve(id endpointID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.of(id)
	if len(e.waiting)+e.reserved >= ahead*q.perProven {
		return false
	}
	e.reserved++
	return true
}

// release gives up reserved places: the claim came to nothing.
func (q *queue) release(list []*Outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range list {
		e := q.of(o.EndpointID)
		e.reserved--
		q.forget(e)
	}
}

// push takes over claimed deliveries, whose places were reserved.
func (q *queue) push(list []*Outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range list {
		e := q.of(o.EndpointID)
		e.reserved--
		e.waiting = append(e.waiting, o)
		q.size++
		q.line(e)
	}
	q.filled.Broadcast()
}

// line puts the endpoint in the turns when it has something to send and room for it.
func (q *queue) line(e *endpointQueue) {
	if !e.inTurns && len(e.waiting) > 0 && e.inFlight < q.cap(e) {
		e.inTurns = true
		q.turns = append(q.turns, e)
		q.filled.Signal()
	}
}

// next waits for the next delivery that may be sent; false when the queue is closed.
func (q *queue) next() (*Outgoing, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.turns) == 0 && !q.closed {
			q.filled.Wait()
		}
		if q.closed {
			return nil, false
		}
		e := q.turns[0]
		q.turns = q.turns[1:]
		e.inTurns = false
		if len(e.waiting) == 0 || e.inFlight >= q.cap(e) {
			continue // it lost its proof while it stood in line
		}
		out := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.inFlight++
		q.size--
		q.line(e)
		if q.size < queueSize/2 {
			q.tellLow()
		}
		return out, true
	}
}

func (q *queue) tellLow() {
	select {
	case q.low <- struct{}{}:
	default:
	}
}

// done notes that a send ended, and whether the endpoint answered promptly.
func (q *queue) done(id endpointID, prompt bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.of(id)
	e.inFlight--
	e.proven = prompt
	q.line(e)
	q.forget(e)
}

// undone notes that a send was given up before it began: nothing was learnt of the endpoint.
func (q *queue) undone(id endpointID) {
	q.mu.Lock()
	proven := q.of(id).proven
	q.mu.Unlock()
	q.done(id, proven)
}

// unproven notes that the endpoint lets a send wait.
func (q *queue) unproven(id endpointID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.of(id).proven = false
}

// forget drops an endpoint that nothing is known of but its proof; memory follows the work at
// hand, not the number of endpoints there are.
func (q *queue) forget(e *endpointQueue) {
	if e.inFlight == 0 && e.reserved == 0 && len(e.waiting) == 0 && !e.inTurns && len(q.endpoints) > queueSize {
		delete(q.endpoints, e.id)
	}
}

// close ends next for good.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}

// drain returns what still waits.
func (q *queue) drain() (out []*Outgoing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.endpoints {
		out = append(out, e.waiting...)
		e.waiting = nil
	}
	q.size = 0
	return out
}

// rest is how a lane treats the relay that all its sends go through: when it can't be reached, no
// further deliveries are thrown at it. The zero value is a relay that answers.
type rest struct {
	mu       sync.Mutex
	until    time.Time
	failures int
}

const (
	shortestRest = 2 * time.Second
	longestRest  = time.Minute
)

// allows says how many deliveries may be claimed now: all that are wanted, one as a probe after a
// rest, or none.
func (r *rest) allows(now time.Time, wanted int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failures == 0:
		return wanted
	case now.Before(r.until):
		return 0
	default:
		r.until = now.Add(shortestRest) // one probe at a time
		return 1
	}
}

func (r *rest) resting(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The probe itself is let through: its rest is the short one that allows has set.
	return r.failures > 0 && r.until.Sub(now) > shortestRest
}

// left is how long the relay still rests.
func (r *rest) left(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.until.Sub(now))
}

// note learns from the outcome of a send.
func (r *rest) note(o Outcome, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o != Unreachable {
		r.failures, r.until = 0, time.Time{}
		return
	}
	wait := min(longestRest, shortestRest<<min(r.failures, 5))
	r.failures++
	r.until = now.Add(wait + shortestRest)
}
