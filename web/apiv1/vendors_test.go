package apiv1

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
)

// later moves the desk's clock by whole days.
func (d *desk) later(days int) { d.Clock.Add(time.Duration(days) * 24 * time.Hour) }

// today is the present day in the publisher's zone.
func (d *desk) today() string {
	d.t.Helper()
	day, err := d.Vendors.Today(d.t.Context())
	d.ok(err)
	return day.String()
}

// onDay is the day so many days from now, in the publisher's zone.
func (d *desk) onDay(days int) string {
	d.t.Helper()
	day, err := d.Vendors.Today(d.t.Context())
	d.ok(err)
	return day.AddDays(days).String()
}

// addVendor records a vendor by the API.
func (p *program) addVendor(name string) Vendor {
	p.d.t.Helper()
	facts := exampleFacts()
	facts.LegalName, facts.TradeName = name, ""
	var v Vendor
	p.post("/vendors", facts).want(201).into(&v)
	return v
}

func TestAVendorIsRecordedReadAndEdited(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	in := exampleFacts()
	in.LegalName, in.Country, in.OwnerID = "  Brieftaube Mail Ltd ", "ie", &d.Editor.ID
	created := p.post("/vendors", in).want(201)
	var v Vendor
	created.into(&v)
	if want := Prefix + "/vendors/" + v.ID.String(); created.Header.Get("Location") != want || created.etag() != `"1"` {
		t.Errorf("it is at %s with %s, want %s", created.Header.Get("Location"), created.etag(), want)
	}
	want := in
	want.LegalName, want.Country = "Brieftaube Mail Ltd", "IE"
	if diff := cmp.Diff(want, v.VendorFacts); diff != "" || v.Slug != "brieftaube" {
		t.Errorf("the slug is %s; the facts (-sent +got):\n%s", v.Slug, diff)
	}
	var byID, bySlug, again Vendor
	read := p.get("/vendors/" + v.ID.String()).want(200).into(&byID)
	p.get("/vendors/Brieftaube").want(200).into(&bySlug)
	if diff := cmp.Diff(v, byID) + cmp.Diff(v, bySlug); diff != "" {
		t.Errorf("as created and as read:\n%s", diff)
	}
	p.get("/vendors/brieftaube", "If-None-Match", read.etag()).want(304)

	edit := VendorEdit{VendorFacts: VendorFacts{LegalName: "Brieftaube Mail plc", Country: "IE"}, Note: "became a plc"}
	edited := p.put("/vendors/brieftaube", read.etag(), edit).want(200).into(&again)
	if diff := cmp.Diff(edit.VendorFacts, again.VendorFacts); diff != "" || again.Version != 2 || !strings.HasPrefix(edited.etag(), `"2`) {
		t.Errorf("version %d, %s; what was left out is not empty (-want +got):\n%s", again.Version, edited.etag(), diff)
	}
}

func TestAVendorsEditIsBasedOnWhatTheEditorSaw(t *testing.T) {
	d := newDesk(t)
	ada, ben := d.as(d.Editor), d.as(d.Staff("Ben Builder", actor.Admin))
	v := ada.addVendor("Wolke AG")
	at := "/vendors/" + v.ID.String()
	seen := ada.get(at).etag()
	edit := VendorEdit{VendorFacts: v.VendorFacts}
	edit.Address = "2 New Street"
	ben.put(at, seen, edit).want(200)
	edit.Address = "3 Other Street"
	problem := ada.put(at, seen, edit).problem(412, "changed_meanwhile")
	for _, tell := range []string{"Ben Builder", "address"} {
		if !strings.Contains(problem.Errors[0].Detail, tell) {
			t.Errorf("who is told of an edit meanwhile isn't told of %s: %s", tell, problem.Errors[0].Detail)
		}
	}
	ada.send("PUT", at, edit).problem(428, "precondition.missing at If-Match")
	ada.put(at, `"99"`, edit).problem(412, "changed_meanwhile")
	ada.put(at, ada.get(at+"?on="+d.today()).want(200).etag(), edit).problem(422, "precondition.malformed at If-Match")
	ada.put("/vendors/nobody", `"1"`, edit).problem(404, "vendor.not_found")
	ada.put("/vendors/"+uuid.NewString(), `"1"`, edit).problem(404, "vendor.not_found")
}

