package subscribers

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// AddContact stores a new contact of a customer and sets its ID and version. One with the role
// notices or fallback gets, in the same transaction, an active subscription by email on the basis
// of the contract; consent says how it came to be named (NamedInContract when empty). An address
// that another contact of the customer has is a Conflict at "email".
func (s *Service) AddContact(ctx context.Context, who actor.Actor, in *Contact, consent Consent) error {
	var c fault.Check
	consent.validate(&c, NamedInContract)
	if err := c.Join("", in.Validate()); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.write(ctx, who, func(tx *database.Tx) error {
		if err := lockCustomer(tx, in.CustomerID); err != nil {
			return err
		}
		in.ID, in.Version, in.RemovedAt, in.CreatedAt, in.UpdatedAt = secrets.ID(), 1, nil, tx.Now(), tx.Now()
		if err := contactFault(in, tx.Gorm().Create(in).Error); err != nil {
			return err
		}
		if err := ledger.Append(tx, ledger.Entry{Kind: "contact.added", Actor: who, Subject: in.subject(), Body: in}); err != nil {
			return err
		}
		if !in.Receives() {
			return nil
		}
		return subscribeContact(tx, who, in, consent, true)
	})
}

// EditContact stores what changed about a contact. Version must be the one that was read. Its
// subscription follows: to a new address (which revokes links sent to the old one), on when the
// contact comes to receive notices, off when it no longer does; but a customer's last reachable
// recipient stays one.
func (s *Service) EditContact(ctx context.Context, who actor.Actor, in *Contact, consent Consent) (err error) {
	basedOn := in.Version
	defer func() { keepVersion(err, &in.Version, basedOn) }()
	var c fault.Check
	consent.validate(&c, NamedInContract)
	if err := c.Join("", in.Validate()); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.changeContact(ctx, who, in.ID, func(tx *database.Tx, before *Contact) error {
		in.CustomerID, in.CreatedAt, in.RemovedAt = before.CustomerID, before.CreatedAt, nil
		if in.VerifiedAt = before.VerifiedAt; !strings.EqualFold(in.Email, before.Email) {
			in.VerifiedAt = nil
		}
		in.Version, in.UpdatedAt = basedOn+1, tx.Now()
		if err := contactFault(in, update(tx, in, basedOn)); err != nil {
			return err
		}
		if err := ledger.AppendEdit(tx, who, "contact.edited", in.subject(), in.Version, before, in, ""); err != nil {
			return err
		}
		if !in.Receives() {
			return disableContact(tx, who, in.ID, "the contact no longer receives notices")
		}
		return subscribeContact(tx, who, in, consent, !before.Receives())
	})
}

// RemoveContact takes a contact away and disables its subscriptions. A customer's last reachable
// recipient can't be removed: name another first.
func (s *Service) RemoveContact(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.changeContact(ctx, who, id, func(tx *database.Tx, before *Contact) error {
		after := *before
		now := tx.Now()
		after.RemovedAt, after.Version, after.UpdatedAt = &now, basedOn+1, now
		if err := wrap("remove a contact", update(tx, &after, basedOn)); err != nil {
			return err
		}
		if err := ledger.AppendEdit(tx, who, "contact.removed", after.subject(), after.Version, before, after, ""); err != nil {
			return err
		}
		return disableContact(tx, who, id, "the contact was removed")
	})
}

// changeContact runs fn on a contact, under the lock of its customer, and refuses what would
// leave the customer without anybody to tell. fn checks the version when it writes.
func (s *Service) changeContact(ctx context.Context, who actor.Actor, id uuid.UUID, fn func(*database.Tx, *Contact) error) error {
	return s.write(ctx, who, func(tx *database.Tx) error {
		owner, err := database.Scalar[uuid.UUID](tx, "select customer_id from contacts where id = $1", id)
		if database.NotFound(err) {
			return fault.Missing("contact")
		}
		if err != nil {
			return fmt.Errorf("read a contact: %w", err)
		}
		return stayReachable(tx, owner, func() error {
			before, err := take[Contact](tx, "contact", id)
			if err != nil {
				return err
			}
			if before.RemovedAt != nil {
				return fault.New(fault.Conflict, "contact.removed", nil)
			}
			return fn(tx, before)
		})
	})
}

// stayReachable locks a customer, runs fn, and refuses what fn did when the customer could be
// told before and can't be now. A customer that has left needs nobody.
func stayReachable(tx *database.Tx, customerID uuid.UUID, fn func() error) error {
	customer, err := take[Customer](tx, "customer", customerID)
	if err != nil {
		return err
	}
	before, err := Reachable(tx, []uuid.UUID{customerID}, Aim{})
	if err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	if hasLeft(customer, tx) || !before[customerID].OK() {
		return nil
	}
	after, err := Reachable(tx, []uuid.UUID{customerID}, Aim{})
	if err != nil {
		return err
	}
	if !after[customerID].OK() {
		return fault.New(fault.Conflict, "contact.last_reachable", fault.Args{"Customer": customer.Name})
	}
	return nil
}

