package notify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/jobs"
	"fairnotice/internal/ledger"
	"fairnotice/internal/subscribers"
)

// JobInserter enqueues a job inside a transaction.
type JobInserter interface {
	Insert(tx *database.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Finished sends are committed in groups of so many, or after so long.
const (
	groupSize = 250
	groupWait = 20 * time.Millisecond
)

// finished is a send with its result.
type finished struct {
	out      *Outgoing
	result   Result
	took     time.Duration
	plan     plan
	recorded func() // called when it is
}

// committers is how many groups are committed at once: while one waits for the disk, the next is
// stored.
const committers = 2

// ahead is how many finished sends wait for a committer at most: what is sent and not recorded is
// sent again after a crash.
const ahead = 50

// recorder commits finished sends in groups: attempts, outcomes, facts of service and one ledger
// entry, in one transaction.
type recorder struct {
	db         *database.DB
	jobs       JobInserter
	log        *slog.Logger
	in         chan finished
	gathering  sync.Mutex
	done       chan struct{}
	giveUp     chan struct{} // closed when there is no more time to wait for the database
	giveUpOnce sync.Once
	renderings *renderingCache
}

func newRecorder(db *database.DB, jobs JobInserter, log *slog.Logger) *recorder {
	r := &recorder{db: db, jobs: jobs, log: log, in: make(chan finished, ahead),
		done: make(chan struct{}), giveUp: make(chan struct{}), renderings: newRenderingCache()}
	var running sync.WaitGroup
	for range committers {
		running.Go(r.run)
	}
	go func() { running.Wait(); close(r.done) }()
	return r
}

// add hands over a finished send. It waits while the database can't keep up: sends must not run
// ahead of their record.
func (r *recorder) add(f finished) {
	select {
	case r.in <- f:
	case <-r.giveUp:
		r.log.Error(unrecorded, "count", 1)
	}
}

const unrecorded = "deliveries sent but not recorded: they will be sent again"

// lastMoment is how long the recorder still tries when the time for stopping is over.
const lastMoment = 3 * time.Second

// hurry makes the recorder give up after a last moment.
func (r *recorder) hurry() {
	time.AfterFunc(lastMoment, func() { r.giveUpOnce.Do(func() { close(r.giveUp) }) })
}

// close records what was added and returns. When ctx ends first, what could not be committed is
// given up: its leases end and it is sent again, marked as a possible repeat.
func (r *recorder) close(ctx context.Context) {
	close(r.in)
	select {
	case <-r.done:
		return
	case <-ctx.Done():
	}
	r.hurry() // what is in hand gets a moment, whatever ctx says
	<-r.done
}

func (r *recorder) run() {
	for {
		group := r.gather()
		if len(group) == 0 {
			return
		}
		r.commit(group)
	}
}

// gather waits for a finished send, and a little for company; none when there will be no more. Only
// one committer gathers at a time, so that groups grow full.
func (r *recorder) gather() []finished {
	r.gathering.Lock()
	defer r.gathering.Unlock()
	first, ok := <-r.in
	if !ok {
		return nil
	}
	group := append(make([]finished, 0, groupSize), first)
	timeout := time.NewTimer(groupWait)
	defer timeout.Stop()
	for len(group) < groupSize {
		select {
		case f, ok := <-r.in:
			if !ok {
				return group
			}
			group = append(group, f)
		case <-timeout.C:
			return group
		}
	}
	return group
}

// commit stores the group, and tries until the database takes it: these things happened.
func (r *recorder) commit(group []finished) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.try(group)
		if err == nil {
			for i := range group {
				group[i].recorded()
			}
			return
		}
		r.log.Error("record deliveries", "count", len(group), "error", err)
		select {
		case <-time.After(wait):
		case <-r.giveUp:
			r.log.Error(unrecorded, "count", len(group))
			return
		}
	}
}

