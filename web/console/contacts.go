package console

import (
	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

type contactFormPage struct {
	formPage
	New   bool
	Roles []web.Option
}

func readContact(form *web.Form) *subscribers.Contact {
	return &subscribers.Contact{Name: form.Text("name"), Position: form.Text("position"), Email: form.Text("email"),
		Language: form.Text("language"), Roles: form.All("roles"), Version: int(form.Version())}
}

func readConsent(form *web.Form) subscribers.Consent {
	return subscribers.Consent{How: form.Text("consent_how"), Wording: form.Text("consent_wording")}
}

// contactAt is the contact of the customer that the address names.
func (s *Site) contactAt(c *gin.Context) (*subscribers.Customer, *subscribers.Contact, error) {
	customer, err := s.customerAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "contact", "contact")
	if err != nil {
		return nil, nil, err
	}
	k, err := s.Subscribers.Contact(c.Request.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	if k.CustomerID != customer.ID || k.RemovedAt != nil {
		return nil, nil, fault.Missing("contact")
	}
	return customer, k, nil
}

func (s *Site) newContact(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).Set("language", customer.Language).Set("roles", subscribers.RoleNotices)
	return s.drawContact(c, form, customer, nil, nil)
}

func (s *Site) drawContact(c *gin.Context, form *web.Form, customer *subscribers.Customer, k *subscribers.Contact, meanwhile []fieldChange) error {
	p := &contactFormPage{New: k == nil}
	for _, role := range subscribers.ContactRoles {
		p.Roles = append(p.Roles, web.Option{Value: role, Label: s.text(c, "option.roles."+role), Hint: s.text(c, "contacts.role_hint."+role)})
	}
	if k == nil {
		p.Page = s.web.NewPage(c, "contacts.new", "Name", customer.Name)
		p.Action = customerPath(customer.ID) + "/contacts/new"
	} else {
		p.Page = s.web.NewPage(c, "contacts.edit", "Name", k.Name)
		p.Action = customerPath(customer.ID) + "/contacts/" + k.ID.String()
	}
	p.Trail, p.Back, p.Meanwhile = s.customerTrail(c, customer), customerPath(customer.ID), meanwhile
	p.Feedback(form)
	return s.web.Render(c, "customers/contact", p)
}

func (s *Site) addContact(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	in := readContact(form)
	in.CustomerID = customer.ID
	if err := form.Check(in.Validate()); err != nil {
		return err
	}
	ok, err := form.Do(func() error {
		return s.Subscribers.AddContact(c.Request.Context(), web.ActorOf(c), in, readConsent(form))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawContact(c, form, customer, nil, nil)
	}
	s.web.Flash(c, "ok", "contacts.added", "Name", in.Name)
	return web.SeeOther(c, customerPath(customer.ID)+"#contacts")
}

func (s *Site) showContact(c *gin.Context) error {
	customer, k, err := s.contactAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).Set("name", k.Name).Set("position", k.Position).Set("email", k.Email).Set("language", k.Language).
		Set("roles", k.Roles...).SetVersion(int64(k.Version))
	return s.drawContact(c, form, customer, k, nil)
}

func (s *Site) editContact(c *gin.Context) error {
	customer, k, err := s.contactAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	in := readContact(form)
	in.ID, in.CustomerID = k.ID, customer.ID
	if err := form.Check(in.Validate()); err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, k.ID, func() error {
		return s.Subscribers.EditContact(c.Request.Context(), web.ActorOf(c), in, readConsent(form))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawContact(c, form, customer, k, meanwhile)
	}
	s.web.Flash(c, "ok", "contacts.saved", "Name", in.Name)
	return web.SeeOther(c, customerPath(customer.ID)+"#contacts")
}

func (s *Site) contactConfirm(c *gin.Context, customer *subscribers.Customer, k *subscribers.Contact, act string) *confirmPage {
	p := &confirmPage{Button: s.text(c, "contacts."+act), Danger: act == "remove"}
	p.Page = s.web.NewPage(c, "contacts."+act+"_title", "Name", k.Name)
	p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
	p.Action = p.Back + "/contacts/" + k.ID.String() + "/" + act
	p.Sentences = []string{s.text(c, "contacts."+act+"_what", "Name", k.Name, "Email", k.Email), s.text(c, "contacts."+act+"_record")}
	return p
}

func (s *Site) askAboutContact(c *gin.Context, act string) error {
	customer, k, err := s.contactAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c).SetVersion(int64(k.Version)), s.contactConfirm(c, customer, k, act))
}

func (s *Site) askRemoveContact(c *gin.Context) error { return s.askAboutContact(c, "remove") }

func (s *Site) askVerifyContact(c *gin.Context) error { return s.askAboutContact(c, "verify") }

func (s *Site) removeContact(c *gin.Context) error {
	customer, k, err := s.contactAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, k.ID, s.contactConfirm(c, customer, k, "remove"), func() error {
		return s.Subscribers.RemoveContact(c.Request.Context(), web.ActorOf(c), k.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "contacts.removed", "Name", k.Name)
		return web.SeeOther(c, customerPath(customer.ID)+"#contacts")
	})
}

func (s *Site) verifyContact(c *gin.Context) error {
	customer, k, err := s.contactAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, k.ID, s.contactConfirm(c, customer, k, "verify"), func() error {
		return s.Subscribers.VerifyContact(c.Request.Context(), web.ActorOf(c), k.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "contacts.verified", "Name", k.Name)
		return web.SeeOther(c, customerPath(customer.ID)+"#contacts")
	})
}
