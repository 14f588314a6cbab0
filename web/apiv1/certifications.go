package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
)

func (s *Site) certificationOperations() {
	handle(s, op{id: "listCertifications", method: http.MethodGet, path: "/certifications", tag: tagCertifications, act: actor.ReadConsole, answers: []int{404},
		summary: "The certifications of all vendors", text: "Sorted by the expiry printed on them; those without one come last. " +
			"To see what needs care: `?state=expiring,expired,void_edition,invalid,unverified&engaged=true`."}, s.listCertifications)
	handle(s, op{id: "listVendorCertifications", method: http.MethodGet, path: "/vendors/{id}/certifications", tag: tagCertifications, act: actor.ReadConsole,
		summary: "A vendor's certifications, inherited ones included", text: "Sorted by scheme."}, s.listVendorCertifications)
	handle(s, op{id: "addCertification", method: http.MethodPost, path: "/vendors/{id}/certifications", tag: tagCertifications, act: actor.EditCertifications,
		summary: "Add a certification of a vendor", text: "Nobody has checked it yet. One that is inherited shows the facts of the one below, " +
			"with its own scope, products, regions and note."}, s.addCertification)
	handle(s, op{id: "getCertification", method: http.MethodGet, path: "/certifications/{id}", tag: tagCertifications, act: actor.ReadConsole,
		summary: "A certification"}, s.getCertification)
	handle(s, op{id: "editCertification", method: http.MethodPut, path: "/certifications/{id}", tag: tagCertifications, act: actor.EditCertifications,
		summary: "Change what is said of a certification", text: "It counts as unchecked again. What is left out is emptied."}, s.editCertification)
	handle(s, op{id: "removeCertification", method: http.MethodDelete, path: "/certifications/{id}", tag: tagCertifications, act: actor.EditCertifications,
		summary: "Take a certification off the register, with those inherited from it"}, s.removeCertification)
	handle(s, op{id: "checkCertification", method: http.MethodPost, path: "/certifications/{id}/check", tag: tagCertifications, act: actor.EditCertifications,
		summary: "Record that you compared a certification with its evidence"}, s.checkCertification)
	handle(s, op{id: "listSchemes", method: http.MethodGet, path: "/schemes", tag: tagCertifications, act: actor.ReadConsole, answers: []int{404},
		summary: "The schemes under which vendors on the list of a day are certified"}, s.listSchemes)
}

type listCertificationsInput struct {
	PageQuery
	FieldsQuery
	On            QueryDay        `query:"on" doc:"Statuses and engagements of this day, past or future; absent: of today in the publisher's zone. All else is as it is now."`
	Query         string          `query:"query" maxLength:"500" doc:"Part of the vendor's name or slug, the issuer or the number, however capitalized."`
	Scheme        string          `query:"scheme" maxLength:"200" doc:"However capitalized."`
	State         []vendors.State `query:"state" maxItems:"7" enum:"current,expiring,expired,void_edition,superseded,invalid,unverified" doc:"One of these states, separated by commas; absent: any."`
	ExpiresBefore QueryDay        `query:"expires_before" doc:"The expiry printed on it is before this day."`
	Engaged       QueryBool       `query:"engaged" doc:"Of vendors with, or without, an engagement in effect."`
}

func (s *Site) listCertifications(ctx context.Context, _ actor.Actor, in *listCertificationsInput) (*Page[Part[CertificationItem]], error) {
	on, err := s.dayOr(ctx, in.On)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.ListCertifications(ctx, on, vendors.CertificationFilter{Query: in.Query, Scheme: in.Scheme, ExpiresBefore: in.ExpiresBefore.Date,
		Engaged: in.Engaged.pointer(), States: in.State}, vendors.Page{After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list.Items, func(c *vendors.CertificationItem) CertificationItem {
		return CertificationItem{c.VendorName, c.VendorSlug, certificationOf(&c.Certification, on)}
	}), list.Next)
}

func (s *Site) listVendorCertifications(ctx context.Context, _ actor.Actor, in *AtVendor) (*List[Certification], error) {
	id, err := s.vendorID(ctx, *in)
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.Certifications(ctx, id)
	if err != nil {
		return nil, err
	}
	return all(mapped(list[id], func(c *vendors.Certification) Certification { return certificationOf(c, today) })), nil
}

func (s *Site) addCertification(ctx context.Context, who actor.Actor, in *struct {
	AtVendor
	Body CertificationFacts
}) (*Created[Certification], error) {
	id, err := s.vendorID(ctx, in.AtVendor)
	if err != nil {
		return nil, err
	}
	c, err := s.Vendors.AddCertification(ctx, who, id, in.Body.facts())
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	return made("/certifications/"+c.ID.String(), c.Version, certificationOf(c, today)), nil
}

func (s *Site) getCertification(ctx context.Context, _ actor.Actor, in *Named) (*One[Certification], error) {
	return s.certification(ctx, in.ID)
}

func (s *Site) certification(ctx context.Context, id uuid.UUID) (*One[Certification], error) {
	c, err := s.Vendors.Certification(ctx, id)
	if err != nil {
		return nil, err
	}
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	return one(c.Version, certificationOf(c, today)), nil
}

func (s *Site) editCertification(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body CertificationFacts
}) (*One[Certification], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Vendors.EditCertification(ctx, who, in.ID, version, in.Body.facts()); err != nil {
		return nil, err
	}
	return s.certification(ctx, in.ID)
}

func (s *Site) removeCertification(ctx context.Context, who actor.Actor, in *Edited) (*Done, error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	return &Done{}, s.Vendors.RemoveCertification(ctx, who, in.ID, version)
}

func (s *Site) checkCertification(ctx context.Context, who actor.Actor, in *Edited) (*One[Certification], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Vendors.CheckCertification(ctx, who, in.ID, version); err != nil {
		return nil, err
	}
	return s.certification(ctx, in.ID)
}

func (s *Site) listSchemes(ctx context.Context, _ actor.Actor, in *struct {
	On QueryDay `query:"on" doc:"The list of this day, past or future; absent: of today in the publisher's zone."`
}) (*List[Scheme], error) {
	on, err := s.dayOr(ctx, in.On)
	if err != nil {
		return nil, err
	}
	list, err := s.Vendors.Schemes(ctx, on)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, func(name *string) Scheme { return Scheme{*name} })), nil
}
