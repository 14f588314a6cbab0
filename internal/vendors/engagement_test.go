package vendors_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

func TestEngagementFactsAreKeptWhole(t *testing.T) {
	f := setup(t)
	v, host := f.vendor("Acme"), f.vendor("Host")
	desk, chat := f.product("desk"), f.product("chat")
	in := vendors.EngagementFacts{
		Purpose: "Hosting", Nature: "Stores\nand serves", Optional: true, Excludable: true,
		DataCategories: []string{`quoted " and {braced}, with comma`, "NULL", "Logs"}, SpecialCategories: []vendors.SpecialCategory{vendors.CriminalOffences, vendors.Health},
		DataSubjects: []string{"Staff"}, Regions: []publisher.Region{"ch", "eea"}, HostingVendorID: &host.ID,
		Products: []vendors.EngagementProduct{{ProductID: chat, Plan: "Pro"}, {ProductID: chat, Plan: "Team"}, {ProductID: desk}},
		Locations: []vendors.Location{
			{Country: "DE", Kind: vendors.Stored, Transfers: []vendors.Transfer{
				{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}, {Regime: vendors.Switzerland, Mechanism: vendors.Adequacy}}},
			{Country: "US", Kind: vendors.Stored, Transfers: []vendors.Transfer{
				{Regime: vendors.EEA, Mechanism: vendors.DPF, AssessedOn: day("2026-01-02")}, {Regime: vendors.UK, Mechanism: vendors.DPFUK},
				{Regime: vendors.Switzerland, Mechanism: vendors.DPFSwiss}}},
			{Country: "US", Kind: vendors.Accessed, Transfers: []vendors.Transfer{}},
		},
		Note: "first load",
	}
	e := f.engagement(v, "2020-01-01", in)
	want := in
	want.Products = []vendors.EngagementProduct{
		{ProductID: chat, Plan: "Pro", Slug: "chat", Name: "Product chat"}, {ProductID: chat, Plan: "Team", Slug: "chat", Name: "Product chat"},
		{ProductID: desk, Slug: "desk", Name: "Product desk"}}
	if d := cmp.Diff(want, e.EngagementFacts); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	// What was read can be written again as it is.
	if err := f.CorrectEngagement(t.Context(), f.who, e.ID, 1, e.EngagementFacts, "nothing new"); err != nil {
		t.Fatal(err)
	}
	again, err := f.Engagement(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	want.Note = "nothing new"
	if d := cmp.Diff(want, again.EngagementFacts); d != "" {
		t.Errorf("facts written again (-want +got):\n%s", d)
	}
	entry := must(f.Entries(t.Context(), v.Slug, start))[0]
	if entry.HostedOn != "Host" || entry.HostedOnSlug != "host" {
		t.Errorf("hosted on %q, %q", entry.HostedOn, entry.HostedOnSlug)
	}
	byID, err := f.Facts(t.Context(), e.VersionID, again.VersionID, uuid.New())
	if err != nil || len(byID) != 2 || byID[e.VersionID].Note != "first load" {
		t.Errorf("facts by version: %v, %v", byID, err)
	}
}

func TestEngagementInTime(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	e := f.engagement(v, "2024-03-01", purpose("one"))
	f.later(5)
	if err := f.CorrectEngagement(t.Context(), f.who, e.ID, 1, purpose("two"), "the page was wrong"); err != nil {
		t.Fatal(err)
	}
	f.later(5)
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, e.ID, day("2026-12-10")) }); err != nil {
		t.Fatal(err)
	}
	// A correction of what is to end anyway doesn't bring it back.
	if err := f.CorrectEngagement(t.Context(), f.who, e.ID, 3, purpose("three"), "again"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ on, want string }{
		{"2024-02-29", ""}, {"2024-03-01", "Acme: one"}, {"2026-11-26", "Acme: one"}, {"2026-11-27", "Acme: two"},
		{"2026-12-01", "Acme: two"}, {"2026-12-02", "Acme: three"}, {"2026-12-09", "Acme: three"}, {"2026-12-10", ""}, {"2100-01-01", ""},
	} {
		if got := strings.Join(f.list(day(c.on), vendors.ListFilter{}), ""); got != c.want {
			t.Errorf("list of %s: %q, want %q", c.on, got, c.want)
		}
	}
	entry := must(f.Entries(t.Context(), v.Slug, day("2026-12-09")))[0]
	if entry.Since != day("2024-03-01") {
		t.Errorf("since %s", entry.Since)
	}
	f.later(10)
	err := f.CorrectEngagement(t.Context(), f.who, e.ID, 4, purpose("four"), "too late")
	if d := cmp.Diff([]string{": engagement.not_in_effect"}, faults(err)); d != "" {
		t.Errorf("a correction after the end (-want +got):\n%s", d)
	}
	last, err := f.Engagement(t.Context(), e.ID)
	if err != nil || last.Purpose != "three" || last.Valid.To != day("2026-12-10") {
		t.Errorf("an ended engagement: %+v, %v", last, err)
	}
}

