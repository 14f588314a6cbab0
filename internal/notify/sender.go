package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fairnotice/internal/database"
)

// Sender sends whatever is due. There is one in each worker process; any number of processes may
// run on one database.
type Sender struct {
	lanes  map[string]*lane
	record *recorder
	stop   context.CancelFunc // no more claims
	abort  context.CancelFunc // ends the sends that run
	wg     sync.WaitGroup
}

// StartSender starts a lane for each channel. Stop must be called.
func StartSender(db *database.DB, jobs JobInserter, log *slog.Logger, channels ...Channel) *Sender {
	claims, stop := context.WithCancel(context.Background())
	sends, abort := context.WithCancel(context.Background())
	s := &Sender{lanes: map[string]*lane{}, stop: stop, abort: abort}
	s.record = newRecorder(db, jobs, log)
	for _, ch := range channels {
		l := newLane(db, ch, s.record, log)
		s.lanes[ch.Name()] = l
		s.wg.Go(func() { l.run(claims, sends) })
	}
	return s
}

// Wake makes a lane look for due deliveries at once. Without it the sweep finds them within a
// second.
func (s *Sender) Wake(channel string) {
	if l := s.lanes[channel]; l != nil {
		l.poke()
	}
}

// Stop claims no more, hands back what was claimed but not started, and waits for the sends that
// run until ctx ends; those are then cut off and recorded as what they were. Everything that was
// answered is recorded before Stop returns.
func (s *Sender) Stop(ctx context.Context) {
	s.stop()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		s.abort()
		s.record.hurry() // a database that takes nothing must not hold up the stop
		<-done
	}
	s.abort()
	s.record.close(ctx)
}

// lane sends for one channel.
type lane struct {
	db      *database.DB
	channel Channel
	limits  Limits
	record  *recorder
	log     *slog.Logger
	wake    chan struct{}
	fast    chan struct{} // a token for each send that may still be prompt
	slow    chan struct{} // a token for each send that was not
	sends   sync.WaitGroup
	queue   *queue
	relay   rest
}

func newLane(db *database.DB, ch Channel, record *recorder, log *slog.Logger) *lane {
	limits := ch.Limits()
	return &lane{
		db: db, channel: ch, limits: limits, record: record, log: log,
		wake:  make(chan struct{}, 1),
		fast:  make(chan struct{}, limits.Concurrency),
		slow:  make(chan struct{}, limits.Slow),
		queue: newQueue(limits.PerEndpoint),
	}
}

// reserve says whether the endpoint's queue has room for one more.
func (l *lane) reserve(endpoint endpointID) bool { return l.queue.reserve(endpoint) }

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run claims and dispatches until claims ends, then hands back what it has not started and waits
// for what it has.
func (l *lane) run(claims, sends context.Context) {
	dispatched := make(chan struct{})
	go func() { l.dispatch(claims, sends); close(dispatched) }()
	sweep := time.NewTicker(time.Second)
	defer sweep.Stop()
	for claims.Err() == nil {
		l.fill(claims)
		select {
		case <-l.wake:
		case <-sweep.C:
		case <-l.queue.low:
		case <-claims.Done():
		}
	}
	l.queue.close()
	<-dispatched
	l.sends.Wait()
	l.handBack(l.queue.drain())
}

// claimSize is how many due deliveries one claim looks at.
const claimSize = 250

// fill claims until the queue is full or nothing is due. While the relay rests it claims nothing;
// after the rest it claims one, to see whether the relay answers again.
func (l *lane) fill(ctx context.Context) {
	for ctx.Err() == nil {
		limit := l.relay.allows(ticking(), claimSize)
		if limit = min(limit, l.queue.room()); limit == 0 {
			return
		}
		var got claimed
		err := l.db.Transact(ctx, func(tx *database.Tx) (err error) {
			got, err = l.claim(tx, limit)
			return err
		})
		if err == nil {
			err = l.record.renderings.attach(ctx, l.db, got.taken)
		}
		if err != nil {
			if ctx.Err() == nil {
				l.log.ErrorContext(ctx, "claim deliveries", "channel", l.channel.Name(), "error", err)
			}
			l.queue.release(got.taken)
			l.handBack(got.taken)
			return // the sweep tries again
		}
		l.queue.push(got.taken)
		if len(got.taken) == 0 || got.seen < limit {
			return
		}
	}
}

