package subscribers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func newFollower(channel, address string) *subscribers.Subscription {
	return &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: channel, Address: address, Language: "en", ConsentHow: "form on the site"}
}

func (h *house) follower(channel, address string, change func(*subscribers.Subscription)) *subscribers.Subscription {
	h.t.Helper()
	s := newFollower(channel, address)
	if change != nil {
		change(s)
	}
	h.ok(h.Subscribe(h.t.Context(), h.who, s))
	return s
}

func TestAddressesFitTheirChannel(t *testing.T) {
	service := subscribers.New(nil, nil, testRules) // what is tested here asks neither
	hook := "https://hooks.slack.com/services/T000/B000/abc"
	for _, c := range []struct{ channel, address, token, code, field string }{
		{"email", "follower@example.org", "", "", ""},
		{"email", "https://example.org", "", "email.malformed", "address"},
		{"email", "a@b.example\r\nBcc: c@d.example", "", "control_characters", "address"},
		{"email", strings.Repeat("a", 250) + "@b.example", "", "too_long", "address"},
		{"email", "", "", "required", "address"},
		{"email", "follower@example.org", "xoxb-12345678", "slack.token_unneeded", "token"},
		{"webhook", "https://example.org/hook?key=1", "", "", ""},
		{"webhook", "https://example.org:8443/hook", "", "", ""},
		{"webhook", "http://127.0.0.1:8020/hook", "", "", ""},
		{"webhook", "http://127.0.0.2:8020/hook", "", "url.https_needed", "address"},
		{"webhook", "http://127.0.0.1.example.org/hook", "", "url.https_needed", "address"},
		{"webhook", "http://example.org/hook", "", "url.https_needed", "address"},
		{"webhook", "ftp://example.org/hook", "", "url.scheme", "address"},
		{"webhook", "https://user:pass@example.org/", "", "url.credentials", "address"},
		{"webhook", "https:///hook", "", "url.malformed", "address"},
		{"webhook", "https://:443/hook", "", "url.malformed", "address"},
		{"webhook", "https://example.org/#part", "", "url.malformed", "address"},
		{"webhook", "example.org/hook", "", "url.malformed", "address"},
		{"webhook", "", "", "required", "address"},
		{"webhook", "https://example.org/hook", "xoxb-12345678", "slack.token_unneeded", "token"},
		{"slack", hook, "", "", ""},
		{"slack", "http://127.0.0.1:8030/services/T0/B0/abc", "", "", ""},
		{"slack", "C012AB3CD4E", "xoxb-1234-5678-abcdef", "", ""},
		{"slack", "http://hooks.slack.com/services/T/B/x", "", "url.https_needed", "address"},
		{"slack", "http://127.0.0.1:8031/services/T0/B0/abc", "", "slack.host", "address"},
		{"slack", "https://hooks.slack.com.evil.example/services/T/B/x", "", "slack.host", "address"},
		{"slack", "https://hooks.slack.com@evil.example/services/T/B/x", "", "url.credentials", "address"},
		{"slack", "https://hooks.slack.com/other", "", "slack.malformed", "address"},
		{"slack", hook + "/", "", "slack.malformed", "address"},
		{"slack", hook + "?x=/y", "", "slack.malformed", "address"},
		{"slack", hook + "#x", "", "url.malformed", "address"},
		{"slack", "https://hooks.slack.com/services/T000/B000/…1a2b3c4d", "", "slack.malformed", "address"},
		{"slack", hook, "xoxb-12345678", "slack.token_unneeded", "token"},
		{"slack", "privacy team", "xoxb-12345678", "slack.malformed", "address"},
		{"slack", "#privacy-team", "xoxb-12345678", "slack.malformed", "address"},
		{"slack", "", "xoxb-12345678", "required", "address"},
		{"slack", "C012AB3CD4E", "", "slack.token_needed", "token"},
		{"slack", "C012AB3CD4E", "xoxp-1234-5678-abcdef", "slack.token_malformed", "token"},
		{"slack", "C012AB3CD4E", "xoxb-1234\r\nX: y", "slack.token_malformed", "token"},
	} {
		s := newFollower(c.channel, c.address)
		s.Token = subscribers.Secret(c.token)
		err := service.CheckSubscription(s)
		if c.code == "" {
			if err != nil {
				t.Errorf("%s %s: %v", c.channel, c.address, err)
			}
			continue
		}
		wantFault(t, c.channel+" "+c.address, err, c.code, c.field)
	}
	wantFault(t, "a channel that isn't", service.CheckSubscription(newFollower("fax", "1")), "choice.unknown", "channel")
	s := newFollower("slack", hook)
	if got := s.ShownAddress(); got != "https://hooks.slack.com/…" {
		t.Errorf("shown before it is stored: %s", got)
	}
}

