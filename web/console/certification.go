package console

import (
	"context"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

type certificationPage struct {
	formPage
	One      *certificationView // nil for a new one
	Vendor   *vendors.Vendor
	Products []web.Option
	Regions  []web.Option
	Below    []web.Option // certifications that can be inherited
}

func certificationPath(v *vendors.Vendor, one *vendors.Certification) string {
	return vendorPath(v.ID) + "/certifications/" + one.ID.String()
}

func readCertification(form *web.Form) vendors.CertificationFacts {
	return vendors.CertificationFacts{
		Scheme: form.Text("scheme"), Edition: form.Text("edition"), ReportType: form.Text("report_type"), Level: form.Text("level"),
		Issuer: form.Text("issuer"), Number: form.Text("number"), Scope: form.Text("scope"),
		Regions: as[publisher.Region](form.All("regions")), Products: formIDs(form, "products", "product.unknown"),
		IssuedOn: formDate(form, "issued_on"), PeriodStart: formDate(form, "period_start"), PeriodEnd: formDate(form, "period_end"),
		ExpiresOn: formDate(form, "expires_on"), BridgeUntil: formDate(form, "bridge_until"),
		InheritedFrom: formID(form, "inherited_from", "certification.not_below"),
		EvidenceURL:   form.Text("evidence_url"), EvidenceFor: vendors.Audience(form.Text("evidence_for")), Note: form.Text("note"),
	}
}

func fillCertification(form *web.Form, f *vendors.CertificationFacts) *web.Form {
	form.Set("scheme", f.Scheme).Set("edition", f.Edition).Set("report_type", f.ReportType).Set("level", f.Level).
		Set("issuer", f.Issuer).Set("number", f.Number).Set("scope", f.Scope).Set("regions", texts(f.Regions)...).
		Set("evidence_url", f.EvidenceURL).Set("evidence_for", string(f.EvidenceFor)).Set("note", f.Note)
	setIDs(form, "products", f.Products)
	setID(form, "inherited_from", f.InheritedFrom)
	setDate(form, "issued_on", f.IssuedOn)
	setDate(form, "period_start", f.PeriodStart)
	setDate(form, "period_end", f.PeriodEnd)
	setDate(form, "expires_on", f.ExpiresOn)
	setDate(form, "bridge_until", f.BridgeUntil)
	return form
}

func (s *Site) newCertification(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	return s.drawCertification(c, s.web.NewForm(c).Set("evidence_for", string(vendors.ForStaff)), v, nil, nil)
}

func (s *Site) drawCertification(c *gin.Context, form *web.Form, v *vendors.Vendor, one *vendors.Certification, meanwhile []fieldChange) (err error) {
	ctx := c.Request.Context()
	p := &certificationPage{Vendor: v, Regions: s.regionOptions(web.Lang(c))}
	if p.Products, err = s.productOptions(ctx); err != nil {
		return err
	}
	if p.Below, err = s.inheritable(ctx, v); err != nil {
		return err
	}
	trail := s.vendorTrail(c, v)
	if one == nil {
		p.Page = s.web.NewPage(c, "certification.new", "Name", v.Name())
		p.Action = vendorPath(v.ID) + "/certifications/new"
	} else {
		today, err := s.Vendors.Today(ctx)
		if err != nil {
			return err
		}
		p.Page = s.web.NewPage(c, "certification.one", "Scheme", one.Scheme, "Name", v.Name())
		p.Action, p.One = certificationPath(v, one), new(s.certificationView(c, *one, today))
	}
	p.Trail, p.Back, p.Meanwhile = trail, vendorPath(v.ID), meanwhile
	p.Feedback(form)
	return s.web.Render(c, "register/certification", p)
}

// inheritable lists the vendors' own certifications below in the chain.
func (s *Site) inheritable(ctx context.Context, v *vendors.Vendor) ([]web.Option, error) {
	today, err := s.Vendors.Today(ctx)
	if err != nil {
		return nil, err
	}
	chain, err := s.Vendors.Chain(ctx, v.ID, today)
	if err != nil {
		return nil, err
	}
	var out []web.Option
	for _, n := range flatten(chain) {
		list, err := s.Vendors.Certifications(ctx, n.VendorID)
		if err != nil {
			return nil, err
		}
		for _, one := range list[n.VendorID] {
			if !one.Inherited() {
				out = append(out, web.Option{Value: one.ID.String(), Label: n.Name() + ": " + one.Scheme + " " + one.Edition})
			}
		}
	}
	return out, nil
}

// flatten lists every vendor of a chain once.
func flatten(chain []*vendors.ChainNode) []*vendors.ChainNode {
	var out []*vendors.ChainNode
	for _, n := range chain {
		if !n.Repeated {
			out = append(append(out, n), flatten(n.Below)...)
		}
	}
	return out
}

func (s *Site) addCertification(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	press := s.presses.hold(form, s.web.Now())
	defer press.release()
	if press.to != "" {
		return web.SeeOther(c, press.to)
	}
	facts := readCertification(form)
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	ok, err := form.Do(func() error {
		_, err := s.Vendors.AddCertification(c.Request.Context(), web.ActorOf(c), v.ID, facts)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawCertification(c, form, v, nil, nil)
	}
	s.web.Flash(c, "ok", "certification.added", "Scheme", facts.Scheme)
	press.to = vendorPath(v.ID) + "#certifications"
	return web.SeeOther(c, press.to)
}

// certificationAt is the certification of the vendor that the address names.
func (s *Site) certificationAt(c *gin.Context) (*vendors.Vendor, *vendors.Certification, error) {
	v, err := s.vendorAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "certification", "certification")
	if err != nil {
		return nil, nil, err
	}
	one, err := s.Vendors.Certification(c.Request.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	if one.VendorID != v.ID {
		return nil, nil, fault.Missing("certification")
	}
	return v, one, nil
}

func (s *Site) showCertification(c *gin.Context) error {
	v, one, err := s.certificationAt(c)
	if err != nil {
		return err
	}
	form := fillCertification(s.web.NewForm(c), &one.CertificationFacts)
	return s.drawCertification(c, form.SetVersion(int64(one.Version)), v, one, nil)
}

func (s *Site) editCertification(c *gin.Context) error {
	v, one, err := s.certificationAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	facts := readCertification(form)
	if err := form.Check(facts.Validate()); err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, one.ID, func() error {
		return s.Vendors.EditCertification(c.Request.Context(), web.ActorOf(c), one.ID, int(form.Version()), facts)
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawCertification(c, form, v, one, meanwhile)
	}
	s.web.Flash(c, "ok", "certification.saved", "Scheme", facts.Scheme)
	return web.SeeOther(c, vendorPath(v.ID)+"#certifications")
}

func (s *Site) askCheck(c *gin.Context) error { return s.askAboutCertification(c, s.checkPage) }

func (s *Site) askRemoveCertification(c *gin.Context) error {
	return s.askAboutCertification(c, s.removeCertificationPage)
}

// askCertification makes the page that asks about an act on a certification.
type askCertification func(*gin.Context, *vendors.Vendor, *vendors.Certification) *confirmPage

func (s *Site) askAboutCertification(c *gin.Context, page askCertification) error {
	v, one, err := s.certificationAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c).SetVersion(int64(one.Version)), page(c, v, one))
}

