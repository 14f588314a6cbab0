package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
)

// startOutlets runs a server that stands for everybody's endpoints: it takes what is posted under
// /taken and what Slack's API takes, but for a channel whose connection breaks before the answer.
func startOutlets(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/taken":
			w.WriteHeader(http.StatusNoContent)
		case r.FormValue("channel") == "C0BREAKSOFF":
			panic(http.ErrAbortHandler)
		case r.URL.Path == "/api/chat.postMessage":
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": r.FormValue("channel"), "ts": "1795375231.000100"})
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// subscribe adds a customer's outlet beside its mail.
func (d *desk) subscribe(c *subscribers.Customer, channel, address, name string, token subscribers.Secret) {
	d.t.Helper()
	d.ok(d.Subscribers.Subscribe(d.t.Context(), d.Editor, &subscribers.Subscription{CustomerID: &c.ID, Basis: subscribers.ByContract, Channel: channel,
		Address: address, Token: token, Name: name, Language: "en", ConsentHow: "a letter"}))
}

// A webhook and a Slack message are shown as they were sent, with every try's stage and outcome in
// words, and no page or file shows what an address would open.
func TestDeliveriesByWebhookAndSlack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	acme := d.Customer("Acme AG", "privacy@acme.example", subscribers.Standard(30, "Europe/Berlin"))
	const token = "xoxb-0000-fictitious"
	d.subscribe(acme, subscribers.Webhook, d.outlets.URL+"/taken?key=opensesame", "Ticket system", "")
	d.subscribe(acme, subscribers.Webhook, "https://10.1.2.3/hook?key=opensesame", "", "")
	d.subscribe(acme, subscribers.Slack, "C0PRIVACY00", "Privacy in Slack", token)
	d.subscribe(acme, subscribers.Slack, "C0BREAKSOFF", "Legal in Slack", token)
	change := d.Announced(d.Addition(d.Vendor("Bugsnag"), 60))
	d.ok(d.notify.FanOut(t.Context(), change.ID, notify.Announcement))
	d.send()

	approver := d.as(d.Approver)
	notices, err := d.notify.NoticesOf(t.Context(), change.ID)
	d.ok(err)
	list := "/console/notices/" + notices[0].ID.String()
	pages := []*answer{
		approver.get("/console/changes/"+change.Reference).want(200, "4 of 5 finished", "Email 1 of 1", "Webhook 2 of 2, 1 failed", "Slack 1 of 2"),
		approver.get(list).want(200, "Ticket system", "C0PRIVACY00", "privacy@acme.example"),
		approver.get(list+"?channel=slack").want(200, "C0PRIVACY00", "C0BREAKSOFF").without("Ticket system"),
		approver.get(list+"?channel=pigeon").want(422, "is not one of the choices"),
		approver.get(list+"/deliveries.csv").want(200, ",webhook,", ",slack,", "https://10.1.2.3/…", "ambiguous", "guard"),
	}
	for recipient, texts := range map[string][]string{
		"Ticket system": {"Received", "This is the message byte for byte", "webhook-id", "webhook-timestamp", "webhook-signature", "not kept",
			`"reference": "` + change.Reference + `"`, "at the answer", "204", "Download the JSON"},
		"10.1.2.3":         {"Failed", "https://10.1.2.3/…", "at our guard against internal addresses", "Refused", "This is the message byte for byte"},
		"Privacy in Slack": {"Received", "This is the message byte for byte", "The text for notifications", "What was posted", `"blocks": [`, change.Reference},
		"Legal in Slack":   {"Unclear", "at the answer", "so it may have arrived", "What was posted"},
	} {
		found, _, err := d.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: notices[0].ID, Query: recipient})
		d.ok(err)
		if len(found) != 1 {
			t.Fatalf("%d deliveries to %s", len(found), recipient)
		}
		path := deliveryPath(found[0].ID)
		source := approver.get(path+"/source?attempt=1").want(200, change.Reference)
		if got := source.Header.Get("Content-Type"); got != "application/json" || !json.Valid([]byte(source.Body)) {
			t.Errorf("%s: the file is %s: %s", recipient, got, source.Body)
		}
		approver.get(path + "/message?attempt=1").want(404)
		pages = append(pages, approver.get(path).want(200, texts...), source)
	}
	for _, p := range pages {
		for _, secret := range []string{"opensesame", token, "whsec_"} {
			if strings.Contains(p.Body, secret) {
				t.Errorf("%q is shown:\n%s", secret, p.Body)
			}
		}
	}
}
