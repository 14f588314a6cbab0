package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
)

// draftForm is a complete form of an addition.
func (d *desk) draftForm(page *answer, vendor uuid.UUID, days int) url.Values {
	return url.Values{"_key": {page.hidden("_key")}, "kind": {"addition"}, "vendor_id": {vendor.String()}, "reason": {"We need to see errors."},
		"safeguards": {"Pseudonymised first."}, "effective_on": {d.today(days).String()}, "purpose": {"Exception monitoring"},
		"data_categories": {"names\nIP addresses"}, "data_subjects": {"users"}, "products": {d.Product.ID.String()},
		"locations.0.country": {"IE"}, "locations.0.kind": {"stored"}, "locations.0.transfers.eea": {"none_needed"},
		"locations.0.transfers.gb": {"adequacy"}, "locations.0.transfers.ch": {"adequacy"}}
}

func TestTheWholeLifeOfAChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	d.Customer("Bolt BV", "legal@bolt.example", housetest.Sheet(45))
	d.Customer("Cipher SA", "", housetest.Sheet(30)) // nobody to tell
	d.Follower("fan@follower.example", "de")
	specific := housetest.Sheet(30)
	specific.Authorisation = subscribers.Specific
	d.Customer("Delta Ltd", "dpo@delta.example", specific)
	d.relay.Refuse(func(to string, _ int) error {
		if strings.HasPrefix(to, "legal@") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "=no such user"}
		}
		return nil
	})
	vendor := d.Vendor("Sentry Example Ltd")
	editor, approver := d.as(d.Editor), d.as(d.Approver)

	// Draft, twice with the same key: one change.
	form := d.draftForm(editor.get("/console/changes/new?kind=addition").want(200, "Record a new vendor first"), vendor.ID, 40)
	first := editor.post("/console/changes", form)
	again := editor.post("/console/changes", form)
	base := first.Header.Get("Location")
	if first.Status != http.StatusSeeOther || again.Header.Get("Location") != base || base != "/console/changes/SP-2026-001" {
		t.Fatalf("drafted twice: %s and %s", base, again.Header.Get("Location"))
	}
	editor.follow(again).want(200, "SP-2026-001 is drafted", "Draft", "by Edda Editor", "4 customers are affected", "4 messages would go out now" /* 3 contacts, 1 follower */, "1 affected customer can’t be reached")

	// Review by a second person.
	editor.follow(editor.post(base+"/submit", nil)).want(200, "waits for approval", "In review", "Your role doesn't allow you to approve changes")
	editor.post(base+"/approve", nil).want(403, "Your role doesn't allow you")
	approver.get("/console").want(200, "Approve SP-2026-001")
	approver.follow(approver.post(base+"/approve", nil)).want(200, "SP-2026-001 is approved", "by Arne Approver", "Announce …")

	// The confirmation says exactly what will happen; then it happens, once.
	page := approver.get(base+"/announce").want(200, "Send notice to 3 recipients at 3 customers and to 1 follower.", "1 customer can’t be reached: Cipher SA",
		"A common day is bound by Bolt BV (DPA § 7(2)): not before 7 January 2027")
	sure := url.Values{"_key": {page.hidden("_key")}, "_seen": {page.hidden("_seen")}}
	approver.follow(approver.post(base+"/announce", sure)).want(200, "SP-2026-001 is announced", "Announced", "The notice is being prepared", "0 of 4 customers served")
	second := d.as(d.Staff("Ben Second", actor.Approver))
	second.post(base+"/announce", sure).want(409, "SP-2026-001 was announced already by Arne Approver on 22 November 2026, 10:00 (Europe/Berlin)", "Nothing was sent a second time")
	change, err := d.Changes.Get(t.Context(), "SP-2026-001")
	d.ok(err)
	d.ok(d.notify.FanOut(t.Context(), change.ID, notify.Announcement))
	moving := approver.get(base).want(200, "4 waiting to be sent", "0 of 4 finished")
	if !strings.Contains(moving.Body, `data-refresh="/console/changes/SP-2026-001/progress"`) {
		t.Error("the progress does not move by itself")
	}
	d.send()
	if _, err := d.Changes.DeriveWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ended := approver.get(base+"/progress").want(200, "4 of 4 finished"); !strings.Contains(ended.Body, "data-refresh") {
		t.Error("the progress rests before a fallback contact could follow")
	}
	d.Clock.Add(aftermath)
	still := approver.get(base+"/progress").want(200, "3 sent", "1 failed", "4 of 4 finished", "2 of 4 customers served")
	if strings.Contains(still.Body, "data-refresh") || strings.Contains(still.Body, "<main") {
		t.Error("the fragment still asks to be fetched, or is a whole page")
	}
	d.windowsAndDeliveries(approver, base, change)

	// Withdrawn with a notice to those who were told.
	d.withdraw(approver, base, change)
}

