package console

import (
	"testing"

	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
	"fairnotice/web/browsertest"
)

// A webhook's secret in a real browser: shown once, copied, renewed.
func TestSubscribingAWebhookInABrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.Customer("Bolt BV", "legal@bolt.example", housetest.Sheet(30))
	slack := &subscribers.Subscription{CustomerID: &c.ID, Basis: subscribers.ByContract, Channel: subscribers.Slack, Language: "en", ConsentHow: "by letter",
		Address: "https://hooks.slack.com/services/T0123456789/B0123456789/abcdefghijklmnopqrstuvwx"}
	d.ok(d.Subscribers.Subscribe(t.Context(), d.Editor, slack))
	browsertest.Run(t, "subscriptions.spec.js", map[string]string{"BASE_URL": d.server.URL, "SESSION": d.session(d.Editor),
		"CUSTOMER": customerPath(c.ID), "SLACK": subscriptionPath(slack)})
}
