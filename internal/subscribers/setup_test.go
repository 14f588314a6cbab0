package subscribers_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// house is a database with two products and a member of staff.
type house struct {
	*subscribers.Service
	t         *testing.T
	db        *database.DB
	clock     *databasetest.Clock
	links     *subscribers.Links
	ring      *secrets.KeyRing
	who       actor.Actor
	desk, hub uuid.UUID
	made      int
}

// testRules allow plain http on loopback, and one more host of Slack's.
var testRules = subscribers.AddressRules{SlackHosts: []string{"127.0.0.1:8030"}, PlainHTTP: func(host string) bool { return host == "127.0.0.1" }}

func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	db, clock := databasetest.New(t)
	ring, err := secrets.ParseKeyRing(secrets.NewKey("b") + "," + secrets.NewKey("a"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Service: subscribers.New(db, subscribers.NewVault(ring), testRules), t: t, db: db, clock: clock, ring: ring, links: subscribers.NewLinks(db, ring)}
	h.who = actor.Actor{Kind: actor.Staff, ID: h.staff("Erika Muster"), Role: actor.Editor}
	h.desk, h.hub = h.product("desk", "Desk"), h.product("hub", "Hub")
	// Whatever a test did, the record of it holds.
	t.Cleanup(func() {
		// The test's own context is over by now.
		if n, err := ledger.Verify(context.WithoutCancel(t.Context()), db); err != nil || n == 0 {
			t.Errorf("the ledger has %d entries, %v", n, err)
		}
	})
	return h
}

func (h *house) staff(name string) uuid.UUID {
	h.t.Helper()
	id := secrets.ID()
	h.exec(`insert into accounts (id, email, name, role, password_hash, created_at, updated_at)
		values ($1, $2, $3, 'editor', '-', now(), now())`, id, strings.ReplaceAll(name, " ", ".")+"@publisher.example", name)
	return id
}

func (h *house) product(slug, name string) uuid.UUID {
	h.t.Helper()
	p := &publisher.Product{Slug: slug, Name: name}
	h.ok(publisher.New(h.db).AddProduct(h.t.Context(), actor.ForSystem(), p))
	return p.ID
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	_, err := h.db.Pool().Exec(h.t.Context(), query, args...)
	h.ok(err)
}

// refused wants the database itself to refuse a statement, for the constraint named.
func (h *house) refused(constraint, query string, args ...any) {
	h.t.Helper()
	_, err := h.db.Pool().Exec(h.t.Context(), query, args...)
	if got, ok := database.Violates(err); !ok || got != constraint {
		h.t.Errorf("want a refusal by %s, got %v", constraint, err)
	}
}

func (h *house) in(fn func(tx *database.Tx) error) {
	h.t.Helper()
	h.ok(h.db.Transact(h.t.Context(), fn))
}

func (h *house) newCustomer() *subscribers.Customer {
	h.made++
	n := string(rune('A' + h.made - 1))
	return &subscribers.Customer{Name: "Customer " + n, ExternalID: "ext-" + n, Role: subscribers.Controller, Region: "eea",
		Country: "DE", TimeZone: "Europe/Berlin", Language: "de", ProductIDs: []uuid.UUID{h.desk}}
}

func (h *house) customer(change func(*subscribers.Customer)) *subscribers.Customer {
	h.t.Helper()
	c := h.newCustomer()
	if change != nil {
		change(c)
	}
	h.ok(h.CreateCustomer(h.t.Context(), h.who, c))
	return c
}

func newContact(c *subscribers.Customer, email string, roles ...string) *subscribers.Contact {
	return &subscribers.Contact{CustomerID: c.ID, Name: "Kim Example", Email: email, Language: "en", Roles: roles}
}

func (h *house) contact(c *subscribers.Customer, email string, roles ...string) *subscribers.Contact {
	h.t.Helper()
	k := newContact(c, email, roles...)
	h.ok(h.AddContact(h.t.Context(), h.who, k, subscribers.Consent{}))
	return k
}

func (h *house) subscriptions(c *subscribers.Customer) []subscribers.SubscriptionRow {
	h.t.Helper()
	page, err := h.Subscriptions(h.t.Context(), subscribers.SubscriptionFilter{Customer: c.ID})
	h.ok(err)
	return page.Rows
}

func (h *house) contract(c *subscribers.Customer, reference, signed, deviations string, template *subscribers.Template) *subscribers.Contract {
	h.t.Helper()
	k := &subscribers.Contract{CustomerID: c.ID, Reference: reference, SignedOn: day(h.t, signed)}
	choice := subscribers.TermsChoice{Deviations: json.RawMessage(deviations)}
	if template != nil {
		choice.TemplateVersionID = template.Latest.ID
	}
	_, err := h.AddContract(h.t.Context(), h.who, k, choice)
	h.ok(err)
	return k
}

func (h *house) template(name string, days int) *subscribers.Template {
	h.t.Helper()
	out, err := h.CreateTemplate(h.t.Context(), h.who, name, subscribers.Standard(days, "Europe/Berlin"), "")
	h.ok(err)
	return out
}

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// wantFault wants err to be faults of which the first has this code and field.
func wantFault(t *testing.T, what string, err error, code, field string) {
	t.Helper()
	found := fault.All(err)
	if len(found) == 0 || found[0].Code != code || found[0].Field != field {
		t.Errorf("%s: want %s at %q, got %v", what, code, field, err)
	}
}

// together runs all of fns at once: none can commit before each of them has come as far as it can,
// because the lock under which the ledger is written is held until all of them wait for something.
func (h *house) together(fns ...func()) {
	h.t.Helper()
	hold, err := h.db.Pool().Begin(h.t.Context())
	h.ok(err)
	_, err = hold.Exec(h.t.Context(), "select pg_advisory_xact_lock(7301201826)")
	h.ok(err)
	var wg sync.WaitGroup
	var ended atomic.Int32
	for _, fn := range fns {
		wg.Go(func() {
			defer ended.Add(1)
			fn()
		})
	}
	// Asked outside the transaction: inside one, the first answer would be repeated for ever.
	for waiting := 0; waiting+int(ended.Load()) < len(fns); {
		h.ok(h.db.Pool().QueryRow(h.t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waiting))
	}
	h.ok(hold.Rollback(h.t.Context()))
	wg.Wait()
}
