package public_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/jobs"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
	"fairnotice/internal/vendors/sample"
	"fairnotice/web"
	"fairnotice/web/public"
)

// house is the public site on a database of its own, on 22 November 2026 in Berlin.
type house struct {
	t         *testing.T
	db        *database.DB
	clock     *databasetest.Clock
	kit       *web.Kit
	site      *public.Site
	again     *web.Kit // the same pages, of a site that keeps none: get compares
	fresh     *public.Site
	who       actor.Actor
	publisher *publisher.Service
	vendors   *vendors.Service
	changes   *changes.Service
	customers *subscribers.Service
	products  map[string]uuid.UUID
	sample    *sample.Loaded
}

var quiet = slog.New(slog.DiscardHandler)

// bare is a house in which nothing is set up.
func bare(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	return bareBeside(t)
}

// bareBeside is a further house in a test that has one.
func bareBeside(t *testing.T) *house {
	t.Helper()
	db, clock := databasetest.New(t)
	return furnish(t, db, clock)
}

func furnish(t *testing.T, db *database.DB, clock *databasetest.Clock) *house {
	t.Helper()
	inserter, err := jobs.NewInserter(db, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := secrets.ParseKeyRing(secrets.NewKey("k1"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, clock: clock, who: actor.ForSystem(), publisher: publisher.New(db), vendors: vendors.New(db),
		changes: changes.New(db, inserter), customers: subscribers.New(db, subscribers.NewVault(ring), subscribers.AddressRules{}), products: map[string]uuid.UUID{}}
	h.kit, h.site = h.open()
	h.again, h.fresh = h.open()
	return h
}

func (h *house) open() (*web.Kit, *public.Site) {
	h.t.Helper()
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.example"}, Logger: quiet, Now: h.clock.Now})
	h.ok(err)
	site, err := public.New(kit, public.Services{DB: h.db, Publisher: h.publisher, Vendors: h.vendors, Changes: h.changes})
	h.ok(err)
	return kit, site
}

func (h *house) setPublisher() {
	h.t.Helper()
	floor := 30
	h.ok(h.publisher.Save(h.t.Context(), h.who, &publisher.Settings{LegalName: "Nordlicht Software GmbH", Address: "Hafenstraße 1\n20457 Hamburg",
		Country: "DE", Website: "https://nordlicht.example", PrivacyEmail: "privacy@nordlicht.example", TimeZone: "Europe/Berlin", Language: "de",
		FloorDays: &floor, Fictitious: true}))
}

// filled is a house with the sample register and one customer.
func filled(t *testing.T) *house {
	t.Helper()
	h := bare(t)
	h.fill()
	return h
}

func (h *house) fill() {
	h.t.Helper()
	h.setPublisher()
	list, err := sample.Products()
	h.ok(err)
	for _, x := range list {
		p := &publisher.Product{Slug: x.Slug, Name: x.Name}
		h.ok(h.publisher.AddProduct(h.t.Context(), h.who, p))
		h.products[x.Slug] = p.ID
	}
	h.sample, err = sample.Load(h.t.Context(), h.who, h.vendors, h.products)
	h.ok(err)
	h.customer("Alpha AG", 30)
	h.customer("Beta SE", 45)
}

// customer signs a contract with so many days of notice and of objection.
func (h *house) customer(name string, days int) {
	h.t.Helper()
	ctx := h.t.Context()
	c := &subscribers.Customer{Name: name, ExternalID: name, Role: subscribers.Controller, Region: "eea", Country: "DE",
		TimeZone: "Europe/Berlin", Language: "de", ProductIDs: []uuid.UUID{h.products["desk"], h.products["chat"], h.products["insights"]}}
	h.ok(h.customers.CreateCustomer(ctx, h.who, c))
	h.ok(h.customers.AddContact(ctx, h.who, &subscribers.Contact{CustomerID: c.ID, Name: "Kim Example", Email: "kim@" + strings.ToLower(c.Name[:4]) + ".example",
		Language: "de", Roles: []string{subscribers.RoleNotices}}, subscribers.Consent{}))
	template, err := h.customers.CreateTemplate(ctx, h.who, "DPA of "+name, subscribers.Standard(days, "Europe/Berlin"), "")
	h.ok(err)
	_, err = h.customers.AddContract(ctx, h.who, &subscribers.Contract{CustomerID: c.ID, Reference: "C-" + name, SignedOn: day("2025-01-01")},
		subscribers.TermsChoice{TemplateVersionID: template.Latest.ID})
	h.ok(err)
}

// addition drafts the sample's candidate; announced takes a draft the whole way.
func (h *house) addition() *changes.Change {
	h.t.Helper()
	return h.draft(&changes.Proposal{Kind: changes.Addition, VendorID: h.sample.Vendors[h.sample.Candidate], Facts: h.sample.CandidateFacts,
		Reason: "Crashes are found sooner.\nAnd mended sooner.", Safeguards: "Reports are stripped of content.", EffectiveOn: day("2027-01-15")})
}

func (h *house) draft(p *changes.Proposal) *changes.Change {
	h.t.Helper()
	c, err := h.changes.Draft(h.t.Context(), h.who, "", p)
	h.ok(err)
	return c
}

func (h *house) announce(c *changes.Change) {
	h.t.Helper()
	ctx := h.t.Context()
	h.ok(h.changes.Submit(ctx, h.who, c.ID))
	h.ok(h.changes.Approve(ctx, h.who, c.ID, 0))
	h.ok(h.changes.Announce(ctx, h.who, c.ID))
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// get asks for a path, in English where the headers (pairs) don't say otherwise. What a site answers
// that keeps its pages must be what one answers that draws each anew.
func (h *house) get(path string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	got := h.ask(h.kit, path, headers...)
	h.fresh.Forget()
	want := h.ask(h.again, path, headers...)
	for _, w := range []*httptest.ResponseRecorder{got, want} {
		w.Header().Del("X-Request-Id")
	}
	if d := cmp.Diff(want.Header(), got.Header()); d != "" {
		h.t.Errorf("%s: the headers of a kept page (-drawn +kept):\n%s", path, d)
	}
	if d := cmp.Diff(masked(want), masked(got)); d != "" {
		h.t.Errorf("%s: a kept page (-drawn +kept):\n%s", path, d)
	}
	return got
}

// masked is an answer without the request's ID, which error pages name.
func masked(w *httptest.ResponseRecorder) string {
	return uuids.ReplaceAllString(w.Body.String(), "ID")
}

func (h *house) ask(kit *web.Kit, path string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	kit.Handler().ServeHTTP(w, r)
	return w
}

// page wants a status, and every one of the texts in the answer.
func (h *house) page(path string, status int, wants ...string) string {
	h.t.Helper()
	w := h.get(path)
	body := w.Body.String()
	if w.Code != status {
		h.t.Errorf("%s: status %d, want %d", path, w.Code, status)
	}
	plain := text(body)
	for _, want := range wants {
		if !strings.Contains(plain, want) && !strings.Contains(body, want) {
			h.t.Errorf("%s: no %q in\n%s", path, want, plain)
		}
	}
	return body
}

// text is what a reader sees of a page: without tags, entities and runs of space.
func text(html string) string {
	var out bytes.Buffer
	for part := range strings.SplitSeq(html, "<") {
		if _, after, ok := strings.Cut(part, ">"); ok {
			out.WriteString(" " + after)
		}
	}
	plain := strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">", "&#43;", "+").Replace(out.String())
	return strings.Join(strings.Fields(plain), " ")
}

// fillSampleInto loads the register into a house whose publisher is set.
func (h *house) fillSampleInto() {
	h.t.Helper()
	var err error
	h.sample, err = sample.Load(h.t.Context(), h.who, h.vendors, h.products)
	h.ok(err)
}

// staff adds an account, for an owner that must not be named.
func (h *house) staff(name string) uuid.UUID {
	h.t.Helper()
	id := uuid.New()
	_, err := h.db.Pool().Exec(h.t.Context(), `insert into accounts (id, email, name, role, password_hash, created_at, updated_at)
		values ($1, $2, $3, 'editor', '-', now(), now())`, id, "olga@nordlicht.example", name)
	h.ok(err)
	return id
}
