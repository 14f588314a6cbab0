package accounts

import (
	"context"
	"fmt"
	"time"

	"fairnotice/internal/jobs"
)

// Sweep is the job that removes sessions that have run out. They open nothing any more; this keeps
// who signed in, and when, no longer than needed.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "sessions.sweep" }

// AddJobs registers the package's worker and its periodic job.
func (s *Service) AddJobs(c *jobs.Config) { jobs.Housekeep(c, time.Hour, Sweep{}, s.forgetSessions) }

// forgetSessions removes sessions past either limit.
func (s *Service) forgetSessions(ctx context.Context) error {
	now := s.db.Now()
	_, err := s.db.Pool().Exec(ctx, "delete from sessions where expires_at <= $1 or seen_at <= $2", now, now.Add(-Idle))
	if err != nil {
		return fmt.Errorf("remove old sessions: %w", err)
	}
	return nil
}
