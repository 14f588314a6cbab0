package notify_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

var update = flag.Bool("update", false, "write the goldens anew; read their difference before committing it")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// Every notice, in each language and for each audience, as its recipient reads it.
func TestNoticesReadAsTheyShould(t *testing.T) {
	w := newWorld(t)
	specific := housetest.Sheet(30)
	specific.Authorisation = subscribers.Specific
	w.Customer("Anna & Töchter GmbH", "dpo@anna.example", housetest.Sheet(14))
	w.Customer("Bert AG", "dpo@bert.example", specific)
	old, next := w.Vendor("Old Ltd"), w.Vendor("Next <Errors> Ltd")
	sub := w.Vendor("Deep Storage Ltd")
	if _, err := w.Vendors.AddLink(t.Context(), w.Editor, next.ID, sub.ID, "Backups", calendar.Date{}); err != nil {
		t.Fatal(err)
	}
	engaged, err := w.Vendors.RecordEngagement(t.Context(), w.Editor, old.ID, calendar.Date{Year: 2024, Month: 1, Day: 1}, w.Facts())
	if err != nil {
		t.Fatal(err)
	}
	addition := w.Addition(next, 40)
	addition.Facts.SpecialCategories = []vendors.SpecialCategory{vendors.Health}
	addition.Facts.Locations = append(addition.Facts.Locations, vendors.Location{Country: "US", Kind: vendors.Accessed, Transfers: []vendors.Transfer{
		{Regime: vendors.EEA, Mechanism: vendors.SCC3, AssessedOn: calendar.Date{Year: 2026, Month: 10, Day: 1}},
		{Regime: vendors.UK, Mechanism: vendors.UKAddendum}, {Regime: vendors.Switzerland, Mechanism: vendors.SCC3}}})
	replacement := w.Addition(next, 40)
	replacement.Kind, replacement.ReplacedEngagementID = changes.Replacement, engaged.ID
	for _, p := range []*changes.Proposal{addition, replacement,
		{Kind: changes.Removal, EngagementID: engaged.ID, Reason: "No longer needed.", EffectiveOn: addition.EffectiveOn}} {
		c := w.Approved(p)
		a, err := w.Changes.Audience(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range notify.Languages {
			for audience, to := range map[string]*changes.Planned{"general": &a.Included[0], "specific": &a.Included[1], "follower": nil} {
				if audience == "specific" && p.Kind != changes.Addition {
					continue
				}
				n, err := w.notify.PreviewAnnouncement(t.Context(), c.ID, l, to)
				if err != nil {
					t.Fatal(err)
				}
				checkNotice(t, string(p.Kind)+"."+audience+"."+string(l), n)
				checkChannels(t, w, c.ID, notify.Announcement, l, to, string(p.Kind)+"."+audience+"."+string(l))
			}
		}
		if err := w.Changes.Withdraw(t.Context(), w.Approver, c.ID, "Plans changed: <see> \\u0002customer\\u0003."); err != nil {
			t.Fatal(err)
		}
		if p.Kind != changes.Replacement {
			continue
		}
		for _, l := range notify.Languages {
			checkChannels(t, w, c.ID, notify.Withdrawal, l, &a.Included[0], "withdrawal.general."+string(l))
			checkChannels(t, w, c.ID, notify.Withdrawal, l, nil, "withdrawal.follower."+string(l))
		}
	}
}

// checkChannels compares the notice by webhook and by Slack with its goldens.
func checkChannels(t *testing.T, w *world, change uuid.UUID, kind notify.Kind, l locale.Lang, to *changes.Planned, name string) {
	t.Helper()
	for _, channel := range []string{notify.ChannelWebhook, notify.ChannelSlack} {
		n, err := w.notify.PreviewOn(t.Context(), channel, change, kind, l, to)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(n.JSON), "", "  "); err != nil {
			t.Fatalf("%s by %s: %v\n%s", name, channel, err, n.JSON)
		}
		golden(t, name+"."+channel+".json", pretty.String()+"\n")
		if strings.ContainsAny(n.JSON+n.Text, "\x02\x03") {
			t.Errorf("%s by %s: a mark is left", name, channel)
		}
		if channel == notify.ChannelWebhook {
			continue
		}
		golden(t, name+".slack.txt", n.Text+"\n")
		if err := slack.Check(json.RawMessage(n.JSON)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(n.JSON[strings.Index(n.JSON, `{"type":"section"`):], "<Errors>") { // a header is plain text
			t.Errorf("%s: a name is not escaped for Slack", name)
		}
	}
}

func checkNotice(t *testing.T, name string, n *notify.Preview) {
	t.Helper()
	golden(t, name+".txt", n.Subject+"\n\n"+n.Text)
	golden(t, name+".html", n.HTML)
	if len(n.HTML) > 100<<10 {
		t.Errorf("%s: %d bytes of HTML", name, len(n.HTML))
	}
	if strings.ContainsAny(n.Text+n.HTML+n.Subject, "\x02\x03") || strings.Contains(n.HTML, "ZgotmplZ") {
		t.Errorf("%s: a mark or a refused value is left", name)
	}
	if strings.Contains(n.HTML, "<Errors>") {
		t.Errorf("%s: a name is not escaped", name)
	}
	for i, line := range strings.Split(n.Text, "\n") {
		if len([]rune(line)) > 120 && !strings.Contains(line, "http") {
			t.Errorf("%s: line %d has %d characters", name, i+1, len([]rune(line)))
		}
	}
}

// What the domain says a notice carries is in each of them, in the text and in the HTML.
func TestANoticeCarriesWhatItMust(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	c := w.Approved(w.Addition(w.Vendor("Errata Ltd"), 40))
	a, err := w.Changes.Audience(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for l, wants := range map[locale.Lang][]string{
		locale.EN: {"6 December 2026", "22 November 2026", "1 January 2027", "General written authorisation", "treat the change as accepted", "Ireland", "can be excluded", "Notice text 2026"},
		locale.DE: {"6. Dezember 2026", "22. November 2026", "1. Januar 2027", "Allgemeine schriftliche Genehmigung", "gilt die Änderung", "Irland", "ausgenommen", "Mitteilungstext 2026"},
	} {
		n, err := w.notify.PreviewAnnouncement(t.Context(), c.ID, l, &a.Included[0])
		if err != nil {
			t.Fatal(err)
		}
		wants = append(wants, c.Reference, "Anna GmbH", "DPA § 7(2)", "Europe/Berlin", "Errata Ltd", "1 Example Street", "Pat Privacy", "dpo@vendor.example",
			"Exception monitoring", "names", "IP addresses", "users of the customer", "Nordlicht Desk", "Encryption at rest", "Deleted after 30 days",
			"We need to see errors", "Data are pseudonymised", "privacy@nordlicht.example", "https://trust.nordlicht.example/changes/"+c.Reference, "?on=2027-01-01")
		for _, want := range wants {
			for form, body := range map[string]string{"text": n.Text, "HTML": n.HTML} {
				if !strings.Contains(strings.Join(strings.Fields(body), " "), want) {
					t.Errorf("%s, %s: %q is missing", l, form, want)
				}
			}
		}
	}
}

// The receivers' guide shows a body as it is, and names each of its fields.
func TestTheGuideToWebhooksIsTrue(t *testing.T) {
	const guide, begins, ends = "../../docs/webhooks.md", "<!-- example: written by the tests of internal/notify -->\n", "<!-- end of example -->"
	example, err := os.ReadFile("testdata/addition.general.en.webhook.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(raw), begins)
	_, after, found := strings.Cut(rest, ends)
	if !found {
		t.Fatal("the guide has no place for the example")
	}
	want := before + begins + "```json\n" + string(example) + "```\n" + ends + after
	if *update {
		if err := os.WriteFile(guide, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("the guide's example is not what is sent (-want +got):\n%s", diff)
	}
	for _, key := range regexp.MustCompile(`"([a-z_]+)":`).FindAllStringSubmatch(string(example), -1) {
		if !regexp.MustCompile("`(data\\.|….)?"+key[1]+"`").MatchString(before) && key[1] != "data" && key[1] != "code" {
			t.Errorf("the guide doesn't explain the field %s", key[1])
		}
	}
}
