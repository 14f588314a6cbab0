package public_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/vendors"
)

func TestNothingSetUp(t *testing.T) {
	h := bare(t)
	for _, path := range []string{"/", "/subprocessors/aws", "/changes", "/changes/SP-2026-001"} {
		h.page(path, 200, "No list here yet", "api admin create", `href="/console"`)
	}
	for _, path := range []string{"/subprocessors.json", "/subprocessors.csv", "/.well-known/security.txt"} {
		w := h.get(path)
		if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), "the publisher is not set up") {
			t.Errorf("%s: %d %s %s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestEmptyStates(t *testing.T) {
	h := bare(t)
	h.setPublisher()
	h.page("/", 200, "No changes ahead", "No sub-processors", "0 sub-processor engagements", "at least 30 days")
	h.page("/changes", 200, "No changes announced yet")
	h.fillSampleInto()
	h.page("/?q=nobody+is+called+this", 200, "Nothing matches", "Clear filters", "0 sub-processor engagements")
	h.page("/?on=1999-01-01", 200, "Nothing on this day", "Show today's list")
}

func TestListSaysWhatIsPublished(t *testing.T) {
	h := filled(t)
	body := h.page("/", 200, "Nordlicht Software GmbH", "Upcoming changes", "at least 30 days between notice and effect",
		"Amazon Web Services", "8 sub-processor engagements", "Last updated:", "22 November 2026",
		"EU/EEA, CH: SCC, module 3", "UK: UK Addendum", "United States (stored)", "Nordlicht Desk", "Unverified",
		`href="/?on=2026-11-22"`, `href="/subprocessors.json"`, `<time datetime="2018-05-25">`, `role="status"`)
	if strings.Contains(body, "ugsnag") {
		t.Error("the list names a vendor that isn't engaged")
	}
	german := h.get("/", "Accept-Language", "de").Body.String()
	for _, want := range []string{"Anstehende Änderungen", "8 Hinzuziehungen", "Vereinigte Staaten (gespeichert)", "Daten: ", `lang="de"`} {
		if !strings.Contains(german, want) {
			t.Errorf("German: no %q", want)
		}
	}
}

func TestFilters(t *testing.T) {
	h := filled(t)
	for query, want := range map[string]string{
		"?q=stripe": "1 sub-processor engagement", "?product=chat": "sub-processor engagements", "?region=us": "sub-processor engagements",
		"?scheme=pci+dss": "Show", "?q=cloud&scheme=SOC+2": "Clear filters",
	} {
		h.page("/"+query, 200, want)
	}
	body := h.page("/?q=stripe", 200)
	if strings.Contains(body, "Heroku") || !strings.Contains(body, `value="stripe"`) {
		t.Error("a search keeps what it searched for, and leaves out the rest")
	}
	h.page("/?scheme=Nobody+Has+This", 200, "Nothing matches", `value="Nobody Has This" selected`)
	h.page("/?product=toaster", 422, "Error:", "“toaster” is not one of the products")
	h.page("/?region=moon", 422, "“moon” is not one of the regions")
}

func TestAsOfADay(t *testing.T) {
	h := filled(t)
	e, err := h.vendors.Engagement(t.Context(), h.sample.Engagements["stripe"])
	h.ok(err)
	facts := e.EngagementFacts
	facts.Purpose = "Takes payments of other kinds"
	h.clock.Add(24 * time.Hour)
	h.ok(h.vendors.CorrectEngagement(t.Context(), h.who, e.ID, e.Version, facts, "a note for staff"))
	before := e.Purpose
	for _, typed := range []string{"2026-11-22", "22.11.2026", "22+November+2026", "22.+November+2026"} {
		body := h.page("/?on="+typed, 200, "The list as of 22 November 2026", before, "Show today's list", `href="/?on=2026-11-22"`,
			`href="/subprocessors/stripe?on=2026-11-22"`, `<meta name="robots" content="noindex">`)
		if strings.Contains(body, facts.Purpose) || strings.Contains(body, `id="upcoming"`) {
			t.Errorf("%s: shows what came later", typed)
		}
	}
	h.page("/", 200, facts.Purpose)
	h.page("/?on=2027-06-01", 200, "as far as it is known today", facts.Purpose, "Upcoming changes")
	h.page("/?on=30.2.2026", 422, "Error:", "As of is not a date", `value="30.2.2026"`, `href="#f-filter-on"`)
	h.page("/subprocessors/stripe?on=2026-11-22", 200, "This is the entry as of 22 November 2026", before)
	h.page("/subprocessors/stripe?on=yesterday", 422, "is not a date")
	h.page("/subprocessors/stripe", 200, facts.Purpose, "Changed: Purpose", "On the list: "+before, "25 May 2018")
}

func TestEntry(t *testing.T) {
	h := filled(t)
	h.page("/subprocessors/heroku", 200, "Heroku", "The company", "heroku-privacy@example.com", "standard contractual clauses (EU) 2021/914, module 3",
		"UK Addendum to the standard contractual clauses", "Certifications", "Its own sub-processors", "Amazon Web Services", "Hosts the platform", "History", "On the list:")
	h.page("/subprocessors/stripe", 200, "None on record")
	for _, slug := range []string{"bugsnag", "nobody", "Stripe", h.sample.Vendors["stripe"].String()} {
		h.page("/subprocessors/"+slug, 404, "There is no such entry")
	}
	h.page("/subprocessors/stripe?on=2001-01-01", 200, "Not on the list as of 1 January 2001", "On the list:")
}

func TestChangesAreSeenOnceAnnounced(t *testing.T) {
	h := filled(t)
	c := h.addition()
	unseen := func(when string) {
		t.Helper()
		h.page("/changes/"+c.Reference, 404, "Page not found")
		for _, path := range []string{"/", "/changes", "/subprocessors.json", "/subprocessors.csv"} {
			if body := h.get(path).Body.String(); strings.Contains(body, c.Reference) || strings.Contains(body, "ugsnag") {
				t.Errorf("%s: %s tells of it", when, path)
			}
		}
	}
	ctx := t.Context()
	unseen("a draft")
	h.ok(h.changes.Submit(ctx, h.who, c.ID))
	unseen("in review")
	h.ok(h.changes.Approve(ctx, h.who, c.ID, 0))
	unseen("approved")
	h.ok(h.changes.Announce(ctx, h.who, c.ID))

	dates := []string{"22 November 2026", "22 December 2026", "23 December 2026", "(Europe/Berlin)", "15 January 2027", c.Reference}
	h.page("/", 200, append(dates, "New sub-processor", "Announced", "A customer's own dates")...)
	h.page("/changes", 200, "22 November 2026", "22 December 2026", "15 January 2027", "Announced", c.Reference)
	h.page("/changes/"+strings.ToLower(c.Reference), 200, append(dates, "New sub-processor", "is not engaged for this", "Crashes are found sooner.",
		"Reports are stripped of content.", "Bugsnag Inc.", "privacy@nordlicht.example", `href="/?on=2027-01-15"`, "Last updated:")...)
	h.page("/changes/"+c.ID.String(), 404)
	h.page("/subprocessors/bugsnag", 404)

	h.ok(h.changes.Withdraw(ctx, h.who, c.ID, "The vendor was bought by another company."))
	h.page("/changes/"+c.Reference, 200, "Withdrawn", "was withdrawn on 22 November 2026", "bought by another company")
	h.page("/changes", 200, "Withdrawn")
	h.page("/", 200, "No changes ahead")
}

func TestWithdrawnDraftStaysUnknown(t *testing.T) {
	h := filled(t)
	c := h.addition()
	h.ok(h.changes.Withdraw(t.Context(), h.who, c.ID, "Changed our mind."))
	h.page("/changes/"+c.Reference, 404)
	if strings.Contains(h.page("/changes", 200), c.Reference) {
		t.Error("the list of changes tells of a draft")
	}
}

func TestReplacementAndRemoval(t *testing.T) {
	h := filled(t)
	replacement := h.draft(&changes.Proposal{Kind: changes.Replacement, VendorID: h.sample.Vendors["bugsnag"], Facts: h.sample.CandidateFacts,
		ReplacedEngagementID: h.sample.Engagements["redis"], Reason: "Better.", EffectiveOn: day("2027-02-01")})
	h.announce(replacement)
	h.page("/changes/"+replacement.Reference, 200, "takes the place of Redis", "Before", "After", "Redis Labs, Inc.", "Bugsnag Inc.", "Keeps a database in memory")
	h.page("/subprocessors/redis", 200, "Upcoming changes", replacement.Reference, "replaces Redis")
	removal := h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: h.sample.Engagements["slack"], Reason: "Not needed.", EffectiveOn: day("2027-02-01")})
	h.announce(removal)
	h.page("/changes/"+removal.Reference, 200, "Removal of a sub-processor", "is no longer engaged for this", "Slack")
	h.page("/", 200, replacement.Reference, removal.Reference)
}

