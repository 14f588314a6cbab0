package console

import (
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/ledger"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

func engagementPath(id uuid.UUID) string { return "/console/engagements/" + id.String() }

type engagementFormPage struct {
	formPage
	Fields engagementFields
	New    bool
}

func (s *Site) newEngagement(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	return s.drawNewEngagement(c, s.web.NewForm(c), v)
}

func (s *Site) drawNewEngagement(c *gin.Context, form *web.Form, v *vendors.Vendor) error {
	p := &engagementFormPage{New: true}
	p.Page = s.web.NewPage(c, "engagement.new", "Name", v.Name())
	p.Trail = []crumb{{vendorsPath, s.text(c, "vendors.title")}, {vendorPath(v.ID), v.Name()}}
	p.Action, p.Back = vendorPath(v.ID)+"/engagements/new", vendorPath(v.ID)
	return s.drawEngagementForm(c, form, p)
}

func (s *Site) drawEngagementForm(c *gin.Context, form *web.Form, p *engagementFormPage) (err error) {
	p.Feedback(form)
	if p.Fields, err = s.engagementFields(c, form); err != nil {
		return err
	}
	return s.web.Render(c, "register/engagement-form", p)
}

func (s *Site) recordEngagement(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	if moreLocations(form) {
		return s.drawNewEngagement(c, form, v)
	}
	press := s.presses.hold(form, s.web.Now())
	defer press.release()
	if press.to != "" {
		return web.SeeOther(c, press.to)
	}
	facts, since := engagementForm(form), formDate(form, "since")
	if form.Text("since") == "" {
		form.Add("since", "required", nil)
	}
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	ok, err := form.Do(func() error {
		_, err := s.Vendors.RecordEngagement(c.Request.Context(), web.ActorOf(c), v.ID, since, facts)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawNewEngagement(c, form, v)
	}
	s.web.Flash(c, "ok", "engagement.recorded", "Name", v.Name())
	press.to = vendorPath(v.ID)
	return web.SeeOther(c, press.to)
}

func (s *Site) engagementAt(c *gin.Context) (*vendors.Engagement, *vendors.Vendor, error) {
	id, err := pathID(c, "id", "engagement")
	if err != nil {
		return nil, nil, err
	}
	e, err := s.Vendors.Engagement(c.Request.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	v, err := s.Vendors.Vendor(c.Request.Context(), e.VendorID.String())
	return e, v, err
}

func (s *Site) showCorrection(c *gin.Context) error {
	e, v, err := s.engagementAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(e.Version))
	fillEngagement(form, e.EngagementFacts)
	return s.drawCorrection(c, form, e, v, nil)
}

func (s *Site) drawCorrection(c *gin.Context, form *web.Form, e *vendors.Engagement, v *vendors.Vendor, meanwhile []fieldChange) error {
	p := &engagementFormPage{}
	p.Page = s.web.NewPage(c, "engagement.correct", "Name", v.Name())
	p.Trail = []crumb{{vendorsPath, s.text(c, "vendors.title")}, {vendorPath(v.ID), v.Name()}, {engagementPath(e.ID), e.Purpose}}
	p.Action, p.Back, p.Meanwhile = engagementPath(e.ID)+"/correct", vendorPath(v.ID), meanwhile
	return s.drawEngagementForm(c, form, p)
}

func (s *Site) correctEngagement(c *gin.Context) error {
	e, v, err := s.engagementAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	if moreLocations(form) {
		return s.drawCorrection(c, form, e, v, nil)
	}
	facts := engagementForm(form)
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	if facts.Note == "" {
		form.Add("note", "required", nil)
	}
	ok, meanwhile, err := s.edit(c, form, e.ID, func() error {
		return s.Vendors.CorrectEngagement(c.Request.Context(), web.ActorOf(c), e.ID, int(form.Version()), facts, facts.Note)
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawCorrection(c, form, e, v, meanwhile)
	}
	s.web.Flash(c, "ok", "engagement.corrected", "Name", v.Name())
	return web.SeeOther(c, engagementPath(e.ID))
}

type engagementPage struct {
	web.Page
	Trail      []crumb
	Vendor     *vendors.Vendor
	Engagement *vendors.Engagement
	Today      calendar.Date
	InEffect   bool
	History    []vendors.Engagement
	Ledger     []ledgerRow
}

func (s *Site) showEngagement(c *gin.Context) error {
	e, v, err := s.engagementAt(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	p := &engagementPage{Page: s.web.NewPage(c, "engagement.one", "Purpose", e.Purpose), Vendor: v, Engagement: e,
		Trail: []crumb{{vendorsPath, s.text(c, "vendors.title")}, {vendorPath(v.ID), v.Name()}}}
	if p.Today, err = s.Vendors.Today(ctx); err != nil {
		return err
	}
	p.InEffect = e.Valid.Contains(p.Today)
	if p.History, err = s.Vendors.EngagementHistory(ctx, e.ID); err != nil {
		return err
	}
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	for i := range p.History {
		p.History[i].RecordedAt = p.History[i].RecordedAt.In(settings.Zone())
	}
	records, err := ledger.About(ctx, s.DB, e.ID, 20)
	if err != nil {
		return err
	}
	if p.Ledger, err = s.ledgerRows(ctx, p.Lang, records); err != nil {
		return err
	}
	return s.web.Render(c, "register/engagement", p)
}