func TestBadVendorsAreRefusedAtTheirFields(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	wolke := p.addVendor("Wolke AG")
	with := func(name string, value any) map[string]any {
		return map[string]any{"legal_name": "New Ltd", "country": "IE", name: value}
	}
	for _, c := range []struct {
		body any
		want []string
	}{
		{map[string]any{}, []string{"json.required at country", "json.required at legal_name"}},
		{with("country", "XX"), []string{"country.unknown at country"}},
		{with("country", ""), []string{"required at country"}},
		{with("legal_name", " "), []string{"required at legal_name"}},
		{with("legal_name", strings.Repeat("x", 201)), []string{"json.long at legal_name"}},
		{with("address", strings.Repeat("ß", 10_001)), []string{"json.long at address"}},
		{with("legal_name", "two\nlines"), []string{"control_characters at legal_name"}},
		{with("website", "ftp://x.example"), []string{"url.scheme at website"}},
		{with("contact_email", "nobody"), []string{"email.malformed at contact_email"}},
		{with("owner_id", uuid.New()), []string{"account.unknown at owner_id"}},
		{with("owner_id", "x"), []string{"json.uuid at owner_id"}},
		{with("dpa_signed_on", "2026-02-30"), []string{"json.date at dpa_signed_on"}},
		{with("dpa_signed_on", "0001-01-01"), []string{"day.implausible at dpa_signed_on"}},
		{with("next_review_on", "9999-12-31"), []string{"day.implausible at next_review_on"}},
		{with("flow_down_confirmed", "yes"), []string{"json.type.boolean at flow_down_confirmed"}},
		{with("slug", "x"), []string{"json.unknown_field at slug"}},
	} {
		p.post("/vendors", c.body).problem(422, c.want...)
	}
	p.post("/vendors", with("legal_name", "WOLKE AG")).problem(409, "duplicate at legal_name")
	p.put("/vendors/wolke-ag", `"1"`, with("note", "\u202e")).problem(422, "control_characters at note")
	for _, path := range []string{"?on=2026-13-01", "?on=x", "?on=0000-01-01"} {
		p.get("/vendors/"+wolke.ID.String()+path).problem(422, "json.date at on")
	}
	for _, path := range []string{"?on=0001-01-01", "?on=9999-12-31"} {
		p.get("/vendors/"+wolke.ID.String()+path).problem(422, "day.implausible at on")
	}
	p.get("/vendors/"+wolke.ID.String()+"?on="+url.QueryEscape("2026-01-01 ")).problem(422, "json.date at on")
	p.get("/vendors/"+strings.Repeat("x", 5000)).problem(404, "vendor.not_found")
	d.as(d.Staff("Rita Reviewer", actor.Reviewer)).post("/vendors", with("website", "")).problem(403, "role.missing")
}

func TestAVendorAsOfADayAndItsHistory(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	v := p.addVendor("Wolke AG")
	at, first := "/vendors/"+v.ID.String(), d.today()
	d.later(3)
	edit := VendorEdit{VendorFacts: v.VendorFacts, Note: "moved"}
	edit.Address = "2 New Street"
	p.put(at, `"1"`, edit).want(200)
	moved := d.today()
	for on, want := range map[string]string{"2001-01-01": v.Address, first: v.Address, moved: "2 New Street", "2200-01-01": "2 New Street"} {
		var got Vendor
		p.get(at + "?on=" + on).want(200).into(&got)
		if got.Address != want {
			t.Errorf("on %s the address is %q, want %q", on, got.Address, want)
		}
	}
	edit.Address = "3 Newer Street"
	p.put(at, `"2"`, edit).want(200)
	var history Whole[VendorVersion]
	p.get("/vendors/wolke-ag/history").want(200).into(&history)
	var got []string
	for _, h := range history.Items {
		got = append(got, fmt.Sprintf("%s: %s to %s, %t, %q by %s", h.Address, h.ValidFrom, h.ValidUntil, h.InEffect, h.Note, h.RecordedByName))
	}
	want := []string{
		"3 Newer Street: " + moved + ` to , true, "moved" by Edda Editor`,
		`2 New Street:  to , false, "moved" by Edda Editor`, // replaced on the day it began
		v.Address + ":  to " + moved + `, false, "" by Edda Editor`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the history (-want +got):\n%s", diff)
	}
	p.get("/vendors/nobody/history").problem(404, "vendor.not_found")
}

