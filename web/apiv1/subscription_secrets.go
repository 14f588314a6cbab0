package apiv1

import (
	"context"
	"net/http"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

func (s *Site) secretOperations() {
	handle(s, op{id: "resumeSubscription", method: http.MethodPost, path: "/subscriptions/{id}/resume", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Make a paused or disabled subscription active again"}, s.resumeSubscription)
	handle(s, op{id: "rotateSecret", method: http.MethodPost, path: "/subscriptions/{id}/rotate-secret", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Give a webhook a new signing secret", text: "It is in the answer, this once. The former one signs beside it for 24 hours."}, s.rotateSecret)
	handle(s, op{id: "endFormerSecret", method: http.MethodPost, path: "/subscriptions/{id}/end-former-secret", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "End a webhook's former secret at once", text: "For one that may have leaked."}, s.endFormerSecret)
	handle(s, op{id: "replaceSecret", method: http.MethodPost, path: "/subscriptions/{id}/replace-secret", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Give a subscription by Slack another URL or token", text: "A disabled one stays so until it is resumed."}, s.replaceSecret)
	handle(s, op{id: "revokeLinks", method: http.MethodPost, path: "/subscriptions/{id}/revoke-links", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Make every signed link of a subscription void", text: "Links in messages that are yet to come are good."}, s.revokeLinks)
}

func (s *Site) resumeSubscription(ctx context.Context, who actor.Actor, in *Edited) (*One[Subscription], error) {
	return s.editSubscription(ctx, in, func(version int) error { return s.Subscribers.Resume(ctx, who, in.ID, version) })
}

func (s *Site) rotateSecret(ctx context.Context, who actor.Actor, in *Edited) (*One[SubscriptionWithSecret], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	secret, err := s.Subscribers.RotateSecret(ctx, who, in.ID, version)
	if err != nil {
		return nil, err
	}
	row, err := s.Subscribers.SubscriptionRow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return one(row.Version, SubscriptionWithSecret{subscriptionOf(row), string(secret)}), nil
}

func (s *Site) endFormerSecret(ctx context.Context, who actor.Actor, in *Edited) (*One[Subscription], error) {
	return s.editSubscription(ctx, in, func(version int) error { return s.Subscribers.EndFormerSecret(ctx, who, in.ID, version) })
}

func (s *Site) replaceSecret(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body SlackSecretInput
}) (*One[Subscription], error) {
	return s.editSubscription(ctx, &in.Edited, func(version int) error {
		sub, err := s.Subscribers.Subscription(ctx, in.ID)
		if err != nil {
			return err
		}
		secret, err := in.Body.secretFor(sub)
		if err != nil {
			return err
		}
		return s.Subscribers.ReplaceSecret(ctx, who, in.ID, version, secret)
	})
}

// secretFor is the secret of the kind that the subscription has; one of the other kind is not passed
// over.
func (in *SlackSecretInput) secretFor(sub *subscribers.Subscription) (subscribers.Secret, error) {
	switch {
	case sub.Channel != subscribers.Slack:
		return "", nil // which the domain refuses
	case sub.BySlackURL() && in.Token != "":
		return "", fault.Field("token", "slack.token_unneeded", nil)
	case sub.BySlackURL():
		return subscribers.Secret(in.Address), nil
	case in.Address != "":
		return "", fault.Field("address", "slack.address_unneeded", nil)
	default:
		return subscribers.Secret(in.Token), nil
	}
}

func (s *Site) revokeLinks(ctx context.Context, who actor.Actor, in *Named) (*One[Subscription], error) {
	if err := s.Subscribers.RevokeLinks(ctx, who, in.ID); err != nil {
		return nil, err
	}
	return s.subscription(ctx, in.ID)
}
