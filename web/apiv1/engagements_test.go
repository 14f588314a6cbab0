package apiv1

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/vendors"
)

// engagement is one that serves every product.
func engagement() EngagementFacts {
	return EngagementFacts{Purpose: "Sends mail", DataCategories: []string{"names"}, SpecialCategories: []vendors.SpecialCategory{},
		DataSubjects: []string{"users"}, Products: []EngagementProduct{}, Locations: []Location{{Country: "IE", Kind: vendors.Stored,
			Transfers: []Transfer{{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}, {Regime: vendors.UK, Mechanism: vendors.Adequacy}}}}}
}

// body is the facts as JSON has them, with one member replaced.
func (f EngagementFacts) body(name string, value any) map[string]any {
	return map[string]any{"purpose": f.Purpose, "locations": f.Locations, "since": "2025-01-01", name: value}
}

func (p *program) recordEngagement(vendor uuid.UUID, since string, facts EngagementFacts) Engagement {
	p.d.t.Helper()
	in := NewEngagement{EngagementFacts: facts}
	p.d.ok(in.Since.UnmarshalText([]byte(since)))
	var e Engagement
	p.post("/vendors/"+vendor.String()+"/engagements", in).want(201).into(&e)
	return e
}

func TestAnEngagementIsRecordedAndCorrected(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	v, host := p.addVendor("Brieftaube"), p.addVendor("Wolke")
	in := engagement()
	in.HostingVendorID, in.Products, in.Optional = &host.ID, []EngagementProduct{{ProductID: d.Product.ID, Plan: "Pro"}}, true
	in.Locations[0].Transfers[1].AssessedOn = Day{exampleDay}
	e := p.recordEngagement(v.ID, "2025-03-01", in)
	at := "/engagements/" + e.ID.String()
	var read Engagement
	a := p.get(at).want(200).into(&read)
	if diff := cmp.Diff(e, read); diff != "" {
		t.Errorf("as recorded and as read:\n%s", diff)
	}
	in.Products[0].Slug, in.Products[0].Name = d.Product.Slug, d.Product.Name
	in.Regions = listOf(in.Regions)
	if diff := cmp.Diff(in, read.EngagementFacts); diff != "" || !read.InEffect || read.Since.String() != "2025-03-01" || read.ValidFrom != read.Since {
		t.Errorf("%+v; the facts (-sent +got):\n%s", read, diff)
	}
	d.later(1)
	edit := read.EngagementFacts // with names of products, as they were read
	edit.Purpose, edit.Note = "Sends mail and texts", ""
	p.put(at, a.etag(), edit).problem(422, "required at note")
	edit.Note = "texts were forgotten"
	p.put(at, a.etag(), edit).want(200).into(&read)
	if read.Purpose != edit.Purpose || read.Version != 2 || read.Since.String() != "2025-03-01" || read.ValidFrom.String() != d.today() {
		t.Errorf("corrected it is %+v", read)
	}
	problem := d.as(d.Approver).put(at, a.etag(), edit).problem(412, "changed_meanwhile")
	if !strings.Contains(problem.Errors[0].Detail, "Edda Editor") || !strings.Contains(problem.Errors[0].Detail, "purpose") {
		t.Errorf("who is told of an edit meanwhile reads %s", problem.Errors[0].Detail)
	}
	var history, all Whole[Engagement]
	p.get(at + "/history").want(200).into(&history)
	p.get("/vendors/brieftaube/engagements").want(200).into(&all)
	if len(history.Items) != 2 || history.Items[0].Note != edit.Note || history.Items[1].InEffect || history.Items[1].ValidUntil.String() != d.today() {
		t.Errorf("the history is %+v", history.Items)
	}
	if len(all.Items) != 1 || all.Items[0].Purpose != edit.Purpose {
		t.Errorf("the vendor's engagements are %+v", all.Items)
	}
}