// What only staff may know must be in no answer, in no language, whatever is asked.
func TestStaffFactsNeverLeak(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	v, err := h.vendors.Vendor(ctx, "stripe")
	h.ok(err)
	owner := h.staff("Olga Owner")
	facts := v.VendorFacts
	facts.OwnerID, facts.DPASignedOn, facts.DPAURL, facts.FlowDownConfirmed = &owner, day("2019-07-13"), "https://contracts.example/leak-dpa", true
	facts.Delimitation, facts.LastReviewOn, facts.NextReviewOn = "leak-delimitation", day("2026-03-17"), day("2027-04-19")
	h.ok(h.vendors.EditVendor(ctx, h.who, v.ID, v.Version, facts, "leak-vendor-note"))
	e, err := h.vendors.Engagement(ctx, h.sample.Engagements["stripe"])
	h.ok(err)
	use := e.EngagementFacts
	use.Note = "leak-use-note"
	h.ok(h.vendors.CorrectEngagement(ctx, h.who, e.ID, e.Version, use, "leak-correction"))
	for _, who := range []vendors.Audience{vendors.ForStaff, vendors.ForCustomers} {
		_, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "SOC 2 " + string(who), EvidenceURL: "https://evidence.example/leak-" + string(who),
			EvidenceFor: who, Note: "leak-cert-note"})
		h.ok(err)
	}
	_, err = h.vendors.AddCertification(ctx, h.who, v.ID, vendors.CertificationFacts{Scheme: "SOC 3", EvidenceURL: "https://evidence.example/open", EvidenceFor: vendors.ForPublic})
	h.ok(err)
	c := h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: e.ID, Reason: "Not needed.", EffectiveOn: day("2027-02-01")})
	h.announce(c)
	h.draft(&changes.Proposal{Kind: changes.Addition, VendorID: h.sample.Vendors["bugsnag"], Facts: h.sample.CandidateFacts, Reason: "leak-draft", EffectiveOn: day("2027-02-01")})

	secrets := []string{"leak-", "2019-07-13", "13 July 2019", "13. Juli 2019", "2026-03-17", "17 March 2026", "2027-04-19", "19 April 2027", "Olga", owner.String(),
		"As named on a public security page: ", "Alpha AG", "kim@"}
	sawOpen := false
	for _, path := range []string{"/", "/?on=2026-11-22&q=stripe", "/subprocessors/stripe", "/changes", "/changes/" + c.Reference, "/subprocessors.json", "/subprocessors.csv", "/.well-known/security.txt"} {
		for _, lang := range []string{"en", "de"} {
			w := h.get(path, "Accept-Language", lang)
			if w.Code != 200 {
				t.Errorf("%s: %d", path, w.Code)
			}
			body := w.Body.String()
			sawOpen = sawOpen || strings.Contains(body, "evidence.example/open")
			for _, secret := range secrets {
				if at := strings.Index(body, secret); at >= 0 {
					t.Errorf("%s (%s) holds %q: …%s…", path, lang, secret, body[max(0, at-60):min(len(body), at+60)])
				}
			}
		}
	}
	if !sawOpen {
		t.Error("evidence for the public is shown nowhere")
	}
}

