package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/vendors"
)

func TestDraftsTellEveryFaultInOneGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	editor := d.as(d.Editor)
	vendor := d.Vendor("Sentry Example Ltd")
	page := editor.get("/console/changes/new?kind=addition").want(200)
	post := func(change func(url.Values)) *answer {
		form := d.draftForm(page, vendor.ID, 40)
		change(form)
		return editor.post("/console/changes", form)
	}
	for name, c := range map[string]struct {
		change func(url.Values)
		says   []string
	}{
		"the past":          {func(f url.Values) { f.Set("effective_on", d.today(-1).String()) }, []string{"Planned effective date is in the past"}},
		"too far":           {func(f url.Values) { f.Set("effective_on", d.today(4000).String()) }, []string{"more than ten years ahead", "29 November 2036"}},
		"no day":            {func(f url.Values) { f.Set("effective_on", "31 February 2027") }, []string{"is not a date"}},
		"an unknown vendor": {func(f url.Values) { f.Set("vendor_id", "018f0000-0000-7000-8000-000000000001") }, []string{"There is no such entry"}},
		"a vendor of noise": {func(f url.Values) { f.Set("vendor_id", "';drop") }, []string{"Vendor is not a vendor in the register"}},
		"control":           {func(f url.Values) { f.Set("reason", "We need\x00 it\x1b[31m") }, []string{"invisible control characters", "We need it[31m"}},
		"several at once": {func(f url.Values) { f.Set("reason", " "); f.Set("purpose", ""); f.Set("effective_on", "") },
			[]string{"There are 3 problems", "Reason is missing", "Purpose is missing", "Planned effective date is missing"}},
	} {
		got := post(c.change).want(422, append(c.says, "Error:")...)
		if name != "several at once" && !strings.Contains(got.Body, "Exception monitoring") {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	post(func(f url.Values) { f.Set("effective_on", "24. Dezember 2026") }).want(http.StatusSeeOther)
	post(func(f url.Values) { f.Set("kind", "merger") }).want(422)
	post(func(f url.Values) { f.Set("_add", "location") }).want(200, "Location 2").without("Error:")
	editor.get("/console/changes/new?kind=merger").want(422, "is not one of the choices")
	editor.get("/console/changes/new").want(200, "What is going to change?", "Replace a sub-processor")
	editor.get("/console/changes/SP-2026-999").want(404, "There is no such change")
}

func TestReplacementAndRemovalEndWhatIsEngaged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	editor := d.as(d.Editor)
	old, fresh := d.Vendor("Old Logs Inc"), d.Vendor("New Logs Inc")
	engaged, err := d.Vendors.RecordEngagement(t.Context(), d.Editor, old.ID, d.today(-10), d.Facts())
	d.ok(err)
	page := editor.get("/console/changes/new?kind=replacement&engagement="+engaged.ID.String()).want(200, "Old Logs Inc – Exception monitoring")
	if !strings.Contains(page.Body, `value="`+engaged.ID.String()+`" selected`) {
		t.Error("the engagement is not chosen ahead")
	}
	form := d.draftForm(page, fresh.ID, 40)
	form.Set("kind", "replacement")
	editor.post("/console/changes", form).want(422, "Engagement that is replaced is missing")
	form.Set("replaced_engagement_id", engaged.ID.String())
	form.Set("purpose", "Logs")
	editor.follow(editor.post("/console/changes", form)).want(200, "in the place of Old Logs Inc", "Today", "From then on", "Logs")

	other, err := d.Vendors.RecordEngagement(t.Context(), d.Editor, old.ID, d.today(-10), d.Facts())
	d.ok(err)
	form = url.Values{"_key": {"another-key"}, "kind": {"removal"}, "engagement_id": {other.ID.String()}, "reason": {"Gone."}, "effective_on": {d.today(40).String()}}
	editor.follow(editor.post("/console/changes", form)).want(200, "Removal", "Old Logs Inc")
	form.Set("_key", "third-key")
	editor.post("/console/changes", form).want(409, "another open change concerns this engagement already")
	form.Set("engagement_id", "018f0000-0000-7000-8000-000000000001")
	editor.post("/console/changes", form).want(422, "This engagement is not in effect")
}

func TestAConcurrentEditIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	change, err := d.Changes.Draft(t.Context(), d.Editor, "", d.Addition(d.Vendor("Sentry Example Ltd"), 40))
	d.ok(err)
	mine, theirs := d.as(d.Editor), d.as(d.Approver)
	path := "/console/changes/" + change.Reference + "/edit"
	page := mine.get(path).want(200, "We need to see errors")
	form := d.draftForm(page, change.VendorID, 50)
	form.Set("_version", page.hidden("_version"))
	form.Set("reason", "Theirs.")
	theirs.follow(theirs.post(path, form)).want(200, "is saved", "Theirs.")
	form.Set("reason", "Mine.")
	told := mine.post(path, form).want(409, "Arne Approver changed this while you were editing", "Nothing was overwritten", "Mine.")
	form.Set("_version", told.hidden("_version"))
	mine.follow(mine.post(path, form)).want(200, "Mine.")

	d.ok(d.Changes.Submit(t.Context(), d.Editor, change.ID))
	mine.get(path).want(409, "is in the state “In review” now")
	theirs.get("/console/changes/"+change.Reference).want(200, "You drafted, edited or submitted this change")
	d.ok(d.Changes.SendBack(t.Context(), d.Approver, change.ID, "Name the region."))
	mine.get("/console/changes/"+change.Reference).want(200, "Sent back by Arne Approver", "Name the region.")
}

func TestFourEyes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	change, err := d.Changes.Draft(t.Context(), d.Approver, "", d.Addition(d.Vendor("Sentry Example Ltd"), 40))
	d.ok(err)
	d.ok(d.Changes.Submit(t.Context(), d.Editor, change.ID))
	drafter := d.as(d.Approver)
	path := "/console/changes/" + change.Reference
	drafter.get(path).want(200, "You drafted, edited or submitted this change, so somebody else has to approve it")
	drafter.post(path+"/approve", nil).want(403, "somebody else has to approve it")
	other := d.as(d.Staff("Ben Second", actor.Approver))
	other.follow(other.post(path+"/approve", nil)).want(200, "by Ben Second")
	other.post(path+"/submit", nil).want(409, "is in the state “Approved” now", "Draft")
	other.follow(other.post(path+"/send-back", url.Values{"reason": {"Not yet."}})).want(200, "is a draft again", "Not yet.")
}

func TestContradictionsAreToldBeforeSending(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	vendor, err := d.Vendors.CreateVendor(t.Context(), d.Editor, vendors.VendorFacts{LegalName: "Nowhere Ltd", Country: "IE"})
	d.ok(err)
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	draft, err := d.Changes.Draft(t.Context(), d.Editor, "", d.Addition(vendor, 10))
	d.ok(err)
	path := "/console/changes/" + draft.Reference
	editor.get(path).want(200, "3 things to mend before this can be announced", "has no registered address", "has no privacy contact",
		"Planned effective date is earlier than anybody's terms allow", "Acme AG (DPA § 7(2)), on 23 December 2026", "Edit the draft", "Open the vendor")
	editor.post(path+"/submit", nil).want(422, "Error:", "has no registered address")
	editor.get(path + "/edit").want(200)

	early := d.Approved(d.Addition(d.Vendor("Sentry Example Ltd"), 10))
	path = "/console/changes/" + early.Reference
	approver.get(path+"/announce").want(200, "Nothing can be sent until this is mended", "earlier than anybody's terms allow").without("Send notice to")
	view, err := d.Changes.Get(t.Context(), early.Reference)
	d.ok(err)
	approver.post(path+"/announce", url.Values{"_seen": {seen(view, &readyPart{Messages: 1, Customers: 1, Included: 1, Later: 1})}}).
		want(422, "earlier than anybody's terms allow")

	// The audience grows between reading and pressing: the reader is asked again.
	fine := d.Approved(d.Addition(d.Vendor("Other Ltd"), 40))
	path = "/console/changes/" + fine.Reference
	page := approver.get(path+"/announce").want(200, "Send notice to 1 recipient at 1 customer.")
	d.Customer("Bolt BV", "legal@bolt.example", housetest.Sheet(30))
	page = approver.post(path+"/announce", url.Values{"_seen": {page.hidden("_seen")}}).want(409, "has changed since you opened this page", "Send notice to 2 recipients at 2 customers.")
	approver.follow(approver.post(path+"/announce", url.Values{"_seen": {page.hidden("_seen")}})).want(200, "is announced")
}

