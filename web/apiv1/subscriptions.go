package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

func (s *Site) subscriptionOperations() {
	handle(s, op{id: "listSubscriptions", method: http.MethodGet, path: "/subscriptions", tag: tagSubscriptions, act: actor.ReadConsole,
		summary: "Subscriptions, the oldest first"}, s.listSubscriptions)
	handle(s, op{id: "addSubscription", method: http.MethodPost, path: "/subscriptions", tag: tagSubscriptions, act: actor.EditCustomers, answers: []int{404},
		summary: "Subscribe an address", text: "A webhook's signing secret is in the answer, this once. A follower who had unsubscribed comes back under the former ID."}, s.addSubscription)
	handle(s, op{id: "getSubscription", method: http.MethodGet, path: "/subscriptions/{id}", tag: tagSubscriptions, act: actor.ReadConsole,
		summary: "One subscription"}, s.getSubscription)
	for _, a := range []struct {
		name, summary, text string
		do                  func(context.Context, actor.Actor, uuid.UUID, int, string) error
	}{
		{"pause", "Hold a subscription back for a while", "A customer's last reachable recipient can't be.", s.Subscribers.Pause},
		{"disable", "End a subscription until somebody resumes it", "A customer's last reachable recipient can't be.", s.Subscribers.Disable},
	} {
		handle(s, op{id: a.name + "Subscription", method: http.MethodPost, path: "/subscriptions/{id}/" + a.name, tag: tagSubscriptions,
			act: actor.EditCustomers, summary: a.summary, text: a.text}, s.changeSubscription(a.do))
	}
	handle(s, op{id: "unsubscribe", method: http.MethodPost, path: "/subscriptions/{id}/unsubscribe", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "End a follower's subscription on their behalf", text: "Doing it twice is fine. What a contract owes can't be unsubscribed."}, s.unsubscribe)
	s.secretOperations()
}

// changeSubscription makes the handler of an act that takes a reason.
func (s *Site) changeSubscription(do func(context.Context, actor.Actor, uuid.UUID, int, string) error) handler[reasonedEdit, One[Subscription]] {
	return func(ctx context.Context, who actor.Actor, in *reasonedEdit) (*One[Subscription], error) {
		return s.editSubscription(ctx, &in.Edited, func(version int) error { return do(ctx, who, in.ID, version, in.Body.Reason) })
	}
}

type reasonedEdit struct {
	Edited
	Body SubscriptionReason
}

// editSubscription does something with a subscription that was read at a version, and shows it.
func (s *Site) editSubscription(ctx context.Context, in *Edited, do func(version int) error) (*One[Subscription], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := do(version); err != nil {
		return nil, err
	}
	return s.subscription(ctx, in.ID)
}

func (s *Site) unsubscribe(ctx context.Context, who actor.Actor, in *struct {
	Named
	Body SubscriptionReason
}) (*One[Subscription], error) {
	if _, err := s.Subscribers.Unsubscribe(ctx, who, in.ID, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.subscription(ctx, in.ID)
}

type subscriptionsQuery struct {
	Query    string    `query:"query" maxLength:"200" doc:"Words in what answers show of the address, in the name or in the customer's."`
	Customer uuid.UUID `query:"customer" doc:"ID of a customer."`
	Basis    string    `query:"basis" enum:"contract,follower"`
	Channel  string    `query:"channel" enum:"email,webhook,slack"`
	State    string    `query:"state" enum:"pending,active,paused,disabled,unsubscribed"`
	FieldsQuery
	PageQuery
}

func (s *Site) listSubscriptions(ctx context.Context, _ actor.Actor, in *subscriptionsQuery) (*Page[Part[Subscription]], error) {
	list, err := s.Subscribers.Subscriptions(ctx, subscribers.SubscriptionFilter{Customer: in.Customer, Basis: subscribers.Basis(in.Basis),
		Channel: in.Channel, State: subscribers.State(in.State), Query: in.Query, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list.Rows, subscriptionOf), list.Next)
}

func (s *Site) getSubscription(ctx context.Context, _ actor.Actor, in *Named) (*One[Subscription], error) {
	return s.subscription(ctx, in.ID)
}

func (s *Site) subscription(ctx context.Context, id uuid.UUID) (*One[Subscription], error) {
	row, err := s.Subscribers.SubscriptionRow(ctx, id)
	if err != nil {
		return nil, err
	}
	return one(row.Version, subscriptionOf(row)), nil
}

// placedOwners puts faults of whose a subscription is at their places in the body.
func placedOwners(err error) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	out := make(fault.List, len(list))
	for i, f := range list {
		dup := *f
		switch {
		case f.Field == "customer" || f.Code == "customer.not_found":
			dup.Field = "customer_id"
		case f.Code == "contact.not_found":
			dup.Field = "contact_id"
		}
		out[i] = &dup
	}
	return out
}

func (s *Site) addSubscription(ctx context.Context, who actor.Actor, in *struct{ Body SubscriptionInput }) (*Created[SubscriptionWithSecret], error) {
	sub := in.Body.subscription()
	if err := s.Subscribers.Subscribe(ctx, who, sub); err != nil {
		return nil, placedOwners(err)
	}
	row, err := s.Subscribers.SubscriptionRow(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	return made("/subscriptions/"+sub.ID.String(), row.Version, SubscriptionWithSecret{subscriptionOf(row), string(sub.SigningSecret)}), nil
}
