package subscribers_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/subscribers"
)

func (h *house) affected(aim subscribers.Aim, on string) []string {
	h.t.Helper()
	var out []string
	h.in(func(tx *database.Tx) error {
		rows, err := subscribers.Affected(tx, aim, day(h.t, on))
		for _, r := range rows {
			at := r.Name + " " + r.Reference
			if (r.Sheet == nil) != (r.ContractID == uuid.Nil) || (r.Sheet != nil && (r.Sheet.TimeZone == "" || r.TermsVersionID == uuid.Nil || r.TermsNumber == 0)) {
				h.t.Errorf("half a contract: %+v", r)
			}
			if r.Sheet != nil {
				at += " " + r.Sheet.Clause
			}
			out = append(out, at)
		}
		return err
	})
	return out
}

func TestAffectedCustomersWithAllTheirContracts(t *testing.T) {
	h := newHouse(t)
	tpl := h.template("T", 30)
	a := h.customer(func(c *subscribers.Customer) { c.ProductIDs = []uuid.UUID{h.desk, h.hub} })
	h.contract(a, "A-1", "2026-01-01", `{"clause": "1"}`, tpl)
	k := h.contract(a, "A-2", "2026-02-01", `{"clause": "2"}`, tpl)
	_, err := h.Amend(t.Context(), h.who, k.ID, 1, subscribers.TermsChoice{TemplateVersionID: tpl.Latest.ID, Deviations: []byte(`{"clause": "2a"}`)})
	h.ok(err)
	ended := h.contract(a, "A-3", "2026-03-01", `{"clause": "3"}`, tpl)
	h.ok(h.EndContract(t.Context(), h.who, ended.ID, 1, day(t, "2026-11-22")))
	h.contract(a, "A-4", "2026-12-24", `{"clause": "4"}`, tpl)
	b := h.customer(func(c *subscribers.Customer) { c.Region = "us" })
	h.contract(b, "B-1", "2026-01-01", `{"clause": "1"}`, tpl)
	h.customer(nil) // C, without a contract
	d := h.customer(nil)
	h.ok(h.Leave(t.Context(), h.who, d.ID, 1, day(t, "2026-11-22")))

	today := "2026-11-22"
	for _, x := range []struct {
		aim  subscribers.Aim
		on   string
		want []string
	}{
		{subscribers.Aim{}, today, []string{"Customer A A-1 1", "Customer A A-2 2a", "Customer B B-1 1", "Customer C "}},
		{subscribers.Aim{ProductIDs: []uuid.UUID{h.hub}}, today, []string{"Customer A A-1 1", "Customer A A-2 2a"}},
		{subscribers.Aim{Regions: []string{"us", "gb"}}, today, []string{"Customer B B-1 1"}},
		{subscribers.Aim{Regions: []string{"us"}, ProductIDs: []uuid.UUID{h.hub}}, today, nil},
		{subscribers.Aim{Regions: []string{"eea"}}, "2026-11-21", []string{"Customer A A-1 1", "Customer A A-2 2a", "Customer A A-3 3", "Customer C ", "Customer D "}},
		{subscribers.Aim{Regions: []string{"eea"}}, "2026-12-24", []string{"Customer A A-1 1", "Customer A A-2 2a", "Customer A A-4 4", "Customer C "}},
	} {
		if diff := cmp.Diff(x.want, h.affected(x.aim, x.on)); diff != "" {
			t.Errorf("%+v on %s (-want +got):\n%s", x.aim, x.on, diff)
		}
	}
}

func (h *house) recipients(aim subscribers.Aim, customers ...*subscribers.Customer) []string {
	h.t.Helper()
	ids := []uuid.UUID{}
	for _, c := range customers {
		ids = append(ids, c.ID)
	}
	out := []string{}
	h.in(func(tx *database.Tx) error {
		rows, err := subscribers.Recipients(tx, ids, aim)
		for _, r := range rows {
			at := string(r.Basis) + " " + r.Address
			if r.Fallback {
				at += " (fallback)"
			}
			out = append(out, at)
		}
		return err
	})
	slices.Sort(out)
	return out
}

func (h *house) reach(aim subscribers.Aim, c *subscribers.Customer) (out subscribers.Reach) {
	h.t.Helper()
	h.in(func(tx *database.Tx) error {
		all, err := subscribers.Reachable(tx, []uuid.UUID{c.ID}, aim)
		out = all[c.ID]
		return err
	})
	return out
}

