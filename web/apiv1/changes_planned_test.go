package apiv1

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// windows lists windows, page by page.
func (p *program) windows(path string) (out []Window) {
	p.d.t.Helper()
	for path != "" {
		var list Items[Window]
		a := p.get(path).want(200).into(&list)
		out = append(out, list.Items...)
		if path = ""; list.Next != "" {
			link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
			path = strings.TrimPrefix(link, Prefix)
		}
	}
	return out
}

func TestAWindowTellsItsDatesAndWhatItWaitsFor(t *testing.T) {
	d := newDesk(t)
	strict := housetest.Sheet(30)
	strict.Authorisation = subscribers.Specific
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	birke := d.Customer("Birke SE", "dpo@birke.example", strict)
	c := d.Announced(d.Addition(d.Vendor("Papierkranich"), 60))
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	list := editor.windows("/changes/" + c.Reference + "/windows?limit=1")
	if len(list) != 2 {
		t.Fatalf("there are %d windows", len(list))
	}
	w := list[0]
	end := time.Date(2026, time.December, 22, 23, 0, 0, 0, time.UTC) // 00:00 on the 23rd in Berlin
	if w.CustomerName != "Ahorn AG" || w.TimeZone != "Europe/Berlin" || !w.ObjectionEndsAt.Equal(end) || w.ObjectionEndsAt.Location() != time.UTC ||
		w.EffectiveOn.String() != "2027-01-21" || w.ChangeReference != c.Reference || w.Clause != "DPA § 7(2)" {
		t.Errorf("the window is %+v", w)
	}
	if d := cmp.Diff([]changes.Blocker{changes.NotServed, changes.DateToCome}, w.Blockers); d != "" {
		t.Errorf("it waits for (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]changes.Blocker{changes.NotServed, changes.ConsentOwed, changes.DateToCome}, list[1].Blockers); d != "" {
		t.Errorf("the strict one waits for (-want +got):\n%s", d)
	}
	at := "/windows/" + w.ID.String()
	var held Window
	editor.post(at+"/hold", Reasoned{" "}).problem(422, "required at reason")
	first := editor.post(at+"/hold", Reasoned{"A letter came."}, "Idempotency-Key", "h").want(200).into(&held)
	if held.HeldReason != "A letter came." || held.HeldByName != "Edda Editor" || held.HeldAt == nil || held.Version != 2 || first.etag() != `"2"` {
		t.Errorf("held it is %+v", held)
	}
	editor.post(at+"/hold", Reasoned{"Another letter."}).want(200).into(&held)
	if held.HeldReason != "A letter came." || held.Version != 2 {
		t.Errorf("held again it is %+v", held)
	}
	for query, want := range map[string]int{"?blocker=held": 1, "?blocker=consent_owed": 1, "?blocker=not_served": 2, "?state=open": 2, "?state=effective": 0, "?query=BIRKE": 1} {
		if got := len(editor.windows("/changes/" + c.Reference + "/windows" + query)); got != want {
			t.Errorf("%s finds %d windows, want %d", query, got, want)
		}
	}
	editor.post(at+"/release", Reasoned{"Settled."}).problem(403, "role.missing")
	approver.post(at+"/release", Reasoned{"Settled."}).want(200).into(&held)
	held = Window{}
	editor.get(at).want(200).into(&held)
	if held.HeldAt != nil || held.Version != 3 {
		t.Errorf("released it is %+v", held)
	}
	if of := editor.windows("/customers/" + birke.ID.String() + "/windows?fields=customer_name"); len(of) != 1 || of[0].CustomerName != "Birke SE" || of[0].ID != uuid.Nil {
		t.Errorf("the customer's windows are %+v", of)
	}
	editor.get("/changes/"+c.Reference+"/windows?blocker=notice_runs").problem(422, "json.choice at blocker")
	var gone ChangeDetail
	approver.post("/changes/"+c.Reference+"/withdraw", Reasoned{"It came otherwise."}, "Idempotency-Key", "w").want(200).into(&gone)
	approver.post("/changes/"+c.Reference+"/withdraw", Reasoned{"It came otherwise."}, "Idempotency-Key", "w").want(200)
	if gone.State != changes.Withdrawn || gone.WithdrawnReason != "It came otherwise." || d.jobs(changes.WithdrawnFact{}.Kind()) != 1 {
		t.Errorf("withdrawn it is %+v, with %d jobs", gone, d.jobs(changes.WithdrawnFact{}.Kind()))
	}
	approver.post("/changes/"+c.Reference+"/withdraw", Reasoned{"Again."}).problem(409, "change.state")
	editor.post(at+"/hold", Reasoned{"Late."}).problem(409, "window.closed")
	editor.get(at).want(200).into(&held)
	if held.State != changes.WindowWithdrawn || len(held.Blockers) != 0 {
		t.Errorf("withdrawn the window is %+v", held)
	}
}

func TestTheAudienceOfAPlannedChange(t *testing.T) {
	d := newDesk(t)
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	long := d.Customer("Birke SE", "dpo@birke.example", housetest.Sheet(90))
	silent := d.Customer("Cedar Ltd", "", housetest.Sheet(30))
	other := publisher.Product{Slug: "forms", Name: "Nordlicht Forms"}
	d.ok(d.Publisher.AddProduct(t.Context(), actor.ForSystem(), &other))
	apart := &subscribers.Customer{Name: "Dorn GmbH", ExternalID: "D-1", Role: subscribers.Controller, Region: "eea", Country: "DE", TimeZone: "Europe/Berlin",
		Language: "de", ProductIDs: []uuid.UUID{other.ID}}
	d.ok(d.Subscribers.CreateCustomer(t.Context(), d.Editor, apart))
	d.Follower("anna@example.org", "de")
	editor := d.as(d.Editor)
	c, _ := editor.drafted(d.additionOf(d.Vendor("Papierkranich"), 60))
	at := "/changes/" + c.Reference + "/audience"
	var a Audience
	editor.get(at).want(200).into(&a)
	if a.Included != 3 || a.LeftOut != 1 || a.Later != 1 || a.Unreachable != 1 || a.Troubled != 0 || a.Recipients != 2 || a.Followers != 1 ||
		a.PlannedOn.String() != "2027-01-21" || a.LastOn.String() != "2027-02-21" || !a.FloorOn.IsZero() ||
		a.Binding.CustomerID != long.ID || a.First.CustomerID == long.ID || a.First.EarliestOn.String() != "2026-12-23" {
		t.Errorf("the audience is %+v, first %+v, binding %+v", a, a.First, a.Binding)
	}
	show := func(query string) (names []string) {
		var list Items[PlannedCustomer]
		editor.get(at + "/customers" + query).want(200).into(&list)
		for _, c := range list.Items {
			names = append(names, c.CustomerName)
		}
		return names
	}
	for query, want := range map[string][]string{
		"": {"Ahorn AG", "Birke SE", "Cedar Ltd", "Dorn GmbH"}, "?show=included": {"Ahorn AG", "Birke SE", "Cedar Ltd"}, "?show=left_out": {"Dorn GmbH"},
		"?show=later": {"Birke SE"}, "?show=unreachable": {"Cedar Ltd"}, "?show=trouble": nil, "?query=dorn": {"Dorn GmbH"},
	} {
		if d := cmp.Diff(want, show(query)); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	var page Items[PlannedCustomer]
	editor.get(at + "/customers?limit=3").want(200).into(&page)
	d.Customer("Zeder KG", "dpo@zeder.example", housetest.Sheet(30))
	if got := show("?limit=3&after=" + page.Next); !cmp.Equal(got, []string{"Dorn GmbH", "Zeder KG"}) {
		t.Errorf("the second page has %q", got)
	}
	if last := page.Items[2]; last.CustomerID != silent.ID || last.Recipients != 0 || last.ObjectionEndsAt == nil || last.Later {
		t.Errorf("who can't be told is %+v", last)
	}
	editor.get(at+"/customers?after=%00").problem(422, "control_characters at after")
	editor.get(at+"/customers?after=x").problem(422, "cursor.malformed at after")
}

func TestReadinessTellsWhatMustBeMended(t *testing.T) {
	d := newDesk(t)
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	v, err := d.Vendors.CreateVendor(t.Context(), d.Editor, vendors.VendorFacts{LegalName: "Papierkranich", Country: "DE"})
	d.ok(err)
	in := d.additionOf(v, 10)
	in.Facts.Locations = []Location{{Country: "US", Kind: vendors.Stored, Transfers: []Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC3}}}}
	editor := d.as(d.Editor)
	c, _ := editor.drafted(in)
	var r Readiness
	editor.get("/changes/" + c.Reference + "/readiness").want(200).into(&r)
	var got []string
	for _, f := range r.Faults {
		got = append(got, f.Code+" at "+f.Field)
	}
	want := []string{"announce.vendor_without_address at vendor.address", "announce.vendor_without_contact at vendor.contact_email",
		"announce.without_mechanism at facts.locations.0.transfers", "announce.without_mechanism at facts.locations.0.transfers", "effective.too_early at effective_on"}
	if d := cmp.Diff(want, got); d != "" || r.Ready {
		t.Errorf("ready: %v; the faults are (-want +got):\n%s", r.Ready, d)
	}
	editor.post("/changes/"+c.Reference+"/submit", nil).problem(422, want[:4]...)
	editor.lang = "de"
	p := editor.post("/changes/"+c.Reference+"/submit", nil).problem(422, want[:4]...)
	if !strings.Contains(p.Detail, "Vereinigte") || p.Title == "We can't accept this as it is" {
		t.Errorf("in German the problem reads %s: %s", p.Title, p.Detail)
	}
	editor.get("/changes/" + c.Reference + "/readiness").want(200).into(&r)
	if last := r.Faults[len(r.Faults)-1].Detail; !strings.Contains(last, "23. Dezember 2026") {
		t.Errorf("in German the day reads %q", last)
	}
}

