package public_test

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web/shapes"
)

var update = flag.Bool("update", false, "write the goldens anew")

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// golden compares an answer with its file; IDs, which differ in each run, are masked.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = uuids.ReplaceAllString(got, "ID")
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// whole records a vendor of which everything is known, with what spreadsheets must not run.
func (h *house) whole() {
	h.t.Helper()
	ctx := h.t.Context()
	v, err := h.vendors.CreateVendor(ctx, h.who, vendors.VendorFacts{LegalName: "=cmd|' /C calc'!A0 GmbH", TradeName: "Über, \"Ltd\"", Country: "DE",
		RegistrationNumber: "HRB 1", Address: "Weg 1\n10115 Berlin", Website: "https://vendor.example", ContactName: "Kim", ContactPosition: "DPO",
		ContactEmail: "dpo@vendor.example", ParentName: "Parent SE", Measures: "Encryption", Retention: "30 days"})
	h.ok(err)
	_, err = h.vendors.RecordEngagement(ctx, h.who, v.ID, day("2026-03-01"), vendors.EngagementFacts{Purpose: "-2+3 sums", Nature: "Storage", Optional: true,
		Excludable: true, DataCategories: []string{"@names", "Emails"}, SpecialCategories: []vendors.SpecialCategory{vendors.Health}, DataSubjects: []string{"Users"},
		Regions: []publisher.Region{"eea", "gb"}, Products: []vendors.EngagementProduct{{ProductID: h.products["desk"], Plan: "Pro"}},
		Locations: []vendors.Location{
			{Country: "DE", Kind: vendors.Stored, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}, {Regime: vendors.UK, Mechanism: vendors.Adequacy}}},
			{Country: "US", Kind: vendors.Accessed, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC2, AssessedOn: day("2026-02-01")}, {Regime: vendors.UK, Mechanism: vendors.UKIDTA}}},
		}})
	h.ok(err)
	cert, err := h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2022", Issuer: "Auditor", Number: "4711",
		Scope: "All of it", IssuedOn: day("2025-01-01"), ExpiresOn: day("2026-12-31"), EvidenceURL: "https://vendor.example/iso", EvidenceFor: vendors.ForPublic})
	h.ok(err)
	h.ok(h.vendors.CheckCertification(ctx, h.who, cert.ID, 1))
	_, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2013"})
	h.ok(err)
	_, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "SOC 2", ReportType: "2", IssuedOn: day("2026-06-01"),
		PeriodStart: day("2025-04-01"), PeriodEnd: day("2026-03-31")})
	h.ok(err)
}

func TestJSON(t *testing.T) {
	h := filled(t)
	h.whole()
	body := h.page("/subprocessors.json?q=GmbH", 200)
	golden(t, "subprocessors.json", body)
	var doc shapes.PublishedList
	if err := json.Unmarshal([]byte(h.page("/subprocessors.json", 200)), &doc); err != nil || len(doc.Entries) != 9 {
		t.Errorf("the whole list: %d entries, %v", len(doc.Entries), err)
	}
	for query, want := range map[string]int{"?on=2026-02-28&q=gmbh": 0, "?on=2019-01-01": 5, "?on=1+March+2026&q=gmbh": 1, "?scheme=iso/iec+27001": 2, "?product=desk&q=ltd": 1, "?region=us&q=ltd": 0} {
		if err := json.Unmarshal([]byte(h.page("/subprocessors.json"+query, 200)), &doc); err != nil || len(doc.Entries) != want {
			t.Errorf("%s: %d entries, want %d (%v)", query, len(doc.Entries), want, err)
		}
	}
	if err := json.Unmarshal([]byte(h.page("/subprocessors.json?on=1.3.2026", 200)), &doc); err != nil || doc.AsOf != day("2026-03-01") {
		t.Errorf("as of %v, %v", doc.AsOf, err)
	}
	w := h.get("/subprocessors.json?on=soon", "Accept", "*/*")
	var problem map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != 422 || w.Header().Get("Content-Type") != "application/problem+json" ||
		!strings.Contains(problem["detail"].(string), "on is not a date") || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a malformed day: %d %s %v", w.Code, w.Body, err)
	}
}

func TestCSV(t *testing.T) {
	h := filled(t)
	h.whole()
	w := h.get("/subprocessors.csv?q=gmbh")
	golden(t, "subprocessors.csv", w.Body.String())
	if got := w.Header().Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
		t.Errorf("type %q", got)
	}
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="subprocessors-2026-11-22.csv"` {
		t.Errorf("disposition %q", got)
	}
	rows, err := csv.NewReader(h.get("/subprocessors.csv").Body).ReadAll()
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	if rows, err = csv.NewReader(h.get("/subprocessors.csv?on=2019-01-01&product=desk").Body).ReadAll(); err != nil || len(rows) < 2 || len(rows) >= 8 {
		t.Errorf("filtered: %d rows, %v", len(rows), err)
	}
	if w := h.get("/subprocessors.csv?product=toaster"); w.Code != 422 {
		t.Errorf("unknown product: %d", w.Code)
	}
}

func TestAskingAgain(t *testing.T) {
	h := filled(t)
	c := h.addition()
	h.announce(c)
	for _, path := range []string{"/", "/?q=stripe", "/subprocessors/stripe", "/changes", "/changes/" + c.Reference, "/changes.json", "/subprocessors.json", "/subprocessors.csv", "/.well-known/security.txt"} {
		first := h.get(path)
		tag := first.Header().Get("ETag")
		if first.Code != 200 || tag == "" || first.Header().Get("Access-Control-Allow-Origin") != "*" || first.Header().Get("Last-Modified") == "" {
			t.Errorf("%s: %d, headers %v", path, first.Code, first.Header())
		}
		h.clock.Add(time.Second)
		again := h.get(path, "If-None-Match", `"other", `+tag)
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") != tag {
			t.Errorf("%s again: %d with %d bytes", path, again.Code, again.Body.Len())
		}
		if other := h.get(path, "If-None-Match", `W/"other"`); other.Code != 200 {
			t.Errorf("%s with another tag: %d", path, other.Code)
		}
		head := httptest.NewRecorder()
		h.kit.Handler().ServeHTTP(head, httptest.NewRequestWithContext(t.Context(), http.MethodHead, path, nil))
		if head.Code != 200 {
			t.Errorf("HEAD %s: %d", path, head.Code)
		}
	}
	tag := h.get("/subprocessors.json").Header().Get("ETag")
	h.whole()
	if w := h.get("/subprocessors.json", "If-None-Match", tag); w.Code != 200 {
		t.Errorf("after a change of the list: %d", w.Code)
	}
}

func TestPreflight(t *testing.T) {
	h := bare(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/subprocessors.json", nil)
	r.Header.Set("Origin", "https://other.example")
	r.Header.Set("Access-Control-Request-Headers", "if-none-match")
	w := httptest.NewRecorder()
	h.kit.Handler().ServeHTTP(w, r)
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Headers") != "If-None-Match, If-Modified-Since" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestSecurityTxt(t *testing.T) {
	h := filled(t)
	want := "Contact: mailto:privacy@nordlicht.example\nExpires: 2027-06-01T00:00:00Z\nPreferred-Languages: de, en\n" +
		"Canonical: https://trust.example/.well-known/security.txt\n"
	if d := cmp.Diff(want, h.page("/.well-known/security.txt", 200)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
