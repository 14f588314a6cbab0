package vendors_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

func TestVendorInTime(t *testing.T) {
	f := setup(t)
	v := f.vendor("First")
	f.later(10)
	if err := f.EditVendor(t.Context(), f.who, v.ID, 1, named("Second"), "a new name"); err != nil {
		t.Fatal(err)
	}
	if err := f.EditVendor(t.Context(), f.who, v.ID, 2, named("Second, corrected"), "a slip"); err != nil {
		t.Fatal(err)
	}
	f.later(10)
	if err := f.EditVendor(t.Context(), f.who, v.ID, 3, named("Third"), ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ on, want string }{
		{"1990-01-01", "First"}, {"2026-12-01", "First"},
		{"2026-12-02", "Second, corrected"}, {"2026-12-11", "Second, corrected"},
		{"2026-12-12", "Third"}, {"2100-01-01", "Third"},
	} {
		got, err := f.VendorAsOf(t.Context(), v.ID, day(c.on))
		if err != nil || got.LegalName != c.want {
			t.Errorf("as of %s: %+v, %v; want %q", c.on, got, err, c.want)
		}
	}
	history, err := f.VendorHistory(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range history {
		got = append(got, h.LegalName+" "+h.Valid.String()+" "+h.Note)
	}
	want := []string{"Third [2026-12-12,) ", "Second, corrected [2026-12-02,2026-12-12) a slip", "Second empty a new name", "First (,2026-12-02) "}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
	now, err := f.Vendor(t.Context(), v.Slug)
	if err != nil || now.LegalName != "Third" || now.Version != 4 || now.Slug != "first" {
		t.Errorf("now: %+v, %v", now, err)
	}
	if n, err := ledger.Verify(t.Context(), f.db); err != nil || n != 5 { // the publisher, and four of the vendor
		t.Errorf("ledger: %d entries, %v", n, err)
	}
}

// Facts must come back as they went in, every one of them.
func TestVendorFactsAreKeptWhole(t *testing.T) {
	f := setup(t)
	owner := f.staff("Ada", actor.Editor).ID
	in := vendors.VendorFacts{
		LegalName: "Bjørn & Söhne Åkeri AB", TradeName: "Åkeri", RegistrationNumber: "556000-0001", Address: "Gata 1\nStockholm", Country: "SE",
		Website: "https://example.com/a?b=c", ContactName: "Åsa", ContactPosition: "DPO", ContactEmail: "dpo@example.com", ParentName: "Holding",
		OwnerID: &owner, DPASignedOn: day("2024-02-29"), DPAURL: "https://example.com/dpa", FlowDownConfirmed: true, Delimitation: "who does what",
		Measures: "locks", Retention: "30 days", LastReviewOn: day("2026-01-01"), NextReviewOn: day("2027-01-01"),
	}
	v, err := f.CreateVendor(t.Context(), f.who, in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Vendor(t.Context(), v.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out.VendorFacts); d != "" {
		t.Errorf("facts (-in +out):\n%s", d)
	}
	if out.Slug != "akeri" {
		t.Errorf("slug %q", out.Slug)
	}
	in.TradeName, in.OwnerID, in.DPASignedOn = "", nil, in.NextReviewOn
	if err := f.EditVendor(t.Context(), f.who, v.ID, 1, in, ""); err != nil {
		t.Fatal(err)
	}
	if out, err = f.Vendor(t.Context(), v.ID.String()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out.VendorFacts); d != "" {
		t.Errorf("edited facts (-in +out):\n%s", d)
	}
}

// After the publisher moved from Auckland to Honolulu, today was yesterday already.
func TestVendorEditWhenTheZoneMovedWest(t *testing.T) {
	f := setup(t)
	move := func(zone string) {
		t.Helper()
		p := publisher.New(f.db)
		s, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.TimeZone = zone
		if err := p.Save(t.Context(), f.who, s); err != nil {
			t.Fatal(err)
		}
	}
	v := f.vendor("First")
	e := f.engagement(v, "2026-01-01", purpose("one"))
	move("Pacific/Auckland")
	f.clock.Add(4 * 3600e9) // 13:00 UTC: the 23rd in Auckland, the 22nd in Honolulu
	if err := f.EditVendor(t.Context(), f.who, v.ID, 1, named("Second"), ""); err != nil {
		t.Fatal(err)
	}
	move("Pacific/Honolulu")
	if err := f.EditVendor(t.Context(), f.who, v.ID, 2, named("Third"), ""); err != nil {
		t.Fatal(err)
	}
	if err := f.CorrectEngagement(t.Context(), f.who, e.ID, 1, purpose("two"), "why"); err != nil {
		t.Fatal(err)
	}
	if got := f.list(day("2026-11-22"), vendors.ListFilter{}); !cmp.Equal(got, []string{"First: two"}) {
		t.Errorf("on the 22nd: %v", got)
	}
	if got := f.list(day("2026-11-23"), vendors.ListFilter{}); !cmp.Equal(got, []string{"Third: two"}) {
		t.Errorf("on the 23rd: %v", got)
	}
}

func TestSecondEditorIsToldWhatTheFirstChanged(t *testing.T) {
	f := setup(t)
	ada, ben := f.staff("Ada", actor.Editor), f.staff("Ben", actor.Approver)
	v := f.vendor("Acme")
	mine, theirs := named("Acme"), named("Acme")
	mine.Website, mine.Country = "https://example.com", "IE"
	if err := f.EditVendor(t.Context(), ada, v.ID, 1, mine, ""); err != nil {
		t.Fatal(err)
	}
	theirs.Address = "Overwritten"
	err := f.EditVendor(t.Context(), ben, v.ID, 1, theirs, "")
	if !fault.Is(err, fault.Conflict) || !fault.Has(err, "changed_meanwhile") {
		t.Fatalf("the second editor: %v", err)
	}
	args := fault.All(err)[0].Args
	if args["Who"] != "Ada" || !cmp.Equal(args["What"], []string{"country", "website"}) {
		t.Errorf("told %v", args)
	}
	now, err := f.Vendor(t.Context(), v.Slug)
	if err != nil || now.Address != "1 Test Street" || now.Country != "IE" {
		t.Errorf("after the refused edit: %+v, %v", now, err)
	}
}

// together runs n functions at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range n {
		done.Go(func() {
			ready.Wait()
			errs[i] = fn(i)
		})
	}
	ready.Done()
	done.Wait()
	return errs
}

