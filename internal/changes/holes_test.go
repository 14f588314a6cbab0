package changes_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// Holes that a reader found in the first version of the gate; each test fell into its hole then.

func inForce(t *testing.T, h *housetest.House, v *vendors.Vendor) *vendors.Engagement {
	t.Helper()
	e, err := h.Vendors.RecordEngagement(t.Context(), h.Editor, v.ID, day(t, "2026-01-01"), h.Facts())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func removal(h *housetest.House, e *vendors.Engagement, inDays int) *changes.Proposal {
	return &changes.Proposal{Kind: changes.Removal, EngagementID: e.ID, Reason: "Not needed", EffectiveOn: calendar.DateOf(h.Clock.Now(), time.UTC).AddDays(inDays)}
}

// Every contract of a customer is kept, not only the one with the latest date.
func TestEveryContractOfACustomerIsKept(t *testing.T) {
	h := housetest.New(t)
	two := h.Customer("Sent and accepted", "a@one.example", housetest.Sheet(30))
	accepted := housetest.Sheet(7)
	accepted.ClockStarts = subscribers.ClockAccepted
	h.Contract(two, accepted)
	mixed := h.Customer("General and specific", "a@two.example", housetest.Sheet(60))
	specific := housetest.Sheet(10)
	specific.Authorisation = subscribers.Specific
	h.Contract(mixed, specific)
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 31))
	windows, err := h.Changes.WindowsOf(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, w := range windows {
		got[w.CustomerName] = w.Authorisation + " " + w.EarliestAt.UTC().Format(time.DateOnly)
	}
	want := map[string]string{"Sent and accepted": "general 2026-12-22", "General and specific": "specific 2027-01-21"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	serve(t, h, c.ID, "sent")
	h.Clock.Add(100 * 24 * time.Hour)
	if n := activate(t, h); n != 0 {
		t.Errorf("%d took effect: one has no receipt under its second contract, the other owes consent", n)
	}
	serve(t, h, c.ID, "received") // on 2 March, seven days from then under the second contract
	if n := activate(t, h); n != 0 {
		t.Errorf("%d took effect before the second contract's period had run", n)
	}
	h.Clock.Add(8 * 24 * time.Hour)
	if n := activate(t, h); n != 1 {
		t.Errorf("%d took effect, want the one whose contracts are both kept", n)
	}
}

func TestACorrectionSurvivesTheNextActivation(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Fourteen", "a@one.example", housetest.Sheet(14))
	h.Customer("Thirty", "a@two.example", housetest.Sheet(30))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	serve(t, h, c.ID, "sent")
	h.Clock.Add(21 * 24 * time.Hour)
	activate(t, h)
	e, err := h.Vendors.Engagement(t.Context(), c.EngagementID)
	if err != nil {
		t.Fatal(err)
	}
	facts := h.Facts()
	facts.Purpose = "Corrected purpose"
	if err := h.Vendors.CorrectEngagement(t.Context(), h.Editor, e.ID, e.Version, facts, "It was wrong"); err != nil {
		t.Fatal(err)
	}
	h.Clock.Add(15 * 24 * time.Hour)
	if n := activate(t, h); n != 1 {
		t.Errorf("%d activated, want the second customer", n)
	}
	if e, err = h.Vendors.Engagement(t.Context(), c.EngagementID); err != nil || e.Purpose != "Corrected purpose" {
		t.Errorf("the purpose is %q, %v", e.Purpose, err)
	}
}

func TestOneEngagementHasOneOpenChange(t *testing.T) {
	h := housetest.New(t)
	e := inForce(t, h, h.Vendor("Old Ltd"))
	if _, err := h.Changes.Draft(t.Context(), h.Editor, "", removal(h, e, 20)); err != nil {
		t.Fatal(err)
	}
	p := h.Addition(h.Vendor("New Ltd"), 25)
	p.Kind, p.ReplacedEngagementID = changes.Replacement, e.ID
	_, err := h.Changes.Draft(t.Context(), h.Editor, "", p)
	if all := fault.All(err); len(all) != 1 || all[0].Code != "change.engagement_has_one" || all[0].Args["Reference"] != "SP-2026-001" {
		t.Errorf("a replacement of what is being removed: %v", err)
	}
}

func TestWhoEditedCanNotApprove(t *testing.T) {
	h := housetest.New(t)
	v := h.Vendor("Errata Ltd")
	c, err := h.Changes.Draft(t.Context(), h.Editor, "", h.Addition(v, 20))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Edit(t.Context(), h.Approver, c.ID, c.Version, h.Addition(h.Vendor("Other Ltd"), 20)); err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Submit(t.Context(), h.Editor, c.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Approve(t.Context(), h.Approver, c.ID, 0); !fault.Has(err, "change.four_eyes") {
		t.Errorf("whoever rewrote the draft approves it: %v", err)
	}
}

func TestAStaleBeforeIsRefused(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(7))
	e := inForce(t, h, h.Vendor("Old Ltd"))
	c := h.Approved(removal(h, e, 20))
	facts := h.Facts()
	facts.Products = nil // it turns out to serve all
	if err := h.Vendors.CorrectEngagement(t.Context(), h.Editor, e.ID, e.Version, facts, "Serves every product"); err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Announce(t.Context(), h.Approver, c.ID); !fault.Has(err, "change.before_is_stale") {
		t.Errorf("announced although the engagement is another one now: %v", err)
	}
}

func TestThePromiseStandsWithoutCustomersAndWhenLowered(t *testing.T) {
	h := housetest.New(t)
	promise := func(days *int) {
		t.Helper()
		s, err := h.Publisher.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.FloorDays = days
		if err := h.Publisher.Save(t.Context(), actor.ForSystem(), s); err != nil {
			t.Fatal(err)
		}
	}
	thirty := 30
	promise(&thirty)
	nobody := h.Approved(h.Addition(h.Vendor("First Ltd"), 30))
	err := h.Changes.Announce(t.Context(), h.Approver, nobody.ID)
	if all := fault.All(err); len(all) != 1 || all[0].Code != "effective.floor" || all[0].Args["Earliest"] != day(t, "2026-12-23") {
		t.Errorf("earlier than promised, with nobody affected: %v", err)
	}
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	c := h.Announced(h.Addition(h.Vendor("Second Ltd"), 40))
	before, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	promise(nil)
	serve(t, h, c.ID, "sent")
	after, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	if after[0].EarliestAt.Before(before[0].EarliestAt) || after[0].NoticeEndsAt.Before(before[0].NoticeEndsAt) {
		t.Errorf("announced for %v, after the promise was lowered %v", before[0].EarliestAt, after[0].EarliestAt)
	}
}

func TestAFormerCustomerKeepsNoChangeOpen(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Stays", "a@stays.example", housetest.Sheet(7))
	leaver := h.Customer("Leaves", "", housetest.Sheet(7))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 10))
	serve(t, h, c.ID, "sent")
	h.Clock.Add(11 * 24 * time.Hour)
	activate(t, h)
	if v, _ := h.Changes.Get(t.Context(), c.Reference); v.State != changes.Announced {
		t.Errorf("with an unserved customer the change is %s", v.State)
	}
	if err := h.Subscribers.Leave(t.Context(), h.Editor, leaver.ID, leaver.Version, calendar.DateOf(h.Clock.Now(), time.UTC)); err != nil {
		t.Fatal(err)
	}
	activate(t, h)
	if v, _ := h.Changes.Get(t.Context(), c.Reference); v.State != changes.Effective {
		t.Errorf("after the unserved customer left the change is %s", v.State)
	}
}