func (s *Site) certificationConfirm(c *gin.Context, v *vendors.Vendor, one *vendors.Certification, title, act string) *confirmPage {
	p := &confirmPage{}
	p.Page = s.web.NewPage(c, title, "Scheme", one.Scheme)
	p.Trail, p.Back, p.Action = s.vendorTrail(c, v), vendorPath(v.ID), certificationPath(v, one)+"/"+act
	return p
}

func (s *Site) checkPage(c *gin.Context, v *vendors.Vendor, one *vendors.Certification) *confirmPage {
	p := s.certificationConfirm(c, v, one, "certification.check_title", "check")
	p.Button = s.text(c, "certification.check")
	p.Sentences = []string{s.text(c, "certification.check_what", "Scheme", one.Scheme, "Name", v.Name()), s.text(c, "certification.check_record")}
	return p
}

func (s *Site) removeCertificationPage(c *gin.Context, v *vendors.Vendor, one *vendors.Certification) *confirmPage {
	p := s.certificationConfirm(c, v, one, "certification.remove_title", "remove")
	p.Danger, p.Button = true, s.text(c, "certification.remove")
	p.Sentences = []string{s.text(c, "certification.remove_what", "Scheme", one.Scheme, "Name", v.Name()), s.text(c, "certification.remove_record")}
	return p
}

func (s *Site) checkCertification(c *gin.Context) error {
	v, one, err := s.certificationAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, one.ID, s.checkPage(c, v, one), func() error {
		return s.Vendors.CheckCertification(c.Request.Context(), web.ActorOf(c), one.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "certification.checked", "Scheme", one.Scheme)
		return web.SeeOther(c, vendorPath(v.ID)+"#certifications")
	})
}

func (s *Site) removeCertification(c *gin.Context) error {
	v, one, err := s.certificationAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, one.ID, s.removeCertificationPage(c, v, one), func() error {
		return s.Vendors.RemoveCertification(c.Request.Context(), web.ActorOf(c), one.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "certification.removed", "Scheme", one.Scheme)
		return web.SeeOther(c, vendorPath(v.ID)+"#certifications")
	})
}
