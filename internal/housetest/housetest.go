// Package housetest builds a small, whole house for tests above the register and the customers: a
// publisher, products, a vendor to be engaged, customers with contracts and contacts, staff. It is
// imported by tests only.
package housetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/jobs"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// House is a publisher with its services. Its webhooks may be on 127.0.0.1, by plain http.
type House struct {
	DB          *database.DB
	Clock       *databasetest.Clock
	Jobs        *jobs.Inserter
	Publisher   *publisher.Service
	Vendors     *vendors.Service
	Subscribers *subscribers.Service
	Changes     *changes.Service
	Vault       *subscribers.Vault
	Keys        string            // the ring of the vault, as ENCRYPTION_KEYS has it
	Product     publisher.Product // that every customer of Customer uses
	Editor      actor.Actor
	Approver    actor.Actor
	t           testing.TB
	n           int
}

// New builds a house in a database of its own. Its publisher's zone is Europe/Berlin, its policy
// four eyes.
func New(t testing.TB) *House {
	t.Helper()
	db, clock := databasetest.New(t)
	return On(t, db, clock)
}

// On builds the house in a database that the test has opened.
func On(t testing.TB, db *database.DB, clock *databasetest.Clock) *House {
	t.Helper()
	inserter, err := jobs.NewInserter(db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	keys := secrets.NewKey("k1")
	ring, err := secrets.ParseKeyRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	h := &House{Keys: keys, DB: db, Clock: clock, Jobs: inserter, t: t, Publisher: publisher.New(db), Vault: subscribers.NewVault(ring),
		Vendors: vendors.New(db), Changes: changes.New(db, inserter)}
	h.Subscribers = subscribers.New(db, h.Vault, subscribers.AddressRules{PlainHTTP: func(host string) bool { return host == "127.0.0.1" }})
	h.must(h.Publisher.Save(t.Context(), actor.ForSystem(), &publisher.Settings{LegalName: "Nordlicht Software GmbH", Address: "Musterweg 1\n10115 Berlin",
		Country: "DE", Website: "https://nordlicht.example", PrivacyName: "Data Protection Team", PrivacyEmail: "privacy@nordlicht.example",
		TimeZone: "Europe/Berlin", Language: "en", FourEyes: true}))
	h.Product = publisher.Product{Slug: "desk", Name: "Nordlicht Desk"}
	h.must(h.Publisher.AddProduct(t.Context(), actor.ForSystem(), &h.Product))
	h.Editor, h.Approver = h.Staff("Edda Editor", actor.Editor), h.Staff("Arne Approver", actor.Approver)
	return h
}

func (h *House) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Staff adds an account that nobody can sign in to: hashing a password would be most of a test's
// time.
func (h *House) Staff(name string, role actor.Role) actor.Actor {
	h.t.Helper()
	h.n++
	who := actor.Actor{Kind: actor.Staff, ID: secrets.ID(), Role: role, Name: name}
	_, err := h.DB.Pool().Exec(h.t.Context(), `insert into accounts (id, email, name, role, password_hash, created_at, updated_at)
		values ($1, $2, $3, $4, '!', $5, $5)`, who.ID, fmt.Sprintf("staff%d@nordlicht.example", h.n), name, role, h.DB.Now())
	h.must(err)
	return who
}

// Vendor adds a vendor that can be announced.
func (h *House) Vendor(name string) *vendors.Vendor {
	h.t.Helper()
	v, err := h.Vendors.CreateVendor(h.t.Context(), h.Editor, vendors.VendorFacts{LegalName: name, Address: "1 Example Street\nDublin", Country: "IE",
		Website: "https://vendor.example", ContactName: "Pat Privacy", ContactPosition: "DPO", ContactEmail: "dpo@vendor.example",
		Measures: "Encryption at rest and in transit", Retention: "Deleted after 30 days"})
	h.must(err)
	return v
}

// Facts are those of an engagement for the house's product, in Ireland.
func (h *House) Facts() vendors.EngagementFacts {
	return vendors.EngagementFacts{Purpose: "Exception monitoring", Nature: "Storage of error reports", Excludable: true,
		DataCategories: []string{"names", "IP addresses"}, DataSubjects: []string{"users of the customer"},
		Products:  []vendors.EngagementProduct{{ProductID: h.Product.ID}},
		Locations: []vendors.Location{{Country: "IE", Kind: vendors.Stored, Transfers: transfers()}}}
}

func transfers() []vendors.Transfer {
	return []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}, {Regime: vendors.UK, Mechanism: vendors.Adequacy},
		{Regime: vendors.Switzerland, Mechanism: vendors.Adequacy}}
}

// Customer adds a customer of the house's product under these terms, with one contact for notices
// at the address (none when it is ""). The customer's and the contact's language is "en".
func (h *House) Customer(name, email string, sheet subscribers.TermSheet) *subscribers.Customer {
	h.t.Helper()
	return h.CustomerIn(name, email, "en", sheet)
}

