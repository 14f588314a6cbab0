package changes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

// names reads all pages and returns the customers' names.
func names(t *testing.T, h *housetest.House, f changes.WindowFilter) (out []string) {
	t.Helper()
	for pages := 0; pages < 20; pages++ {
		list, next, err := h.Changes.Windows(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			out = append(out, list[i].CustomerName)
		}
		if f.After = next; next == "" {
			return out
		}
	}
	t.Fatal("the pages have no end")
	return nil
}

func TestWindowsComeByPages(t *testing.T) {
	h := housetest.New(t)
	strict := housetest.Sheet(14)
	strict.Authorisation = subscribers.Specific
	for i := range 5 {
		h.Customer(fmt.Sprintf("Customer %d", i), fmt.Sprintf("c%d@customer.example", i), housetest.Sheet(14))
	}
	asks := h.Customer("100% strict", "s@strict.example", strict)
	first, second := h.Announced(h.Addition(h.Vendor("First Ltd"), 30)), h.Announced(h.Addition(h.Vendor("Second Ltd"), 30))
	all, err := h.Changes.WindowsOf(t.Context(), first.ID)
	if err != nil || len(all) != 6 {
		t.Fatalf("%d windows, %v", len(all), err)
	}
	var held *changes.WindowView
	for i := range all {
		if all[i].CustomerName == "Customer 3" {
			held = &all[i]
		}
	}
	if err := h.Changes.Hold(t.Context(), h.Editor, held.ID, "a letter"); err != nil {
		t.Fatal(err)
	}
	every := []string{"100% strict", "Customer 0", "Customer 1", "Customer 2", "Customer 3", "Customer 4"}
	for _, c := range []struct {
		f    changes.WindowFilter
		want []string
	}{
		{changes.WindowFilter{Change: first.ID, Limit: 1}, every},
		{changes.WindowFilter{Change: first.ID, Limit: 4}, every},
		{changes.WindowFilter{Change: first.ID, Limit: 6}, every},
		{changes.WindowFilter{Change: first.ID, Blocker: changes.Held}, []string{"Customer 3"}},
		{changes.WindowFilter{Change: first.ID, Blocker: changes.ConsentOwed}, []string{"100% strict"}},
		{changes.WindowFilter{Change: first.ID, Blocker: changes.NotServed, Limit: 2}, every},
		{changes.WindowFilter{Change: first.ID, Query: "100%"}, []string{"100% strict"}},
		{changes.WindowFilter{Change: first.ID, Query: "0%"}, []string{"100% strict"}},
		{changes.WindowFilter{Change: first.ID, Query: " cUSTOMER 4 "}, []string{"Customer 4"}},
		{changes.WindowFilter{Change: first.ID, State: changes.WindowEffective}, nil},
		{changes.WindowFilter{Change: first.ID, State: changes.WindowOpen, Limit: 3}, every},
		{changes.WindowFilter{Customer: asks.ID, Limit: 1}, []string{"100% strict", "100% strict"}},
		{changes.WindowFilter{Change: uuid.New()}, nil},
	} {
		if d := cmp.Diff(c.want, names(t, h, c.f)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", c.f, d)
		}
	}
	list, _, err := h.Changes.Windows(t.Context(), changes.WindowFilter{Customer: asks.ID})
	if err != nil || list[0].ChangeReference != second.Reference || !strings.HasPrefix(list[0].Reference, "DPA-") {
		t.Errorf("the newest window is %+v, %v", list[0], err)
	}
	if _, _, err := h.Changes.Windows(t.Context(), changes.WindowFilter{Change: first.ID, After: "rubbish"}); !fault.Has(err, "cursor.malformed") {
		t.Errorf("a broken cursor: %v", err)
	}
}
