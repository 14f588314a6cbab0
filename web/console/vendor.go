package console

import (
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/ledger"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

func vendorPath(id uuid.UUID) string { return vendorsPath + "/" + id.String() }

// vendorAt is the vendor that the address names, by ID or slug.
func (s *Site) vendorAt(c *gin.Context) (*vendors.Vendor, error) {
	return s.Vendors.Vendor(c.Request.Context(), c.Param("id"))
}

// certificationView is a certification with what it is worth today.
type certificationView struct {
	vendors.Certification
	Status vendors.Status
	Reason string // in words
}

type vendorPage struct {
	web.Page
	Trail          []crumb
	Vendor         *vendors.Vendor
	Owner          string
	Engagements    []vendors.Engagement
	Today          calendar.Date
	Chain          []*vendors.ChainNode
	Certifications []certificationView
	History        []vendors.VendorVersion
	Ledger         []ledgerRow
}

func (s *Site) showVendor(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	p := &vendorPage{Page: s.web.NewPage(c, "vendors.one", "Name", v.Name()), Vendor: v,
		Trail: []crumb{{vendorsPath, s.text(c, "vendors.title")}}}
	if err := s.fillVendor(c, p); err != nil {
		return err
	}
	return s.web.Render(c, "register/vendor", p)
}

func (s *Site) fillVendor(c *gin.Context, p *vendorPage) (err error) {
	ctx, id := c.Request.Context(), p.Vendor.ID
	if p.Today, err = s.Vendors.Today(ctx); err != nil {
		return err
	}
	if p.Engagements, err = s.Vendors.Engagements(ctx, id); err != nil {
		return err
	}
	if p.Chain, err = s.Vendors.Chain(ctx, id, p.Today); err != nil {
		return err
	}
	certifications, err := s.Vendors.Certifications(ctx, id)
	if err != nil {
		return err
	}
	for _, one := range certifications[id] {
		p.Certifications = append(p.Certifications, s.certificationView(c, one, p.Today))
	}
	if p.History, err = s.Vendors.VendorHistory(ctx, id); err != nil {
		return err
	}
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	for i := range p.History {
		p.History[i].RecordedAt = p.History[i].RecordedAt.In(settings.Zone())
	}
	records, err := ledger.About(ctx, s.DB, id, 20)
	if err != nil {
		return err
	}
	p.Ledger, err = s.ledgerRows(ctx, p.Lang, records)
	return err
}

func (s *Site) certificationView(c *gin.Context, one vendors.Certification, today calendar.Date) certificationView {
	status := one.Status(today)
	return certificationView{one, status, s.text(c, "certification.reason."+status.Reason)}
}

// InEffect says whether an engagement's facts hold on the page's day.
func (p *vendorPage) InEffect(e vendors.Engagement) bool { return e.Valid.Contains(p.Today) }

type vendorFormPage struct {
	formPage
	Vendor *vendors.Vendor // nil for a new one
}

func readVendor(form *web.Form) vendors.VendorFacts {
	return vendors.VendorFacts{
		LegalName: form.Text("legal_name"), TradeName: form.Text("trade_name"), RegistrationNumber: form.Text("registration_number"),
		Address: form.Text("address"), Country: form.Text("country"), Website: form.Text("website"),
		ContactName: form.Text("contact_name"), ContactPosition: form.Text("contact_position"), ContactEmail: form.Text("contact_email"),
		ParentName: form.Text("parent_name"), DPASignedOn: formDate(form, "dpa_signed_on"), DPAURL: form.Text("dpa_url"),
		FlowDownConfirmed: form.Bool("flow_down_confirmed"), Delimitation: form.Text("delimitation"), Measures: form.Text("measures"),
		Retention: form.Text("retention"), LastReviewOn: formDate(form, "last_review_on"), NextReviewOn: formDate(form, "next_review_on"),
	}
}

func fillVendorForm(form *web.Form, f *vendors.VendorFacts) *web.Form {
	form.Set("legal_name", f.LegalName).Set("trade_name", f.TradeName).Set("registration_number", f.RegistrationNumber).
		Set("address", f.Address).Set("country", f.Country).Set("website", f.Website).
		Set("contact_name", f.ContactName).Set("contact_position", f.ContactPosition).Set("contact_email", f.ContactEmail).
		Set("parent_name", f.ParentName).Set("dpa_url", f.DPAURL).Set("delimitation", f.Delimitation).
		Set("measures", f.Measures).Set("retention", f.Retention)
	setDate(form, "dpa_signed_on", f.DPASignedOn)
	setDate(form, "last_review_on", f.LastReviewOn)
	setDate(form, "next_review_on", f.NextReviewOn)
	setBool(form, "flow_down_confirmed", f.FlowDownConfirmed)
	return form
}

func (s *Site) newVendor(c *gin.Context) error {
	return s.drawVendorForm(c, s.web.NewForm(c), nil, nil)
}

func (s *Site) drawVendorForm(c *gin.Context, form *web.Form, v *vendors.Vendor, meanwhile []fieldChange) error {
	p := &vendorFormPage{Vendor: v}
	trail := []crumb{{vendorsPath, s.text(c, "vendors.title")}}
	if v == nil {
		p.Page = s.web.NewPage(c, "vendors.new")
		p.Action, p.Back = vendorsPath, vendorsPath
	} else {
		p.Page = s.web.NewPage(c, "vendors.edit", "Name", v.Name())
		trail = append(trail, crumb{vendorPath(v.ID), v.Name()})
		p.Action, p.Back = vendorPath(v.ID)+"/edit", vendorPath(v.ID)
	}
	p.Trail, p.Meanwhile = trail, meanwhile
	p.Feedback(form)
	return s.web.Render(c, "register/vendor-form", p)
}

func (s *Site) createVendor(c *gin.Context) error {
	form := s.web.Form(c)
	press := s.presses.hold(form, s.web.Now())
	defer press.release()
	if press.to != "" {
		return web.SeeOther(c, press.to)
	}
	facts := readVendor(form)
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	var made *vendors.Vendor
	ok, err := form.Do(func() (err error) {
		made, err = s.Vendors.CreateVendor(c.Request.Context(), web.ActorOf(c), facts)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawVendorForm(c, form, nil, nil)
	}
	s.web.Flash(c, "ok", "vendors.created", "Name", made.Name())
	press.to = vendorPath(made.ID)
	return web.SeeOther(c, press.to)
}

func (s *Site) showVendorForm(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	form := fillVendorForm(s.web.NewForm(c), &v.VendorFacts)
	return s.drawVendorForm(c, form.SetVersion(int64(v.Version)), v, nil)
}

func (s *Site) editVendor(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	facts := readVendor(form)
	facts.OwnerID = v.OwnerID // not on this form
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, v.ID, func() error {
		return s.Vendors.EditVendor(c.Request.Context(), web.ActorOf(c), v.ID, int(form.Version()), facts, form.Text("note"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawVendorForm(c, form, v, meanwhile)
	}
	s.web.Flash(c, "ok", "vendors.saved", "Name", facts.Name())
	return web.SeeOther(c, vendorPath(v.ID))
}
