package idempotency

import (
	"context"
	"fmt"
	"time"

	"fairnotice/internal/jobs"
)

// Sweep is the job that removes answers whose time has run out.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "idempotency.sweep" }

// AddJobs registers the package's worker and its periodic job.
func (s *Store) AddJobs(c *jobs.Config) { jobs.Housekeep(c, time.Hour, Sweep{}, s.Forget) }

// Forget removes what is older than KeptFor.
func (s *Store) Forget(ctx context.Context) error {
	if _, err := s.db.Pool().Exec(ctx, "delete from idempotency_keys where created_at <= $1", s.db.Now().Add(-KeptFor)); err != nil {
		return fmt.Errorf("remove old answers: %w", err)
	}
	return nil
}
