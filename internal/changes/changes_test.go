package changes_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

// serve states that a window's notice was served, as the sender would.
func serve(t *testing.T, h *housetest.House, change uuid.UUID, kind string) {
	t.Helper()
	_, err := h.DB.Pool().Exec(t.Context(), `
		with n as (insert into notices (id, change_id, kind, created_at) values (gen_random_uuid(), $1, 'announcement', $2)
		             on conflict (change_id, kind) do update set kind = excluded.kind returning id),
		 r as (insert into renderings (id, notice_id, channel, language, audience, template_version, subject, body_text, body_html, created_at)
		         select gen_random_uuid(), n.id, 'email', 'en', 'contract', 'test', 's', 't', 'h', $2 from n
		         on conflict (notice_id, channel, language, audience) do update set subject = excluded.subject returning id, notice_id),
		 e as (insert into endpoints (channel, key, created_at) values ('email', 'example', $2) on conflict (channel, key) do update set key = excluded.key returning id),
		 m as (insert into merges (id, notice_id, window_id, language, fields) select gen_random_uuid(), r.notice_id, w.id, 'en', '{}' from r, windows w where w.change_id = $1
		         on conflict (notice_id, window_id, language) do update set language = excluded.language returning id, window_id),
		 d as (insert into deliveries (notice_id, subscription_id, rendering_id, merge_id, window_id, endpoint_id, channel, address, link_key, state, attempts, done_at, created_at)
		         select r.notice_id, s.id, r.id, m.id, w.id, e.id, 'email', s.address, 'k', 'sent', 1, $2, $2
		           from r, e, windows w join m on m.window_id = w.id join subscriptions s on s.customer_id = w.customer_id where w.change_id = $1
		         on conflict (notice_id, subscription_id) do update set reason = '' returning id, window_id)
		insert into services (delivery_id, kind, at, proof) select d.id, $3, $2, 'test' from d`, change, h.Clock.Now(), kind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Changes.DeriveWindows(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func activate(t *testing.T, h *housetest.House) int {
	t.Helper()
	n, err := h.Changes.ActivateDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func listed(t *testing.T, h *housetest.House, on calendar.Date) (names []string) {
	t.Helper()
	list, err := h.Vendors.List(t.Context(), on, vendors.ListFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.LegalName)
	}
	return names
}

func TestAnAdditionTakesEffectCustomerByCustomer(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Fourteen", "a@fourteen.example", housetest.Sheet(14))
	h.Customer("Thirty", "a@thirty.example", housetest.Sheet(30))
	specific := housetest.Sheet(14)
	specific.Authorisation = subscribers.Specific
	h.Customer("Silent", "a@silent.example", specific)
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20)) // 22 November and 20 days: 12 December
	serve(t, h, c.ID, "sent")

	windows, err := h.Changes.WindowsOf(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, w := range windows {
		got[w.CustomerName] = w.ObjectionEndsAt.UTC().Format(time.RFC3339) + " " + w.EffectiveOn.String()
	}
	want := map[string]string{ // 22 November is not counted; the last day ends at midnight in Berlin
		"Fourteen": "2026-12-06T23:00:00Z 2026-12-12",
		"Thirty":   "2026-12-22T23:00:00Z 2026-12-23",
		"Silent":   "2026-12-06T23:00:00Z 2026-12-12",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}

	for _, step := range []struct {
		now       string
		activated int
		listed    bool
		state     changes.State
	}{
		{"2026-12-11T22:59:59Z", 0, false, changes.Announced},
		{"2026-12-11T23:00:00Z", 1, true, changes.Announced}, // 00:00 on the 12th in Berlin
		{"2026-12-22T22:59:59Z", 0, true, changes.Announced},
		{"2026-12-22T23:00:00Z", 1, true, changes.Announced},
		{"2027-12-22T23:00:00Z", 0, true, changes.Announced}, // silence never satisfies specific authorisation
	} {
		h.Clock.Set(at(t, step.now))
		if n := activate(t, h); n != step.activated {
			t.Errorf("%s: %d activated, want %d", step.now, n, step.activated)
		}
		if is := len(listed(t, h, calendar.DateOf(h.Clock.Now(), time.UTC).AddDays(1))) > 0; is != step.listed {
			t.Errorf("%s: listed = %v, want %v", step.now, is, step.listed)
		}
		view, err := h.Changes.Get(t.Context(), c.Reference)
		if err != nil || view.State != step.state {
			t.Errorf("%s: state %v, %v; want %s", step.now, view.State, err, step.state)
		}
	}
	if n, err := ledger.Verify(t.Context(), h.DB); err != nil || n == 0 {
		t.Errorf("ledger: %d, %v", n, err)
	}
}

func TestAnUnservedCustomerNeverActivates(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Nobody Home", "", housetest.Sheet(14))
	h.Customer("Served", "a@served.example", housetest.Sheet(14))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	serve(t, h, c.ID, "sent")
	h.Clock.Add(5 * 365 * 24 * time.Hour)
	if n := activate(t, h); n != 1 {
		t.Errorf("%d activated, want the served one alone", n)
	}
	windows, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	for _, w := range windows {
		if want := w.CustomerName == "Served"; (w.State == changes.WindowEffective) != want {
			t.Errorf("%s is %s", w.CustomerName, w.State)
		}
		if w.CustomerName == "Nobody Home" && !slices.Contains(w.Blockers(h.Clock.Now()), changes.NotServed) {
			t.Errorf("blockers: %v", w.Blockers(h.Clock.Now()))
		}
	}
}

func TestLateServiceMovesTheWindowAndNeverBack(t *testing.T) {
	h := housetest.New(t)
	accepted := housetest.Sheet(14)
	accepted.ClockStarts = subscribers.ClockAccepted
	h.Customer("Proof", "a@proof.example", accepted)
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	serve(t, h, c.ID, "sent")
	windows, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	if windows[0].ServedAt != nil {
		t.Fatal("a relay's acceptance started a clock that asks for receipt")
	}
	h.Clock.Add(10 * 24 * time.Hour) // 2 December
	serve(t, h, c.ID, "received")
	windows, _ = h.Changes.WindowsOf(t.Context(), c.ID)
	w := windows[0]
	if w.ServedAt == nil || w.EffectiveOn.String() != "2026-12-17" || !w.ObjectionEndsAt.Equal(at(t, "2026-12-16T23:00:00Z")) {
		t.Errorf("served %v, objection until %v, effective on %v; want 2 December and 14 days", w.ServedAt, w.ObjectionEndsAt, w.EffectiveOn)
	}
	serve2 := func() { _, _ = h.Changes.DeriveWindows(t.Context()) }
	serve2()
	again, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	if diff := cmp.Diff(windows, again); diff != "" {
		t.Errorf("deriving again changes something (-before +after):\n%s", diff)
	}
}

func TestAnnouncedOnceHoweverManyPress(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	c := h.Approved(h.Addition(h.Vendor("Errata Ltd"), 20))
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = h.Changes.Announce(t.Context(), h.Approver, c.ID) })
	}
	wg.Wait()
	ok := 0
	for _, err := range errs {
		switch {
		case err == nil:
			ok++
		case fault.Has(err, "change.already_announced"):
			if who := fault.All(err)[0].Args["Who"]; who != "Arne Approver" {
				t.Errorf("told that %v announced it", who)
			}
		default:
			t.Error(err)
		}
	}
	var jobs, windows int
	err := h.DB.Pool().QueryRow(t.Context(), `select (select count(*) from river_job where kind = 'change_announced'), (select count(*) from windows)`).Scan(&jobs, &windows)
	if ok != 1 || jobs != 1 || windows != 1 || err != nil {
		t.Errorf("%d announced, %d jobs, %d windows, %v; want 1, 1, 1", ok, jobs, windows, err)
	}
}

