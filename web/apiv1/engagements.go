package apiv1

import (
	"context"
	"net/http"

	"fairnotice/internal/actor"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

func (s *Site) engagementOperations() {
	handle(s, op{id: "listEngagements", method: http.MethodGet, path: "/engagements", tag: tagEngagements, act: actor.ReadConsole, answers: []int{404},
		summary: "The list of sub-processors as of a day", text: "One entry for each engagement in effect on that day, sorted by the vendor's " +
			"legal name. Who reads several pages says on which day, or midnight may pass between them."}, s.listEngagements)
	handle(s, op{id: "compareEngagements", method: http.MethodGet, path: "/engagements/difference", tag: tagEngagements, act: actor.ReadConsole,
		summary: "What differs between the lists of two days", text: "Facts that are not published make no difference."}, s.compareEngagements)
	handle(s, op{id: "listVendorEngagements", method: http.MethodGet, path: "/vendors/{id}/engagements", tag: tagEngagements, act: actor.ReadConsole,
		summary: "A vendor's engagements, drafts and those that ended among them"}, s.listVendorEngagements)
	handle(s, op{id: "recordEngagement", method: http.MethodPost, path: "/vendors/{id}/engagements", tag: tagEngagements, act: actor.EditRegister,
		summary: "Record an engagement that exists already", text: "This loads the list that you have. " +
			"A new engagement needs a change, with its notices."}, s.recordEngagement)
	handle(s, op{id: "getEngagement", method: http.MethodGet, path: "/engagements/{id}", tag: tagEngagements, act: actor.ReadConsole,
		summary: "An engagement", text: "Its facts are those of today or, when it isn't in effect, of the version that was the last or will be the next."}, s.getEngagement)
	handle(s, op{id: "correctEngagement", method: http.MethodPut, path: "/engagements/{id}", tag: tagEngagements, act: actor.EditRegister,
		summary: "Correct the record of an engagement in effect", text: "From today on; the list of the days before stays as it was published. " +
			"`note` is required: it says why. What changes in fact needs a change, with its notices. What is left out is emptied."}, s.correctEngagement)
	handle(s, op{id: "listEngagementHistory", method: http.MethodGet, path: "/engagements/{id}/history", tag: tagEngagements, act: actor.ReadConsole,
		summary: "Every version of an engagement's facts, the latest recorded first"}, s.listEngagementHistory)
}

type listEngagementsInput struct {
	PageQuery
	FieldsQuery
	On      QueryDay         `query:"on" doc:"The list of this day, past or future; absent: of today in the publisher's zone."`
	Query   string           `query:"query" maxLength:"500" doc:"Part of a name, the parent's name or the purpose, however capitalized."`
	Product string           `query:"product" maxLength:"200" doc:"A product's slug: engagements that serve it."`
	Region  publisher.Region `query:"region" enum:"eea,gb,ch,us,ca,latam,apac,mea" doc:"Engagements that serve customers there."`
	Scheme  string           `query:"scheme" maxLength:"200" doc:"Engagements of vendors that have a certification under this scheme."`
}

func (s *Site) listEngagements(ctx context.Context, _ actor.Actor, in *listEngagementsInput) (*Page[Part[ListEntry]], error) {
	on, err := s.dayOr(ctx, in.On)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.ListPage(ctx, on, vendors.ListFilter{Query: in.Query, Product: in.Product, Region: in.Region, Scheme: in.Scheme},
		vendors.Page{After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list.Items, listEntryOf), list.Next)
}

func (s *Site) compareEngagements(ctx context.Context, _ actor.Actor, in *struct {
	From QueryDay `query:"from" required:"true" doc:"Before."`
	To   QueryDay `query:"to" required:"true" doc:"After."`
}) (*Plain[Difference], error) {
	d, err := s.Vendors.Compare(ctx, in.From.Date, in.To.Date)
	if err != nil {
		return nil, err
	}
	return plain(differenceOf(d)), nil
}

func (s *Site) listVendorEngagements(ctx context.Context, _ actor.Actor, in *AtVendor) (*List[Engagement], error) {
	id, err := s.vendorID(ctx, *in)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.Engagements(ctx, id)
	return s.engagementList(ctx, list, err)
}

func (s *Site) engagementList(ctx context.Context, list []vendors.Engagement, err error) (*List[Engagement], error) {
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, func(e *vendors.Engagement) Engagement { return engagementOf(e, today) })), nil
}

func (s *Site) recordEngagement(ctx context.Context, who actor.Actor, in *struct {
	AtVendor
	Body NewEngagement
}) (*Created[Engagement], error) {
	id, err := s.vendorID(ctx, in.AtVendor)
	if err != nil {
		return nil, err
	}
	e, err := s.Vendors.RecordEngagement(ctx, who, id, in.Body.Since.Date, in.Body.facts())
	if err != nil {
		return nil, in.Body.located(err)
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	return made("/engagements/"+e.ID.String(), e.Version, engagementOf(e, today)), nil
}

func (s *Site) getEngagement(ctx context.Context, _ actor.Actor, in *Named) (*One[Engagement], error) {
	e, err := s.Vendors.Engagement(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	return one(e.Version, engagementOf(e, today)), nil
}

func (s *Site) correctEngagement(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body EngagementFacts
}) (*One[Engagement], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Vendors.CorrectEngagement(ctx, who, in.ID, version, in.Body.facts(), in.Body.Note); err != nil {
		return nil, in.Body.located(err)
	}
	return s.getEngagement(ctx, who, &in.Named)
}

func (s *Site) listEngagementHistory(ctx context.Context, _ actor.Actor, in *Named) (*List[Engagement], error) {
	list, err := s.Vendors.EngagementHistory(ctx, in.ID)
	return s.engagementList(ctx, list, err)
}
