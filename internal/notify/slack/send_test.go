package slack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	library "github.com/slack-go/slack"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/slack"
)

func TestAnIncomingWebhookGetsExactlyThePayload(t *testing.T) {
	w := newWorkspace(t)
	r := client(t, w.URL).Send(t.Context(), slack.Target{URL: w.URL + hook}, notice())
	if diff := cmp.Diff(slack.Result{Outcome: slack.Accepted, Stage: slack.StageResponse, Code: 200, Answer: "ok"}, r); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	payload, err := slack.Payload(notice())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(payload), string(w.bodies[0])); diff != "" {
		t.Errorf("the wire is not the payload (-want +got):\n%s", diff)
	}
	var sent struct {
		Text        string `json:"text"`
		UnfurlLinks *bool  `json:"unfurl_links"`
		UnfurlMedia *bool  `json:"unfurl_media"`
		Metadata    any    `json:"metadata"`
		Blocks      any    `json:"blocks"`
	}
	if err := json.Unmarshal(w.bodies[0], &sent); err != nil {
		t.Fatal(err)
	}
	if sent.UnfurlLinks == nil || *sent.UnfurlLinks || sent.UnfurlMedia == nil || *sent.UnfurlMedia {
		t.Error("links are unfurled")
	}
	if want := "Übersicht: Müller &amp; Söhne &lt;GmbH&gt; joins on 1 March 2027"; sent.Text != want {
		t.Errorf("text %q, want %q", sent.Text, want)
	}
	var want any
	if err := json.Unmarshal(notice().Blocks, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, sent.Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

// The form is the library's own; what it says must be what the payload, and so the digest, says.
func TestABotsFormSaysWhatThePayloadSays(t *testing.T) {
	w := newWorkspace(t)
	r := client(t, w.URL).Send(t.Context(), slack.Target{Token: token, Channel: "C012AB3CD4E"}, notice())
	want := slack.Result{Outcome: slack.Accepted, Stage: slack.StageResponse, Code: 200, Answer: `{"ok":true,"channel":"C012AB3CD4E","ts":"1700000000.000100"}`}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	payload, err := slack.Payload(notice())
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Text   string          `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		t.Fatal(err)
	}
	form := url.Values{
		"token": {token}, "channel": {"C012AB3CD4E"}, "text": {p.Text}, "blocks": {string(p.Blocks)},
		"unfurl_links": {"false"}, "unfurl_media": {"false"},
		"metadata": {`{"event_type":"fairnotice_notice","event_payload":{"delivery":"0199c0de-0000-7000-8000-000000000001"}}`},
	}
	if diff := cmp.Diff(form, w.forms[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPayload(t *testing.T) {
	m := notice()
	first, err := slack.Payload(m)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, err := slack.Payload(m); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("not the same twice: %s, %v", again, err)
		}
	}
	m.ID = "another"
	if other, err := slack.Payload(m); err != nil || !bytes.Equal(first, other) {
		t.Errorf("it depends on the ID: %s, %v", other, err)
	}
	if bytes.Contains(first, []byte("0199c0de")) {
		t.Error("the ID is in it, which incoming webhooks don't take")
	}
	m.Text = "another"
	if other, err := slack.Payload(m); err != nil || bytes.Equal(first, other) {
		t.Errorf("it doesn't depend on the text: %v", err)
	}
	alone, err := slack.Payload(slack.Message{Text: "<!channel>"})
	want := `{"text":"\u0026lt;!channel\u0026gt;","replace_original":false,"delete_original":false,"unfurl_links":false,"unfurl_media":false}`
	if err != nil || string(alone) != want {
		t.Errorf("without blocks: %s, %v\nwant %s", alone, err, want)
	}
	long, err := slack.Payload(slack.Message{Text: strings.Repeat("&", 40_000)})
	var p struct{ Text string }
	if err != nil || json.Unmarshal(long, &p) != nil || len([]rune(p.Text)) > 40_000 || !strings.HasSuffix(p.Text, "&amp;…") {
		t.Errorf("a long text is not shortened well: %v, %d", err, len(p.Text))
	}
	for name, m := range map[string]slack.Message{
		"no text": {Blocks: m.Blocks}, "no blocks in the array": {Text: "x", Blocks: json.RawMessage(`[]`)},
		"51 blocks": {Text: "x", Blocks: repeated(`{"type":"divider"}`, 51)}, "no JSON": {Text: "x", Blocks: json.RawMessage(`[{`)},
	} {
		if got, err := slack.Payload(m); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatCantBeSentAsksNobody(t *testing.T) {
	w := newWorkspace(t)
	c := client(t, w.URL)
	host := strings.TrimPrefix(w.URL, "http://")
	for name, s := range map[string]struct {
		target slack.Target
		m      slack.Message
		stage  string
	}{
		"no target":             {slack.Target{}, notice(), slack.StageCompose},
		"a token alone":         {slack.Target{Token: token}, notice(), slack.StageCompose},
		"a channel alone":       {slack.Target{Channel: "C012AB3CD4E"}, notice(), slack.StageCompose},
		"no text":               {slack.Target{URL: w.URL + hook}, slack.Message{}, slack.StageCompose},
		"too many blocks":       {slack.Target{URL: w.URL + hook}, slack.Message{Text: "x", Blocks: repeated(`{"type":"divider"}`, 51)}, slack.StageCompose},
		"no URL":                {slack.Target{URL: "http://[::1" + hook}, notice(), slack.StageCompose},
		"no host":               {slack.Target{URL: "https:" + hook}, notice(), slack.StageCompose},
		"a user":                {slack.Target{URL: "http://x:y@" + host + hook}, notice(), slack.StageCompose},
		"another host":          {slack.Target{URL: "https://hooks.slack.com.evil.example" + hook}, notice(), slack.StageGuard},
		"another port":          {slack.Target{URL: "http://127.0.0.1:1" + hook}, notice(), slack.StageGuard},
		"a host's beginning":    {slack.Target{URL: "http://" + host + "0" + hook}, notice(), slack.StageGuard},
		"Slack over plain http": {slack.Target{URL: "http://hooks.slack.com" + hook}, notice(), slack.StageGuard},
		"Slack's other port":    {slack.Target{URL: "https://hooks.slack.com:8443" + hook}, notice(), slack.StageGuard},
		"a final dot":           {slack.Target{URL: "https://hooks.slack.com." + hook}, notice(), slack.StageGuard},
		"another scheme":        {slack.Target{URL: "ftp://" + host + hook}, notice(), slack.StageGuard},
	} {
		r := c.Send(t.Context(), s.target, s.m)
		if r.Outcome != slack.Permanent || r.Stage != s.stage || r.Answer == "" || r.Gone {
			t.Errorf("%s: %#v", name, r)
		}
		if strings.Contains(fmt.Sprintf("%#v", r), secret) {
			t.Errorf("%s: the secret shows: %#v", name, r)
		}
	}
	if n := w.asked(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// refuser counts what would go out to Slack itself.
type refuser struct{ hosts []string }

func (r *refuser) RoundTrip(req *http.Request) (*http.Response, error) {
	r.hosts = append(r.hosts, req.URL.String())
	return nil, io.ErrClosedPipe
}

func TestSlacksOwnHostsNeedNoPermission(t *testing.T) {
	net := &refuser{}
	c := slack.NewClient(slack.Options{HTTP: &http.Client{Transport: net}, Hosts: []string{"Chat.Example.com", "chat.example.com:8443"}})
	want := []string{"https://hooks.slack.com/services/a", "https://hooks.slack-gov.com/services/a", "https://HOOKS.slack.com:443/services/a",
		"http://chat.example.com/services/a", "https://CHAT.example.com:8443/services/a"}
	for _, u := range want {
		c.Send(t.Context(), slack.Target{URL: u}, notice())
	}
	c.Send(t.Context(), slack.Target{Token: token, Channel: "C1"}, notice())
	if diff := cmp.Diff(append(want, "https://slack.com/api/chat.postMessage"), net.hosts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// answering answers every request in the same way, and counts.
func answering(t *testing.T, code int, header map[string]string, body string) (*httptest.Server, func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		n++
		mu.Unlock()
		for k, v := range header {
			rw.Header().Set(k, v)
		}
		rw.WriteHeader(code)
		fmt.Fprint(rw, body)
	}))
	t.Cleanup(s.Close)
	return s, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func TestAnswers(t *testing.T) {
	const never = time.Duration(0)
	type outcome = slack.Outcome
	for _, c := range []struct {
		code    int
		body    string
		retry   string
		outcome outcome
		gone    bool
		after   time.Duration
	}{
		{200, "ok\n", "", slack.Accepted, false, never},
		{201, "ok", "", slack.Accepted, false, never},
		{200, `{"ok":true}`, "", slack.Accepted, false, never},
		{200, "", "", slack.Ambiguous, false, never},
		{200, "<html>Sign in to the hotel's network</html>", "", slack.Ambiguous, false, never},
		{200, `{"ok":false,"error":"brand_new_word"}`, "", slack.Temporary, false, never},
		{301, "", "", slack.Temporary, false, never},
		{400, "invalid_payload", "", slack.Permanent, false, never},
		{400, "invalid_blocks", "", slack.Permanent, false, never},
		{400, "no_text", "", slack.Permanent, false, never},
		{400, "user_not_found", "", slack.Permanent, true, never},
		{400, "brand_new_word", "", slack.Temporary, false, never},
		{403, "action_prohibited", "", slack.Permanent, true, never},
		{403, "invalid_token", "", slack.Permanent, true, never},
		{403, "posting_to_general_channel_denied", "", slack.Permanent, true, never},
		{403, "<html>Forbidden by a firewall</html>", "", slack.Temporary, false, never},
		{404, "no_service", "", slack.Permanent, true, never},
		{404, "no_team", "", slack.Permanent, true, never},
		{404, "channel_not_found", "", slack.Permanent, true, never},
		{404, "404 page not found", "", slack.Temporary, false, never},
		{410, "channel_is_archived\n", "", slack.Permanent, true, never},
		{410, "", "", slack.Permanent, true, never},
		{413, "too big", "", slack.Permanent, false, never},
		{429, "", "30", slack.Temporary, false, 30 * time.Second},
		{429, "no_service", "", slack.Temporary, false, never},
		{429, "", "soon", slack.Temporary, false, never},
		{429, "", "-5", slack.Temporary, false, never},
		{429, "", "99999999999999999999999", slack.Temporary, false, 24 * time.Hour},
		{500, "rollup_error", "", slack.Temporary, false, never},
		{500, "no_service", "", slack.Temporary, false, never},
		{502, "<html>", "", slack.Temporary, false, never},
		{503, "service_unavailable", "120", slack.Temporary, false, 2 * time.Minute},
		{404, "no_service", "120", slack.Permanent, true, never},
	} {
		s, asked := answering(t, c.code, map[string]string{"Retry-After": c.retry}, c.body)
		r := client(t, s.URL).Send(t.Context(), slack.Target{URL: s.URL + hook}, notice())
		got, want := r, slack.Result{Outcome: c.outcome, Stage: slack.StageResponse, Code: c.code, RetryAfter: c.after, Gone: c.gone}
		got.Answer, got.Why = "", ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d %q: (-want +got):\n%s", c.code, c.body, diff)
		}
		if r.Answer == "" || r.Gone && r.Why == "" {
			t.Errorf("%d %q: nothing is said: %#v", c.code, c.body, r)
		}
		if n := asked(); n != 1 {
			t.Errorf("%d %q: asked %d times", c.code, c.body, n)
		}
	}
}

func TestAnswersToABot(t *testing.T) {
	for body, want := range map[string]slack.Result{
		`{"ok":false,"error":"account_inactive"}`:         {Outcome: slack.Permanent, Gone: true, Why: "the bot's user or its workspace is deleted"},
		`{"ok":false,"error":"token_revoked"}`:            {Outcome: slack.Permanent, Gone: true, Why: "the app was removed or its token revoked"},
		`{"ok":false,"error":"invalid_auth"}`:             {Outcome: slack.Permanent, Gone: true, Why: "the token is wrong, or its workspace refuses our network"},
		`{"ok":false,"error":"is_archived"}`:              {Outcome: slack.Permanent, Gone: true, Why: "the channel is archived"},
		`{"ok":false,"error":"not_in_channel"}`:           {Outcome: slack.Permanent, Gone: true, Why: "the bot must be invited to the channel"},
		`{"ok":false,"error":"msg_blocks_too_long"}`:      {Outcome: slack.Permanent, Why: "the blocks are too long together"},
		`{"ok":false,"error":"ratelimited"}`:              {Outcome: slack.Temporary, RetryAfter: 7 * time.Second, Why: "too many posts"},
		`{"ok":false,"error":"team_added_to_org"}`:        {Outcome: slack.Temporary, RetryAfter: 7 * time.Second, Why: "the workspace is being moved into an organisation"},
		`{"ok":false,"error":"internal_error"}`:           {Outcome: slack.Ambiguous, Why: "Slack failed, and may have posted before"},
		`{"ok":false,"error":"brand_new_word"}`:           {Outcome: slack.Temporary, RetryAfter: 7 * time.Second},
		`{"ok":false}`:                                    {Outcome: slack.Ambiguous},
		`ok`:                                              {Outcome: slack.Ambiguous},
		`{"ok":true,"channel":"C1","ts":"1.2","message":`: {Outcome: slack.Ambiguous},
		`not_in_channel`:                                  {Outcome: slack.Permanent, Gone: true, Why: "the bot must be invited to the channel"},
	} {
		s, asked := answering(t, 200, map[string]string{"Retry-After": "7", "Content-Type": "application/json"}, body)
		r := client(t, s.URL).Send(t.Context(), slack.Target{Token: token, Channel: "C1"}, notice())
		want.Stage, want.Code, want.Answer = slack.StageResponse, 200, body
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", body, diff)
		}
		if n := asked(); n != 1 {
			t.Errorf("%s: asked %d times", body, n)
		}
	}
	s, _ := answering(t, 200, nil, `{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify","message":{"text":"a personal link"}}`)
	r := client(t, s.URL).Send(t.Context(), slack.Target{Token: token, Channel: "C1"}, notice())
	if want := `{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify"}`; r.Answer != want {
		t.Errorf("got %s, want %s", r.Answer, want)
	}
}

func TestRetryAfterAsADateCountsByTheServersClock(t *testing.T) {
	s, _ := answering(t, 503, map[string]string{"Date": "Mon, 01 Mar 2027 10:00:00 GMT", "Retry-After": "Mon, 01 Mar 2027 10:01:30 GMT"}, "")
	for name, target := range targets(s.URL) {
		if r := client(t, s.URL).Send(t.Context(), target, notice()); r.RetryAfter != 90*time.Second || r.Outcome != slack.Temporary {
			t.Errorf("%s: %#v", name, r)
		}
	}
}

// The library's own retries would post twice. They are off unless asked for; this would notice if a
// release turned them on.
func TestNothingIsTriedTwice(t *testing.T) {
	for _, code := range []int{429, 500, 503} {
		s, asked := answering(t, code, map[string]string{"Retry-After": "0"}, "")
		for name, target := range targets(s.URL) {
			before := asked()
			client(t, s.URL).Send(t.Context(), target, notice())
			if n := asked() - before; n != 1 {
				t.Errorf("%s: %d: asked %d times", name, code, n)
			}
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere, asked := answering(t, 200, nil, "ok")
	for _, code := range []int{301, 302, 303, 307, 308} {
		s, _ := answering(t, code, map[string]string{"Location": elsewhere.URL + hook}, "moved to "+elsewhere.URL+hook)
		u, _ := url.Parse(s.URL)
		follows := &http.Client{Transport: &http.Transport{}} // even where the client given to us would follow
		c := slack.NewClient(slack.Options{HTTP: follows, Hosts: []string{u.Host, strings.TrimPrefix(elsewhere.URL, "http://")}, APIURL: s.URL + "/api/"})
		for name, target := range targets(s.URL) {
			want := slack.Result{Outcome: slack.Temporary, Stage: slack.StageResponse, Code: code, Answer: "A redirect, which is not followed"}
			if diff := cmp.Diff(want, c.Send(t.Context(), target, notice())); diff != "" {
				t.Errorf("%s: %d (-want +got):\n%s", name, code, diff)
			}
		}
	}
	if n := asked(); n != 0 {
		t.Errorf("followed %d times", n)
	}
}

// A server that repeats what it was asked must not bring secrets into the record, and nothing may
// be written to standard error, where the library logs.
func TestNoSecretIsShown(t *testing.T) {
	stderr, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = stderr
	defer func() { os.Stderr = old }()
	var base string
	var asked atomic.Int64 // each answer moves the secret a little across the place where answers are cut
	echo := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		rw.WriteHeader(http.StatusNotFound)
		own := r.PostForm.Get("token")
		if r.URL.Path == hook {
			own = secret
		}
		fmt.Fprintf(rw, "%s%s not found; %s; %s; %s\x00\x1b[2J\xff\u202e ", base, r.URL.Path, strings.ReplaceAll(base+r.URL.Path, "/", `\/`), r.URL.Path, own)
		fmt.Fprint(rw, strings.Repeat("x", 3700+int(asked.Add(1)))+own+strings.Repeat("\xff", 5000))
	}))
	t.Cleanup(echo.Close)
	base = echo.URL
	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	cut.Config.ErrorLog = nil
	t.Cleanup(cut.Close)
	servers := []string{refused.URL, cut.URL, "http://name.invalid", "https://hooks.slack.com.evil.example"}
	for range 200 {
		servers = append(servers, echo.URL)
	}
	for _, server := range servers {
		for name, target := range targets(server) {
			r := client(t, server).Send(t.Context(), target, notice())
			shown := fmt.Sprintf("%#v %s", r, r)
			if strings.Contains(shown, secret) || strings.Contains(shown, token) || strings.Contains(shown, secret[:8]) || strings.Contains(shown, token[:16]) || strings.Contains(shown, "B000") {
				t.Errorf("%s at %s: %s", name, server, shown)
			}
			if r.Answer == "" || len(r.Answer) > 4096 || strings.ContainsAny(r.Answer, "\x00\x1b\n\u202e") || strings.ToValidUTF8(r.Answer, "") != r.Answer {
				t.Errorf("%s at %s: not clean: %q", name, server, r.Answer)
			}
		}
	}
	if written, err := os.ReadFile(stderr.Name()); err != nil || len(written) > 0 {
		t.Errorf("logged: %s, %v", written, err)
	}
}

func TestManyTokensShareOneClient(t *testing.T) {
	w := newWorkspace(t)
	c := client(t, w.URL)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			target := slack.Target{URL: w.URL + hook}
			want := slack.Accepted
			switch i % 3 {
			case 1:
				target = slack.Target{Token: token, Channel: "C012AB3CD4E"}
			case 2:
				target, want = slack.Target{Token: fmt.Sprintf("xoxb-%d", i), Channel: "C012AB3CD4E"}, slack.Permanent
			}
			if r := c.Send(t.Context(), target, notice()); r.Outcome != want {
				t.Errorf("%d: %#v", i, r)
			}
		})
	}
	group.Wait()
	if n := w.asked(); n != 64 {
		t.Errorf("%d requests, want 64", n)
	}
}

// What a library's client per post costs, and the composing of a message.
func BenchmarkLibraryClient(b *testing.B) {
	h := egress.NewClient(egress.Options{})
	b.ReportAllocs()
	for b.Loop() {
		library.New(token, library.OptionHTTPClient(h), library.OptionAPIURL("https://slack.com/api/"))
	}
}

func BenchmarkPayload(b *testing.B) {
	m := notice()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := slack.Payload(m); err != nil {
			b.Fatal(err)
		}
	}
}
