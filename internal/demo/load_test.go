package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/app"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/demo/hooks"
	"fairnotice/internal/demo/site"
	"fairnotice/internal/demo/workspace"
	"fairnotice/internal/jobs"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
	"fairnotice/internal/vendors/sample"
)

// rules let subscriptions be of receivers on this machine.
func rules(to *Receivers) subscribers.AddressRules {
	return subscribers.AddressRules{SlackHosts: []string{to.Slack.Host()}, PlainHTTP: func(host string) bool { return host == "127.0.0.1" }}
}

// openReceivers runs them in a folder.
func openReceivers(t *testing.T, dir string) (to *Receivers, stop func()) {
	t.Helper()
	to, stop, _ = openSite(t, dir)
	return to, stop
}

// openSite says too where their site is, without a slash at its end.
func openSite(t *testing.T, dir string) (to *Receivers, stop func(), url string) {
	t.Helper()
	s, err := site.Open(site.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	to = &Receivers{}
	if to.Hooks, err = hooks.Open(s, hooks.Options{Dir: filepath.Join(dir, "hooks"), Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if to.Slack, err = workspace.Open(s, workspace.Options{Dir: filepath.Join(dir, "slack"), Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	s.Start()
	return to, func() {
		ctx := context.Background()
		if err := errors.Join(to.Hooks.Close(ctx), to.Slack.Close(ctx), s.Close(ctx)); err != nil {
			t.Error(err)
		}
	}, strings.TrimSuffix(s.URL(), "/")
}

// ring is one for a whole test program: what one loader sealed another opens.
var ring = sync.OnceValues(func() (*secrets.KeyRing, error) { return secrets.ParseKeyRing(secrets.NewKey("k1")) })

// house is an empty database, and receivers that run until the test ends.
type house struct {
	*database.DB
	clock *databasetest.Clock
	to    *Receivers
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, clock := databasetest.New(t)
	to, stop := openReceivers(t, t.TempDir())
	t.Cleanup(stop)
	return &house{db, clock, to}
}

func services(t *testing.T, h *house) app.Services {
	t.Helper()
	inserter, err := jobs.NewInserter(h.DB, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ring()
	if err != nil {
		t.Fatal(err)
	}
	return app.Services{Jobs: inserter, Publisher: publisher.New(h.DB), Accounts: accounts.New(h.DB), Vendors: vendors.New(h.DB),
		Subscribers: subscribers.New(h.DB, subscribers.NewVault(keys), rules(h.to)), Changes: changes.New(h.DB, inserter)}
}

// counts are the rows of every table that a load fills.
func counts(t *testing.T, db *house) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range []string{"publisher", "products", "accounts", "vendors", "engagements", "term_templates", "customers",
		"contracts", "terms_versions", "contacts", "subscriptions", "suppressions", "changes", "ledger_entries"} {
		var n int
		if err := db.Pool().QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		out[table] = n
	}
	return out
}

func load(t *testing.T, h *house, out io.Writer) {
	t.Helper()
	if err := Load(t.Context(), h.DB, services(t, h), h.to, out); err != nil {
		t.Fatal(err)
	}
}

func TestLoadTwice(t *testing.T) {
	db := newHouse(t)
	var told bytes.Buffer
	load(t, db, &told)
	first := counts(t, db)
	want := map[string]int{"publisher": 1, "products": 3, "accounts": 4, "vendors": 10, "engagements": 9, "term_templates": 10,
		"customers": 40, "contracts": 40, "terms_versions": 40, "contacts": 45, "subscriptions": 57, "suppressions": 1, "changes": 2,
		"ledger_entries": first["ledger_entries"]}
	if d := cmp.Diff(want, first); d != "" {
		t.Errorf("after one load (-want +got):\n%s", d)
	}
	if !strings.Contains(told.String(), "40 customers") {
		t.Errorf("it told %q", told.String())
	}
	// What a visitor does stays done: nothing that was renamed or moved comes back.
	s := services(t, db)
	list, err := s.Subscribers.Customers(t.Context(), subscribers.CustomerFilter{Query: "C-1004"})
	if err != nil || len(list.Rows) != 1 {
		t.Fatal(list, err)
	}
	c, err := s.Subscribers.Customer(t.Context(), list.Rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	c.ExternalID = "X-1"
	if err := s.Subscribers.EditCustomer(t.Context(), actor.ForSystem(), c); err != nil {
		t.Fatal(err)
	}
	first = counts(t, db)
	db.clock.Add(1e9 * 86400 * 400)
	told.Reset()
	load(t, db, &told)
	if d := cmp.Diff(first, counts(t, db)); d != "" {
		t.Errorf("after the second load (-first +second):\n%s", d)
	}
	if !strings.Contains(told.String(), "earlier run") {
		t.Errorf("it told %q", told.String())
	}
}

// cutOff cancels a load at its n-th line of progress.
type cutOff struct {
	after  int
	cancel context.CancelFunc
}

func (c *cutOff) Write(b []byte) (int, error) {
	if c.after--; c.after <= 0 {
		c.cancel()
	}
	return len(b), nil
}

// A load that was cut off anywhere is taken up by the next, and the result is the same.
func TestALoadThatWasCutOffIsTakenUp(t *testing.T) {
	whole := newHouse(t)
	load(t, whole, io.Discard)
	db := newHouse(t)
	for after := 1; after <= 8; after++ {
		ctx, cancel := context.WithCancel(t.Context())
		if err := Load(ctx, db.DB, services(t, db), db.to, &cutOff{after, cancel}); !errors.Is(err, context.Canceled) {
			t.Fatalf("cut off after %d lines: %v", after, err)
		}
		cancel()
	}
	load(t, db, io.Discard)
	if d := cmp.Diff(counts(t, whole), counts(t, db)); d != "" {
		t.Errorf("(-whole +in pieces):\n%s", d)
	}
}

// In the middle of the customers, too.
func TestALoadThatFailedAmongTheCustomersIsTakenUp(t *testing.T) {
	whole := newHouse(t)
	load(t, whole, io.Discard)
	db := newHouse(t)
	_, err := db.Pool().Exec(t.Context(), `create function f() returns trigger language plpgsql as $$ begin raise 'cut off'; end $$;
		create trigger cut before insert on contacts for each row when (new.email = 'legal@voorbeeld-bloemen.example') execute function f()`)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(t.Context(), db.DB, services(t, db), db.to, io.Discard); err == nil || !strings.Contains(err.Error(), "C-1012") {
		t.Fatalf("want it to fail at C-1012, got %v", err)
	}
	if _, err := db.Pool().Exec(t.Context(), "drop trigger cut on contacts"); err != nil {
		t.Fatal(err)
	}
	load(t, db, io.Discard)
	if d := cmp.Diff(counts(t, whole), counts(t, db)); d != "" {
		t.Errorf("(-whole +in pieces):\n%s", d)
	}
}

func TestRefusesSomebodysDatabase(t *testing.T) {
	db := newHouse(t)
	real := settings()
	real.LegalName, real.Fictitious = "Real GmbH", false
	if err := publisher.New(db.DB).Save(t.Context(), actor.ForSystem(), real); err != nil {
		t.Fatal(err)
	}
	before := counts(t, db)
	err := Load(t.Context(), db.DB, services(t, db), db.to, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Real GmbH") || !strings.Contains(err.Error(), "DATA_DIR") {
		t.Errorf("want a refusal that names the owner and the mend, got %v", err)
	}
	if d := cmp.Diff(before, counts(t, db)); d != "" {
		t.Errorf("something was added:\n%s", d)
	}
}

// The first change to try can be announced: nobody's terms stand in the way.
func TestTheCandidatesAdditionIsReady(t *testing.T) {
	db := newHouse(t)
	load(t, db, io.Discard)
	s := services(t, db)
	a, err := s.Changes.Audience(t.Context(), draftCandidate(t, s))
	if err != nil {
		t.Fatal(err)
	}
	desk := 0
	for _, c := range customers {
		if strings.Contains(c.products, "desk") {
			desk++
		}
	}
	if len(a.Included) != desk || desk != 35 || len(a.LeftOut) != 5 {
		t.Errorf("%d customers are affected and %d left out, want 35 and 5", len(a.Included), len(a.LeftOut))
	}
	earliest := map[string]bool{}
	for _, p := range a.Included {
		if p.Trouble != nil {
			t.Errorf("%s: %v", p.Name, p.Trouble)
		}
		earliest[p.Dates.EarliestDay.String()] = true
	}
	if len(earliest) < 3 {
		t.Errorf("their terms give only %d different days", len(earliest))
	}
	var nobody []string
	for _, p := range a.Unreachable() {
		nobody = append(nobody, p.Name)
	}
	if d := cmp.Diff([]string{"Postfach Muster e. K."}, nobody); d != "" {
		t.Errorf("unreachable (-want +got):\n%s", d)
	}
}

// draftCandidate drafts the addition of the sample's vendor that nothing engages yet.
func draftCandidate(t *testing.T, s app.Services) uuid.UUID {
	t.Helper()
	list, err := s.Publisher.Products(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	products := map[string]uuid.UUID{}
	for _, p := range list {
		products[p.Slug] = p.ID
	}
	register, err := sample.Load(t.Context(), actor.ForSystem(), s.Vendors, products)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Changes.Draft(t.Context(), actorOf(t, s, Editor), "", &changes.Proposal{Kind: changes.Addition, VendorID: register.Vendors[register.Candidate],
		Facts: register.CandidateFacts, Reason: "To find errors sooner.", EffectiveOn: calendar.Date{Year: 2027, Month: 2, Day: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// Every customer's terms can be computed, but for the one that shows terms that can't be yet.
func TestTermsAreComputable(t *testing.T) {
	db := newHouse(t)
	load(t, db, io.Discard)
	s := services(t, db)
	page, err := s.Subscribers.Customers(t.Context(), subscribers.CustomerFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var not []string
	zones, templates := map[string]bool{}, map[string]bool{}
	for _, c := range page.Rows {
		list, err := s.Subscribers.Contracts(t.Context(), c.ID)
		if err != nil || len(list) != 1 {
			t.Fatal(c.Name, len(list), err)
		}
		sheet := list[0].Terms.Sheet
		if err := subscribers.Computable(sheet, subscribers.Addition, list[0].SignedOn); err != nil {
			not = append(not, c.ExternalID)
		}
		if sheet.TimeZone != c.TimeZone {
			t.Errorf("%s: terms in %s, customer in %s", c.Name, sheet.TimeZone, c.TimeZone)
		}
		zones[sheet.TimeZone], templates[list[0].Terms.TemplateName] = true, true
	}
	if d := cmp.Diff([]string{notComputable}, not); d != "" {
		t.Errorf("not computable (-want +got):\n%s", d)
	}
	if !zones["Pacific/Kiritimati"] || !zones["Pacific/Honolulu"] || len(zones) < 25 || len(templates) != 10 {
		t.Errorf("%d zones, %d templates", len(zones), len(templates))
	}
}

// Nothing in the demo can reach anybody: every address is under .example (RFC 2606).
func TestAddressesAreReserved(t *testing.T) {
	db := newHouse(t)
	load(t, db, io.Discard)
	rows, err := database.Collect[struct{ Address string }](t.Context(), db.Pool(), `select email as address from accounts union select email from contacts
		union select address from subscriptions where channel = 'email' union select privacy_email from publisher union select address from suppressions
		union select contact_email from vendor_versions where contact_email <> ''`)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if a, err := mail.ParseAddress(r.Address); err != nil || a.Address != r.Address {
			t.Errorf("%s: %v", r.Address, err)
		}
		if !strings.HasSuffix(r.Address, ".example") && !strings.HasSuffix(r.Address, "@example.com") {
			t.Errorf("%s could be somebody's", r.Address)
		}
	}
	if len(rows) < 60 {
		t.Errorf("only %d addresses were looked at", len(rows))
	}
}

// Webhooks and Slack messages can only go to the demo's own receivers.
func TestOutletsAreTheReceivers(t *testing.T) {
	h := newHouse(t)
	load(t, h, io.Discard)
	page, err := services(t, h).Subscribers.Subscriptions(t.Context(), subscribers.SubscriptionFilter{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, s := range page.Rows {
		if s.Channel == subscribers.Email {
			continue
		}
		got[s.Channel]++
		ours := strings.HasPrefix(s.Address, h.to.Hooks.Address("")) || strings.HasPrefix(s.Address, "http://"+h.to.Slack.Host()+"/services/") ||
			s.Address == "C0SAMPLARISK"
		if !ours || !s.HasSecret || s.State != subscribers.Active {
			t.Errorf("%s: %s, %s, a secret: %v", s.Name, s.Address, s.State, s.HasSecret)
		}
	}
	if d := cmp.Diff(map[string]int{subscribers.Webhook: 5, subscribers.Slack: 3}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, o := range outlets {
		if o.endpoint != "" && !h.to.Hooks.Knows(o.endpoint) {
			t.Errorf("the receiver doesn't know the secret of %s", o.endpoint)
		}
	}
}

// A secret that was made and lost, as by a cut between storing it and handing it over, is made anew
// by the next run; one that the receiver knows stays.
func TestALostSecretIsMended(t *testing.T) {
	h := newHouse(t)
	load(t, h, io.Discard)
	versions := func() map[string]int {
		rows, err := database.Collect[struct {
			Name    string
			Version int
		}](t.Context(), h.Pool(), "select name, version from subscriptions where channel = 'webhook'")
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, r := range rows {
			out[r.Name] = r.Version
		}
		return out
	}
	before := versions()
	load(t, h, io.Discard)
	if d := cmp.Diff(before, versions()); d != "" {
		t.Errorf("after a second run that had nothing to mend (-first +second):\n%s", d)
	}
	for _, finished := range []string{"true", "false"} {
		// Lost: the receiver has moved to an empty folder, with its address.
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "hooks"), 0o700); err != nil {
			t.Fatal(err)
		}
		address := strings.TrimSuffix(strings.TrimPrefix(h.to.Hooks.Address(""), "http://"), "/hooks/")
		if err := os.WriteFile(filepath.Join(dir, "hooks", "address"), []byte(address), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.to.Hooks.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var stop func()
		h.to, stop = openReceivers(t, dir)
		t.Cleanup(stop)
		if finished == "false" {
			if _, err := h.Pool().Exec(t.Context(), "alter table ledger_entries disable trigger user; update ledger_entries set kind = 'demo.cut' where kind = 'demo.loaded'"); err != nil {
				t.Fatal(err)
			}
		}
		load(t, h, io.Discard)
		for name, v := range versions() {
			if v != before[name]+1 {
				t.Errorf("loaded in full: %s; %s is at version %d, was at %d", finished, name, v, before[name])
			}
		}
		before = versions()
		for _, o := range outlets {
			if o.endpoint != "" && !h.to.Hooks.Knows(o.endpoint) {
				t.Errorf("loaded in full: %s; the receiver doesn't know the secret of %s", finished, o.endpoint)
			}
		}
	}
}

// Everybody whom the demo's start prints can sign in, and the changes wait where it says.
func TestSignInsAndChanges(t *testing.T) {
	db := newHouse(t)
	load(t, db, io.Discard)
	s := services(t, db)
	for _, who := range SignIns {
		_, a, err := s.Accounts.Authenticate(t.Context(), who.Email, Password)
		if err != nil || a.Role != who.Role {
			t.Errorf("%s: %v, %v", who.Email, a, err)
		}
	}
	list, _, err := s.Changes.List(t.Context(), changes.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, string(c.Kind)+" "+string(c.State)+" by "+c.CreatedName)
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"removal in_review by Emil Muster", "replacement draft by Emil Muster"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// Both can go all the way.
	approver := actorOf(t, s, Approver)
	editor := actorOf(t, s, Editor)
	for _, c := range list {
		if c.State == changes.Draft {
			if err := s.Changes.Submit(t.Context(), editor, c.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Changes.Approve(t.Context(), approver, c.ID, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Changes.Announce(t.Context(), approver, c.ID); err != nil {
			t.Errorf("%s: %v", c.Kind, err)
		}
	}
}

func actorOf(t *testing.T, s app.Services, who SignIn) actor.Actor {
	t.Helper()
	list, err := s.Accounts.List(t.Context(), actor.ForSystem())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Email == who.Email {
			return a.Actor()
		}
	}
	t.Fatalf("no account %s", who.Email)
	return actor.Actor{}
}
