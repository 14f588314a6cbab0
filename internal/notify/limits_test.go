package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// long is a text of so many of a character that takes four bytes, and five where Slack has it
// escaped.
func long(n int) string { return strings.Repeat("&", n/2) + strings.Repeat("🦊", n-n/2) }

// huge is a vendor and an engagement with the longest of everything that can be typed.
func huge(t *testing.T, w *world, name string) (*vendors.Vendor, vendors.EngagementFacts) {
	t.Helper()
	v, err := w.Vendors.CreateVendor(t.Context(), w.Editor, vendors.VendorFacts{LegalName: name + long(195), TradeName: long(200), RegistrationNumber: long(200),
		Address: long(10_000), Country: "IE", Website: "https://vendor.example/" + strings.Repeat("x", 400), ContactName: long(200), ContactPosition: long(200),
		ContactEmail: strings.Repeat("d", 60) + "@vendor.example", ParentName: long(200), Measures: long(10_000), Retention: long(10_000), Delimitation: long(10_000)})
	if err != nil {
		t.Fatal(err)
	}
	f := vendors.EngagementFacts{Purpose: long(500), Nature: long(10_000), SpecialCategories: vendors.SpecialCategories,
		Regions: publisher.Regions, Products: []vendors.EngagementProduct{{ProductID: w.Product.ID}}}
	for i := range 100 {
		f.DataCategories = append(f.DataCategories, fmt.Sprint(i, long(190)))
		f.DataSubjects = append(f.DataSubjects, fmt.Sprint(i, long(190)))
		f.Products = append(f.Products, vendors.EngagementProduct{ProductID: w.Product.ID, Plan: fmt.Sprint(i, long(190))})
	}
	for _, country := range locale.Countries(locale.EN)[:200] {
		here := vendors.Location{Country: country.Code, Kind: vendors.Accessed}
		for r, m := range map[vendors.Regime]vendors.Mechanism{vendors.EEA: vendors.BCR, vendors.UK: vendors.BCR, vendors.Switzerland: vendors.BCR} {
			if r.Covers(country.Code) {
				m = vendors.NoneNeeded
			}
			here.Transfers = append(here.Transfers, vendors.Transfer{Regime: r, Mechanism: m})
		}
		f.Locations = append(f.Locations, here)
	}
	return v, f
}

// However long what people typed is, a webhook stays valid JSON under 20 KB and says what was cut,
// and Slack takes the message.
func TestTheLongestNoticeKeepsTheLimits(t *testing.T) {
	w := newWorld(t)
	settings, err := w.Publisher.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings.LegalName, settings.Address, settings.PrivacyName, settings.Fictitious = long(200), long(10_000), long(200), true
	if err := w.Publisher.Save(t.Context(), actor.ForSystem(), settings); err != nil {
		t.Fatal(err)
	}
	sheet := housetest.Sheet(14)
	sheet.Clause, sheet.TimeZone = strings.Repeat(`"\`, 100), "America/Argentina/ComodRivadavia"
	customer := w.Customer(long(180), "", sheet)
	w.Contact(customer, strings.Repeat("c", 60)+"@customer.example", subscribers.RoleNotices)
	old, facts := huge(t, w, "Old")
	engaged, err := w.Vendors.RecordEngagement(t.Context(), w.Editor, old.ID, calendar.Date{Year: 2024, Month: 1, Day: 1}, facts)
	if err != nil {
		t.Fatal(err)
	}
	next, facts := huge(t, w, "Next")
	for i := range 60 {
		sub := w.Vendor(fmt.Sprint("Storage ", i))
		if _, err := w.Vendors.AddLink(t.Context(), w.Editor, next.ID, sub.ID, long(190), calendar.Date{}); err != nil {
			t.Fatal(err)
		}
	}
	p := w.Addition(next, 60)
	p.Kind, p.ReplacedEngagementID, p.Facts, p.Reason, p.Safeguards = changes.Replacement, engaged.ID, facts, long(10_000), long(10_000)
	c := w.Approved(p)
	a, err := w.Changes.Audience(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range notify.Languages {
		for _, to := range []*changes.Planned{&a.Included[0], nil} {
			checkLimits(t, w, c.ID, notify.Announcement, l, to)
		}
	}
	if err := w.Changes.Withdraw(t.Context(), w.Approver, c.ID, long(10_000)); err != nil {
		t.Fatal(err)
	}
	checkLimits(t, w, c.ID, notify.Withdrawal, locale.DE, &a.Included[0])
}

func checkLimits(t *testing.T, w *world, change uuid.UUID, kind notify.Kind, l locale.Lang, to *changes.Planned) {
	t.Helper()
	n, err := w.notify.PreviewOn(t.Context(), notify.ChannelWebhook, change, kind, l, to)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Data struct {
			Truncated struct {
				Fields []string
				URL    string
			}
		}
	}
	if err := json.Unmarshal([]byte(n.JSON), &body); err != nil {
		t.Fatalf("%v\n%s", err, n.JSON)
	}
	t.Logf("%d bytes; cut: %v", len(n.JSON), body.Data.Truncated.Fields)
	if len(n.JSON) >= 20_000 || len(body.Data.Truncated.Fields) == 0 || body.Data.Truncated.Fields[0] != "after.chain" || !strings.Contains(body.Data.Truncated.URL, "/changes/SP-") {
		t.Errorf("%d bytes; cut: %+v", len(n.JSON), body.Data.Truncated)
	}
	n, err = w.notify.PreviewOn(t.Context(), notify.ChannelSlack, change, kind, l, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := slack.Check(json.RawMessage(n.JSON)); err != nil {
		t.Error(err)
	}
	if len(n.Text) > 4000 {
		t.Errorf("the fallback has %d bytes", len(n.Text))
	}
}
