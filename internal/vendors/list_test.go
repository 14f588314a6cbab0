package vendors_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

func TestListFilters(t *testing.T) {
	f := setup(t)
	desk, chat := f.product("desk"), f.product("chat")
	only := func(text string, regions []publisher.Region, products ...vendors.EngagementProduct) vendors.EngagementFacts {
		return vendors.EngagementFacts{Purpose: text, Regions: regions, Products: products}
	}
	alpha, beta := f.vendor("Alpha"), f.vendor("Beta")
	f.engagement(alpha, "2020-01-01", only("Hosting", nil))
	f.engagement(alpha, "2020-01-01", only("Email", []publisher.Region{"eea", "gb"}, vendors.EngagementProduct{ProductID: desk}))
	f.engagement(beta, "2020-01-01", only("Payments, 100% online", []publisher.Region{"us"}, vendors.EngagementProduct{ProductID: chat, Plan: "Pro"}, vendors.EngagementProduct{ProductID: chat, Plan: "Team"}))
	f.vendor("Unused")
	cert := must(f.AddCertification(t.Context(), f.who, beta.ID, vendors.CertificationFacts{Scheme: "SOC 2"}))
	for _, c := range []struct {
		filter vendors.ListFilter
		want   []string
	}{
		{vendors.ListFilter{}, []string{"Alpha: Email", "Alpha: Hosting", "Beta: Payments, 100% online"}},
		{vendors.ListFilter{Query: "ALPHA"}, []string{"Alpha: Email", "Alpha: Hosting"}},
		{vendors.ListFilter{Query: " host "}, []string{"Alpha: Hosting"}},
		{vendors.ListFilter{Query: "0%"}, []string{"Beta: Payments, 100% online"}},
		{vendors.ListFilter{Query: "_"}, []string{}},
		{vendors.ListFilter{Product: "desk"}, []string{"Alpha: Email", "Alpha: Hosting"}},
		{vendors.ListFilter{Product: "chat"}, []string{"Alpha: Hosting", "Beta: Payments, 100% online"}},
		{vendors.ListFilter{Region: "gb"}, []string{"Alpha: Email", "Alpha: Hosting"}},
		{vendors.ListFilter{Region: "apac"}, []string{"Alpha: Hosting"}},
		{vendors.ListFilter{Scheme: "soc 2"}, []string{"Beta: Payments, 100% online"}},
		{vendors.ListFilter{Scheme: "SOC"}, []string{}},
		{vendors.ListFilter{Product: "chat", Region: "us", Query: "pay", Scheme: "SOC 2"}, []string{"Beta: Payments, 100% online"}},
	} {
		if d := cmp.Diff(c.want, f.list(start, c.filter)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.filter, d)
		}
	}
	if got, err := f.Schemes(t.Context(), start); err != nil || !cmp.Equal(got, []string{"SOC 2"}) {
		t.Errorf("schemes: %v, %v", got, err)
	}
	if got, err := f.Schemes(t.Context(), day("2019-01-01")); err != nil || len(got) != 0 {
		t.Errorf("schemes before anything was engaged: %v, %v", got, err)
	}
	if err := f.RemoveCertification(t.Context(), f.who, cert.ID, 1); err != nil {
		t.Fatal(err)
	}
	if got := f.list(start, vendors.ListFilter{Scheme: "SOC 2"}); len(got) != 0 {
		t.Errorf("by a scheme whose certification was removed: %v", got)
	}
	entries, err := f.Entries(t.Context(), "alpha", start)
	if err != nil || len(entries) != 2 {
		t.Errorf("entries of Alpha: %+v, %v", entries, err)
	}
	for _, slug := range []string{"unused", "nobody"} {
		if _, err := f.Entries(t.Context(), slug, start); !fault.Is(err, fault.NotFound) {
			t.Errorf("entries of %s: %v", slug, err)
		}
	}
}

func TestCompare(t *testing.T) {
	f := setup(t)
	desk := f.product("desk")
	stays, goes, edited := f.vendor("Stays"), f.vendor("Goes"), f.vendor("Edited")
	kept := f.engagement(stays, "2020-01-01", vendors.EngagementFacts{Purpose: "same", Products: []vendors.EngagementProduct{{ProductID: desk}}})
	gone := f.engagement(goes, "2020-01-01", purpose("old"))
	changed := f.engagement(edited, "2020-01-01", purpose("before"))
	f.later(1)
	// What staff alone see, and a product's new name, make no difference.
	silent := named("Stays")
	silent.Delimitation, silent.NextReviewOn, silent.DPASignedOn = "secret", day("2027-01-01"), day("2026-01-01")
	if err := f.EditVendor(t.Context(), f.who, stays.ID, 1, silent, "note"); err != nil {
		t.Fatal(err)
	}
	if err := f.CorrectEngagement(t.Context(), f.who, kept.ID, 1, kept.EngagementFacts, "looked at again"); err != nil {
		t.Fatal(err)
	}
	loud := named("Edited")
	loud.Address, loud.Country = "2 Other Street", "IE"
	if err := f.EditVendor(t.Context(), f.who, edited.ID, 1, loud, ""); err != nil {
		t.Fatal(err)
	}
	facts := purpose("after")
	facts.Locations = []vendors.Location{{Country: "IE", Kind: vendors.Stored}}
	if err := f.CorrectEngagement(t.Context(), f.who, changed.ID, 1, facts, "why"); err != nil {
		t.Fatal(err)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, gone.ID, f.today()) }); err != nil {
		t.Fatal(err)
	}
	f.engagement(f.vendor("Comes"), "2026-11-23", purpose("new"))
	diff, err := f.Compare(t.Context(), start, f.today())
	if err != nil {
		t.Fatal(err)
	}
	if len(diff.Added) != 1 || diff.Added[0].LegalName != "Comes" || len(diff.Removed) != 1 || diff.Removed[0].LegalName != "Goes" || len(diff.Changed) != 1 {
		t.Fatalf("difference: %+v", diff)
	}
	c := diff.Changed[0]
	if d := cmp.Diff([]string{"address", "country", "locations", "purpose"}, c.Fields); d != "" || c.Before.Purpose != "before" || c.After.Purpose != "after" {
		t.Errorf("changed: %+v (-want +got):\n%s", c, d)
	}
	back, err := f.Compare(t.Context(), f.today(), start)
	if err != nil || len(back.Added) != 1 || back.Added[0].LegalName != "Goes" || len(back.Removed) != 1 || len(back.Changed) != 1 {
		t.Errorf("the other way: %+v, %v", back, err)
	}
	if same, err := f.Compare(t.Context(), start, start); err != nil || len(same.Added)+len(same.Removed)+len(same.Changed) != 0 {
		t.Errorf("a day with itself: %+v, %v", same, err)
	}
}

