package apiv1

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

func (s *Site) changeOperations() {
	handle(s, op{id: "listChanges", method: http.MethodGet, path: "/changes", tag: tagChanges, act: actor.ReadConsole,
		summary: "The changes, the newest first"}, s.listChanges)
	handle(s, op{id: "draftChange", method: http.MethodPost, path: "/changes", tag: tagChanges, act: actor.DraftChange, answers: []int{404},
		summary: "Draft a change", text: "Nobody is told of a draft. What it lacks for an announcement its readiness tells. Before anybody has said who the publisher is there are no changes (404)."}, s.draftChange)
	handle(s, op{id: "getChange", method: http.MethodGet, path: "/changes/{id}", tag: tagChanges, act: actor.ReadConsole,
		summary: "A change"}, s.getChange)
	handle(s, op{id: "getProposal", method: http.MethodGet, path: "/changes/{id}/proposal", tag: tagChanges, act: actor.ReadConsole,
		summary: "What a change is to be, as it was written", text: "It is what an edit sends back."}, s.getProposal)
	handle(s, op{id: "editChange", method: http.MethodPut, path: "/changes/{id}", tag: tagChanges, act: actor.DraftChange,
		summary: "Edit a draft", text: "The proposal is replaced whole. Only drafts can be edited: send a change back first."}, s.editChange)
	s.stepOperations()
	s.audienceOperations()
	s.windowOperations()
	s.previewOperations()
	s.overviewOperations()
}

// ChangePath names a change.
type ChangePath struct {
	ID string `path:"id" maxLength:"100" doc:"ID or reference." example:"SP-2026-014"`
}

// change is the change that the path names.
func (s *Site) change(ctx context.Context, in ChangePath) (*changes.View, error) {
	return s.Changes.Get(ctx, strings.TrimSpace(in.ID))
}

func (s *Site) listChanges(ctx context.Context, _ actor.Actor, in *struct {
	PageQuery
	FieldsQuery
	State changes.State `query:"state" enum:"draft,in_review,approved,announced,effective,withdrawn"`
	Kind  changes.Kind  `query:"kind" enum:"addition,replacement,removal"`
	Query string        `query:"query" maxLength:"200" doc:"Part of the reference or of the vendor's name, however capitalized."`
}) (*Page[Part[Change]], error) {
	list, next, err := s.Changes.List(ctx, changes.Filter{State: in.State, Kind: in.Kind, Query: in.Query, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list, changeOf), next)
}

func (s *Site) getChange(ctx context.Context, _ actor.Actor, in *ChangePath) (*One[ChangeDetail], error) {
	v, err := s.change(ctx, *in)
	if err != nil {
		return nil, err
	}
	body, err := s.changeDetail(ctx, v)
	if err != nil {
		return nil, err
	}
	return one(v.Version, *body), nil
}

func (s *Site) changeDetail(ctx context.Context, v *changes.View) (*ChangeDetail, error) {
	out := &ChangeDetail{Change: changeOf(v)}
	var err error
	if v.AnnouncedAt != nil {
		out.Windows = &WindowCount{}
		out.Windows.Served, out.Windows.All, err = s.Changes.Served(ctx, v.ID)
	}
	if v.State == changes.Draft {
		out.SentBack, err = s.sentBack(ctx, v)
	}
	return out, err
}

// sentBack reads from the record what the change's own row doesn't hold.
func (s *Site) sentBack(ctx context.Context, v *changes.View) (*SentBack, error) {
	records, err := ledger.About(ctx, s.DB, v.ID, 500)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(r ledger.Record) bool { return r.Kind == "change.sent_back" }) // the newest come first
	if i < 0 {
		return nil, nil //nolint:nilnil // it never was
	}
	var body struct{ Detail struct{ Reason string } }
	if r := &records[i]; len(r.Body) > 0 && json.Unmarshal(r.Body, &body) != nil {
		body.Detail.Reason = ""
	}
	return &SentBack{Reason: body.Detail.Reason, At: records[i].At.UTC(), Name: records[i].ActorName}, nil
}

func (s *Site) draftChange(ctx context.Context, who actor.Actor, in *struct{ Body ChangeProposal }) (*Created[ChangeDetail], error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	c, err := s.Changes.Draft(ctx, who, "", in.Body.proposal())
	if err != nil {
		return nil, in.Body.located(err)
	}
	out, err := s.getChange(ctx, who, &ChangePath{c.ID.String()})
	if err != nil {
		return nil, err
	}
	return made("/changes/"+c.ID.String(), c.Version, out.Body), nil
}

func (s *Site) getProposal(ctx context.Context, _ actor.Actor, in *ChangePath) (*One[ChangeProposal], error) {
	v, err := s.change(ctx, *in)
	if err != nil {
		return nil, err
	}
	p, err := s.Changes.ProposalOf(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return one(v.Version, proposalOf(p)), nil
}

func (s *Site) editChange(ctx context.Context, who actor.Actor, in *struct {
	ChangePath
	Match
	Body ChangeProposal
}) (*One[ChangeDetail], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	v, err := s.change(ctx, in.ChangePath)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	if err := s.Changes.Edit(ctx, who, v.ID, version, in.Body.proposal()); err != nil {
		return nil, in.Body.located(err)
	}
	return s.getChange(ctx, who, &in.ChangePath)
}

// check refuses what a change of this kind doesn't have: the domain would not look at it, and whoever
// sent it would believe otherwise.
func (p *ChangeProposal) check() error {
	var c fault.Check
	refuse := func(field string, there bool, kinds ...changes.Kind) {
		if there && !slices.Contains(kinds, p.Kind) {
			c.Add(field, "change.not_of_kind", fault.Args{"Kind": string(p.Kind)})
		}
	}
	refuse("vendor_id", p.VendorID != nil, changes.Addition, changes.Replacement)
	refuse("engagement_id", p.EngagementID != nil, changes.Removal)
	refuse("replaced_engagement_id", p.ReplacedEngagementID != nil, changes.Replacement)
	refuse("facts", p.Facts != nil, changes.Addition, changes.Replacement)
	return c.Err()
}

// located puts faults of a proposal at the places that they have in the body.
func (p *ChangeProposal) located(err error) error {
	if p.Facts != nil {
		return underFacts(p.Facts.located(err))
	}
	err = underFacts(err)
	for _, f := range fault.All(err) {
		if strings.HasPrefix(f.Field, "facts.") { // they are missing altogether
			f.Field = "facts"
		}
	}
	return err
}

var namesOfFacts = jsonNames(reflect.TypeFor[EngagementFacts]())

// underFacts puts faults of an engagement's facts under "facts", where a proposal has them. Errors
// that are no faults pass unchanged.
func underFacts(err error) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	return factsFaults(list)
}

func factsFaults(list fault.List) fault.List {
	out := make(fault.List, len(list))
	for i, f := range list {
		dup := *f
		if name, _, _ := strings.Cut(f.Field, "."); slices.Contains(namesOfFacts, name) {
			dup.Field = "facts." + listOfTransfers(f.Field)
		}
		out[i] = &dup
	}
	return out
}