func hasLeft(c *Customer, tx *database.Tx) bool {
	return !c.LeftOn.IsZero() && !calendar.DateOf(tx.Now(), tx.Now().Location()).Before(c.LeftOn)
}

func contactFault(in *Contact, err error) error {
	if constraint, _ := database.Violates(err); constraint == "contacts_email_key" {
		return duplicate("email", in.Email)
	}
	return wrap("save a contact", err)
}

// subscribeContact sees to it that the contact has a subscription by email at its present
// address. One that exists there already is taken over (a follower's, or a former contact's); one
// of the contact's own at another address moves. renew says that the contact is newly to be told:
// then the subscription is active and its consent the one given.
func subscribeContact(tx *database.Tx, who actor.Actor, k *Contact, consent Consent, renew bool) error {
	at, taken, err := findSubscription(tx, "customer_id = ? and channel = ? and lower(address) = lower(?)", k.CustomerID, Email, k.Email)
	if err != nil {
		return err
	}
	own, has, err := ownSubscription(tx, k.ID)
	if err != nil {
		return err
	}
	switch {
	case taken && has && own.ID == at.ID:
		return moveSubscription(tx, who, &own, k, consent, renew)
	case taken:
		if has {
			if err := setState(tx, who, &own, Disabled, "moved to another address"); err != nil {
				return err
			}
		}
		return moveSubscription(tx, who, &at, k, consent, true)
	case has:
		return moveSubscription(tx, who, &own, k, consent, renew)
	default:
		return insertSubscription(tx, who, &Subscription{CustomerID: &k.CustomerID, ContactID: &k.ID, Basis: ByContract,
			Channel: Email, Address: k.Email, Name: k.Name, Language: k.Language, ConsentHow: consent.How, ConsentWording: consent.Wording})
	}
}

// ownSubscription is the contact's subscription by email; one that isn't disabled before others.
func ownSubscription(tx *database.Tx, contactID uuid.UUID) (Subscription, bool, error) {
	own, found, err := findSubscription(tx, "contact_id = ? and channel = ? and state <> ?", contactID, Email, Disabled)
	if found || err != nil {
		return own, found, err
	}
	return findSubscription(tx, "contact_id = ? and channel = ?", contactID, Email)
}

// moveSubscription makes a subscription the contact's own, at its present address.
func moveSubscription(tx *database.Tx, who actor.Actor, sub *Subscription, k *Contact, consent Consent, renew bool) error {
	after := *sub
	moved := after.Address != k.Email
	after.ContactID, after.Basis, after.Address, after.Name, after.Language = &k.ID, ByContract, k.Email, k.Name, k.Language
	if moved || sub.Basis != ByContract {
		after.LinkEpoch++ // links sent to the former holder end here
	}
	if renew {
		after.ConsentHow, after.ConsentAt, after.ConsentWording = consent.How, tx.Now(), consent.Wording
	}
	if after.State != Active && (renew || (moved && after.State == Disabled)) {
		after.State, after.StateReason, after.StateAt = Active, "", tx.Now()
	}
	return saveSubscription(tx, who, "subscription.edited", sub, &after)
}

func disableContact(tx *database.Tx, who actor.Actor, id uuid.UUID, reason string) error {
	var subs []Subscription
	if err := tx.Gorm().Order("id").Find(&subs, "contact_id = ? and state <> ?", id, Disabled).Error; err != nil {
		return fmt.Errorf("read a contact's subscriptions: %w", err)
	}
	for i := range subs {
		if subs[i].Basis == ByFollowing && subs[i].State == Unsubscribed {
			continue
		}
		if err := setState(tx, who, &subs[i], Disabled, reason); err != nil {
			return err
		}
	}
	return nil
}

// VerifyContact notes that somebody has made sure of the contact's address.
func (s *Service) VerifyContact(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.changeContact(ctx, who, id, func(tx *database.Tx, before *Contact) error {
		after := *before
		now := tx.Now()
		after.VerifiedAt, after.Version, after.UpdatedAt = &now, basedOn+1, now
		if err := wrap("verify a contact", update(tx, &after, basedOn)); err != nil {
			return err
		}
		return ledger.AppendEdit(tx, who, "contact.verified", after.subject(), after.Version, before, after, "")
	})
}

// Contact returns one contact, removed ones included.
func (s *Service) Contact(ctx context.Context, id uuid.UUID) (*Contact, error) {
	var k Contact
	err := s.db.Gorm(ctx).Take(&k, "id = ?", id).Error
	if database.NotFound(err) {
		return nil, fault.Missing("contact")
	}
	return &k, wrap("read a contact", err)
}

// Contacts lists a customer's contacts, by name; removed ones are left out.
func (s *Service) Contacts(ctx context.Context, customerID uuid.UUID) ([]Contact, error) {
	var out []Contact
	err := s.db.Gorm(ctx).Order("lower(name), id").Find(&out, "customer_id = ? and removed_at is null", customerID).Error
	return out, wrap("list contacts", err)
}
