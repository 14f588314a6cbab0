package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
)

// Overview is what needs somebody's eyes.
type Overview struct {
	Changes             ChangeCounts `json:"changes" doc:"How many there are in each state."`
	Unserved            int          `json:"unserved" doc:"Open windows whose notice has not been served."`
	Held                int          `json:"held" doc:"Open windows that staff keep back."`
	ConsentOwed         int          `json:"consent_owed" doc:"Open windows under specific authorisation."`
	NextObjectionEndsAt *time.Time   `json:"next_objection_ends_at,omitempty" doc:"The first instant after the next objection period to end."`
	NextEffectiveOn     Day          `json:"next_effective_on" doc:"The next day on which a change is to take effect for somebody; null: none is to come."`
	Failed              int          `json:"failed" doc:"Deliveries of announced changes that failed for good."`
	Retrying            int          `json:"retrying" doc:"Deliveries of announced changes that are tried again."`
	InReview            []Change     `json:"in_review" doc:"Changes that wait for approval: the newest ten."`
	Approved            []Change     `json:"approved" doc:"Changes that wait to be announced: the newest ten."`
	Waiting             []Waiting    `json:"waiting" doc:"Announced changes with windows that only a person can move on, the one with the earliest planned day first."`
	ReviewsDue          []ReviewDue  `json:"reviews_due" doc:"Vendors whose review is due within 30 days or was due: the first ten by name."`
}

// ChangeCounts counts changes by their state.
type ChangeCounts struct {
	Draft     int `json:"draft"`
	InReview  int `json:"in_review"`
	Approved  int `json:"approved"`
	Announced int `json:"announced"`
	Effective int `json:"effective"`
	Withdrawn int `json:"withdrawn"`
}

// Waiting counts the windows of one change that only a person can move on.
type Waiting struct {
	Reference   string `json:"reference" doc:"Of the change."`
	VendorName  string `json:"vendor_name"`
	Unserved    int    `json:"unserved"`
	Held        int    `json:"held"`
	ConsentOwed int    `json:"consent_owed"`
}

// ReviewDue is a vendor whose review is due.
type ReviewDue struct {
	VendorID     uuid.UUID `json:"vendor_id"`
	Slug         string    `json:"slug"`
	Name         string    `json:"name"`
	NextReviewOn Day       `json:"next_review_on"`
}

// Example is a Monday morning.
func (Overview) Example() any {
	end := time.Date(2026, time.December, 22, 23, 0, 0, 0, time.UTC)
	return Overview{Changes: ChangeCounts{Draft: 2, InReview: 1, Announced: 1, Effective: 13}, Unserved: 29, ConsentOwed: 4, NextObjectionEndsAt: &end,
		NextEffectiveOn: Day{exampleDay}, Failed: 3, Retrying: 1, InReview: []Change{exampleChange()}, Approved: []Change{},
		Waiting:    []Waiting{{Reference: "SP-2026-013", VendorName: "Laternenfisch", Unserved: 29, ConsentOwed: 4}},
		ReviewsDue: []ReviewDue{{exampleID(11), "papierkranich", "Papierkranich", Day{exampleDay}}}}
}

// Of reviews and changes the overview has so many.
const (
	reviewAhead = 30 // days
	overviewMax = 10
)

func (s *Site) overviewOperations() {
	handle(s, op{id: "getOverview", method: http.MethodGet, path: "/overview", tag: tagChanges, act: actor.ReadConsole,
		summary: "What needs somebody's eyes", text: "What the console's first page counts."}, s.getOverview)
}

func (s *Site) getOverview(ctx context.Context, _ actor.Actor, _ *struct{}) (*Plain[Overview], error) {
	home, err := s.Changes.Home(ctx)
	if err != nil {
		return nil, err
	}
	n := home.ByState
	out := Overview{Changes: ChangeCounts{n[changes.Draft], n[changes.InReview], n[changes.Approved], n[changes.Announced], n[changes.Effective], n[changes.Withdrawn]},
		Unserved: home.Unserved, Held: home.Held, ConsentOwed: home.ConsentOwed, NextObjectionEndsAt: utcOf(home.NextEndsAt)}
	if home.NextEffect != nil {
		out.NextEffectiveOn = Day{*home.NextEffect}
	}
	if out.InReview, err = s.someChanges(ctx, changes.InReview); err != nil {
		return nil, err
	}
	if out.Approved, err = s.someChanges(ctx, changes.Approved); err != nil {
		return nil, err
	}
	waiting, err := s.Changes.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out.Waiting = mapped(waiting, func(w *changes.Waiting) Waiting { return Waiting(*w) })
	if out.Failed, out.Retrying, err = s.Notify.Failing(ctx); err != nil {
		return nil, err
	}
	out.ReviewsDue, err = s.reviewsDue(ctx)
	return plain(out), err
}

func (s *Site) someChanges(ctx context.Context, state changes.State) ([]Change, error) {
	list, _, err := s.Changes.List(ctx, changes.Filter{State: state, Limit: overviewMax})
	return mapped(list, changeOf), err
}

// reviewsDue are none until somebody has said who the publisher is: there is no register before.
func (s *Site) reviewsDue(ctx context.Context) ([]ReviewDue, error) {
	settings, err := s.Publisher.Get(ctx)
	if fault.Is(err, fault.NotFound) {
		return []ReviewDue{}, nil
	}
	if err != nil {
		return nil, err
	}
	before := settings.Today(s.now()).AddDays(reviewAhead + 1)
	due, err := s.Vendors.ListVendors(ctx, vendors.Filter{ReviewDueBefore: before}, vendors.Page{Limit: overviewMax})
	if err != nil {
		return nil, err
	}
	return mapped(due.Items, func(v *vendors.VendorItem) ReviewDue {
		return ReviewDue{v.ID, v.Slug, v.Name(), Day{v.NextReviewOn}}
	}), nil
}
