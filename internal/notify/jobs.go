package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/jobs"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// Wake makes the senders of a channel look for due deliveries at once.
type Wake struct {
	Channel string `json:"channel"`
}

// Kind is River's name of the job.
func (Wake) Kind() string { return "sender_wake" }

// InsertOpts puts it in the channel's queue.
func (w Wake) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: wakeQueues[w.Channel], MaxAttempts: 1}
}

// wakeQueues are the queues by channel: a process takes the jobs of the channels that it sends for.
var wakeQueues = map[string]string{ChannelEmail: jobs.QueueEmail, ChannelWebhook: jobs.QueueWebhook, ChannelSlack: jobs.QueueSlack}

// LookAfter does what time brings about: silence that counts as receipt, and customers whom no
// recipient is left to be told for.
type LookAfter struct{}

// Kind is River's name of the job.
func (LookAfter) Kind() string { return "deliveries_look_after" }

const lookAfterEvery = 15 * time.Second

// AddJobs registers the package's workers and its periodic job, in every worker process. sender is
// the process's own; nil when it sends nothing.
func (s *Service) AddJobs(c *jobs.Config, sender *Sender) {
	c.Queues[jobs.QueueAnnounce] = river.QueueConfig{MaxWorkers: 2}
	c.Queues[jobs.QueueWindows] = river.QueueConfig{MaxWorkers: 2}
	river.AddWorker(c.Workers, &announcedWorker{service: s})
	river.AddWorker(c.Workers, &withdrawnWorker{service: s})
	river.AddWorker(c.Workers, &lookAfterWorker{service: s})
	if sender != nil {
		for channel := range sender.lanes {
			c.Queues[wakeQueues[channel]] = river.QueueConfig{MaxWorkers: 2}
		}
		river.AddWorker(c.Workers, &wakeWorker{sender: sender})
	}
	c.Quiet(LookAfter{}.Kind())
	c.Every(lookAfterEvery, LookAfter{}, jobs.Once(jobs.QueueWindows))
}

type announcedWorker struct {
	river.WorkerDefaults[changes.AnnouncedFact]
	service *Service
}

func (w *announcedWorker) Work(ctx context.Context, job *river.Job[changes.AnnouncedFact]) error {
	return w.service.FanOut(ctx, job.Args.ChangeID, Announcement)
}

type withdrawnWorker struct {
	river.WorkerDefaults[changes.WithdrawnFact]
	service *Service
}

func (w *withdrawnWorker) Work(ctx context.Context, job *river.Job[changes.WithdrawnFact]) error {
	return w.service.FanOut(ctx, job.Args.ChangeID, Withdrawal)
}

type wakeWorker struct {
	river.WorkerDefaults[Wake]
	sender *Sender
}

func (w *wakeWorker) Work(_ context.Context, job *river.Job[Wake]) error {
	w.sender.Wake(job.Args.Channel)
	return nil
}

type lookAfterWorker struct {
	river.WorkerDefaults[LookAfter]
	service *Service
}

func (w *lookAfterWorker) Work(ctx context.Context, _ *river.Job[LookAfter]) error {
	return w.service.LookAfter(ctx)
}

// LookAfter applies the publisher's policy on what counts as received, and turns to the fallback
// contacts of customers whose notice reached nobody.
func (s *Service) LookAfter(ctx context.Context) error {
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		settings, err := publisher.InTx(tx)
		if fault.Is(err, fault.NotFound) {
			return nil // nothing is set up yet
		}
		if err != nil {
			return err
		}
		if err := countSilenceAsReceipt(tx, settings); err != nil {
			return err
		}
		if _, err := tx.Exec(database.ByIndex); err != nil {
			return fmt.Errorf("look after deliveries: %w", err)
		}
		if err := mendSchedule(tx); err != nil {
			return err
		}
		return s.turnToFallback(tx, settings)
	})
}

// countSilenceAsReceipt appends, where the publisher's policy says so, the fact that a message
// which the relay took some hours ago did not bounce. The proof names the policy.
func countSilenceAsReceipt(tx *database.Tx, settings *publisher.Settings) error {
	if settings.ReceivedAfterHours == nil {
		return nil
	}
	hours := *settings.ReceivedAfterHours
	ids, err := database.Scalars[uuid.UUID](tx, `insert into services (delivery_id, kind, at, proof)
		select s.delivery_id, 'received', s.at + make_interval(hours => $1), $2
		  from services s join deliveries d on d.id = s.delivery_id join windows w on w.id = d.window_id
		 where s.kind = 'sent' and w.state = 'open' and s.at <= $3::timestamptz - make_interval(hours => $1)
		   and not exists (select from services r where r.delivery_id = s.delivery_id and r.kind = 'received')
		on conflict do nothing returning delivery_id`,
		hours, fmt.Sprintf("policy: no bounce within %d hours after the relay took it", hours), tx.Now())
	if err != nil {
		return fmt.Errorf("count silence as receipt: %w", err)
	}
	return record(tx, "deliveries.counted_as_received", ids, map[string]any{"policy_hours": hours})
}

// record tells the ledger what time brought about for these deliveries; nothing when there are none.
func record(tx *database.Tx, kind string, ids []uuid.UUID, body map[string]any) error {
	if len(ids) == 0 {
		return nil
	}
	body["deliveries"] = ids
	return ledger.Append(tx, ledger.Entry{Kind: kind, Actor: actor.ForSystem(), Body: body})
}
