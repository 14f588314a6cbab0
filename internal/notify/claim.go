package notify

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/ledger"
)

// candidate is a due delivery with what decides whether it may be sent now.
type candidate struct {
	Outgoing
	State             State
	SubscriptionState string
	SuppressedFor     string
	ChangeState       string
	NoticeKind        Kind
	RestingUntil      *time.Time
}

// dueQuery locks the deliveries that are due and reads all that sending needs. The address is the
// subscription's present one: a recipient that moved gets the retry at the new place.
const dueQuery = `
	select d.id, d.attempts as number, d.notice_id, d.subscription_id, s.link_epoch, d.link_key, d.rendering_id,
	       d.window_id, d.endpoint_id, d.channel, s.address, d.addressee, m.fields, d.created_at, d.state,
	       s.state as subscription_state, coalesce(p.reason, '') as suppressed_for,
	       c.state as change_state, n.kind as notice_kind, e.resting_until
	  from deliveries d
	  join subscriptions s on s.id = d.subscription_id
	  join merges m on m.id = d.merge_id
	  join notices n on n.id = d.notice_id
	  join changes c on c.id = n.change_id
	  join endpoints e on e.id = d.endpoint_id
	  left join suppressions p on p.address = lower(s.address)
	 where d.channel = $1 and d.due_at <= $2
	 order by d.due_at limit $3
	   for update of d skip locked`

// claimed is what one claim did.
type claimed struct {
	taken []*Outgoing
	seen  int // due deliveries that it looked at, taken or not
}

// claim takes deliveries that are due, up to limit, and marks them as being sent, for the length
// of a lease. Those that must not be sent any more are ended; those whose endpoint has no room now
// are put off without an attempt.
func (l *lane) claim(tx *database.Tx, limit int) (out claimed, err error) {
	due, err := database.Rows[candidate](tx, dueQuery, l.channel.Name(), tx.Now(), limit)
	if err != nil {
		return out, fmt.Errorf("find due deliveries: %w", err)
	}
	slots, err := l.rateSlots(tx, due)
	if err != nil {
		return out, err
	}
	ends := tx.Now().Add(lease)
	s := sorted{}
	for i := range due {
		s.add(l, &due[i], tx.Now(), slots)
	}
	for _, o := range s.take {
		o.LeaseEnds = ends
	}
	out = claimed{taken: s.take, seen: len(due)} // also on an error: their places must be given up
	if err := s.write(tx, ends); err != nil {
		return out, err
	}
	return out, s.recordEnded(tx)
}

// sorted are the candidates by what is to become of them.
type sorted struct {
	take    []*Outgoing
	over    []uuid.UUID // ended
	states  []string
	reasons []string
	later   []uuid.UUID // put off
	until   []time.Time
}

func (s *sorted) add(l *lane, c *candidate, now time.Time, slots map[uuid.UUID][]time.Time) {
	if state, reason := ended(c); state != "" {
		s.over, s.states, s.reasons = append(s.over, c.ID), append(s.states, string(state)), append(s.reasons, reason)
		return
	}
	if at := l.notBefore(c, now, slots); at.After(now) {
		s.later, s.until = append(s.later, c.ID), append(s.until, at)
		return
	}
	c.Number++
	s.take = append(s.take, &c.Outgoing)
}

// ended says whether a delivery must not be sent any more, and why: checked at the moment of
// sending, since hours can lie between fan-out and a retry.
func ended(c *candidate) (State, string) {
	switch {
	case c.NoticeKind == Announcement && c.ChangeState == "withdrawn":
		return Cancelled, "withdrawn"
	case c.SuppressedFor != "":
		return Suppressed, c.SuppressedFor
	case c.SubscriptionState != "active":
		return Suppressed, c.SubscriptionState
	}
	return "", ""
}