func TestFourEyes(t *testing.T) {
	h := housetest.New(t)
	both := h.Staff("Bo Both", actor.Approver)
	c, err := h.Changes.Draft(t.Context(), both, "", h.Addition(h.Vendor("Errata Ltd"), 20))
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.Changes.Submit(t.Context(), h.Editor, c.ID))
	if err := h.Changes.Approve(t.Context(), both, c.ID, 0); !fault.Has(err, "change.four_eyes") {
		t.Errorf("the drafter approves: %v", err)
	}
	if err := h.Changes.Approve(t.Context(), h.Editor, c.ID, 0); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an editor approves: %v", err)
	}
	settings, _ := h.Publisher.Get(t.Context())
	settings.FourEyes = false
	must(h.Publisher.Save(t.Context(), actor.ForSystem(), settings))
	must(h.Changes.Approve(t.Context(), both, c.ID, 0))
}

func TestStepsOutOfOrderAreRefused(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	v := h.Vendor("Errata Ltd")
	c, err := h.Changes.Draft(t.Context(), h.Editor, "", h.Addition(v, 20))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, err := range map[string]error{
		"approve a draft":  h.Changes.Approve(ctx, h.Approver, c.ID, 0),
		"announce a draft": h.Changes.Announce(ctx, h.Approver, c.ID),
		"unknown change":   h.Changes.Submit(ctx, h.Editor, secrets.ID()),
	} {
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.Changes.Withdraw(ctx, h.Approver, c.ID, "Not needed"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"submit":   h.Changes.Submit(ctx, h.Editor, c.ID),
		"withdraw": h.Changes.Withdraw(ctx, h.Approver, c.ID, "Again"),
		"edit":     h.Changes.Edit(ctx, h.Editor, c.ID, 2, h.Addition(v, 20)),
	} {
		if !fault.Has(err, "change.state") {
			t.Errorf("%s a withdrawn change: %v", name, err)
		}
	}
}

func TestProposalsThatCanNotBe(t *testing.T) {
	h := housetest.New(t)
	v := h.Vendor("Errata Ltd")
	for name, c := range map[string]struct {
		spoil func(*changes.Proposal)
		field string
		code  string
	}{
		"yesterday":          {func(p *changes.Proposal) { p.EffectiveOn = p.EffectiveOn.AddDays(-21) }, "effective_on", "date.past"},
		"no day":             {func(p *changes.Proposal) { p.EffectiveOn = calendar.Date{} }, "effective_on", "required"},
		"in a hundred years": {func(p *changes.Proposal) { p.EffectiveOn = p.EffectiveOn.AddDays(36500) }, "effective_on", "date.too_far"},
		"no reason":          {func(p *changes.Proposal) { p.Reason = " " }, "reason", "required"},
		"a bell in it":       {func(p *changes.Proposal) { p.Reason = "ding\a" }, "reason", "control_characters"},
		"unknown vendor":     {func(p *changes.Proposal) { p.VendorID = secrets.ID() }, "vendor_id", "vendor.not_found"},
		"unknown kind":       {func(p *changes.Proposal) { p.Kind = "merger" }, "kind", "choice.unknown"},
		"no purpose":         {func(p *changes.Proposal) { p.Facts.Purpose = "" }, "purpose", "required"},
		"unknown product":    {func(p *changes.Proposal) { p.Facts.Products[0].ProductID = secrets.ID() }, "products", "product.unknown"},
		"unknown country":    {func(p *changes.Proposal) { p.Facts.Locations[0].Country = "UK" }, "locations.0.country", "country.unknown"},
		"replaces nothing":   {func(p *changes.Proposal) { p.Kind = changes.Replacement }, "replaced_engagement_id", "required"},
		"replaces unknown":   {func(p *changes.Proposal) { p.Kind = changes.Replacement; p.ReplacedEngagementID = secrets.ID() }, "replaced_engagement_id", "engagement.not_in_effect"},
		"removes unknown":    {func(p *changes.Proposal) { p.Kind = changes.Removal; p.EngagementID = secrets.ID() }, "engagement_id", "engagement.not_in_effect"},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.Addition(v, 20)
			c.spoil(p)
			_, err := h.Changes.Draft(t.Context(), h.Editor, "", p)
			if all := fault.All(err); len(all) == 0 || all[0].Field != c.field || all[0].Code != c.code {
				t.Errorf("got %v, want %s at %s", err, c.code, c.field)
			}
		})
	}
	list, _, err := h.Changes.List(t.Context(), changes.Filter{})
	if err != nil || len(list) != 0 {
		t.Errorf("refused drafts left %d changes, %v", len(list), err)
	}
}

