package apiv1

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/vendors"
)

// additionOf is a sound proposal, planned for a day so many days ahead.
func (d *desk) additionOf(v *vendors.Vendor, inDays int) ChangeProposal {
	return proposalOf(d.Addition(v, inDays))
}

// jobs counts River's jobs of a kind.
func (d *desk) jobs(kind string) int {
	d.t.Helper()
	var n int
	d.ok(d.DB.Pool().QueryRow(d.t.Context(), "select count(*) from river_job where kind = $1", kind).Scan(&n))
	return n
}

// drafted drafts a change by the API.
func (p *program) drafted(in ChangeProposal) (c ChangeDetail, a *answer) {
	p.d.t.Helper()
	a = p.post("/changes", in).want(201).into(&c)
	return c, a
}

func TestAChangeGoesFromDraftToAnnounced(t *testing.T) {
	d := newDesk(t)
	d.Customer("Ahorn AG", "dpo@ahorn.example", housetest.Sheet(30))
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	in := d.additionOf(d.Vendor("Papierkranich"), 60)
	var c ChangeDetail
	first := editor.post("/changes", in, "Idempotency-Key", "draft-1").want(201).into(&c)
	if c.State != "draft" || c.Version != 1 || c.CreatedName != "Edda Editor" || c.VendorName != "Papierkranich" || c.AfterVersionID == nil {
		t.Errorf("the draft is %+v", c)
	}
	if first.Header.Get("Location") != Prefix+"/changes/"+c.ID.String() || first.etag() != `"1"` {
		t.Errorf("the draft is at %q, ETag %s", first.Header.Get("Location"), first.etag())
	}
	second := editor.post("/changes", in, "Idempotency-Key", "draft-1").want(201)
	if string(second.Body) != string(first.Body) || second.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("the repeated draft is %s", second.Body)
	}
	at := "/changes/" + c.Reference
	editor.post(at+"/submit", nil).want(200).into(&c)
	if c.State != "in_review" || c.Version != 2 || c.SubmittedAt == nil || c.SubmittedAt.Location().String() != "UTC" {
		t.Errorf("submitted it is %+v", c)
	}
	read := approver.get(at).want(200)
	approver.post(at+"/approve", nil).problem(428, "precondition.missing at If-Match")
	approver.post(at+"/approve", nil, "If-Match", read.etag()).want(200).into(&c)
	if c.State != "approved" || c.ApprovedName != "Arne Approver" {
		t.Errorf("approved it is %+v", c)
	}
	announced := approver.post(at+"/announce", nil, "Idempotency-Key", "a").want(200).into(&c)
	if c.State != "announced" || c.Windows == nil || *c.Windows != (WindowCount{0, 1}) || announced.etag() != `"4"` {
		t.Errorf("announced it is %s %+v", announced.etag(), c)
	}
	again := approver.post(at+"/announce", nil, "Idempotency-Key", "a").want(200)
	if string(again.Body) != string(announced.Body) || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeated announcement is %s", again.Body)
	}
	approver.post(at+"/announce", nil, "Idempotency-Key", "b").problem(409, "change.already_announced")
	if got := d.jobs(changes.AnnouncedFact{}.Kind()); got != 1 {
		t.Errorf("%d jobs start the notice, want 1", got)
	}
	var list Items[Change]
	editor.get("/changes?state=announced&kind=addition&query=kranich").want(200).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != c.ID {
		t.Errorf("the list is %+v", list)
	}
}

