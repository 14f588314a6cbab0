package apiv1

import (
	"fmt"
	"log/slog"
	"testing"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// narrowHouse is one on a database of which it has a single connection: whoever holds it and asks for
// another waits for ever.
func narrowHouse(t testing.TB) *housetest.House {
	t.Helper()
	clock := &databasetest.Clock{}
	clock.Set(databasetest.Start)
	db, err := database.Open(t.Context(), databasetest.NewURL(t), database.Options{MaxConns: 1, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return housetest.On(t, db, clock)
}

// furnish puts something of everything into the house, so that random requests find things in many
// states.
func furnish(t testing.TB, d *desk) {
	t.Helper()
	ctx := t.Context()
	day := func(n int) calendar.Date { return calendar.Date{Year: 2026, Month: 11, Day: 22}.AddDays(n) }
	var list []*vendors.Vendor
	for i := range 4 {
		v := d.Vendor(fmt.Sprintf("Vendor %d Ltd", i))
		list = append(list, v)
		_, err := d.Vendors.RecordEngagement(ctx, d.Editor, v.ID, day(-30*i-1), d.Facts())
		d.ok(err)
		_, err = d.Vendors.AddCertification(ctx, d.Editor, v.ID, vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2022", Issuer: "Example Cert", Number: fmt.Sprintf("C-%d", i),
			Scope: "The service", IssuedOn: day(-200), ExpiresOn: day(500)})
		d.ok(err)
	}
	_, err := d.Vendors.AddLink(ctx, d.Editor, list[0].ID, list[1].ID, "Hosting", day(-10))
	d.ok(err)
	_, err = d.Subscribers.CreateTemplate(ctx, d.Editor, "Standard DPA", housetest.Sheet(30), "first")
	d.ok(err)
	for i := range 5 {
		c := d.Customer(fmt.Sprintf("Customer %d", i), fmt.Sprintf("privacy@customer%d.example", i), housetest.Sheet(14))
		d.Contact(c, fmt.Sprintf("objections@customer%d.example", i), subscribers.RoleObjections)
		d.Hooks(c, []string{fmt.Sprintf("http://127.0.0.1:9/hook/%d", i)})
	}
	d.Follower("follower@elsewhere.example", "de")
	d.ok(d.Subscribers.Suppress(ctx, d.Editor, "gone@customer.example", "hard_bounce", "550"))
	n := 0
	proposal := func() *changes.Proposal {
		n++
		return d.Addition(d.Vendor(fmt.Sprintf("New %d Ltd", n)), 60)
	}
	announced := d.Announced(proposal())
	d.ok(d.notify.FanOut(ctx, announced.ID, notify.Announcement))
	for range 4 {
		d.Announced(proposal())
		d.Approved(proposal())
		_, err := d.Changes.Draft(ctx, d.Editor, "", proposal())
		d.ok(err)
		c, err := d.Changes.Draft(ctx, d.Editor, "", proposal())
		d.ok(err)
		d.ok(d.Changes.Submit(ctx, d.Editor, c.ID))
	}
	gone := d.Announced(proposal())
	d.ok(d.Changes.Withdraw(ctx, d.Approver, gone.ID, "no longer needed"))
	d.attempted()
}

// attempted gives every other delivery an attempt, which failed for good.
func (d *desk) attempted() {
	d.t.Helper()
	for _, statement := range []string{
		`update deliveries set state = 'failed', attempts = 1, due_at = null, done_at = '2026-11-22T09:00:02Z' where id in (select id from deliveries order by id limit (select count(*) / 2 from deliveries))`,
		`insert into attempts (delivery_id, number, started_at, address, link_epoch, duration_us, outcome, stage, code, answer)
		 select id, 1, '2026-11-22T09:00:01Z', 'privacy@customer.example', 0, 1500, 'permanent', 'rcpt', 550, '550 5.1.1 no such user' from deliveries where state = 'failed'`,
	} {
		_, err := d.DB.Pool().Exec(d.t.Context(), statement)
		d.ok(err)
	}
}