func TestAudienceAndPreview(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	acme := d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	d.Customer("Slow SE", "", housetest.Sheet(90))
	rules := housetest.Sheet(30)
	rules.Direction = "backward"
	d.Customer("Rules plc", "dpo@rules.example", rules)
	facts := d.Addition(d.Vendor("Sentry <b>Example</b> Ltd"), 40)
	draft, err := d.Changes.Draft(t.Context(), d.Editor, "", facts)
	d.ok(err)
	path := "/console/changes/" + draft.Reference
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(path).want(200, "3 customers are affected", "can't be computed from its terms yet", "A common day is bound by Slow SE (DPA § 7(2)): not before 21 February 2027").
		without("Submit for review Edit the draft")
	reviewer.get(path+"/audience").want(200, "3 customers", "Acme AG", "Rules plc")
	reviewer.get(path+"/audience?show=unreachable").want(200, "1 customer", "Slow SE").without("Acme AG")
	reviewer.get(path+"/audience?show=later").want(200, "Slow SE", "Later").without("Acme AG")
	reviewer.get(path+"/audience?show=trouble").want(200, "Rules plc").without("Acme AG")
	reviewer.get(path+"/audience?show=left_out").want(200, "No customer matches")
	reviewer.get(path + "/audience?after=nonsense").want(422)

	reviewer.get(path+"/preview").want(200, "This is what a follower would get now", "Advance notice "+draft.Reference)
	page := reviewer.get(path+"/preview?language=de&customer="+acme.ID.String()).want(200, "This is what Acme AG would get now", "Vorabinformation SP-2026-001")
	if !strings.Contains(page.Body, "<iframe class=\"mail\" sandbox src=") {
		t.Error("no sandboxed frame")
	}
	frame := reviewer.get(path+"/preview/html?language=de&customer="+acme.ID.String()).want(200, "Acme AG")
	if strings.Contains(frame.Body, "Sentry <b>") {
		t.Error("a vendor's name is markup in the message")
	}
	if got := frame.Header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'self'") || !strings.Contains(got, "sandbox") {
		t.Errorf("the frame's policy: %s", got)
	}
	reviewer.get(path + "/preview?customer=nonsense").want(404)
}

// Nobody without the role gets anything done, whatever page they came from.
func TestWrongRoleOnEveryPost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	change := d.Announced(d.Addition(d.Vendor("Sentry Example Ltd"), 40))
	d.ok(d.notify.FanOut(t.Context(), change.ID, notify.Announcement))
	windows, err := d.Changes.WindowsOf(t.Context(), change.ID)
	d.ok(err)
	deliveries, _, err := d.notify.Deliveries(t.Context(), notify.DeliveryFilter{})
	d.ok(err)
	base := "/console/changes/" + change.Reference
	reviewer, editor := d.as(d.Staff("Rita Reviewer", actor.Reviewer)), d.as(d.Editor)
	nobody := &reader{d: d, lang: "en", client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	window := base + "/windows/" + windows[0].ID.String()
	for _, path := range []string{"/console/changes", base + "/edit", base + "/submit", base + "/approve", base + "/send-back", base + "/announce",
		base + "/withdraw", window + "/hold", window + "/release", deliveryPath(deliveries[0].ID) + "/retry", "/console/notices/" + deliveries[0].NoticeID.String() + "/retry"} {
		form := url.Values{"reason": {"Because."}, "kind": {"addition"}, "effective_on": {d.today(40).String()}}
		reviewer.post(path, form).want(403, "Your role doesn't allow you to")
		nobody.post(path, form).want(401)
	}
	for _, step := range []string{"/approve", "/announce", "/withdraw"} {
		editor.post(base+step, url.Values{"reason": {"Because."}}).want(403)
	}
	nobody.get(base).want(http.StatusSeeOther)
	after, err := d.Changes.Get(t.Context(), change.Reference)
	d.ok(err)
	if after.State != changes.Announced || after.Version != change.Version+3 {
		t.Errorf("something was done: %s, version %d", after.State, after.Version)
	}
}

func TestAFreshInstallShowsTheWay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.DB.Pool().Exec(t.Context(), "delete from products; delete from publisher")
	d.ok(err)
	editor := d.as(d.Editor)
	editor.get("/console").want(200, "First steps", "Say who you are", "Draft the first change").without("Done")
	editor.get("/console/changes").want(200, "No changes yet")
	editor.get("/console/deliveries").want(200, "No deliveries yet")
	editor.lang = "de"
	editor.get("/console?lang=de").want(200, "Erste Schritte")
}
