package console

import (
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

const (
	customersPath    = "/console/customers"
	templatesPath    = customersPath + "/templates"
	suppressionsPath = customersPath + "/suppressions"
)

func (s *Site) customerRoutes(in *web.Routes) {
	in.GET(customersPath, s.listCustomers)
	in.GET(customersPath+"/:id", s.showCustomer)
	in.GET(customersPath+"/:id/contracts/:contract", s.showContract)
	in.GET(customersPath+"/:id/subscriptions/:subscription", s.showSubscription)
	in.GET(templatesPath, s.listTemplates)
	in.GET(templatesPath+"/:id", s.showTemplate)
	in.GET(suppressionsPath, s.listSuppressions)

	suppress := in.With(allowed(actor.EditSuppression))
	suppress.POST(suppressionsPath, s.addSuppression)
	both(suppress, suppressionsPath+"/lift", s.askLift, s.liftSuppression)

	edit := in.With(allowed(actor.EditCustomers))
	edit.GET(customersPath+"/new", s.newCustomer)
	edit.POST(customersPath, s.createCustomer)
	both(edit, customersPath+"/:id/edit", s.showCustomerForm, s.editCustomer)
	both(edit, customersPath+"/:id/leave", s.askLeave, s.leave)
	both(edit, customersPath+"/:id/contacts/new", s.newContact, s.addContact)
	both(edit, customersPath+"/:id/contacts/:contact", s.showContact, s.editContact)
	both(edit, customersPath+"/:id/contacts/:contact/remove", s.askRemoveContact, s.removeContact)
	both(edit, customersPath+"/:id/contacts/:contact/verify", s.askVerifyContact, s.verifyContact)
	both(edit, customersPath+"/:id/contracts/new", s.newContract, s.addContract)
	both(edit, customersPath+"/:id/contracts/:contract/amend", s.showAmendment, s.amendContract)
	both(edit, customersPath+"/:id/contracts/:contract/end", s.askEndContract, s.endContract)
	both(edit, customersPath+"/:id/subscriptions/new", s.newSubscription, s.addSubscription)
	for _, act := range subscriptionActs {
		both(edit, customersPath+"/:id/subscriptions/:subscription/"+act, s.askSubscription, s.changeSubscription)
	}
	both(edit, customersPath+"/:id/subscriptions/:subscription/secret", s.askSubscription, s.renewSecret)
	both(edit, customersPath+"/:id/subscriptions/:subscription/replace", s.askReplacement, s.replaceSecret)
	both(edit, templatesPath+"/new", s.newTemplate, s.createTemplate)
	both(edit, templatesPath+"/:id/version", s.newTemplateVersion, s.addTemplateVersion)
}

// customerTabs lead to what stands beside the customers.
func (s *Site) customerTabs(c *gin.Context) web.Tabs {
	tabs := web.Tabs{Label: s.text(c, "customers.tabs")}
	for _, t := range [][2]string{{customersPath, "customers.title"}, {templatesPath, "templates.title"}, {suppressionsPath, "suppressions.title"}} {
		link := web.NavLink{Href: t[0], Label: s.text(c, t[1])}
		if c.Request.URL.Path == t[0] {
			link.Current = "page"
		}
		tabs.Links = append(tabs.Links, link)
	}
	return tabs
}

type customerListPage struct {
	web.Page
	Tabs   web.Tabs
	Facets web.Facets
	Rows   []subscribers.CustomerRow
	Pager  web.Pager
}

func (s *Site) listCustomers(c *gin.Context) error {
	query, lang, ctx := s.web.Query(c), web.Lang(c), c.Request.Context()
	filter := subscribers.CustomerFilter{Query: query.Text("query"), Product: query.Text("product"), Region: publisher.Region(query.Text("region")),
		Role: subscribers.Role(query.Text("role")), State: subscribers.CustomerState(query.Text("state")), After: c.Query(web.AfterParam)}
	page, err := s.Subscribers.Customers(ctx, filter)
	if err != nil {
		return err
	}
	count, err := s.Subscribers.CountMatching(ctx, filter)
	if err != nil {
		return err
	}
	products, err := s.Publisher.Products(ctx)
	if err != nil {
		return err
	}
	bySlug := make([]web.Option, len(products))
	for i, p := range products {
		bySlug[i] = web.Option{Value: p.Slug, Label: p.Name}
	}
	p := &customerListPage{Page: s.web.NewPage(c, "customers.title"), Tabs: s.customerTabs(c), Rows: page.Rows, Pager: web.NewPager(c, "", page.Next)}
	p.Facets = web.Facets{Action: customersPath, Form: query, Search: "query", Count: count, CountKey: "customers.count", Groups: []web.FacetGroup{
		{Name: "product", Options: bySlug},
		{Name: "region", Options: s.regionOptions(lang)},
		{Name: "role", Options: s.web.Options(lang, "role", texts(subscribers.Roles)...)},
		{Name: "state", Options: s.web.Options(lang, "customer_state", texts(subscribers.CustomerStates)...)},
	}}
	return s.web.Render(c, "customers/list", p)
}

// contactView is a contact with how notices reach it.
type contactView struct {
	subscribers.Contact
	RoleNames []string
	Reached   string // a state: "active" when a notice would reach it, else why not; "" when none is due
}

// contractView is a contract with its terms in words.
type contractView struct {
	subscribers.ContractTerms
	Summary  string
	Lines    []string
	Trouble  string // why no dates can be computed; "" when they can
	HasEnded bool
}

type customerPage struct {
	web.Page
	Trail         []crumb
	Customer      *subscribers.Customer
	Products      []string
	HasLeft       bool
	Reachable     bool
	Contracts     []contractView
	Contacts      []contactView
	Subscriptions []subscribers.SubscriptionRow
	Windows       []customerWindow
	Ledger        []ledgerRow
}

// customerWindow is a window of the customer with its change's name.
type customerWindow struct {
	changes.WindowView
	Change string
	Vendor string
}

func (s *Site) customerAt(c *gin.Context) (*subscribers.Customer, error) {
	id, err := pathID(c, "id", "customer")
	if err != nil {
		return nil, err
	}
	return s.Subscribers.Customer(c.Request.Context(), id)
}

func customerPath(id uuid.UUID) string { return customersPath + "/" + id.String() }

func (s *Site) customerTrail(c *gin.Context, customer *subscribers.Customer) []crumb {
	return []crumb{{customersPath, s.text(c, "customers.title")}, {customerPath(customer.ID), customer.Name}}
}

func (s *Site) showCustomer(c *gin.Context) error {
	customer, err := s.customerAt(c)
	if err != nil {
		return err
	}
	p := &customerPage{Page: s.web.NewPage(c, "customers.one", "Name", customer.Name), Customer: customer,
		Trail: []crumb{{customersPath, s.text(c, "customers.title")}}}
	for _, fill := range []func(*gin.Context, *customerPage) error{s.fillProducts, s.fillContracts, s.fillContacts, s.fillWindows} {
		if err := fill(c, p); err != nil {
			return err
		}
	}
	records, err := ledger.About(c.Request.Context(), s.DB, customer.ID, 20)
	if err != nil {
		return err
	}
	if p.Ledger, err = s.ledgerRows(c.Request.Context(), p.Lang, records); err != nil {
		return err
	}
	return s.web.Render(c, "customers/customer", p)
}

func (s *Site) fillProducts(c *gin.Context, p *customerPage) error {
	products, err := s.Publisher.Products(c.Request.Context())
	if err != nil {
		return err
	}
	for _, product := range products {
		if slices.Contains(p.Customer.ProductIDs, product.ID) {
			p.Products = append(p.Products, product.Name)
		}
	}
	return nil
}

func (s *Site) fillContracts(c *gin.Context, p *customerPage) error {
	today, err := s.publisherToday(c)
	if err != nil {
		return err
	}
	p.HasLeft = !p.Customer.LeftOn.IsZero() && !today.Before(p.Customer.LeftOn)
	contracts, err := s.Subscribers.Contracts(c.Request.Context(), p.Customer.ID)
	if err != nil {
		return err
	}
	for _, k := range contracts {
		p.Contracts = append(p.Contracts, s.contractView(p.Lang, k, today))
	}
	return nil
}

func (s *Site) fillContacts(c *gin.Context, p *customerPage) error {
	ctx := c.Request.Context()
	contacts, err := s.Subscribers.Contacts(ctx, p.Customer.ID)
	if err != nil {
		return err
	}
	page, err := s.Subscribers.Subscriptions(ctx, subscribers.SubscriptionFilter{Customer: p.Customer.ID, Limit: subscribers.MaxLimit})
	if err != nil {
		return err
	}
	p.Subscriptions = page.Rows
	for _, k := range contacts {
		view := contactView{Contact: k}
		for _, role := range k.Roles {
			view.RoleNames = append(view.RoleNames, s.web.T(p.Lang, "option.roles."+role))
		}
		if k.Receives() {
			view.Reached = subscribers.Reached(k.ID, page.Rows)
		}
		p.Reachable = p.Reachable || view.Reached == string(subscribers.Active)
		p.Contacts = append(p.Contacts, view)
	}
	for _, sub := range page.Rows { // addresses of the contract that are nobody's
		p.Reachable = p.Reachable || sub.ContactID == nil && sub.Basis == subscribers.ByContract && sub.State == subscribers.Active && !sub.Suppressed
	}
	return nil
}

func (s *Site) fillWindows(c *gin.Context, p *customerPage) error {
	ctx := c.Request.Context()
	windows, err := s.Changes.WindowsOfCustomer(ctx, p.Customer.ID)
	if err != nil {
		return err
	}
	known := map[uuid.UUID]*changes.View{}
	for _, w := range windows {
		if known[w.ChangeID] == nil {
			if known[w.ChangeID], err = s.Changes.Get(ctx, w.ChangeID.String()); err != nil {
				return err
			}
		}
		v := known[w.ChangeID]
		p.Windows = append(p.Windows, customerWindow{w, v.Change.Reference, v.VendorName})
	}
	return nil
}
