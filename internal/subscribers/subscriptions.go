package subscribers

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// Subscribe stores a new subscription in the active state and sets its ID and version. An address
// that the customer (or, for nobody's, another follower) has on the channel already is a Conflict
// at "address"; but a follower who had unsubscribed comes back, with the new consent and a new
// secret, under the former ID.
//
// A webhook's signing secret is made here and told once, in in.SigningSecret. Of a Slack
// incoming-webhook URL, in.Address keeps only what is no secret.
func (s *Service) Subscribe(ctx context.Context, who actor.Actor, in *Subscription) error {
	if err := s.CheckSubscription(in); err != nil {
		return err
	}
	typed := in.Address
	secret := in.takeSecret()
	err := s.write(ctx, who, func(tx *database.Tx) error {
		if err := checkBelongings(tx, in); err != nil {
			return err
		}
		if err := insertOrRenew(tx, who, in); err != nil || secret == "" {
			return err
		}
		return s.keepFirstSecret(tx, who, in, secret)
	})
	if err != nil {
		in.Address = typed
		return err
	}
	in.Token, in.HasSecret = "", secret != ""
	if in.Channel == Webhook {
		in.SigningSecret = secret
	}
	return nil
}

func insertOrRenew(tx *database.Tx, who actor.Actor, in *Subscription) error {
	former, known, err := findSubscription(tx, "customer_id is not distinct from ? and channel = ? and lower(address) = lower(?)",
		in.CustomerID, in.Channel, in.Address)
	if err != nil {
		return err
	}
	if !known {
		return insertSubscription(tx, who, in)
	}
	if former.State != Unsubscribed {
		return duplicate("address", in.Address)
	}
	in.ID, in.Version, in.LinkEpoch, in.CreatedAt = former.ID, former.Version, former.LinkEpoch+1, former.CreatedAt
	in.State, in.StateReason, in.StateAt, in.ConsentAt = Active, "", tx.Now(), tx.Now()
	return saveSubscription(tx, who, "subscription.renewed", &former, in)
}

// checkBelongings sees that the customer, its contact and the products exist.
func checkBelongings(tx *database.Tx, in *Subscription) error {
	if in.CustomerID != nil {
		if err := lockCustomer(tx, *in.CustomerID); err != nil {
			return err
		}
	}
	if in.ContactID != nil {
		k, err := take[Contact](tx, "contact", *in.ContactID)
		if err != nil {
			return err
		}
		if in.CustomerID == nil || k.CustomerID != *in.CustomerID || k.RemovedAt != nil {
			return fault.Missing("contact")
		}
	}
	return knownProducts(tx, "products", in.ProductIDs)
}

func insertSubscription(tx *database.Tx, who actor.Actor, in *Subscription) error {
	now := tx.Now()
	in.ID, in.Version, in.LinkEpoch, in.CreatedAt, in.UpdatedAt = secrets.ID(), 1, 1, now, now
	in.State, in.StateReason, in.StateAt, in.ConsentAt = Active, "", now, now
	if err := subscriptionFault(in, tx.Gorm().Create(in).Error); err != nil {
		return err
	}
	if err := setScope(tx, in); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "subscription.added", Actor: who, Subject: in.subject(), Body: in.recorded()})
}

func saveSubscription(tx *database.Tx, who actor.Actor, kind string, before, after *Subscription) error {
	basedOn := after.Version
	after.Version, after.UpdatedAt = basedOn+1, tx.Now()
	if err := subscriptionFault(after, update(tx, after, basedOn)); err != nil {
		return err
	}
	if err := setScope(tx, after); err != nil {
		return err
	}
	return ledger.AppendEdit(tx, who, kind, after.subject(), after.Version, before.recorded(), after.recorded(), "")
}

func subscriptionFault(in *Subscription, err error) error {
	switch constraint, _ := database.Violates(err); constraint {
	case "subscriptions_customer_key", "subscriptions_follower_key":
		return duplicate("address", in.Address)
	default:
		return wrap("save a subscription", err)
	}
}

func setScope(tx *database.Tx, in *Subscription) error {
	_, err := tx.Exec("delete from subscription_products where subscription_id = $1 and product_id <> all($2)", in.ID, idList(in.ProductIDs))
	if err == nil {
		_, err = tx.Exec(`insert into subscription_products (subscription_id, product_id)
			select $1, unnest($2::uuid[]) on conflict do nothing`, in.ID, idList(in.ProductIDs))
	}
	return wrap("save a subscription's products", err)
}

