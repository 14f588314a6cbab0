package apiv1

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

const (
	hookURL  = "https://hooks.customer.example/in/sesame?key=open"
	slackURL = "https://hooks.slack.com/services/T000/B000/verysecret"
	slackNew = "https://hooks.slack.com/services/T000/B000/othersecret"
	botToken = "xoxb-1111-2222-verysecret"
)

func newSubscription(customer *uuid.UUID, channel, address string) SubscriptionInput {
	return SubscriptionInput{SubscriptionFacts: SubscriptionFacts{CustomerID: customer, Basis: "contract", Channel: channel, Address: address,
		Language: "en", ConsentHow: "agreed with their IT"}}
}

// nowhere fails the test when an answer tells one of these.
func (a *answer) nowhere(hidden ...string) *answer {
	a.t.Helper()
	for _, text := range hidden {
		if strings.Contains(string(a.Body)+fmt.Sprint(a.Header), text) {
			a.t.Errorf("the answer tells %q: %s", text, a.Body)
		}
	}
	return a
}

func TestASigningSecretIsToldOnceForAKey(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	in := newSubscription(&customer.ID, "webhook", hookURL)
	in.Products, in.Regions, in.Kinds = []uuid.UUID{d.Product.ID}, []string{"eea"}, []string{"addition"}
	var made, again SubscriptionWithSecret
	first := editor.post("/subscriptions", in, "Idempotency-Key", "once").want(201).into(&made)
	second := editor.post("/subscriptions", in, "Idempotency-Key", "once").want(201).into(&again)
	if made.SigningSecret == "" || made.SigningSecret != again.SigningSecret || second.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the secret is %q, then %q (%v)", made.SigningSecret, again.SigningSecret, second.Header)
	}
	at := strings.TrimPrefix(first.Header.Get("Location"), Prefix)
	want := in.SubscriptionFacts
	want.Address = "https://hooks.customer.example/…"
	if diff := cmp.Diff(want, made.SubscriptionFacts); diff != "" || made.State != "active" || !made.HasSecret || made.CustomerName != "Anna" {
		t.Errorf("%+v: %s", made, diff)
	}
	secret := made.SigningSecret
	for _, path := range []string{at, "/subscriptions", "/subscriptions?query=sesame", "/customers/" + customer.ID.String()} {
		editor.get(path).want(200).nowhere(secret, "sesame", "signing_secret")
	}
	rotated := editor.post(at+"/rotate-secret", nil, "If-Match", first.etag(), "Idempotency-Key", "rotate").want(200).into(&made)
	editor.post(at+"/rotate-secret", nil, "If-Match", first.etag(), "Idempotency-Key", "rotate").want(200).into(&again)
	if made.SigningSecret == secret || made.SigningSecret != again.SigningSecret || made.FormerSecretUntil == nil {
		t.Errorf("after a rotation it is %+v, then %+v", made, again)
	}
	editor.post(at+"/rotate-secret", nil, "If-Match", first.etag()).problem(412, "changed_meanwhile")
	editor.post(at+"/end-former-secret", nil, "If-Match", first.etag()).problem(412, "changed_meanwhile")
	ended := editor.post(at+"/end-former-secret", nil, "If-Match", rotated.etag()).want(200).nowhere("signing_secret", made.SigningSecret)
	editor.post(at+"/end-former-secret", nil, "If-Match", ended.etag()).problem(409, "subscription.no_former_secret")
	editor.post(at+"/replace-secret", SlackSecretInput{Token: botToken}, "If-Match", ended.etag()).problem(409, "subscription.not_slack")
	d.unreadable(secret, made.SigningSecret, "sesame")
}

// unreadable looks for secrets in the kept answers and in the record.
func (d *desk) unreadable(hidden ...string) {
	d.t.Helper()
	for _, text := range hidden {
		for _, in := range []string{
			"select count(*) from ledger_bodies x where position($1::bytea in convert_to(x::text, 'UTF8')) > 0",
			"select count(*) from idempotency_keys x where position($1::bytea in x.headers || x.body) > 0",
		} {
			var n int
			d.ok(d.DB.Pool().QueryRow(d.t.Context(), in, []byte(text)).Scan(&n))
			if n != 0 {
				d.t.Errorf("%q stands in the clear: %s", text, in)
			}
		}
	}
}

