package hooks_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fairnotice/internal/demo/hooks"
	"fairnotice/internal/demo/site"
)

const (
	first  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	second = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	third  = "whsec_/////////////////////////////////////////w=="
)

// opened is a receiver on a site of its own.
type opened struct {
	*hooks.Receiver
	site *site.Site
}

// Close ends both.
func (o *opened) Close(ctx context.Context) error {
	return errors.Join(o.Receiver.Close(ctx), o.site.Close(ctx))
}

func open(t *testing.T, o hooks.Options) *opened {
	t.Helper()
	s, err := site.Open(site.Options{Addr: "127.0.0.1:0", Fairnotice: "http://127.0.0.1:8080", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	r, err := hooks.Open(s, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	out := &opened{r, s}
	t.Cleanup(func() { _ = out.Close(context.Background()) })
	return out
}

func learn(t *testing.T, r *opened, name, secret string) {
	t.Helper()
	if err := r.Learn(name, secret); err != nil {
		t.Fatal(err)
	}
}

// message is a webhook to be sent.
type message struct {
	id, secret, body string
	at               time.Time // zero: now
}

// post sends it, signed, unless it has no secret.
func post(t *testing.T, address string, m message) *http.Response {
	t.Helper()
	if m.at.IsZero() {
		m.at = time.Now()
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(m.body))
	if err != nil {
		t.Fatal(err)
	}
	if m.secret != "" {
		hook, err := standardwebhooks.NewWebhook(m.secret)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := hook.Sign(m.id, m.at, []byte(m.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("webhook-id", m.id)
		request.Header.Set("webhook-timestamp", strconv.FormatInt(m.at.Unix(), 10))
		request.Header.Set("webhook-signature", signature)
	}
	request.Close = true // a kept connection would lead to a receiver that has been closed since
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer
}

const body = `{"type":"change.announced","data":{"change":{"reference":"SP-2026-001"}},"html":"<script>alert(1)</script>"}`

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

var arrivalLink = regexp.MustCompile(`/webhooks/[0-9TZ.]+`)

// shown are the pages of all arrivals, the newest first.
func shown(t *testing.T, r *opened) (out []string) {
	t.Helper()
	root := strings.TrimSuffix(r.site.URL(), "/")
	_, list := get(t, root+"/webhooks")
	for _, path := range arrivalLink.FindAllString(list, -1) {
		_, one := get(t, root+path)
		out = append(out, one)
	}
	return out
}

func contains(t *testing.T, where, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", where, want, text)
		}
	}
}

func TestVerdicts(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir()})
	learn(t, r, "kunde", first)
	learn(t, r, "kunde", second) // rotated
	cases := []struct {
		what, endpoint string
		m              message
		status         int
		told           string
	}{
		{"the newest secret", "kunde", message{id: "a", secret: second, body: body}, http.StatusNoContent, "Verified with the endpoint’s newest secret"},
		{"the secret before", "kunde", message{id: "b", secret: first, body: body}, http.StatusNoContent, "Verified with the endpoint’s secret before the newest"},
		{"a repeat", "kunde", message{id: "a", secret: second, body: body}, http.StatusNoContent, "a repeat, recognised and dropped"},
		{"another's secret", "kunde", message{id: "c", secret: third, body: body}, http.StatusUnauthorized, "no signature fits"},
		{"unsigned", "kunde", message{body: body}, http.StatusUnauthorized, "a header is missing"},
		{"a late one", "kunde", message{id: "d", secret: second, body: body, at: time.Now().Add(-time.Hour)}, http.StatusUnauthorized, "more than five minutes old"},
		{"an early one", "kunde", message{id: "e", secret: second, body: body, at: time.Now().Add(time.Hour)}, http.StatusUnauthorized, "more than five minutes ahead"},
		{"an endpoint without a secret", "nobody", message{id: "f", secret: second, body: body}, http.StatusUnauthorized, "no secret is known"},
		{"refused before, now right", "kunde", message{id: "c", secret: second, body: body}, http.StatusNoContent, "Verified with the endpoint’s newest secret"},
	}
	for _, c := range cases {
		if answer := post(t, r.Address(c.endpoint), c.m); answer.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", c.what, answer.Status, c.status)
		}
	}
	pages := shown(t, r)
	if len(pages) != len(cases) {
		t.Fatalf("%d arrivals are shown, want %d", len(pages), len(cases))
	}
	for i, c := range cases {
		one := pages[len(pages)-1-i]
		contains(t, c.what, one, c.told, "change.announced SP-2026-001", "&lt;script&gt;", "&#34;reference&#34;: &#34;SP-2026-001&#34;")
		if strings.Contains(one, "<script") {
			t.Errorf("%s: a body's markup is live", c.what)
		}
		if strings.Contains(one, "whsec_") {
			t.Errorf("%s: the page shows a secret", c.what)
		}
	}
}

// Each endpoint that is there to be tried does what it says, by message.
func TestEndpointsToTry(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir()})
	for _, name := range []string{hooks.Slow, hooks.Down, hooks.Gone} {
		learn(t, r, name, first)
	}
	var got []int
	for _, m := range []struct{ endpoint, id string }{
		{hooks.Down, "a"}, {hooks.Down, "a"}, {hooks.Down, "b"}, {hooks.Down, "a"}, {hooks.Down, "a"}, {hooks.Down, "b"}, {hooks.Down, "b"},
		{hooks.Gone, "a"}, {hooks.Gone, "a"}, {hooks.Slow, "a"},
	} {
		answer := post(t, r.Address(m.endpoint), message{id: m.id, secret: first, body: body})
		got = append(got, answer.StatusCode)
		if refused := answer.StatusCode == http.StatusServiceUnavailable; refused != (answer.Header.Get("Retry-After") == "2") {
			t.Errorf("%s with Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
		}
	}
	if d := cmp.Diff([]int{503, 503, 503, 204, 204, 503, 204, 410, 410, 204}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// Whoever can't prove who they are learns nothing of that.
	if answer := post(t, r.Address(hooks.Gone), message{id: "c", secret: second, body: body}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forged one to gone: %s", answer.Status)
	}
}

// A sender that doesn't wait for the slow endpoint's answer has delivered all the same.
func TestASenderThatHangsUp(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir()})
	learn(t, r, hooks.Slow, first)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Address(hooks.Slow), io.MultiReader(strings.NewReader("{}"), after(cancel)))
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = 2
	if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Fatalf("it was answered: %s", answer.Status)
	}
	for range 200 {
		if len(shown(t, r)) == 1 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("what arrived isn't kept")
}