func (d *desk) windowsAndDeliveries(approver *reader, base string, change *changes.View) {
	d.t.Helper()
	approver.get(base).want(200, "No notice has reached it yet", "explicit consent", "The notice and objection periods run until the end of 22 December 2026")
	approver.get(base+"/windows?show=consent_owed").want(200, "1 customer", "Delta Ltd").without("Acme AG")
	approver.get(base+"/windows?show=nonsense").want(422, "is not one of the choices")
	approver.get("/console").want(200, "2 customers not served", "1 consent owed", "1 delivery failed", "Next objection deadline")

	windows, err := d.Changes.WindowsOf(d.t.Context(), change.ID)
	d.ok(err)
	hold := base + "/windows/" + windows[0].ID.String() + "/hold"
	approver.get(hold).want(200, "Hold Acme AG back")
	approver.post(hold, url.Values{"reason": {""}}).want(422, "Error:", "is missing")
	approver.follow(approver.post(hold, url.Values{"reason": {"A letter came."}})).want(200, "Acme AG is held back", "Held back by Arne Approver since 22 November 2026, 10:00 (Europe/Berlin): A letter came.")
	release := strings.TrimSuffix(hold, "hold") + "release"
	approver.follow(approver.post(release, url.Values{"reason": {"Settled by phone."}})).want(200, "no longer held back")

	notices, err := d.notify.NoticesOf(d.t.Context(), change.ID)
	d.ok(err)
	list := "/console/notices/" + notices[0].ID.String()
	approver.get(list).want(200, "legal@bolt.example", "550", "Try 1 failed delivery again")
	approver.get(list+"?state=failed").want(200, "legal@bolt.example").without("privacy@acme.example")
	approver.get(list+"?state=retrying").want(200, "No delivery matches", "Clear filters")
	approver.get(list+"?q=acme").want(200, "privacy@acme.example").without("legal@bolt.example")
	approver.get(list+"?after=%C3%A9").want(422, "The link to this page of the list is broken")

	file := approver.get(list+"/deliveries.csv").want(200, "privacy@acme.example,", "accepted", "550 5.1.1 =no such user")
	if got := file.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" || strings.Count(file.Body, "\n") != 5 {
		d.t.Errorf("the file is %s with %d lines", got, strings.Count(file.Body, "\n"))
	}
	d.oneDelivery(approver, list, change)
}

func (d *desk) oneDelivery(approver *reader, list string, change *changes.View) {
	d.t.Helper()
	found, _, err := d.notify.Deliveries(d.t.Context(), notify.DeliveryFilter{Query: "acme"})
	d.ok(err)
	path := deliveryPath(found[0].ID)
	page := approver.get(path).want(200, "The mail server took the message", "Try 1", "Accepted", "matches what was recorded", "Advance notice SP-2026-001")
	if !strings.Contains(page.Body, `<iframe class="mail" sandbox src="`+path+`/message?attempt=1"`) {
		d.t.Error("the message is not in a sandboxed frame")
	}
	frame := approver.get(path+"/message?attempt=1").want(200, "Acme AG")
	if csp := frame.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "style-src 'unsafe-inline'") {
		d.t.Errorf("the frame's policy is %s", csp)
	}
	source := approver.get(path + "/source?attempt=1").want(200)
	if d.relay.To("privacy@acme.example")[0].Raw != source.Body || source.Header.Get("Content-Type") != "message/rfc822" {
		d.t.Error("the source is not what the mail server took")
	}
	approver.get(path+"?attempt=9").want(404, "There is no message of this attempt")
	approver.post(path+"/retry", nil).want(409, "This delivery can't be tried again")

	failed, _, err := d.notify.Deliveries(d.t.Context(), notify.DeliveryFilter{State: notify.Failed})
	d.ok(err)
	approver.get(deliveryPath(failed[0].ID)).want(200, "Failed for good: the receiving side refused it", "=no such user", "at the recipient")
	approver.get(list+"/retry").want(200, "1 failed delivery is queued again")
	approver.follow(approver.post(list+"/retry", nil)).want(200, "Queued again: 1", "1 waiting to be sent")
	d.send()
	approver.follow(approver.post(list+"/retry", nil)).want(200, "Queued again: 1")
	approver.follow(approver.post(deliveryPath(failed[0].ID)+"/retry", nil)).want(200, "The delivery is queued")
	d.relay.Refuse(nil)
	d.send()
	approver.get(deliveryPath(failed[0].ID)).want(200, "Try 3", "Accepted", "Refused")
	approver.follow(approver.post(list+"/retry", nil)).want(200, "nothing was queued again")
}

func (d *desk) withdraw(approver *reader, base string, change *changes.View) {
	d.t.Helper()
	approver.get(base+"/withdraw").want(200, "A notice of withdrawal goes to the 4 recipients whom we told, or tried to tell", "The windows of 4 customers close")
	approver.post(base+"/withdraw", url.Values{"reason": {"  "}}).want(422, "is missing")
	approver.follow(approver.post(base+"/withdraw", url.Values{"reason": {"The vendor was sold."}})).want(200, "SP-2026-001 is withdrawn", "The vendor was sold.", "Withdrawn")
	d.ok(d.notify.FanOut(d.t.Context(), change.ID, notify.Withdrawal))
	approver.get(base).want(200, "Notice of withdrawal", "0 of 4 finished")
	approver.post(base+"/withdraw", url.Values{"reason": {"Again."}}).want(409, "is in the state “Withdrawn” now")
	approver.get(base + "/announce").want(http.StatusSeeOther)
}

// Many people press at once: one notice goes out, and everybody else is told who was first.
func TestAnnouncedOnceHoweverManyPress(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	change := d.Approved(d.Addition(d.Vendor("Sentry Example Ltd"), 40))
	approver := d.as(d.Approver)
	path := "/console/changes/" + change.Reference + "/announce"
	form := url.Values{"_seen": {approver.get(path).want(200).hidden("_seen")}}
	statuses := make(chan int, 8)
	for range cap(statuses) {
		go func() { statuses <- approver.post(path, form).Status }()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	if count[http.StatusSeeOther] != 1 || count[http.StatusConflict] != cap(statuses)-1 {
		t.Errorf("answers by status: %v", count)
	}
	var jobs int
	d.ok(d.DB.Pool().QueryRow(t.Context(), "select count(*) from river_job where kind = 'change_announced'").Scan(&jobs))
	if jobs != 1 {
		t.Errorf("%d fan-outs are enqueued", jobs)
	}
}