func TestSlackSecretsAreTakenAndNeverTold(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	byURL := editor.post("/subscriptions", newSubscription(&customer.ID, "slack", slackURL), "Idempotency-Key", "a").want(201).nowhere("verysecret")
	channel := newSubscription(&customer.ID, "slack", "C012AB3CD4E")
	editor.post("/subscriptions", channel).problem(422, "slack.token_needed at token")
	channel.Token = botToken
	byToken := editor.post("/subscriptions", channel).want(201).nowhere("verysecret")
	replace := func(a *answer, in SlackSecretInput) *answer {
		path := strings.TrimPrefix(a.Header.Get("Location"), Prefix)
		return editor.post(path+"/replace-secret", in, "If-Match", a.etag()).nowhere("verysecret", "othersecret")
	}
	replace(byURL, SlackSecretInput{Token: botToken}).problem(422, "slack.token_unneeded at token")
	replace(byURL, SlackSecretInput{}).problem(422, "required at address")
	replace(byURL, SlackSecretInput{Address: "https://elsewhere.example/services/a/b/c"}).problem(422, "slack.host at address")
	replace(byToken, SlackSecretInput{Address: slackNew}).problem(422, "slack.address_unneeded at address")
	replace(byToken, SlackSecretInput{Token: "xoxp-1"}).problem(422, "slack.token_malformed at token")
	var was, is Subscription
	byURL.into(&was)
	replace(byURL, SlackSecretInput{Address: slackNew}).want(200).into(&is)
	if was.Address == is.Address || !strings.HasPrefix(is.Address, "https://hooks.slack.com/services/T000/B000/…") {
		t.Errorf("the address was %s and is %s", was.Address, is.Address)
	}
	replace(byURL, SlackSecretInput{Address: slackURL}).problem(412, "changed_meanwhile")
	replace(byToken, SlackSecretInput{Token: "xoxb-1111-2222-othersecret"}).want(200)
	editor.get("/subscriptions").want(200).nowhere("verysecret", "othersecret")
	path := strings.TrimPrefix(byToken.Header.Get("Location"), Prefix)
	editor.post(path+"/rotate-secret", nil, "If-Match", editor.get(path).etag()).problem(409, "subscription.not_webhook")
	d.unreadable("verysecret", "othersecret")
}

func TestASubscriptionIsPausedResumedAndDisabled(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	var list Items[Subscription]
	editor.get("/subscriptions?customer=" + customer.ID.String()).want(200).into(&list)
	only := "/subscriptions/" + list.Items[0].ID.String()
	for _, act := range []string{"pause", "disable"} {
		editor.post(only+"/"+act, SubscriptionReason{}, "If-Match", `"1"`).problem(409, "contact.last_reachable")
	}
	made := editor.post("/subscriptions", newSubscription(&customer.ID, "webhook", hookURL)).want(201)
	at := strings.TrimPrefix(made.Header.Get("Location"), Prefix)
	var s Subscription
	paused := editor.post(at+"/pause", SubscriptionReason{"moving"}, "If-Match", made.etag()).want(200).into(&s)
	if s.State != "paused" || s.StateReason != "moving" {
		t.Errorf("paused, it is %+v", s)
	}
	editor.post(at+"/resume", nil, "If-Match", made.etag()).problem(412, "changed_meanwhile")
	resumed := editor.post(at+"/resume", nil, "If-Match", paused.etag()).want(200)
	editor.post(at+"/resume", nil, "If-Match", resumed.etag()).problem(409, "subscription.state")
	disabled := editor.post(at+"/disable", SubscriptionReason{}, "If-Match", resumed.etag()).want(200).into(&s)
	if s.State != "disabled" {
		t.Errorf("disabled, it is %+v", s)
	}
	editor.post(at+"/disable", SubscriptionReason{strings.Repeat("x", 501)}, "If-Match", disabled.etag()).problem(422, "json.long at reason")
	editor.post(at+"/unsubscribe", SubscriptionReason{}).problem(409, "contract.cannot_unsubscribe")
	before := s.Version
	editor.post(at+"/revoke-links", nil).want(200).into(&s)
	if s.Version != before+1 {
		t.Errorf("revoking made version %d of %d", s.Version, before)
	}
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get(at).want(200)
	reviewer.post("/subscriptions", newSubscription(&customer.ID, "email", "x@customer.example")).problem(403, "role.missing")
	for _, act := range []string{"pause", "disable", "resume", "unsubscribe", "rotate-secret", "end-former-secret", "replace-secret", "revoke-links"} {
		reviewer.post(at+"/"+act, SubscriptionReason{}, "If-Match", `"1"`).want(403)
	}
}