func TestNobodyApprovesTheirOwnChangeWithAnotherKey(t *testing.T) {
	d := newDesk(t)
	one, two := d.as(d.Approver), d.as(d.Approver)
	_, draft := one.drafted(d.additionOf(d.Vendor("Papierkranich"), 60))
	at := strings.TrimPrefix(draft.Header.Get("Location"), Prefix)
	submitted := two.post(at+"/submit", nil).want(200)
	for _, p := range []*program{one, two} {
		p.post(at+"/approve", nil, "If-Match", submitted.etag()).problem(403, "change.four_eyes")
	}
	editor := d.as(d.Editor)
	editor.post(at+"/approve", nil, "If-Match", submitted.etag()).problem(403, "role.missing")
	d.as(d.Staff("Berta", actor.Approver)).post(at+"/approve", nil, "If-Match", submitted.etag()).want(200)
	editor.post(at+"/announce", nil).problem(403, "role.missing")
	editor.post(at+"/withdraw", Reasoned{"Why"}).problem(403, "role.missing")
	editor.post(at+"/send-back", Reasoned{"Why"}).problem(403, "role.missing")
	reader := d.as(d.Staff("Rita", actor.Reviewer))
	reader.post("/changes", d.additionOf(d.Vendor("Laterne"), 60)).problem(403, "role.missing")
	reader.get(at).want(200)
}

func TestAnApprovalIsOfWhatWasRead(t *testing.T) {
	d := newDesk(t)
	editor, approver := d.as(d.Editor), d.as(d.Approver)
	in := d.additionOf(d.Vendor("Papierkranich"), 60)
	c, draft := editor.drafted(in)
	at := "/changes/" + c.ID.String()
	read := editor.post(at+"/submit", nil).want(200)
	var back ChangeDetail
	editor.post(at+"/send-back", Reasoned{"Name the data\nin full."}).want(200).into(&back)
	if back.State != "draft" || back.SentBack == nil || back.SentBack.Reason != "Name the data\nin full." || back.SentBack.Name != "Edda Editor" {
		t.Errorf("sent back it is %+v", back)
	}
	in.Reason = "Another reason."
	editor.put(at, draft.etag(), in).problem(412, "changed_meanwhile")
	var edited ChangeDetail
	etag := editor.get(at + "/proposal").want(200).etag()
	editor.put(at, etag, in).want(200).into(&edited)
	if edited.Reason != in.Reason {
		t.Errorf("edited it is %+v", edited)
	}
	editor.post(at+"/submit", nil).want(200)
	for _, stale := range []string{read.etag(), `"0"`, `"99"`} {
		approver.post(at+"/approve", nil, "If-Match", stale).problem(412, "changed_meanwhile")
	}
	editor.put(at, editor.get(at).etag(), in).problem(409, "change.state")
	approver.post(at+"/announce", nil).problem(409, "change.state")
	approver.post("/changes/"+uuid.NewString()+"/announce", nil).problem(404, "change.not_found")
}

