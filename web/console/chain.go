package console

import (
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

type linkPage struct {
	formPage
	Vendor  *vendors.Vendor
	Vendors []web.Option
}

func (s *Site) newLink(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	return s.drawLink(c, s.web.NewForm(c), v)
}

func (s *Site) drawLink(c *gin.Context, form *web.Form, v *vendors.Vendor) error {
	options, err := s.vendorOptions(c.Request.Context())
	if err != nil {
		return err
	}
	p := &linkPage{Vendor: v}
	for _, o := range options {
		if o.Value != v.ID.String() {
			p.Vendors = append(p.Vendors, o)
		}
	}
	p.Page = s.web.NewPage(c, "chain.new", "Name", v.Name())
	p.Trail = s.vendorTrail(c, v)
	p.Action, p.Back = vendorPath(v.ID)+"/chain/new", vendorPath(v.ID)
	p.Feedback(form)
	return s.web.Render(c, "register/link", p)
}

func (s *Site) vendorTrail(c *gin.Context, v *vendors.Vendor) []crumb {
	return []crumb{{vendorsPath, s.text(c, "vendors.title")}, {vendorPath(v.ID), v.Name()}}
}

func (s *Site) addLink(c *gin.Context) error {
	v, err := s.vendorAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	sub, since := formID(form, "sub_vendor_id", "vendor.unknown"), formDate(form, "since")
	if form.Text("sub_vendor_id") == "" {
		form.Add("sub_vendor_id", "required", nil)
	}
	ok, err := form.Do(func() error {
		_, err := s.Vendors.AddLink(c.Request.Context(), web.ActorOf(c), v.ID, *sub, form.Text("purpose"), since)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawLink(c, form, v)
	}
	s.web.Flash(c, "ok", "chain.added")
	return web.SeeOther(c, vendorPath(v.ID)+"#chain")
}

// linkAt finds a link that starts at the vendor: the page of a vendor removes only its own.
func (s *Site) linkAt(c *gin.Context) (*vendors.Vendor, *vendors.ChainNode, error) {
	v, err := s.vendorAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "link", "chain_link")
	if err != nil {
		return nil, nil, err
	}
	today, err := s.Vendors.Today(c.Request.Context())
	if err != nil {
		return nil, nil, err
	}
	chain, err := s.Vendors.Chain(c.Request.Context(), v.ID, today)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range chain {
		if n.LinkID == id {
			return v, n, nil
		}
	}
	return nil, nil, fault.Missing("chain_link")
}

func (s *Site) askRemoveLink(c *gin.Context) error {
	v, n, err := s.linkAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c), s.removeLinkPage(c, v, n))
}

func (s *Site) removeLinkPage(c *gin.Context, v *vendors.Vendor, n *vendors.ChainNode) *confirmPage {
	p := &confirmPage{Danger: true, Button: s.text(c, "chain.remove")}
	p.Page = s.web.NewPage(c, "chain.remove_title")
	p.Trail, p.Back = s.vendorTrail(c, v), vendorPath(v.ID)
	p.Action = vendorPath(v.ID) + "/chain/" + n.LinkID.String() + "/remove"
	p.Sentences = []string{s.text(c, "chain.remove_what", "Name", v.Name(), "Below", n.Name()), s.text(c, "chain.remove_keeps")}
	return p
}

func (s *Site) removeLink(c *gin.Context) error {
	v, n, err := s.linkAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, uuid.Nil, s.removeLinkPage(c, v, n), func() error {
		return s.Vendors.RemoveLink(c.Request.Context(), web.ActorOf(c), n.LinkID)
	}, func() error {
		s.web.Flash(c, "ok", "chain.removed", "Below", n.Name())
		return web.SeeOther(c, vendorPath(v.ID)+"#chain")
	})
}