// findSubscription reads and locks the subscription that meets the condition, if there is one.
func findSubscription(tx *database.Tx, where string, args ...any) (sub Subscription, found bool, err error) {
	var subs []Subscription
	err = tx.Gorm().Clauses(forUpdate).Where(where, args...).Order("id").Limit(1).Find(&subs).Error
	if err != nil {
		return sub, false, fmt.Errorf("find a subscription: %w", err)
	}
	if len(subs) == 0 {
		return sub, false, nil
	}
	err = loadScope(tx, &subs[0])
	return subs[0], true, err
}

func loadScope(tx *database.Tx, s *Subscription) (err error) {
	s.ProductIDs, err = database.Scalars[uuid.UUID](tx,
		"select product_id from subscription_products where subscription_id = $1 order by product_id", s.ID)
	return wrap("read a subscription's products", err)
}

// next says from which states a state can be reached by staff.
var next = map[State][]State{
	Paused:   {Active},
	Active:   {Paused, Disabled},
	Disabled: {Pending, Active, Paused},
}

// Pause holds a subscription back for a while. A customer's last reachable recipient can't be.
func (s *Service) Pause(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, reason string) error {
	return s.changeState(ctx, who, id, basedOn, Paused, reason)
}

// Resume makes a paused or disabled subscription active again. While its address is suppressed, or
// it lacks the secret that its channel needs, that would be an empty promise and is a Conflict.
func (s *Service) Resume(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.changeState(ctx, who, id, basedOn, Active, "")
}

// Disable ends a subscription until somebody resumes it. A customer's last reachable recipient
// can't be disabled by staff.
func (s *Service) Disable(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, reason string) error {
	return s.changeState(ctx, who, id, basedOn, Disabled, reason)
}

func (s *Service) changeState(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, to State, reason string) error {
	var c fault.Check
	input.OptionalLine(&c, "reason", &reason)
	if err := c.Err(); err != nil {
		return err
	}
	return s.write(ctx, who, func(tx *database.Tx) error {
		var owners []uuid.UUID
		owners, err := database.Scalars[uuid.UUID](tx, "select customer_id from subscriptions where id = $1 and basis = 'contract'", id)
		if err != nil {
			return fmt.Errorf("read a subscription: %w", err)
		}
		change := func() error {
			sub, err := subscriptionForUpdate(tx, id)
			if err != nil {
				return err
			}
			if err := mustBe(tx, sub, sub.Version, basedOn); err != nil {
				return err
			}
			if !slices.Contains(next[to], sub.State) {
				return fault.New(fault.Conflict, "subscription.state", fault.Args{"State": string(sub.State)})
			}
			if err := canBeTold(tx, sub, to); err != nil {
				return err
			}
			return setState(tx, who, sub, to, reason)
		}
		if len(owners) == 0 {
			return change()
		}
		return stayReachable(tx, owners[0], change)
	})
}

// canBeTold refuses to make active what could not be sent to.
func canBeTold(tx *database.Tx, sub *Subscription, to State) error {
	switch {
	case to != Active:
		return nil
	case sub.Channel == Email:
		return notSuppressed(tx, sub)
	default:
		return hasSecret(tx, sub)
	}
}

func notSuppressed(tx *database.Tx, sub *Subscription) error {
	there, err := database.Scalar[bool](tx, "select exists (select from suppressions where address = lower($1))", sub.Address)
	if err != nil {
		return fmt.Errorf("look for a suppression: %w", err)
	}
	if there {
		return fault.New(fault.Conflict, "subscription.suppressed", fault.Args{"Address": sub.Address})
	}
	return nil
}

func subscriptionForUpdate(tx *database.Tx, id uuid.UUID) (*Subscription, error) {
	sub, err := take[Subscription](tx, "subscription", id)
	if err != nil {
		return nil, err
	}
	return sub, loadScope(tx, sub)
}

// setState moves a subscription to a state, in the row and in sub.
func setState(tx *database.Tx, who actor.Actor, sub *Subscription, to State, reason string) error {
	if err := loadScope(tx, sub); err != nil {
		return err
	}
	after := *sub
	after.State, after.StateReason, after.StateAt = to, reason, tx.Now()
	if err := saveSubscription(tx, who, "subscription."+string(to), sub, &after); err != nil {
		return err
	}
	*sub = after
	return nil
}

