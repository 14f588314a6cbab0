package console

import (
	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

const vendorsPath = "/console/vendors"

func (s *Site) registerRoutes(in *web.Routes) {
	in.GET(vendorsPath, s.listVendors)
	in.GET(vendorsPath+"/:id", s.showVendor)
	in.GET("/console/engagements/:id", s.showEngagement)

	edit := in.With(allowed(actor.EditRegister))
	edit.GET(vendorsPath+"/new", s.newVendor)
	edit.POST(vendorsPath, s.createVendor)
	both(edit, vendorsPath+"/:id/edit", s.showVendorForm, s.editVendor)
	both(edit, vendorsPath+"/:id/engagements/new", s.newEngagement, s.recordEngagement)
	both(edit, "/console/engagements/:id/correct", s.showCorrection, s.correctEngagement)
	both(edit, vendorsPath+"/:id/chain/new", s.newLink, s.addLink)
	both(edit, vendorsPath+"/:id/chain/:link/remove", s.askRemoveLink, s.removeLink)

	certify := in.With(allowed(actor.EditCertifications))
	both(certify, vendorsPath+"/:id/certifications/new", s.newCertification, s.addCertification)
	both(certify, vendorsPath+"/:id/certifications/:certification", s.showCertification, s.editCertification)
	both(certify, vendorsPath+"/:id/certifications/:certification/check", s.askCheck, s.checkCertification)
	both(certify, vendorsPath+"/:id/certifications/:certification/remove", s.askRemoveCertification, s.removeCertification)
}

type vendorListPage struct {
	web.Page
	Facets web.Facets
	Items  []vendors.VendorItem
	Pager  web.Pager
}

func (s *Site) listVendors(c *gin.Context) error {
	query, lang := s.web.Query(c), web.Lang(c)
	filter := vendors.Filter{Query: query.Text("query"), Country: query.Text("country")}
	switch query.Text("engaged") {
	case "yes":
		filter.Engaged = new(true)
	case "no":
		filter.Engaged = new(false)
	}
	list, err := s.Vendors.ListVendors(c.Request.Context(), filter,
		vendors.Page{After: c.Query(web.AfterParam), Before: c.Query(web.BeforeParam)})
	if err != nil {
		return err
	}
	total, err := s.Vendors.CountVendors(c.Request.Context(), filter)
	if err != nil {
		return err
	}
	p := &vendorListPage{Page: s.web.NewPage(c, "vendors.title"), Items: list.Items, Pager: web.NewPager(c, list.Prev, list.Next)}
	p.Facets = web.Facets{Action: vendorsPath, Form: query, Search: "query", Count: total, CountKey: "vendors.count", Groups: []web.FacetGroup{
		{Name: "country", Options: web.CountryOptions(lang)},
		{Name: "engaged", Options: s.web.Options(lang, "engaged", "yes", "no")},
	}}
	return s.web.Render(c, "register/list", p)
}
