package apiv1

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

// fullSheet says all that a sheet can say.
const fullSheet = `{"authorisation": "specific", "notice": {"count": 30, "unit": "business_days"}, "objection": {"count": 2, "unit": "weeks"},
	"objection_runs": "after_notice_period", "activation_waits_for": "objection", "direction": "backward", "clock_starts": "deemed", "deemed_cutoff_hour": 17,
	"channels": ["email", "webhook"], "served": "all", "by_kind": {"addition": {"notice": {"count": 1, "unit": "months"}},
	"replacement": {"objection": {"count": 1, "unit": "weeks"}}, "like_for_like": {"notice": {"count": 0, "unit": "calendar_days"}},
	"removal": {"notice": {"count": 7, "unit": "calendar_days"}, "objection": {"count": 3, "unit": "calendar_days"}},
	"relocation": {"notice": {"count": 60, "unit": "calendar_days"}}, "scope": {"notice": {"count": 61, "unit": "calendar_days"}}},
	"emergency": {"told_within": {"count": 2, "unit": "business_days"}, "objection": {"count": 5, "unit": "business_days"}},
	"before_signing": {"signed_before": "2025-07-01", "notice": {"count": 10, "unit": "calendar_days"}, "objection": {"count": 10, "unit": "calendar_days"},
	"by_kind": {"removal": {"notice": {"count": 1, "unit": "calendar_days"}}}}, "grounds_required": true, "counting": "regulation_1182_71",
	"roll_over": {"notice": true, "objection": true}, "holidays": {"country": "DE", "subdivision": "BY"}, "time_zone": "Europe/Berlin", "clause": "§ 7",
	"recipients": ["dpo@customer.example"]}`

func TestASheetLosesNothingOnItsWay(t *testing.T) {
	domain, err := subscribers.ParseTermSheet([]byte(fullSheet))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := sheetOf(&domain)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	raw, err := json.Marshal(ours)
	if err != nil || json.Unmarshal(raw, &got) != nil || json.Unmarshal([]byte(fullSheet), &want) != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	back, err := ours.sheet()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(domain, back); diff != "" {
		t.Error(diff)
	}
}

func templateBody(t *testing.T, name string, change map[string]any) map[string]any {
	t.Helper()
	var sheet map[string]any
	raw, err := json.Marshal(exampleSheet())
	if err != nil || json.Unmarshal(raw, &sheet) != nil {
		t.Fatal(err)
	}
	for field, value := range change {
		if value == nil {
			delete(sheet, field)
		} else {
			sheet[field] = value
		}
	}
	return map[string]any{"name": name, "sheet": sheet}
}

func TestATemplateIsAddedAndGetsVersions(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	var made, read TermTemplate
	at := strings.TrimPrefix(editor.post("/term-templates", templateBody(t, "Standard", nil), "Idempotency-Key", "t").want(201).into(&made).Header.Get("Location"), Prefix)
	first := editor.get(at).want(200).into(&read)
	if diff := cmp.Diff(made, read); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(exampleSheet(), made.Latest.Sheet); diff != "" || made.Latest.Number != 1 || len(made.Latest.Warnings) != 0 {
		t.Errorf("%+v: %s", made.Latest, diff)
	}
	editor.post("/term-templates", templateBody(t, "Standard", nil)).problem(409, "duplicate at name")
	next := map[string]any{"sheet": json.RawMessage(fullSheet), "note": "all of it"}
	second := editor.post(at+"/versions", next, "If-Match", first.etag()).want(200).into(&read)
	if read.Latest.Number != 2 || read.Latest.Note != "all of it" || len(read.Latest.Warnings) != 6 || read.Latest.Warnings[0].Code != "regulation_1182_71" {
		t.Errorf("the second version is %+v", read.Latest)
	}
	editor.post(at+"/versions", next, "If-Match", first.etag()).problem(412, "changed_meanwhile")
	editor.post(at+"/versions", next).problem(428, "precondition.missing at If-Match")
	next["sheet"] = templateBody(t, "", map[string]any{"roll_over": map[string]any{"notice": true}})["sheet"]
	editor.post(at+"/versions", next, "If-Match", second.etag()).problem(422, "terms.holidays_needed at sheet.holidays.country")
	var versions Whole[TermTemplateVersion]
	editor.get(at + "/versions").want(200).into(&versions)
	if len(versions.Items) != 2 || cmp.Diff(versions.Items[1], made.Latest) != "" {
		t.Errorf("the versions are %+v", versions)
	}
	var list Whole[TermTemplate]
	editor.get("/term-templates").want(200).into(&list)
	if len(list.Items) != 1 || cmp.Diff(list.Items[0].Latest, versions.Items[0]) != "" {
		t.Errorf("the list is %+v", list)
	}
	editor.get("/term-templates/"+exampleID(9).String()).problem(404, "template.not_found")
	editor.get("/term-templates/"+exampleID(9).String()+"/versions").problem(404, "template.not_found")
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(at).want(200)
	reviewer.post("/term-templates", templateBody(t, "Other", nil)).problem(403, "role.missing")
	reviewer.post(at+"/versions", next, "If-Match", second.etag()).problem(403, "role.missing")
}