// winners checks that every loser was told this code, and returns how many won.
func winners(t *testing.T, errs []error, code string) int {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !fault.Has(err, code):
			t.Errorf("a loser was told %v, want %s", err, code)
		}
	}
	return won
}

func TestOfEditsAtOnceOneWins(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	e := f.engagement(v, "2020-01-01", purpose("one"))
	names := []string{"A", "B", "C", "D", "E", "F"}
	errs := together(len(names), func(i int) error { return f.EditVendor(t.Context(), f.who, v.ID, 1, named(names[i]), "") })
	if n := winners(t, errs, "changed_meanwhile"); n != 1 {
		t.Errorf("%d edits of one version won", n)
	}
	errs = together(6, func(i int) error {
		return f.CorrectEngagement(t.Context(), f.who, e.ID, 1, purpose(names[i]), "why")
	})
	if n := winners(t, errs, "changed_meanwhile"); n != 1 {
		t.Errorf("%d corrections of one version won", n)
	}
}

func TestOneLegalNameIsOneVendor(t *testing.T) {
	f := setup(t)
	errs := together(6, func(i int) error {
		_, err := f.CreateVendor(t.Context(), f.who, named([]string{"Straße AG", "STRASSE AG", "straße ag"}[i%3]))
		return err
	})
	if n := winners(t, errs, "duplicate"); n != 2 { // ß and SS are two spellings
		t.Errorf("%d vendors were created", n)
	}
	other := f.vendor("Other AG")
	err := f.EditVendor(t.Context(), f.who, other.ID, 1, named("STRAßE ag"), "")
	if got := faults(err); !cmp.Equal(got, []string{"legal_name: duplicate"}) || !fault.Is(err, fault.Conflict) {
		t.Errorf("taking another's name: %v", err)
	}
	if err := f.EditVendor(t.Context(), f.who, other.ID, 1, named("OTHER ag"), ""); err != nil {
		t.Errorf("respelling one's own name: %v", err)
	}
	if err := f.EditVendor(t.Context(), f.who, other.ID, 2, named("Renamed AG"), ""); err != nil {
		t.Fatal(err)
	}
	f.vendor("Other AG") // free again: only present names count
}

