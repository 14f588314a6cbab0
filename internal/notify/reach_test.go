package notify_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/ledger"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
)

// ReachOf promises what fan-out then makes: the same recipients, no more and no fewer.
func TestReachIsWhatFanOutMakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	acme := w.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	w.Contact(acme, "second@acme.example", subscribers.RoleNotices)
	w.Contact(acme, "spare@acme.example", subscribers.RoleFallback)
	alone := w.Customer("Alone SA", "", housetest.Sheet(30))
	w.Contact(alone, "spare@alone.example", subscribers.RoleFallback)
	nobody := w.Customer("Nobody BV", "", housetest.Sheet(30))
	gone := w.Customer("Gone Ltd", "dead@gone.example", housetest.Sheet(30))
	if err := w.Subscribers.Suppress(t.Context(), w.Editor, "dead@gone.example", "staff", ""); err != nil {
		t.Fatal(err)
	}
	w.Follower("fan@follower.example", "de")
	w.Follower("privacy@acme.example", "en") // told by contract already
	change := w.Approved(w.Addition(w.Vendor("Sentry Example Ltd"), 40))
	customers := []uuid.UUID{acme.ID, alone.ID, nobody.ID, gone.ID}
	reach, err := w.notify.ReachOf(t.Context(), change, customers)
	if err != nil {
		t.Fatal(err)
	}
	if reach.Contract != 3 || reach.Followers != 1 || reach.Recipients() != 4 || reach.Customers[acme.ID] != 2 || reach.Customers[alone.ID] != 1 || len(reach.Customers) != 2 {
		t.Errorf("reach: %+v", reach)
	}
	if err := w.Changes.Announce(t.Context(), w.Approver, change.ID); err != nil {
		t.Fatal(err)
	}
	notice := w.fanOut(t, change)
	made := w.count(t, "select count(*) from deliveries where notice_id = $1", notice.ID)
	if made != reach.Recipients() {
		t.Errorf("%d deliveries were made, %d were promised", made, reach.Recipients())
	}

	view, err := w.notify.NoticeByID(t.Context(), notice.ID)
	if err != nil || view.Reference == "" || view.Kind != notify.Announcement {
		t.Errorf("notice %+v, %v", view, err)
	}
	if _, err := w.notify.NoticeByID(t.Context(), uuid.New()); !fault.Has(err, "notice.not_found") {
		t.Errorf("an unknown notice: %v", err)
	}
}

func TestExportHoldsEveryDeliveryOnceAndIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	for i := range 1203 { // more than a page of the export
		_, err := w.DB.Pool().Exec(t.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, name, language, state, state_at, consent_how, consent_at, created_at, updated_at)
			values (gen_random_uuid(), $1, 'contract', 'email', $2, '', 'en', 'active', $3, 'test', $3, $3, $3)`, c.ID, uuid.NewString()+"@many.example", w.Clock.Now())
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	notice := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Sentry Example Ltd"), 40)))
	seen := map[uuid.UUID]int{}
	export := func(who actor.Actor, each func(*notify.Exported) error) error {
		return w.notify.Export(t.Context(), who, notice.ID, each)
	}
	err := export(w.Editor, func(e *notify.Exported) error {
		seen[e.ID]++
		if e.Number != nil {
			t.Errorf("%s has an attempt that nobody made", e.ID)
		}
		return nil
	})
	if err != nil || len(seen) != 1204 {
		t.Fatalf("%d deliveries, %v", len(seen), err)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is in the file %d times", id, n)
		}
	}
	enough := errors.New("enough")
	if err := export(w.Editor, func(*notify.Exported) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error of the reader: %v", err)
	}
	if err := export(actor.Actor{Kind: actor.Public}, nil); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("exported by nobody: %v", err)
	}
	records, err := ledger.About(t.Context(), w.DB, notice.ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	exports := 0
	for _, r := range records {
		if r.Kind == "deliveries.exported" && r.ActorName == w.Editor.Name {
			exports++
		}
	}
	if exports != 2 {
		t.Errorf("%d exports are recorded, want 2", exports)
	}
}
