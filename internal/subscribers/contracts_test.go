package subscribers_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func TestTemplatesAreVersioned(t *testing.T) {
	h := newHouse(t)
	tpl := h.template("Standard DPA", 30)
	_, err := h.CreateTemplate(t.Context(), h.who, "Standard DPA", full(), "")
	wantFault(t, "a taken name", err, "duplicate", "name")
	_, err = h.CreateTemplate(t.Context(), h.who, "", subscribers.TermSheet{}, "a\x07b")
	if found := fault.All(err); len(found) < 10 {
		t.Errorf("everything is wrong with it, told: %v", found)
	}
	next, err := h.AddTemplateVersion(t.Context(), h.who, tpl.ID, 1, full(), "as renegotiated")
	h.ok(err)
	if next.Latest.Number != 2 || next.Version != 2 {
		t.Errorf("second version: %+v", next)
	}
	_, err = h.AddTemplateVersion(t.Context(), h.who, tpl.ID, 1, full(), "")
	wantFault(t, "a late version", err, "changed_meanwhile", "")
	_, err = h.AddTemplateVersion(t.Context(), h.who, secrets.ID(), 1, full(), "")
	wantFault(t, "no such template", err, "template.not_found", "")
	list, err := h.Templates(t.Context())
	h.ok(err)
	if len(list) != 1 || list[0].Latest.Note != "as renegotiated" || !cmp.Equal(list[0].Latest.Sheet, full()) {
		t.Errorf("list: %+v", list)
	}
	versions, err := h.TemplateVersions(t.Context(), tpl.ID)
	h.ok(err)
	if len(versions) != 2 || versions[1].Sheet.Notice.Count != 30 || versions[0].CreatedBy == nil || *versions[0].CreatedBy != h.who.ID {
		t.Errorf("versions: %+v", versions)
	}
	if _, err := h.Template(t.Context(), secrets.ID()); !fault.Has(err, "template.not_found") {
		t.Errorf("nothing: %v", err)
	}
}

func TestTermsAreTheTemplateWithDeviations(t *testing.T) {
	h := newHouse(t)
	c, tpl := h.customer(nil), h.template("Standard DPA", 30)
	k := h.contract(c, "DPA-7", "2026-01-15", `{"notice": {"count": 45}, "clause": "8.2"}`, tpl)
	_, err := h.AddTemplateVersion(t.Context(), h.who, tpl.ID, 1, subscribers.Standard(10, "UTC"), "")
	h.ok(err)

	list, err := h.Contracts(t.Context(), c.ID)
	h.ok(err)
	want := subscribers.Standard(30, "Europe/Berlin")
	want.Notice.Count, want.Clause = 45, "8.2"
	got := list[0].Terms
	if diff := cmp.Diff(want, got.Sheet); diff != "" {
		t.Errorf("a new edition of the template must not reach in (-want +got):\n%s", diff)
	}
	if got.Number != 1 || got.TemplateName != "Standard DPA" || got.TemplateNumber != 1 || got.ContractID != k.ID {
		t.Errorf("terms: %+v", got)
	}
	terms, err := h.Amend(t.Context(), h.who, k.ID, 1, subscribers.TermsChoice{Deviations: mustJSON(t, full())})
	h.ok(err)
	if terms.Number != 2 || terms.TemplateVersionID != nil {
		t.Errorf("amended: %+v", terms)
	}
	_, err = h.Amend(t.Context(), h.who, k.ID, 1, subscribers.TermsChoice{Deviations: mustJSON(t, full())})
	wantFault(t, "a late amendment", err, "changed_meanwhile", "")
	if what := fault.All(err)[0].Args["What"]; !cmp.Equal(what, []string{"terms"}) {
		t.Errorf("told that %v changed", what)
	}
	history, err := h.TermsHistory(t.Context(), k.ID)
	h.ok(err)
	if len(history) != 2 || !cmp.Equal(history[0].Sheet, full()) || !cmp.Equal(history[1].Sheet, want) {
		t.Errorf("history: %+v", history)
	}
	var kept map[string]any
	h.ok(json.Unmarshal(history[1].Deviations, &kept))
	if diff := cmp.Diff(map[string]any{"notice": map[string]any{"count": 45.0}, "clause": "8.2"}, kept); diff != "" {
		t.Errorf("deviations (-want +got):\n%s", diff)
	}
}

func mustJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Ten business' days (Prevend) are kept whole until they can be counted.
func TestTermsThatCannotBeComputedAreKept(t *testing.T) {
	h := newHouse(t)
	c, tpl := h.customer(nil), h.template("Standard DPA", 30)
	h.contract(c, "DPA-1", "2026-01-15", `{"notice": {"count": 10, "unit": "business_days"}, "holidays": {"country": "de"}}`, tpl)
	list, err := h.Contracts(t.Context(), c.ID)
	h.ok(err)
	sheet := list[0].Terms.Sheet
	if sheet.Notice != (subscribers.Period{Count: 10, Unit: subscribers.BusinessDays}) || sheet.Holidays.Country != "DE" {
		t.Errorf("kept: %+v", sheet)
	}
	if err := subscribers.Computable(sheet, subscribers.Addition, list[0].SignedOn); !fault.Has(err, subscribers.NotComputable) {
		t.Errorf("computed: %v", err)
	}
}

func TestContractsEndAndBadOnesAreRefused(t *testing.T) {
	h := newHouse(t)
	c, tpl := h.customer(nil), h.template("Standard DPA", 30)
	k := h.contract(c, "DPA-1", "2026-01-15", "", tpl)
	template := subscribers.TermsChoice{TemplateVersionID: tpl.Latest.ID}
	with := func(deviations string) subscribers.TermsChoice {
		return subscribers.TermsChoice{TemplateVersionID: tpl.Latest.ID, Deviations: json.RawMessage(deviations)}
	}
	for what, x := range map[string]struct {
		k           subscribers.Contract
		choice      subscribers.TermsChoice
		code, field string
	}{
		"no reference":      {subscribers.Contract{CustomerID: c.ID, SignedOn: k.SignedOn}, template, "required", "reference"},
		"no day":            {subscribers.Contract{CustomerID: c.ID, Reference: "R"}, template, "required", "signed_on"},
		"taken reference":   {subscribers.Contract{CustomerID: c.ID, Reference: "DPA-1", SignedOn: k.SignedOn}, template, "duplicate", "reference"},
		"nobody's contract": {subscribers.Contract{CustomerID: secrets.ID(), Reference: "R", SignedOn: k.SignedOn}, template, "customer.not_found", ""},
		"unknown template":  {subscribers.Contract{CustomerID: c.ID, Reference: "R", SignedOn: k.SignedOn}, subscribers.TermsChoice{TemplateVersionID: secrets.ID()}, "template.unknown", "template"},
		"no terms at all":   {subscribers.Contract{CustomerID: c.ID, Reference: "R", SignedOn: k.SignedOn}, subscribers.TermsChoice{}, "required", "authorisation"},
		"unknown field":     {subscribers.Contract{CustomerID: c.ID, Reference: "R", SignedOn: k.SignedOn}, with(`{"notise": 3}`), "terms.field_unknown", "notise"},
		"unsound":           {subscribers.Contract{CustomerID: c.ID, Reference: "R", SignedOn: k.SignedOn}, with(`{"notice": {"count": -3}}`), "number.range", "notice.count"},
	} {
		_, err := h.AddContract(t.Context(), h.who, &x.k, x.choice)
		wantFault(t, what, err, x.code, x.field)
	}
	wantFault(t, "an end before the signing", h.EndContract(t.Context(), h.who, k.ID, 1, day(t, "2026-01-14")), "contract.ends_before_signing", "ended_on")
	h.ok(h.EndContract(t.Context(), h.who, k.ID, 1, day(t, "2026-12-01")))
	wantFault(t, "a late end", h.EndContract(t.Context(), h.who, k.ID, 1, day(t, "2026-12-02")), "changed_meanwhile", "")
	h.ok(h.EndContract(t.Context(), h.who, k.ID, 2, calendar.Date{}))
	list, err := h.Contracts(t.Context(), c.ID)
	h.ok(err)
	if len(list) != 1 || !list[0].EndedOn.IsZero() || list[0].Version != 3 {
		t.Errorf("taken back: %+v", list)
	}
}