// Facts of service arrive while activation decides: neither may wait for the other in a circle.
func TestActivationAndServiceDoNotBlockEachOther(t *testing.T) {
	h := housetest.New(t)
	for i := range 6 {
		h.Customer(fmt.Sprint("C", i), fmt.Sprintf("a@c%d.example", i), housetest.Sheet(14))
	}
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	serve(t, h, c.ID, "sent")
	h.Clock.Add(30 * 24 * time.Hour)
	rows, err := h.DB.Pool().Query(t.Context(), "select w.id, d.id from windows w join deliveries d on d.window_id = w.id order by w.id")
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][2]uuid.UUID
	for rows.Next() {
		var p [2]uuid.UUID
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, p)
	}
	tx, err := h.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	service := func(i int) error {
		_, err := tx.Exec(t.Context(), "insert into services (delivery_id, kind, at, proof) values ($1, 'received', now(), 'x')", pairs[i][1])
		return err
	}
	if err := service(5); err != nil {
		t.Fatal(err)
	}
	if n := activate(t, h); n != 6 { // it would wait here for the transaction above
		t.Errorf("%d activated", n)
	}
	if err := service(0); err != nil {
		t.Error(err)
	}
}

func TestAWithdrawnWindowIsNotStarted(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	tx, err := h.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A withdrawal that has touched the window and not committed.
	if _, err := tx.Exec(t.Context(), "update windows set state = 'withdrawn' where change_id = $1", c.ID); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { serve(t, h, c.ID, "sent"); close(done) }()
	time.Sleep(300 * time.Millisecond)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	var started, recorded int
	err = h.DB.Pool().QueryRow(t.Context(), `select (select count(*) from windows where served_at is not null),
		(select count(*) from ledger_entries where kind = 'window.served')`).Scan(&started, &recorded)
	if err != nil || started != 0 || recorded != 0 {
		t.Errorf("%d withdrawn windows started, %d recorded, %v", started, recorded, err)
	}
}

func TestOnlyAnApproverReleases(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	windows, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	if err := h.Changes.Hold(t.Context(), h.Editor, windows[0].ID, "Objected by letter"); err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Release(t.Context(), h.Editor, windows[0].ID, "Fine"); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an editor releases: %v", err)
	}
	if err := h.Changes.Release(t.Context(), h.Approver, windows[0].ID, "They withdrew it in writing"); err != nil {
		t.Error(err)
	}
}

// Windows that were told of and don't count as served yet must not keep back those behind them.
func TestWhoWaitsForReceiptKeepsNobodyBack(t *testing.T) {
	changes.WithDerivePage(t, 2)
	h := housetest.New(t)
	proof := housetest.Sheet(14)
	proof.ClockStarts = subscribers.ClockAccepted
	for i := range 7 {
		sheet := proof
		if i >= 5 {
			sheet = housetest.Sheet(14)
		}
		h.Customer(fmt.Sprint("Customer ", i), fmt.Sprintf("a@%d.example", i), sheet)
	}
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	serve(t, h, c.ID, "sent")
	var sent, other int
	err := h.DB.Pool().QueryRow(t.Context(), `select count(*) filter (where t.sheet->>'clock_starts' = 'sent'), count(*) filter (where t.sheet->>'clock_starts' <> 'sent')
		from windows w join window_terms x on x.window_id = w.id join terms_versions t on t.id = x.terms_version_id where w.served_at is not null`).Scan(&sent, &other)
	if err != nil || sent != 2 || other != 0 {
		t.Errorf("started %d of the 2 that count what was sent, and %d that ask for receipt; %v", sent, other, err)
	}
}