// after is an empty reader that cancels a little after it was read to its end.
func after(cancel context.CancelFunc) io.Reader {
	return readerFunc(func([]byte) (int, error) {
		time.AfterFunc(200*time.Millisecond, cancel)
		return 0, io.EOF
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// After a restart the receiver is where it was, knows its secrets and what it took.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hooks")
	r := open(t, hooks.Options{Dir: dir})
	learn(t, r, "kunde", first)
	learn(t, r, hooks.Down, first)
	address := r.Address("kunde")
	m := message{id: "a", secret: first, body: body}
	post(t, address, m)
	post(t, r.Address(hooks.Down), m)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = open(t, hooks.Options{Dir: dir})
	if r.Address("kunde") != address || !r.Knows("kunde") || r.Knows("other") {
		t.Errorf("it is at %s, was at %s; knows its secret: %v", r.Address("kunde"), address, r.Knows("kunde"))
	}
	if answer := post(t, address, m); answer.StatusCode != http.StatusNoContent {
		t.Errorf("the same message again: %s", answer.Status)
	}
	contains(t, "its page", shown(t, r)[0], "recognised and dropped")
	if one, two := post(t, r.Address(hooks.Down), m), post(t, r.Address(hooks.Down), m); one.StatusCode != 503 || two.StatusCode != 204 {
		t.Errorf("the second and third try: %s, %s", one.Status, two.Status)
	}
	info, err := os.Stat(filepath.Join(dir, "secrets"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secrets' file: %v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hooks.Open(r.site, hooks.Options{Dir: dir, Addr: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("broken secrets: %v", err)
	}
}

func TestSecretsAreEnteredOnThePage(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir()})
	list := r.site.URL() + "webhooks"
	_, text := get(t, list)
	contains(t, "the empty list", text, "Nothing has arrived yet", r.Address(hooks.Gone), "Refuses each message twice", `aria-current="page">Webhooks`)
	enter := func(name, secret string) (int, string) {
		answer, err := http.PostForm(list+"/secrets", url.Values{"name": {name}, "secret": {secret}})
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
	for _, c := range [][2]string{{"mine", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {"mine", "whsec_short"}, {"Mine!", first}, {"mine", ""}} {
		status, text := enter(c[0], c[1])
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", c, status)
		}
		contains(t, "the refusal", text, "The secret can’t be taken", "<title>Error: ")
	}
	status, text := enter("mine", " "+first+" ")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	contains(t, "the list", text, "The endpoint mine verifies with the new secret", r.Address("mine"))
	if answer := post(t, r.Address("mine"), message{id: "x", secret: first, body: "[1]"}); answer.StatusCode != http.StatusNoContent {
		t.Errorf("%s", answer.Status)
	}
	contains(t, "what isn't an object", shown(t, r)[0], "Not a JSON object")
}

func TestTheListIsSearchedAndPaged(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir(), Keep: 55})
	learn(t, r, "a", first)
	for n := range 60 {
		post(t, r.Address("a"), message{id: "msg-" + strconv.Itoa(n), secret: first, body: body})
	}
	list := r.site.URL() + "webhooks"
	_, text := get(t, list)
	contains(t, "the list", text, "55 arrivals", "Older arrivals")
	newest := arrivalLink.FindAllString(text, -1)
	_, text = get(t, list+"?before="+strings.TrimPrefix(newest[len(newest)-1], "/webhooks/"))
	if older := arrivalLink.FindAllString(text, -1); len(newest) != 50 || len(older) != 5 || newest[49] <= older[0] {
		t.Errorf("pages of %d and %d", len(newest), len(older))
	}
	_, text = get(t, list+"?q=MSG-59")
	contains(t, "a search", text, "1 arrival with “MSG-59”")
	_, text = get(t, list+"?q=%3Cb%3E")
	contains(t, "a search in vain", text, "No arrival has “&lt;b&gt;”")
	if status, _ := get(t, list+"/20260101T000000.000000Z"); status != http.StatusNotFound {
		t.Errorf("one that isn't there: %d", status)
	}
}

func TestWhatIsNoWebhook(t *testing.T) {
	r := open(t, hooks.Options{Dir: t.TempDir()})
	if status, text := get(t, r.Address("kunde")); status != http.StatusMethodNotAllowed || !strings.Contains(text, r.site.URL()+"webhooks") {
		t.Errorf("a GET: %d %s", status, text)
	}
	for _, name := range []string{"..", "UPPER", strings.Repeat("x", 60), "a/b"} {
		if answer := post(t, r.Address(name), message{id: "a", secret: first, body: body}); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %s", name, answer.Status)
		}
	}
	learn(t, r, "kunde", first)
	if answer := post(t, r.Address("kunde"), message{id: "a", secret: first, body: strings.Repeat("x", 2<<20)}); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge one: %s", answer.Status)
	}
	if n := len(shown(t, r)); n != 0 {
		t.Errorf("%d arrivals", n)
	}
}
