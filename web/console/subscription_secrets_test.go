package console

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

var signingSecret = regexp.MustCompile(`whsec_[A-Za-z0-9+/]{43}=`)

// shownSecret is the one signing secret that a page tells.
func (a *answer) shownSecret(t *testing.T) string {
	t.Helper()
	page := strings.ReplaceAll(a.Body, "&#43;", "+")
	found := signingSecret.FindAllString(page, -1)
	if len(found) != 1 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d secrets are shown, cached as %q", len(found), a.Header.Get("Cache-Control"))
	}
	for _, cookie := range a.Header.Values("Set-Cookie") {
		if strings.Contains(cookie, found[0]) || strings.Contains(cookie, "whsec_") {
			t.Error("a cookie holds the secret")
		}
	}
	return found[0]
}

// opened is the secret as the database has it.
func (d *desk) opened(sub *subscribers.Subscription) string {
	d.t.Helper()
	var sealed []byte
	d.ok(d.DB.Pool().QueryRow(d.t.Context(), "select secret from subscriptions where id = $1", sub.ID).Scan(&sealed))
	secret, err := d.Vault.Open(sub.ID, sealed)
	d.ok(err)
	return secret
}

// lastSubscription is the one that was made last.
func (d *desk) lastSubscription(c *subscribers.Customer) *subscribers.Subscription {
	d.t.Helper()
	page, err := d.Subscribers.Subscriptions(d.t.Context(), subscribers.SubscriptionFilter{Customer: c.ID})
	d.ok(err)
	return &page.Rows[len(page.Rows)-1].Subscription
}

func TestASigningSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	at := customerPath(c.ID) + "/subscriptions/new"
	form := r.get(at).form(at).fill("address", "https://hooks.bergmann.example/x", "consent_how", "by letter", "kinds", "addition")
	page := r.submit(form).want(200, "This is shown only once.", "How the receiver checks a message", "webhook-signature", "within 15 seconds")
	first := page.without("The former secret").shownSecret(t)
	sub := d.lastSubscription(c)
	if d.opened(sub) != first {
		t.Error("another secret is kept than was shown")
	}
	r.refused(form, 409, "this exists already").without("whsec_") // the page loaded again
	one := subscriptionPath(sub)
	r.get(one).want(200, "Subscription https://hooks.bergmann.example/…", "Kept encrypted; every message is signed with it", "Addition", "Everything",
		"Secret of a subscription set", "New secret").without("whsec_", "End the former secret", "Replace the URL")

	renew := r.get(one+"/secret").want(200, "signs beside it for 24 hours").form(one + "/secret")
	second := r.submit(renew).want(200, "The former secret signs beside it until", "23 November 2026").shownSecret(t)
	if second == first || d.opened(sub) != second {
		t.Error("the new secret isn't the one that is kept")
	}
	r.submit(renew).want(409, "Edda Editor changed this", "Secret").without("whsec_")
	r.get(one).want(200, "Former secret", "Signs too until", "Signing secret renewed").without("whsec_")
	r.get(customerPath(c.ID)).want(200, "End the former secret").without("whsec_")
	end := one + "/former"
	r.follow(r.submit(r.get(end).want(200, "signed with the present secret only").form(end))).want(200, "has ended")
	r.get(one).want(200, "Former signing secret ended").without("Signs too until", "End the former secret")
	r.submit(r.get(end).form(end)).want(409, "There is no former secret any more")

	r.submit(r.get(one+"/secret").form(one+"/secret")).want(200, "The former secret signs beside it until")
	r.get(one+"?lang=de").want(200, "Verschlüsselt aufbewahrt", "Neuer Schlüssel", "Signiert mit bis")
	d.Clock.Add(24 * time.Hour)
	r = d.as(d.Editor)
	r.get(one + "?lang=de").want(200).without("Signiert mit bis")
	d.as(d.Staff("Rita", actor.Reviewer)).get(one).want(200, "Kept encrypted").without("New secret", "Revoke links")
	other := d.Customer("Other", "", housetest.Sheet(30))
	r.get(customerPath(other.ID) + "/subscriptions/" + sub.ID.String()).want(404)
}