func TestContradictionsStopTheAnnouncement(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Strict", "a@strict.example", housetest.Sheet(30))
	c := h.Approved(h.Addition(h.Vendor("Errata Ltd"), 10))
	err := h.Changes.Announce(t.Context(), h.Approver, c.ID)
	if all := fault.All(err); len(all) != 1 || all[0].Code != "effective.too_early" || all[0].Args["Customer"] != "Strict" || all[0].Args["Earliest"] != day(t, "2026-12-23") {
		t.Errorf("earlier than anybody's terms allow: %v", err)
	}
	business := housetest.Sheet(10)
	business.Notice.Unit = subscribers.BusinessDays
	business.Holidays = &subscribers.Holidays{Country: "DE"}
	h.Customer("Business", "a@business.example", business)
	if err := h.Changes.Announce(t.Context(), h.Approver, c.ID); !fault.Has(err, "audience.terms_not_computable") {
		t.Errorf("terms that can't be computed: %v", err)
	}
	var windows int
	if err := h.DB.Pool().QueryRow(t.Context(), "select count(*) from windows").Scan(&windows); err != nil || windows != 0 {
		t.Errorf("%d windows after a refusal, %v", windows, err)
	}

	p := h.Addition(h.Vendor("Nowhere Ltd"), 40)
	p.Facts.Locations[0].Transfers = p.Facts.Locations[0].Transfers[:1]
	d, err := h.Changes.Draft(t.Context(), h.Editor, "", p)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Changes.Submit(t.Context(), h.Editor, d.ID); len(fault.All(err)) != 2 {
		t.Errorf("a location without mechanism for two regimes: %v", err)
	}
}

