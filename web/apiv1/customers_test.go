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
	"fairnotice/internal/calendar"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

func (d *desk) facts(name, externalID string) CustomerFacts {
	return CustomerFacts{Name: name, ExternalID: externalID, Role: "controller", Region: "eea", Country: "DE", TimeZone: "Europe/Berlin",
		Language: "en", Affiliates: []string{"Hansa Labor GmbH"}, Products: []uuid.UUID{d.Product.ID}}
}

func TestACustomerIsAddedReadEditedAndLeaves(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	var c Customer
	made := editor.post("/customers", d.facts("Hansa Klinik", "C-1"), "Idempotency-Key", "a").want(201).into(&c)
	if want := Prefix + "/customers/" + c.ID.String(); made.Header.Get("Location") != want {
		t.Errorf("it is at %s, want %s", made.Header.Get("Location"), want)
	}
	editor.post("/customers", d.facts("Hansa Klinik", "C-1"), "Idempotency-Key", "a").want(201)
	if diff := cmp.Diff(d.facts("Hansa Klinik", "C-1"), c.CustomerFacts); diff != "" || c.Reachable || c.HasLeft || c.Version != 1 {
		t.Errorf("%+v: %s", c, diff)
	}
	at := "/customers/" + c.ID.String()
	read := editor.get(at).want(200).into(&c)
	c.Name, c.Affiliates = "Hansa Kliniken", nil
	edited := editor.put(at, read.etag(), c.CustomerFacts).want(200).into(&c)
	if c.Name != "Hansa Kliniken" || len(c.Affiliates) != 0 || c.Version != 2 {
		t.Errorf("after the edit it is %+v", c)
	}
	editor.put(at, read.etag(), c.CustomerFacts).problem(412, "changed_meanwhile")
	editor.send("PUT", at, c.CustomerFacts).problem(428, "precondition.missing at If-Match")
	leave := map[string]any{"left_on": "2026-01-01"}
	editor.post(at+"/leave", leave, "If-Match", read.etag()).problem(412, "changed_meanwhile")
	left := editor.post(at+"/leave", leave, "If-Match", edited.etag()).want(200).into(&c)
	if c.LeftOn.String() != "2026-01-01" || !c.HasLeft {
		t.Errorf("it left on %s (%v)", c.LeftOn, c.HasLeft)
	}
	stayed := editor.post(at+"/leave", map[string]any{"left_on": nil}, "If-Match", left.etag()).want(200).into(&c)
	if !c.LeftOn.IsZero() || c.HasLeft {
		t.Errorf("it stayed, and left on %s", c.LeftOn)
	}
	editor.post(at+"/leave", map[string]any{}, "If-Match", stayed.etag()).problem(422, "json.required at left_on")
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(at).want(200)
	reviewer.put(at, stayed.etag(), c.CustomerFacts).problem(403, "role.missing")
	reviewer.post("/customers", d.facts("Other", "C-2")).problem(403, "role.missing")
	reviewer.post(at+"/leave", leave, "If-Match", stayed.etag()).problem(403, "role.missing")
}

func TestWhatIsWrongWithACustomerIsSaidAtItsField(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	var c Customer
	editor.post("/customers", d.facts("Hansa Klinik", "C-1")).want(201).into(&c)
	for name, wrong := range map[string]struct {
		change func(*CustomerFacts)
		parts  string
		status int
	}{
		"a taken external ID": {func(f *CustomerFacts) { f.ExternalID = "C-1" }, "duplicate at external_id", 409},
		"no name":             {func(f *CustomerFacts) { f.Name = "  " }, "required at name", 422},
		"a name of two lines": {func(f *CustomerFacts) { f.Name = "a\nb" }, "control_characters at name", 422},
		"a huge name":         {func(f *CustomerFacts) { f.Name = strings.Repeat("x", 100_000) }, "json.long at name", 422},
		"no such country":     {func(f *CustomerFacts) { f.Country = "XX" }, "country.unknown at country", 422},
		"no such zone":        {func(f *CustomerFacts) { f.TimeZone = "../etc/passwd" }, "time_zone.unknown at time_zone", 422},
		"no such role":        {func(f *CustomerFacts) { f.Role = "boss" }, "json.choice at role", 422},
		"no product":          {func(f *CustomerFacts) { f.Products = []uuid.UUID{} }, "required at products", 422},
		"no such product":     {func(f *CustomerFacts) { f.Products = []uuid.UUID{exampleID(9)} }, "product.unknown at products", 422},
		"two things":          {func(f *CustomerFacts) { f.Name, f.Country = "", "XX" }, "required at name, country.unknown at country", 422},
		"too many affiliates": {func(f *CustomerFacts) { f.Affiliates = manyNames(101) }, "list.too_long at affiliates", 422},
	} {
		facts := d.facts("Other", "C-2")
		wrong.change(&facts)
		t.Log(name)
		editor.post("/customers", facts).problem(wrong.status, strings.Split(wrong.parts, ", ")...)
	}
	at := "/customers/" + c.ID.String()
	for _, day := range []string{"0001-01-01", "9999-12-31"} {
		editor.post(at+"/leave", map[string]any{"left_on": day}, "If-Match", editor.get(at).etag()).want(200)
	}
	for _, day := range []any{"2026-02-30", "tomorrow", 5} {
		if got := editor.post(at+"/leave", map[string]any{"left_on": day}, "If-Match", `"1"`); got.Status != 422 {
			t.Errorf("leaving on %v is answered %d: %s", day, got.Status, got.Body)
		}
	}
	editor.post(at+"/leave", map[string]any{"left_on": nil}, "If-Match", `"2147483646"`).problem(412, "changed_meanwhile")
	editor.post(at+"/leave", map[string]any{"left_on": nil}, "If-Match", `"2147483647"`).problem(422, "precondition.malformed at If-Match")
	editor.get("/customers/"+exampleID(9).String()).problem(404, "customer.not_found")
	editor.get("/customers/"+uuid.Nil.String()).problem(404, "customer.not_found")
	editor.get("/customers/nobody").problem(422, "json.uuid at id")
	editor.put("/customers/"+exampleID(9).String(), `"1"`, d.facts("a", "b")).problem(404, "customer.not_found")
}

