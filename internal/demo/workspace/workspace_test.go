package workspace_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"fairnotice/internal/demo/site"
	"fairnotice/internal/demo/workspace"
)

// opened is a receiver on a site of its own.
type opened struct {
	*workspace.Workspace
	site *site.Site
}

// Close ends both.
func (o *opened) Close(ctx context.Context) error {
	return errors.Join(o.Workspace.Close(ctx), o.site.Close(ctx))
}

func open(t *testing.T, dir string) *opened {
	t.Helper()
	s, err := site.Open(site.Options{Addr: "127.0.0.1:0", Fairnotice: "http://127.0.0.1:8080", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	w, err := workspace.Open(s, workspace.Options{Dir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	out := &opened{w, s}
	t.Cleanup(func() { _ = out.Close(context.Background()) })
	return out
}

type said struct {
	Status int
	Body   string
}

func post(t *testing.T, address, kind, body string) (said, http.Header) {
	t.Helper()
	answer, err := http.Post(address, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return said{answer.StatusCode, string(text)}, answer.Header
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func contains(t *testing.T, where, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", where, want, text)
		}
	}
}

const wellMade = `{"text":"SP-2026-001: <https://a.example/x|New sub-processor>","blocks":[
	{"type":"header","text":{"type":"plain_text","text":"Nördlicht &amp; <script>alert(1)</script>"}},
	{"type":"section","text":{"type":"mrkdwn","text":"*What changes*\n_Bugsnag_ &lt;i&gt; <https://a.example/changes|This change>"},
	 "fields":[{"type":"mrkdwn","text":"*Deadline*\n22 December"},{"type":"plain_text","text":"*not bold*"}]},
	{"type":"divider"},
	{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"},"url":"https://a.example/open","style":"primary"},
	 {"type":"button","text":{"type":"plain_text","text":"Evil"},"url":"javascript:alert(1)"},
	 {"type":"button","text":{"type":"plain_text","text":"Idle"},"value":"x"}]},
	{"type":"context","elements":[{"type":"mrkdwn","text":"All of this is _fictitious_"},{"type":"image","image_url":"https://a.example/i.png","alt_text":"a logo"}]}]}`

func TestAnIncomingWebhookIsDrawn(t *testing.T) {
	w := open(t, t.TempDir())
	_, text := get(t, w.site.URL()+"slack")
	contains(t, "the empty page", text, "Nothing has arrived yet", `aria-current="page">Slack`)
	if got, _ := post(t, w.Hook("T0KUNDE00", "B0PRIVACY"), "application/json", wellMade); got != (said{200, "ok"}) {
		t.Fatal(got)
	}
	_, text = get(t, w.site.URL()+"slack")
	contains(t, "the page", text, "1 message", "T0KUNDE00/B0PRIVACY", "<strong>Nördlicht &amp; &lt;script&gt;alert(1)&lt;/script&gt;</strong>",
		"<strong>What changes</strong>\n<em>Bugsnag</em> &lt;i&gt; <a href=\"https://a.example/changes\" rel=\"noreferrer\" target=\"_blank\">This change</a>",
		"<li><strong>Deadline</strong>\n22 December</li><li>*not bold*</li>", "<hr>", `<a class="button is-primary" href="https://a.example/open"`,
		`<span class="button is-idle">Idle</span>`, "All of this is <em>fictitious</em>", "[a logo]", "In notifications: SP-2026-001: <a href=\"https://a.example/x\"")
	if strings.Contains(text, "javascript:") || strings.Contains(text, "<script") || strings.Contains(text, "demo0000") {
		t.Errorf("the page holds a script or a secret:\n%s", text)
	}
	link := regexp.MustCompile(`/slack/[0-9TZ.]+`).FindString(text)
	_, text = get(t, strings.TrimSuffix(w.site.URL(), "/")+link)
	contains(t, "the message's page", text, "What was posted", "&#34;type&#34;: &#34;divider&#34;", "<hr>")
	if status, _ := get(t, w.site.URL()+"slack/nothing"); status != http.StatusNotFound {
		t.Errorf("one that isn't there: %d", status)
	}
}

func TestAnIncomingWebhooksRefusals(t *testing.T) {
	w := open(t, t.TempDir())
	long := func(n int) string { return strings.Repeat("ä", n) }
	section := func(s string) string {
		return `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + s + `"}}]}`
	}
	for i, c := range []struct {
		body string
		want said
	}{
		{`{"text":"` + long(40_000) + `"}`, said{200, "ok"}},
		{`{"text":"` + long(40_001) + `"}`, said{400, "msg_too_long"}},
		{`{}`, said{400, "no_text"}},
		{`text`, said{400, "invalid_payload"}},
		{`[]`, said{400, "invalid_payload"}},
		{section(long(3000)), said{200, "ok"}},
		{section(long(3001)), said{400, "invalid_blocks"}},
		{section(""), said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"section"}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"hologram"}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"context","elements":[]}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"` + long(76) + `"}}]}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}]}`, said{400, "invalid_blocks"}},
		{`{"blocks":[{"type":"image","image_url":"https://a.example/i.png"}]}`, said{400, "invalid_blocks"}},
	} {
		hook := w.Hook("T0KUNDE00", "B0PRIVACY"+strings.Repeat("X", i)) // a channel of its own: none comes too soon
		if got, _ := post(t, hook, "application/json", c.body); got != c.want {
			t.Errorf("%.80s: %v, want %v", c.body, got, c.want)
		}
	}
	_, text := get(t, w.site.URL()+"slack")
	contains(t, "the page", text, "Refused with 400: invalid_blocks", "text: 3001, at most 3000", "the demo knows no such type of block")
	for address, want := range map[string]said{
		w.Hook("T0KUNDE00", "B0ARCHIVED0"):                 {410, "channel_is_archived"},
		w.Hook("X", "B0PRIVACY"):                           {404, "no_service"},
		w.Hook("T0KUNDE00", "B0PRIVACY") + "x":             {403, "invalid_token"},
		"http://" + w.Host() + "/services/T0KUNDE00/B0TWO": {404, "404 page not found\n"},
	} {
		if got, _ := post(t, address, "application/json", wellMade); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestOneMessageASecond(t *testing.T) {
	w := open(t, t.TempDir())
	hook := w.Hook("T0KUNDE00", "B0PRIVACY")
	var got []said
	for _, address := range []string{hook, hook, w.Hook("T0KUNDE00", "B0OTHERXX")} {
		answer, header := post(t, address, "application/json", wellMade)
		got = append(got, answer)
		if (answer.Status == http.StatusTooManyRequests) != (header.Get("Retry-After") == "1") {
			t.Errorf("%v with Retry-After %q", answer, header.Get("Retry-After"))
		}
	}
	if d := cmp.Diff([]said{{200, "ok"}, {429, "rate_limited"}, {200, "ok"}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	api := slack.New(workspace.Token, slack.OptionAPIURL(w.APIURL()))
	if _, _, err := api.PostMessageContext(t.Context(), "C0KUNDE000", slack.MsgOptionText("one", false)); err != nil {
		t.Fatal(err)
	}
	_, _, err := api.PostMessageContext(t.Context(), "C0KUNDE000", slack.MsgOptionText("two", false))
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) || limited.RetryAfter.Seconds() != 1 {
		t.Errorf("the second at once: %v", err)
	}
}

func TestTheWebAPI(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "slack")
	w := open(t, dir)
	var made struct{ Blocks slack.Blocks }
	if err := json.Unmarshal([]byte(wellMade), &made); err != nil {
		t.Fatal(err)
	}
	send := func(token, channel string, options ...slack.MsgOption) string {
		_, _, err := slack.New(token, slack.OptionAPIURL(w.APIURL())).PostMessageContext(t.Context(), channel, options...)
		var refused slack.SlackErrorResponse
		switch {
		case err == nil:
			return "ok"
		case errors.As(err, &refused):
			return strings.Join(append([]string{refused.Err}, refused.ResponseMetadata.Messages...), " ")
		default:
			return err.Error()
		}
	}
	hello := slack.MsgOptionText("*hello*", false)
	tooLong := slack.NewHeaderBlock(slack.NewTextBlockObject("plain_text", strings.Repeat("x", 200), false, false))
	for _, c := range []struct{ want, got string }{
		{"ok", send(workspace.Token, "C0KUNDE001", hello, slack.MsgOptionBlocks(made.Blocks.BlockSet...),
			slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "fairnotice", EventPayload: map[string]any{"delivery": "d-1"}}))},
		{"not_authed", send("", "C0KUNDE002", hello)},
		{"token_revoked", send("xoxb-revoked", "C0KUNDE002", hello)},
		{"invalid_auth", send("xoxb-other", "C0KUNDE002", hello)},
		{"channel_not_found", send(workspace.Token, "nowhere", hello)},
		{"is_archived", send(workspace.Token, "C0ARCHIVED", hello)},
		{"no_text", send(workspace.Token, "C0KUNDE003")},
		{"invalid_blocks blocks/0 (header): text: 200, at most 150", send(workspace.Token, "C0KUNDE004", slack.MsgOptionBlocks(tooLong))},
		{"ok", send(workspace.Token, "#privacy", hello)},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	page := w.site.URL() + "slack?" + url.Values{"channel": {"C0KUNDE001"}}.Encode()
	_, text := get(t, page)
	contains(t, "the channel", text, "1 message to C0KUNDE001", "<hr>", "chat.postMessage", "In notifications: <strong>hello</strong>")
	if strings.Contains(text, "is_archived") {
		t.Error("another channel's message is shown")
	}
	link := regexp.MustCompile(`/slack/[0-9TZ.]+`).FindString(text)
	_, text = get(t, strings.TrimSuffix(w.site.URL(), "/")+link)
	contains(t, "what was posted", text, "&#34;delivery&#34;: &#34;d-1&#34;")
	if strings.Contains(text, workspace.Token) {
		t.Error("the page shows the token")
	}

	host := w.Host()
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if again.Host() != host {
		t.Errorf("after a restart it is at %s, was at %s", again.Host(), host)
	}
	_, text = get(t, again.site.URL()+"slack")
	contains(t, "after a restart", text, "9 messages")
}
