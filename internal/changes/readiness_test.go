package changes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

// What Readiness calls a fault, Announce refuses; what it calls ready, Announce takes.
func TestReadinessSaysWhatAnnounceWouldDo(t *testing.T) {
	t.Parallel()
	h := housetest.New(t)
	h.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	early := h.Approved(h.Addition(h.Vendor("Early Ltd"), 10))
	fine := h.Approved(h.Addition(h.Vendor("Fine Ltd"), 40))
	for _, c := range []*changes.Change{early, fine} {
		ready, err := h.Changes.Readiness(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		told := fault.Codes(ready.Faults)
		if diff := cmp.Diff(told, fault.Codes(h.Changes.Announce(t.Context(), h.Approver, c.ID))); diff != "" {
			t.Errorf("%s: told (-) and refused (+):\n%s", c.Reference, diff)
		}
		if len(ready.Audience.Included) != 1 {
			t.Errorf("%s concerns %d customers", c.Reference, len(ready.Audience.Included))
		}
	}
	facts := h.Addition(h.Vendor("Placeless Ltd"), 40)
	facts.Facts.Locations = nil
	draft, err := h.Changes.Draft(t.Context(), h.Editor, "", facts)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := h.Changes.Readiness(t.Context(), draft.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"announce.no_location"}, fault.Codes(ready.Warnings)); diff != "" || len(ready.Faults) > 0 {
		t.Errorf("warnings (-want +got):\n%s\nfaults: %v", diff, ready.Faults)
	}
}

func TestWaitingAndServedCountWindows(t *testing.T) {
	t.Parallel()
	h := housetest.New(t)
	specific := housetest.Sheet(30)
	specific.Authorisation = subscribers.Specific
	h.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	h.Customer("Bolt BV", "", housetest.Sheet(30))
	h.Customer("Delta Ltd", "dpo@delta.example", specific)
	c := h.Announced(h.Addition(h.Vendor("Sentry Example Ltd"), 40))
	h.Approved(h.Addition(h.Vendor("Not Announced Ltd"), 40))
	want := func(what string, list []changes.Waiting, served, all int) {
		t.Helper()
		gotServed, gotAll, err := h.Changes.Served(t.Context(), c.ID)
		if err != nil || gotServed != served || gotAll != all {
			t.Errorf("%s: %d of %d served (%v), want %d of %d", what, gotServed, gotAll, err, served, all)
		}
		got, err := h.Changes.Waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(list, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	one := changes.Waiting{Reference: c.Reference, VendorName: "Sentry Example Ltd", Unserved: 3, ConsentOwed: 1}
	want("announced", []changes.Waiting{one}, 0, 3)
	serve(t, h, c.ID, "sent")
	windows, err := h.Changes.WindowsOf(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Hold(t.Context(), h.Editor, windows[0].ID, "A letter came."); err != nil {
		t.Fatal(err)
	}
	one.Unserved, one.Held = 1, 1
	want("served", []changes.Waiting{one}, 2, 3)
	if err := h.Changes.Withdraw(t.Context(), h.Approver, c.ID, "No longer."); err != nil {
		t.Fatal(err)
	}
	want("withdrawn", []changes.Waiting{}, 2, 3)
}