func TestARefusedAnnouncementLeavesNothing(t *testing.T) {
	d := newDesk(t)
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	c := d.Approved(d.Addition(d.Vendor("Papierkranich"), 10))
	approver := d.as(d.Approver)
	read := approver.get("/changes/" + c.Reference).want(200)
	for range 2 { // under one key: a refusal is not kept
		approver.post("/changes/"+c.Reference+"/announce", nil, "Idempotency-Key", "a").problem(422, "effective.too_early at effective_on")
	}
	if n := d.jobs(changes.AnnouncedFact{}.Kind()); n != 0 {
		t.Errorf("%d jobs start the notice", n)
	}
	if now := approver.get("/changes/" + c.Reference).want(200); now.etag() != read.etag() {
		t.Errorf("the refused change is %s", now.Body)
	}
	approver.get("/changes/" + c.Reference + "/audience").want(200)
	approver.post("/changes/"+c.Reference+"/withdraw", Reasoned{"Too early."}).want(200)
	for _, path := range []string{"/audience", "/audience/customers", "/readiness"} {
		approver.get("/changes/"+c.Reference+path).problem(409, "change.plan_over")
	}
}

func TestACustomerWithoutTermsIsInTheWay(t *testing.T) {
	d := newDesk(t)
	bare := &subscribers.Customer{Name: "Ohne KG", ExternalID: "O-1", Role: subscribers.Controller, Region: "eea", Country: "DE", TimeZone: "Europe/Berlin",
		Language: "de", ProductIDs: []uuid.UUID{d.Product.ID}}
	d.ok(d.Subscribers.CreateCustomer(t.Context(), d.Editor, bare))
	c := d.Approved(d.Addition(d.Vendor("Papierkranich"), 60))
	at, approver := "/changes/"+c.Reference, d.as(d.Approver)
	var a Audience
	approver.get(at + "/audience").want(200).into(&a)
	if a.Troubled != 1 || a.Included != 1 || a.First != nil || a.Binding != nil {
		t.Errorf("the audience is %+v", a)
	}
	var page Items[PlannedCustomer]
	approver.get(at + "/audience/customers?show=trouble").want(200).into(&page)
	if len(page.Items) != 1 || page.Items[0].Trouble == nil || page.Items[0].Trouble.Code != "audience.no_terms" || page.Items[0].EarliestAt != nil {
		t.Errorf("in trouble are %+v", page.Items)
	}
	var r Readiness
	approver.get(at + "/readiness").want(200).into(&r)
	if len(r.Faults) != 1 || r.Faults[0].Code != "audience.no_terms" || !strings.Contains(r.Faults[0].Detail, "Ohne KG") {
		t.Errorf("the readiness is %+v", r)
	}
	approver.get(at+"/preview?customer="+bare.ID.String()).problem(409, "audience.no_terms")
	approver.post(at+"/announce", nil).problem(409, "audience.no_terms")
}

