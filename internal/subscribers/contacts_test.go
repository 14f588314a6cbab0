package subscribers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func TestAContactForNoticesIsSubscribed(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	k := newContact(c, " DPO@Müller.example ", subscribers.RoleObjections, subscribers.RoleNotices)
	h.ok(h.AddContact(t.Context(), h.who, k, subscribers.Consent{How: "annex III", Wording: "Notices go to the DPO."}))
	subs := h.subscriptions(c)
	if len(subs) != 1 {
		t.Fatalf("subscriptions: %+v", subs)
	}
	want := subscribers.Subscription{ID: subs[0].ID, CustomerID: &c.ID, ContactID: &k.ID, Basis: subscribers.ByContract,
		Channel: subscribers.Email, Address: "DPO@xn--mller-kva.example", Name: "Kim Example", Language: "en",
		ProductIDs: []uuid.UUID{}, Regions: []string{}, Kinds: []string{},
		State: subscribers.Active, StateAt: h.clock.Now(), ConsentHow: "annex III", ConsentAt: h.clock.Now(),
		ConsentWording: "Notices go to the DPO.", LinkEpoch: 1, Version: 1, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
	if diff := cmp.Diff(want, subs[0].Subscription); diff != "" {
		t.Errorf("subscription (-want +got):\n%s", diff)
	}
	h.contact(c, "lawyer@a.example", subscribers.RoleObjections)
	h.contact(c, "office@a.example", subscribers.RoleFallback)
	if subs := h.subscriptions(c); len(subs) != 2 || subs[1].ConsentHow != subscribers.NamedInContract || subs[1].Address != "office@a.example" {
		t.Errorf("a fallback is subscribed, who only objects isn't: %+v", subs)
	}
	list, err := h.Contacts(t.Context(), c.ID)
	if err != nil || len(list) != 3 {
		t.Errorf("contacts: %+v, %v", list, err)
	}
}

func TestBadContactsAreRefused(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	for what, x := range map[string]struct {
		change      func(*subscribers.Contact)
		code, field string
	}{
		"no name":           {func(k *subscribers.Contact) { k.Name = "" }, "required", "name"},
		"header in name":    {func(k *subscribers.Contact) { k.Name = "Kim\nBcc: x@y.example" }, "control_characters", "name"},
		"header in post":    {func(k *subscribers.Contact) { k.Position = "DPO\r" }, "", ""}, // spaces around go
		"header inside":     {func(k *subscribers.Contact) { k.Position = "D\rPO" }, "control_characters", "position"},
		"no address":        {func(k *subscribers.Contact) { k.Email = "" }, "required", "email"},
		"no at":             {func(k *subscribers.Contact) { k.Email = "dpo.a.example" }, "email.malformed", "email"},
		"display name":      {func(k *subscribers.Contact) { k.Email = "DPO <b@a.example>" }, "email.malformed", "email"},
		"header in address": {func(k *subscribers.Contact) { k.Email = "b@a.example\r\nBcc: x@y.example" }, "control_characters", "email"},
		"taken address":     {func(k *subscribers.Contact) { k.Email = "DPO@A.example" }, "duplicate", "email"},
		"language":          {func(k *subscribers.Contact) { k.Language = "fr" }, "language.unknown", "language"},
		"no role":           {func(k *subscribers.Contact) { k.Roles = nil }, "required", "roles"},
		"unknown role":      {func(k *subscribers.Contact) { k.Roles = []string{"boss"} }, "choice.unknown", "roles"},
		"nobody's":          {func(k *subscribers.Contact) { k.CustomerID = secrets.ID() }, "customer.not_found", ""},
	} {
		k := newContact(c, strings.ReplaceAll(what, " ", "-")+"@a.example", subscribers.RoleNotices)
		x.change(k)
		err := h.AddContact(t.Context(), h.who, k, subscribers.Consent{})
		if x.code == "" {
			h.ok(err)
			continue
		}
		wantFault(t, what, err, x.code, x.field)
	}
	err := h.AddContact(t.Context(), h.who, newContact(c, "n@a.example", subscribers.RoleNotices), subscribers.Consent{How: "a\x00b"})
	wantFault(t, "consent", err, "control_characters", "consent_how")
}

func TestASubscriptionFollowsItsContact(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	k := h.contact(c, "old@a.example", subscribers.RoleNotices)
	k.Email, k.Name, k.Language = "new@a.example", "Robin", "de"
	h.ok(h.EditContact(t.Context(), h.who, k, subscribers.Consent{}))
	subs := h.subscriptions(c)
	if len(subs) != 1 || subs[0].Address != "new@a.example" || subs[0].Name != "Robin" || subs[0].Language != "de" ||
		subs[0].LinkEpoch != 2 || subs[0].State != subscribers.Active {
		t.Fatalf("moved: %+v", subs)
	}
	// A bounce disables it; a new address is the mend.
	h.in(func(tx *database.Tx) error {
		return subscribers.DisableInTx(tx, actor.ForSystem(), subs[0].ID, "hard bounce")
	})
	k.Email = "third@a.example"
	h.ok(h.EditContact(t.Context(), h.who, k, subscribers.Consent{}))
	if s := h.subscriptions(c)[0]; s.State != subscribers.Active || s.Address != "third@a.example" || s.StateReason != "" {
		t.Errorf("after the mend: %+v", s)
	}
	late := *k
	late.Version = 1
	err := h.EditContact(t.Context(), h.who, &late, subscribers.Consent{})
	wantFault(t, "a late edit", err, "changed_meanwhile", "")
	if what := fault.All(err)[0].Args["What"]; !cmp.Equal(what, []string{"email", "language", "name"}) {
		t.Errorf("told that %v changed", what)
	}
}

func TestAContactTakesOverASubscriptionAtItsAddress(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	follower := &subscribers.Subscription{CustomerID: &c.ID, Basis: subscribers.ByFollowing, Channel: subscribers.Email,
		Address: "dpo@a.example", Language: "en", ConsentHow: "form"}
	h.ok(h.Subscribe(t.Context(), h.who, follower))
	token, err := h.links.UnsubscribeToken("", follower.ID, follower.LinkEpoch)
	h.ok(err)
	if _, err := h.links.UnsubscribeByToken(t.Context(), token, "one-click"); err != nil {
		t.Fatal(err)
	}
	k := h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	subs := h.subscriptions(c)
	if len(subs) != 1 || subs[0].ID != follower.ID || subs[0].Basis != subscribers.ByContract || subs[0].State != subscribers.Active ||
		*subs[0].ContactID != k.ID || subs[0].ConsentHow != subscribers.NamedInContract {
		t.Fatalf("taken over: %+v", subs)
	}
	if _, err := h.links.Peek(t.Context(), token); !fault.Has(err, "link.revoked") {
		t.Errorf("the follower's link still works: %v", err)
	}
	// The contact goes and another comes to the same address.
	h.contact(c, "office@a.example", subscribers.RoleFallback)
	h.ok(h.RemoveContact(t.Context(), h.who, k.ID, 1))
	again := h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	if s := h.subscriptions(c)[0]; *s.ContactID != again.ID || s.State != subscribers.Active {
		t.Errorf("after the return: %+v", s)
	}
}

func TestTheLastReachableContactStays(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	k := h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	last := "contact.last_reachable"
	wantFault(t, "removal", h.RemoveContact(t.Context(), h.who, k.ID, 1), last, "")
	objector := *k
	objector.Roles = []string{subscribers.RoleObjections}
	wantFault(t, "loss of the role", h.EditContact(t.Context(), h.who, &objector, subscribers.Consent{}), last, "")
	if objector.Version != 1 {
		t.Errorf("a refused edit claims to be based on version %d", objector.Version)
	}
	sub := h.subscriptions(c)[0]
	wantFault(t, "pause", h.Pause(t.Context(), h.who, sub.ID, 1, "on leave"), last, "")
	wantFault(t, "disable", h.Disable(t.Context(), h.who, sub.ID, 1, ""), last, "")
	if s := h.subscriptions(c)[0]; s.State != subscribers.Active || s.Version != 1 {
		t.Errorf("a refusal changed something: %+v", s)
	}

	fallback := h.contact(c, "office@a.example", subscribers.RoleFallback)
	h.ok(h.RemoveContact(t.Context(), h.who, k.ID, 1))
	if s := h.subscriptions(c)[0]; s.State != subscribers.Disabled || s.StateReason == "" {
		t.Errorf("after removal: %+v", s)
	}
	wantFault(t, "removal of the fallback", h.RemoveContact(t.Context(), h.who, fallback.ID, 1), last, "")
	wantFault(t, "a second removal", h.RemoveContact(t.Context(), h.who, k.ID, 2), "contact.removed", "")
	// A suppressed recipient is none: removing it loses nobody.
	h.ok(h.Suppress(t.Context(), h.who, "office@a.example", subscribers.HardBounce, "550"))
	h.ok(h.RemoveContact(t.Context(), h.who, fallback.ID, 1))
	// Who has left needs nobody.
	gone := h.contact(c, "new@a.example", subscribers.RoleNotices)
	h.ok(h.Leave(t.Context(), h.who, c.ID, 1, day(t, "2026-11-01")))
	h.ok(h.RemoveContact(t.Context(), h.who, gone.ID, 1))
}

func TestTwoRemovalsAtOnceLeaveSomebody(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	ids := []uuid.UUID{h.contact(c, "a@a.example", subscribers.RoleNotices).ID, h.contact(c, "b@a.example", subscribers.RoleNotices).ID}
	errs := make([]error, 2)
	h.together(
		func() { errs[0] = h.RemoveContact(t.Context(), h.who, ids[0], 1) },
		func() { errs[1] = h.RemoveContact(t.Context(), h.who, ids[1], 1) })
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Has(errors.Join(errs...), "contact.last_reachable") {
		t.Errorf("want one removed and one refused, got %v and %v", errs[0], errs[1])
	}
	if list, err := h.Contacts(t.Context(), c.ID); err != nil || len(list) != 1 {
		t.Errorf("left: %+v, %v", list, err)
	}
}

func TestContactsAreVerified(t *testing.T) {
	h := newHouse(t)
	k := h.contact(h.customer(nil), "dpo@a.example", subscribers.RoleNotices)
	h.ok(h.VerifyContact(t.Context(), h.who, k.ID, 1))
	got, err := h.Contact(t.Context(), k.ID)
	h.ok(err)
	if got.VerifiedAt == nil || !got.VerifiedAt.Equal(h.clock.Now()) {
		t.Errorf("verified: %+v", got)
	}
	if _, err := h.Contact(t.Context(), secrets.ID()); !fault.Has(err, "contact.not_found") {
		t.Errorf("nobody: %v", err)
	}
	wantFault(t, "nobody", h.RemoveContact(t.Context(), h.who, secrets.ID(), 1), "contact.not_found", "")
	// A verified address that changes is not verified any more.
	got.Email = "other@a.example"
	h.ok(h.EditContact(t.Context(), h.who, got, subscribers.Consent{}))
	if now, err := h.Contact(t.Context(), k.ID); err != nil || now.VerifiedAt != nil {
		t.Errorf("after a new address: %+v, %v", now, err)
	}
}