func TestSlugs(t *testing.T) {
	for _, c := range []struct{ trade, legal, want string }{
		{"", "Müller & Söhne GmbH", "mueller-and-soehne-gmbh"},
		{"AWS", "Amazon Web Services, Inc.", "aws"},
		{"", "Łódź Ærø İstanbul", "lodz-aero-istanbul"},
		{"株式会社", "Kabushiki K.K.", "kabushiki-k-k"},
		{"株式会社", "株式会社", "vendor"},
		{"", "  --A--  ", "a"},
		{"", "O'Neill's", "oneills"},
		{"", strings.Repeat("long name ", 20), "long-name-long-name-long-name-long-name-long-name-long-name-l"},
	} {
		if got := vendors.SlugOf(c.trade, c.legal); got != c.want {
			t.Errorf("%q, %q: slug %q, want %q", c.trade, c.legal, got, c.want)
		}
	}
	f := setup(t)
	var got []string
	for _, legal := range []string{"Acme Inc.", "Acme Ltd", "Acme AG"} {
		facts := named(legal)
		facts.TradeName = "Acme"
		got = append(got, must(f.CreateVendor(t.Context(), f.who, facts)).Slug)
	}
	if d := cmp.Diff([]string{"acme", "acme-2", "acme-3"}, got); d != "" {
		t.Errorf("slugs of one trade name (-want +got):\n%s", d)
	}
}

func TestVendorBadInput(t *testing.T) {
	f := setup(t)
	unknown := uuid.New()
	for _, c := range []struct {
		name  string
		spoil func(*vendors.VendorFacts)
		want  string
	}{
		{"no name", func(v *vendors.VendorFacts) { v.LegalName = "  " }, "legal_name: required"},
		{"long name", func(v *vendors.VendorFacts) { v.LegalName = strings.Repeat("é", 201) }, "legal_name: too_long"},
		{"line break in a name", func(v *vendors.VendorFacts) { v.TradeName = "Acme\r\nBcc: all@example.com" }, "trade_name: control_characters"},
		{"NUL", func(v *vendors.VendorFacts) { v.Address = "a\x00b" }, "address: control_characters"},
		{"reversed text", func(v *vendors.VendorFacts) { v.ParentName = "a\u202eb" }, "parent_name: control_characters"},
		{"no UTF-8", func(v *vendors.VendorFacts) { v.Measures = "a\xffb" }, "measures: utf8"},
		{"long text", func(v *vendors.VendorFacts) { v.Retention = strings.Repeat("x", 10001) }, "retention: too_long"},
		{"no country", func(v *vendors.VendorFacts) { v.Country = "" }, "country: required"},
		{"unknown country", func(v *vendors.VendorFacts) { v.Country = "QQ" }, "country: country.unknown"},
		{"website", func(v *vendors.VendorFacts) { v.Website = "www.example.com" }, "website: url.malformed"},
		{"website's scheme", func(v *vendors.VendorFacts) { v.Website = "javascript://example.com" }, "website: url.scheme"},
		{"DPA's address", func(v *vendors.VendorFacts) { v.DPAURL = "https://u:p@example.com" }, "dpa_url: url.credentials"},
		{"email", func(v *vendors.VendorFacts) { v.ContactEmail = "privacy at example.com" }, "contact_email: email.malformed"},
		{"two emails", func(v *vendors.VendorFacts) { v.ContactEmail = "a@example.com, b@example.com" }, "contact_email: email.malformed"},
		{"reviews", func(v *vendors.VendorFacts) { v.LastReviewOn, v.NextReviewOn = day("2026-02-01"), day("2026-01-31") }, "next_review_on: review.before_last"},
		{"owner", func(v *vendors.VendorFacts) { v.OwnerID = &unknown }, "owner_id: account.unknown"},
	} {
		facts := named("Acme")
		c.spoil(&facts)
		_, err := f.CreateVendor(t.Context(), f.who, facts)
		if d := cmp.Diff([]string{c.want}, faults(err)); d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, d)
		}
	}
	page, err := f.ListVendors(t.Context(), vendors.Filter{}, vendors.Page{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("refused input left %d vendors, %v", len(page.Items), err)
	}
	v := f.vendor("Acme")
	err = f.EditVendor(t.Context(), f.who, v.ID, 1, vendors.VendorFacts{}, "a\x00")
	if d := cmp.Diff([]string{"note: control_characters", "legal_name: required", "country: required"}, faults(err)); d != "" {
		t.Errorf("several faults at once (-want +got):\n%s", d)
	}
	if err := f.EditVendor(t.Context(), f.who, uuid.New(), 1, named("Nobody"), ""); !fault.Has(err, "vendor.not_found") {
		t.Errorf("an edit of nobody: %v", err)
	}
	if _, err := f.Vendor(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown slug: %v", err)
	}
}