func TestABadProposalIsToldAtItsFields(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	v := d.Vendor("Papierkranich")
	body := func(spoil func(p, facts map[string]any)) map[string]any {
		raw, err := json.Marshal(d.additionOf(v, 60))
		d.ok(err)
		var p map[string]any
		d.ok(json.Unmarshal(raw, &p))
		spoil(p, p["facts"].(map[string]any))
		return p
	}
	location := func(country string, transfers ...any) []any {
		return []any{map[string]any{"country": country, "kind": "stored", "transfers": transfers}}
	}
	transfer := func(regime, mechanism, on any) any {
		return map[string]any{"regime": regime, "mechanism": mechanism, "assessed_on": on}
	}
	for name, c := range map[string]struct {
		spoil func(p, facts map[string]any)
		want  []string
	}{
		"unknown field":      {func(p, f map[string]any) { f["porpose"] = "x" }, []string{"json.unknown_field at facts.porpose"}},
		"no purpose":         {func(p, f map[string]any) { f["purpose"] = " " }, []string{"required at facts.purpose"}},
		"no facts":           {func(p, f map[string]any) { delete(p, "facts") }, []string{"required at facts"}},
		"null facts":         {func(p, f map[string]any) { p["facts"] = nil }, []string{"required at facts"}},
		"no vendor":          {func(p, f map[string]any) { delete(p, "vendor_id") }, []string{"required at vendor_id"}},
		"unknown vendor":     {func(p, f map[string]any) { p["vendor_id"] = uuid.NewString() }, []string{"vendor.not_found at vendor_id"}},
		"no ID":              {func(p, f map[string]any) { p["vendor_id"] = "papierkranich" }, []string{"json.uuid at vendor_id"}},
		"another kind's":     {func(p, f map[string]any) { p["engagement_id"] = uuid.NewString() }, []string{"change.not_of_kind at engagement_id"}},
		"nothing to replace": {func(p, f map[string]any) { p["kind"] = "replacement" }, []string{"required at replaced_engagement_id"}},
		"unknown engagement": {func(p, f map[string]any) { p["kind"], p["replaced_engagement_id"] = "replacement", uuid.NewString() }, []string{"engagement.not_in_effect at replaced_engagement_id"}},
		"removal":            {func(p, f map[string]any) { p["kind"] = "removal" }, []string{"change.not_of_kind at vendor_id", "change.not_of_kind at facts"}},
		"kind":               {func(p, f map[string]any) { p["kind"] = "relocation" }, []string{"json.choice at kind"}},
		"past":               {func(p, f map[string]any) { p["effective_on"] = "2026-01-01" }, []string{"date.past at effective_on"}},
		"too far":            {func(p, f map[string]any) { p["effective_on"] = "9999-12-31" }, []string{"date.too_far at effective_on"}},
		"year 0":             {func(p, f map[string]any) { p["effective_on"] = "0000-01-01" }, []string{"json.value"}},
		"year 1":             {func(p, f map[string]any) { p["effective_on"] = "0001-01-01" }, []string{"date.past at effective_on"}},
		"no such day":        {func(p, f map[string]any) { p["effective_on"] = "2027-02-29" }, []string{"json.date at effective_on"}},
		"five digits":        {func(p, f map[string]any) { p["effective_on"] = "10000-01-01" }, []string{"json.date at effective_on"}},
		"null day":           {func(p, f map[string]any) { p["effective_on"] = nil }, []string{"required at effective_on"}},
		"number":             {func(p, f map[string]any) { p["effective_on"] = 20270101 }, []string{"json.type.string at effective_on"}},
		"long reason":        {func(p, f map[string]any) { p["reason"] = strings.Repeat("ü", 10001) }, []string{"json.long at reason"}},
		"empty reason":       {func(p, f map[string]any) { p["reason"] = "\n " }, []string{"required at reason"}},
		"unknown product":    {func(p, f map[string]any) { f["products"] = []any{map[string]any{"product_id": uuid.NewString()}} }, []string{"product.unknown at facts.products"}},
		"unknown host":       {func(p, f map[string]any) { f["hosting_vendor_id"] = uuid.NewString() }, []string{"vendor.unknown at facts.hosting_vendor_id"}},
		"region":             {func(p, f map[string]any) { f["regions"] = []any{"mars"} }, []string{"json.choice at facts.regions.0"}},
		"country":            {func(p, f map[string]any) { f["locations"] = location("QQ") }, []string{"country.unknown at facts.locations.0.country"}},
		"mechanism": {func(p, f map[string]any) {
			f["locations"] = location("US", transfer("ch", "bcr", nil), transfer("gb", "dpf", nil))
		}, []string{"choice.unknown at facts.locations.0.transfers.1"}},
		"regime twice": {func(p, f map[string]any) {
			f["locations"] = location("US", transfer("gb", "bcr", nil), transfer("eea", "bcr", nil), transfer("gb", "uk_idta", nil))
		}, []string{"transfer.twice at facts.locations.0.transfers.2"}},
		"none needed abroad": {func(p, f map[string]any) { f["locations"] = location("US", transfer("eea", "none_needed", nil)) }, []string{"transfer.needs_mechanism at facts.locations.0.transfers.0"}},
		"strange assessment": {func(p, f map[string]any) { f["locations"] = location("US", transfer("eea", "bcr", "9999-12-31")) }, []string{"day.implausible at facts.locations.0.transfers.0"}},
		"too many locations": {func(p, f map[string]any) {
			f["locations"] = make([]any, 0)
			for range 251 {
				f["locations"] = append(f["locations"].([]any), location("DE")...)
			}
		}, []string{"list.too_long at facts.locations"}},
		"marks of direction": {func(p, f map[string]any) { p["reason"] = "a\u202eb" }, []string{"control_characters at reason"}},
		"a long plan": {func(p, f map[string]any) {
			f["products"] = []any{map[string]any{"product_id": d.Product.ID, "plan": strings.Repeat("x", 201)}}
		}, []string{"json.long at facts.products.0.plan"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := editor.post("/changes", body(c.spoil))
			a.t = t
			a.problem(422, c.want...)
		})
	}
	if n := len(editor.changes("/changes")); n != 0 {
		t.Errorf("refused proposals left %d changes", n)
	}
}

