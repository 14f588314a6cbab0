package apiv1

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/idempotency"
)

// turns let repeats of one write wait for each other before they take a connection to the database:
// waiting there, each inside a transaction, repeats of one slow write would take all of them.
type turns struct {
	mu    sync.Mutex
	under map[turn]*queue
}

// turn is a key of a program's own, and whose it is.
type turn struct {
	owner uuid.UUID
	key   string
}

type queue struct {
	free    chan struct{} // holds one token while nobody is at work
	waiting int
}

// longestTurn is how long a repeat waits, as it would in the database for one at another server.
const longestTurn = 10 * time.Second

// take waits until no other request with this key is at work in this server. done must be called.
func (t *turns) take(ctx context.Context, r idempotency.Request) (done func(), err error) {
	if r.Key == "" {
		return func() {}, nil
	}
	at := turn{r.Owner, r.Key}
	q := t.join(at)
	ctx, cancel := context.WithTimeout(ctx, longestTurn)
	defer cancel()
	select {
	case <-q.free:
		return func() { q.free <- struct{}{}; t.leave(at, q) }, nil
	case <-ctx.Done():
		t.leave(at, q)
		return nil, fault.New(fault.Conflict, "idempotency.busy", nil)
	}
}

func (t *turns) join(at turn) *queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.under[at]
	if q == nil {
		q = &queue{free: make(chan struct{}, 1)}
		q.free <- struct{}{}
		if t.under == nil {
			t.under = map[turn]*queue{}
		}
		t.under[at] = q
	}
	q.waiting++
	return q
}

func (t *turns) leave(at turn, q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.waiting--; q.waiting == 0 {
		delete(t.under, at)
	}
}