func TestSlackIsSubscribedAndItsSecretsAreReplaced(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	at := customerPath(c.ID) + "/subscriptions/new"
	slack := func() *sheet { return r.get(at).form(at).fill("channel", "slack", "consent_how", "by letter") }
	for _, bad := range []struct{ name, address, token, sentence string }{
		{"a name", "#privacy", "xoxb-12345678", "nor the ID of a channel"},
		{"another host", "https://hooks.evil.example/services/T0/B0/verysecret", "", "is on a host that Slack's webhooks may not have here. Allowed: hooks.slack.com"},
		{"no token", "C012AB3CD4E", "", "Bot token is missing"},
		{"another token", "C012AB3CD4E", "xoxp-verysecret", "Bot token is not a bot token of a Slack app"},
		{"both", "https://hooks.slack.com/services/T0/B0/x", "xoxb-verysecret", "Leave it empty for this address."},
	} {
		t.Run(bad.name, func(t *testing.T) {
			page := r.submit(slack().fill("address", bad.address, "token", bad.token)).want(422, bad.sentence)
			if bad.token != "" {
				page.without(bad.token)
			}
		})
	}
	byURL := slack().fill("address", "https://hooks.slack.com/services/T0/B0/verysecret")
	r.follow(r.submit(byURL)).want(200, "https://hooks.slack.com/services/T0/B0/…", "is subscribed.").without("verysecret")
	r.refused(byURL, 409, "this exists already")
	hook := d.lastSubscription(c)
	r.follow(r.submit(slack().fill("address", "C012AB3CD4E", "token", "xoxb-verysecret"))).want(200, "C012AB3CD4E is subscribed.").without("verysecret")
	channel := d.lastSubscription(c)

	replace := subscriptionPath(hook) + "/replace"
	form := r.get(replace).want(200, "stays disabled until somebody resumes it").without("verysecret", "Bot token").form(replace)
	r.refused(form.fill("address", "nothing"), 422, "is not a web address")
	r.follow(r.submit(form.fill("address", "https://hooks.slack.com/services/T0/B0/othersecret"))).want(200, "The URL or token is replaced.", "Slack URL or token replaced").without("othersecret")
	if got := d.opened(hook); !strings.HasSuffix(got, "/othersecret") {
		t.Error("the old URL is still there")
	}
	r.submit(form).want(409, "Edda Editor changed this")

	replace = subscriptionPath(channel) + "/replace"
	form = r.get(replace).want(200, "Bot token").form(replace)
	r.submit(form.fill("token", "xoxp-othersecret")).want(422, "is not a bot token").without("othersecret")
	r.follow(r.submit(form.fill("token", "xoxb-othersecret"))).want(200, "is replaced.").without("othersecret")
	r.get(subscriptionPath(channel) + "/secret").want(200)
	r.submit(r.get(subscriptionPath(channel)+"/secret").form(subscriptionPath(channel)+"/secret")).want(409, "Only webhooks have a signing secret")
}

// What the sender disabled shows why, and comes back only with what it takes to send.
func TestADisabledWebhookShowsWhyAndIsResumed(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	sub := &subscribers.Subscription{CustomerID: &c.ID, Basis: subscribers.ByContract, Channel: subscribers.Webhook, Address: "https://hooks.bergmann.example/x",
		Language: "en", ConsentHow: "by letter"}
	d.ok(d.Subscribers.Subscribe(t.Context(), d.Editor, sub))
	d.ok(d.DB.Transact(t.Context(), func(tx *database.Tx) error {
		if _, err := tx.Exec("update subscriptions set secret = null where id = $1", sub.ID); err != nil { // as a migration leaves it
			return err
		}
		return subscribers.DisableInTx(tx, actor.ForSystem(), sub.ID, "410 Gone")
	}))
	one := subscriptionPath(sub)
	r.get(one).want(200, "Disabled", "410 Gone", "No secret", "None: nothing can be sent")
	resume := one + "/resume"
	r.submit(r.get(resume).form(resume)).want(409, "This webhook has no signing secret", "Make one first")
	made := r.submit(r.get(one + "/secret").form(one + "/secret")).want(200).without("The former secret").shownSecret(t)
	if d.opened(sub) != made {
		t.Error("another secret is kept than was shown")
	}
	r.follow(r.submit(r.get(resume).form(resume))).want(200, "is active again").without("No secret")
}
