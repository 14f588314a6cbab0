package apiv1

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// Readiness is what a person must know before a change goes any further.
type Readiness struct {
	Ready    bool              `json:"ready" doc:"Nothing in the change would refuse its announcement. It must be approved as well."`
	Faults   []web.ProblemPart `json:"faults" doc:"Each would refuse the announcement. field names the place in the proposal; vendor.…: the vendor's facts. Of customers whose dates can't be computed, the first twenty."`
	Warnings []web.ProblemPart `json:"warnings" doc:"What a good notice would have besides."`
}

// Example is a change without a transfer mechanism.
func (Readiness) Example() any {
	return Readiness{Faults: []web.ProblemPart{{Code: "announce.vendor_without_address", Field: "vendor.address",
		Detail: "Papierkranich has no address. The notice must name it: record it at the vendor."}}, Warnings: []web.ProblemPart{}}
}

func (s *Site) getReadiness(ctx context.Context, _ actor.Actor, in *ChangePath) (*Plain[Readiness], error) {
	v, err := s.planned(ctx, *in)
	if err != nil {
		return nil, err
	}
	r, err := s.Changes.Readiness(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	c := ginOf(ctx)
	return plain(Readiness{Ready: len(r.Faults) == 0, Faults: s.kit.ProblemParts(c, factsFaults(r.Faults)),
		Warnings: s.kit.ProblemParts(c, factsFaults(r.Warnings))}), nil
}

// ChangeFacts are the engagements before and after a change.
type ChangeFacts struct {
	Before  *EngagementFacts `json:"before,omitempty" doc:"Of the engagement that goes; absent in an addition."`
	After   *EngagementFacts `json:"after,omitempty" doc:"Of the engagement that comes; absent in a removal."`
	Differs []string         `json:"differs" doc:"Names of the facts that are not the same before and after; empty unless there are both."`
}

// Example is a replacement by a vendor elsewhere.
func (ChangeFacts) Example() any {
	before, _ := EngagementFacts{}.Example().(EngagementFacts)
	after := before
	after.Locations = []Location{{Country: "DE", Kind: vendors.Stored, Transfers: []Transfer{}}}
	return ChangeFacts{Before: &before, After: &after, Differs: []string{"locations"}}
}

func (s *Site) getChangeFacts(ctx context.Context, _ actor.Actor, in *ChangePath) (*Plain[ChangeFacts], error) {
	v, err := s.change(ctx, *in)
	if err != nil {
		return nil, err
	}
	before, after, err := s.Changes.Facts(ctx, &v.Change)
	if err != nil {
		return nil, err
	}
	out := ChangeFacts{Before: factsOrNone(before), After: factsOrNone(after), Differs: []string{}}
	if out.Before != nil && out.After != nil {
		out.Differs, err = differing(out.Before, out.After)
	}
	return plain(out), err
}

func factsOrNone(f *vendors.EngagementFacts) *EngagementFacts {
	if f == nil {
		return nil
	}
	out := engagementFactsOf(f)
	return &out
}

// differing names the members in which two sets of facts differ, in the order of their fields.
func differing(a, b *EngagementFacts) ([]string, error) {
	one, err := members(a)
	if err != nil {
		return nil, err
	}
	other, err := members(b)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, name := range namesOfFacts {
		if !bytes.Equal(one[name], other[name]) {
			out = append(out, name)
		}
	}
	return out, nil
}

func members(f *EngagementFacts) (out map[string]json.RawMessage, err error) {
	raw, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("apiv1: compare facts: %w", err)
	}
	return out, nil
}