func TestRobots(t *testing.T) {
	h := filled(t)
	if d := cmp.Diff("User-agent: *\nDisallow: /api/\n", h.page("/robots.txt", 200)); d != "" {
		t.Errorf("robots.txt (-want +got):\n%s", d)
	}
}

func TestHistoryTellsOfTheEnd(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	h.ok(h.db.Transact(ctx, func(tx *database.Tx) error {
		return vendors.End(tx, h.who, h.sample.Engagements["slack"], day("2026-11-22"))
	}))
	h.page("/subprocessors/slack", 200, "Not on the list as of 22 November 2026", "22 November 2026 : Off the list:", "1 October 2020 : On the list:")
	h.page("/subprocessors/slack?on=2026-11-21", 200, "This is the entry as of 21 November 2026", "The company")
	if body := h.get("/subprocessors.json").Body.String(); strings.Contains(body, `"slack"`) {
		t.Error("still on the list")
	}
	if body := h.get("/subprocessors.json?on=2026-11-21").Body.String(); !strings.Contains(body, `"slack"`) {
		t.Error("gone from the day before")
	}
}

func TestPagesOfChanges(t *testing.T) {
	h := filled(t)
	h.page("/changes?after=nonsense", 404, "has no such page")
	facts := h.sample.CandidateFacts
	for range 51 { // one more than a page holds
		c := h.draft(&changes.Proposal{Kind: changes.Addition, VendorID: h.sample.Vendors["bugsnag"], Facts: facts, Reason: "Once more.", EffectiveOn: day("2027-02-01")})
		h.announce(c)
	}
	h.draft(&changes.Proposal{Kind: changes.Addition, VendorID: h.sample.Vendors["bugsnag"], Facts: facts, Reason: "A draft.", EffectiveOn: day("2027-02-01")})
	first := h.page("/changes", 200, "SP-2026-051", "SP-2026-002", "Next page")
	if strings.Contains(first, "SP-2026-001") || strings.Contains(first, "SP-2026-052") {
		t.Error("the first page holds what it shouldn't")
	}
	_, link, _ := strings.Cut(first, `rel="next" href="`)
	link, _, _ = strings.Cut(link, `"`)
	second := h.page(strings.ReplaceAll(link, "&amp;", "&"), 200, "SP-2026-001", `<meta name="robots" content="noindex">`)
	if strings.Contains(second, "SP-2026-002") || strings.Contains(second, "Next page") {
		t.Error("the second page repeats, or goes on")
	}
}