func TestASuppressedRecipientGoesToTheFallbackNeverToNobody(t *testing.T) {
	h := newHouse(t)
	a, b := h.customer(nil), h.customer(nil)
	h.contact(a, "dpo@a.example", subscribers.RoleNotices)
	h.contact(a, "office@a.example", subscribers.RoleFallback)
	h.contact(a, "lawyer@a.example", subscribers.RoleObjections)
	h.contact(b, "dpo@b.example", subscribers.RoleNotices)
	check := func(when string, want []string, notices, fallback bool) {
		t.Helper()
		if diff := cmp.Diff(want, h.recipients(subscribers.Aim{}, a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if r := h.reach(subscribers.Aim{}, a); r.Notices != notices || r.Fallback != fallback {
			t.Errorf("%s: reach %+v", when, r)
		}
	}
	check("all well", []string{"contract dpo@a.example"}, true, true)
	h.ok(h.Suppress(t.Context(), h.who, "DPO@a.example", subscribers.HardBounce, ""))
	check("suppressed", []string{"contract office@a.example (fallback)"}, false, true)
	hook := &subscribers.Subscription{CustomerID: &a.ID, Basis: subscribers.ByContract, Channel: subscribers.Webhook,
		Address: "https://a.example/hook", Language: "en", ConsentHow: "annex III"}
	h.ok(h.Subscribe(t.Context(), h.who, hook))
	check("a webhook besides", []string{"contract https://a.example/hook"}, true, true)
	h.in(func(tx *database.Tx) error {
		if err := subscribers.DisableInTx(tx, actor.ForSystem(), hook.ID, "failing"); err != nil {
			return err
		}
		return subscribers.DisableInTx(tx, actor.ForSystem(), hook.ID, "failing") // once is enough
	})
	h.ok(h.Suppress(t.Context(), h.who, "office@a.example", subscribers.Complaint, ""))
	check("nobody is left, and it shows", []string{}, false, false)
	if got, err := h.Subscription(t.Context(), hook.ID); err != nil || got.Version != 2 {
		t.Errorf("disabled twice: %+v, %v", got, err)
	}
}

func TestScopesAndFollowers(t *testing.T) {
	h := newHouse(t)
	a, b := h.customer(nil), h.customer(nil)
	h.contact(a, "dpo@a.example", subscribers.RoleNotices)
	h.contact(b, "dpo@b.example", subscribers.RoleNotices)
	h.follower("email", "all@f.example", nil)
	h.follower("email", "desk@f.example", func(s *subscribers.Subscription) { s.ProductIDs = []uuid.UUID{h.desk} })
	h.follower("email", "us@f.example", func(s *subscribers.Subscription) { s.Regions = []string{"us"} })
	h.follower("email", "removals@f.example", func(s *subscribers.Subscription) { s.Kinds = []string{"removal"} })
	h.follower("email", "DPO@A.example", nil) // told already, when its customer is
	paused := h.follower("email", "paused@f.example", nil)
	h.ok(h.Pause(t.Context(), h.who, paused.ID, 1, ""))
	h.follower("email", "bounced@f.example", nil)
	h.ok(h.Suppress(t.Context(), h.who, "bounced@f.example", subscribers.HardBounce, ""))
	h.follower("slack", "C0ATEAM0001", func(s *subscribers.Subscription) { s.CustomerID, s.Token = &b.ID, "xoxb-123456789" })
	for _, x := range []struct {
		what string
		aim  subscribers.Aim
		of   []*subscribers.Customer
		want []string
	}{
		{"everything", subscribers.Aim{Kind: "addition"}, []*subscribers.Customer{a},
			[]string{"contract dpo@a.example", "follower C0ATEAM0001", "follower all@f.example", "follower desk@f.example", "follower us@f.example"}},
		{"hub in the EEA", subscribers.Aim{Kind: "addition", ProductIDs: []uuid.UUID{h.hub}, Regions: []string{"eea"}}, []*subscribers.Customer{b},
			[]string{"contract dpo@b.example", "follower C0ATEAM0001", "follower DPO@a.example", "follower all@f.example"}},
		{"a removal in the US", subscribers.Aim{Kind: "removal", ProductIDs: []uuid.UUID{h.desk, h.hub}, Regions: []string{"us"}}, nil,
			[]string{"follower C0ATEAM0001", "follower DPO@a.example", "follower all@f.example", "follower desk@f.example", "follower removals@f.example", "follower us@f.example"}},
	} {
		if diff := cmp.Diff(x.want, h.recipients(x.aim, x.of...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.what, diff)
		}
	}
}

// A recipient for one product is none for another: then the fallback is told.
func TestScopesOfContractRecipients(t *testing.T) {
	h := newHouse(t)
	a := h.customer(func(c *subscribers.Customer) { c.ProductIDs = []uuid.UUID{h.desk, h.hub} })
	h.contact(a, "office@a.example", subscribers.RoleFallback)
	desk := &subscribers.Subscription{CustomerID: &a.ID, Basis: subscribers.ByContract, Channel: subscribers.Email,
		Address: "desk@a.example", Language: "en", ConsentHow: "annex III", ProductIDs: []uuid.UUID{h.desk}}
	h.ok(h.Subscribe(t.Context(), h.who, desk))
	for product, want := range map[uuid.UUID]string{h.desk: "contract desk@a.example", h.hub: "contract office@a.example (fallback)"} {
		aim := subscribers.Aim{Kind: "scope", ProductIDs: []uuid.UUID{product}}
		if got := h.recipients(aim, a); !slices.Equal(got, []string{want}) {
			t.Errorf("got %v, want %s", got, want)
		}
		if r := h.reach(aim, a); !r.OK() || r.Notices != (product == h.desk) {
			t.Errorf("reach: %+v", r)
		}
	}
}

// notify uses the query inside an INSERT … SELECT: it must stand as a common table expression.
func TestRecipientsSQLStandsInsideAnother(t *testing.T) {
	h := newHouse(t)
	h.follower("email", "all@f.example", nil)
	h.in(func(tx *database.Tx) error {
		n, err := database.Scalar[int](tx, "with recipients as ("+subscribers.RecipientsSQL+") select count(*) from recipients join subscriptions s on s.id = subscription_id",
			[]uuid.UUID{}, "addition", []string{}, []uuid.UUID{})
		if n != 1 {
			t.Errorf("%d recipients, want 1", n)
		}
		return err
	})
}