func (r *recorder) try(group []finished) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tried := make(chan struct{})
	defer close(tried)
	go func() {
		select {
		case <-r.giveUp:
			cancel()
		case <-tried:
		}
	}()
	return r.db.Transact(ctx, func(tx *database.Tx) error { return r.store(tx, group) })
}

func (r *recorder) store(tx *database.Tx, group []finished) error {
	for i := range group {
		f := &group[i]
		f.plan = next(f.out.Number, f.out.CreatedAt, tx.Now(), f.result, jitter())
	}
	fresh, err := storeAttempts(tx, group)
	if err != nil {
		return err
	}
	served, err := storeServices(tx, group)
	if err != nil {
		return err
	}
	if served > 0 {
		if err := r.jobs.Insert(tx, changes.DeriveWindows{}, changes.DeriveSoon()); err != nil {
			return err
		}
	}
	if err := disable(tx, group); err != nil {
		return err
	}
	if stranded(group) {
		if err := r.jobs.Insert(tx, LookAfter{}, jobs.Once(jobs.QueueWindows)); err != nil {
			return err
		}
	}
	return appendGroup(tx, fresh)
}

// stranded says whether a contract recipient was refused for good: its customer's fallback should
// not wait for the clock to be told.
func stranded(group []finished) bool {
	return slices.ContainsFunc(group, func(f finished) bool { return f.plan.state == Failed && f.out.WindowID != nil })
}

// appendGroup records the attempts, one entry for each notice in the group.
func appendGroup(tx *database.Tx, group []finished) error {
	byNotice := map[uuid.UUID][]finished{}
	var order []uuid.UUID
	for _, f := range group {
		id := f.out.NoticeID
		if byNotice[id] == nil {
			order = append(order, id)
		}
		byNotice[id] = append(byNotice[id], f)
	}
	for _, id := range order {
		err := ledger.Append(tx, ledger.Entry{Kind: "deliveries.attempted", Actor: actor.ForSystem(),
			Subject: ledger.SubjectOf("notice", id), Body: groupBody(byNotice[id])})
		if err != nil {
			return err
		}
	}
	return nil
}