func TestWhoMayEditTheRegister(t *testing.T) {
	f := setup(t)
	reviewer := f.staff("Rita", actor.Reviewer)
	v := f.vendor("Acme")
	e := f.engagement(v, "2020-01-01", purpose("one"))
	ctx := t.Context()
	for name, try := range map[string]func(who actor.Actor) error{
		"create": func(who actor.Actor) error { _, err := f.CreateVendor(ctx, who, named("New")); return err },
		"edit":   func(who actor.Actor) error { return f.EditVendor(ctx, who, v.ID, 1, named("New"), "") },
		"record": func(who actor.Actor) error {
			_, err := f.RecordEngagement(ctx, who, v.ID, start, purpose("x"))
			return err
		},
		"correct": func(who actor.Actor) error { return f.CorrectEngagement(ctx, who, e.ID, 1, purpose("x"), "why") },
		"link":    func(who actor.Actor) error { _, err := f.AddLink(ctx, who, v.ID, v.ID, "", start); return err },
		"unlink":  func(who actor.Actor) error { return f.RemoveLink(ctx, who, v.ID) },
	} {
		if err := try(reviewer); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s by a reviewer: %v", name, err)
		}
		if err := try(actor.Actor{Kind: actor.Public}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s by anybody: %v", name, err)
		}
	}
	if _, err := f.AddCertification(ctx, reviewer, v.ID, vendors.CertificationFacts{Scheme: "SOC 2"}); err != nil {
		t.Errorf("a reviewer keeps certifications: %v", err)
	}
	if _, err := f.AddCertification(ctx, actor.Actor{Kind: actor.Recipient}, v.ID, vendors.CertificationFacts{Scheme: "SOC 2"}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a recipient adds a certification: %v", err)
	}
}

// The database itself refuses two versions for one day, whatever a program may try.
func TestDatabaseRefusesOverlaps(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	e := f.engagement(v, "2020-01-01", purpose("one"))
	for want, q := range map[string]string{
		"vendor_versions_no_overlap": `insert into vendor_versions (id, vendor_id, valid, legal_name, country, recorded_at)
			values (uuid_v7(), $1, daterange('2020-01-01', '2020-01-02'), 'x', 'DE', now())`,
		"engagement_versions_no_overlap": `insert into engagement_versions (id, engagement_id, valid, purpose, recorded_at)
			values (uuid_v7(), $1, daterange('2025-01-01', null), 'x', now())`,
	} {
		id := v.ID
		if strings.HasPrefix(want, "engagement") {
			id = e.ID
		}
		_, err := f.db.Pool().Exec(t.Context(), q, id)
		if got, _ := database.Violates(err); got != want {
			t.Errorf("%v; want a violation of %s", err, want)
		}
	}
}