// DisableInTx disables a subscription because its address does not work (a hard bounce, a
// complaint), even if it is a customer's last: the customer then shows as unreachable. One that
// is disabled or unsubscribed already stays as it is.
func DisableInTx(tx *database.Tx, who actor.Actor, id uuid.UUID, reason string) error {
	sub, err := subscriptionForUpdate(tx, id)
	if err != nil || sub.State == Disabled || sub.State == Unsubscribed {
		return err
	}
	return setState(tx, who, sub, Disabled, reason)
}

// RevokeLinks makes every signed link of a subscription void, those to come excepted.
func (s *Service) RevokeLinks(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	return s.write(ctx, who, func(tx *database.Tx) error {
		sub, err := subscriptionForUpdate(tx, id)
		if err != nil {
			return err
		}
		after := *sub
		after.LinkEpoch++
		return saveSubscription(tx, who, "subscription.links_revoked", sub, &after)
	})
}

// Subscription returns one subscription.
func (s *Service) Subscription(ctx context.Context, id uuid.UUID) (*Subscription, error) {
	row, err := s.SubscriptionRow(ctx, id)
	if err != nil {
		return nil, err
	}
	return &row.Subscription, nil
}

// SubscriptionRow returns one subscription as it stands in a list.
func (s *Service) SubscriptionRow(ctx context.Context, id uuid.UUID) (*SubscriptionRow, error) {
	rows, err := s.readSubscriptions(ctx, SubscriptionFilter{}, &id, uuid.Nil, 1)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Missing("subscription")
	}
	return &rows[0], nil
}

// Subscriptions lists subscriptions, the oldest first.
func (s *Service) Subscriptions(ctx context.Context, f SubscriptionFilter) (Page[SubscriptionRow], error) {
	none := Page[SubscriptionRow]{}
	if err := f.Validate(); err != nil {
		return none, err
	}
	after, err := decodeCursor(f.After, 1)
	if err != nil {
		return none, err
	}
	afterID, err := cursorID(after[0])
	if err != nil {
		return none, err
	}
	n := limit(f.Limit)
	rows, err := s.readSubscriptions(ctx, f, nil, afterID, n+1)
	if err != nil {
		return none, err
	}
	return pageOf(rows, n, func(r SubscriptionRow) []string { return []string{r.ID.String()} }), nil
}

// searchable is what may be searched of a subscription's address: not more than is shown of it, or
// whoever searches could find out the rest letter by letter.
const searchable = "case when s.channel = 'webhook' then substring(s.address from '^[^:]*://[^/?#]*') else s.address end"

func (s *Service) readSubscriptions(ctx context.Context, f SubscriptionFilter, id *uuid.UUID, after uuid.UUID, n int) ([]SubscriptionRow, error) {
	rows, err := database.Collect[SubscriptionRow](ctx, s.db.Reader(ctx), `
		select s.id, s.customer_id, s.contact_id, s.basis, s.channel, s.address, s.name, s.language, s.regions::text, s.kinds::text,
			s.state, s.state_reason, s.state_at, s.consent_how, s.consent_at, s.consent_wording, s.link_epoch,
			s.version, s.created_at, s.updated_at, s.secret is not null as has_secret,
			case when s.former_secret_until > $9 then s.former_secret_until end as former_secret_until, coalesce(c.name, '') as customer_name, not `+unsuppressed+` as suppressed,
			array(select product_id from subscription_products sp where sp.subscription_id = s.id order by 1) as product_ids
		from subscriptions s left join customers c on c.id = s.customer_id
		where ($1::uuid is null or s.id = $1) and s.id > $2
		  and ($3 = `+noID+` or s.customer_id = $3)
		  and ($4 = '' or s.basis = $4) and ($5 = '' or s.channel = $5) and ($6 = '' or s.state = $6)
		  and ($7 = '' or `+searchable+` ilike $7 or s.name ilike $7 or c.name ilike $7)
		order by s.id limit $8`, id, after, f.Customer, string(f.Basis), f.Channel, string(f.State), pattern(f.Query), n, s.db.Now())
	return rows, wrap("list subscriptions", err)
}
