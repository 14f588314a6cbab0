package apiv1

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/calendar"
	"fairnotice/web/shapes"
)

// Package public answers these; the document describes them beside the API, at the root and without a
// key. A test validates what is answered against what stands here.

// openRead is an address that anybody may read.
type openRead struct {
	path, id, summary, text string
	params                  []*huma.Param
	kind                    string // of the answer
	shape                   reflect.Type
	example                 any
}

func (s *Site) describeOpenReads(d *huma.OpenAPI) {
	list := exampleList(s.kit.URL)
	for _, r := range []openRead{
		{path: "/subprocessors.json", id: "readSubprocessors", summary: "The published list of sub-processors", params: listParams(),
			text: "As of today, or of any day.", kind: "application/json", shape: reflect.TypeFor[shapes.PublishedList](), example: list},
		{path: "/subprocessors.csv", id: "readSubprocessorsCSV", summary: "The published list of sub-processors, as a table", params: listParams(),
			text: "RFC 4180 in UTF-8, with a header; several values in a cell are parted by \"; \".", kind: "text/csv",
			example: "legal_name,trade_name,country\r\nExample Cloud B.V.,,NL\r\n"},
		{path: "/changes.json", id: "readChanges", summary: "The announced changes of the list, the newest first", params: changesParams(),
			text: "Those to come, those in effect and those that were withdrawn after their announcement.", kind: "application/json",
			shape: reflect.TypeFor[shapes.PublishedChanges](), example: exampleChanges(s.kit.URL, list)},
	} {
		d.Paths[r.path] = &huma.PathItem{Servers: []*huma.Server{{URL: s.kit.URL("")}}, Get: s.openRead(d, &r)}
	}
}

func (s *Site) openRead(d *huma.OpenAPI, r *openRead) *huma.Operation {
	schema := &huma.Schema{Type: huma.TypeString}
	if r.shape != nil {
		schema = d.Components.Schemas.Schema(r.shape, true, r.shape.Name())
	}
	text := &huma.Schema{Type: huma.TypeString}
	headers := map[string]*huma.Param{
		"ETag":          {Schema: text, Description: "A digest of what is told."},
		"Last-Modified": {Schema: text, Description: "When it last came to be what it is."},
	}
	o := &huma.Operation{OperationID: r.id, Summary: r.summary, Tags: []string{tagOpen},
		Description: r.text + " It may be read from any website.", Security: []map[string][]string{{}},
		Parameters: append(r.params,
			&huma.Param{Name: "If-None-Match", In: "header", Schema: text, Description: "ETag of an answer that you have: 304 says that it still holds."},
			&huma.Param{Name: "If-Modified-Since", In: "header", Schema: text, Description: "Last-Modified of an answer that you have, where you have no ETag."}),
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Headers: headers, Content: map[string]*huma.MediaType{r.kind: {Schema: schema, Example: r.example}}},
			"304": {Description: "Not Modified"},
		}}
	problem := d.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, status := range []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		o.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: problem, Example: s.exampleProblem(status)}}}
	}
	return o
}

func query(name, doc string, example any) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}, Example: example}
}

func listParams() []*huma.Param {
	return []*huma.Param{query("on", "The day, as people type it; absent: today.", "2026-03-01"), query("q", "Words in a name or a purpose.", "hosting"),
		query("product", "Slug of one of the publisher's products.", "desk"), query("region", "Of customers, such as eea.", "eea"),
		query("scheme", "Of a certification.", "ISO/IEC 27001")}
}

func changesParams() []*huma.Param {
	state := query("state", "Only changes in this state.", "announced")
	state.Schema.Enum = []any{"announced", "effective", "withdrawn"}
	return []*huma.Param{state, {Name: "after", In: "query", Description: "next of the part before.", Schema: &huma.Schema{Type: huma.TypeString}}}
}

func openFacts() shapes.PublishedFacts {
	return shapes.PublishedFacts{LegalName: "Example Cloud B.V.", Address: "Voorbeeldstraat 1\n1012 Amsterdam", Country: "NL", Website: "https://cloud.example",
		PrivacyContact: shapes.PublishedContact{Name: "Privacy Office", Email: "privacy@cloud.example"}, Purpose: "Hosting", Nature: "Storage",
		Products: []shapes.PublishedProduct{{Slug: "desk", Name: "Nordlicht Desk"}}, Regions: []string{"eea"}, DataCategories: []string{"Contact details"},
		SpecialCategories: []string{}, DataSubjects: []string{"Users"}, Locations: []shapes.PublishedLocation{{Country: "NL", Kind: "stored",
			Transfers: []shapes.PublishedTransfer{{Regime: "eea", Mechanism: "none_needed"}}}}}
}

var openCompany = shapes.PublishedCompany{LegalName: "Nordlicht Software GmbH", Address: "Musterweg 1\n10115 Berlin", Country: "DE",
	Website: "https://nordlicht.example", PrivacyEmail: "privacy@nordlicht.example"}

func openDay(year int, month time.Month, day int) calendar.Date {
	return calendar.Date{Year: year, Month: month, Day: day}
}

func exampleList(address func(string) string) shapes.PublishedList {
	at := exampleTime
	return shapes.PublishedList{GeneratedAt: at, LastUpdated: &at, Publisher: openCompany, AsOf: openDay(2026, time.November, 22),
		TimeZone: "Europe/Berlin", Entries: []shapes.PublishedEntry{{ID: exampleID(20).String(), Slug: "example-cloud",
			URL: address("/subprocessors/example-cloud"), PublishedFacts: openFacts(), Since: openDay(2024, time.May, 1),
			Certifications: []shapes.PublishedCertification{{Scheme: "ISO/IEC 27001", Edition: "2022", Issuer: "Example Audit", IssuedOn: openDay(2025, time.January, 1),
				ExpiresOn: openDay(2027, time.December, 31), Status: shapes.PublishedState{State: "current", Reason: "checked", Since: openDay(2025, time.January, 1),
					Until: openDay(2028, time.January, 1)}}}}}}
}

func exampleChanges(address func(string) string, list shapes.PublishedList) shapes.PublishedChanges {
	at, ends, facts := exampleTime, time.Date(2026, time.December, 22, 23, 0, 0, 0, time.UTC), openFacts()
	return shapes.PublishedChanges{GeneratedAt: at, LastUpdated: &at, Publisher: list.Publisher, TimeZone: list.TimeZone,
		Changes: []shapes.PublishedChange{{Reference: "SP-2026-014", URL: address("/changes/SP-2026-014"), Kind: "addition", State: "announced",
			EngagementID: exampleID(20).String(), Vendor: facts.LegalName, Reason: "Hosting closer to customers.", AnnouncedAt: at,
			NoticeOn: openDay(2026, time.November, 22), ObjectionEndsAt: &ends, ObjectionUntil: openDay(2026, time.December, 22),
			EffectiveOn: openDay(2027, time.January, 15), After: &facts}}}
}