func TestBadSubscriptionsAreRefused(t *testing.T) {
	h := newHouse(t)
	c, other := h.customer(nil), h.customer(nil)
	theirs := h.contact(other, "dpo@b.example", subscribers.RoleNotices)
	for what, x := range map[string]struct {
		change      func(*subscribers.Subscription)
		code, field string
	}{
		"no basis":             {func(s *subscribers.Subscription) { s.Basis = "" }, "required", "basis"},
		"contract of nobody":   {func(s *subscribers.Subscription) { s.Basis = subscribers.ByContract }, "required", "customer"},
		"unknown customer":     {func(s *subscribers.Subscription) { id := secrets.ID(); s.CustomerID = &id }, "customer.not_found", ""},
		"unknown product":      {func(s *subscribers.Subscription) { s.ProductIDs = []uuid.UUID{secrets.ID()} }, "product.unknown", "products"},
		"unknown region":       {func(s *subscribers.Subscription) { s.Regions = []string{"moon"} }, "choice.unknown", "regions"},
		"unknown kind":         {func(s *subscribers.Subscription) { s.Kinds = []string{"sale"} }, "choice.unknown", "kinds"},
		"unknown language":     {func(s *subscribers.Subscription) { s.Language = "" }, "language.unknown", "language"},
		"header in the name":   {func(s *subscribers.Subscription) { s.Name = "a\r\nb" }, "control_characters", "name"},
		"consent from nowhere": {func(s *subscribers.Subscription) { s.ConsentHow = "" }, "required", "consent_how"},
		"another's contact":    {func(s *subscribers.Subscription) { s.CustomerID, s.ContactID = &c.ID, &theirs.ID }, "contact.not_found", ""},
	} {
		s := newFollower("email", "f@example.org")
		x.change(s)
		wantFault(t, what, h.Subscribe(t.Context(), h.who, s), x.code, x.field)
	}
	h.follower("email", "f@example.org", nil)
	wantFault(t, "the same again", h.Subscribe(t.Context(), h.who, newFollower("email", "F@example.org")), "duplicate", "address")
}