func TestManyAnnounceAtOnce(t *testing.T) {
	d := newDesk(t)
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	c := d.Approved(d.Addition(d.Vendor("Papierkranich"), 60))
	approver := d.as(d.Approver)
	answers := make([]*answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = approver.post("/changes/"+c.Reference+"/announce", nil, "Idempotency-Key", "k"+strconv.Itoa(i%2))
		})
	}
	wg.Wait()
	done := 0
	for _, a := range answers {
		switch a.Status {
		case 200:
			done++
		case 409:
			var p Problem
			if a.into(&p); p.Code != "change.already_announced" && p.Code != "idempotency.busy" {
				t.Errorf("refused with %s", a.Body)
			}
		default:
			t.Errorf("answered %d: %s", a.Status, a.Body)
		}
	}
	if done == 0 || d.jobs(changes.AnnouncedFact{}.Kind()) != 1 || len(approver.windows("/changes/"+c.Reference+"/windows")) != 1 {
		t.Errorf("announced %d times, with %d jobs", done, d.jobs(changes.AnnouncedFact{}.Kind()))
	}
}

func TestAReplacementAndARemoval(t *testing.T) {
	d := newDesk(t)
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	old := d.Vendor("Laternenfisch")
	e, err := d.Vendors.RecordEngagement(t.Context(), d.Editor, old.ID, d.Addition(old, -400).EffectiveOn, d.Facts())
	d.ok(err)
	in := d.additionOf(d.Vendor("Papierkranich"), 60)
	in.Kind, in.ReplacedEngagementID, in.Facts.Purpose = changes.Replacement, &e.ID, "Crash reports"
	c, _ := editor.drafted(in)
	if c.ReplacedName != "Laternenfisch" || c.BeforeVersionID == nil || c.AfterVersionID == nil {
		t.Errorf("the replacement is %+v", c)
	}
	var f ChangeFacts
	editor.get("/changes/" + c.Reference + "/facts").want(200).into(&f)
	if d := cmp.Diff([]string{"purpose"}, f.Differs); d != "" || f.Before.Purpose != "Exception monitoring" || f.After.Purpose != "Crash reports" {
		t.Errorf("the facts are %+v (-want +got):\n%s", f, d)
	}
	var p ChangeProposal
	read := editor.get("/changes/" + c.Reference + "/proposal").want(200).into(&p)
	if d := cmp.Diff(in, p); d != "" {
		t.Errorf("the proposal (-sent +read):\n%s", d)
	}
	removal := ChangeProposal{Kind: changes.Removal, EngagementID: &e.ID, Reason: "It is not needed.", EffectiveOn: in.EffectiveOn}
	editor.post("/changes", removal).problem(409, "change.engagement_has_one at engagement_id")
	var edited ChangeDetail
	editor.put("/changes/"+c.Reference, read.etag(), removal).want(200).into(&edited)
	if edited.Kind != changes.Removal || edited.AfterVersionID != nil || edited.VendorID != old.ID {
		t.Errorf("edited it is %+v", edited)
	}
	editor.get("/changes/" + c.Reference + "/facts").want(200).into(&f)
	f = ChangeFacts{}
	editor.get("/changes/" + c.Reference + "/facts").want(200).into(&f)
	if f.After != nil || f.Before == nil || len(f.Differs) != 0 {
		t.Errorf("the facts of the removal are %+v", f)
	}
	editor.post("/changes/"+c.Reference+"/submit", nil).want(200)
	approver.post("/changes/"+c.Reference+"/approve", nil, "If-Match", approver.get("/changes/"+c.Reference).etag()).want(200)
	approver.post("/changes/"+c.Reference+"/announce", nil).want(200)
}

