package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
)

// vendorOperations are those of the register: vendors and all that hangs on them.
func (s *Site) vendorOperations() {
	handle(s, op{id: "listVendors", method: http.MethodGet, path: "/vendors", tag: tagVendors, act: actor.ReadConsole, answers: []int{404},
		summary: "All vendors, with their facts of today", text: "Sorted by legal name."}, s.listVendors)
	handle(s, op{id: "createVendor", method: http.MethodPost, path: "/vendors", tag: tagVendors, act: actor.EditRegister,
		summary: "Record a vendor", text: "What is first recorded of a vendor holds for all the time before, too. " +
			"A vendor alone isn't on the published list: its engagements are."}, s.createVendor)
	handle(s, op{id: "getVendor", method: http.MethodGet, path: "/vendors/{id}", tag: tagVendors, act: actor.ReadConsole,
		summary: "A vendor, today or as of a day"}, s.getVendor)
	handle(s, op{id: "editVendor", method: http.MethodPut, path: "/vendors/{id}", tag: tagVendors, act: actor.EditRegister,
		summary: "Record what holds of a vendor from today on", text: "The facts of the days before stay as they were. " +
			"What is left out is emptied."}, s.editVendor)
	handle(s, op{id: "listVendorHistory", method: http.MethodGet, path: "/vendors/{id}/history", tag: tagVendors, act: actor.ReadConsole,
		summary: "Every version of a vendor's facts, the latest recorded first"}, s.listVendorHistory)
	s.engagementOperations()
	s.chainOperations()
	s.certificationOperations()
}

// AtVendor names a vendor in the path. Embed it in the input.
type AtVendor struct {
	ID string `path:"id" doc:"The vendor's ID or slug."`
}

// id is the vendor's ID; a NotFound fault when there is no such vendor.
func (s *Site) vendorID(ctx context.Context, at AtVendor) (uuid.UUID, error) {
	v, err := s.Vendors.Vendor(ctx, at.ID)
	if err != nil {
		return uuid.Nil, err
	}
	return v.ID, nil
}

// dayOr is the day asked for, or today in the publisher's zone.
func (s *Site) dayOr(ctx context.Context, asked QueryDay) (calendar.Date, error) {
	if !asked.IsZero() {
		return asked.Date, nil
	}
	return s.Vendors.Today(ctx)
}

type listVendorsInput struct {
	PageQuery
	FieldsQuery
	Query           string    `query:"query" maxLength:"500" doc:"Part of a name, the parent's name, the registration number or the slug, however capitalized."`
	Country         string    `query:"country" maxLength:"20" doc:"ISO 3166-1 alpha-2: registered there."`
	Engaged         QueryBool `query:"engaged" doc:"With, or without, an engagement in effect today."`
	ReviewDueBefore QueryDay  `query:"review_due_before" doc:"Their next review is before this day."`
}

func (s *Site) listVendors(ctx context.Context, _ actor.Actor, in *listVendorsInput) (*Page[Part[VendorItem]], error) {
	list, err := s.Vendors.ListVendors(ctx, vendors.Filter{Query: in.Query, Country: in.Country, Engaged: in.Engaged.pointer(),
		ReviewDueBefore: in.ReviewDueBefore.Date}, vendors.Page{After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list.Items, vendorItemOf), list.Next)
}

func (s *Site) createVendor(ctx context.Context, who actor.Actor, in *struct{ Body VendorFacts }) (*Created[Vendor], error) {
	v, err := s.Vendors.CreateVendor(ctx, who, in.Body.vendorFacts())
	if err != nil {
		return nil, err
	}
	return made("/vendors/"+v.ID.String(), v.Version, vendorOf(v)), nil
}

type getVendorInput struct {
	AtVendor
	On QueryDay `query:"on" doc:"The facts of this day, past or future, instead of today's. Such an answer's ETag can't be the base of an edit."`
}

func (s *Site) getVendor(ctx context.Context, _ actor.Actor, in *getVendorInput) (*One[Vendor], error) {
	v, err := s.Vendors.Vendor(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.On.IsZero() {
		return one(v.Version, vendorOf(v)), nil
	}
	if v, err = s.Vendors.VendorAsOf(ctx, v.ID, in.On.Date); err != nil {
		return nil, err
	}
	return &One[Vendor]{Body: vendorOf(v)}, nil // no version: who edits must have read the present facts
}

func (s *Site) editVendor(ctx context.Context, who actor.Actor, in *struct {
	AtVendor
	Match
	Body VendorEdit
}) (*One[Vendor], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	id, err := s.vendorID(ctx, in.AtVendor)
	if err != nil {
		return nil, err
	}
	if err := s.Vendors.EditVendor(ctx, who, id, version, in.Body.vendorFacts(), in.Body.Note); err != nil {
		return nil, err
	}
	return s.getVendor(ctx, who, &getVendorInput{AtVendor: AtVendor{id.String()}})
}

func (s *Site) listVendorHistory(ctx context.Context, _ actor.Actor, in *AtVendor) (*List[VendorVersion], error) {
	id, err := s.vendorID(ctx, *in)
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.VendorHistory(ctx, id)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, func(v *vendors.VendorVersion) VendorVersion {
		return VendorVersion{ID: v.ID, Note: v.Note, RecordedAt: v.RecordedAt, RecordedBy: v.RecordedBy, RecordedByName: v.RecordedByName,
			Validity: validityOf(v.Valid, today), VendorFacts: vendorFactsOf(&v.VendorFacts)}
	})), nil
}
