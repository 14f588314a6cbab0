package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
)

// customer is one of the demo's; nobody is called so.
type customer struct {
	id       string // in the publisher's own books
	name     string
	domain   string // of its addresses, without .example
	role     subscribers.Role
	region   publisher.Region
	country  string
	zone     string
	language string
	products string // slugs
	terms    string // a template's name
	signed   calendar.Date
	more     map[string]any // what else deviates from the template
	contacts []contact      // none: one mailbox for notices and objections
}

type contact struct {
	local      string // the address before the @
	name       string
	position   string
	roles      string
	suppressed bool // nothing may be sent there
}

func day(y, m, d int) calendar.Date { return calendar.Date{Year: y, Month: time.Month(m), Day: d} }

// mailbox is the contact of customers that name no other.
var mailbox = []contact{{local: "privacy", name: "Privacy team", roles: "notices objections"}}

func (c *customer) people() []contact {
	if c.contacts == nil {
		return mailbox
	}
	return c.contacts
}

func (c *customer) address(k contact) string { return k.local + "@" + c.domain + ".example" }

func (l *loader) addCustomers(ctx context.Context) error {
	for i := range customers {
		if err := l.addCustomer(ctx, &customers[i]); err != nil {
			return fmt.Errorf("%s: %w", customers[i].id, err)
		}
	}
	return nil
}

func (l *loader) addCustomer(ctx context.Context, c *customer) error {
	made := &subscribers.Customer{Name: c.name, ExternalID: c.id, Role: c.role, Region: c.region, Country: c.country,
		TimeZone: c.zone, Language: c.language, ProductIDs: l.productIDs(c.products)}
	if err := unlessThere(l.Subscribers.CreateCustomer(ctx, l.editor(), made)); err != nil {
		return err
	}
	id, err := l.customerID(ctx, c.id)
	if err != nil {
		return err
	}
	deviations := map[string]any{}
	for field, value := range c.more {
		deviations[field] = value
	}
	if c.zone != zone {
		deviations["time_zone"] = c.zone
	}
	raw, err := json.Marshal(deviations)
	if err != nil {
		return err
	}
	_, err = l.Subscribers.AddContract(ctx, l.editor(), &subscribers.Contract{CustomerID: id, Reference: "DPA " + c.id, SignedOn: c.signed},
		subscribers.TermsChoice{TemplateVersionID: l.templates[c.terms], Deviations: raw})
	if err := unlessThere(err); err != nil {
		return err
	}
	for _, k := range c.people() {
		if err := l.addContact(ctx, id, c, k); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addContact(ctx context.Context, customerID uuid.UUID, c *customer, k contact) error {
	made := &subscribers.Contact{CustomerID: customerID, Name: k.name, Position: k.position, Email: c.address(k), Language: c.language,
		Roles: strings.Fields(k.roles)}
	if err := unlessThere(l.Subscribers.AddContact(ctx, l.editor(), made, subscribers.Consent{})); err != nil {
		return err
	}
	if !k.suppressed {
		return nil
	}
	return unlessThere(l.Subscribers.Suppress(ctx, l.editor(), c.address(k), subscribers.HardBounce, "550 5.1.1 No such mailbox (fictitious)"))
}

func (l *loader) productIDs(slugs string) (out []uuid.UUID) {
	for _, slug := range strings.Fields(slugs) {
		out = append(out, l.products[slug])
	}
	return out
}

func (l *loader) customerID(ctx context.Context, externalID string) (id uuid.UUID, err error) {
	rows, err := database.Collect[struct{ ID uuid.UUID }](ctx, l.db.Pool(), "select id from customers where external_id = $1", externalID)
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("%d customers have this ID", len(rows))
	}
	if err != nil {
		return uuid.Nil, err
	}
	return rows[0].ID, nil
}

// follower is somebody who asked to be told.
type follower struct {
	address  string
	name     string
	language string
	customer string // whose; "" nobody's
	products string
	kinds    []string
}

var followers = []follower{
	{address: "ressort-netz@tagblatt-muster.example", name: "Tagblatt Muster", language: "de"},
	{address: "watch@data-watch.example", name: "Data Watch (fictitious)", language: "en"},
	{address: "platform-team@beispielwerke.example", name: "Platform team", language: "en", customer: "C-1001"},
	{address: "alerts@chat-partner.example", name: "Chat Partner (fictitious)", language: "en", products: "chat"},
	{address: "archive@goodbye-list.example", name: "Goodbye List (fictitious)", language: "en", kinds: []string{subscribers.Removal}},
}

func (l *loader) addFollowers(ctx context.Context) error {
	for _, f := range followers {
		s := &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: subscribers.Email, Address: f.address, Name: f.name, Language: f.language,
			ProductIDs: l.productIDs(f.products), Kinds: f.kinds, ConsentHow: "the form on the public list (fictitious)",
			ConsentWording: "Tell me by email when Nordlicht changes its list of sub-processors. I can stop this at any time."}
		if f.customer != "" {
			id, err := l.customerID(ctx, f.customer)
			if err != nil {
				return err
			}
			s.CustomerID = &id
		}
		if err := unlessThere(l.Subscribers.Subscribe(ctx, l.editor(), s)); err != nil {
			return fmt.Errorf("%s: %w", f.address, err)
		}
	}
	return nil
}