func TestAnEngagementThatEndedIsReadAndNoLongerCorrected(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	e := p.recordEngagement(p.addVendor("Brieftaube").ID, "2025-03-01", engagement())
	today, err := d.Vendors.Today(t.Context())
	d.ok(err)
	d.ok(d.DB.Transact(t.Context(), func(tx *database.Tx) error { return vendors.End(tx, d.Editor, e.ID, today) }))
	at := "/engagements/" + e.ID.String()
	var read Engagement
	a := p.get(at).want(200).into(&read)
	if read.InEffect || read.ValidUntil.Date != today || read.Purpose != e.Purpose {
		t.Errorf("ended it is %+v", read)
	}
	edit := engagement()
	edit.Note = "too late"
	p.put(at, a.etag(), edit).problem(409, "engagement.not_in_effect")
	if got, _ := p.list(""); len(got) > 0 {
		t.Errorf("it is still on the list: %q", got)
	}
}

func TestBadEngagementsAreRefusedAtTheirFields(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	v := p.addVendor("Brieftaube")
	at, ok := "/vendors/"+v.ID.String()+"/engagements", engagement()
	location := func(country, kind string, transfers ...Transfer) map[string]any {
		return map[string]any{"country": country, "kind": kind, "transfers": listOf(transfers)}
	}
	eea := Transfer{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}
	for _, c := range []struct {
		body any
		want []string
	}{
		{map[string]any{"since": "2025-01-01"}, []string{"json.required at purpose"}},
		{ok.body("purpose", "  "), []string{"required at purpose"}},
		{ok.body("since", nil), []string{"required at since"}},
		{ok.body("since", "0001-01-01"), []string{"day.implausible at since"}},
		{ok.body("since", d.onDay(1)), []string{"engagement.needs_change at since"}},
		{ok.body("regions", []string{"eea", "mars"}), []string{"json.choice at regions.1"}},
		{ok.body("special_categories", []string{"health", "shoes"}), []string{"json.choice at special_categories.1"}},
		{ok.body("data_categories", "names"), []string{"json.type.array at data_categories"}},
		{ok.body("data_categories", manyNames(101)), []string{"list.too_long at data_categories"}},
		{ok.body("hosting_vendor_id", uuid.New()), []string{"vendor.unknown at hosting_vendor_id"}},
		{ok.body("products", []any{map[string]any{"product_id": uuid.New()}}), []string{"product.unknown at products"}},
		{ok.body("products", []any{map[string]any{"product_id": uuid.Nil}}), []string{"product.unknown at products"}},
		{ok.body("products", []any{map[string]any{"product": "desk"}}), []string{"json.unknown_field at products.0.product", "json.required at products.0.product_id"}},
		{ok.body("locations", []any{location("IE", "stored"), location("XX", "stored")}), []string{"country.unknown at locations.1.country"}},
		{ok.body("locations", []any{location("IE", "stored"), location("ie", "stored")}), []string{"location.twice at locations.1.country"}},
		{ok.body("locations", []any{location("IE", "looked at")}), []string{"json.choice at locations.0.kind"}},
		{ok.body("locations", []any{location("US", "stored", eea)}), []string{"transfer.needs_mechanism at locations.0.transfers.0"}},
		{ok.body("locations", []any{location("IE", "stored", eea, eea)}), []string{"transfer.twice at locations.0.transfers.1"}},
		{ok.body("locations", []any{location("US", "stored", Transfer{Regime: vendors.UK, Mechanism: vendors.SCC2})}), []string{"choice.unknown at locations.0.transfers.0"}},
	} {
		p.post(at, c.body).problem(422, c.want...)
	}
	p.post("/vendors/nobody/engagements", ok.body("note", "")).problem(404, "vendor.not_found")
	p.get("/engagements/x").problem(422, "json.uuid at id")
	p.get("/engagements/"+uuid.NewString()).problem(404, "engagement.not_found")
	p.get("/engagements/"+uuid.NewString()+"/history").problem(404, "engagement.not_found")
	p.get("/vendors/nobody/engagements").problem(404, "vendor.not_found")
	ok.Note = "x"
	p.put("/engagements/"+uuid.NewString(), `"1"`, ok).problem(404, "engagement.not_found")
	d.as(d.Staff("Rita Reviewer", actor.Reviewer)).post(at, ok.body("note", "")).problem(403, "role.missing")
}