func TestAFollowerIsUnsubscribedAndComesBack(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	in := newSubscription(nil, "email", "fan@elsewhere.example")
	editor.post("/subscriptions", in).problem(422, "required at customer_id")
	in.Basis = "follower"
	var s, back SubscriptionWithSecret
	at := strings.TrimPrefix(editor.post("/subscriptions", in).want(201).into(&s).Header.Get("Location"), Prefix)
	if s.CustomerID != nil || s.SigningSecret != "" {
		t.Errorf("the follower is %+v", s)
	}
	editor.post("/subscriptions", in).problem(409, "duplicate at address")
	for range 2 {
		editor.post(at+"/unsubscribe", SubscriptionReason{"asked by telephone"}).want(200).into(&s)
	}
	if s.State != "unsubscribed" || s.StateReason != "asked by telephone" {
		t.Errorf("unsubscribed, it is %+v", s)
	}
	if editor.post("/subscriptions", in).want(201).into(&back); back.ID != s.ID || back.State != "active" {
		t.Errorf("back again, it is %+v", back)
	}
}

func TestWhatIsWrongWithASubscriptionIsSaidAtItsField(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	other := d.Customer("Berta", "berta@customer.example", housetest.Sheet(30))
	contacts, err := d.Subscribers.Contacts(t.Context(), other.ID)
	d.ok(err)
	unknown := exampleID(9)
	for _, wrong := range []struct {
		change func(*SubscriptionInput)
		status int
		parts  string
	}{
		{func(in *SubscriptionInput) { in.CustomerID = &unknown }, 404, "customer.not_found at customer_id"},
		{func(in *SubscriptionInput) { in.ContactID = &unknown }, 404, "contact.not_found at contact_id"},
		{func(in *SubscriptionInput) { in.ContactID = &contacts[0].ID }, 404, "contact.not_found at contact_id"},
		{func(in *SubscriptionInput) { in.Products = []uuid.UUID{unknown} }, 422, "product.unknown at products"},
		{func(in *SubscriptionInput) { in.Regions = []string{"mars"} }, 422, "json.choice at regions.0"},
		{func(in *SubscriptionInput) { in.Kinds = []string{"like_for_like"} }, 422, "json.choice at kinds.0"},
		{func(in *SubscriptionInput) { in.Channel = "fax" }, 422, "json.choice at channel"},
		{func(in *SubscriptionInput) { in.Address = "nowhere" }, 422, "url.malformed at address"},
		{func(in *SubscriptionInput) { in.Address = "http://hooks.customer.example/" }, 422, "url.https_needed at address"},
		{func(in *SubscriptionInput) { in.Address = "https://a:b@hooks.customer.example/" }, 422, "url.credentials at address"},
		{func(in *SubscriptionInput) { in.Address = "https://" + strings.Repeat("x", 2000) }, 422, "json.long at address"},
		{func(in *SubscriptionInput) { in.Token = botToken }, 422, "slack.token_unneeded at token"},
		{func(in *SubscriptionInput) { in.ConsentHow = "" }, 422, "required at consent_how"},
		{func(in *SubscriptionInput) { in.Channel, in.Address = "email", "nobody" }, 422, "email.malformed at address"},
		{func(in *SubscriptionInput) { in.Channel, in.Address = "email", "anna@customer.example" }, 409, "duplicate at address"},
	} {
		in := newSubscription(&customer.ID, "webhook", hookURL)
		wrong.change(&in)
		editor.post("/subscriptions", in).problem(wrong.status, wrong.parts)
	}
	editor.get("/subscriptions/"+unknown.String()).problem(404, "subscription.not_found")
	for _, act := range []string{"pause", "disable", "resume", "unsubscribe", "rotate-secret", "end-former-secret", "replace-secret", "revoke-links"} {
		var body any
		switch act {
		case "pause", "disable", "unsubscribe", "replace-secret":
			body = map[string]any{}
		}
		editor.post("/subscriptions/"+unknown.String()+"/"+act, body, "If-Match", `"1"`).problem(404, "subscription.not_found")
	}
}

