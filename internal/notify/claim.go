package notify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/ledger"
)

// claim takes deliveries that are due, endpoint by endpoint, and marks them as being sent, for the
// length of a lease. Those that must not be sent any more are ended. An endpoint that rests, is
// under a limit or has its fill of work here costs nothing: its deliveries aren't touched.
type claim struct {
	lane     *lane
	limit    int
	suspects bool         // endpoints that didn't answer may be asked
	busy     []endpointID // these may not

	withdrawn map[uuid.UUID]bool // announcements that must not go on
	taken     []*Outgoing
	idle      bool          // nothing was found to claim
	more      bool          // there is more to claim at once
	next      time.Duration // until something may be due; sweepEvery when nothing is known
}

// dueEndpoint is an endpoint that may have work.
type dueEndpoint struct {
	ID           uuid.UUID
	AnsweredAt   *time.Time
	RestingUntil *time.Time
	NextSendAt   *time.Time

	take int
	due  int // deliveries found
}

// candidate is a due delivery with what decides whether it may be sent now.
type candidate struct {
	Outgoing
	SubscriptionState string
	SuppressedFor     string
}

// endpointsQuery locks endpoints with work. Another worker's claim passes them by, so that a rate
// is kept by all workers together. A rest that is noted marks a suspect.
const endpointsQuery = `
	select id, answered_at, resting_until, next_send_at
	  from endpoints
	 where channel = $1 and work_at <= $2 and id <> all($3::uuid[]) and ($4 or resting_until is null)
	 order by work_at limit $5
	   for no key update skip locked`

// dueQuery locks what is due of the endpoints, so many of each, and reads all that sending needs.
// The address is the subscription's present one: a recipient that moved gets the retry at the new
// place.
const dueQuery = `
	with due as materialized (
	  select x.id
	    from unnest($1::uuid[], $2::int[]) with ordinality e (id, take, place)
	   cross join lateral (
	          select d.id, row_number() over (order by d.due_at) as place from deliveries d
	           where d.endpoint_id = e.id and d.due_at <= $3 and (d.leased_until is null or d.leased_until <= $3)
	           order by d.due_at limit $4) x
	   where x.place <= e.take
	   order by e.place limit $5)
	select d.id, d.attempts as number, d.notice_id, d.subscription_id, s.link_epoch, d.link_key, d.rendering_id,
	       d.window_id, d.endpoint_id, d.channel, s.address, d.addressee, d.merge_id, d.created_at,
	       s.secret, s.former_secret, s.former_secret_until,
	       s.state as subscription_state, coalesce(p.reason, '') as suppressed_for
	  from due
	 cross join lateral (
	        select * from deliveries x
	         where x.id = due.id and x.due_at <= $3 and (x.leased_until is null or x.leased_until <= $3)
	           for update skip locked) d
	  join subscriptions s on s.id = d.subscription_id
	  left join suppressions p on p.address = lower(s.address)`

func (c *claim) run(tx *database.Tx) error {
	now := tx.Now()
	c.taken, c.idle, c.more, c.next = nil, false, false, sweepEvery
	endpoints, err := database.Rows[dueEndpoint](tx, endpointsQuery, c.lane.channel.Name(), now, c.busy, c.suspects, c.limit)
	if err != nil {
		return fmt.Errorf("find endpoints with work: %w", err)
	}
	c.more = len(endpoints) == c.limit
	if len(endpoints) == 0 {
		return c.lookAhead(tx)
	}
	due, err := c.due(tx, endpoints)
	if err != nil {
		return err
	}
	s := sorted{}
	for i := range due {
		s.add(&due[i], c.lane.held.has(due[i].ID), c.withdrawn[due[i].NoticeID])
	}
	ends := now.Add(lease)
	for _, o := range s.take {
		o.LeaseEnds = ends
	}
	c.taken, c.idle = s.take, len(due) == 0
	c.more = c.more || len(due) == c.limit
	if err := s.write(tx, ends, c.lane.schedule(c.considered(endpoints, len(due)), now)); err != nil {
		return err
	}
	if err := s.recordEnded(tx); err != nil || c.more {
		return err
	}
	return c.lookAhead(tx)
}

