package public_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"fairnotice/internal/changes"
	"fairnotice/web/apiv1"
	"fairnotice/web/shapes"
)

var openReads = []string{"/subprocessors.json", "/subprocessors.csv", "/changes.json"}

// storied has a change in each state that the public knows, and one that it doesn't.
func storied(t *testing.T) *house {
	h := filled(t)
	h.whole()
	h.announce(h.addition())
	removal := h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: h.sample.Engagements["slack"], Reason: "Not needed.", EffectiveOn: day("2027-02-01")})
	h.announce(removal)
	h.ok(h.changes.Withdraw(t.Context(), h.who, removal.ID, "It is needed after all."))
	h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: h.sample.Engagements["heroku"], Reason: "A secret so far.", EffectiveOn: day("2027-03-01")})
	return h
}

func TestChangesJSON(t *testing.T) {
	h := storied(t)
	body := h.page("/changes.json", 200)
	golden(t, "changes.json", body)
	if strings.Contains(body, "secret") {
		t.Error("a draft is told to the public")
	}
	var doc shapes.PublishedChanges
	for query, want := range map[string]int{"?state=announced": 1, "?state=withdrawn": 1, "?state=effective": 0, "": 2} {
		if err := json.Unmarshal([]byte(h.page("/changes.json"+query, 200)), &doc); err != nil || len(doc.Changes) != want {
			t.Errorf("%s: %d changes, want %d (%v)", query, len(doc.Changes), want, err)
		}
	}
	for query, code := range map[string]string{"?state=draft": "choice.unknown", "?after=x": "cursor.malformed"} {
		w := h.get("/changes.json"+query, "Accept", "*/*")
		var problem struct{ Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != 422 || problem.Code != code || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %s %v", query, w.Code, w.Body, err)
		}
	}
}

// What is answered is what the API's document says.
func TestPublicReadsAreAsDescribed(t *testing.T) {
	h, bare := storied(t), bareBeside(t)
	raw, err := apiv1.Document(&url.URL{Scheme: "https", Host: "trust.example"})
	h.ok(err)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	h.ok(err)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	h.ok(compiler.AddResource("https://trust.example/openapi.json", parsed))
	check := func(w *httptest.ResponseRecorder, path, status, media string) {
		t.Helper()
		place := "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/get/responses/" + status + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema"
		schema, err := compiler.Compile("https://trust.example/openapi.json#" + place)
		h.ok(err)
		value, err := jsonschema.UnmarshalJSON(w.Body)
		h.ok(err)
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s answered %d: %v", path, w.Code, err)
		}
	}
	for _, path := range []string{"/subprocessors.json", "/changes.json"} {
		check(h.get(path), path, "200", "application/json")
		check(bare.get(path), path, "404", "application/problem+json")
	}
	check(h.get("/changes.json?after=x"), "/changes.json", "422", "application/problem+json")
	check(h.get("/subprocessors.json?on=x"), "/subprocessors.json", "422", "application/problem+json")
	check(h.get("/subprocessors.csv?region=x"), "/subprocessors.csv", "422", "application/problem+json")
}

func TestAskingAgainByTime(t *testing.T) {
	h := storied(t)
	for _, path := range append(openReads, "/subprocessors.json?on=2026-03-01") {
		// What was written within the minute proves nothing: more may follow in the same second.
		early := h.get(path).Header().Get("Last-Modified")
		if w := h.get(path, "If-Modified-Since", early); w.Code != 200 {
			t.Errorf("%s, young: %d", path, w.Code)
		}
	}
	h.clock.Add(2 * time.Minute)
	for _, path := range append(openReads, "/subprocessors.json?on=2026-03-01") {
		first := h.get(path)
		at, err := http.ParseTime(first.Header().Get("Last-Modified"))
		h.ok(err)
		for since, want := range map[string]int{first.Header().Get("Last-Modified"): 304, at.Add(-time.Second).Format(http.TimeFormat): 200,
			at.Add(time.Second).Format(http.TimeFormat): 200, at.Add(time.Hour).Format(http.TimeFormat): 304, "yesterday": 200} {
			w := h.get(path, "If-Modified-Since", since, "Accept-Encoding", "gzip")
			if w.Code != want || want == 304 && (w.Body.Len() > 0 || w.Header().Get("Content-Encoding") != "") {
				t.Errorf("%s since %s (last modified %s): %d with %d bytes, want %d", path, since, at, w.Code, w.Body.Len(), want)
			}
		}
		if w := h.get(path, "If-Modified-Since", first.Header().Get("Last-Modified"), "If-None-Match", `"other"`); w.Code != 200 {
			t.Errorf("%s: another ETag at the same time: %d", path, w.Code)
		}
		if w := h.get(path, "If-None-Match", first.Header().Get("ETag"), "Accept-Encoding", "gzip"); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: 304 with %d bytes, %v", path, w.Body.Len(), w.Header())
		}
	}
}

// Each thing that changes what is told moves Last-Modified: a 304 for it would be a lie.
func TestLastModifiedMoves(t *testing.T) {
	h := storied(t)
	h.clock.Add(time.Hour)
	since := map[string]string{}
	ask := func(path string) *httptest.ResponseRecorder { return h.get(path, "If-Modified-Since", since[path]) }
	note := func() {
		for _, path := range openReads {
			since[path] = h.get(path).Header().Get("Last-Modified")
			if w := ask(path); w.Code != 304 {
				t.Fatalf("%s is not known after all: %d", path, w.Code)
			}
		}
	}
	note()
	pub, err := h.publisher.Get(t.Context())
	h.ok(err)
	pub.LegalName = "Nordlicht Software AG"
	h.ok(h.publisher.Save(t.Context(), h.who, pub))
	for _, path := range openReads {
		if w := ask(path); w.Code != 200 {
			t.Errorf("%s, after the publisher's name changed: %d", path, w.Code)
		}
	}
	h.clock.Add(time.Hour)
	note()
	h.announce(h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: h.sample.Engagements["slack"], Reason: "Now it is not.", EffectiveOn: day("2027-04-01")}))
	if w := ask("/changes.json"); w.Code != 200 {
		t.Errorf("/changes.json, after an announcement: %d", w.Code)
	}
	h.clock.Add(24 * time.Hour) // another day: certifications and planned versions may have turned
	for _, path := range openReads[:2] {
		if w := ask(path); w.Code != 200 {
			t.Errorf("%s, the next day: %d", path, w.Code)
		}
	}
}

func TestOtherSitesMayRead(t *testing.T) {
	h := bare(t)
	for _, path := range openReads {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, path, nil)
		r.Header.Set("Origin", "https://other.example")
		r.Header.Set("Access-Control-Request-Headers", "if-modified-since")
		w := httptest.NewRecorder()
		h.kit.Handler().ServeHTTP(w, r)
		if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Methods") != "GET, HEAD" ||
			w.Header().Get("Access-Control-Allow-Headers") != "If-None-Match, If-Modified-Since" {
			t.Errorf("OPTIONS %s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestPagesLeadToTheirData(t *testing.T) {
	h := filled(t)
	h.page("/", 200, `type="application/json" title="JSON" href="/subprocessors.json"`, `href="/changes.json"`)
	h.page("/changes", 200, `<link rel="alternate" type="application/json" title="JSON" href="/changes.json">`)
}