// CustomerIn is Customer with a language.
func (h *House) CustomerIn(name, email, language string, sheet subscribers.TermSheet) *subscribers.Customer {
	h.t.Helper()
	h.n++
	c := &subscribers.Customer{Name: name, ExternalID: fmt.Sprintf("C-%d", h.n), Role: subscribers.Controller, Region: "eea", Country: "DE",
		TimeZone: sheet.TimeZone, Language: language, ProductIDs: []uuid.UUID{h.Product.ID}}
	h.must(h.Subscribers.CreateCustomer(h.t.Context(), h.Editor, c))
	h.Contract(c, sheet)
	if email != "" {
		h.Contact(c, email, subscribers.RoleNotices)
	}
	return c
}

// Contract adds a contract that has this sheet, signed at the start of 2026.
func (h *House) Contract(c *subscribers.Customer, sheet subscribers.TermSheet) *subscribers.Contract {
	h.t.Helper()
	raw, err := json.Marshal(sheet)
	h.must(err)
	h.n++
	k := &subscribers.Contract{CustomerID: c.ID, Reference: fmt.Sprintf("DPA-%d", h.n), SignedOn: calendar.Date{Year: 2026, Month: 1, Day: 1}}
	_, err = h.Subscribers.AddContract(h.t.Context(), h.Editor, k, subscribers.TermsChoice{Deviations: raw})
	h.must(err)
	return k
}

// Contact adds a contact with these roles.
func (h *House) Contact(c *subscribers.Customer, email string, roles ...string) *subscribers.Contact {
	h.t.Helper()
	k := &subscribers.Contact{CustomerID: c.ID, Name: "Contact of " + c.Name, Email: email, Language: c.Language, Roles: roles}
	h.must(h.Subscribers.AddContact(h.t.Context(), h.Editor, k, subscribers.Consent{How: "named in the contract"}))
	return k
}

// Follower adds somebody who follows the list by email.
func (h *House) Follower(email, language string) *subscribers.Subscription {
	h.t.Helper()
	s := &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: "email", Address: email, Language: language, ConsentHow: "double opt-in"}
	h.must(h.Subscribers.Subscribe(h.t.Context(), h.Editor, s))
	return s
}

// Hooks adds a webhook of the customer at each address, all with one statement: subscribing one by
// one would take the test's time.
func (h *House) Hooks(c *subscribers.Customer, addresses []string) {
	h.t.Helper()
	ring, err := secrets.ParseKeyRing(h.Keys)
	h.must(err)
	box := ring.Box("subscription") // the vault's
	ids, sealed := make([]uuid.UUID, len(addresses)), make([][]byte, len(addresses))
	for i := range addresses {
		ids[i] = secrets.ID()
		sealed[i] = box.Seal([]byte("whsec_"+base64.StdEncoding.EncodeToString(secrets.Bytes(24))), ids[i][:])
	}
	_, err = h.DB.Pool().Exec(h.t.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, secret, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select id, $1, 'contract', 'webhook', address, secret, 'en', 'active', $2, 'test', $2, $2, $2 from unnest($3::uuid[], $4::text[], $5::bytea[]) t (id, address, secret)`,
		c.ID, h.DB.Now(), ids, addresses, sealed)
	h.must(err)
	if _, err := h.Vault.Open(ids[0], sealed[0]); err != nil {
		h.t.Fatal(err)
	}
}

// Sheet is a plain term sheet: so many calendar days of notice and objection, from sending.
func Sheet(days int) subscribers.TermSheet {
	s := subscribers.Standard(days, "Europe/Berlin")
	s.Clause = "DPA § 7(2)"
	return s
}

// Addition is a proposal to engage the vendor, planned for a day so many days from now.
func (h *House) Addition(v *vendors.Vendor, inDays int) *changes.Proposal {
	return &changes.Proposal{Kind: changes.Addition, VendorID: v.ID, Facts: h.Facts(), Reason: "We need to see errors\nbefore our customers do.",
		Safeguards: "Data are pseudonymised first.", EffectiveOn: calendar.DateOf(h.Clock.Now(), berlin).AddDays(inDays)}
}

// Approved drafts, submits and approves a change.
func (h *House) Approved(p *changes.Proposal) *changes.Change {
	h.t.Helper()
	c, err := h.Changes.Draft(h.t.Context(), h.Editor, "", p)
	h.must(err)
	h.must(h.Changes.Submit(h.t.Context(), h.Editor, c.ID))
	h.must(h.Changes.Approve(h.t.Context(), h.Approver, c.ID, 0))
	return c
}

// Announced is Approved, then announced.
func (h *House) Announced(p *changes.Proposal) *changes.Change {
	h.t.Helper()
	c := h.Approved(p)
	h.must(h.Changes.Announce(h.t.Context(), h.Approver, c.ID))
	return c
}

var berlin = (&publisher.Settings{TimeZone: "Europe/Berlin"}).Zone()