func TestVendorsArePagedAndFiltered(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	for _, name := range []string{"bravo", "Alpha", "delta", "Charlie 😀 <&>", "echo"} {
		p.addVendor(name)
	}
	read := func(query string) (names []string, next string) {
		t.Helper()
		var list Items[VendorItem]
		p.get("/vendors" + query).want(200).into(&list)
		for _, v := range list.Items {
			names = append(names, v.LegalName)
		}
		return names, list.Next
	}
	first, next := read("?limit=2")
	p.addVendor("aaa") // before what was read
	p.addVendor("ccc") // among what comes
	second, next := read("?limit=3&after=" + url.QueryEscape(next))
	third, last := read("?limit=3&after=" + url.QueryEscape(next))
	want := [][]string{{"Alpha", "bravo"}, {"ccc", "Charlie 😀 <&>", "delta"}, {"echo"}}
	if diff := cmp.Diff(want, [][]string{first, second, third}); diff != "" || last != "" {
		t.Errorf("after the last page comes %q; the pages (-want +got):\n%s", last, diff)
	}
	d.Vendor("Engaged GmbH")
	var engaged Vendor
	p.get("/vendors/engaged-gmbh").into(&engaged)
	p.post("/vendors/engaged-gmbh/engagements", NewEngagement{Day{exampleDay}, engagement()}).problem(422, "engagement.needs_change at since")
	p.recordEngagement(engaged.ID, "2025-01-01", engagement())
	for query, want := range map[string]string{
		"?query=ALPH": "Alpha", "?engaged=true": "Engaged GmbH", "?engaged=true&country=ie": "Engaged GmbH", "?country=DE": "",
		"?engaged=false&query=lt&limit=200": "delta", "?review_due_before=" + exampleDay.String(): "",
		"?query=al&review_due_before=" + exampleDay.AddDays(1).String(): "Alpha", "?review_due_before=0001-01-01": "",
		"?query=" + url.QueryEscape("😀 <&"): "Charlie 😀 <&>", "?query=%25": "",
	} {
		if got, _ := read(query); strings.Join(got, ", ") != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	p.get("/vendors?engaged=maybe").problem(422, "json.type.boolean at engaged")
	p.get("/vendors?limit=201").problem(422, "json.maximum at limit")
	p.get("/vendors?limit=99999999999999999999").problem(422, "json.type.integer at limit")
	p.get("/vendors?after=x").problem(422, "cursor.malformed at after")
	p.get("/vendors?nmae=x").problem(422, "query.unknown at nmae")
	p.get("/vendors?query="+strings.Repeat("x", 501)).problem(422, "json.long at query")
}

func TestAVendorsNameOfTheWidestCharactersCanBePagedPast(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	p.addVendor(strings.Repeat("<", 200))
	p.addVendor(strings.Repeat("😀", 200))
	p.addVendor(strings.Repeat("😁", 200))
	seen, next := 0, ""
	for range 3 {
		var list Items[VendorItem]
		p.get("/vendors?limit=1&after=" + url.QueryEscape(next)).want(200).into(&list)
		seen, next = seen+len(list.Items), list.Next
	}
	if seen != 3 || next != "" {
		t.Errorf("%d of 3 vendors were read, then comes %q", seen, next)
	}
}

func TestVendorsWithSomeFields(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	p.addVendor("Wolke AG")
	a := p.get("/vendors?fields=slug,trade_name,%20engagements,owner_id").want(200)
	if got, want := string(a.Body), `{"items":[{"engagements":0,"slug":"wolke-ag","trade_name":""}],"next":""}`; strings.TrimSpace(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.get("/vendors?fields=slug,nmae").problem(422, "fields.unknown at fields")
}
