package apiv1

import (
	"context"
	"net/http"

	"fairnotice/internal/actor"
)

func (s *Site) suppressionOperations() {
	handle(s, op{id: "listSuppressions", method: http.MethodGet, path: "/suppressions", tag: tagSubscriptions, act: actor.ReadConsole,
		summary: "Addresses that are not written to, the latest first"}, s.listSuppressions)
	handle(s, op{id: "addSuppression", method: http.MethodPost, path: "/suppressions", tag: tagSubscriptions, act: actor.EditSuppression,
		summary: "Keep an address from being written to", text: "A customer's recipient whose address is suppressed doesn't count as reachable.", status: http.StatusCreated}, s.addSuppression)
	handle(s, op{id: "liftSuppression", method: http.MethodPost, path: "/suppressions/lift", tag: tagSubscriptions, act: actor.EditSuppression,
		summary: "Let an address be written to again", text: "The address stands in the body, so that no log of addresses asked for keeps it.", answers: []int{404}}, s.liftSuppression)
}

type suppressionsQuery struct {
	Query string `query:"query" maxLength:"200" doc:"Part of the address."`
	PageQuery
}

func (s *Site) listSuppressions(ctx context.Context, _ actor.Actor, in *suppressionsQuery) (*Page[Suppression], error) {
	list, err := s.Subscribers.Suppressions(ctx, in.Query, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, mapped(list.Rows, suppressionOf), list.Next), nil
}

func (s *Site) addSuppression(ctx context.Context, who actor.Actor, in *struct{ Body SuppressionFacts }) (*Plain[Suppression], error) {
	if err := s.Subscribers.Suppress(ctx, who, in.Body.Address, in.Body.Reason, in.Body.Detail); err != nil {
		return nil, err
	}
	x, err := s.Subscribers.Suppression(ctx, in.Body.Address)
	if err != nil {
		return nil, err
	}
	return plain(suppressionOf(x)), nil
}

func (s *Site) liftSuppression(ctx context.Context, who actor.Actor, in *struct{ Body LiftInput }) (*Done, error) {
	return &Done{}, s.Subscribers.Unsuppress(ctx, who, in.Body.Address)
}
