package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"fairnotice/internal/jobs"
)

// Sweep is the job that removes answers whose time has run out.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "idempotency.sweep" }

// AddJobs registers the package's worker and its periodic job.
func (s *Store) AddJobs(c *jobs.Config) {
	c.Quiet(Sweep{}.Kind())
	river.AddWorker(c.Workers, &sweeper{store: s})
	c.Every(time.Hour, Sweep{}, nil)
}

type sweeper struct {
	river.WorkerDefaults[Sweep]
	store *Store
}

// Work forgets what is too old.
func (w *sweeper) Work(ctx context.Context, _ *river.Job[Sweep]) error { return w.store.Forget(ctx) }

// Forget removes what is older than KeptFor.
func (s *Store) Forget(ctx context.Context) error {
	if _, err := s.db.Pool().Exec(ctx, "delete from idempotency_keys where created_at <= $1", s.db.Now().Add(-KeptFor)); err != nil {
		return fmt.Errorf("remove old answers: %w", err)
	}
	return nil
}
