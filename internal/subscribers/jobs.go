package subscribers

import (
	"context"
	"time"

	"fairnotice/internal/jobs"
)

// Sweep is the job that removes former secrets of webhooks whose time to sign has ended.
type Sweep struct{}

// Kind names the job.
func (Sweep) Kind() string { return "subscriptions.sweep" }

// AddJobs registers the package's worker and its periodic job.
func (s *Service) AddJobs(c *jobs.Config) { jobs.Housekeep(c, time.Hour, Sweep{}, s.SweepSecrets) }

// SweepSecrets removes former secrets that have ended: they sign nothing any more, and shouldn't be
// there to be stolen.
func (s *Service) SweepSecrets(ctx context.Context) error {
	_, err := s.db.Pool().Exec(ctx, `update subscriptions set former_secret = null, former_secret_until = null where former_secret_until <= $1`, s.db.Now())
	return wrap("remove former secrets", err)
}
