package subscribers

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

// FormerSecretSigns is how long a webhook's former secret signs beside the new one, so that the
// receiver can change at leisure.
const FormerSecretSigns = 24 * time.Hour

// hidden stands in the record for a secret.
const hidden = "••••"

// takeSecret makes or takes away the subscription's secret: after it, the address holds none.
func (s *Subscription) takeSecret() Secret {
	switch {
	case s.Channel == Webhook:
		return newSigningSecret()
	case s.BySlackURL():
		secret := Secret(s.Address)
		s.Address = hiddenHook(s.Address)
		return secret
	default:
		return s.Token
	}
}

// keepFirstSecret seals the secret of a subscription that is new or renewed.
func (s *Service) keepFirstSecret(tx *database.Tx, who actor.Actor, sub *Subscription, secret Secret) error {
	if err := s.storeSecret(tx, sub.ID, secret); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "subscription.secret_set", Actor: who, Subject: sub.subject(),
		Body: ledger.Edit{Version: sub.Version, Changed: map[string][2]any{"secret": {nil, hidden}}}})
}

// storeSecret seals a secret in place of whatever there was.
func (s *Service) storeSecret(tx *database.Tx, id uuid.UUID, secret Secret) error {
	_, err := tx.Exec("update subscriptions set secret = $2, former_secret = null, former_secret_until = null where id = $1", id, s.vault.seal(id, secret))
	return wrap("store a secret", err)
}

// forgetSecrets removes a subscription's secrets where nothing is to be sent any more.
func forgetSecrets(tx *database.Tx, id uuid.UUID) error {
	_, err := tx.Exec("update subscriptions set secret = null, former_secret = null, former_secret_until = null where id = $1", id)
	return wrap("forget secrets", err)
}

// hasSecret refuses a subscription by webhook or Slack without a secret, with the mend.
func hasSecret(tx *database.Tx, sub *Subscription) error {
	has, err := database.Scalar[bool](tx, "select secret is not null from subscriptions where id = $1", sub.ID)
	if err != nil || has {
		return wrap("look for a secret", err)
	}
	return fault.New(fault.Conflict, "subscription.no_secret_"+sub.Channel, nil)
}

// RotateSecret gives a webhook a new signing secret and returns it, this once. The former one signs
// beside it for FormerSecretSigns; one from before that ends now. Another channel's subscription is
// a Conflict.
func (s *Service) RotateSecret(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) (Secret, error) {
	fresh := newSigningSecret()
	err := s.changeSecret(ctx, who, id, basedOn, "subscription.secret_rotated", func(tx *database.Tx, sub *Subscription) (string, error) {
		if sub.Channel != Webhook {
			return "", fault.New(fault.Conflict, "subscription.not_webhook", nil)
		}
		_, err := tx.Exec(`update subscriptions set secret = $2, former_secret = secret,
			former_secret_until = case when secret is not null then $3::timestamptz end where id = $1`,
			id, s.vault.seal(id, fresh), tx.Now().Add(FormerSecretSigns))
		return "secret", wrap("rotate a secret", err)
	})
	if err != nil {
		return "", err
	}
	return fresh, nil
}

// EndFormerSecret ends a webhook's former secret at once: it may have leaked. Where there is none
// any more, it is a Conflict.
func (s *Service) EndFormerSecret(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.changeSecret(ctx, who, id, basedOn, "subscription.former_secret_ended", func(tx *database.Tx, _ *Subscription) (string, error) {
		n, err := tx.Exec(`update subscriptions set former_secret = null, former_secret_until = null
			where id = $1 and former_secret_until > $2`, id, tx.Now())
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "subscription.no_former_secret", nil)
		}
		return "former_secret", wrap("end a former secret", err)
	})
}

// ReplaceSecret gives a subscription by Slack another secret of the kind it has: an
// incoming-webhook URL, whose faults are at "address", or the app's token, at "token". A disabled
// one stays so until it is resumed.
func (s *Service) ReplaceSecret(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, secret Secret) error {
	return s.changeSecret(ctx, who, id, basedOn, "subscription.secret_replaced", func(tx *database.Tx, sub *Subscription) (string, error) {
		if sub.Channel != Slack {
			return "", fault.New(fault.Conflict, "subscription.not_slack", nil)
		}
		secret, err := s.checkReplacement(sub, secret)
		if err != nil {
			return "", err
		}
		return "secret", s.storeSecret(tx, id, secret)
	})
}

// checkReplacement tidies a new URL or token; a new URL changes the address that is shown.
func (s *Service) checkReplacement(sub *Subscription, secret Secret) (Secret, error) {
	var c fault.Check
	if !sub.BySlackURL() {
		secret = Secret(strings.TrimSpace(string(secret)))
		checkToken(&c, secret)
		return secret, c.Err()
	}
	typed := string(secret)
	s.rules.checkHook(&c, &typed)
	if err := c.Err(); err != nil {
		return "", err
	}
	sub.Address = hiddenHook(typed)
	return Secret(typed), nil
}

// changeSecret runs fn on a subscription that was read at version basedOn and records that what fn
// names changed, with nothing of it. What fn changes in sub is stored.
func (s *Service) changeSecret(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, kind string,
	fn func(*database.Tx, *Subscription) (changed string, err error)) error {
	return s.write(ctx, who, func(tx *database.Tx) error {
		sub, err := subscriptionForUpdate(tx, id)
		if err != nil {
			return err
		}
		if err := mustBe(tx, sub, sub.Version, basedOn); err != nil {
			return err
		}
		if sub.State == Unsubscribed {
			return fault.New(fault.Conflict, "subscription.state", fault.Args{"State": string(sub.State)})
		}
		before := sub.recorded()
		what, err := fn(tx, sub)
		if err != nil {
			return err
		}
		sub.Version, sub.UpdatedAt = basedOn+1, tx.Now()
		if err := subscriptionFault(sub, update(tx, sub, basedOn)); err != nil {
			return err
		}
		changed, err := ledger.Diff(before, sub.recorded())
		if err != nil {
			return err
		}
		changed[what] = [2]any{hidden, hidden}
		return ledger.Append(tx, ledger.Entry{Kind: kind, Actor: who, Subject: sub.subject(), Body: ledger.Edit{Version: sub.Version, Changed: changed}})
	})
}
