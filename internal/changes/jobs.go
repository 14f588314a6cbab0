package changes

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fairnotice/internal/jobs"
)

// AnnouncedFact states that a change was announced. Whoever tells people reacts to it.
type AnnouncedFact struct {
	ChangeID uuid.UUID `json:"change_id"`
}

// Kind is River's name of the job.
func (AnnouncedFact) Kind() string { return "change_announced" }

// InsertOpts puts the fact in the queue of fan-outs.
func (AnnouncedFact) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: jobs.QueueAnnounce}
}

// WithdrawnFact states that an announced change was withdrawn.
type WithdrawnFact struct {
	ChangeID uuid.UUID `json:"change_id"`
}

// Kind is River's name of the job.
func (WithdrawnFact) Kind() string { return "change_withdrawn" }

// InsertOpts puts the fact in the queue of fan-outs.
func (WithdrawnFact) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: jobs.QueueAnnounce}
}

// DeriveWindows starts the clocks of windows whose notice was served.
type DeriveWindows struct{}

// Kind is River's name of the job.
func (DeriveWindows) Kind() string { return "windows_derive" }

// Activate lets take effect what the gate lets through.
type Activate struct{}

// Kind is River's name of the job.
func (Activate) Kind() string { return "changes_activate" }

// DeriveSoon are the options for a DeriveWindows after service was recorded: many groups are
// recorded in a second, one job does for them.
func DeriveSoon() *river.InsertOpts { return jobs.Once(jobs.QueueWindows) }

// Intervals of the periodic jobs. An activation is never early and at most this late.
const (
	deriveEvery   = 5 * time.Second
	activateEvery = 30 * time.Second
)

// AddJobs registers the package's workers and its periodic jobs, in every worker process.
func (s *Service) AddJobs(c *jobs.Config) {
	c.Queues[jobs.QueueWindows] = river.QueueConfig{MaxWorkers: 2}
	river.AddWorker(c.Workers, &deriveWorker{service: s})
	river.AddWorker(c.Workers, &activateWorker{service: s})
	c.Quiet(DeriveWindows{}.Kind())
	c.Quiet(Activate{}.Kind())
	c.Every(deriveEvery, DeriveWindows{}, DeriveSoon())
	c.Every(activateEvery, Activate{}, jobs.Once(jobs.QueueWindows))
}

type deriveWorker struct {
	river.WorkerDefaults[DeriveWindows]
	service *Service
}

func (w *deriveWorker) Work(ctx context.Context, _ *river.Job[DeriveWindows]) error {
	_, err := w.service.DeriveWindows(ctx)
	return err
}

type activateWorker struct {
	river.WorkerDefaults[Activate]
	service *Service
}

func (w *activateWorker) Work(ctx context.Context, _ *river.Job[Activate]) error {
	_, err := w.service.ActivateDue(ctx)
	return err
}
