package app

import (
	"github.com/riverqueue/river"

	"fairnotice/internal/jobs"
	"fairnotice/internal/notify"
)

// jobs says what a worker process runs: the queues, and every package's workers and periodic jobs.
func (a *App) jobs(sender *notify.Sender) jobs.Config {
	c := jobs.Config{
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 2}, // housekeeping
		},
		Workers: river.NewWorkers(),
		Log:     a.Log,
	}
	a.Accounts.AddJobs(&c)
	a.Subscribers.AddJobs(&c)
	a.Idempotency.AddJobs(&c)
	a.Changes.AddJobs(&c)
	a.Notify.AddJobs(&c, sender)
	return c
}
