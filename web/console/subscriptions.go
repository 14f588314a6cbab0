package console

import (
	"context"
	"path"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// subscriptionActs are what staff may do with a subscription, each with an address of its own.
var subscriptionActs = []string{"pause", "resume", "disable", "revoke", "former"}

type subscriptionFormPage struct {
	formPage
	Contacts, Products, Regions, Kinds, Channels []web.Option
}

func (s *Site) newSubscription(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	return s.drawSubscription(c, s.web.NewForm(c).Set("channel", subscribers.Webhook).Set("language", customer.Language), customer)
}

func (s *Site) drawSubscription(c *gin.Context, form *web.Form, customer *subscribers.Customer) (err error) {
	ctx, lang := c.Request.Context(), web.Lang(c)
	p := &subscriptionFormPage{Regions: s.regionOptions(lang), Kinds: s.web.Options(lang, "kinds", subscribers.Kinds...),
		Channels: s.web.Options(lang, "channels", subscribers.Channels...)}
	if p.Products, err = s.productOptions(ctx); err != nil {
		return err
	}
	contacts, err := s.Subscribers.Contacts(ctx, customer.ID)
	if err != nil {
		return err
	}
	for _, k := range contacts {
		p.Contacts = append(p.Contacts, web.Option{Value: k.ID.String(), Label: k.Name})
	}
	p.Page = s.web.NewPage(c, "subscriptions.new", "Name", customer.Name)
	p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
	p.Action = p.Back + "/subscriptions/new"
	p.Feedback(form)
	return s.web.Render(c, "customers/subscription-form", p)
}

func (s *Site) addSubscription(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	in := &subscribers.Subscription{CustomerID: &customer.ID, ContactID: formID(form, "contact_id", "contact.not_found"),
		Basis: subscribers.ByContract, Channel: form.Text("channel"), Address: form.Text("address"), Token: subscribers.Secret(form.Text("token")), Name: form.Text("name"),
		Language: form.Text("language"), ProductIDs: formIDs(form, "products", "product.unknown"), Regions: form.All("regions"),
		Kinds: form.All("kinds"), ConsentHow: form.Text("consent_how"), ConsentWording: form.Text("consent_wording")}
	if err := form.Check(s.Subscribers.CheckSubscription(in)); err != nil {
		return err
	}
	ok, err := form.Do(func() error { return s.Subscribers.Subscribe(c.Request.Context(), web.ActorOf(c), in) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawSubscription(c, form, customer)
	}
	if in.SigningSecret != "" {
		return s.tellSecret(c, customer, in, in.SigningSecret)
	}
	s.web.Flash(c, "ok", "subscriptions.added", "Address", in.ShownAddress())
	return web.SeeOther(c, customerPath(customer.ID)+"#subscriptions")
}

func (s *Site) subscriptionAt(c *gin.Context) (*subscribers.Customer, *subscribers.Subscription, error) {
	customer, err := s.customerAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "subscription", "subscription")
	if err != nil {
		return nil, nil, err
	}
	sub, err := s.Subscribers.Subscription(c.Request.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	if sub.CustomerID == nil || *sub.CustomerID != customer.ID {
		return nil, nil, fault.Missing("subscription")
	}
	return customer, sub, nil
}

func (s *Site) askSubscription(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c).SetVersion(int64(sub.Version)), s.subscriptionConfirm(c, customer, sub))
}

// subscriptionConfirm asks about the act that the address ends in.
func (s *Site) subscriptionConfirm(c *gin.Context, customer *subscribers.Customer, sub *subscribers.Subscription) *confirmPage {
	act := path.Base(c.FullPath())
	p := &confirmPage{Button: s.text(c, "subscriptions."+act), Danger: act == "disable" || act == "revoke" || act == "former"}
	if act == "pause" || act == "disable" {
		p.Ask, p.AskHint = "reason", "subscriptions.reason_hint"
	}
	p.Page = s.web.NewPage(c, "subscriptions."+act+"_title", "Address", sub.ShownAddress())
	p.Trail, p.Back = s.customerTrail(c, customer), customerPath(customer.ID)
	p.Action = p.Back + "/subscriptions/" + sub.ID.String() + "/" + act
	p.Sentences = []string{s.text(c, "subscriptions."+act+"_what", "Address", sub.ShownAddress(), "Name", customer.Name)}
	return p
}