func TestSubscriptionsAreListedInPages(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	customer := d.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	d.Follower("fan@elsewhere.example", "de")
	editor.post("/subscriptions", newSubscription(&customer.ID, "webhook", hookURL)).want(201)
	d.ok(d.Subscribers.Suppress(t.Context(), d.Editor, "anna@customer.example", subscribers.ByStaff, ""))
	for query, want := range map[string]int{"": 3, "basis=follower": 1, "channel=webhook": 1, "state=paused": 0, "query=Anna": 2, "query=key%3Dopen": 0,
		"customer=" + customer.ID.String(): 2, "customer=" + exampleID(9).String(): 0} {
		var list Items[Subscription]
		editor.get("/subscriptions?" + query).want(200).into(&list)
		if len(list.Items) != want {
			t.Errorf("%q lists %d, want %d", query, len(list.Items), want)
		}
	}
	var channels []string
	after := ""
	for i := 0; i == 0 || after != ""; i++ {
		var list Items[Subscription]
		editor.get("/subscriptions?limit=1&fields=channel,suppressed&after=" + after).want(200).into(&list)
		after = list.Next
		for _, s := range list.Items {
			channels = append(channels, fmt.Sprint(s.Channel, " ", s.Suppressed))
		}
		if i == 1 { // it comes behind the page, as the youngest
			editor.post("/subscriptions", newSubscription(&customer.ID, "slack", slackURL)).want(201)
		}
	}
	if diff := cmp.Diff([]string{"email true", "email false", "webhook false", "slack false"}, channels); diff != "" {
		t.Error(diff)
	}
	editor.get("/subscriptions?after=x").problem(422, "cursor.malformed at after")
	editor.get("/subscriptions?state=gone").problem(422, "json.choice at state")
	editor.get("/subscriptions?fields=secret").problem(422, "fields.unknown at fields")
}

func TestSuppressionsAreAddedListedAndLifted(t *testing.T) {
	d := newDesk(t)
	editor := d.as(d.Editor)
	for i, address := range []string{"Kim@Customer.example", "a/b+c@customer.example", "x@bücher.example"} {
		d.Clock.Add(time.Second)
		var s Suppression
		editor.post("/suppressions", SuppressionFacts{address, "staff", fmt.Sprint("number ", i)}).want(201).into(&s)
		if s.Address != strings.ReplaceAll(strings.ToLower(address), "bücher", "xn--bcher-kva") || s.CreatedBy == nil {
			t.Errorf("%s is suppressed as %+v", address, s)
		}
	}
	editor.post("/suppressions", SuppressionFacts{"kim@customer.example", "staff", ""}).problem(409, "duplicate at address")
	editor.post("/suppressions", SuppressionFacts{"nobody", "staff", ""}).problem(422, "email.malformed at address")
	editor.post("/suppressions", SuppressionFacts{"x@customer.example", "mood", ""}).problem(422, "json.choice at reason")
	var first, second Items[Suppression]
	editor.get("/suppressions?limit=2").want(200).into(&first)
	editor.post("/suppressions", SuppressionFacts{"late@customer.example", "complaint", ""}).want(201)
	editor.get("/suppressions?limit=2&after=" + first.Next).want(200).into(&second)
	if len(first.Items) != 2 || len(second.Items) != 1 || first.Items[0].Address != "x@xn--bcher-kva.example" || second.Items[0].Address != "kim@customer.example" || second.Next != "" {
		t.Errorf("the pages are %+v and %+v", first, second)
	}
	editor.get("/suppressions?query=B%2BC").want(200).into(&first)
	if len(first.Items) != 1 {
		t.Errorf("the search finds %+v", first)
	}
	editor.get("/suppressions?after=WyIiLCIiXQ").problem(422, "cursor.malformed at after")
	lift := func(address string) *answer { return editor.post("/suppressions/lift", LiftInput{address}) }
	for _, address := range []string{"A/B+C@customer.example", "x@Bücher.example", "kim@customer.example"} {
		lift(address).want(204)
		lift(address).problem(404, "suppression.not_found")
	}
	lift("").problem(404, "suppression.not_found")
	reviewer := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	reviewer.get("/suppressions").want(200)
	reviewer.post("/suppressions", SuppressionFacts{"y@customer.example", "staff", ""}).problem(403, "role.missing")
	reviewer.post("/suppressions/lift", LiftInput{"y@customer.example"}).problem(403, "role.missing")
}
