package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
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
	served     chan struct{} // facts of service were recorded
	shared     *shared
}

func newRecorder(db *database.DB, jobs JobInserter, log *slog.Logger) *recorder {
	r := &recorder{db: db, jobs: jobs, log: log, in: make(chan finished, ahead),
		done: make(chan struct{}), giveUp: make(chan struct{}), served: make(chan struct{}, 1), shared: newShared()}
	var running sync.WaitGroup
	for range committers {
		running.Go(r.run)
	}
	var deriving sync.WaitGroup
	deriving.Go(r.derive)
	go func() {
		running.Wait()
		close(r.served)
		deriving.Wait()
		close(r.done)
	}()
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
	served := int64(0)
	err := r.db.Transact(ctx, func(tx *database.Tx) (err error) {
		served, err = r.store(tx, group)
		return err
	})
	if err == nil && served > 0 {
		select {
		case r.served <- struct{}{}:
		default: // it is known already
		}
	}
	return err
}

// deriveEvery is the pause between two jobs for the windows while notices are being served.
const deriveEvery = time.Second

// derive has windows derived from facts of service soon after these are recorded: in transactions of
// its own, because groups that each enqueue the one job would wait for one another's commits. What
// a crash swallows, the clock's next job finds.
func (r *recorder) derive() {
	for range r.served {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := r.db.Transact(ctx, func(tx *database.Tx) error {
			return r.jobs.Insert(tx, changes.DeriveWindows{}, changes.DeriveSoon())
		})
		cancel()
		if err != nil {
			r.log.Warn("have windows derived", "error", err)
		}
		select {
		case <-time.After(deriveEvery):
		case <-r.giveUp:
		}
	}
}
