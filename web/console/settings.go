package console

import (
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/web"
)

// publisherID is the publisher in the ledger, which knows one.
var publisherID = uuid.MustParse("00000000-0000-0000-0000-000000000001")

type settingsPage struct {
	formPage
	Tabs  web.Tabs
	First bool // nothing was saved yet
}

func (s *Site) showSettings(c *gin.Context) error {
	settings, err := s.Publisher.Get(c.Request.Context())
	if fault.Is(err, fault.NotFound) {
		return s.drawSettings(c, s.web.NewForm(c).Set("language", "en").Set("four_eyes", "yes"), nil)
	}
	if err != nil {
		return err
	}
	return s.drawSettings(c, fillSettings(s.web.NewForm(c), settings), nil)
}

func fillSettings(form *web.Form, in *publisher.Settings) *web.Form {
	form.Set("legal_name", in.LegalName).Set("address", in.Address).Set("country", in.Country).Set("website", in.Website).
		Set("privacy_name", in.PrivacyName).Set("privacy_email", in.PrivacyEmail).Set("time_zone", in.TimeZone).Set("language", in.Language)
	setNumber(form, "floor_days", in.FloorDays)
	setNumber(form, "received_after_hours", in.ReceivedAfterHours)
	setBool(form, "four_eyes", in.FourEyes)
	setBool(form, "fictitious", in.Fictitious)
	return form.SetVersion(int64(in.Version))
}

func readSettings(form *web.Form) *publisher.Settings {
	return &publisher.Settings{
		LegalName: form.Text("legal_name"), Address: form.Text("address"), Country: form.Text("country"), Website: form.Text("website"),
		PrivacyName: form.Text("privacy_name"), PrivacyEmail: form.Text("privacy_email"), TimeZone: form.Text("time_zone"),
		Language: form.Text("language"), FloorDays: formNumber(form, "floor_days"), ReceivedAfterHours: formNumber(form, "received_after_hours"),
		FourEyes: form.Bool("four_eyes"), Fictitious: form.Bool("fictitious"), Version: int(form.Version()),
	}
}

// formNumber reads a number that may be left out.
func formNumber(form *web.Form, name string) *int {
	if form.Text(name) == "" {
		return nil
	}
	n := form.Int(name)
	if n > 1<<30 || n < -(1<<30) { // beyond any limit of ours, and of the database's integers
		n = 1 << 30
	}
	return new(int(n))
}

func setNumber(form *web.Form, name string, n *int) {
	if n == nil {
		form.Set(name, "")
		return
	}
	form.Set(name, strconv.Itoa(*n))
}

func (s *Site) drawSettings(c *gin.Context, form *web.Form, meanwhile []fieldChange) error {
	p := &settingsPage{Tabs: s.settingsTabs(c), First: form.Version() == 0}
	p.Page = s.web.NewPage(c, "settings.publisher")
	p.Action, p.Meanwhile = "/console/settings", meanwhile
	p.Feedback(form)
	return s.web.Render(c, "staff/settings", p)
}

func (s *Site) saveSettings(c *gin.Context) error {
	form := s.web.Form(c)
	in := readSettings(form)
	if err := form.Check(in.Validate()); err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, publisherID, func() error {
		return s.Publisher.Save(c.Request.Context(), web.ActorOf(c), in)
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawSettings(c, form, meanwhile)
	}
	s.web.Flash(c, "ok", "settings.saved")
	return web.SeeOther(c, "/console/settings")
}

type productsPage struct {
	formPage
	Tabs     web.Tabs
	Products []publisher.Product
}

func (s *Site) showProducts(c *gin.Context) error { return s.drawProducts(c, s.web.NewForm(c)) }

func (s *Site) drawProducts(c *gin.Context, form *web.Form) error {
	list, err := s.Publisher.Products(c.Request.Context())
	if err != nil {
		return err
	}
	p := &productsPage{Tabs: s.settingsTabs(c), Products: list}
	p.Page = s.web.NewPage(c, "settings.products")
	p.Action = "/console/settings/products"
	p.Feedback(form)
	return s.web.Render(c, "staff/products", p)
}

func (s *Site) addProduct(c *gin.Context) error {
	form := s.web.Form(c)
	product := &publisher.Product{Name: form.Text("name"), Slug: form.Text("slug")}
	ok, err := form.Do(func() error { return s.Publisher.AddProduct(c.Request.Context(), web.ActorOf(c), product) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawProducts(c, form)
	}
	s.web.Flash(c, "ok", "settings.product_added", "Name", product.Name)
	return web.SeeOther(c, "/console/settings/products")
}
