package notify

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/subscribers"
)

// Who is told is worked out once, into a temporary table that lives as long as the transaction:
// told (notice_id, subscription_id, basis, channel, key, address, addressee, language, window_id), key
// being the endpoint's. Everything that is written for each recipient is then one statement over it.

// toldColumns read a recipient t. Whoever has no name is addressed by the email address or else, since a
// URL is nobody's name, by the customer's.
const toldColumns = `t.subscription_id, t.basis, t.channel, ` + endpointKey + ` as key, t.address,
	coalesce(nullif(t.addressee, ''), case t.channel when 'email' then t.address
	  else coalesce((select name from customers where id = t.customer_id), '') end) as addressee, t.language`

// toldNow is who gets an announcement: of the customers that have a window of the change $1; $2 to $4
// as in subscribers.RecipientsSQL; $5 the channels that this deployment has; $6 the notice.
var toldNow = `create temporary table told on commit drop as
	select $6::uuid as notice_id, ` + toldColumns + `, w.id as window_id
	  from (` + subscribers.RecipientsOf("in (select customer_id from windows where change_id = $1)") + `) t
	  left join windows w on w.change_id = $1 and w.customer_id = t.customer_id and t.basis = 'contract'
	 where t.channel = any($5) and (t.basis = 'follower' or w.id is not null)`

// toldBefore is who gets a withdrawal: whoever an attempt was made to tell of the announcement, the
// notice $1; $2 the channels; $3 the notice of the withdrawal.
const toldBefore = `create temporary table told on commit drop as
	select $3::uuid as notice_id, ` + toldColumns + `, t.window_id
	  from (select s.id as subscription_id, s.customer_id, s.basis, s.channel, s.address, d.addressee, s.language, d.window_id
	          from deliveries d join subscriptions s on s.id = d.subscription_id
	         where d.notice_id = $1 and d.attempts > 0 and s.channel = any($2)) t`

// endpointKey is the far side of a recipient t: its domain for email, else the address itself.
const endpointKey = `case t.channel when 'email' then lower(split_part(t.address, '@', -1)) else t.address end`

// chooseTold fills told.
func (s *Service) chooseTold(tx *database.Tx, c *content, n *Notice) error {
	// All that follows are joins of whole sets. The planner can't know how many rows this transaction
	// has written, takes them for few, and would look up each of a hundred thousand in a loop.
	if _, err := tx.Exec("set local enable_nestloop = off"); err != nil {
		return fmt.Errorf("fan out: %w", err)
	}
	var query string
	var args []any
	if n.Kind == Withdrawal {
		former, err := announcementOf(tx, n.ChangeID)
		if err != nil {
			return err
		}
		if err := awaitClaims(tx, former); err != nil {
			return err
		}
		query, args = toldBefore, []any{former, s.options.Channels, n.ID}
	} else {
		aim, err := changes.AimOf(tx, &c.change.Change)
		if err != nil {
			return err
		}
		query, args = toldNow, []any{n.ChangeID, aim.Kind, database.OrEmpty(aim.Regions), database.OrEmpty(aim.ProductIDs), s.options.Channels, n.ID}
	}
	if _, err := tx.Exec(query, args...); err != nil {
		return fmt.Errorf("fan out: recipients: %w", err)
	}
	if _, err := tx.Exec("analyze told"); err != nil { // the planner knows nothing of a new table
		return fmt.Errorf("fan out: recipients: %w", err)
	}
	return nil
}

// insertDeliveries makes a delivery of a notice for each of told, and the endpoints that are new.
func insertDeliveries(tx *database.Tx, notice uuid.UUID, linkKey string) (int64, error) {
	// The planner knows how many are told, not how many merge values this transaction wrote: it keeps
	// to the order in which the tables are named.
	if _, err := tx.Exec("set local join_collapse_limit = 1"); err != nil {
		return 0, fmt.Errorf("fan out: %w", err)
	}
	_, err := tx.Exec(`insert into endpoints (channel, key, work_at, created_at)
		select distinct channel, key, $1::timestamptz, $1 from told order by 1, 2 on conflict (channel, key) do nothing`, tx.Now())
	if err != nil {
		return 0, fmt.Errorf("fan out: endpoints: %w", err)
	}
	count, err := tx.Exec(`
		insert into deliveries (notice_id, subscription_id, rendering_id, merge_id, window_id, endpoint_id, channel, address, addressee, link_key, due_at, created_at)
		select $4, t.subscription_id, r.id, m.id, t.window_id, e.id, t.channel, t.address, t.addressee, $1, $2, $2
		  from told t
		  join endpoints e on e.channel = t.channel and e.key = t.key
		  join renderings r on r.notice_id = $4 and r.channel = t.channel and r.language = t.language and r.audience = t.basis
		  join merges m on m.notice_id = $4 and coalesce(m.window_id, $3) = coalesce(t.window_id, $3) and m.language = t.language
		 where t.notice_id = $4
		on conflict (notice_id, subscription_id) do nothing`, linkKey, tx.Now(), uuid.Nil, notice)
	if err != nil {
		return 0, fmt.Errorf("fan out: deliveries: %w", err)
	}
	return count, nil
}

// wakeTold makes the endpoints of told due, and the senders of their channels look. It comes last:
// the endpoints' rows stay locked from here, and recorders wait for them.
func (s *Service) wakeTold(tx *database.Tx) error {
	if _, err := tx.Exec(wakeEndpoints("select e.id from endpoints e join (select distinct channel, key from told) t on t.channel = e.channel and t.key = e.key", "$1"), tx.Now()); err != nil {
		return fmt.Errorf("fan out: wake endpoints: %w", err)
	}
	channels, err := database.Scalars[string](tx, "select distinct channel from told order by 1")
	if err != nil {
		return fmt.Errorf("fan out: channels: %w", err)
	}
	return s.wake(tx, channels)
}

// wakeEndpoints makes the endpoints that a query names due at an instant. All are locked, in the
// order of their IDs as everywhere, those too that seem due already: a claim under way may be
// about to say that they aren't.
func wakeEndpoints(ids, at string) string {
	return `with woken as (
			select e.id, e.work_at from endpoints e where e.id in (` + ids + `) order by e.id for no key update)
		update endpoints e set work_at = least(e.work_at, ` + at + `::timestamptz)
		  from woken where e.id = woken.id and (woken.work_at is null or woken.work_at > ` + at + `)`
}

// wake makes the senders of channels look for what is due.
func (s *Service) wake(tx *database.Tx, channels []string) error {
	for _, channel := range channels {
		if err := s.jobs.Insert(tx, Wake{Channel: channel}, nil); err != nil {
			return err
		}
	}
	return nil
}
