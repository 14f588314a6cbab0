package sample_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/internal/vendors/sample"
)

var today = calendar.Date{Year: 2026, Month: 11, Day: 22}

func setup(t *testing.T) (*vendors.Service, *database.DB, map[string]uuid.UUID) {
	t.Helper()
	db, _ := databasetest.New(t)
	p := publisher.New(db)
	who := actor.ForSystem()
	err := p.Save(t.Context(), who, &publisher.Settings{LegalName: "Nordlicht Software GmbH", Country: "DE",
		PrivacyEmail: "privacy@nordlicht.example", TimeZone: "Europe/Berlin", Language: "en", Fictitious: true})
	if err != nil {
		t.Fatal(err)
	}
	list, err := sample.Products()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]uuid.UUID{}
	for _, x := range list {
		made := &publisher.Product{Slug: x.Slug, Name: x.Name}
		if err := p.AddProduct(t.Context(), who, made); err != nil {
			t.Fatal(err)
		}
		ids[x.Slug] = made.ID
	}
	return vendors.New(db), db, ids
}

func TestLoadTwice(t *testing.T) {
	s, _, products := setup(t)
	first, err := sample.Load(t.Context(), actor.ForSystem(), s, products)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.List(t.Context(), today, vendors.ListFilter{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := sample.Load(t.Context(), actor.ForSystem(), s, products)
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.List(t.Context(), today, vendors.ListFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the list after loading again (-first +second):\n%s", d)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("what is loaded (-first +second):\n%s", d)
	}
	var slugs []string
	for _, e := range before {
		slugs = append(slugs, e.Slug)
	}
	want := []string{"aws", "cloudflare", "google-cloud", "heroku", "braintree", "redis", "slack", "stripe"}
	if d := cmp.Diff(want, slugs); d != "" {
		t.Errorf("list by legal name (-want +got):\n%s", d)
	}
	for slug, id := range first.Vendors {
		if v, err := s.Vendor(t.Context(), slug); err != nil || v.ID != id {
			t.Errorf("%s: the vendor's slug is not the sample's: %v", slug, err)
		}
	}
}

func TestLoadAgainAfterABrokenRun(t *testing.T) {
	s, db, products := setup(t)
	if _, err := sample.Load(t.Context(), actor.ForSystem(), s, products); err != nil {
		t.Fatal(err)
	}
	// The state that a run leaves which broke off among AWS's certifications.
	for _, q := range []string{
		"delete from engagement_versions", "delete from engagements",
		"delete from certifications where scheme <> 'SOC 1'",
	} {
		if _, err := db.Pool().Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := sample.Load(t.Context(), actor.ForSystem(), s, products)
	if err != nil {
		t.Fatal(err)
	}
	aws := loaded.Vendors["aws"]
	certs, err := s.Certifications(t.Context(), aws)
	if err != nil {
		t.Fatal(err)
	}
	var schemes []string
	for _, c := range certs[aws] {
		schemes = append(schemes, c.Scheme)
	}
	if d := cmp.Diff([]string{"FedRAMP", "FISMA", "ISO/IEC 27001", "SOC 1", "SOC 2", "SOC 3"}, schemes); d != "" {
		t.Errorf("certifications of AWS (-want +got):\n%s", d)
	}
	if list, err := s.List(t.Context(), today, vendors.ListFilter{}); err != nil || len(list) != 8 {
		t.Errorf("%d entries, %v; want 8", len(list), err)
	}
}

func TestTheCandidateCanBeAnnounced(t *testing.T) {
	s, db, products := setup(t)
	loaded, err := sample.Load(t.Context(), actor.ForSystem(), s, products)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.Engagements(t.Context(), loaded.Vendors[loaded.Candidate]); err != nil || len(list) != 0 {
		t.Errorf("the candidate has %d engagements, %v", len(list), err)
	}
	err = db.Transact(t.Context(), func(tx *database.Tx) error {
		warnings, err := vendors.Announceable(tx, loaded.Vendors[loaded.Candidate], loaded.CandidateFacts)
		if len(warnings) > 0 {
			t.Errorf("warnings: %v", warnings)
		}
		return err
	})
	if err != nil {
		t.Errorf("announce the candidate: %v", err)
	}
}

func TestEveryMadeUpFactSaysSo(t *testing.T) {
	s, _, products := setup(t)
	if _, err := sample.Load(t.Context(), actor.ForSystem(), s, products); err != nil {
		t.Fatal(err)
	}
	page, err := s.ListVendors(t.Context(), vendors.Filter{}, vendors.Page{})
	if err != nil || len(page.Items) != 9 {
		t.Fatalf("%d vendors, %v", len(page.Items), err)
	}
	for _, v := range page.Items {
		for _, text := range []string{v.Address, v.ContactName, v.ContactPosition, v.Measures, v.Retention, v.Delimitation} {
			if !strings.Contains(text, "fictitious") {
				t.Errorf("%s: %q does not say that it is made up", v.Slug, text)
			}
		}
		if !strings.HasSuffix(v.ContactEmail, "@example.com") {
			t.Errorf("%s: contact %s", v.Slug, v.ContactEmail)
		}
	}
	list, err := s.List(t.Context(), today, vendors.ListFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !strings.Contains(e.Nature, "fictitious") {
			t.Errorf("%s: %q does not say that the rest is made up", e.Slug, e.Nature)
		}
	}
}

func TestHerokuStandsOnAWS(t *testing.T) {
	s, _, products := setup(t)
	loaded, err := sample.Load(t.Context(), actor.ForSystem(), s, products)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := s.Chain(t.Context(), loaded.Vendors["heroku"], calendar.Date{Year: 2018, Month: 5, Day: 25})
	if err != nil || len(chain) != 1 || chain[0].Slug != "aws" {
		t.Errorf("below Heroku: %+v, %v", chain, err)
	}
	entries, err := s.Entries(t.Context(), "heroku", today)
	if err != nil || len(entries) != 1 || entries[0].HostedOn != "AWS" || entries[0].Since.String() != "2018-05-25" {
		t.Errorf("Heroku's entries: %+v, %v", entries, err)
	}
	certs, err := s.Certifications(t.Context(), loaded.Vendors["aws"])
	if err != nil {
		t.Fatal(err)
	}
	all := certs[loaded.Vendors["aws"]]
	if slices.ContainsFunc(all, func(c vendors.Certification) bool { return c.Status(today).State != vendors.Unverified }) || len(all) != 6 {
		t.Errorf("certifications as found on a page must be unverified: %+v", all)
	}
}