func TestLastUpdated(t *testing.T) {
	f := setup(t)
	at := func() time.Time {
		t.Helper()
		got, err := f.LastUpdated(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := at(); !got.IsZero() {
		t.Errorf("an empty register was updated at %s", got)
	}
	v := f.vendor("Acme")
	e := f.engagement(v, "2020-01-01", purpose("one"))
	first := f.clock.Now()
	f.clock.Add(time.Hour)
	if err := f.in(func(tx *database.Tx) error {
		_, err := vendors.DraftVersion(tx, f.who, e.ID, purpose("two"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f.product("desk")
	if got := at(); !got.Equal(first) {
		t.Errorf("after a draft: %s, want %s", got, first)
	}
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, e.ID, start) }); err != nil {
		t.Fatal(err)
	}
	if got := at(); !got.Equal(f.clock.Now()) {
		t.Errorf("after an end: %s, want %s", got, f.clock.Now())
	}
}

// counting counts the queries of one call.
type counting struct {
	database.Querier
	n int
}

func (c *counting) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	c.n++
	return c.Querier.Query(ctx, query, args...)
}

func TestAListIsOneQuery(t *testing.T) {
	f := setup(t)
	desk := f.product("desk")
	for i := range 100 {
		f.engagement(f.vendor(fmt.Sprintf("Vendor %03d", i)), "2020-01-01", vendors.EngagementFacts{Purpose: "x",
			Products:  []vendors.EngagementProduct{{ProductID: desk}, {ProductID: desk, Plan: "Pro"}},
			Locations: []vendors.Location{{Country: "DE", Kind: vendors.Stored}, {Country: "US", Kind: vendors.Accessed, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.BCR}}}}})
	}
	q := &counting{Querier: f.db.Pool()}
	entries, err := vendors.ListOn(t.Context(), q, start, vendors.ListFilter{Product: "desk", Region: "eea"})
	if err != nil || len(entries) != 100 || len(entries[99].Products) != 2 || len(entries[99].Locations) != 2 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if q.n != 1 {
		t.Errorf("the list took %d queries", q.n)
	}
	q.n = 0
	page, err := vendors.BrowseOn(t.Context(), q, start, vendors.Filter{}, vendors.Page{Limit: 100})
	if err != nil || len(page.Items) != 100 || q.n != 1 {
		t.Errorf("a page of %d vendors took %d queries, %v", len(page.Items), q.n, err)
	}
}

func TestTheListInPages(t *testing.T) {
	f := setup(t)
	bravo, alpha := f.vendor("Bravo"), f.vendor("alpha")
	f.engagement(bravo, "2020-01-01", purpose("z"))
	f.engagement(bravo, "2020-01-01", purpose("a"))
	f.engagement(alpha, "2020-01-01", purpose("x"))
	read := func(p vendors.Page) (out []string, next string) {
		t.Helper()
		q := &counting{Querier: f.db.Pool()}
		page, err := vendors.ListPageOn(t.Context(), q, start, vendors.ListFilter{}, p)
		if err != nil {
			t.Fatal(err)
		}
		if q.n != 1 {
			t.Errorf("a page took %d queries", q.n)
		}
		for _, e := range page.Items {
			out = append(out, e.LegalName+": "+e.Purpose)
		}
		return out, page.Next
	}
	first, next := read(vendors.Page{Limit: 2})
	f.engagement(f.vendor("aaa"), "2020-01-01", purpose("before what was read"))
	f.engagement(bravo, "2020-01-01", purpose("m"))
	second, last := read(vendors.Page{Limit: 2, After: next})
	if d := cmp.Diff([][]string{{"alpha: x", "Bravo: z"}, {"Bravo: a", "Bravo: m"}}, [][]string{first, second}); d != "" || last != "" {
		t.Errorf("then comes %q; the pages (-want +got):\n%s", last, d)
	}
	if _, err := f.ListPage(t.Context(), start, vendors.ListFilter{}, vendors.Page{After: "x"}); cmp.Diff([]string{"after: cursor.malformed"}, faults(err)) != "" {
		t.Errorf("a malformed cursor: %v", err)
	}
}