// due finds the deliveries to claim and notes how many each endpoint had.
func (c *claim) due(tx *database.Tx, endpoints []dueEndpoint) ([]candidate, error) {
	now, most := tx.Now(), 0
	ids, takes := make([]uuid.UUID, 0, len(endpoints)), make([]int, 0, len(endpoints))
	for i := range endpoints {
		e := &endpoints[i]
		if e.take = c.lane.mayTake(e, now); e.take > 0 {
			ids, takes = append(ids, e.ID), append(takes, e.take)
			most = max(most, e.take)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	due, err := database.Rows[candidate](tx, dueQuery, ids, takes, now, most, c.limit)
	if err != nil {
		return nil, fmt.Errorf("find due deliveries: %w", err)
	}
	if c.withdrawn, err = withdrawn(tx, due); err != nil {
		return nil, err
	}
	counts := map[uuid.UUID]int{}
	for i := range due {
		counts[due[i].EndpointID]++
	}
	for i := range endpoints {
		endpoints[i].due = counts[endpoints[i].ID]
	}
	return due, nil
}

// considered are the endpoints whose turn it was. The others, for whom the claim had no room, keep
// their place in the line.
func (c *claim) considered(endpoints []dueEndpoint, due int) []dueEndpoint {
	if due < c.limit {
		return endpoints
	}
	return slices.DeleteFunc(endpoints, func(e dueEndpoint) bool { return e.take > 0 && e.due == 0 })
}

// withdrawn finds the announcements among the candidates' notices whose change was withdrawn. It looks
// after the deliveries are locked: a withdrawal either is seen here, or finds them claimed and tells
// their recipients too.
func withdrawn(tx *database.Tx, due []candidate) (map[uuid.UUID]bool, error) {
	notices := map[uuid.UUID]bool{}
	for i := range due {
		notices[due[i].NoticeID] = true
	}
	if len(notices) == 0 {
		return notices, nil
	}
	ids, err := database.Scalars[uuid.UUID](tx, `select n.id from notices n join changes c on c.id = n.change_id
		where n.id = any($1) and n.kind = 'announcement' and c.state = 'withdrawn'`, slices.Collect(maps.Keys(notices)))
	if err != nil {
		return nil, fmt.Errorf("find withdrawn announcements: %w", err)
	}
	clear(notices)
	for _, id := range ids {
		notices[id] = true
	}
	return notices, nil
}

// mayTake says how many deliveries of an endpoint may be claimed now.
func (l *lane) mayTake(e *dueEndpoint, now time.Time) int {
	e.doubt(now, l.reach())
	if after(e.RestingUntil, now) || (l.limits.Rate > 0 && after(e.NextSendAt, now)) {
		return 0
	}
	var answered *bool
	if e.AnsweredAt != nil || e.RestingUntil != nil {
		ok := e.RestingUntil == nil // a rest stays noted, when it is over, until there is an answer
		answered = &ok
	}
	n := l.queue.take(e.ID, answered)
	if l.limits.Rate > 0 {
		n = min(n, l.limits.atOnce())
	}
	return n
}

// longestAsked is the longest rest that an endpoint can ask for.
const longestAsked = 24 * time.Hour

// reach is how far ahead a rate is ever reserved.
func (l *lane) reach() time.Duration {
	if l.limits.Rate <= 0 {
		return 0
	}
	return max(burst, time.Duration(float64(time.Second)/l.limits.Rate))
}

// doubt drops instants that lie further ahead than they can: some worker's clock was wrong then, and
// nobody should wait until it is right.
func (e *dueEndpoint) doubt(now time.Time, reach time.Duration) {
	if after(e.RestingUntil, now.Add(longestAsked+time.Minute)) {
		e.RestingUntil = &now
	}
	if after(e.NextSendAt, now.Add(reach)) {
		e.NextSendAt = &now
	}
}

// burst is for how long ahead the sends of an endpoint under a rate are claimed together.
const burst = 100 * time.Millisecond

// atOnce is how many sends to an endpoint a rate lets be claimed together.
func (l *Limits) atOnce() int { return max(1, int(l.Rate*burst.Seconds())) }

func after(t *time.Time, now time.Time) bool { return t != nil && t.After(now) }

// schedule says from when each endpoint is to be looked at again: not before its rest ends and its
// rate allows. Reserving the rate in the endpoint's row makes all workers keep one limit.
func (l *lane) schedule(endpoints []dueEndpoint, now time.Time) []dueEndpoint {
	for i := range endpoints {
		e := &endpoints[i]
		if l.limits.Rate > 0 && e.due > 0 {
			next := now.Add(time.Duration(float64(e.due) * float64(time.Second) / l.limits.Rate)).Truncate(time.Microsecond)
			e.NextSendAt = &next
		}
	}
	return endpoints
}

// lookAhead finds when the next endpoint will have work, so that a retry or a rate is kept to the
// moment instead of to the sweep.
func (c *claim) lookAhead(tx *database.Tx) error {
	at, err := database.Scalar[*time.Time](tx, "select min(work_at) from endpoints where channel = $1 and work_at > $2", c.lane.channel.Name(), tx.Now())
	if err != nil {
		return fmt.Errorf("find when there is work: %w", err)
	}
	if at != nil {
		c.next = at.Sub(tx.Now())
	}
	return nil
}

// sorted are the candidates by what is to become of them.
type sorted struct {
	take    []*Outgoing
	ours    []uuid.UUID // held by this process: only the lease is renewed
	over    []uuid.UUID // ended
	states  []string
	reasons []string
}

func (s *sorted) add(c *candidate, held, withdrawn bool) {
	if held {
		s.ours = append(s.ours, c.ID)
		return
	}
	if state, reason := ended(c, withdrawn); state != "" {
		s.over, s.states, s.reasons = append(s.over, c.ID), append(s.states, string(state)), append(s.reasons, reason)
		return
	}
	o := c.Outgoing // a copy: one that hangs must not keep the others of its claim in memory
	o.Number++
	s.take = append(s.take, &o)
}

// ended says whether a delivery must not be sent any more, and why: checked at the moment of
// sending, since hours can lie between fan-out and a retry.
func ended(c *candidate, withdrawn bool) (State, string) {
	switch {
	case withdrawn:
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

// rescheduled moves endpoints to when they have work again. One that has more to do now goes to the
// end of the line, behind those that wait.
const rescheduled = `
	update endpoints e
	   set next_send_at = t.next_send_at,
	       work_at = case when m.free then greatest(t.not_before, $4::timestamptz)
	                      when m.leased_until is not null or m.due_at is not null then greatest(t.not_before, least(m.leased_until, m.due_at)) end
	  from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) t (id, next_send_at, not_before)
	 cross join lateral (
	        select exists (select from deliveries d where d.endpoint_id = t.id and d.due_at <= $4 and (d.leased_until is null or d.leased_until <= $4)) as free) f
	 cross join lateral (
	        select f.free,
	               case when not f.free then (select min(d.leased_until) from deliveries d where d.endpoint_id = t.id and d.due_at <= $4) end as leased_until,
	               case when not f.free then (select min(d.due_at) from deliveries d where d.endpoint_id = t.id and d.due_at > $4) end as due_at) m
	 where e.id = t.id`

func (s *sorted) write(tx *database.Tx, leaseEnds time.Time, endpoints []dueEndpoint) error {
	batch := &pgx.Batch{}
	batch.Queue(database.ByIndex)
	if len(s.take) > 0 {
		ids, addresses := make([]uuid.UUID, len(s.take)), make([]string, len(s.take))
		for i, o := range s.take {
			ids[i], addresses[i] = o.ID, o.Address
		}
		batch.Queue(`update deliveries d set state = 'sending', attempts = attempts + 1, leased_until = $3,
			possible_repeat = possible_repeat or state = 'sending', address = t.address
			from unnest($1::uuid[], $2::text[]) t (id, address) where d.id = t.id`, ids, addresses, leaseEnds)
	}
	if len(s.ours) > 0 {
		batch.Queue("update deliveries set leased_until = $2 where id = any($1) and state = 'sending'", s.ours, leaseEnds)
	}
	if len(s.over) > 0 {
		batch.Queue(`update deliveries d set state = t.state, reason = t.reason, due_at = null, leased_until = null, done_at = $4
			from unnest($1::uuid[], $2::text[], $3::text[]) t (id, state, reason) where d.id = t.id`,
			s.over, s.states, s.reasons, tx.Now())
	}
	ids, nexts, floors := make([]uuid.UUID, len(endpoints)), make([]*time.Time, len(endpoints)), make([]*time.Time, len(endpoints))
	for i := range endpoints {
		e := &endpoints[i]
		ids[i], nexts[i], floors[i] = e.ID, e.NextSendAt, e.notBefore(tx.Now())
	}
	batch.Queue(rescheduled, ids, nexts, floors, tx.Now())
	return send(tx, batch, "claim deliveries")
}

// notBefore is until when nothing may be sent to the endpoint; nil when something may.
func (e *dueEndpoint) notBefore(now time.Time) *time.Time {
	var at *time.Time
	if after(e.RestingUntil, now) {
		at = e.RestingUntil
	}
	if after(e.NextSendAt, now) && (at == nil || e.NextSendAt.After(*at)) {
		at = e.NextSendAt
	}
	return at
}
