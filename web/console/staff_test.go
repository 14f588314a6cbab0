package console

import (
	"strconv"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
)

func TestStaffIsLookedAfter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := d.admin()
	form := r.get(staffPath+"/new").want(200, "Keeps the register and the customers").form(staffPath)
	form.fill("name", "Petra", "email", "petra@nordlicht.example", "role", "editor", "password", password)
	for _, bad := range []badValue{
		{"no name", "name", "", "Name is missing."},
		{"malformed", "email", "petra", "Email address is not an email address."},
		{"a role of nobody's", "role", "king", "Role: “king” is not one of the choices."},
		{"short", "password", "short", "Password is too short."},
		{"her own name", "password", "petra@nordlicht.example", "is only the name or the email address of this account"},
	} {
		was := form.values[bad.field]
		r.submit(form.fill(bad.field, bad.value)).want(422, bad.sentence).without(password)
		form.values[bad.field] = was
	}
	r.follow(r.submit(form)).want(200, "Petra may sign in now.", "petra@nordlicht.example")
	r.submit(form).want(409, "Email address: this exists already.")

	all, err := d.site.Accounts.List(t.Context(), actor.ForSystem())
	d.ok(err)
	var petra accounts.Account
	for _, a := range all {
		if a.Name == "Petra" {
			petra = a
		}
	}
	at := staffPath + "/" + petra.ID.String()
	slow := r.get(at).form(at).fill("name", "Petra Slow")
	r.follow(r.submit(r.get(at).form(at).fill("role", "approver", "name", "Petra Fast"))).want(200, "Petra Fast is saved.", "Approver")
	r.refused(slow, 409, "Ada Admin changed this").want(409, "Petra Fast")
	r.submit(r.get(at+"/password").form(at+"/password").fill("password", "short")).want(422, "too short")
	r.follow(r.submit(r.get(at+"/password").form(at+"/password").fill("password", "another long one"))).want(200, "has a new password")
	theirs := d.as(petra.Actor())
	theirs.get("/console").want(200)
	r.follow(r.submit(r.get(at+"/disable").want(200, "is signed out everywhere at once").form(at+"/disable"))).want(200, "Petra Fast is disabled.", "Disabled")
	theirs.get("/console").want(303)
	r.follow(r.submit(r.get(at+"/enable").form(at+"/enable"))).want(200, "Petra Fast may sign in again.")
	r.get(staffPath + "/not-an-id").want(404)
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	who := d.Staff("Ada Admin", actor.Admin)
	r := d.as(who)
	at := staffPath + "/" + who.ID.String()
	r.refused(r.get(at).form(at).fill("role", "editor"), 409, "This is the last administrator.")
	r.submit(r.get(at+"/disable").form(at+"/disable")).want(409, "You can't disable your own account.")
}

func TestSettingsAreKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := d.admin()
	form := r.get("/console/settings").want(200).form("/console/settings")
	for _, bad := range []badValue{
		{"no name", "legal_name", "", "Legal name is missing."},
		{"malformed", "privacy_email", "privacy", "Email address for data protection is not an email address."},
		{"no zone", "time_zone", "CET+1", "Time zone is not a time zone that we know."},
		{"not a number", "floor_days", "thirty", "Public promise in days is not a whole number."},
		{"out of range", "floor_days", "-1", "Public promise in days is out of range."},
		{"too long", "received_after_hours", "9999", "Counts as received after hours is out of range."},
		{"malformed", "website", "ftp://x.example", "Website starts with a scheme that is not allowed here."},
	} {
		was := form.values[bad.field]
		r.refused(form.fill(bad.field, bad.value), 422, bad.sentence)
		form.values[bad.field] = was
	}
	slow := r.get("/console/settings").form("/console/settings").fill("website", "https://slow.example")
	r.follow(r.submit(form.fill("floor_days", "30", "received_after_hours", "", "website", "https://new.example"))).want(200, "The settings are saved.")
	r.refused(slow, 409, "Ada Admin changed this").want(409, "https://new.example")
	settings, err := d.Publisher.Get(t.Context())
	d.ok(err)
	if settings.FloorDays == nil || *settings.FloorDays != 30 || settings.ReceivedAfterHours != nil || !settings.FourEyes {
		t.Errorf("saved %+v", settings)
	}

	r.get("/console/vendors").want(200).without("This is a demonstration")
	demo := r.get("/console/settings").form("/console/settings").fill("fictitious", "yes", "legal_name", "Südlicht GmbH")
	r.follow(r.submit(demo)).want(200, "This is a demonstration")
	r.get("/console/vendors").want(200, "This is a demonstration", "Südlicht GmbH")

	products := r.get("/console/settings/products").want(200, "Nordlicht Desk").form("/console/settings/products")
	r.refused(products.fill("name", "Nordlicht Mail", "slug", "Not A Slug"), 422, "Short name can have small letters")
	r.refused(products.fill("slug", "desk"), 409, "Short name: this exists already.")
	r.follow(r.submit(products.fill("slug", "mail"))).want(200, "Nordlicht Mail is added.")
}

func TestLedgerIsReadAndVerified(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	v, _ := d.vendor("Acme Ltd")
	facts := v.VendorFacts
	facts.TradeName = "Acme"
	d.ok(d.Vendors.EditVendor(t.Context(), d.Editor, v.ID, v.Version, facts, "They go by it"))
	for i := range 60 {
		d.Customer("Customer "+strconv.Itoa(i), "", housetest.Sheet(30))
	}
	page := r.get("/console/ledger").want(200, "Customer added", "Edda Editor", "Next page").without("Vendor edited")
	older := r.get("/console/ledger?after="+strconv.Itoa(6)).want(200, "Vendor edited", "Settings saved", "The newest entries").without("Next page")
	_ = page
	_ = older
	r.get("/console/ledger/4").want(200, "Vendor edited", "vendor.edited", "Trade name", "Acme", "They go by it", "Open its page")
	r.get("/console/ledger/99999").want(404)
	r.get("/console/ledger/x").want(404)
	r.post("/console/ledger/verify", nil).want(200, "The chain is whole: ")
	_, err := d.DB.Pool().Exec(t.Context(), "alter table ledger_bodies disable trigger all")
	d.ok(err)
	_, err = d.DB.Pool().Exec(t.Context(), `update ledger_bodies set body = '{"forged": true}' where seq = 4`)
	d.ok(err)
	r.post("/console/ledger/verify", nil).want(200, "The chain is broken at entry 4: its body is not the one that was sealed.")
	_, err = d.DB.Pool().Exec(t.Context(), "delete from ledger_bodies where seq = 5")
	d.ok(err)
	r.get("/console/ledger/5").want(200, "The content of this entry was erased.")
}
