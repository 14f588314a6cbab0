package web_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

func wantIn(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("answer holds no %q", want)
		}
	}
}

func TestBudgets(t *testing.T) {
	size := func(name string) int {
		body, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return len(body)
	}
	if n := size("app.css"); n > 15_000 {
		t.Errorf("app.css has %d bytes, 15,000 are allowed", n)
	}
	if n := size("app.js"); n > 5_000 {
		t.Errorf("app.js has %d bytes, 5,000 are allowed", n)
	}
	if n := size("app.js") + size("console.js"); n > 12_000 {
		t.Errorf("the console's scripts have %d bytes, 12,000 are allowed", n)
	}
}

func TestStatusesAndErrorPages(t *testing.T) {
	s := newSink(t, "https://trust.example")
	for _, c := range []struct {
		path   string
		status int
		wants  []string
	}{
		{"/fails/panic", 500, []string{"Something went wrong on our side"}},
		{"/fails/defect", 500, []string{"Something went wrong on our side"}},
		{"/fails/template", 500, []string{"Something went wrong on our side"}},
		{"/fails/conflict", 409, []string{"Grace changed this", "(Legal name and Effective date)"}},
		{"/fails/missing", 404, []string{"There is no such entry"}},
		{"/fails/too-many", 429, []string{"Wait 90 seconds"}},
		{"/fails/nobody", 401, []string{"You are not signed in"}},
		{"/fails/unheard", 422, []string{"This value can&#39;t be accepted as it is"}},
		{"/nowhere", 404, []string{"Page not found"}},
		{"/console/nowhere", 404, []string{"Page not found", `class="console"`}},
		{"/a%00b", 404, []string{"Page not found"}},
		{"/a%ffb", 404, []string{"Page not found"}},
		{"/console/admin", 403, []string{"look after staff accounts", "administrator"}},
	} {
		w := s.get(c.path)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.path, w.Code, c.status)
		}
		wantIn(t, w.Body.String(), append(c.wants, "<h1>", w.Header().Get("X-Request-Id"))...)
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s shows the error's text", c.path)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", c.path, got)
		}
	}
	if got := s.get("/fails/too-many").Header().Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After %q, want 90", got)
	}
	if w := s.send(httptest.NewRequest(http.MethodDelete, "/preview", nil)); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("DELETE: status %d, Allow %q, want 405 and the methods", w.Code, w.Header().Get("Allow"))
	}
	if w := s.send(httptest.NewRequest(http.MethodHead, "/", nil)); w.Code != 200 {
		t.Errorf("HEAD: status %d, want 200", w.Code)
	}
	if w := s.get("/preview/"); w.Code != 308 || w.Header().Get("Location") != "/preview" {
		t.Errorf("slash too many: %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := s.get("//evil.example/"); w.Code == 308 {
		t.Errorf("redirects to %q", w.Header().Get("Location"))
	}
}

func TestErrorsInGermanAndAsJSON(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.get("/nowhere", "Accept-Language", "de-AT,de;q=0.9")
	wantIn(t, w.Body.String(), `lang="de"`, "Seite nicht gefunden")

	w = s.get("/nowhere", "Accept", "application/json")
	var problem map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if w.Header().Get("Content-Type") != "application/problem+json" || problem["status"] != 404.0 {
		t.Errorf("got %v", problem)
	}
}