func TestEditsByTwoPeople(t *testing.T) {
	h := housetest.New(t)
	v := h.Vendor("Errata Ltd")
	c, err := h.Changes.Draft(t.Context(), h.Editor, "", h.Addition(v, 20))
	if err != nil {
		t.Fatal(err)
	}
	first, second := h.Addition(v, 25), h.Addition(v, 20)
	second.Reason = "Mine"
	if err := h.Changes.Edit(t.Context(), h.Approver, c.ID, c.Version, first); err != nil {
		t.Fatal(err)
	}
	err = h.Changes.Edit(t.Context(), h.Editor, c.ID, c.Version, second)
	if !fault.Has(err, "changed_meanwhile") {
		t.Fatalf("the second edit: %v", err)
	}
	args := fault.All(err)[0].Args
	if diff := cmp.Diff(fault.Args{"Who": "Arne Approver", "What": []string{"effective_on"}}, args); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	now, err := h.Changes.ProposalOf(t.Context(), c.ID)
	if err != nil || now.EffectiveOn != first.EffectiveOn || now.Reason != first.Reason {
		t.Errorf("stored: %+v, %v", now, err)
	}
	var versions int
	if err := h.DB.Pool().QueryRow(t.Context(), "select count(*) from engagement_versions").Scan(&versions); err != nil || versions != 1 {
		t.Errorf("%d draft versions are left, want 1 (%v)", versions, err)
	}
}

func TestTheSameRequestDraftsOnce(t *testing.T) {
	h := housetest.New(t)
	v := h.Vendor("Errata Ltd")
	var wg sync.WaitGroup
	ids := make([]uuid.UUID, 5)
	for i := range ids {
		wg.Go(func() {
			c, err := h.Changes.Draft(t.Context(), h.Editor, "key-1", h.Addition(v, 20))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = c.ID
		})
	}
	wg.Wait()
	if slices.ContainsFunc(ids, func(id uuid.UUID) bool { return id != ids[0] }) {
		t.Errorf("drafted several: %v", ids)
	}
	other, err := h.Changes.Draft(t.Context(), h.Editor, "key-2", h.Addition(v, 20))
	if err != nil || other.ID == ids[0] || other.Reference == "" {
		t.Errorf("another request: %+v, %v", other, err)
	}
}