func TestWhatIsWrongInASheetIsSaidAtItsField(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	type object = map[string]any
	for _, wrong := range []struct {
		change object
		parts  string
	}{
		{object{"by_kind": object{"removal": object{"notice": object{"count": 4000, "unit": "calendar_days"}}}}, "json.maximum at sheet.by_kind.removal.notice.count"},
		{object{"by_kind": object{"removal": object{"notice": object{"count": -1, "unit": "days"}}}}, "json.minimum at sheet.by_kind.removal.notice.count, json.choice at sheet.by_kind.removal.notice.unit"},
		{object{"by_kind": object{"removal": object{"notice": object{"count": 1e300, "unit": "weeks"}}}}, "json.maximum at sheet.by_kind.removal.notice.count"},
		{object{"by_kind": object{"removal": object{"notice": object{"count": 1.5, "unit": "weeks"}}}}, "json.type.integer at sheet.by_kind.removal.notice.count"},
		{object{"by_kind": object{"removal": object{}}}, "required at sheet.by_kind.removal"},
		{object{"by_kind": object{"housekeeping": object{}}}, "json.unknown_field at sheet.by_kind.housekeeping"},
		{object{"notice": nil}, "json.required at sheet.notice"},
		{object{"notice": "30 days"}, "json.type.object at sheet.notice"},
		{object{"clock_starts": "deemed"}, "required at sheet.deemed_cutoff_hour, terms.holidays_needed at sheet.holidays.country"},
		{object{"deemed_cutoff_hour": 5}, "terms.cutoff_unused at sheet.deemed_cutoff_hour"},
		{object{"time_zone": "Mars/Olympus"}, "time_zone.unknown at sheet.time_zone"},
		{object{"time_zone": strings.Repeat("x", 200)}, "time_zone.unknown at sheet.time_zone"},
		{object{"holidays": object{"country": "XX", "subdivision": "BAVARIA"}}, "country.unknown at sheet.holidays.country, subdivision.malformed at sheet.holidays.subdivision"},
		{object{"recipients": []string{"a@customer.example", "nobody"}}, "email.malformed at sheet.recipients.1"},
		{object{"recipients": manyAddresses(101)}, "terms.recipients_too_many at sheet.recipients"},
		{object{"channels": []string{"fax"}}, "json.choice at sheet.channels.0"},
		{object{"before_signing": object{"signed_before": nil, "notice": object{"count": 1, "unit": "weeks"}, "objection": object{"count": 1, "unit": "weeks"}}}, "required at sheet.before_signing.signed_before"},
		{object{"authorisation": "maybe"}, "json.choice at sheet.authorisation"},
		{object{"surprise": true}, "json.unknown_field at sheet.surprise"},
		{object{"clause": "a\nb"}, "control_characters at sheet.clause"},
	} {
		editor.post("/term-templates", templateBody(t, "Standard", wrong.change)).problem(422, strings.Split(wrong.parts, ", ")...)
	}
	body := templateBody(t, " ", object{"clause": "a\nb"})
	body["note"] = "a\tb"
	editor.post("/term-templates", body).problem(422, "required at name", "control_characters at note", "control_characters at sheet.clause")
	for _, year := range []string{"0001-01-01", "9999-12-31"} {
		earlier := object{"signed_before": year, "notice": object{"count": 3660, "unit": "months"}, "objection": object{"count": 3660, "unit": "months"}}
		editor.post("/term-templates", templateBody(t, "Since "+year, object{"before_signing": earlier})).want(201)
	}
}