func TestNobodyIsSentToSignIn(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.get("/console/locked?a=1&b=2")
	if got := w.Header().Get("Location"); w.Code != 303 || got != "/console/sign-in?next=%2Fconsole%2Flocked%3Fa%3D1%26b%3D2" {
		t.Errorf("%d to %q", w.Code, got)
	}
	if w := s.post("/console/locked", nil); w.Code != 401 {
		t.Errorf("POST: status %d, want 401", w.Code)
	}
	for next, want := range map[string]string{
		"/console/a?b=c": "/console/a?b=c", "//evil.example": "/x", "https://evil.example": "/x", `/\evil`: "/x", "": "/x", "/a\r\nb": "/x", "/\t/evil": "/x",
	} {
		if got := web.SafeNext(next, "/x"); got != want {
			t.Errorf("SafeNext(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestOneRecordARequest(t *testing.T) {
	s := newSink(t, "https://trust.example")
	s.get("/console/changes/42?token=topsecret")
	var records []map[string]any
	for line := range strings.Lines(s.log.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if len(records) != 1 {
		t.Fatalf("%d records: %s", len(records), s.log)
	}
	r := records[0]
	if r["route"] != "/console/changes/:id" || r["status"] != 200.0 || r["account"] != staff.ID.String() || r["bytes"].(float64) < 1000 {
		t.Errorf("record %v", r)
	}
	for _, secret := range []string{"topsecret", "42?", "192.0.2.1"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	s.log.Reset()
	w := s.get("/fails/panic")
	wantIn(t, s.log.String(), w.Header().Get("X-Request-Id"), `"level":"ERROR"`, "panic: secret", "sink_test.go")
	if n := strings.Count(s.log.String(), "\n"); n != 1 {
		t.Errorf("a panic makes %d records", n)
	}
	s.log.Reset()
	s.get("/fails/unheard")
	wantIn(t, s.log.String(), "fault without a sentence", "never.heard")
}

func TestSecurityHeaders(t *testing.T) {
	s := newSink(t, "https://trust.example")
	for _, path := range []string{"/", "/nowhere", "/static/app.css", "/fails/panic", "/console"} {
		h := s.get(path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":   "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
			"X-Content-Type-Options":    "nosniff",
			"Referrer-Policy":           "same-origin",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	if got := s.get("/console").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("console: Cache-Control %q", got)
	}
	if got := s.get("/preview").Header().Get("Content-Security-Policy"); !strings.Contains(got, "sandbox") || !strings.Contains(got, "frame-ancestors 'self'") {
		t.Errorf("preview: policy %q", got)
	}
	if got := newSink(t, "http://127.0.0.1:8080").get("/").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS without https: %q", got)
	}
}

func TestCrossOriginPosts(t *testing.T) {
	s := newSink(t, "https://trust.example")
	form := url.Values{"name": {"Nordlicht"}, "effective_on": {"2026-12-24"}}
	for _, c := range []struct {
		path, site string
		status     int
	}{
		{"/console", "same-origin", 303},
		{"/console", "cross-site", 403},
		{"/console", "same-site", 403},
		{"/unsubscribe/abc", "cross-site", 200},
	} {
		if w := s.post(c.path, form, "Sec-Fetch-Site", c.site); w.Code != c.status {
			t.Errorf("%s from %s: status %d, want %d", c.path, c.site, w.Code, c.status)
		}
	}
	if w := s.post("/console", form, "Origin", "https://trust.example", "Sec-Fetch-Site", "cross-site"); w.Code != 303 {
		t.Errorf("our public origin behind a proxy: status %d, want 303", w.Code)
	}
	if w := s.post("/console", form, "Origin", "https://evil.example"); w.Code != 403 {
		t.Errorf("foreign Origin: status %d, want 403", w.Code)
	}
}

func TestBodiesTooLarge(t *testing.T) {
	s := newSink(t, "https://trust.example")
	server := httptest.NewServer(s.kit.Handler())
	defer server.Close()
	send := func(path string, size int, chunked bool) (int, string) {
		t.Helper()
		var body io.Reader = strings.NewReader("name=" + strings.Repeat("a", size-5))
		if chunked {
			body = io.MultiReader(body) // hides the length
		}
		r, err := http.NewRequest(http.MethodPost, server.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%d bytes get no answer: %v", size, err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for _, chunked := range []bool{false, true} {
		status, text := send("/console", 10<<20, chunked)
		if status != 413 {
			t.Errorf("10 MB, chunked %v: status %d, want 413", chunked, status)
		}
		wantIn(t, text, "larger than the 1 MB that this page takes", "<h1>Too much to take</h1>")
		if status, _ := send("/console/import", 2<<20, chunked); status != 200 {
			t.Errorf("2 MB where 4 are allowed: status %d", status)
		}
	}
}

func TestBrokenInput(t *testing.T) {
	s := newSink(t, "https://trust.example")
	for _, query := range []string{"/?q=%ff", "/?q=a%00b", "/?%fe=1", "/console?q=%0d%0aSet-Cookie"} {
		want := 400
		if strings.Contains(query, "%0d%0a") {
			want = 200 // newlines pass the kit, as in a textarea
		}
		if w := s.get(query); w.Code != want {
			t.Errorf("%s: status %d, want %d", query, w.Code, want)
		}
	}
	wantIn(t, s.get("/?q=%ff").Body.String(), "Search holds characters that are not valid UTF-8")
	if w := s.get("/?a=%zz"); w.Code != 422 {
		t.Errorf("broken escape: status %d", w.Code)
	}

	w := s.post("/console", url.Values{"name": {"Nord\x00licht \xff\x1b[1m"}, "reason": {"one\r\ntwo\tthree"}, "effective_on": {"2026-12-24"}})
	if w.Code != 422 || s.saved.Load() != 0 {
		t.Errorf("status %d, saved %d: want 422 and nothing saved", w.Code, s.saved.Load())
	}
	wantIn(t, w.Body.String(), "<title>Error: ", `value="Nordlicht [1m"`, "Legal name holds characters", "one\r\ntwo\tthree</textarea>", `href="#f-name"`)
}

func TestFormKeepsValuesAndTellsEveryFault(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.post("/console", url.Values{
		"name": {"<b>Nord</b>"}, "effective_on": {"31.11.2026"}, "kind": {"merger"}, "regions": {"eu", "ch"},
		"password": {"hunter2"}, "_key": {"key-1"}, "_version": {"7"},
	}, "Accept-Language", "de")
	if w.Code != 422 {
		t.Errorf("status %d, want 422", w.Code)
	}
	body := w.Body.String()
	wantIn(t, body, "<title>Fehler: ", "Es gibt 2 Probleme", "„Wirksam ab“ ist kein Datum", "„merger“ steht nicht zur Wahl. Wählen Sie eines von: Hinzunahme, Ersatz und Wegfall.",
		`value="&lt;b&gt;Nord&lt;/b&gt;"`, `value="31.11.2026"`, `value="key-1"`, `name="_version" value="7"`, `value="ch" checked`, "novalidate",
		`aria-invalid="true"`, `aria-describedby="f-effective_on-format f-effective_on-error"`, `tabindex="-1" autofocus`)
	if strings.Contains(body, "hunter2") {
		t.Error("the password is sent back")
	}
	if w := s.post("/console", url.Values{"effective_on": {"1 January 2020"}}); w.Code != 422 {
		t.Errorf("domain's faults: status %d", w.Code)
	} else {
		wantIn(t, w.Body.String(), "Legal name is missing. Please fill it in.", "Effective date is in the past")
	}
	if w := s.post("/console", url.Values{"name": {"twin"}}); w.Code != 409 {
		t.Errorf("concurrent edit: status %d, want 409", w.Code)
	}
}

func TestSavingShowsABannerOnce(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.post("/console", url.Values{"name": {"Nordlicht <b>"}, "effective_on": {"24 Dezember 2026"}})
	if w.Code != 303 || w.Header().Get("Location") != "/console" || s.saved.Load() != 1 {
		t.Fatalf("status %d, saved %d", w.Code, s.saved.Load())
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %v", cookie)
	}
	next := s.get("/console", "Cookie", cookie.Name+"="+cookie.Value)
	wantIn(t, next.Body.String(), "Nordlicht &lt;b&gt; was saved.")
	if got := next.Result().Cookies()[0]; got.MaxAge >= 0 {
		t.Errorf("the banner's cookie stays: %v", got)
	}
	if w := s.get("/console", "Cookie", "fairnotice_flash=eyJrIjoibm90LmEua2V5In0"); strings.Contains(w.Body.String(), "not.a.key") {
		t.Error("a forged cookie writes on the page")
	}
}

func TestETags(t *testing.T) {
	s := newSink(t, "https://trust.example")
	first := s.get("/")
	etag := first.Header().Get("ETag")
	if first.Code != 200 || etag == "" || first.Header().Get("Last-Modified") == "" {
		t.Fatalf("status %d, ETag %q", first.Code, etag)
	}
	if w := s.get("/", "If-None-Match", `"x", `+etag, "Accept-Encoding", "gzip"); w.Code == 304 && w.Body.Len() > 0 {
		t.Error("304 with a body")
	}
	if de := s.get("/", "Accept-Language", "de").Header().Get("ETag"); de == etag {
		t.Error("both languages have one ETag")
	}
	if w := s.get("/", "If-None-Match", `"other"`); w.Code != 200 {
		t.Errorf("another ETag: %d", w.Code)
	}
	asset := s.get("/static/app.css")
	if w := s.get("/static/app.css", "If-None-Match", asset.Header().Get("ETag"), "Accept-Encoding", "gzip"); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("unchanged: %d, %d bytes, %q", w.Code, w.Body.Len(), w.Header().Get("Content-Encoding"))
	}
}

func TestStaticFiles(t *testing.T) {
	s := newSink(t, "https://trust.example")
	page := s.get("/").Body.String()
	_, rest, _ := strings.Cut(page, `rel="stylesheet" href="`)
	address, _, _ := strings.Cut(rest, `"`)
	w := s.get(address)
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s: %d, %v", address, w.Code, w.Header())
	}
	if w := s.get("/static/app.000000000000.css"); w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("another release's address: %d, %q", w.Code, w.Header().Get("Cache-Control"))
	}
	for _, path := range []string{"/static/", "/static/../kit.go", "/static/nope.css", "/static/app"} {
		if w := s.get(path); w.Code == 200 {
			t.Errorf("%s is served", path)
		}
	}
	wantIn(t, s.get("/robots.txt").Body.String(), "Disallow: /console\n", "Disallow: /portal\n")
	if w := s.get("/favicon.svg"); w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("favicon: %v", w.Header())
	}
}

func TestCompression(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.get("/console", "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("not compressed: %v", w.Header())
	}
	r, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil || !bytes.Contains(plain, []byte("</html>")) {
		t.Errorf("decompressed badly: %v", err)
	}
	if w := s.get("/console/locked", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") == "" && bytes.Contains(w.Body.Bytes(), []byte("\x1f\x8b")) {
		t.Error("a redirect's body is compressed and doesn't say so")
	}
	for _, path := range []string{"/fails/panic", "/nowhere"} {
		w := s.get(path, "Accept-Encoding", "gzip")
		if w.Header().Get("Content-Encoding") != "" || !strings.Contains(w.Body.String(), "</html>") {
			t.Errorf("%s: %q, %d bytes", path, w.Header().Get("Content-Encoding"), w.Body.Len())
		}
	}
}

// An event must arrive while the stream is still open.
func TestEventsAreNotHeldBack(t *testing.T) {
	s := newSink(t, "https://trust.example")
	server := httptest.NewServer(s.kit.Handler())
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil || line != "event:message\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestLanguageChoice(t *testing.T) {
	s := newSink(t, "https://trust.example")
	w := s.get("/console?lang=de&q=x")
	wantIn(t, w.Body.String(), `<html lang="de"`, `href="/console?lang=en&amp;q=x" lang="en"`)
	cookie := w.Result().Cookies()[0]
	wantIn(t, s.get("/console", "Cookie", cookie.Name+"="+cookie.Value).Body.String(), `<html lang="de"`)
	wantIn(t, s.get("/console?lang=xx").Body.String(), `<html lang="en"`)
}

func TestNavigation(t *testing.T) {
	s := newSink(t, "https://trust.example")
	home := s.get("/console").Body.String()
	wantIn(t, home, `<a href="/console" aria-current="page">Overview</a>`, `<a href="/console/changes">Changes</a>`, "Ada Example", `action="/console/sign-out"`)
	if strings.Contains(home, "Staff") {
		t.Error("an editor is shown what only admins may open")
	}
	below := s.get("/console/changes/42").Body.String()
	wantIn(t, below, `<a href="/console">Overview</a>`, `<a href="/console/changes" aria-current="true">Changes</a>`)
	wantIn(t, s.get("/?q=a&after=zzz").Body.String(), `href="/?after=def&amp;q=a"`, `href="/?before=abc&amp;q=a"`)
}

// Each sentence of the kit is given the values it mentions, in each language.
func TestSentences(t *testing.T) {
	s := newSink(t, "https://trust.example")
	for _, f := range []*fault.Error{
		fault.Field("name", "required", nil),
		fault.Field("name", "too_long", fault.Args{"Max": 2000}),
		fault.Field("kind", "choice.unknown", fault.Args{"Value": "x", "Allowed": []string{"addition", "removal"}}),
		fault.Field("n", "number.range", fault.Args{"Min": 1, "Max": 12500}),
		fault.Field("locations.3.country", "country.unknown", nil),
		fault.Field("products", "product.unknown", fault.Args{"Value": "Cloud"}),
		fault.New(fault.Conflict, "changed_meanwhile", nil),
		fault.New(fault.TooMany, "too_many", nil),
		fault.New(fault.Forbidden, "role.missing", fault.Args{"Act": "change.approve", "Roles": []string{"admin", "approver"}}),
		fault.Missing("vendor"),
	} {
		for _, l := range locale.All {
			if text := s.kit.Sentence(l, f); strings.Contains(text, "no value") || strings.Contains(text, "fault.") || text == "" {
				t.Errorf("%s in %s: %q", f.Code, l, text)
			}
		}
	}
	got := []string{
		s.kit.Sentence(locale.EN, fault.Field("locations.3.country", "country.unknown", nil)),
		s.kit.Sentence(locale.DE, fault.Field("name", "too_long", fault.Args{"Max": 2000})),
		s.kit.Sentence(locale.DE, fault.New(fault.Forbidden, "role.missing", fault.Args{"Act": "change.approve", "Roles": []string{"admin", "approver"}})),
	}
	want := []string{
		"Country is not a country that we know. Choose one from the list, or use its two-letter ISO code, such as DE.",
		"„Firmenname“ ist zu lang. Kürzen Sie die Angabe auf höchstens 2.000 Zeichen.",
		"Ihre Rolle erlaubt Ihnen nicht: Änderungen freigeben. Bitten Sie jemanden mit einer dieser Rollen: Administration und Freigabe.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNewRefusesWhatItCantServe(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	at := &url.URL{Scheme: "https", Host: "trust.example"}
	for name, opts := range map[string]web.Options{
		"no URL":       {Logger: log},
		"relative URL": {Logger: log, PublicURL: &url.URL{Path: "/x"}},
		"no logger":    {PublicURL: at},
		"bad proxies":  {PublicURL: at, Logger: log, TrustedProxies: []string{"not an address"}},
	} {
		if _, err := web.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	kit, err := web.New(web.Options{PublicURL: at, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := kit.URL("/a"), "https://trust.example/a"; got != want {
		t.Errorf("URL %q, want %q", got, want)
	}
	for name, spec := range map[string]web.Spec{
		"unknown layout":   {Layout: "nope", Prefix: "/"},
		"prefix":           {Layout: "public", Prefix: "x"},
		"navigation's key": {Layout: "public", Prefix: "/", Nav: []web.NavItem{{Href: "/", Key: "no.such.key"}}},
		"key taken":        {Layout: "public", Prefix: "/", Files: os.DirFS(".")},
		"no singular": {Layout: "public", Prefix: "/", Files: fstest.MapFS{
			"catalogs/a.en.toml": {Data: []byte(`"things" = "{{.Count}} things"`)}}},
	} {
		if _, err := kit.Audience(spec); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if time.Since(kit.Now()) > time.Hour {
		t.Errorf("the clock says %v", kit.Now())
	}
	if got := fmt.Sprint(web.StatusOf(fault.List{fault.Field("a", "b", nil)})); got != "422" {
		t.Errorf("a list's status is %s", got)
	}
}
