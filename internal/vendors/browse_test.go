package vendors_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/vendors"
)

func names(l *vendors.Listing) []string {
	out := []string{}
	for _, v := range l.Items {
		out = append(out, v.LegalName)
	}
	return out
}

func TestPagesThereAndBack(t *testing.T) {
	f := setup(t)
	var want []string
	for i := range 7 {
		name := fmt.Sprintf("%c vendor %d", "aAbBcCd"[i], i)
		f.vendor(name)
		want = append(want, name)
	}
	var pages [][]string
	var all []string
	page := vendors.Page{Limit: 3}
	var last *vendors.Listing
	for {
		l, err := f.ListVendors(t.Context(), vendors.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		pages, all, last = append(pages, names(l)), append(all, names(l)...), l
		if l.Next == "" {
			break
		}
		page.After = l.Next
	}
	if d := cmp.Diff(want, all); d != "" || len(pages) != 3 {
		t.Fatalf("%d pages (-want +got):\n%s", len(pages), d)
	}
	for i := len(pages) - 2; i >= 0; i-- {
		if last.Prev == "" {
			t.Fatalf("page %d has no previous one", i+1)
		}
		l, err := f.ListVendors(t.Context(), vendors.Filter{}, vendors.Page{Before: last.Prev, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(pages[i], names(l)); d != "" || l.Next == "" {
			t.Errorf("back on page %d (-want +got):\n%s", i, d)
		}
		last = l
	}
	if last.Prev != "" {
		t.Error("the first page has a previous one")
	}
}

// Ties are told apart by ID, and rows inserted between two pages hide and repeat nothing.
func TestPagesWithTiesAndNewRows(t *testing.T) {
	f := setup(t)
	for i := range 4 {
		f.vendor(fmt.Sprintf("Same %d", i))
	}
	// Names are unique today; the order must not depend on it.
	if _, err := f.db.Pool().Exec(t.Context(), "drop index vendor_versions_current_name; update vendor_versions set legal_name = 'Same'"); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	page := vendors.Page{Limit: 1}
	for i := 0; ; i++ {
		l, err := f.ListVendors(t.Context(), vendors.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range l.Items {
			seen[v.Slug]++
		}
		if i == 1 {
			f.vendor("Before all") // ahead of the cursor: not part of what is left
			f.vendor("Zuletzt")    // behind it: part of what is left
		}
		if l.Next == "" {
			break
		}
		page.After = l.Next
	}
	want := map[string]int{"same-0": 1, "same-1": 1, "same-2": 1, "same-3": 1, "zuletzt": 1}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("how often each was seen (-want +got):\n%s", d)
	}
}

func TestPageLimitsAndCursors(t *testing.T) {
	f := setup(t)
	f.vendor("Acme")
	for _, p := range []vendors.Page{{Limit: -1}, {Limit: 100000}} {
		if l, err := f.ListVendors(t.Context(), vendors.Filter{}, p); err != nil || len(l.Items) != 1 || l.Next != "" || l.Prev != "" {
			t.Errorf("%+v: %+v, %v", p, l, err)
		}
	}
	for _, c := range []struct {
		page vendors.Page
		want string
	}{
		{vendors.Page{After: "%%"}, "after: cursor.malformed"},
		{vendors.Page{After: "e30x"}, "after: cursor.malformed"},
		{vendors.Page{Before: "eyJuIjoiYVx1MDAwMCJ9"}, "before: cursor.malformed"}, // {"n":"a\u0000"}
	} {
		_, err := f.ListVendors(t.Context(), vendors.Filter{}, c.page)
		if d := cmp.Diff([]string{c.want}, faults(err)); d != "" {
			t.Errorf("%+v: %v (-want +got):\n%s", c.page, err, d)
		}
	}
}

func TestFilters(t *testing.T) {
	f := setup(t)
	engaged := f.vendor("Engaged Ltd")
	f.engagement(engaged, "2020-01-01", purpose("x"))
	f.engagement(engaged, "2021-01-01", purpose("y"))
	german := named("100% Müller_GmbH")
	german.Country, german.ParentName, german.NextReviewOn = "DE", "Holding SE", day("2026-12-01")
	must(f.CreateVendor(t.Context(), f.who, german))
	f.vendor("1000 Muller GmbH")
	yes, no := true, false
	for _, c := range []struct {
		filter vendors.Filter
		want   []string
	}{
		{vendors.Filter{}, []string{"100% Müller_GmbH", "1000 Muller GmbH", "Engaged Ltd"}},
		{vendors.Filter{Query: "  MÜLLER"}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{Query: "100%"}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{Query: "r_g"}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{Query: "holding"}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{Country: "de"}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{Engaged: &yes}, []string{"Engaged Ltd"}},
		{vendors.Filter{Engaged: &no}, []string{"100% Müller_GmbH", "1000 Muller GmbH"}},
		{vendors.Filter{ReviewDueBefore: day("2026-12-02")}, []string{"100% Müller_GmbH"}},
		{vendors.Filter{ReviewDueBefore: day("2026-12-01")}, []string{}},
		{vendors.Filter{Query: "müller", Engaged: &yes}, []string{}},
	} {
		l, err := f.ListVendors(t.Context(), c.filter, vendors.Page{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, names(l)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.filter, d)
		}
	}
	l, err := f.ListVendors(t.Context(), vendors.Filter{Engaged: &yes}, vendors.Page{})
	if err != nil || l.Items[0].Engagements != 2 {
		t.Errorf("engagements: %+v, %v", l, err)
	}
}
