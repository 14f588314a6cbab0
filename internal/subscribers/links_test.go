package subscribers_test

import (
	"testing"

	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func TestTokensAreDeterministicAndSealed(t *testing.T) {
	ring, err := secrets.ParseKeyRing(secrets.NewKey("b") + "," + secrets.NewKey("a"))
	if err != nil {
		t.Fatal(err)
	}
	links, id := subscribers.NewLinks(nil, ring), secrets.ID()
	token, err := links.UnsubscribeToken("a", id, 7)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := links.UnsubscribeToken("a", id, 7); err != nil || again != token {
		t.Errorf("the same again: %q, then %q (%v)", token, again, err)
	}
	if current, err := links.UnsubscribeToken("", id, 7); err != nil || current[:2] != "b." {
		t.Errorf("the key in use: %q, %v", current, err)
	}
	if got, epoch, err := links.Verify(token); err != nil || got != id || epoch != 7 {
		t.Errorf("read: %v, %d, %v", got, epoch, err)
	}
	if _, err := links.UnsubscribeToken("gone", id, 7); err == nil {
		t.Error("signed with a key that isn't there")
	}
	payload := append(append([]byte{}, id[:]...), 0, 0, 0, 7)
	other, err := ring.Signer("portal").Sign("a", payload)
	if err != nil {
		t.Fatal(err)
	}
	short, err := ring.Signer("unsubscribe").Sign("a", payload[:19])
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"", "a.", "x", other, short, token + "A", token[:len(token)-1], "b" + token[1:]}
	for i := range token {
		if token[i] == '.' {
			continue
		}
		flipped := []byte(token)
		if flipped[i]++; token[i] == 'A' {
			flipped[i] = 'B'
		}
		bad = append(bad, string(flipped))
	}
	for _, b := range bad {
		if _, _, err := links.Verify(b); !fault.Has(err, "link.invalid") || !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func (h *house) token(s *subscribers.Subscription) string {
	h.t.Helper()
	token, err := h.links.UnsubscribeToken("", s.ID, s.LinkEpoch)
	h.ok(err)
	return token
}

func TestOneClickUnsubscribesOnce(t *testing.T) {
	h := newHouse(t)
	s := h.follower("email", "f@example.org", nil)
	token := h.token(s)
	for range 2 { // looking changes nothing
		peeked, err := h.links.Peek(t.Context(), token)
		h.ok(err)
		if peeked.State != subscribers.Active || peeked.Version != 1 {
			t.Errorf("peek: %+v", peeked)
		}
	}
	outcomes, errs := make([]subscribers.Outcome, 2), make([]error, 2)
	click := func(i int) func() { // the mail program and the page, at once
		return func() { outcomes[i], errs[i] = h.links.UnsubscribeByToken(t.Context(), token, "one-click") }
	}
	h.together(click(0), click(1))
	if errs[0] != nil || errs[1] != nil || outcomes[0].Already == outcomes[1].Already {
		t.Errorf("two at once: %+v %+v, %v %v", outcomes[0], outcomes[1], errs[0], errs[1])
	}
	third, err := h.links.UnsubscribeByToken(t.Context(), token, "page")
	h.ok(err)
	if !third.Already || third.Subscription.State != subscribers.Unsubscribed || third.Subscription.StateReason != "one-click" {
		t.Errorf("once more: %+v", third)
	}
	entries, err := ledger.About(t.Context(), h.db, s.ID, 10)
	h.ok(err)
	if len(entries) != 2 || entries[0].Kind != "subscription.unsubscribed" || entries[0].ActorKind != "recipient" || *entries[0].ActorID != s.ID {
		t.Errorf("record: %+v", entries)
	}
}

func TestRevokedAndForeignLinksAreRefused(t *testing.T) {
	h := newHouse(t)
	s := h.follower("email", "f@example.org", nil)
	token := h.token(s)
	h.ok(h.RevokeLinks(t.Context(), h.who, s.ID))
	if _, err := h.links.Peek(t.Context(), token); !fault.Has(err, "link.revoked") {
		t.Errorf("peek: %v", err)
	}
	if _, err := h.links.UnsubscribeByToken(t.Context(), token, "page"); !fault.Has(err, "link.revoked") {
		t.Errorf("unsubscribe: %v", err)
	}
	unknown, err := h.links.UnsubscribeToken("", secrets.ID(), 1)
	h.ok(err)
	if _, err := h.links.Peek(t.Context(), unknown); !fault.Has(err, "link.invalid") {
		t.Errorf("peek at nobody: %v", err)
	}
	if _, err := h.links.UnsubscribeByToken(t.Context(), unknown, "page"); !fault.Has(err, "link.invalid") {
		t.Errorf("unsubscribe nobody: %v", err)
	}
	if now, err := h.Subscription(t.Context(), s.ID); err != nil || now.State != subscribers.Active {
		t.Errorf("after refusals: %+v, %v", now, err)
	}
}

func TestAContractRecipientCannotBeSilenced(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	s := h.subscriptions(c)[0].Subscription
	_, err := h.links.UnsubscribeByToken(t.Context(), h.token(&s), "one-click")
	wantFault(t, "by link", err, "contract.cannot_unsubscribe", "")
	_, err = h.Unsubscribe(t.Context(), h.who, s.ID, "asked")
	wantFault(t, "by staff", err, "contract.cannot_unsubscribe", "")
	if now, err := h.Subscription(t.Context(), s.ID); err != nil || now.State != subscribers.Active {
		t.Errorf("after refusals: %+v, %v", now, err)
	}
}
