package notify_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
)

// Words are written once for the windows that have their terms in common; what a fan-out stores for
// each customer must be what is written for it alone.
func TestWhatIsStoredIsEachCustomersOwn(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		sheet := housetest.Sheet([]int{0, 14, 30}[i%3])
		sheet.Clause, sheet.TimeZone = []string{"", "§ 7(2) \"a\" \\"}[i%2], []string{"Europe/Berlin", "America/New_York"}[i/2%2]
		if i%4 == 3 {
			sheet.Authorisation = subscribers.Specific
		}
		w.CustomerIn(fmt.Sprintf("Customer \"%d\" & <Söhne>\\", i), fmt.Sprintf("dpo@c%d.example", i), []string{"en", "de"}[i/4%2], sheet)
	}
	c := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	w.fanOut(t, c)
	windows, err := w.Changes.WindowsOf(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := w.Publisher.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range windows {
		stored, err := database.Collect[struct {
			Language locale.Lang
			Fields   json.RawMessage
		}](t.Context(), w.DB.Pool(), "select language, fields from merges where window_id = $1", windows[i].ID)
		if err != nil || len(stored) != 1 {
			t.Fatalf("%d merge values for one window told in one language: %v", len(stored), err)
		}
		var got map[string]string
		if err := json.Unmarshal(stored[0].Fields, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(notify.WindowFields(stored[0].Language, &windows[i], c.Reference, settings), got); diff != "" {
			t.Errorf("%s (-alone +stored):\n%s", windows[i].CustomerName, diff)
		}
	}
	if len(windows) != 12 {
		t.Errorf("%d windows", len(windows))
	}
}
