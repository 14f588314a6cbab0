package vendors_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/vendors"
)

// fixture is a register of a publisher in Berlin, on 22 November 2026 at ten in the morning there.
type fixture struct {
	testing.TB
	*vendors.Service
	db    *database.DB
	clock *databasetest.Clock
	who   actor.Actor
}

var start = day("2026-11-22")

// setup makes the test one that runs beside others: each has its own database.
func setup(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	db, clock := databasetest.New(t)
	err := publisher.New(db).Save(t.Context(), actor.ForSystem(), &publisher.Settings{LegalName: "Nordlicht Software GmbH",
		Country: "DE", PrivacyEmail: "privacy@nordlicht.example", TimeZone: "Europe/Berlin", Language: "en", FourEyes: true})
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{TB: t, Service: vendors.New(db), db: db, clock: clock, who: actor.ForSystem()}
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// later moves the clock by whole days.
func (f *fixture) later(days int) { f.clock.Add(time.Duration(days) * 24 * time.Hour) }

func (f *fixture) today() calendar.Date {
	f.Helper()
	d, err := f.Today(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return d
}

// staff adds an account: the register names who edited.
func (f *fixture) staff(name string, role actor.Role) actor.Actor {
	f.Helper()
	id := secrets.ID()
	_, err := f.db.Pool().Exec(f.Context(), `insert into accounts (id, email, name, role, password_hash, created_at, updated_at)
		values ($1, $2, $3, $4, '', now(), now())`, id, name+"@nordlicht.example", name, string(role))
	if err != nil {
		f.Fatal(err)
	}
	return actor.Actor{Kind: actor.Staff, ID: id, Role: role, Name: name}
}

func (f *fixture) product(slug string) uuid.UUID {
	f.Helper()
	p := &publisher.Product{Slug: slug, Name: "Product " + slug}
	if err := publisher.New(f.db).AddProduct(f.Context(), f.who, p); err != nil {
		f.Fatal(err)
	}
	return p.ID
}

func named(name string) vendors.VendorFacts {
	return vendors.VendorFacts{LegalName: name, Country: "US", Address: "1 Test Street", ContactName: "Test", ContactEmail: "privacy@example.com"}
}

func (f *fixture) vendor(name string) *vendors.Vendor {
	f.Helper()
	v, err := f.CreateVendor(f.Context(), f.who, named(name))
	if err != nil {
		f.Fatal(err)
	}
	return v
}

func purpose(text string) vendors.EngagementFacts { return vendors.EngagementFacts{Purpose: text} }

func (f *fixture) engagement(v *vendors.Vendor, since string, facts vendors.EngagementFacts) *vendors.Engagement {
	f.Helper()
	e, err := f.RecordEngagement(f.Context(), f.who, v.ID, day(since), facts)
	if err != nil {
		f.Fatal(err)
	}
	return e
}

// in runs fn in a transaction of its own.
func (f *fixture) in(fn func(tx *database.Tx) error) error {
	return f.db.Transact(f.Context(), fn)
}

// list is the list of a day as "legal name: purpose".
func (f *fixture) list(on calendar.Date, filter vendors.ListFilter) []string {
	f.Helper()
	entries, err := f.List(f.Context(), on, filter)
	if err != nil {
		f.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.LegalName+": "+e.Purpose)
	}
	return out
}

// faults are the faults of err as "field: code".
func faults(err error) []string {
	out := []string{}
	for _, e := range fault.All(err) {
		out = append(out, e.Field+": "+e.Code)
	}
	return out
}