// storeAttempts keeps every attempt and applies its outcome to the delivery. The outcome is fenced
// by the attempt's number: a late answer to an attempt whose lease ran out does not undo what a
// later attempt found, but the attempt itself is kept. A repeated commit of the same group is
// harmless: it returns the attempts that are new, and there are none.
func storeAttempts(tx *database.Tx, group []finished) (fresh []finished, err error) {
	n := len(group)
	ids, numbers, codes, took := make([]uuid.UUID, n), make([]int, n), make([]int, n), make([]int64, n)
	started, nexts, dones := make([]time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	outcomes, stages, answers := make([]string, n), make([]string, n), make([]string, n)
	states, reasons, digests := make([]string, n), make([]string, n), make([][]byte, n)
	addresses, epochs := make([]string, n), make([]int, n)
	now := tx.Now()
	for i, f := range group {
		ids[i], numbers[i], codes[i], took[i] = f.out.ID, f.out.Number, f.result.Code, f.took.Microseconds()
		started[i], nexts[i] = f.out.StartedAt, f.plan.dueAt
		outcomes[i], stages[i], answers[i] = string(f.result.Outcome), f.result.Stage, f.result.Answer
		addresses[i], epochs[i] = f.out.Address, f.out.LinkEpoch
		states[i], reasons[i], digests[i] = string(f.plan.state), f.plan.reason, f.result.Digest
		if f.plan.dueAt == nil {
			dones[i] = &now
		}
	}
	rows, err := database.Rows[attemptID](tx, `insert into attempts (delivery_id, number, started_at, duration_us, outcome, stage, code, answer, digest, next_at, address, link_epoch)
		select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::text[], $9::bytea[], $10::timestamptz[], $11::text[], $12::int[])
		on conflict do nothing returning delivery_id, number`,
		ids, numbers, started, took, outcomes, stages, codes, answers, digests, nexts, addresses, epochs)
	if err != nil {
		return nil, fmt.Errorf("store attempts: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`update deliveries d set state = t.state, due_at = t.due_at, done_at = t.done_at, reason = t.reason, digest = coalesce(t.digest, d.digest),
		possible_repeat = d.possible_repeat or (t.outcome = 'ambiguous' and t.due_at is not null)
		from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bytea[], $8::text[]) t (id, number, state, due_at, done_at, reason, digest, outcome)
		where d.id = t.id and d.attempts = t.number and d.state = 'sending'`,
		ids, numbers, states, nexts, dones, reasons, digests, outcomes)
	batch.Queue(endpointNews, newsOf(group, now).args(now)...)
	if err := send(tx, batch, "store outcomes"); err != nil {
		return nil, err
	}
	if len(rows) == len(group) {
		return group, nil
	}
	stored := make(map[attemptID]bool, len(rows))
	for _, r := range rows {
		stored[r] = true
	}
	for _, f := range group {
		if stored[attemptID{f.out.ID, f.out.Number}] {
			fresh = append(fresh, f)
		}
	}
	return fresh, nil
}

type attemptID struct {
	DeliveryID uuid.UUID
	Number     int
}

// disable ends the subscriptions whose far side said that nothing may be sent there any more.
func disable(tx *database.Tx, group []finished) error {
	for _, f := range group {
		if f.result.Disable == "" {
			continue
		}
		if err := subscribers.DisableInTx(tx, actor.ForSystem(), f.out.SubscriptionID, f.result.Disable); err != nil {
			return fmt.Errorf("disable a subscription: %w", err)
		}
	}
	return nil
}

// storeServices appends the facts of service of what was accepted, and says how many are new.
func storeServices(tx *database.Tx, group []finished) (int64, error) {
	var windows, deliveries []uuid.UUID
	var kinds, proofs []string
	var ats []time.Time
	fact := func(f finished, kind string) {
		windows, deliveries = append(windows, *f.out.WindowID), append(deliveries, f.out.ID)
		kinds, ats = append(kinds, kind), append(ats, f.out.StartedAt.Add(f.took).Truncate(time.Microsecond))
		proofs = append(proofs, fmt.Sprintf("%s: %d %s", f.out.Channel, f.result.Code, f.result.Answer))
	}
	for _, f := range group {
		if f.out.WindowID == nil || f.result.Outcome != Accepted {
			continue
		}
		fact(f, "sent")
		if f.result.Received {
			fact(f, "received")
		}
	}
	if len(windows) == 0 {
		return 0, nil
	}
	n, err := tx.Exec(`insert into services (window_id, delivery_id, kind, at, proof)
		select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[]) on conflict do nothing`,
		windows, deliveries, kinds, ats, proofs)
	if err != nil {
		return 0, fmt.Errorf("store facts of service: %w", err)
	}
	return n, nil
}

// groupBody is the ledger's view of a group: one leaf per attempt, in order.
func groupBody(group []finished) any {
	leaves := make([]string, len(group))
	for i, f := range group {
		leaves[i] = hex.EncodeToString(attemptLeaf(&Attempt{DeliveryID: f.out.ID, Number: f.out.Number, StartedAt: f.out.StartedAt,
			DurationUS: f.took.Microseconds(), Outcome: f.result.Outcome, Code: f.result.Code, Answer: f.result.Answer, Digest: f.result.Digest}))
	}
	return map[string]any{"attempts": leaves}
}

// attemptLeaf is the digest by which an attempt is in the ledger: SHA-256 over its facts, each
// preceded by its length.
func attemptLeaf(a *Attempt) []byte {
	h := sha256.New()
	write := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	write(a.DeliveryID[:])
	write(binary.BigEndian.AppendUint64(nil, uint64(a.Number)))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.StartedAt.UnixMicro())))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.DurationUS)))
	write([]byte(a.Outcome))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.Code)))
	write([]byte(a.Answer))
	write(a.Digest)
	return h.Sum(nil)
}