func manyAddresses(n int) []string {
	out := manyNames(n)
	for i, name := range out {
		out[i] = strings.ReplaceAll(name, " ", ".") + "@customer.example"
	}
	return out
}

func TestAContractIsAddedAmendedAndEnded(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "", housetest.Sheet(30))
	var template TermTemplate
	editor.post("/term-templates", templateBody(t, "Standard", nil)).want(201).into(&template)
	list := "/customers/" + customer.ID.String() + "/contracts"
	var k Contract
	made := editor.post(list, map[string]any{"reference": "T-1", "signed_on": "2026-02-03", "template_version_id": template.Latest.ID,
		"deviations": json.RawMessage(exampleDeviations)}).want(201).into(&k)
	at := strings.TrimPrefix(made.Header.Get("Location"), Prefix)
	want := exampleSheet()
	want.Notice.Count, want.ByKind = 45, nil
	if diff := cmp.Diff(want, k.Terms.Sheet); diff != "" || k.Terms.TemplateName != "Standard" || k.Terms.TemplateNumber != 1 || k.SignedOn.String() != "2026-02-03" {
		t.Errorf("the contract is %+v: %s", k, diff)
	}
	if got := string(k.Terms.Deviations); got != exampleDeviations && !sameJSON(got, exampleDeviations) {
		t.Errorf("the deviations are %s", got)
	}
	read := editor.get(at).want(200)
	amended := editor.post(at+"/amend", map[string]any{"deviations": json.RawMessage(fullSheet)}, "If-Match", read.etag()).want(200)
	k = Contract{}
	if amended.into(&k); k.Terms.Number != 2 || k.Terms.TemplateVersionID != nil || len(k.Warnings) != 6 || k.Warnings[0].Code != "regulation_1182_71" {
		t.Errorf("the amended contract is %+v", k)
	}
	editor.post(at+"/amend", map[string]any{}, "If-Match", read.etag()).problem(412, "changed_meanwhile")
	editor.post(at+"/end", map[string]any{"ended_on": nil}, "If-Match", read.etag()).problem(412, "changed_meanwhile")
	editor.post(at+"/end", map[string]any{"ended_on": "2026-02-02"}, "If-Match", amended.etag()).problem(422, "contract.ends_before_signing at ended_on")
	ended := editor.post(at+"/end", map[string]any{"ended_on": "2026-11-01"}, "If-Match", amended.etag()).want(200).into(&k)
	if !k.HasEnded || k.EndedOn.String() != "2026-11-01" {
		t.Errorf("it ended on %s (%v)", k.EndedOn, k.HasEnded)
	}
	editor.post(at+"/end", map[string]any{"ended_on": nil}, "If-Match", ended.etag()).want(200).into(&k)
	if k.HasEnded || !k.EndedOn.IsZero() {
		t.Errorf("it runs on, and ended on %s", k.EndedOn)
	}
	var history Whole[Terms]
	editor.get(at + "/terms").want(200).into(&history)
	if len(history.Items) != 2 || history.Items[0].Number != 2 || cmp.Diff(k.Terms, history.Items[0]) != "" {
		t.Errorf("the history is %+v", history)
	}
	var contracts Whole[Contract]
	editor.get(list).want(200).into(&contracts)
	if len(contracts.Items) != 2 || cmp.Diff(k, contracts.Items[0]) != "" {
		t.Errorf("the contracts are %+v", contracts)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}

