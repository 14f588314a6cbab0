package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"fairnotice/internal/jobs"
)

// Sweep is the job that removes sessions that have run out. They open nothing any more; this keeps
// who signed in, and when, no longer than needed.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "sessions.sweep" }

// AddJobs registers the package's worker and its periodic job.
func (s *Service) AddJobs(c *jobs.Config) {
	c.Quiet(Sweep{}.Kind())
	river.AddWorker(c.Workers, &sweeper{service: s})
	c.Every(time.Hour, Sweep{}, nil)
}

type sweeper struct {
	river.WorkerDefaults[Sweep]
	service *Service
}

// Work removes sessions past either limit.
func (w *sweeper) Work(ctx context.Context, _ *river.Job[Sweep]) error {
	now := w.service.db.Now()
	_, err := w.service.db.Pool().Exec(ctx, "delete from sessions where expires_at <= $1 or seen_at <= $2", now, now.Add(-Idle))
	if err != nil {
		return fmt.Errorf("remove old sessions: %w", err)
	}
	return nil
}