func manyNames(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("Affiliate %d", i)
	}
	return out
}

func TestCustomersAreListed(t *testing.T) {
	d := newDesk(t)
	reader := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reached := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	d.Customer("Berta", "", housetest.Sheet(30))
	gone := d.Customer("Caesar", "caesar@customer.example", housetest.Sheet(30))
	d.ok(d.Subscribers.Leave(t.Context(), d.Editor, gone.ID, gone.Version, day(2026, 1, 1)))
	template, err := d.Subscribers.CreateTemplate(t.Context(), d.Editor, "Standard DPA", housetest.Sheet(30), "")
	d.ok(err)
	_, err = d.Subscribers.AddContract(t.Context(), d.Editor, &subscribers.Contract{CustomerID: reached.ID, Reference: "T", SignedOn: day(2026, 1, 1)},
		subscribers.TermsChoice{TemplateVersionID: template.Latest.ID})
	d.ok(err)
	for query, want := range map[string]string{
		"": "Anna, Berta, Caesar", "?state=current": "Anna, Berta", "?state=unreachable": "Berta", "?state=left": "Caesar",
		"?query=ert": "Berta", "?product=desk": "Anna, Berta, Caesar", "?product=other": "", "?region=us": "", "?role=controller": "Anna, Berta, Caesar",
		"?template=" + template.ID.String(): "Anna", "?query=%25": "", "?limit=2": "Anna, Berta",
	} {
		var got Items[Customer]
		reader.get("/customers" + query).want(200).into(&got)
		if names := namesOf(got.Items); names != want {
			t.Errorf("%q lists %s, want %s", query, names, want)
		}
	}
	var got Items[Customer]
	reader.get("/customers?limit=1").into(&got)
	if c := got.Items[0]; !c.Reachable || c.HasLeft || cmp.Diff(c.Templates, []string{"Standard DPA"}) != "" || c.Products[0] != d.Product.ID {
		t.Errorf("Anna is %+v", c)
	}
	reader.get("/customers?state=gone").problem(422, "json.choice at state")
	reader.get("/customers?after=%21").problem(422, "cursor.malformed at after")
	reader.get("/customers?template=x").problem(422, "json.uuid at template")
	reader.get("/customers?query="+strings.Repeat("x", 300)).problem(422, "json.long at query")
	reader.get("/customers?fields=name,secret").problem(422, "fields.unknown at fields")
	var part map[string]any
	reader.get("/customers?fields=name,reachable&limit=1").want(200).into(&part)
	want := map[string]any{"items": []any{map[string]any{"name": "Anna", "reachable": true}}, "next": part["next"]}
	if diff := cmp.Diff(want, part); diff != "" {
		t.Error(diff)
	}
}

func namesOf(list []Customer) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

func TestPagesOfCustomersNeitherRepeatNorHide(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	long := strings.Repeat("<😀", 100) // a cursor's worst case
	for i, name := range []string{"B", "D", "F", long} {
		editor.post("/customers", d.facts(name, fmt.Sprint("C-", i))).want(201)
	}
	var names []string
	path := "/customers?limit=1&fields=name"
	for i := 0; path != ""; i++ {
		var got Items[Customer]
		a := editor.get(path).want(200).into(&got)
		names = append(names, namesOf(got.Items))
		if i == 1 { // behind the page, and before it
			editor.post("/customers", d.facts("E", "C-e")).want(201)
			editor.post("/customers", d.facts("A", "C-a")).want(201)
		}
		link, _, more := strings.Cut(a.Header.Get("Link"), ">")
		if path = ""; more {
			path = strings.TrimPrefix(link, "<"+Prefix)
		}
		if more != (got.Next != "") || more && !strings.Contains(path, url.QueryEscape(got.Next)) {
			t.Errorf("next is %q, the link %q", got.Next, a.Header.Get("Link"))
		}
		if i > 10 {
			t.Fatal("the pages don't end")
		}
	}
	if diff := cmp.Diff([]string{long, "B", "D", "E", "F"}, names); diff != "" {
		t.Error(diff)
	}
}

func day(year int, month time.Month, date int) calendar.Date {
	return calendar.Date{Year: year, Month: month, Day: date}
}
