package public_test

import (
	"testing"
	"time"

	"fairnotice/internal/changes"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// Whatever changes a page shows at once, although the page was kept: by each way of writing, and by
// the clock. get compares each answer with one that is drawn anew.
func TestKeptPagesHoldNoLongerThanTheyAreTrue(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	v, err := h.vendors.CreateVendor(ctx, h.who, vendors.VendorFacts{LegalName: "Aard Inc.", Country: "US"})
	h.ok(err)
	below, err := h.vendors.CreateVendor(ctx, h.who, vendors.VendorFacts{LegalName: "Beneath Ltd", Country: "IE"})
	h.ok(err)
	facts := vendors.EngagementFacts{Purpose: "Mail", DataCategories: []string{"Names"}, Locations: []vendors.Location{{Country: "US", Kind: vendors.Stored}}}
	var (
		engagement *vendors.Engagement
		cert       *vendors.Certification
		link       *vendors.ChainLink
		change     *changes.Change
	)
	const list, entry, upcoming = "/", "/subprocessors/aard-inc", "/changes"
	steps := []struct {
		what, on string
		do       func()
	}{
		{"an engagement is recorded", list, func() {
			engagement, err = h.vendors.RecordEngagement(ctx, h.who, v.ID, day("2026-01-01"), facts)
			h.ok(err)
		}},
		{"an engagement is corrected", list, func() {
			facts.Purpose = "Parcels"
			h.ok(h.vendors.CorrectEngagement(ctx, h.who, engagement.ID, engagement.Version, facts, "misread"))
		}},
		{"a certification is added", list, func() {
			cert, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2022", IssuedOn: day("2025-01-01"), ExpiresOn: day("2026-12-31")})
			h.ok(err)
		}},
		{"a certification is checked", entry, func() { h.ok(h.vendors.CheckCertification(ctx, h.who, cert.ID, cert.Version)) }},
		{"a certification is removed", entry, func() { h.ok(h.vendors.RemoveCertification(ctx, h.who, cert.ID, cert.Version+1)) }},
		{"a vendor is edited", list, func() {
			h.ok(h.vendors.EditVendor(ctx, h.who, v.ID, v.Version, vendors.VendorFacts{LegalName: "Aard GmbH", Country: "DE"}, "moved"))
		}},
		{"a link is added", entry, func() {
			link, err = h.vendors.AddLink(ctx, h.who, v.ID, below.ID, "Hosting", day("2026-01-01"))
			h.ok(err)
		}},
		{"a link is removed", entry, func() { h.ok(h.vendors.RemoveLink(ctx, h.who, link.ID)) }},
		{"a product is added", list, func() { h.ok(h.publisher.AddProduct(ctx, h.who, &publisher.Product{Slug: "novel", Name: "Novelty"})) }},
		{"the publisher is renamed", upcoming, func() {
			pub, err := h.publisher.Get(ctx)
			h.ok(err)
			pub.LegalName = "Südlicht GmbH"
			h.ok(h.publisher.Save(ctx, h.who, pub))
		}},
		{"a change is announced", list, func() { change = h.addition(); h.announce(change) }},
		{"the objection period ends", list, func() {
			var ends time.Time
			h.ok(h.db.Pool().QueryRow(ctx, "select min(objection_ends_at) from windows").Scan(&ends))
			h.clock.Set(ends.Add(-time.Second))
			h.page(list, 200)
			h.clock.Set(ends)
		}},
		{"the planned day comes", list, func() { h.clock.Set(time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)) }},
		{"a change is withdrawn", upcoming, func() { h.ok(h.changes.Withdraw(ctx, h.who, change.ID, "not needed")) }},
	}
	for _, s := range steps {
		before := h.get(s.on).Body.String() // kept from here
		s.do()
		if h.get(s.on).Body.String() == before {
			t.Errorf("%s: %s reads as before", s.what, s.on)
		}
	}
}

// A page with a message for one reader is that reader's alone.
func TestMessagesAreNotKept(t *testing.T) {
	h := filled(t)
	const flash = "fairnotice_flash=eyJUIjoib2siLCJLIjoicHVibGljLm5hdi5saXN0In0" // {"T":"ok","K":"public.nav.list"}
	plain := h.get("/").Body.String()
	if h.get("/", "Cookie", flash).Body.String() == plain {
		t.Fatal("the message isn't shown")
	}
	if h.get("/").Body.String() != plain {
		t.Error("the page is another after somebody's message")
	}
	if w := h.get("/"); w.Header().Get("Set-Cookie") != "" {
		t.Error("a kept page sets a cookie")
	}
}

// Where the database was put back to an earlier state, so are the pages.
func TestKeptPagesOfAnotherRecord(t *testing.T) {
	h := filled(t)
	before := h.get("/").Body.String()
	_, err := h.vendors.RecordEngagement(t.Context(), h.who, h.sample.Vendors[h.sample.Candidate], day("2026-01-01"), h.sample.CandidateFacts)
	h.ok(err)
	if h.get("/").Body.String() == before {
		t.Fatal("nothing changed")
	}
	// As a restored backup would: a later entry and what it recorded are gone.
	_, err = h.db.Pool().Exec(t.Context(), `
		alter table ledger_entries disable trigger user; alter table ledger_bodies disable trigger user;
		create temporary table gone as select max(seq) as seq from ledger_entries;
		delete from ledger_bodies where seq in (select seq from gone); delete from ledger_entries where seq in (select seq from gone);
		update engagement_versions set valid = 'empty' where recorded_at = (select max(recorded_at) from engagement_versions) and purpose = '`+h.sample.CandidateFacts.Purpose+`';
		drop table gone`)
	h.ok(err)
	if h.get("/").Body.String() != before {
		t.Error("the page shows what the database doesn't hold any more")
	}
}