// dispatch starts a send for each queued delivery as soon as a fast slot is free and its endpoint
// has room.
func (l *lane) dispatch(claims, sends context.Context) {
	for {
		select {
		case l.fast <- struct{}{}:
		case <-claims.Done():
			return
		}
		out, ok := l.queue.next()
		if !ok {
			return
		}
		l.sends.Go(func() { l.send(sends, out) })
	}
}

// send makes one try and hands its result to the recorder.
func (l *lane) send(ctx context.Context, out *Outgoing) {
	slot := &slot{lane: l}
	started := ticking()
	out.StartedAt = l.db.Now()
	if resting := l.relay.resting(started); resting || out.LeaseEnds.Sub(out.StartedAt) < l.limits.Timeout+leaseMargin {
		slot.release()
		l.queue.undone(out.EndpointID)
		back := []*Outgoing{out} // another worker could take it over before this send must end
		if resting {
			back = append(back, l.queue.drain()...) // none of them would get through now
		}
		l.handBack(back)
		return
	}
	timer := time.AfterFunc(prompt, func() { slot.slowDown(out.EndpointID) })
	sendCtx, cancel := context.WithTimeout(ctx, l.limits.Timeout)
	result := l.channel.Send(sendCtx, out)
	cancel()
	timer.Stop()
	took := time.Since(started)
	if result.Stage != StageCompose { // else the relay was not asked
		l.relay.note(result.Outcome, ticking())
	}
	l.queue.done(out.EndpointID, result.Outcome != Unreachable && took < prompt)
	l.record.add(finished{out: out, result: result, took: took})
	slot.release() // only now: sends must not run ahead of their record
}

// leaseMargin covers what lies between a send's end and its record.
const leaseMargin = 5 * time.Second

// handBack returns deliveries that were claimed and not started: as if they had not been claimed.
func (l *lane) handBack(list []*Outgoing) {
	if len(list) == 0 {
		return
	}
	ids, numbers := make([]string, len(list)), make([]int, len(list))
	for i, o := range list {
		ids[i], numbers[i] = o.ID.String(), o.Number
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	back := l.db.Now().Add(l.relay.left(ticking()))
	_, err := l.db.Pool().Exec(ctx, `update deliveries d set state = 'queued', attempts = attempts - 1, due_at = $3
		from unnest($1::uuid[], $2::int[]) t (id, number)
		where d.id = t.id and d.attempts = t.number and d.state = 'sending'`, ids, numbers, back)
	if err != nil {
		// Their leases end by themselves.
		l.log.ErrorContext(ctx, "hand back deliveries", "channel", l.channel.Name(), "count", len(list), "error", err)
	}
}

// ticking is the machine's own clock, for how long things take and how long the relay rests: a clock
// that is put right must not disturb either. When something is due is the database's clock to say.
func ticking() time.Time { return time.Now() } //nolint:forbidigo // see above

// slot is the token a send holds: a fast one until it turns out to be slow.
type slot struct {
	lane     *lane
	mu       sync.Mutex
	slow     bool
	released bool
}

// slowDown moves the send to the slow pool, so that it no longer keeps prompt endpoints waiting.
// When that pool is full too, it stays where it is.
func (s *slot) slowDown(endpoint endpointID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return
	}
	s.lane.queue.unproven(endpoint)
	select {
	case s.lane.slow <- struct{}{}:
		s.slow = true
		<-s.lane.fast
	default:
	}
}

func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = true
	if s.slow {
		<-s.lane.slow
		return
	}
	<-s.lane.fast
}
