package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/notify"
)

// hookArrival is what the webhook receiver keeps of one request.
type hookArrival struct {
	Endpoint  string `json:"endpoint"`
	MessageID string `json:"message_id"`
	Verdict   string `json:"verdict"`
	Status    int    `json:"status"`
	Body      string `json:"body"`
}

// slackArrival is what the Slack-shaped receiver keeps of one post.
type slackArrival struct {
	Channel string          `json:"channel"`
	Word    string          `json:"word"`
	Payload json.RawMessage `json:"payload"`
}

// kept reads what a receiver has in its folder, the oldest first.
func kept[T any](t *testing.T, dir, receiver string) (out []T) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, receiver, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one struct {
			What T `json:"what"`
		}
		if err := json.Unmarshal(text, &one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one.What)
	}
	return out
}

// checkOutlets looks at webhooks and Slack messages: what the record says, and what arrived.
func checkOutlets(t *testing.T, r *running, list []notify.Delivery) {
	t.Helper()
	type end struct {
		State    notify.State
		Attempts int
		Code     int
	}
	got := map[string]end{}
	sent := map[string]*notify.AsSent{}
	for i := range list {
		d := &list[i]
		if d.Channel == notify.ChannelEmail {
			continue
		}
		got[d.Channel+": "+d.Addressee] = end{d.State, d.Attempts, d.LastCode}
		as, err := r.Notify.Rebuild(t.Context(), r.Composers, d.ID, d.Attempts)
		if err != nil || !as.Proven {
			t.Fatalf("%s: %v, proven: %v", d.Addressee, err, as)
		}
		sent[d.ID.String()] = as
	}
	hooked, posted := end{notify.Received, 1, 204}, end{notify.Received, 1, 200}
	want := map[string]end{"webhook: Ticketsystem": hooked, "webhook: Compliance tool": hooked, "webhook: Data Watch (fictitious)": hooked,
		"webhook: Contract register": {notify.Received, 3, 204}, "webhook: Former compliance tool": {notify.Failed, 1, 410},
		"slack: Datenschutz in Slack": posted, "slack: Vendor risk in Slack": posted}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("webhooks and Slack (-want +got):\n%s", d)
	}
	checkHooks(t, r, sent)
	checkSlack(t, r, sent)
	checkGone(t, r)
}

// checkHooks compares what arrived, byte by byte, with what the record says was sent.
func checkHooks(t *testing.T, r *running, sent map[string]*notify.AsSent) {
	t.Helper()
	statuses := map[string][]int{}
	for _, a := range kept[hookArrival](t, r.Config.DataDir, "demo-webhooks") {
		statuses[a.Endpoint] = append(statuses[a.Endpoint], a.Status)
		if a.Verdict != "verified" {
			t.Errorf("%s: %s", a.Endpoint, a.Verdict)
		}
		if as := sent[a.MessageID]; as == nil || string(as.Raw) != a.Body {
			t.Errorf("%s: what arrived as %s is not what the record says was sent", a.Endpoint, a.MessageID)
		}
	}
	want := map[string][]int{"beispielwerke": {204}, "slow": {204}, "data-watch": {204}, "down": {503, 503, 204}, "gone": {410}}
	if d := cmp.Diff(want, statuses); d != "" {
		t.Errorf("answers of the endpoints (-want +got):\n%s", d)
	}
	body := page(t, r.inbox+"/webhooks")
	for _, want := range []string{"7 arrivals", "SP-", ">verified<"} {
		if !strings.Contains(body, want) {
			t.Errorf("the webhooks' page lacks %q:\n%s", want, body)
		}
	}
}

// checkSlack compares texts and blocks: a form may order and escape them in another way.
func checkSlack(t *testing.T, r *running, sent map[string]*notify.AsSent) {
	t.Helper()
	type message struct {
		Text   string
		Blocks []any
	}
	read := func(raw []byte) (m message) {
		if err := json.Unmarshal(raw, &m); err != nil || m.Text == "" || len(m.Blocks) == 0 {
			t.Errorf("%v in %s", err, raw)
		}
		return m
	}
	var all []message
	for _, as := range sent {
		if !bytes.Contains(as.Raw, []byte(`"specversion"`)) && bytes.Contains(as.Raw, []byte(`"blocks"`)) {
			all = append(all, read(as.Raw))
		}
	}
	words := map[string]string{}
	for _, a := range kept[slackArrival](t, r.Config.DataDir, "demo-slack") {
		words[a.Channel] += a.Word
		arrived, found := read(a.Payload), false
		for _, m := range all {
			found = found || cmp.Equal(m, arrived)
		}
		if !found {
			t.Errorf("%s: what arrived is not what the record says was sent", a.Channel)
		}
	}
	if d := cmp.Diff(map[string]string{"T0BEISPIELWERKE/B0DATENSCHUTZ": "ok", "C0SAMPLARISK": "ok"}, words); d != "" {
		t.Errorf("messages in Slack (-want +got):\n%s", d)
	}
	if body := page(t, r.inbox+"/slack"); !strings.Contains(body, "2 messages") || !strings.Contains(body, `class="title"`) {
		t.Errorf("Slack's page:\n%s", body)
	}
}

// checkGone waits until the endpoint that is gone is told nothing more.
func checkGone(t *testing.T, r *running) {
	t.Helper()
	var state, reason string
	for range 200 {
		err := r.DB.Pool().QueryRow(t.Context(), "select state, state_reason from subscriptions where address like '%/hooks/gone'").Scan(&state, &reason)
		if err != nil {
			t.Fatal(err)
		}
		if state == "disabled" && reason != "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the subscription of the endpoint that is gone is %s, %q", state, reason)
}

// checkSecondNotice waits for the webhooks of a change that was announced after a restart.
func checkSecondNotice(t *testing.T, r *running, change uuid.UUID) {
	t.Helper()
	want := map[string]string{"beispielwerke": "verified", "slow": "verified", "data-watch": "verified"}
	got := map[string]string{}
	for range 1200 {
		notices, err := r.Notify.NoticesOf(t.Context(), change)
		if err != nil {
			t.Fatal(err)
		}
		clear(got)
		for _, n := range notices {
			list, _, err := r.Notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID, Channel: notify.ChannelWebhook})
			if err != nil {
				t.Fatal(err)
			}
			ours := map[string]bool{}
			for _, d := range list {
				ours[d.ID.String()] = true
				if strings.HasSuffix(d.Address, "/hooks/gone") {
					t.Error("the endpoint that is gone is told")
				}
			}
			for _, a := range kept[hookArrival](t, r.Config.DataDir, "demo-webhooks") {
				if ours[a.MessageID] && a.Endpoint != "down" {
					got[a.Endpoint] = a.Verdict
				}
			}
		}
		if cmp.Equal(want, got) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("webhooks after a restart (-want +got):\n%s", cmp.Diff(want, got))
}