func TestANoticeIsSeenBeforeItGoesOut(t *testing.T) {
	d := newDesk(t)
	ahorn := d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	c, _ := editor.drafted(d.additionOf(d.Vendor("Papierkranich"), 60))
	at := "/changes/" + c.Reference + "/preview"
	check := func(when string) {
		t.Helper()
		for _, channel := range []string{"email", "webhook", "slack"} {
			for _, kind := range []string{"announcement", "withdrawal"} {
				for _, customer := range []string{"", ahorn.ID.String()} {
					var p NoticePreview
					editor.get(at + "?channel=" + channel + "&kind=" + kind + "&customer=" + customer + "&language=de").want(200).into(&p)
					body, named := p.Text+p.HTML+p.JSON, customer != "" && (channel != "slack" || kind != "withdrawal") // that one is the same for all
					if !strings.Contains(body, "Papierkranich") || strings.Contains(body, "Ahorn AG") != named || p.Language != "de" || string(p.Kind) != kind {
						t.Errorf("%s, %s by %s to %q reads %+v", when, kind, channel, customer, p)
					}
				}
			}
		}
	}
	check("a draft")
	var p NoticePreview
	editor.get(at).want(200).into(&p)
	if p.Language != "en" || p.Channel != "email" || p.Subject == "" || p.Text == "" || p.HTML == "" || p.JSON != "" {
		t.Errorf("by itself it reads %+v", p)
	}
	editor.lang = "de"
	if editor.get(at).want(200).into(&p); p.Language != "de" {
		t.Errorf("in the reader's language it is %s", p.Language)
	}
	editor.lang = "en"
	editor.get(at+"?channel=pigeon").problem(422, "json.choice at channel")
	editor.get(at+"?language=fr").problem(422, "json.choice at language")
	editor.get(at+"?customer=x").problem(422, "json.uuid at customer")
	editor.get(at+"?customer="+uuid.NewString()).problem(422, "preview.not_affected at customer")
	submitted := editor.post("/changes/"+c.Reference+"/submit", nil).want(200)
	approver.post("/changes/"+c.Reference+"/approve", nil, "If-Match", submitted.etag()).want(200)
	approver.post("/changes/"+c.Reference+"/announce", nil).want(200)
	check("an announced change")
	approver.post("/changes/"+c.Reference+"/withdraw", Reasoned{"No."}).want(200)
	check("a withdrawn change")
}