func TestWhatIsWrongWithAContractIsSaidAtItsField(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	list := "/customers/" + d.Customer("Anna", "", housetest.Sheet(30)).ID.String() + "/contracts"
	type object = map[string]any
	var template TermTemplate
	editor.post("/term-templates", templateBody(t, "Standard", nil)).want(201).into(&template)
	good := func(change object) object {
		body := object{"reference": "T-1", "signed_on": "2026-02-03", "template_version_id": template.Latest.ID}
		for field, value := range change {
			body[field] = value
		}
		return body
	}
	for _, wrong := range []struct {
		change object
		parts  string
	}{
		{object{"template_version_id": exampleID(9)}, "template.unknown at template_version_id"},
		{object{"template_version_id": uuid.Nil}, "template.unknown at template_version_id"},
		{object{"template_version_id": template.ID}, "template.unknown at template_version_id"}, // the template is none of its versions
		{object{"reference": "", "signed_on": nil}, "required at reference, required at signed_on"},
		{object{"signed_on": "2026-02-30"}, "json.date at signed_on"},
		{object{"deviations": object{"by_kind": object{"removal": object{"notice": object{"count": 4000}}}}}, "json.maximum at deviations.by_kind.removal.notice.count"},
		{object{"deviations": object{"by_kind": object{"scope": object{"notice": object{"count": 4}}}}}, "required at deviations.by_kind.scope.notice.unit"},
		{object{"deviations": object{"authorisation": "maybe"}}, "json.choice at deviations.authorisation"},
		{object{"deviations": object{"Notice": object{"count": 4}}}, "json.unknown_field at deviations.Notice"},
		{object{"deviations": object{"surprise": nil}}, "json.unknown_field at deviations.surprise"},
		{object{"Reference": "T-2"}, "json.unknown_field at Reference"},
		{object{"deviations": []int{}}, "json.type.object at deviations"},
		{object{"deviations": object{"time_zone": nil}}, "required at deviations.time_zone"},
		{object{"deviations": object{"clock_starts": "deemed"}}, "required at deviations.deemed_cutoff_hour, terms.holidays_needed at deviations.holidays.country"},
	} {
		editor.post(list, good(wrong.change)).problem(422, strings.Split(wrong.parts, ", ")...)
	}
	p := editor.post(list, good(object{"deviations": object{"served": "some"}})).problem(422, "json.choice at deviations.served")
	if !strings.Contains(p.Detail, "first, all, null") {
		t.Errorf("the choices are told as: %s", p.Detail)
	}
	got := editor.post(list, object{"reference": "T-1", "signed_on": "2026-02-03"}).want(422)
	if !strings.Contains(string(got.Body), `"deviations.notice.unit"`) {
		t.Errorf("without a template, the sheet isn't owed: %s", got.Body)
	}
	for _, signed := range []string{"0001-01-01", "9999-12-31"} {
		at := editor.post(list, good(object{"reference": signed, "signed_on": signed, "deviations": nil})).want(201).Header.Get("Location")
		editor.get(strings.TrimPrefix(at, Prefix)).want(200)
	}
	editor.post(list, good(nil)).want(201)
	editor.post(list, good(nil)).problem(409, "duplicate at reference")
	editor.post("/customers/"+exampleID(9).String()+"/contracts", good(nil)).problem(404, "customer.not_found")
	editor.get("/customers/"+exampleID(9).String()+"/contracts").problem(404, "customer.not_found")
	editor.get("/contracts/"+exampleID(9).String()).problem(404, "contract.not_found")
	editor.get("/contracts/"+exampleID(9).String()+"/terms").problem(404, "contract.not_found")
	editor.post("/contracts/"+exampleID(9).String()+"/amend", object{}, "If-Match", `"1"`).problem(404, "contract.not_found")
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(list).want(200)
	reviewer.post(list, good(nil)).problem(403, "role.missing")
	reviewer.post("/contracts/"+exampleID(9).String()+"/amend", object{}, "If-Match", `"1"`).problem(403, "role.missing")
	reviewer.post("/contracts/"+exampleID(9).String()+"/end", object{"ended_on": nil}, "If-Match", `"1"`).problem(403, "role.missing")
}
