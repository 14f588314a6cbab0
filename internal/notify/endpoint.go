package notify

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/database"
)

// mendSchedule frees what a wrong clock has put off: a lease can't end later than one that begins now,
// a delivery that nobody has tried can't have been made in time to come, nor may an endpoint be looked
// at later than its deliveries are due. Rows that somebody works on are left for the next time.
func mendSchedule(tx *database.Tx) error {
	_, err := tx.Exec(`with late as (
		  select id from deliveries
		   where (leased_until > $2 and due_at is not null) or (state = 'queued' and attempts = 0 and due_at > $3 and created_at > $3)
		     for update skip locked)
		update deliveries d set due_at = least(d.due_at, $1), leased_until = case when d.leased_until is not null then $1::timestamptz end from late where d.id = late.id`,
		tx.Now(), tx.Now().Add(lease+30*time.Second), tx.Now().Add(30*time.Second))
	if err != nil {
		return fmt.Errorf("mend leases: %w", err)
	}
	_, err = tx.Exec(`with late as (
		  select e.id, d.due_at from endpoints e
		    join (select endpoint_id, min(greatest(due_at, leased_until)) as due_at from deliveries where due_at is not null group by 1) d on d.endpoint_id = e.id
		   where e.work_at is null
		      or e.work_at > greatest(d.due_at, $3::timestamptz, case when e.resting_until is not null then least(e.resting_until, $1) end,
		                              case when e.next_send_at is not null then least(e.next_send_at, $2) end)
		   order by e.id for no key update of e skip locked)
		update endpoints e set work_at = late.due_at from late where e.id = late.id`,
		tx.Now().Add(longestAsked+time.Minute), tx.Now().Add(time.Minute), tx.Now())
	if err != nil {
		return fmt.Errorf("mend the endpoints' schedule: %w", err)
	}
	return nil
}

// heard is what a group of attempts says of their endpoints. The slices run beside one another.
type heard struct {
	ids      []uuid.UUID
	answered []bool       // it took something
	failed   []bool       // it took nothing
	silent   []bool       // it said nothing at all
	rests    []*time.Time // until when it asked to be left alone
	dues     []*time.Time // when the next of its deliveries is to be tried again
}

func newsOf(group []finished, now time.Time) *heard {
	h, place := &heard{}, map[uuid.UUID]int{}
	for _, f := range group {
		i, known := place[f.out.EndpointID]
		if !known {
			i = len(h.ids)
			place[f.out.EndpointID] = i
			h.ids = append(h.ids, f.out.EndpointID)
			h.answered, h.failed, h.silent = append(h.answered, false), append(h.failed, false), append(h.silent, false)
			h.rests, h.dues = append(h.rests, nil), append(h.dues, nil)
		}
		h.add(i, &f, now)
	}
	return h
}

func (h *heard) add(i int, f *finished, now time.Time) {
	if due := f.plan.dueAt; due != nil && (h.dues[i] == nil || due.Before(*h.dues[i])) {
		h.dues[i] = due
	}
	if f.result.Stage == StageCompose || f.result.Outcome == Unreachable {
		return // it wasn't asked
	}
	h.answered[i] = h.answered[i] || f.result.Outcome == Accepted
	h.failed[i] = h.failed[i] || f.result.Outcome != Accepted
	h.silent[i] = h.silent[i] || !f.result.spoke()
	if until := now.Add(f.result.Rest); f.result.Rest > 0 && (h.rests[i] == nil || until.After(*h.rests[i])) {
		h.rests[i] = &until
	}
}

// args are those of endpointNews.
func (h *heard) args(now time.Time) []any {
	return []any{h.ids, h.answered, h.failed, h.silent, h.rests, h.dues, now}
}

// endpointNews stores what was heard, where it is news: an endpoint that answers like a minute ago
// is not written to for each message. Rows are locked in the order of their IDs, so that two
// workers can't wait for each other.
//
// One that says nothing at all rests for a while, longer each time up to five minutes, so that its
// other deliveries don't each use up a try and wait for nothing.
const endpointNews = `
	with news as (
	  select t.*, e.failures, e.work_at,
	         case when t.answered then null
	              when t.silent then greatest(t.rest, $7::timestamptz + least(interval '5 minutes', interval '1 second' * 2 ^ least(e.failures, 10)))
	              else t.rest end as rests
	    from unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::boolean[], $5::timestamptz[], $6::timestamptz[])
	           t (id, answered, failed, silent, rest, due_at)
	    join endpoints e on e.id = t.id
	   where (t.answered and (e.failures > 0 or e.answered_at is null or e.answered_at < $7::timestamptz - interval '1 minute' or e.resting_until is not null))
	      or (t.failed and not t.answered) or t.rest is not null
	      or t.due_at is not null -- whatever the row says: a claim under way may be about to say that nothing is due
	   order by t.id for no key update of e)
	update endpoints e
	   set resting_until = coalesce(n.rests, n.rest, case when not n.answered and not n.failed then e.resting_until end),
	       work_at       = least(e.work_at, n.due_at),
	       answered_at   = case when n.answered then $7::timestamptz else e.answered_at end,
	       failures      = case when n.answered then 0 when n.failed then e.failures + 1 else e.failures end,
	       failing_since = case when n.answered then null when n.failed then coalesce(e.failing_since, $7) else e.failing_since end
	  from news n where e.id = n.id`