// recordEnded tells the ledger who is not written to any more, and why.
func (s *sorted) recordEnded(tx *database.Tx) error {
	for i, id := range s.over {
		err := ledger.Append(tx, ledger.Entry{Kind: "delivery." + s.states[i], Actor: actor.ForSystem(),
			Subject: ledger.SubjectOf("delivery", id), Body: map[string]string{"reason": s.reasons[i]}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sorted) write(tx *database.Tx, leaseEnds time.Time) error {
	ids, addresses := make([]uuid.UUID, len(s.take)), make([]string, len(s.take))
	for i, o := range s.take {
		ids[i], addresses[i] = o.ID, o.Address
	}
	return tx.Pgx(func(ptx pgx.Tx) error {
		batch := &pgx.Batch{}
		if len(ids) > 0 {
			batch.Queue(`update deliveries d set state = 'sending', attempts = attempts + 1, due_at = $3,
				possible_repeat = possible_repeat or state = 'sending', address = t.address
				from unnest($1::uuid[], $2::text[]) t (id, address) where d.id = t.id`, ids, addresses, leaseEnds)
		}
		if len(s.later) > 0 {
			// A lease that ran out stays visible as state "sending": the next try is a possible repeat.
			batch.Queue(`update deliveries d set due_at = t.due_at from unnest($1::uuid[], $2::timestamptz[]) t (id, due_at)
				where d.id = t.id`, s.later, s.until)
		}
		if len(s.over) > 0 {
			batch.Queue(`update deliveries d set state = t.state, reason = t.reason, due_at = null, done_at = $4
				from unnest($1::uuid[], $2::text[], $3::text[]) t (id, state, reason) where d.id = t.id`,
				s.over, s.states, s.reasons, tx.Now())
		}
		if batch.Len() == 0 {
			return nil
		}
		if err := ptx.SendBatch(tx.Context(), batch).Close(); err != nil {
			return fmt.Errorf("claim deliveries: %w", err)
		}
		return nil
	})
}

// rateSlots reserves, for endpoints under a rate, the instants at which their candidates may be
// sent. The reservation is in the endpoint's row, so that all workers keep one limit. An instant
// that lies ahead is not reserved: the delivery comes back for it.
func (l *lane) rateSlots(tx *database.Tx, due []candidate) (map[uuid.UUID][]time.Time, error) {
	if l.limits.Rate <= 0 || len(due) == 0 {
		return map[uuid.UUID][]time.Time{}, nil
	}
	wanted := map[uuid.UUID]int{}
	for i := range due {
		wanted[due[i].EndpointID]++
	}
	ids := make([]uuid.UUID, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	type row struct {
		ID         uuid.UUID
		NextSendAt *time.Time
	}
	rows, err := database.Rows[row](tx, `select id, next_send_at from endpoints where id = any($1) order by id for no key update`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the endpoints' limits: %w", err)
	}
	gap := time.Duration(float64(time.Second) / l.limits.Rate)
	slots := map[uuid.UUID][]time.Time{}
	ids = ids[:0]
	var nexts []time.Time
	for _, r := range rows {
		at := tx.Now()
		if r.NextSendAt != nil && r.NextSendAt.After(at) {
			at = *r.NextSendAt
		}
		next := at
		for range wanted[r.ID] {
			slots[r.ID] = append(slots[r.ID], at)
			if !at.After(tx.Now()) {
				next = at.Add(gap)
			}
			at = at.Add(gap)
		}
		ids, nexts = append(ids, r.ID), append(nexts, next)
	}
	_, err = tx.Exec(`update endpoints e set next_send_at = t.at from unnest($1::uuid[], $2::timestamptz[]) t (id, at)
		where e.id = t.id and e.next_send_at is distinct from t.at`, ids, nexts)
	if err != nil {
		return nil, fmt.Errorf("reserve the endpoints' limits: %w", err)
	}
	return slots, nil
}

// notBefore says when the candidate may be sent: now, when its endpoint rests no more, when the
// endpoint's rate allows, or, when the endpoint has its fill of work here, a little later.
func (l *lane) notBefore(c *candidate, now time.Time, slots map[uuid.UUID][]time.Time) time.Time {
	if c.RestingUntil != nil && c.RestingUntil.After(now) {
		return *c.RestingUntil
	}
	free := slots[c.EndpointID]
	if len(free) > 0 && free[0].After(now) {
		return free[0]
	}
	if !l.reserve(c.EndpointID) {
		return now.Add(putOff)
	}
	if len(free) > 0 {
		slots[c.EndpointID] = free[1:]
	}
	return now
}

// putOff is how long a delivery waits whose endpoint has its fill of work.
const putOff = 200 * time.Millisecond