func (p *program) list(query string) (purposes []string, next string) {
	p.d.t.Helper()
	var list Items[ListEntry]
	p.get("/engagements" + query).want(200).into(&list)
	for _, e := range list.Items {
		purposes = append(purposes, e.LegalName+": "+e.Purpose)
	}
	return purposes, list.Next
}

func TestTheListAsOfADayAndTheDifferenceOfTwo(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	early, late := p.addVendor("Early"), p.addVendor("late")
	first := p.recordEngagement(early.ID, "2020-01-01", engagement())
	p.recordEngagement(late.ID, "2024-06-01", engagement())
	yesterday := d.today()
	d.later(1)
	edit := engagement()
	edit.Purpose, edit.Note = "Sends texts", "was wrong"
	p.put("/engagements/"+first.ID.String(), `"1"`, edit).want(200)
	for query, want := range map[string]string{
		"?on=2019-12-31": "", "?on=2020-01-01": "Early: Sends mail", "?on=" + yesterday: "Early: Sends mail, late: Sends mail",
		"": "Early: Sends texts, late: Sends mail", "?on=2299-12-31": "Early: Sends texts, late: Sends mail",
		"?query=TEXT": "Early: Sends texts", "?product=desk&query=late": "late: Sends mail", "?region=apac&query=late": "late: Sends mail", "?scheme=x": "",
	} {
		if got, _ := p.list(query); strings.Join(got, ", ") != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	var diff Difference
	p.get("/engagements/difference?from=2020-01-01&to=" + d.today()).want(200).into(&diff)
	if len(diff.Added) != 1 || diff.Added[0].LegalName != "late" || len(diff.Removed) != 0 || len(diff.Changed) != 1 ||
		diff.Changed[0].After.Purpose != "Sends texts" || !cmp.Equal(diff.Changed[0].Fields, []string{"purpose"}) {
		t.Errorf("the difference is %+v", diff)
	}
	p.get("/engagements/difference?from=" + d.today() + "&to=2020-01-01").want(200).into(&diff)
	if len(diff.Removed) != 1 || diff.Removed[0].LegalName != "late" {
		t.Errorf("backward the difference is %+v", diff)
	}
	p.get("/engagements/difference?from=0001-01-01&to=9999-12-31").problem(422, "day.implausible at from", "day.implausible at to")
	p.get("/engagements/difference?to=2026-01-01").problem(422, "parameter.missing at from")
	p.get("/engagements?on=1899-12-31").problem(422, "day.implausible at on")
	p.get("/engagements?region=mars").problem(422, "json.choice at region")
}

func TestTheListIsPaged(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	with := func(purpose string) EngagementFacts {
		f := engagement()
		f.Purpose = purpose
		return f
	}
	bravo, alpha := p.addVendor("Bravo"), p.addVendor("alpha")
	p.recordEngagement(bravo.ID, "2020-01-01", with("z"))
	p.recordEngagement(bravo.ID, "2020-01-01", with("a"))
	p.recordEngagement(alpha.ID, "2020-01-01", with("x"))
	first, next := p.list("?limit=2&on=2024-01-01")
	p.recordEngagement(p.addVendor("aaa").ID, "2020-01-01", with("new"))   // before what was read
	p.recordEngagement(p.addVendor("Charlie").ID, "2020-01-01", with("c")) // behind
	second, last := p.list("?on=2024-01-01&limit=2&after=" + url.QueryEscape(next))
	if diff := cmp.Diff([][]string{{"alpha: x", "Bravo: z"}, {"Bravo: a", "Charlie: c"}}, [][]string{first, second}); diff != "" || last != "" {
		t.Errorf("after the last page comes %q; the pages (-want +got):\n%s", last, diff)
	}
	a := p.get("/engagements?fields=slug,purpose&limit=1").want(200)
	if got, want := strings.TrimSpace(string(a.Body)), `{"items":[{"purpose":"new","slug":"aaa"}],"next":"`; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	p.get("/engagements?after=e30x").problem(422, "cursor.malformed at after")
	p.get("/engagements?fields=id").problem(422, "fields.unknown at fields")
}