func TestTheOverviewCountsWhatNeedsSomebody(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	var o Overview
	editor.get("/overview").want(200).into(&o)
	if d := cmp.Diff(Overview{InReview: []Change{}, Approved: []Change{}, Waiting: []Waiting{}, ReviewsDue: []ReviewDue{}}, o); d != "" {
		t.Errorf("of an empty house (-want +got):\n%s", d)
	}
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	announced := d.Announced(d.Addition(d.Vendor("Papierkranich"), 60))
	for i := range 12 {
		c, _ := editor.drafted(d.additionOf(d.Vendor("Vendor "+strconv.Itoa(i)), 60))
		editor.post("/changes/"+c.Reference+"/submit", nil).want(200)
	}
	d.Approved(d.Addition(d.Vendor("Laternenfisch"), 60))
	_, err := d.Vendors.CreateVendor(t.Context(), d.Editor, vendors.VendorFacts{LegalName: "Alt AG", Country: "DE", NextReviewOn: d.Addition(&vendors.Vendor{}, 30).EffectiveOn})
	d.ok(err)
	_, err = d.Vendors.CreateVendor(t.Context(), d.Editor, vendors.VendorFacts{LegalName: "Neu AG", Country: "DE", NextReviewOn: d.Addition(&vendors.Vendor{}, 31).EffectiveOn})
	d.ok(err)
	editor.get("/overview").want(200).into(&o)
	if o.Changes != (ChangeCounts{InReview: 12, Approved: 1, Announced: 1}) || len(o.InReview) != 10 || len(o.Approved) != 1 || o.Unserved != 1 ||
		o.NextObjectionEndsAt == nil || o.NextEffectiveOn.String() != "2027-01-21" {
		t.Errorf("the overview is %+v", o)
	}
	if d := cmp.Diff([]Waiting{{Reference: announced.Reference, VendorName: "Papierkranich", Unserved: 1}}, o.Waiting); d != "" {
		t.Errorf("waiting (-want +got):\n%s", d)
	}
	if len(o.ReviewsDue) != 1 || o.ReviewsDue[0].Name != "Alt AG" {
		t.Errorf("reviews due: %+v", o.ReviewsDue)
	}
}
