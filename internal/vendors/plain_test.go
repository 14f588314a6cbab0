package vendors_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// What stands in an address bar reaches the register unchecked; it must not look like an outage.
func TestOddQuestions(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	f.engagement(v, "2020-01-01", purpose("x"))
	ctx, odd := t.Context(), "a\x00\xff"
	if got := f.list(start, vendors.ListFilter{Query: "\x00AC\xff"}); len(got) != 1 {
		t.Errorf("a query with a NUL: %v", got)
	}
	if got := f.list(start, vendors.ListFilter{Query: odd, Product: odd, Region: publisher.Region(odd), Scheme: odd}); len(got) != 0 {
		t.Errorf("odd filters: %v", got)
	}
	if l, err := f.ListVendors(ctx, vendors.Filter{Query: odd, Country: odd}, vendors.Page{}); err != nil || len(l.Items) != 0 {
		t.Errorf("odd filters of vendors: %+v, %v", l, err)
	}
	if _, err := f.Vendor(ctx, "x\x00\xff"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an odd slug: %v", err)
	}
	if _, err := f.Entries(ctx, "x\x00\xff", start); !fault.Is(err, fault.NotFound) {
		t.Errorf("entries of an odd slug: %v", err)
	}
	yearNought := calendar.Date{Month: 1, Day: 1}
	for name, try := range map[string]func(calendar.Date) error{
		"on":    func(d calendar.Date) error { _, err := f.List(ctx, d, vendors.ListFilter{}); return err },
		"on ":   func(d calendar.Date) error { _, err := f.Entries(ctx, "acme", d); return err },
		"on  ":  func(d calendar.Date) error { _, err := f.VendorAsOf(ctx, v.ID, d); return err },
		"on   ": func(d calendar.Date) error { _, err := f.Chain(ctx, v.ID, d); return err },
		"to":    func(d calendar.Date) error { _, err := f.Compare(ctx, start, d); return err },
		"from":  func(d calendar.Date) error { _, err := f.Compare(ctx, d, start); return err },
		"since": func(d calendar.Date) error {
			_, err := f.RecordEngagement(ctx, f.who, v.ID, d, purpose("x"))
			return err
		},
	} {
		for want, d := range map[string]calendar.Date{"required": {}, "day.implausible": yearNought} {
			if err := try(d); !fault.Has(err, want) {
				t.Errorf("%s %v: %v, want %s", name, d, err, want)
			}
		}
	}
	odd2 := named("Odd")
	odd2.DPASignedOn, odd2.NextReviewOn = yearNought, calendar.Date{Year: 9999, Month: 1, Day: 1}
	_, err := f.CreateVendor(ctx, f.who, odd2)
	if d := cmp.Diff([]string{"dpa_signed_on: day.implausible", "next_review_on: day.implausible"}, faults(err)); d != "" {
		t.Errorf("odd days of a vendor (-want +got):\n%s", d)
	}
	location := vendors.Location{Country: "US", Kind: vendors.Stored, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.BCR, AssessedOn: yearNought}}}
	if d := cmp.Diff([]string{"transfers.eea: day.implausible"}, faults(location.Validate())); d != "" {
		t.Errorf("an odd day of an assessment (-want +got):\n%s", d)
	}
}

// Tidying must not write into lists that the caller, or another goroutine, still holds.
func TestValidateLeavesTheCallersListsAlone(t *testing.T) {
	t.Parallel()
	facts := vendors.EngagementFacts{Purpose: "x", Regions: []publisher.Region{"gb", "eea"}, Locations: []vendors.Location{{Country: "us", Kind: vendors.Stored,
		Transfers: []vendors.Transfer{{Regime: vendors.UK, Mechanism: vendors.BCR}, {Regime: vendors.EEA, Mechanism: vendors.BCR}}}}}
	mine := facts
	if err := mine.Validate(); err != nil {
		t.Fatal(err)
	}
	if mine.Locations[0].Country != "US" || facts.Locations[0].Country != "us" || facts.Regions[0] != "gb" || facts.Locations[0].Transfers[0].Regime != vendors.UK {
		t.Errorf("tidied %+v, the caller's %+v", mine, facts)
	}
}