func TestReplacementAndRemoval(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(7))
	old, next := h.Vendor("Old Ltd"), h.Vendor("Next Ltd")
	engaged, err := h.Vendors.RecordEngagement(t.Context(), h.Editor, old.ID, day(t, "2024-01-01"), h.Facts())
	if err != nil {
		t.Fatal(err)
	}
	p := h.Addition(next, 10)
	p.Kind, p.ReplacedEngagementID = changes.Replacement, engaged.ID
	c := h.Announced(p)
	if _, err := h.Changes.Draft(t.Context(), h.Editor, "", &changes.Proposal{Kind: changes.Replacement, VendorID: next.ID, Facts: h.Facts(),
		ReplacedEngagementID: engaged.ID, Reason: "Again", EffectiveOn: p.EffectiveOn}); !fault.Has(err, "change.engagement_has_one") {
		t.Errorf("a second open change that replaces the same: %v", err)
	}
	serve(t, h, c.ID, "sent")
	h.Clock.Add(11 * 24 * time.Hour)
	activate(t, h)
	today := calendar.DateOf(h.Clock.Now(), time.UTC)
	if diff := cmp.Diff([]string{"Next Ltd"}, listed(t, h, today)); diff != "" {
		t.Errorf("after the replacement (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Old Ltd"}, listed(t, h, today.AddDays(-1))); diff != "" {
		t.Errorf("the day before (-want +got):\n%s", diff)
	}
	r := h.Announced(&changes.Proposal{Kind: changes.Removal, EngagementID: c.EngagementID, Reason: "Not needed any more", EffectiveOn: today.AddDays(10)})
	serve(t, h, r.ID, "sent")
	h.Clock.Add(11 * 24 * time.Hour)
	activate(t, h)
	if left := listed(t, h, today.AddDays(11)); len(left) != 0 {
		t.Errorf("after the removal: %v", left)
	}
	view, err := h.Changes.Get(t.Context(), r.Reference)
	if err != nil || view.State != changes.Effective || view.VendorName != "Next Ltd" {
		t.Errorf("removal: %+v, %v", view, err)
	}
}

func TestHeldAndWithdrawn(t *testing.T) {
	h := housetest.New(t)
	h.Customer("Fast", "a@fast.example", housetest.Sheet(7))
	h.Customer("Slow", "a@slow.example", housetest.Sheet(30))
	h.Customer("Held", "a@held.example", housetest.Sheet(7))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 10))
	serve(t, h, c.ID, "sent")
	windows, _ := h.Changes.WindowsOf(t.Context(), c.ID)
	i := slices.IndexFunc(windows, func(w changes.WindowView) bool { return w.CustomerName == "Held" })
	if err := h.Changes.Hold(t.Context(), h.Editor, windows[i].ID, "Objected by letter"); err != nil {
		t.Fatal(err)
	}
	h.Clock.Add(11 * 24 * time.Hour)
	if n := activate(t, h); n != 1 {
		t.Errorf("%d activated, want the fast one", n)
	}
	today := calendar.DateOf(h.Clock.Now(), time.UTC)
	if err := h.Changes.Withdraw(t.Context(), h.Approver, c.ID, "The vendor was breached"); err != nil {
		t.Fatal(err)
	}
	if left := listed(t, h, today); len(left) != 0 {
		t.Errorf("after the withdrawal the list has %v", left)
	}
	h.Clock.Add(60 * 24 * time.Hour)
	if n := activate(t, h); n != 0 {
		t.Errorf("%d activated after the withdrawal", n)
	}
	if err := h.Changes.Hold(t.Context(), h.Editor, windows[i].ID, "Again"); !fault.Has(err, "window.closed") {
		t.Errorf("holding a closed window: %v", err)
	}
	var withdrawals int
	if err := h.DB.Pool().QueryRow(t.Context(), "select count(*) from river_job where kind = 'change_withdrawn'").Scan(&withdrawals); err != nil || withdrawals != 1 {
		t.Errorf("%d withdrawal notices enqueued, %v", withdrawals, err)
	}
}

// The strictest of a customer's contracts counts, and the publisher's floor only lengthens.
func TestTheStrictestContractAndTheFloor(t *testing.T) {
	h := housetest.New(t)
	cust := h.Customer("Two Contracts", "a@two.example", housetest.Sheet(7))
	h.Contract(cust, housetest.Sheet(21))
	c := h.Approved(h.Addition(h.Vendor("Errata Ltd"), 60))
	a, err := h.Changes.Audience(t.Context(), c.ID)
	if err != nil || len(a.Included) != 1 || a.Included[0].Dates.EarliestDay != day(t, "2026-12-14") {
		t.Fatalf("%+v, %v", a, err)
	}
	settings, _ := h.Publisher.Get(t.Context())
	floor := 30
	settings.FloorDays = &floor
	if err := h.Publisher.Save(t.Context(), actor.ForSystem(), settings); err != nil {
		t.Fatal(err)
	}
	a, err = h.Changes.Audience(t.Context(), c.ID)
	if err != nil || a.Included[0].Dates.EarliestDay != day(t, "2026-12-23") {
		t.Errorf("with a floor of 30 days: %+v, %v", a.Included[0].Dates, err)
	}
}

