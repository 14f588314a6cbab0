package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/config"
	"fairnotice/internal/housetest"
	"fairnotice/web/apiv1/client"
)

// installation is the program with a database of its own, asked from outside alone.
type installation struct {
	t     *testing.T
	cfg   *config.Config
	shell string // the program fairnotice
}

func (i *installation) ok(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

var keyText = regexp.MustCompile(`fnk_[A-Za-z0-9_-]+`)

// key makes a key by the operator's command. The server doesn't run meanwhile: the embedded database
// is its own.
func (i *installation) key(email string) string {
	i.t.Helper()
	var out bytes.Buffer
	i.ok(command(i.t.Context(), []string{"admin", "key", "--email", email, "--name", "pipeline"}, nil, &out))
	key := keyText.FindString(out.String())
	if key == "" {
		i.t.Fatalf("no key in %q", out.String())
	}
	return key
}

func (i *installation) as(key string) *client.Client {
	i.t.Helper()
	c, err := client.New(i.cfg.PublicURL, key)
	i.ok(err)
	return c
}

// run runs fairnotice, which must succeed, and returns what it said.
func (i *installation) run(key string, args ...string) string {
	i.t.Helper()
	cmd := exec.CommandContext(i.t.Context(), i.shell, args...)
	cmd.Env = append(os.Environ(), "FAIRNOTICE_URL="+i.cfg.PublicURL, "FAIRNOTICE_API_KEY="+key)
	out, err := cmd.CombinedOutput()
	if err != nil {
		i.t.Fatalf("fairnotice %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (i *installation) file(name, text string) string {
	i.t.Helper()
	path := filepath.Join(i.t.TempDir(), name)
	i.ok(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// The main job from end to end, as programs do it: nothing is looked at but through the API and in the
// relay's mailbox.
func TestTheStoryByPrograms(t *testing.T) {
	relay := housetest.StartRelay(t)
	i := &installation{t: t, shell: filepath.Join(t.TempDir(), "fairnotice")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", i.shell, "../fairnotice").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	i.cfg = load(t, map[string]string{"DATA_DIR": dataDir(t), "SMTP_URL": "smtp://" + relay.Address + "?tls=off", "MAIL_FROM": "notices@nordlicht.example"})
	t.Setenv("DATA_DIR", i.cfg.DataDir)
	t.Setenv("LISTEN_ADDR", i.cfg.ListenAddr)
	t.Setenv("DATABASE_URL", "")
	i.ok(command(t.Context(), []string{"admin", "create", "--email", "ada@nordlicht.example", "--name", "Ada"}, nil, &bytes.Buffer{}))
	admin := i.key("ada@nordlicht.example")
	stop := start(t, i.cfg)
	i.setUp(i.as(admin))
	i.ok(stop())
	approver := i.key("ann@nordlicht.example")
	stop = start(t, i.cfg)
	i.load(admin)
	change := i.approved(i.as(admin), i.as(approver))
	said := i.run(approver, "announce", change, "--yes", "--watch")
	if !strings.Contains(said, "concerns  2 customers") || !strings.Contains(said, "2 of 2 (2 sent)") {
		t.Errorf("it said:\n%s", said)
	}
	i.look(i.as(approver), change, relay)
	i.ok(stop())
}

// setUp says who the publisher is, and makes a second person.
func (i *installation) setUp(c *client.Client) {
	i.t.Helper()
	ctx := i.t.Context()
	_, err := c.SavePublisher(ctx, client.Version(0), client.PublisherSettings{LegalName: "Nordlicht Software GmbH", Address: "Am Kanal 1\n10115 Berlin", Country: "DE",
		PrivacyName: "Petra Privat", PrivacyEmail: "privacy@nordlicht.example", TimeZone: "Europe/Berlin", Language: client.LanguageEn, FourEyes: true})
	i.ok(err)
	_, err = c.AddProduct(ctx, client.ProductInput{Slug: "desk", Name: "Nordlicht Desk"})
	i.ok(err)
	_, err = c.CreateAccount(ctx, client.NewAccount{Email: "ann@nordlicht.example", Name: "Ann", Password: "correct horse battery", Role: client.MeRoleApprover})
	i.ok(err)
	_, err = c.AddTermTemplate(ctx, client.TermTemplateInput{Name: "Standard DPA", Sheet: client.TermSheet{
		Authorisation: client.AuthorisationGeneral, ClockStarts: client.ClockStartsSent, Counting: client.CountingPlain, Direction: client.DirectionForward,
		Notice: client.Period{Count: 30, Unit: client.UnitCalendarDays}, Objection: client.Period{Count: 14, Unit: client.UnitCalendarDays},
		ObjectionRuns: client.ObjectionRunsFromNotice, Served: client.ServedFirst, TimeZone: "Europe/Berlin"}})
	i.ok(err)
}

// load brings in the register and the customers, twice: the second time nothing is left to do.
func (i *installation) load(key string) {
	i.t.Helper()
	vendors := i.file("vendors.csv", `legal_name,country,address,contact_name,contact_email,purpose,since,products,data_categories,data_subjects,locations
Wolke Hosting GmbH,DE,"Kai 1, 20457 Hamburg",Ada Weiss,privacy@wolke.example,Hosting,2024-01-01,desk,Names,Users,DE
Brief AG,CH,"Seeweg 2, 8001 Zürich",Beat Blau,privacy@brief.example,,,,,,
`)
	customers := i.file("customers.csv", `external_id;name;role;country;region;language;time_zone;products;contact_name;contact_email;contract_reference;contract_template;contract_signed_on
C-1;Erste GmbH;controller;DE;eea;de;Europe/Berlin;desk;Kim;dpo@erste.example;MSA-1;Standard DPA;2025-05-01
C-2;Second Ltd;controller;IE;eea;en;Europe/Dublin;desk;Lee;dpo@second.example;MSA-2;Standard DPA;2025-06-01
`)
	for file, kind := range map[string]string{vendors: "vendors", customers: "customers"} {
		i.run(key, "import", kind, file)
		if said := i.run(key, "import", kind, file); !strings.Contains(said, "0 written") {
			i.t.Errorf("the second import said %q", said)
		}
	}
}

// approved drafts and submits as one person, and approves as another: the first may not.
func (i *installation) approved(editor, approver *client.Client) (reference string) {
	i.t.Helper()
	ctx := i.t.Context()
	vendor, err := editor.GetVendor(ctx, "brief-ag", nil)
	i.ok(err)
	day := client.DayOf(time.Now()).AddDays(60)
	draft, err := editor.DraftChange(ctx, client.ChangeProposal{Kind: client.ChangeKindAddition, VendorID: &vendor.Body.ID, EffectiveOn: &day,
		Reason: "Mail gets its own carrier.", Facts: &client.EngagementFacts{Purpose: "Sends e-mail", Nature: new("Stores and sends messages"),
			DataCategories: []string{"E-mail addresses"}, DataSubjects: []string{"Users"}, Regions: []client.Region{client.RegionEea},
			Locations: []client.Location{{Country: "CH", Kind: client.LocationKindStored, Transfers: []client.Transfer{{Regime: client.RegimeEea, Mechanism: client.MechanismAdequacy}}}}}})
	i.ok(err)
	reference = draft.Body.Reference
	submitted, err := editor.SubmitChange(ctx, reference)
	i.ok(err)
	if _, err := editor.ApproveChange(ctx, reference, submitted.ETag); err == nil {
		i.t.Error("whoever drafted it approved it")
	}
	read, err := approver.GetChange(ctx, reference)
	i.ok(err)
	_, err = approver.ApproveChange(ctx, reference, read.ETag)
	i.ok(err)
	return reference
}

// look compares what the API says of deliveries and record with what arrived.
func (i *installation) look(c *client.Client, change string, relay *housetest.Relay) {
	i.t.Helper()
	ctx := i.t.Context()
	notices, err := c.ListNotices(ctx, change)
	i.ok(err)
	told := map[string]string{}
	for d, err := range c.AllNoticeDeliveries(ctx, notices.Body.Items[0].ID, nil) {
		i.ok(err)
		told[d.Address] = string(d.State)
		if got := len(relay.To(d.Address)); got != 1 {
			i.t.Errorf("%d messages came to %s", got, d.Address)
		}
	}
	if d := cmp.Diff(map[string]string{"dpo@erste.example": "sent", "dpo@second.example": "sent"}, told); d != "" {
		i.t.Errorf("deliveries (-want +got):\n%s", d)
	}
	kinds := map[string]bool{}
	for e, err := range c.AllLedger(ctx, nil) {
		i.ok(err)
		kinds[e.Kind] = true
	}
	for _, kind := range []string{"change.approved", "change.announced"} {
		if !kinds[kind] {
			i.t.Errorf("the record has no %s: %v", kind, kinds)
		}
	}
	verified, err := c.VerifyLedger(ctx)
	i.ok(err)
	if !verified.Body.Intact {
		i.t.Errorf("the chain: %+v", verified.Body)
	}
}