// changes lists all changes under an address, page by page.
func (p *program) changes(path string) (out []Change) {
	p.d.t.Helper()
	for path != "" {
		var list Items[Change]
		a := p.get(path).want(200).into(&list)
		out = append(out, list.Items...)
		if path = ""; list.Next != "" {
			link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
			path = strings.TrimPrefix(link, Prefix)
		}
	}
	return out
}

func TestChangesComeByPagesWhileOthersAreAdded(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	var want []string
	for i := range 5 {
		c, _ := editor.drafted(d.additionOf(d.Vendor("Vendor "+strconv.Itoa(i)), 60))
		want = append(want, c.Reference)
	}
	slices.Reverse(want)
	a := editor.get("/changes?limit=3&fields=reference,state").want(200)
	raw := string(a.Body)
	var list struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next"`
	}
	a.into(&list)
	if len(list.Items) != 3 || len(list.Items[0]) != 2 || list.Items[0]["reference"] != want[0] || list.Next == "" {
		t.Fatalf("the first page is %s", raw)
	}
	editor.drafted(d.additionOf(d.Vendor("Newcomer"), 60))
	var rest Items[Change]
	editor.get("/changes?limit=3&after=" + list.Next).want(200).into(&rest)
	if len(rest.Items) != 2 || rest.Items[0].Reference != want[3] || rest.Items[1].Reference != want[4] || rest.Next != "" {
		t.Errorf("the second page is %+v", rest)
	}
	if n := len(editor.changes("/changes?limit=2")); n != 6 {
		t.Errorf("by its links the list has %d changes", n)
	}
	editor.get("/changes?after=rubbish").problem(422, "cursor.malformed at after")
	editor.get("/changes?fields=id,secret").problem(422, "fields.unknown at fields")
	editor.get("/changes?state=gone").problem(422, "json.choice at state")
	editor.get("/changes?q=x").problem(422, "query.unknown at q")
	editor.get("/changes?query=%25").want(200).into(&rest)
	if len(rest.Items) != 0 {
		t.Errorf("a percent sign finds %d changes", len(rest.Items))
	}
}

func TestStrangeAddressesOfChanges(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	for _, id := range []string{"SP-2026-999", "..", "%20", "x%00y", "%ff", "%27", strings.Repeat("9", 99), uuid.Nil.String()} {
		for _, path := range []string{"", "/proposal", "/audience", "/audience/customers", "/readiness", "/facts", "/preview", "/windows"} {
			if a := editor.get("/changes/" + id + path); a.Status < 400 || a.Status >= 500 {
				t.Errorf("GET /changes/%s%s: %d %s", id, path, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/submit", "/announce"} {
			if a := d.as(d.Approver).post("/changes/"+id+path, nil); a.Status < 400 || a.Status >= 500 {
				t.Errorf("POST /changes/%s%s: %d %s", id, path, a.Status, a.Body)
			}
		}
	}
	editor.get("/changes/"+strings.Repeat("9", 101)).problem(422, "json.long at id")
	editor.get("/windows/"+uuid.NewString()).problem(404, "window.not_found")
	editor.get("/windows/first").problem(422, "json.uuid at id")
	editor.get("/customers/"+uuid.NewString()+"/windows").problem(404, "customer.not_found")
	editor.post("/windows/"+uuid.NewString()+"/hold", Reasoned{"x"}).problem(404, "window.not_found")
}
