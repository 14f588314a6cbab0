// Package jobs is River: enqueue inside a transaction, run the workers. River's own types are not
// hidden; this package holds only what would otherwise be repeated.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"fairnotice/internal/database"
)

// Queue names. Stages that follow one another have a queue each: on a shared one, the second
// stage waits for River's poll instead of being woken.
const (
	QueueAnnounce = "announce" // fan-out
	QueueEmail    = "email"    // wakes the senders of email
	QueueWebhook  = "webhook"  // wakes the senders of webhooks
	QueueSlack    = "slack"    // wakes the senders of Slack messages
	QueueWindows  = "windows"  // derives windows from facts of service; activates
)

// Inserter enqueues jobs. It runs none.
type Inserter struct{ client *river.Client[pgx.Tx] }

// NewInserter makes an inserter on the database.
func NewInserter(db *database.DB, log *slog.Logger) (*Inserter, error) {
	client, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{Logger: quietly(log)})
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	return &Inserter{client: client}, nil
}

// Insert enqueues a job that starts only if, and when, the transaction commits. An error must
// roll the transaction back.
func (i *Inserter) Insert(tx *database.Tx, args river.JobArgs, opts *river.InsertOpts) error {
	err := tx.Pgx(func(ptx pgx.Tx) error {
		_, err := i.client.InsertTx(tx.Context(), ptx, args, opts)
		return err
	})
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}

// Config of a running client.
type Config struct {
	Queues   map[string]river.QueueConfig
	Workers  *river.Workers
	Periodic []*river.PeriodicJob
	Log      *slog.Logger

	quiet map[string]bool
}

// Quiet makes a kind's successful jobs log at debug level: it runs by the clock and mostly finds
// nothing to do.
func (c *Config) Quiet(kind string) {
	if c.quiet == nil {
		c.quiet = map[string]bool{}
	}
	c.quiet[kind] = true
}

// Every registers a periodic job, which also runs when a process becomes the one that enqueues.
func (c *Config) Every(interval time.Duration, args river.JobArgs, opts *river.InsertOpts) {
	c.Periodic = append(c.Periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, opts }, &river.PeriodicJobOpts{RunOnStart: true}))
}

// Housekeep registers a job that runs by the clock and needs nothing but its time to have come. What it
// does isn't logged while it succeeds.
func Housekeep[T river.JobArgs](c *Config, interval time.Duration, args T, do func(context.Context) error) {
	c.Quiet(args.Kind())
	river.AddWorker(c.Workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[T]) error { return do(ctx) }))
	c.Every(interval, args, nil)
}

// Once are the options of a job of which one at a time is enough: while one waits or runs, another
// is not enqueued. It is not retried: the next one comes by the clock.
func Once(queue string) *river.InsertOpts {
	return &river.InsertOpts{Queue: queue, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{
		ByState: []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateScheduled, rivertype.JobStateRunning}}}
}

// Runner works jobs until it is stopped.
type Runner struct {
	client *river.Client[pgx.Tx]
	cancel context.CancelFunc
}

// Start runs the workers. Every process registers the same periodic jobs; River elects the one
// that enqueues them.
func Start(ctx context.Context, db *database.DB, c Config) (*Runner, error) {
	client, err := river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{
		Queues:       c.Queues,
		Workers:      c.Workers,
		PeriodicJobs: c.Periodic,
		Logger:       quietly(c.Log),
		Middleware:   []rivertype.Middleware{&logged{log: c.Log, quiet: c.quiet}},
		// River's default is an hour. No job of ours is long: a job whose worker was killed is
		// taken up again after two minutes.
		RescueStuckJobsAfter: 2 * time.Minute,
		JobTimeout:           time.Minute,
		FetchCooldown:        20 * time.Millisecond,
		FetchPollInterval:    time.Second, // when a notification is lost
	})
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	// Jobs outlive the signal that stops the program: Stop lets them finish.
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if err := client.Start(runCtx); err != nil {
		cancel()
		return nil, fmt.Errorf("river: %w", err)
	}
	return &Runner{client: client, cancel: cancel}, nil
}

// Stop fetches no more jobs and waits for those that run; when ctx ends first they are cancelled
// and stay in the table for another worker.
func (r *Runner) Stop(ctx context.Context) error {
	defer r.cancel()
	if err := r.client.Stop(ctx); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return r.client.StopAndCancel(hard)
}

// logged writes one record a job: kind, attempt, duration, outcome; never arguments.
type logged struct {
	river.MiddlewareDefaults
	log   *slog.Logger
	quiet map[string]bool
}

func (l *logged) Work(ctx context.Context, job *rivertype.JobRow, doInner func(context.Context) error) error {
	start := time.Now()
	err := doInner(ctx)
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("kind", job.Kind), slog.Int64("job", job.ID), slog.Int("attempt", job.Attempt),
		slog.Duration("took", time.Since(start))}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	} else if l.quiet[job.Kind] {
		level = slog.LevelDebug
	}
	l.log.LogAttrs(ctx, level, "job", attrs...)
	return err
}

// quietly keeps River's own chatter to warnings: our middleware records each job.
func quietly(log *slog.Logger) *slog.Logger {
	return slog.New(warnings{log.Handler()})
}

type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(g string) slog.Handler      { return warnings{w.Handler.WithGroup(g)} }