func TestASubscriptionsLife(t *testing.T) {
	h := newHouse(t)
	s := h.follower("email", "f@example.org", func(s *subscribers.Subscription) {
		s.ProductIDs, s.Regions, s.Kinds = []uuid.UUID{h.hub}, []string{"us", "eea", "us"}, []string{"removal", "addition"}
	})
	got, err := h.Subscription(t.Context(), s.ID)
	h.ok(err)
	if diff := cmp.Diff(s, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	refused := "subscription.state"
	wantFault(t, "resume what runs", h.Resume(t.Context(), h.who, s.ID, 1), refused, "")
	h.ok(h.Pause(t.Context(), h.who, s.ID, 1, "on leave"))
	wantFault(t, "pause by a late reader", h.Pause(t.Context(), h.who, s.ID, 1, ""), "changed_meanwhile", "")
	wantFault(t, "pause again", h.Pause(t.Context(), h.who, s.ID, 2, ""), refused, "")
	h.ok(h.Resume(t.Context(), h.who, s.ID, 2))
	h.ok(h.Disable(t.Context(), h.who, s.ID, 3, "asked by phone"))
	wantFault(t, "pause what is off", h.Pause(t.Context(), h.who, s.ID, 4, ""), refused, "")
	h.ok(h.Suppress(t.Context(), h.who, "F@Example.org", subscribers.HardBounce, "550 5.1.1 no such user"))
	wantFault(t, "resume while suppressed", h.Resume(t.Context(), h.who, s.ID, 4), "subscription.suppressed", "")
	h.ok(h.Unsuppress(t.Context(), h.who, "f@example.org"))
	h.ok(h.Resume(t.Context(), h.who, s.ID, 4))
	got, err = h.Subscription(t.Context(), s.ID)
	h.ok(err)
	if got.State != subscribers.Active || got.StateReason != "" || len(got.ProductIDs) != 1 || len(got.Kinds) != 2 {
		t.Errorf("after all: %+v", got)
	}
	wantFault(t, "nobody", h.Pause(t.Context(), h.who, secrets.ID(), 1, ""), "subscription.not_found", "")
	wantFault(t, "header in a reason", h.Pause(t.Context(), h.who, s.ID, 5, "a\nb"), "control_characters", "reason")
}

func TestAnUnsubscribedFollowerMayComeBack(t *testing.T) {
	h := newHouse(t)
	s := h.follower("email", "f@example.org", nil)
	out, err := h.Unsubscribe(t.Context(), h.who, s.ID, "by letter")
	h.ok(err)
	if out.Already || out.Subscription.State != subscribers.Unsubscribed {
		t.Errorf("unsubscribed: %+v", out)
	}
	wantFault(t, "resume", h.Resume(t.Context(), h.who, s.ID, 2), "subscription.state", "")
	h.clock.Add(time.Hour)
	again := h.follower("email", "F@example.org", func(s *subscribers.Subscription) { s.ConsentHow = "form, again" })
	got, err := h.Subscription(t.Context(), s.ID)
	h.ok(err)
	if again.ID != s.ID || got.State != subscribers.Active || got.LinkEpoch != 2 || got.ConsentHow != "form, again" || !got.ConsentAt.Equal(h.clock.Now()) {
		t.Errorf("back: %+v", got)
	}
}

func TestSubscriptionsAreListedInPages(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	for i := range 7 {
		h.follower("email", fmt.Sprintf("f%d@example.org", i), nil)
	}
	h.follower("webhook", "https://example.org/hook", func(s *subscribers.Subscription) { s.CustomerID = &c.ID })
	h.ok(h.Suppress(t.Context(), h.who, "f3@example.org", subscribers.Complaint, ""))
	var got []string
	f := subscribers.SubscriptionFilter{Limit: 4, Basis: subscribers.ByFollowing}
	for range 3 {
		page, err := h.Subscriptions(t.Context(), f)
		h.ok(err)
		for _, r := range page.Rows {
			got = append(got, r.Address)
			if r.Suppressed != (r.Address == "f3@example.org") || (r.CustomerName != "") != (r.Channel == "webhook") {
				t.Errorf("row: %+v", r)
			}
		}
		if f.After = page.Next; f.After == "" {
			break
		}
	}
	want := []string{"f0@example.org", "f1@example.org", "f2@example.org", "f3@example.org", "f4@example.org", "f5@example.org", "f6@example.org", "https://example.org/hook"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for n, f := range map[int]subscribers.SubscriptionFilter{
		2: {Customer: c.ID}, 1: {Channel: subscribers.Webhook}, 9: {State: subscribers.Active}, 0: {State: subscribers.Paused}, 7: {Query: "@EXAMPLE."},
	} {
		page, err := h.Subscriptions(t.Context(), f)
		if err != nil || len(page.Rows) != n {
			t.Errorf("%+v: %d rows, want %d (%v)", f, len(page.Rows), n, err)
		}
	}
	for field, f := range map[string]subscribers.SubscriptionFilter{"basis": {Basis: "x"}, "channel": {Channel: "x"}, "state": {State: "x"}, "after": {After: "e30"}} {
		if _, err := h.Subscriptions(t.Context(), f); len(fault.All(err)) == 0 || fault.All(err)[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestSuppressions(t *testing.T) {
	h := newHouse(t)
	h.ok(h.Suppress(t.Context(), h.who, "A@Example.org", subscribers.ByStaff, "asked by phone"))
	wantFault(t, "again", h.Suppress(t.Context(), h.who, "a@example.org", subscribers.ByStaff, ""), "duplicate", "address")
	wantFault(t, "no address", h.Suppress(t.Context(), h.who, "nobody", subscribers.ByStaff, ""), "email.malformed", "address")
	wantFault(t, "no reason", h.Suppress(t.Context(), h.who, "b@example.org", "mood", ""), "choice.unknown", "reason")
	for i := range 5 {
		if i%2 == 0 {
			h.clock.Add(time.Minute)
		}
		h.in(func(tx *database.Tx) error {
			added, err := subscribers.SuppressInTx(tx, actor.ForSystem(), fmt.Sprintf("B%d@example.org", i), subscribers.HardBounce, "550\r\nno\x00"+strings.Repeat("é", 600)+"\xff")
			if !added {
				t.Error("not added")
			}
			return err
		})
	}
	h.in(func(tx *database.Tx) error {
		added, err := subscribers.SuppressInTx(tx, actor.ForSystem(), "b1@example.org", subscribers.Complaint, "")
		if added {
			t.Error("added twice")
		}
		return err
	})
	var got []string
	after := ""
	for {
		page, err := h.Suppressions(t.Context(), "", after, 2)
		h.ok(err)
		for _, r := range page.Rows {
			got = append(got, r.Address)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	want := []string{"b4@example.org", "b3@example.org", "b2@example.org", "b1@example.org", "b0@example.org", "a@example.org"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	h.ok(h.Unsuppress(t.Context(), h.who, "A@example.org"))
	wantFault(t, "lift what isn't", h.Unsuppress(t.Context(), h.who, "a@example.org"), "suppression.not_found", "")
	if page, err := h.Suppressions(t.Context(), "A@", "", 0); err != nil || len(page.Rows) != 0 {
		t.Errorf("lifted: %+v, %v", page, err)
	}
	if _, err := h.Suppressions(t.Context(), "", "WyJ4IiwieSJd", 0); !fault.Has(err, "cursor.malformed") {
		t.Errorf("cursor: %v", err)
	}
}

func TestASearchFindsNoMoreOfAnAddressThanIsShown(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	h.ok(h.Subscribe(t.Context(), h.who, &subscribers.Subscription{CustomerID: &c.ID, Basis: subscribers.ByContract, Channel: subscribers.Webhook,
		Address: "https://hooks.customer.example/in/sesame?key=open", Language: "en", ConsentHow: "test"}))
	h.contact(c, "kim@customer.example", subscribers.RoleNotices)
	for query, want := range map[string]int{"hooks.customer": 1, "https://": 1, "sesame": 0, "open": 0, "customer.example/in": 0, "kim@": 1, "Customer A": 2} {
		page, err := h.Subscriptions(t.Context(), subscribers.SubscriptionFilter{Query: query})
		h.ok(err)
		if len(page.Rows) != want {
			t.Errorf("%q finds %d subscriptions, want %d", query, len(page.Rows), want)
		}
	}
}

func TestLiftingWhatIsNoAddressFindsNothing(t *testing.T) {
	h := newHouse(t)
	h.ok(h.Suppress(t.Context(), h.who, "Kim@Bücher.example", subscribers.ByStaff, "asked"))
	x, err := h.Suppression(t.Context(), " kim@BÜCHER.example")
	if h.ok(err); x.Address != "kim@xn--bcher-kva.example" || x.Detail != "asked" || *x.CreatedBy != h.who.ID {
		t.Errorf("%+v is suppressed", x)
	}
	h.ok(h.Unsuppress(t.Context(), h.who, "KIM@bücher.example"))
	_, err = h.Suppression(t.Context(), "kim@bücher.example")
	wantFault(t, "a lifted one", err, "suppression.not_found", "")
	for _, address := range []string{"", "a\xff@b.example", "a\x00b", "nobody@customer.example"} {
		wantFault(t, address, h.Unsuppress(t.Context(), h.who, address), "suppression.not_found", "")
	}
}