func TestEngagementBadInput(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	unknown := uuid.New()
	us := func(transfers ...vendors.Transfer) []vendors.Location {
		return []vendors.Location{{Country: "US", Kind: vendors.Stored, Transfers: transfers}}
	}
	for _, c := range []struct {
		name  string
		spoil func(*vendors.EngagementFacts)
		want  string
	}{
		{"no purpose", func(e *vendors.EngagementFacts) { e.Purpose = " " }, "purpose: required"},
		{"line break", func(e *vendors.EngagementFacts) { e.Purpose = "a\nb" }, "purpose: control_characters"},
		{"long", func(e *vendors.EngagementFacts) { e.Purpose = strings.Repeat("x", 501) }, "purpose: too_long"},
		{"category", func(e *vendors.EngagementFacts) { e.DataCategories = []string{"a\x1bb"} }, "data_categories: control_characters"},
		{"special category", func(e *vendors.EngagementFacts) { e.SpecialCategories = []vendors.SpecialCategory{"secrets"} }, "special_categories: choice.unknown"},
		{"region", func(e *vendors.EngagementFacts) { e.Regions = []publisher.Region{"mars"} }, "regions: choice.unknown"},
		{"product", func(e *vendors.EngagementFacts) { e.Products = []vendors.EngagementProduct{{ProductID: unknown}} }, "products: product.unknown"},
		{"no product's ID", func(e *vendors.EngagementFacts) { e.Products = []vendors.EngagementProduct{{Plan: "Pro"}} }, "products: product.unknown"},
		{"host", func(e *vendors.EngagementFacts) { e.HostingVendorID = &unknown }, "hosting_vendor_id: vendor.unknown"},
		{"country", func(e *vendors.EngagementFacts) {
			e.Locations = []vendors.Location{{Country: "QQ", Kind: vendors.Stored}}
		}, "locations.0.country: country.unknown"},
		{"kind", func(e *vendors.EngagementFacts) { e.Locations = []vendors.Location{{Country: "DE", Kind: "seen"}} }, "locations.0.kind: choice.unknown"},
		{"twice", func(e *vendors.EngagementFacts) { e.Locations = append(us(), us()...) }, "locations.1.country: location.twice"},
		{"regime", func(e *vendors.EngagementFacts) {
			e.Locations = us(vendors.Transfer{Regime: "us", Mechanism: vendors.BCR})
		}, "locations.0.transfers: choice.unknown"},
		{"mechanism of another regime", func(e *vendors.EngagementFacts) {
			e.Locations = us(vendors.Transfer{Regime: vendors.UK, Mechanism: vendors.DPF})
		}, "locations.0.transfers.gb: choice.unknown"},
		{"EU clauses for the UK", func(e *vendors.EngagementFacts) {
			e.Locations = us(vendors.Transfer{Regime: vendors.UK, Mechanism: vendors.SCC2})
		}, "locations.0.transfers.gb: choice.unknown"},
		{"no mechanism", func(e *vendors.EngagementFacts) { e.Locations = us(vendors.Transfer{Regime: vendors.EEA}) }, "locations.0.transfers.eea: required"},
		{"none needed abroad", func(e *vendors.EngagementFacts) {
			e.Locations = us(vendors.Transfer{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded})
		}, "locations.0.transfers.eea: transfer.needs_mechanism"},
		{"regime twice", func(e *vendors.EngagementFacts) {
			e.Locations = us(vendors.Transfer{Regime: vendors.EEA, Mechanism: vendors.BCR}, vendors.Transfer{Regime: vendors.EEA, Mechanism: vendors.DPF})
		}, "locations.0.transfers.eea: transfer.twice"},
		{"too many", func(e *vendors.EngagementFacts) { e.Locations = make([]vendors.Location, 251) }, "locations: list.too_long"},
	} {
		facts := purpose("x")
		c.spoil(&facts)
		_, err := f.RecordEngagement(t.Context(), f.who, v.ID, start, facts)
		if d := cmp.Diff([]string{c.want}, faults(err)); d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, d)
		}
	}
	if _, err := f.RecordEngagement(t.Context(), f.who, v.ID, start.AddDays(1), purpose("x")); !fault.Has(err, "engagement.needs_change") {
		t.Errorf("an engagement of tomorrow: %v", err)
	}
	if _, err := f.RecordEngagement(t.Context(), f.who, v.ID, calendar.Date{}, purpose("x")); !cmp.Equal(faults(err), []string{"since: required"}) {
		t.Errorf("an engagement since never: %v", err)
	}
	if _, err := f.RecordEngagement(t.Context(), f.who, unknown, start, purpose("x")); !cmp.Equal(faults(err), []string{"vendor_id: vendor.unknown"}) {
		t.Errorf("an engagement of nobody: %v", err)
	}
	if got, err := f.Engagements(t.Context(), v.ID); err != nil || len(got) != 0 {
		t.Errorf("refused input left %d engagements, %v", len(got), err)
	}
	e := f.engagement(v, "2020-01-01", purpose("x"))
	if err := f.CorrectEngagement(t.Context(), f.who, e.ID, 1, purpose("y"), "  "); !cmp.Equal(faults(err), []string{"note: required"}) {
		t.Errorf("a correction without a note: %v", err)
	}
	if err := f.CorrectEngagement(t.Context(), f.who, unknown, 1, purpose("y"), "why"); !fault.Has(err, "engagement.not_found") {
		t.Errorf("a correction of nothing: %v", err)
	}
}

