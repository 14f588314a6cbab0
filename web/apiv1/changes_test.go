package apiv1

import (
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
