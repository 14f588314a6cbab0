package console

import (
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// subscriptionPage shows one subscription and what can be done with it.
type subscriptionPage struct {
	web.Page
	Trail       []crumb
	At          string // the page's own path
	Sub         *subscribers.Subscription
	StateAt     time.Time
	Contact     string
	Products    []string
	Regions     []string
	Kinds       []string
	FormerUntil time.Time // zero: no former secret signs
	Ledger      []ledgerRow
}

func subscriptionPath(sub *subscribers.Subscription) string {
	return customerPath(*sub.CustomerID) + "/subscriptions/" + sub.ID.String()
}

func (s *Site) showSubscription(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	p := &subscriptionPage{Page: s.web.NewPage(c, "subscriptions.one", "Address", sub.ShownAddress()), Trail: s.customerTrail(c, customer),
		At: subscriptionPath(sub), Sub: sub, StateAt: sub.StateAt.In(settings.Zone()), FormerUntil: in(settings.Zone(), sub.FormerSecretUntil)}
	if err := s.fillScope(c, p); err != nil {
		return err
	}
	records, err := ledger.About(ctx, s.DB, sub.ID, 20)
	if err != nil {
		return err
	}
	if p.Ledger, err = s.ledgerRows(ctx, p.Lang, records); err != nil {
		return err
	}
	return s.web.Render(c, "customers/subscription", p)
}

// fillScope names whose the subscription is and what it is narrowed to.
func (s *Site) fillScope(c *gin.Context, p *subscriptionPage) error {
	ctx := c.Request.Context()
	if p.Sub.ContactID != nil {
		contact, err := s.Subscribers.Contact(ctx, *p.Sub.ContactID)
		if err != nil {
			return err
		}
		p.Contact = contact.Name
	}
	products, err := s.Publisher.Products(ctx)
	if err != nil {
		return err
	}
	for _, product := range products {
		if slices.Contains(p.Sub.ProductIDs, product.ID) {
			p.Products = append(p.Products, product.Name)
		}
	}
	for _, region := range p.Sub.Regions {
		p.Regions = append(p.Regions, s.web.T(p.Lang, "option.regions."+region))
	}
	for _, kind := range p.Sub.Kinds {
		p.Kinds = append(p.Kinds, s.web.T(p.Lang, "option.kinds."+kind))
	}
	return nil
}

// secretPage tells a signing secret. It is the answer to the post that made it: nothing keeps the
// secret for a second look, neither a cookie nor an address.
type secretPage struct {
	web.Page
	Trail       []crumb
	At          string
	Secret      string
	FormerUntil time.Time // zero: no former secret signs
}

func (s *Site) tellSecret(c *gin.Context, customer *subscribers.Customer, sub *subscribers.Subscription, secret subscribers.Secret) error {
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	p := &secretPage{Page: s.web.NewPage(c, "subscriptions.secret_of", "Address", sub.ShownAddress()), Trail: s.customerTrail(c, customer),
		At: subscriptionPath(sub), Secret: string(secret), FormerUntil: in(settings.Zone(), sub.FormerSecretUntil)}
	return s.web.Render(c, "customers/secret", p)
}

func (s *Site) renewSecret(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	ctx, form := c.Request.Context(), s.web.Form(c)
	var fresh subscribers.Secret
	return s.confirmEdit(c, form, sub.ID, s.subscriptionConfirm(c, customer, sub), func() (err error) {
		fresh, err = s.Subscribers.RotateSecret(ctx, web.ActorOf(c), sub.ID, int(form.Version()))
		return err
	}, func() error {
		renewed, err := s.Subscribers.Subscription(ctx, sub.ID)
		if err != nil {
			return err
		}
		return s.tellSecret(c, customer, renewed, fresh)
	})
}

// replacePage asks for another Slack URL or token.
type replacePage struct {
	formPage
	ByURL bool
}

func (s *Site) askReplacement(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	if sub.Channel != subscribers.Slack {
		return fault.New(fault.Conflict, "subscription.not_slack", nil)
	}
	return s.drawReplacement(c, s.web.NewForm(c).SetVersion(int64(sub.Version)), customer, sub, nil)
}

func (s *Site) drawReplacement(c *gin.Context, form *web.Form, customer *subscribers.Customer, sub *subscribers.Subscription, meanwhile []fieldChange) error {
	p := &replacePage{ByURL: sub.BySlackURL()}
	p.Page = s.web.NewPage(c, "subscriptions.replace_title", "Address", sub.ShownAddress())
	p.Trail, p.Back, p.Meanwhile = s.customerTrail(c, customer), subscriptionPath(sub), meanwhile
	p.Action = p.Back + "/replace"
	p.Feedback(form)
	return s.web.Render(c, "customers/replace", p)
}

func (s *Site) replaceSecret(c *gin.Context) error {
	customer, sub, err := s.subscriptionAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	typed := form.Text("token")
	if sub.BySlackURL() {
		typed = form.Text("address")
	}
	ok, meanwhile, err := s.edit(c, form, sub.ID, func() error {
		return s.Subscribers.ReplaceSecret(c.Request.Context(), web.ActorOf(c), sub.ID, int(form.Version()), subscribers.Secret(typed))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawReplacement(c, form, customer, sub, meanwhile)
	}
	s.web.Flash(c, "ok", "subscriptions.replaced")
	return web.SeeOther(c, subscriptionPath(sub))
}
