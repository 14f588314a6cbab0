package subscribers

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/database"
)

// unsuppressed is true of a subscription s to whose address something may be sent.
const unsuppressed = `not exists (select from suppressions x where s.channel = 'email' and x.address = lower(s.address))`

// scoped is true of a subscription s whose scopes meet a change's kind (text), regions (text[])
// and products (uuid[]), given as SQL; an empty one on either side meets everything.
func scoped(kind, regions, products string) string {
	return `(cardinality(s.kinds) = 0 or ` + kind + `::text = '' or ` + kind + `::text = any(s.kinds))
		and (cardinality(s.regions) = 0 or cardinality(` + regions + `::text[]) = 0 or s.regions && ` + regions + `::text[])
		and (cardinality(` + products + `::uuid[]) = 0
			or not exists (select from subscription_products sp where sp.subscription_id = s.id)
			or exists (select from subscription_products sp where sp.subscription_id = s.id and sp.product_id = any(` + products + `::uuid[])))`
}

// reachSQL answers Reach for the customers that a query names; more narrows the subscriptions s.
func reachSQL(customers, more string) string {
	return `select s.customer_id,
			bool_or(c.id is null or 'notices' = any(c.roles)) as notices,
			bool_or(c.id is not null and 'fallback' = any(c.roles) and 'notices' <> all(c.roles)) as fallback
		from subscriptions s left join contacts c on c.id = s.contact_id
		where s.basis = 'contract' and s.state = 'active' and s.customer_id in (` + customers + `)
		  and (c.id is null or c.removed_at is null) and ` + unsuppressed + ` ` + more + `
		group by s.customer_id`
}

// RecipientsSQL selects whom to tell of a change, one row a subscription: for Recipients, and for
// use as a common table expression in an INSERT … SELECT. Its parameters are $1 uuid[], the
// customers owed a notice; $2 text, the kind; $3 text[], the regions; $4 uuid[], the products
// (empty, not null: all). Its columns are subscription_id, customer_id, contact_id, basis,
// channel, address, addressee, language, link_epoch and fallback.
//
// Contract recipients are the active subscriptions on the basis of the contract of those
// customers, unsuppressed, their scopes met, whose contact (if any) has the role notices; where a
// customer has none such, those whose contact has the role fallback. Followers are all active,
// unsuppressed followers' subscriptions whose scopes are met, a customer's or nobody's, except at
// an address (of the same channel) that is told as a contract recipient anyway.
//
// Suppression and state must be looked at again when a message is sent.
var RecipientsSQL = RecipientsOf("= any($1::uuid[])")

// RecipientsOf is RecipientsSQL for the customers whose ID meets a condition, which may use $1 as
// it likes: "in (select …)", where they are too many for a parameter.
func RecipientsOf(customers string) string {
	return `
	with fit as (
		select s.id as subscription_id, s.customer_id, s.contact_id, s.basis, s.channel, s.address,
			coalesce(c.name, s.name) as addressee, s.language, s.link_epoch,
			case when s.basis = 'follower' then 'follower'
				when c.id is null or 'notices' = any(c.roles) then 'notices'
				when 'fallback' = any(c.roles) then 'fallback' else 'none' end as part
		from subscriptions s left join contacts c on c.id = s.contact_id
		where s.state = 'active' and (c.id is null or c.removed_at is null)
		  and (s.basis = 'follower' or s.customer_id ` + customers + `)
		  and ` + unsuppressed + ` and ` + scoped("$2", "$3", "$4") + `),
	served as (select distinct customer_id from fit where part = 'notices'),
	owed as (
		select f.* from fit f left join served n on n.customer_id = f.customer_id
		where f.part = 'notices' or (f.part = 'fallback' and n.customer_id is null))
	select subscription_id, customer_id, contact_id, basis, channel, address, addressee, language, link_epoch, part = 'fallback' as fallback
	from (select * from owed union all
		select f.* from fit f where f.part = 'follower'
			and not exists (select from owed o where o.channel = f.channel and lower(o.address) = lower(f.address))) chosen`
}

// Recipient is one row of RecipientsSQL.
type Recipient struct {
	SubscriptionID uuid.UUID
	CustomerID     *uuid.UUID
	ContactID      *uuid.UUID
	Basis          Basis
	Channel        string
	Address        string
	Addressee      string // a name; may be empty
	Language       string
	LinkEpoch      int
	Fallback       bool // told because nobody with the role notices can be
}

// Recipients lists whom to tell of a change: see RecipientsSQL.
func Recipients(tx *database.Tx, customerIDs []uuid.UUID, aim Aim) ([]Recipient, error) {
	if customerIDs == nil {
		customerIDs = []uuid.UUID{}
	}
	out, err := database.Rows[Recipient](tx, RecipientsSQL+" order by basis, customer_id, subscription_id",
		customerIDs, aim.Kind, aim.regions(), aim.products())
	if err != nil {
		return nil, fmt.Errorf("list recipients: %w", err)
	}
	return out, nil
}