func TestNoMechanismIsNeededAtHome(t *testing.T) {
	for _, c := range []struct {
		regime  vendors.Regime
		country string
		inside  bool
	}{
		{vendors.EEA, "DE", true}, {vendors.EEA, "NO", true}, {vendors.EEA, "RE", true}, {vendors.EEA, "GB", false}, {vendors.EEA, "CH", false},
		{vendors.UK, "GB", true}, {vendors.UK, "IE", false}, {vendors.UK, "JE", false}, {vendors.Switzerland, "CH", true}, {vendors.Switzerland, "LI", false},
	} {
		l := vendors.Location{Country: c.country, Kind: vendors.Stored, Transfers: []vendors.Transfer{{Regime: c.regime, Mechanism: vendors.NoneNeeded}}}
		if err := l.Validate(); (err == nil) != c.inside {
			t.Errorf("none needed from %s to %s: %v", c.regime, c.country, err)
		}
	}
}

func TestDraftLifeAddition(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	var engagement, version uuid.UUID
	err := f.in(func(tx *database.Tx) (err error) {
		engagement, version, err = vendors.DraftEngagement(tx, f.who, v.ID, purpose("draft"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.list(day("2030-01-01"), vendors.ListFilter{}); len(got) != 0 {
		t.Errorf("a draft is on the list: %v", got)
	}
	desk := f.product("desk")
	better := vendors.EngagementFacts{Purpose: "better", Products: []vendors.EngagementProduct{{ProductID: desk}},
		Locations: []vendors.Location{{Country: "DE", Kind: vendors.Stored}}}
	for range 2 { // the lists are replaced, not added to
		if err := f.in(func(tx *database.Tx) error { return vendors.ReplaceDraft(tx, f.who, version, better) }); err != nil {
			t.Fatal(err)
		}
	}
	err = f.in(func(tx *database.Tx) error {
		facts, err := vendors.FactsOf(tx, version)
		if err != nil {
			return err
		}
		if facts.Purpose != "better" || len(facts.Products) != 1 || len(facts.Locations) != 1 {
			t.Errorf("the draft's facts: %+v", facts)
		}
		_, err = vendors.InEffect(tx, engagement, start)
		if !fault.Has(err, "engagement.not_in_effect") {
			t.Errorf("a draft in effect: %v", err)
		}
		entries, err := vendors.EntriesOfVersions(tx, start, version)
		if e := entries[version]; e.LegalName != "Acme" || e.Purpose != "better" || !e.Since.IsZero() || e.Products[0].Name != "Product desk" {
			t.Errorf("the draft as an entry: %+v", e)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.Activate(tx, f.who, version, start.AddDays(3)) }); err != nil {
		t.Fatal(err)
	}
	if got := f.list(start.AddDays(2), vendors.ListFilter{}); len(got) != 0 {
		t.Errorf("on the day before: %v", got)
	}
	if got := f.list(start.AddDays(3), vendors.ListFilter{}); !cmp.Equal(got, []string{"Acme: better"}) {
		t.Errorf("on the day: %v", got)
	}
	for name, try := range map[string]func(tx *database.Tx) error{
		"replaced":  func(tx *database.Tx) error { return vendors.ReplaceDraft(tx, f.who, version, purpose("late")) },
		"dropped":   func(tx *database.Tx) error { return vendors.DropDraft(tx, f.who, version) },
		"activated": func(tx *database.Tx) error { return vendors.Activate(tx, f.who, version, start) },
	} {
		if err := f.in(try); !fault.Has(err, "draft.in_effect") {
			t.Errorf("what is in effect was %s: %v", name, err)
		}
	}
	if n, err := ledger.Verify(t.Context(), f.db); err != nil || n != 7 { // publisher, product, vendor, 3 of the draft, activation
		t.Errorf("ledger: %d entries, %v", n, err)
	}
}

func TestDraftOfAChange(t *testing.T) {
	f := setup(t)
	e := f.engagement(f.vendor("Acme"), "2020-01-01", purpose("one"))
	var version uuid.UUID
	err := f.in(func(tx *database.Tx) (err error) {
		version, err = vendors.DraftVersion(tx, f.who, e.ID, purpose("two"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	now, err := f.Engagement(t.Context(), e.ID)
	if err != nil || now.Purpose != "one" || now.Version != 1 {
		t.Errorf("with a draft beside it: %+v, %v", now, err)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.Activate(tx, f.who, version, start) }); err != nil {
		t.Fatal(err)
	}
	err = f.CorrectEngagement(t.Context(), f.who, e.ID, 1, purpose("overwritten"), "why")
	if !fault.Has(err, "changed_meanwhile") || !cmp.Equal(fault.All(err)[0].Args["What"], []string{"from", "purpose", "version_id"}) {
		t.Errorf("an edit of what a change has replaced: %v, %v", err, fault.All(err)[0].Args)
	}
	if got := f.list(start.AddDays(-1), vendors.ListFilter{}); !cmp.Equal(got, []string{"Acme: one"}) {
		t.Errorf("the day before: %v", got)
	}
	if got := f.list(start, vendors.ListFilter{}); !cmp.Equal(got, []string{"Acme: two"}) {
		t.Errorf("the day: %v", got)
	}
	history, err := f.EngagementHistory(t.Context(), e.ID)
	if err != nil || len(history) != 2 {
		t.Errorf("history: %+v, %v", history, err)
	}
}

func TestDroppedDraftLeavesNothing(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	kept := f.engagement(v, "2020-01-01", purpose("kept"))
	err := f.in(func(tx *database.Tx) error {
		_, version, err := vendors.DraftEngagement(tx, f.who, v.ID, purpose("dropped"))
		if err != nil {
			return err
		}
		if err := vendors.DropDraft(tx, f.who, version); err != nil {
			return err
		}
		beside, err := vendors.DraftVersion(tx, f.who, kept.ID, purpose("dropped, too"))
		if err != nil {
			return err
		}
		return vendors.DropDraft(tx, f.who, beside)
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := f.Engagements(t.Context(), v.ID)
	if err != nil || len(left) != 1 || left[0].ID != kept.ID || left[0].Purpose != "kept" {
		t.Errorf("left: %+v, %v", left, err)
	}
	if h, err := f.EngagementHistory(t.Context(), kept.ID); err != nil || len(h) != 1 {
		t.Errorf("history: %+v, %v", h, err)
	}
}

func TestWhatEndedDoesNotComeBack(t *testing.T) {
	f := setup(t)
	e := f.engagement(f.vendor("Acme"), "2020-01-01", purpose("one"))
	var version uuid.UUID
	err := f.in(func(tx *database.Tx) (err error) {
		if version, err = vendors.DraftVersion(tx, f.who, e.ID, purpose("two")); err != nil {
			return err
		}
		return vendors.End(tx, f.who, e.ID, start)
	})
	if err != nil {
		t.Fatal(err)
	}
	activate := func(on calendar.Date) error {
		return f.in(func(tx *database.Tx) error { return vendors.Activate(tx, f.who, version, on) })
	}
	if err := activate(start.AddDays(1)); !fault.Has(err, "engagement.not_in_effect") {
		t.Errorf("activated after the end: %v", err)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, e.ID, start) }); !fault.Has(err, "engagement.not_in_effect") {
		t.Errorf("ended twice: %v", err)
	}
	if err := activate(start); err != nil { // no day between: it goes on
		t.Errorf("activated on the day of the end: %v", err)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, uuid.New(), start) }); !fault.Has(err, "engagement.not_found") {
		t.Errorf("the end of nothing: %v", err)
	}
}

func TestAnnounceable(t *testing.T) {
	f := setup(t)
	whole := func() vendors.EngagementFacts {
		return vendors.EngagementFacts{Purpose: "x", Regions: []publisher.Region{"eea", "us"}, Locations: []vendors.Location{
			{Country: "DE", Kind: vendors.Stored, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}}},
			{Country: "US", Kind: vendors.Accessed, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC3}}}}}
	}
	good := f.vendor("Good")
	bare := must(f.CreateVendor(t.Context(), f.who, vendors.VendorFacts{LegalName: "Bare", Country: "US"}))
	half := named("Half")
	half.Address = ""
	halfV := must(f.CreateVendor(t.Context(), f.who, half))
	chained := f.vendor("Chained")
	for _, link := range [][2]uuid.UUID{{chained.ID, good.ID}, {good.ID, halfV.ID}} {
		must(f.AddLink(t.Context(), f.who, link[0], link[1], "", start))
	}
	edit := func(change func(*vendors.EngagementFacts)) vendors.EngagementFacts {
		facts := whole()
		change(&facts)
		return facts
	}
	for _, c := range []struct {
		name             string
		vendor           uuid.UUID
		facts            vendors.EngagementFacts
		faults, warnings []string
	}{
		{"whole", bare.ID, whole(), []string{"vendor.address: announce.vendor_without_address", "vendor.contact_email: announce.vendor_without_contact"}, []string{}},
		{"a fourth party without address", chained.ID, whole(), []string{}, []string{"chain: fourth_party.without_address"}},
		{"the host counts as one", good.ID, edit(func(e *vendors.EngagementFacts) { e.HostingVendorID = &bare.ID }), []string{},
			[]string{"hosting_vendor_id: fourth_party.without_address", "hosting_vendor_id: fourth_party.without_contact", "chain: fourth_party.without_address"}},
		{"every region", chained.ID, edit(func(e *vendors.EngagementFacts) { e.Regions = nil }), []string{
			"locations.0.transfers.gb: announce.without_mechanism", "locations.0.transfers.ch: announce.without_mechanism",
			"locations.1.transfers.gb: announce.without_mechanism", "locations.1.transfers.ch: announce.without_mechanism"}, []string{"chain: fourth_party.without_address"}},
		{"no exporting regime", halfV.ID, edit(func(e *vendors.EngagementFacts) {
			e.Regions = []publisher.Region{"us"}
			e.Locations[0].Transfers = nil
		}), []string{"vendor.address: announce.vendor_without_address"}, []string{}},
		{"no purpose, no location", good.ID, vendors.EngagementFacts{}, []string{"purpose: announce.without_purpose"},
			[]string{"chain: fourth_party.without_address", "locations: announce.no_location"}},
	} {
		err := f.in(func(tx *database.Tx) error {
			warnings, err := vendors.Announceable(tx, c.vendor, c.facts)
			if d := cmp.Diff(c.faults, faults(err)); d != "" {
				t.Errorf("%s: faults (-want +got):\n%s", c.name, d)
			}
			if d := cmp.Diff(c.warnings, faults(warnings)); d != "" {
				t.Errorf("%s: warnings (-want +got):\n%s", c.name, d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
