package vendors_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
)

// outline writes a chain as "A(B(C) D*)"; the star is for what was shown before.
func outline(nodes []*vendors.ChainNode) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = n.LegalName
		if n.Repeated {
			parts[i] += "*"
		}
		if len(n.Below) > 0 {
			parts[i] += "(" + outline(n.Below) + ")"
		}
	}
	return strings.Join(parts, " ")
}

func (f *fixture) chain(v *vendors.Vendor, on calendar.Date) string {
	f.Helper()
	nodes, err := f.Chain(f.Context(), v.ID, on)
	if err != nil {
		f.Fatal(err)
	}
	return outline(nodes)
}

func (f *fixture) link(above, below *vendors.Vendor, since string) *vendors.ChainLink {
	f.Helper()
	l, err := f.AddLink(f.Context(), f.who, above.ID, below.ID, "hosting", day(since))
	if err != nil {
		f.Fatal(err)
	}
	return l
}

func TestChainInTime(t *testing.T) {
	f := setup(t)
	a, b, c, d := f.vendor("A"), f.vendor("B"), f.vendor("C"), f.vendor("D")
	f.link(a, b, "2020-01-01")
	f.link(b, d, "2020-01-01")
	f.link(a, c, "2021-01-01")
	last := f.link(c, d, "2021-01-01")
	if err := f.EditVendor(t.Context(), f.who, d.ID, 1, named("D renamed"), ""); err != nil {
		t.Fatal(err)
	}
	f.later(2)
	if err := f.RemoveLink(t.Context(), f.who, last.ID); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ on, want string }{
		{"2019-12-31", ""}, {"2020-06-01", "B(D)"}, {"2021-06-01", "B(D) C(D*)"},
		{"2026-11-23", "B(D renamed) C(D renamed*)"}, {"2026-11-24", "B(D renamed) C"},
	} {
		if got := f.chain(a, day(x.on)); got != x.want {
			t.Errorf("on %s: %q, want %q", x.on, got, x.want)
		}
	}
	if err := f.RemoveLink(t.Context(), f.who, last.ID); !fault.Has(err, "chain.ended") {
		t.Errorf("removed twice: %v", err)
	}
	if err := f.RemoveLink(t.Context(), f.who, uuid.New()); !fault.Has(err, "chain_link.not_found") {
		t.Errorf("removed nothing: %v", err)
	}
	f.link(c, d, "2026-11-24") // it may come back
}

func TestChainBadLinks(t *testing.T) {
	f := setup(t)
	a, b, c := f.vendor("A"), f.vendor("B"), f.vendor("C")
	f.link(a, b, "2020-01-01")
	f.link(b, c, "2020-01-01")
	for _, x := range []struct {
		name         string
		above, below uuid.UUID
		purpose      string
		since        calendar.Date
		want         string
	}{
		{"itself", a.ID, a.ID, "", start, "sub_vendor_id: chain.cycle"},
		{"short circle", b.ID, a.ID, "", start, "sub_vendor_id: chain.cycle"},
		{"long circle", c.ID, a.ID, "", start, "sub_vendor_id: chain.cycle"},
		{"twice", a.ID, b.ID, "", start, "sub_vendor_id: chain.twice"},
		{"unknown below", a.ID, uuid.New(), "", start, "sub_vendor_id: vendor.unknown"},
		{"unknown above", uuid.New(), a.ID, "", start, ": vendor.not_found"},
		{"tomorrow", a.ID, c.ID, "", start.AddDays(1), "since: chain.since_future"},
		{"control character", a.ID, c.ID, "a\x07", start, "purpose: control_characters"},
	} {
		_, err := f.AddLink(t.Context(), f.who, x.above, x.below, x.purpose, x.since)
		if d := cmp.Diff([]string{x.want}, faults(err)); d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", x.name, err, d)
		}
	}
	if got := f.chain(a, start); got != "B(C)" {
		t.Errorf("after refused links: %q", got)
	}
	must(f.AddLink(t.Context(), f.who, a.ID, c.ID, "", calendar.Date{}))
	if got := f.chain(a, start.AddDays(-1)); got != "B(C)" {
		t.Errorf("the day before a link of today: %q", got)
	}
	if got := f.chain(a, start); got != "B(C) C*" {
		t.Errorf("with a link of today: %q", got)
	}
}

// Two people close a circle together, each with a link that is sound by itself.
func TestChainCycleClosedByTwo(t *testing.T) {
	f := setup(t)
	for range 5 {
		a, b, c := f.vendor(uuid.NewString()), f.vendor(uuid.NewString()), f.vendor(uuid.NewString())
		f.link(a, b, "2020-01-01")
		ends := [][2]*vendors.Vendor{{b, c}, {c, a}}
		errs := together(2, func(i int) error {
			_, err := f.AddLink(t.Context(), f.who, ends[i][0].ID, ends[i][1].ID, "", start)
			return err
		})
		if n := winners(t, errs, "chain.cycle"); n != 1 {
			t.Errorf("%d of two links that close a circle were added", n)
		}
	}
}

// A ladder of diamonds has 2^n paths; the chain must be walked by vendors, not by paths.
func TestChainOfManyDiamonds(t *testing.T) {
	f := setup(t)
	top := f.vendor("top")
	above := []*vendors.Vendor{top}
	const rungs = 30
	for range rungs {
		pair := []*vendors.Vendor{f.vendor(uuid.NewString()), f.vendor(uuid.NewString())}
		for _, v := range above {
			f.link(v, pair[0], "2020-01-01")
			f.link(v, pair[1], "2020-01-01")
		}
		above = pair
	}
	nodes, err := f.Chain(t.Context(), top.ID, start)
	if err != nil {
		t.Fatal(err)
	}
	var count func([]*vendors.ChainNode) int
	count = func(nodes []*vendors.ChainNode) int {
		n := len(nodes)
		for _, x := range nodes {
			n += count(x.Below)
		}
		return n
	}
	if got, want := count(nodes), 2+4*(rungs-1); got != want {
		t.Errorf("%d nodes for %d links", got, want)
	}
}
