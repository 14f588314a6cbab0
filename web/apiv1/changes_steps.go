package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
)

func (s *Site) stepOperations() {
	handle(s, op{id: "submitChange", method: http.MethodPost, path: "/changes/{id}/submit", tag: tagChanges, act: actor.SubmitChange,
		summary: "Put a draft up for approval"}, s.submitChange)
	handle(s, op{id: "approveChange", method: http.MethodPost, path: "/changes/{id}/approve", tag: tagChanges, act: actor.ApproveChange,
		summary: "Approve a change as the second person", text: "If-Match names the version that the second person read: what was changed since is not approved. " +
			"Unless the publisher has switched four eyes off, nobody approves what they drafted, edited or submitted; a key acts for its account, so another key of the same account is no second person."}, s.approveChange)
	handle(s, op{id: "sendBackChange", method: http.MethodPost, path: "/changes/{id}/send-back", tag: tagChanges, act: actor.SubmitChange,
		summary: "Make a change in review, or an approved one, a draft again", text: "An approval is undone only by who may give one."}, s.sendBackChange)
	handle(s, op{id: "announceChange", method: http.MethodPost, path: "/changes/{id}/announce", tag: tagChanges, act: actor.AnnounceChange,
		summary: "Announce an approved change", text: "It fixes each customer's window and starts the notice to everybody concerned. It happens once: whoever asks second, under another Idempotency-Key, gets 409 change.already_announced."}, s.announceChange)
	handle(s, op{id: "withdrawChange", method: http.MethodPost, path: "/changes/{id}/withdraw", tag: tagChanges, act: actor.WithdrawChange,
		summary: "Withdraw a change", text: "Of an announced one, everybody who was told is told again; what waits to be sent is cancelled, and open windows close."}, s.withdrawChange)
}

// stepped does something with the change that the path names, and answers with what it is then.
func (s *Site) stepped(ctx context.Context, who actor.Actor, in ChangePath, do func(id uuid.UUID) error) (*One[ChangeDetail], error) {
	v, err := s.change(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := do(v.ID); err != nil {
		return nil, underFacts(err)
	}
	return s.getChange(ctx, who, &in)
}

func (s *Site) submitChange(ctx context.Context, who actor.Actor, in *ChangePath) (*One[ChangeDetail], error) {
	return s.stepped(ctx, who, *in, func(id uuid.UUID) error { return s.Changes.Submit(ctx, who, id) })
}

func (s *Site) approveChange(ctx context.Context, who actor.Actor, in *struct {
	ChangePath
	Match
}) (*One[ChangeDetail], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if version == 0 { // the domain takes it for "whatever there is"
		version = -1
	}
	return s.stepped(ctx, who, in.ChangePath, func(id uuid.UUID) error { return s.Changes.Approve(ctx, who, id, version) })
}

// reasonedStep is the input of a step that needs a reason.
type reasonedStep struct {
	ChangePath
	Body Reasoned
}

func (s *Site) sendBackChange(ctx context.Context, who actor.Actor, in *reasonedStep) (*One[ChangeDetail], error) {
	out, err := s.stepped(ctx, who, in.ChangePath, func(id uuid.UUID) error { return s.Changes.SendBack(ctx, who, id, in.Body.Reason) })
	if err != nil {
		return nil, err
	}
	input.OptionalText(&fault.Check{}, "reason", &in.Body.Reason) // as it was recorded: the record itself is written with the commit
	out.Body.SentBack = &SentBack{Reason: in.Body.Reason, At: out.Body.UpdatedAt, Name: who.Name}
	return out, nil
}

func (s *Site) announceChange(ctx context.Context, who actor.Actor, in *ChangePath) (*One[ChangeDetail], error) {
	return s.stepped(ctx, who, *in, func(id uuid.UUID) error { return s.Changes.Announce(ctx, who, id) })
}

func (s *Site) withdrawChange(ctx context.Context, who actor.Actor, in *reasonedStep) (*One[ChangeDetail], error) {
	return s.stepped(ctx, who, in.ChangePath, func(id uuid.UUID) error { return s.Changes.Withdraw(ctx, who, id, in.Body.Reason) })
}
