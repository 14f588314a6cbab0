package notify

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

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
	sends   sync.WaitGroup
	queue   *queue
	held    held
	relay   rest

	owedMu sync.Mutex
	owed   []handedBack // what the database did not take back yet
}

func newLane(db *database.DB, ch Channel, record *recorder, log *slog.Logger) *lane {
	limits := ch.Limits()
	return &lane{db: db, channel: ch, limits: limits, record: record, log: log, wake: make(chan struct{}, 1), queue: newQueue(limits), held: held{ids: map[uuid.UUID]bool{}}}
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

const (
	sweepEvery = time.Second
	// spacing is the least time between two claims of which the first found little: what becomes
	// due in between is claimed together.
	spacing = 20 * time.Millisecond
)

// run claims and dispatches until claims ends, then hands back what it has not started and waits
// for what it has.
func (l *lane) run(claims, sends context.Context) {
	dispatched := make(chan struct{})
	go func() { l.dispatch(sends); close(dispatched) }()
	for claims.Err() == nil {
		sweep := time.NewTimer(l.fill(claims))
		select {
		case <-l.wake:
		case <-sweep.C:
		case <-l.queue.low:
			pause(claims, spacing)
		case <-claims.Done():
		}
		sweep.Stop()
	}
	l.queue.close()
	<-dispatched
	l.sends.Wait()
	l.handBack(l.queue.drain(), l.relay.left(ticking()))
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// claimSize is how many due deliveries one claim takes at most.
const claimSize = 250

// fill claims until the queue is full or nothing more is due, and says when to look again. While
// the relay rests it claims nothing; after the rest it claims one, to see whether the relay
// answers again.
func (l *lane) fill(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		if err := l.settle(); err != nil {
			break
		}
		room, suspects, busy := l.queue.wants()
		limit := min(l.relay.allows(ticking(), claimSize), room)
		if limit == 0 {
			break
		}
		c := claim{lane: l, limit: limit, suspects: suspects, busy: busy}
		err := l.db.Transact(ctx, c.run)
		if err == nil {
			err = l.record.shared.attach(ctx, l.db, c.taken)
		}
		if err != nil {
			if ctx.Err() == nil {
				l.log.ErrorContext(ctx, "claim deliveries", "channel", l.channel.Name(), "error", err)
			}
			l.held.add(c.taken) // the claim may have been committed all the same
			l.giveBackOrOwe(handedBack{c.taken, l.db.Now(), true})
			break // the sweep tries again
		}
		l.held.add(c.taken)
		l.queue.push(c.taken)
		if c.idle { // what is due is locked, by a withdrawal perhaps
			pause(ctx, spacing)
		}
		if !c.more {
			return min(sweepEvery, max(spacing, c.next))
		}
	}
	return sweepEvery
}

// dispatch starts sends until the queue is closed.
func (l *lane) dispatch(sends context.Context) {
	for s := l.queue.next(); s != nil; s = l.queue.next() {
		l.sends.Go(func() { l.send(sends, s) })
	}
}

// send makes one try and hands its result to the recorder.
func (l *lane) send(ctx context.Context, s *slot) {
	defer s.release() // only when it is recorded: sends must not run ahead of their record
	out, started := s.out, ticking()
	out.StartedAt = l.db.Now()
	if resting := l.relay.resting(started); resting || out.LeaseEnds.Sub(out.StartedAt) < l.limits.Timeout+leaseMargin {
		s.untaught()
		back := []*Outgoing{out} // another worker could take it over before this send must end
		if resting {
			back = append(back, l.queue.drain()...) // none of them would get through now
		}
		l.handBack(back, l.relay.left(started))
		return
	}
	timer := time.AfterFunc(prompt, s.slowDown)
	sendCtx, cancel := context.WithTimeout(ctx, l.limits.Timeout)
	result := l.channel.Send(sendCtx, out)
	cancel()
	timer.Stop()
	took := ticking().Sub(started)
	if result.Stage == StageCompose || (result.Outcome == Unreachable && result.Stage != StageTunnel) {
		s.untaught()
	} else {
		l.handBack(s.answered(took < prompt && result.spoke(), result.Rest), result.Rest)
	}
	if result.Stage != StageCompose && result.Stage != StageTunnel { // else it says nothing about the relay
		l.relay.note(result.Outcome, started, ticking())
	}
	l.record.add(finished{out: out, result: result, took: took, recorded: func() { l.held.drop(out.ID) }})
}

// leaseMargin covers what lies between a send's end and its record.
const leaseMargin = 5 * time.Second

// handedBack are deliveries that were claimed and not started, and when they are due again.
type handedBack struct {
	list   []*Outgoing
	dueAt  time.Time
	unsure bool // whether they were claimed, or are ours still
}

// handBack returns deliveries as if they had not been claimed; they are due again after a wait. While
// the database takes nothing they are owed to it.
func (l *lane) handBack(list []*Outgoing, wait time.Duration) {
	l.giveBackOrOwe(handedBack{list, l.db.Now().Add(wait), false})
}

func (l *lane) giveBackOrOwe(b handedBack) {
	if len(b.list) == 0 {
		return
	}
	if err := l.giveBack(b); err != nil {
		l.log.Error("hand back deliveries", "channel", l.channel.Name(), "count", len(b.list), "error", err)
		b.unsure = true // the commit may have happened
		l.owedMu.Lock()
		l.owed = append(l.owed, b)
		l.owedMu.Unlock()
	}
}

// settle gives back what is owed. What could never be given back waits for its lease to end.
func (l *lane) settle() error {
	l.owedMu.Lock()
	defer l.owedMu.Unlock()
	for len(l.owed) > 0 {
		if err := l.giveBack(l.owed[0]); err != nil {
			return err
		}
		l.owed = l.owed[1:]
	}
	return nil
}

// giveBack returns what this process has claimed. Where that is unsure it must have the lease of that
// very claim: what was never claimed, or is returned already, somebody else may have claimed since,
// under the same number.
func (l *lane) giveBack(b handedBack) error {
	slices.SortFunc(b.list, func(a, b *Outgoing) int { return bytes.Compare(a.ID[:], b.ID[:]) }) // see recorder.store
	n := len(b.list)
	ids, numbers, leases, endpoints := make([]uuid.UUID, n), make([]int, n), make([]time.Time, n), make([]uuid.UUID, n)
	for i, o := range b.list {
		ids[i], numbers[i], leases[i], endpoints[i] = o.ID, o.Number, o.LeaseEnds, o.EndpointID
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := l.db.Transact(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(database.ByIndex); err != nil {
			return err
		}
		_, err := tx.Exec(`update deliveries d set state = 'queued', attempts = attempts - 1, due_at = $3, leased_until = null
			from unnest($1::uuid[], $2::int[], $4::timestamptz[]) t (id, number, lease)
			where d.id = t.id and d.attempts = t.number and d.state = 'sending' and (not $5 or d.leased_until = t.lease)`,
			ids, numbers, b.dueAt, leases, b.unsure)
		if err != nil {
			return err
		}
		_, err = tx.Exec(wakeEndpoints("select unnest($2::uuid[])", "$1"), b.dueAt, endpoints)
		return err
	})
	if err != nil {
		return err
	}
	for _, o := range b.list { // not before: a claim in between would take them for a dead worker's
		l.held.drop(o.ID)
	}
	return nil
}

// held are the deliveries that this process has claimed and not yet recorded. They are its own even
// when a clock that jumps makes their leases look over.
type held struct {
	mu  sync.Mutex
	ids map[uuid.UUID]bool
}

func (h *held) add(list []*Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range list {
		h.ids[o.ID] = true
	}
}

func (h *held) drop(id uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ids, id)
}

func (h *held) has(id uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ids[id]
}

// ticking is the machine's own clock, for how long things take and how long the relay rests: a clock
// that is put right must not disturb either. When something is due is the database's clock to say.
func ticking() time.Time { return time.Now() } //nolint:forbidigo // see above
