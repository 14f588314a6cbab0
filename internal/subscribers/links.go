package subscribers

import (
	"context"
	"encoding/binary"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/secrets"
)

// Links makes and reads the signed links of messages. A link names a subscription and the epoch
// of its links; raising the epoch voids every link made before.
type Links struct {
	db          *database.DB
	unsubscribe *secrets.Signer
}

// NewLinks makes links with the keys of a ring.
func NewLinks(db *database.DB, ring *secrets.KeyRing) *Links {
	return &Links{db: db, unsubscribe: ring.Signer("unsubscribe")}
}

// UnsubscribeToken makes the token of a follower's unsubscribe link with the key named, or with
// the one in use when keyID is "". The same arguments give the same token, always.
func (l *Links) UnsubscribeToken(keyID string, subscriptionID uuid.UUID, epoch int) (string, error) {
	payload := make([]byte, 0, 20)
	payload = append(payload, subscriptionID[:]...)
	payload = binary.BigEndian.AppendUint32(payload, uint32(epoch))
	return l.unsubscribe.Sign(keyID, payload)
}

// CurrentKey is the ID of the key that signs links now: kept with what is sent, so that its links
// can be made again after a rotation.
func (l *Links) CurrentKey() string { return l.unsubscribe.Current() }

// Verify reads a token of UnsubscribeToken. One that is altered, cut, or made for another purpose
// is an Unauthenticated fault "link.invalid". It does not look at the database: the epoch may be
// a former one.
func (l *Links) Verify(token string) (subscriptionID uuid.UUID, epoch int, err error) {
	payload, err := l.unsubscribe.Verify(token)
	if err != nil || len(payload) != 20 {
		return uuid.Nil, 0, fault.New(fault.Unauthenticated, "link.invalid", nil)
	}
	return uuid.UUID(payload[:16]), int(binary.BigEndian.Uint32(payload[16:])), nil
}

// Peek says whose unsubscribe link this is, and changes nothing: for the page that a GET shows.
// A link of a former epoch is an Unauthenticated fault "link.revoked".
func (l *Links) Peek(ctx context.Context, token string) (*Subscription, error) {
	id, epoch, err := l.Verify(token)
	if err != nil {
		return nil, err
	}
	sub, err := (&Service{db: l.db}).Subscription(ctx, id)
	if err != nil {
		return nil, invalidIfMissing(err)
	}
	return sub, sameEpoch(sub, epoch)
}

func sameEpoch(sub *Subscription, epoch int) error {
	if sub.LinkEpoch != epoch {
		return fault.New(fault.Unauthenticated, "link.revoked", nil)
	}
	return nil
}

func invalidIfMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Unauthenticated, "link.invalid", nil)
	}
	return err
}

// Outcome is what became of an unsubscribing.
type Outcome struct {
	Subscription Subscription
	Already      bool // it was unsubscribed before: nothing was done
}

// UnsubscribeByToken ends a follower's subscription; how ("one-click", "page") goes into the
// record. Doing it twice is fine. A contract recipient can't be unsubscribed: the notices are
// owed, and the fault "contract.cannot_unsubscribe" says what can be done instead.
func (l *Links) UnsubscribeByToken(ctx context.Context, token, how string) (Outcome, error) {
	id, epoch, err := l.Verify(token)
	if err != nil {
		return Outcome{}, err
	}
	var out Outcome
	err = l.db.Transact(ctx, func(tx *database.Tx) error {
		sub, err := subscriptionForUpdate(tx, id)
		if err != nil {
			return invalidIfMissing(err)
		}
		if err := sameEpoch(sub, epoch); err != nil {
			return err
		}
		out, err = unsubscribe(tx, actor.Actor{Kind: actor.Recipient, ID: id}, sub, how)
		return err
	})
	return out, err
}

// Unsubscribe ends a follower's subscription on their behalf; see UnsubscribeByToken.
func (s *Service) Unsubscribe(ctx context.Context, who actor.Actor, id uuid.UUID, how string) (Outcome, error) {
	var out Outcome
	var c fault.Check
	input.OptionalLine(&c, "reason", &how)
	if err := c.Err(); err != nil {
		return out, err
	}
	err := s.write(ctx, who, func(tx *database.Tx) error {
		sub, err := subscriptionForUpdate(tx, id)
		if err != nil {
			return err
		}
		out, err = unsubscribe(tx, who, sub, how)
		return err
	})
	return out, err
}

func unsubscribe(tx *database.Tx, who actor.Actor, sub *Subscription, how string) (Outcome, error) {
	if sub.Basis == ByContract {
		return Outcome{}, fault.New(fault.Conflict, "contract.cannot_unsubscribe", nil)
	}
	if sub.State == Unsubscribed {
		return Outcome{Subscription: *sub, Already: true}, nil
	}
	if err := setState(tx, who, sub, Unsubscribed, how); err != nil {
		return Outcome{}, err
	}
	if err := forgetSecrets(tx, sub.ID); err != nil {
		return Outcome{}, err
	}
	return Outcome{Subscription: *sub}, nil
}
