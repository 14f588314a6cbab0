package console

import (
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// publisherToday is the day in the publisher's zone; in UTC until there is a publisher.
func (s *Site) publisherToday(c *gin.Context) (calendar.Date, error) {
	settings, err := s.Publisher.Get(c.Request.Context())
	if fault.Is(err, fault.NotFound) {
		return calendar.DateOf(s.DB.Now(), time.UTC), nil
	}
	if err != nil {
		return calendar.Date{}, err
	}
	return settings.Today(s.DB.Now()), nil
}

type customerFormPage struct {
	formPage
	Products, Regions, Roles []web.Option
}

func readCustomer(form *web.Form) *subscribers.Customer {
	return &subscribers.Customer{
		Name: form.Text("name"), ExternalID: form.Text("external_id"), Role: subscribers.Role(form.Text("role")),
		Region: publisher.Region(form.Text("region")), Country: form.Text("country"), TimeZone: form.Text("time_zone"),
		Language: form.Text("language"), Affiliates: lines(form, "affiliates"),
		ProductIDs: formIDs(form, "products", "product.unknown"), Version: int(form.Version()),
	}
}

func fillCustomer(form *web.Form, in *subscribers.Customer) *web.Form {
	form.Set("name", in.Name).Set("external_id", in.ExternalID).Set("role", string(in.Role)).Set("region", string(in.Region)).
		Set("country", in.Country).Set("time_zone", in.TimeZone).Set("language", in.Language).Set("affiliates", joinLines(in.Affiliates))
	setIDs(form, "products", in.ProductIDs)
	return form.SetVersion(int64(in.Version))
}

func (s *Site) newCustomer(c *gin.Context) error {
	form := s.web.NewForm(c).Set("role", string(subscribers.Controller))
	settings, err := s.Publisher.Get(c.Request.Context())
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil { // most customers are near
		form.Set("time_zone", settings.TimeZone).Set("country", settings.Country).Set("language", settings.Language)
	}
	return s.drawCustomerForm(c, form, nil, nil)
}

func (s *Site) drawCustomerForm(c *gin.Context, form *web.Form, customer *subscribers.Customer, meanwhile []fieldChange) (err error) {
	lang := web.Lang(c)
	p := &customerFormPage{Regions: s.regionOptions(lang), Roles: s.web.Options(lang, "role", texts(subscribers.Roles)...)}
	if p.Products, err = s.productOptions(c.Request.Context()); err != nil {
		return err
	}
	if customer == nil {
		p.Page = s.web.NewPage(c, "customers.new")
		p.Trail, p.Action, p.Back = []crumb{{customersPath, s.text(c, "customers.title")}}, customersPath, customersPath
	} else {
		p.Page = s.web.NewPage(c, "customers.edit", "Name", customer.Name)
		p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
		p.Action = p.Back + "/edit"
	}
	p.Meanwhile = meanwhile
	p.Feedback(form)
	return s.web.Render(c, "customers/customer-form", p)
}

func (s *Site) createCustomer(c *gin.Context) error {
	form := s.web.Form(c)
	press := s.presses.hold(form, s.web.Now())
	defer press.release()
	if press.to != "" {
		return web.SeeOther(c, press.to)
	}
	in := readCustomer(form)
	if err := form.Check(in.Validate()); err != nil {
		return err
	}
	ok, err := form.Do(func() error { return s.Subscribers.CreateCustomer(c.Request.Context(), web.ActorOf(c), in) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawCustomerForm(c, form, nil, nil)
	}
	s.web.Flash(c, "ok", "customers.created", "Name", in.Name)
	press.to = customerPath(in.ID)
	return web.SeeOther(c, press.to)
}

func (s *Site) showCustomerForm(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	return s.drawCustomerForm(c, fillCustomer(s.web.NewForm(c), customer), customer, nil)
}

func (s *Site) editCustomer(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	in := readCustomer(form)
	in.ID = customer.ID
	if err := form.Check(in.Validate()); err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, in.ID, func() error { return s.Subscribers.EditCustomer(c.Request.Context(), web.ActorOf(c), in) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawCustomerForm(c, form, customer, meanwhile)
	}
	s.web.Flash(c, "ok", "customers.saved", "Name", in.Name)
	return web.SeeOther(c, customerPath(in.ID))
}

func (s *Site) askLeave(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(customer.Version))
	setDate(form, "left_on", customer.LeftOn)
	return s.confirm(c, form, s.leavePage(c, customer))
}

func (s *Site) leavePage(c *gin.Context, customer *subscribers.Customer) *confirmPage {
	p := &confirmPage{Danger: true, Button: s.text(c, "customers.leave"), Ask: "left_on", AskDate: true, AskHint: "customers.leave_hint"}
	p.Page = s.web.NewPage(c, "customers.leave_title", "Name", customer.Name)
	p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
	p.Action = p.Back + "/leave"
	p.Sentences = []string{s.text(c, "customers.leave_what", "Name", customer.Name), s.text(c, "customers.leave_record")}
	return p
}

func (s *Site) leave(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	on := formDate(form, "left_on")
	return s.confirmEdit(c, form, customer.ID, s.leavePage(c, customer), func() error {
		return s.Subscribers.Leave(c.Request.Context(), web.ActorOf(c), customer.ID, int(form.Version()), on)
	}, func() error {
		key := "customers.left"
		if on.IsZero() {
			key = "customers.stays"
		}
		s.web.Flash(c, "ok", key, "Name", customer.Name)
		return web.SeeOther(c, customerPath(customer.ID))
	})
}
