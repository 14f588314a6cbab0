package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

// AsSent is a message built again from what is stored.
type AsSent struct {
	Preview
	Raw    []byte // the whole message, headers included
	Proven bool   // its digest is the one recorded when it was sent
}

// Composer can build a message's bytes again: a channel, or Composers.
type Composer interface {
	Compose(out *Outgoing) ([]byte, error)
}

// Composers builds messages of any channel, by its name.
type Composers map[string]Composer

// Compose asks the message's channel.
func (c Composers) Compose(out *Outgoing) ([]byte, error) {
	ch := c[out.Channel]
	if ch == nil {
		return nil, fmt.Errorf("notify: no channel %q is set up here", out.Channel)
	}
	return ch.Compose(out)
}

// Rebuild builds the message of an attempt again, byte by byte, and says whether it is the one that
// was sent. Where it can't be built (its channel isn't set up here any more, a key has gone), that is a
// Conflict.
func (s *Service) Rebuild(ctx context.Context, ch Composer, delivery uuid.UUID, number int) (*AsSent, error) {
	rows, err := database.Collect[struct {
		Outgoing
		Digest []byte
	}](ctx, s.db.Reader(ctx), `select d.id, a.number, d.notice_id, d.subscription_id, a.link_epoch, d.link_key, d.rendering_id, d.window_id, d.endpoint_id,
		d.channel, a.address, d.addressee, d.merge_id, d.created_at, a.started_at, a.digest
		from deliveries d
		join attempts a on a.delivery_id = d.id and a.number = $2 where d.id = $1`, delivery, number)
	if err != nil {
		return nil, fmt.Errorf("read an attempt: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("attempt")
	}
	out := &rows[0].Outgoing
	if err := newShared().attach(ctx, s.db, []*Outgoing{out}); err != nil {
		return nil, err
	}
	raw, err := ch.Compose(out)
	if err != nil {
		return nil, fmt.Errorf("build the message again: %w: %w", fault.New(fault.Conflict, "attempt.not_rebuilt", nil), err)
	}
	sum := sha256.Sum256(raw)
	texts, err := out.Rendering.merge(out.Fields, map[string]string{"addressee": out.Addressee, "unsubscribe_url": out.Rendering.Meta.PublicURL + "/unsubscribe/…"})
	if err != nil {
		return nil, err
	}
	return &AsSent{Preview: Preview{Subject: texts.subject, Text: texts.text, HTML: texts.html, JSON: texts.json}, Raw: raw, Proven: bytes.Equal(sum[:], rows[0].Digest)}, nil
}

// Retry queues a failed delivery again, or makes a queued one due now.
func (s *Service) Retry(ctx context.Context, who actor.Actor, delivery uuid.UUID) error {
	n, err := s.retry(ctx, who, "d.id = $1", delivery, ledger.SubjectOf("delivery", delivery))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "delivery.not_retryable", nil)
	}
	return err
}

// RetryFailed queues every failed delivery of a notice again and says how many there were.
func (s *Service) RetryFailed(ctx context.Context, who actor.Actor, notice uuid.UUID) (int64, error) {
	return s.retry(ctx, who, "d.notice_id = $1 and d.state = 'failed'", notice, ledger.SubjectOf("notice", notice))
}

func (s *Service) retry(ctx context.Context, who actor.Actor, where string, id uuid.UUID, subject ledger.Subject) (n int64, err error) {
	if err := who.Must(actor.RetryDelivery); err != nil {
		return 0, err
	}
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		retried, err := database.Rows[struct {
			Channel string
			Count   int64
		}](tx, `with retried as (
			  update deliveries d set state = 'queued', due_at = $2, done_at = null, reason = ''
			    from notices n join changes c on c.id = n.change_id
			   where n.id = d.notice_id and (c.state <> 'withdrawn' or n.kind = 'withdrawal')
			     and d.state in ('failed', 'queued') and `+where+`
			  returning d.channel, d.endpoint_id),
			ends as (`+wakeEndpoints("select endpoint_id from retried", "$2")+`)
			select channel, count(*) from retried group by channel order by channel`, id, tx.Now())
		if err != nil {
			return fmt.Errorf("retry deliveries: %w", err)
		}
		var channels []string
		for _, r := range retried {
			n += r.Count
			channels = append(channels, r.Channel)
		}
		if n == 0 {
			return nil
		}
		if err := s.wake(tx, channels); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: "deliveries.retried", Actor: who, Subject: subject, Body: map[string]any{"count": n}})
	})
	return n, err
}