func TestWhoIsLeftOutAndWhy(t *testing.T) {
	h := housetest.New(t)
	h.Customer("In", "a@in.example", housetest.Sheet(7))
	other := publisher.Product{Slug: "other", Name: "Other"}
	if err := h.Publisher.AddProduct(t.Context(), actor.ForSystem(), &other); err != nil {
		t.Fatal(err)
	}
	far := h.Customer("Far", "a@far.example", housetest.Sheet(7))
	far.Region, far.Country = "us", "US"
	if err := h.Subscribers.EditCustomer(t.Context(), h.Editor, far); err != nil {
		t.Fatal(err)
	}
	without := h.Customer("Without", "a@without.example", housetest.Sheet(7))
	without.ProductIDs = []uuid.UUID{other.ID}
	if err := h.Subscribers.EditCustomer(t.Context(), h.Editor, without); err != nil {
		t.Fatal(err)
	}
	p := h.Addition(h.Vendor("Errata Ltd"), 20)
	p.Facts.Regions = []publisher.Region{"eea"}
	c := h.Approved(p)
	a, err := h.Changes.Audience(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range a.LeftOut {
		got[l.Name] = l.Reason
	}
	for _, i := range a.Included {
		got[i.Name] = "in"
	}
	if diff := cmp.Diff(map[string]string{"In": "in", "Far": "region", "Without": "product"}, got); diff != "" {
		t.Errorf("audience (-want +got):\n%s", diff)
	}
}

// The database itself refuses what no code path should try.
func TestTheDatabaseGuardsTheGate(t *testing.T) {
	h := housetest.New(t)
	h.Customer("One", "a@one.example", housetest.Sheet(14))
	c := h.Announced(h.Addition(h.Vendor("Errata Ltd"), 20))
	for name, sql := range map[string]string{
		"effective though unserved":   "update windows set state = 'effective', effective_at = '2030-01-01' where change_id = $1",
		"effective before its time":   "update windows set state = 'effective', served_at = created_at, effective_at = created_at where change_id = $1",
		"effective without a time":    "update windows set state = 'effective', served_at = created_at where change_id = $1",
		"announced without approval":  "update changes set approved_at = null where id = $1",
		"two windows for one":         "insert into windows select (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid()))).* from windows w where change_id = $1",
		"a removal with an after":     "update changes set kind = 'removal' where id = $1",
		"a reference of another form": "update changes set reference = '14' where id = $1",
	} {
		if _, err := h.DB.Pool().Exec(t.Context(), sql, c.ID); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestListIsPagedByKey(t *testing.T) {
	h := housetest.New(t)
	v := h.Vendor("Errata Ltd")
	var want []string
	for range 7 {
		c, err := h.Changes.Draft(t.Context(), h.Editor, "", h.Addition(v, 20))
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{c.Reference}, want...)
	}
	var got []string
	for after := ""; ; {
		list, next, err := h.Changes.List(t.Context(), changes.Filter{After: after, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			got = append(got, c.Reference)
		}
		if after = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if _, _, err := h.Changes.List(t.Context(), changes.Filter{After: "nonsense"}); !fault.Has(err, "cursor.malformed") {
		t.Errorf("a broken cursor: %v", err)
	}
	if list, _, err := h.Changes.List(t.Context(), changes.Filter{Query: "100%_\\"}); err != nil || len(list) != 0 {
		t.Errorf("a search with wildcards found %d, %v", len(list), err)
	}
	if _, err := h.Changes.Get(t.Context(), "SP-1999-001"); !fault.Is(err, fault.NotFound) || errors.Is(err, nil) {
		t.Errorf("an unknown reference: %v", err)
	}
}