func (s *Site) changeSubscription(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	form, act := s.web.Form(c), path.Base(c.FullPath())
	return s.confirmEdit(c, form, sub.ID, s.subscriptionConfirm(c, customer, sub), func() error {
		return s.doSubscription(c.Request.Context(), web.ActorOf(c), sub, act, form)
	}, func() error {
		s.web.Flash(c, "ok", "subscriptions."+act+"_done", "Address", sub.ShownAddress())
		return web.SeeOther(c, customerPath(customer.ID)+"#subscriptions")
	})
}

func (s *Site) doSubscription(ctx context.Context, who actor.Actor, sub *subscribers.Subscription, act string, form *web.Form) error {
	basedOn := int(form.Version())
	switch act {
	case "pause":
		return s.Subscribers.Pause(ctx, who, sub.ID, basedOn, form.Text("reason"))
	case "resume":
		return s.Subscribers.Resume(ctx, who, sub.ID, basedOn)
	case "disable":
		return s.Subscribers.Disable(ctx, who, sub.ID, basedOn, form.Text("reason"))
	case "former":
		return s.Subscribers.EndFormerSecret(ctx, who, sub.ID, basedOn)
	default:
		return s.Subscribers.RevokeLinks(ctx, who, sub.ID)
	}
}

type suppressionPage struct {
	formPage
	Tabs    web.Tabs
	Facets  web.Facets
	Rows    []subscribers.Suppression
	Pager   web.Pager
	Reasons []web.Option
}

func (s *Site) listSuppressions(c *gin.Context) error { return s.drawSuppressions(c, s.web.NewForm(c)) }

func (s *Site) drawSuppressions(c *gin.Context, form *web.Form) error {
	query := s.web.Query(c)
	page, err := s.Subscribers.Suppressions(c.Request.Context(), query.Text("query"), c.Query(web.AfterParam), 0)
	if err != nil {
		return err
	}
	p := &suppressionPage{Tabs: s.customerTabs(c), Rows: page.Rows, Pager: web.NewPager(c, "", page.Next)}
	p.Page = s.web.NewPage(c, "suppressions.title")
	p.Action = suppressionsPath
	p.Reasons = s.web.Options(p.Lang, "reason", subscribers.SuppressionReasons...)
	p.Facets = web.Facets{Action: suppressionsPath, Form: query, Search: "query", Count: len(page.Rows), CountKey: "suppressions.count"}
	p.Feedback(form)
	return s.web.Render(c, "customers/suppressions", p)
}

func (s *Site) addSuppression(c *gin.Context) error {
	form := s.web.Form(c)
	ok, err := form.Do(func() error {
		return s.Subscribers.Suppress(c.Request.Context(), web.ActorOf(c), form.Text("address"), form.Text("reason"), form.Text("detail"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawSuppressions(c, form)
	}
	s.web.Flash(c, "ok", "suppressions.added")
	return web.SeeOther(c, suppressionsPath)
}

func (s *Site) askLift(c *gin.Context) error {
	return s.confirm(c, s.web.NewForm(c).Set("address", c.Query("address")), s.liftPage(c, c.Query("address")))
}

func (s *Site) liftPage(c *gin.Context, address string) *confirmPage {
	p := &confirmPage{Button: s.text(c, "suppressions.lift"), Address: address}
	p.Page = s.web.NewPage(c, "suppressions.lift_title")
	p.Trail = []crumb{{customersPath, s.text(c, "customers.title")}, {suppressionsPath, s.text(c, "suppressions.title")}}
	p.Action, p.Back = suppressionsPath+"/lift", suppressionsPath
	p.Sentences = []string{s.text(c, "suppressions.lift_what", "Address", address), s.text(c, "suppressions.lift_record")}
	return p
}

func (s *Site) liftSuppression(c *gin.Context) error {
	form := s.web.Form(c)
	ok, err := form.Do(func() error {
		return s.Subscribers.Unsuppress(c.Request.Context(), web.ActorOf(c), form.Text("address"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.confirm(c, form, s.liftPage(c, form.Text("address")))
	}
	s.web.Flash(c, "ok", "suppressions.lifted")
	return web.SeeOther(c, suppressionsPath)
}
