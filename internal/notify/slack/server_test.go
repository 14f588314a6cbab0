package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/slack"
)

const (
	secret = "XyZ123aBcSecretPart"
	hook   = "/services/T000/B000/" + secret
	token  = "xoxb-1234-5678-AbCdEfSecretToken"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// workspace is a server that takes messages as Slack does: what Slack would refuse, it refuses with
// Slack's word.
type workspace struct {
	*httptest.Server
	mu       sync.Mutex
	bodies   [][]byte     // of incoming webhooks
	forms    []url.Values // of chat.postMessage
	requests int
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{}
	mux := http.NewServeMux()
	mux.HandleFunc(hook, w.incoming)
	mux.HandleFunc("/api/chat.postMessage", w.post)
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func (w *workspace) incoming(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.bodies = append(w.bodies, body)
	w.requests++
	w.mu.Unlock()
	var m struct {
		Text   string            `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	}
	switch {
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &m) != nil:
		http.Error(rw, "invalid_payload", http.StatusBadRequest)
	case m.Text == "" || len(utf16.Encode([]rune(m.Text))) > 40000:
		http.Error(rw, "no_text", http.StatusBadRequest)
	case !takes(m.Blocks):
		http.Error(rw, "invalid_blocks", http.StatusBadRequest)
	default:
		fmt.Fprint(rw, "ok")
	}
}

func (w *workspace) post(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.mu.Lock()
	w.forms = append(w.forms, r.PostForm)
	w.requests++
	w.mu.Unlock()
	var blocks []json.RawMessage
	no := func(code string) { _ = json.NewEncoder(rw).Encode(map[string]any{"ok": false, "error": code}) }
	switch {
	case r.PostForm.Get("token") != token:
		no("invalid_auth")
	case r.PostForm.Get("channel") != "C012AB3CD4E":
		no("channel_not_found")
	case r.PostForm.Get("text") == "":
		no("no_text")
	case r.PostForm.Has("blocks") && (json.Unmarshal([]byte(r.PostForm.Get("blocks")), &blocks) != nil || !takes(blocks)):
		no("invalid_blocks")
	default:
		_ = json.NewEncoder(rw).Encode(map[string]any{"ok": true, "channel": "C012AB3CD4E", "ts": "1700000000.000100",
			"message": map[string]any{"type": "message", "text": r.PostForm.Get("text"), "blocks": blocks}})
	}
}

// takes is Slack's check of blocks, as far as a notice has them.
func takes(blocks []json.RawMessage) bool {
	type text struct{ Type, Text string }
	fits := func(t *text, limit int, types string) bool {
		n := 0
		if t != nil {
			n = len(utf16.Encode([]rune(t.Text)))
		}
		return t != nil && n > 0 && n <= limit && strings.Contains(types, t.Type)
	}
	for _, raw := range blocks {
		var b struct {
			Type     string
			Text     *text
			Fields   []text
			Elements []struct {
				Type, URL string
				Text      json.RawMessage
			}
		}
		if json.Unmarshal(raw, &b) != nil || b.Type == "header" && !fits(b.Text, 150, "plain_text") ||
			b.Text != nil && b.Type == "section" && !fits(b.Text, 3000, "plain_text mrkdwn") || len(b.Fields) > 10 {
			return false
		}
		for _, f := range b.Fields {
			if !fits(&f, 2000, "plain_text mrkdwn") {
				return false
			}
		}
		for _, e := range b.Elements {
			var label text
			if b.Type == "actions" && (json.Unmarshal(e.Text, &label) != nil || !fits(&label, 75, "plain_text") || len(e.URL) > 3000) {
				return false
			}
		}
	}
	return len(blocks) <= 50
}

func (w *workspace) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

// client may post to the server's host.
func client(t *testing.T, server string) *slack.Client {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return slack.NewClient(slack.Options{HTTP: egress.NewClient(egress.Options{Allow: loopback}), Hosts: []string{u.Host}, APIURL: server + "/api/"})
}

// targets are both ways to post to one server.
func targets(server string) map[string]slack.Target {
	return map[string]slack.Target{"incoming webhook": {URL: server + hook}, "bot": {Token: token, Channel: "C012AB3CD4E"}}
}

// notice is a message with a block of every kind.
func notice() slack.Message {
	return slack.Message{
		ID:   "0199c0de-0000-7000-8000-000000000001",
		Text: "Übersicht: Müller & Söhne <GmbH> joins on 1 March 2027",
		Blocks: json.RawMessage(`[
		{"type":"header","text":{"type":"plain_text","text":"A new sub-processor"}},
		{"type":"section","block_id":"who","text":{"type":"mrkdwn","text":"*Müller &amp; Söhne* will join. <https://example.com/c?a=1&amp;b=2|Read the change>","verbatim":true}},
		{"type":"section","fields":[{"type":"mrkdwn","text":"*From*\n1 March 2027"},{"type":"plain_text","text":"Object until 1 February 2027"}]},
		{"type":"divider"},
		{"type":"image","image_url":"https://example.com/map.png","alt_text":"Where data goes"},
		{"type":"actions","elements":[{"type":"button","action_id":"ack","text":{"type":"plain_text","text":"Acknowledge"},"url":"https://example.com/ack/1"}]},
		{"type":"context","elements":[{"type":"mrkdwn","text":"Sent to you as you asked"}]}]`),
	}
}
