package inbox_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/demo/inbox"
	"fairnotice/internal/demo/site"
	"fairnotice/internal/notify/email"
)

// opened is an inbox on a site of its own.
type opened struct {
	*inbox.Inbox
	site *site.Site
}

func (o *opened) URL() string { return o.site.URL() }

// Close ends both.
func (o *opened) Close(ctx context.Context) error {
	return errors.Join(o.Inbox.Close(), o.site.Close(ctx))
}

const fairnotice = "http://127.0.0.1:8080"

// open runs an inbox in a folder until the test ends.
func open(t *testing.T, o inbox.Options) *opened {
	t.Helper()
	return openBeside(t, o, fairnotice)
}

// openBeside runs one for the server at an address.
func openBeside(t *testing.T, o inbox.Options, server string) *opened {
	t.Helper()
	s, err := site.Open(site.Options{Addr: "127.0.0.1:0", Fairnotice: server, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	if o.SMTPAddr == "" {
		o.SMTPAddr = "127.0.0.1:0"
	}
	i, err := inbox.Open(s, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	out := &opened{i, s}
	t.Cleanup(func() { _ = out.Close(context.Background()) })
	return out
}

// newPool is the product's own way to send.
func newPool(t *testing.T, i *opened) *email.Pool {
	t.Helper()
	cfg, err := email.ParseURL(i.SMTPURL())
	if err != nil {
		t.Fatal(err)
	}
	p := email.NewPool(cfg, 2, nil)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

var composed = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// compose makes a message as the product does.
func compose(t *testing.T, m email.Message) []byte {
	t.Helper()
	m.From, m.FromName, m.MessageID, m.Date, m.Boundary = "notices@nordlicht.example", "Nördlicht", "1@nordlicht.example", composed, "fn_1"
	raw, err := email.NewComposer(nil).Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func send(t *testing.T, p *email.Pool, to string, raw []byte) email.Result {
	t.Helper()
	return p.Send(t.Context(), email.Envelope{From: "notices@nordlicht.example", To: to}, raw)
}

func accepted(t *testing.T, p *email.Pool, to string, raw []byte) {
	t.Helper()
	if r := send(t, p, to, raw); r.Outcome != email.Accepted {
		t.Fatalf("%s: %+v", to, r)
	}
}

// stored are the messages in the folder, the oldest first.
func stored(t *testing.T, dir string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(raw))
	}
	return out
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	answer, err := http.Get(address)
	return read(t, answer, err)
}

func read(t *testing.T, answer *http.Response, err error) (int, http.Header, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

func contains(t *testing.T, where, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %q:\n%s", where, want, body)
		}
	}
}

var messageLink = regexp.MustCompile(`/messages/[0-9TZ.]+`)

// links are the addresses of the messages on the list's page.
func links(t *testing.T, i *opened, query string) []string {
	t.Helper()
	_, _, body := get(t, i.URL()+query)
	var out []string
	for _, path := range messageLink.FindAllString(body, -1) {
		out = append(out, strings.TrimSuffix(i.URL(), "/")+path)
	}
	return out
}

// What arrives is kept as it arrived, dots at the start of lines and all, and is there after a restart.
func TestKeepsMessagesByteForByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "inbox")
	i := open(t, inbox.Options{Dir: dir})
	p := newPool(t, i)
	raws := []string{
		string(compose(t, email.Message{To: "dpo@kunde.example", Subject: "Änderung", Text: ".\n..zwei\nGrüße", HTML: "<p>Grüße</p>"})),
		"Subject: plain\r\n\r\n.hidden\r\n\r\n.\r\ntab\there \r\n",
		"no headers at all\r\n",
	}
	for _, raw := range raws {
		accepted(t, p, "dpo@kunde.example", []byte(raw))
	}
	if d := cmp.Diff(raws, stored(t, dir)); d != "" {
		t.Errorf("(-sent +kept):\n%s", d)
	}
	_, _, before := get(t, i.URL())
	if err := i.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, inbox.Options{Dir: dir})
	_, _, after := get(t, again.URL())
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the list after a restart (-before +after):\n%s", d)
	}
	contains(t, "the list", after, "3 messages", "Änderung", "dpo@kunde.example", "(no subject)")
}

func TestRefusesSomeAddresses(t *testing.T) {
	dir := t.TempDir()
	p := newPool(t, open(t, inbox.Options{Dir: dir}))
	raw := []byte("Subject: x\r\n\r\nx\r\n")
	type verdict struct {
		Outcome  email.Outcome
		Stage    email.Stage
		Code     int
		Enhanced string
	}
	gone := verdict{email.Permanent, email.StageRcpt, 550, "5.1.1"}
	later := verdict{email.Temporary, email.StageRcpt, 451, "4.7.1"}
	taken := verdict{email.Accepted, email.StageData, 250, "2.0.0"}
	for n, c := range []struct {
		to   string
		want verdict
	}{
		{"bounce.back@kunde.example", gone}, {"bounce.back@kunde.example", gone},
		{"greylist@kunde.example", later}, {"Greylist@kunde.example", taken},
		{"greylist@kunde.example", later}, {"greylist@other.example", later}, {"greylist@kunde.example", taken},
		{"no-bounce@kunde.example", taken},
	} {
		r := send(t, p, c.to, raw)
		if d := cmp.Diff(c.want, verdict{r.Outcome, r.Stage, r.Code, r.Enhanced}); d != "" {
			t.Errorf("%d: %s (-want +got):\n%s%s", n, c.to, d, r.Answer)
		}
	}
	if n := len(stored(t, dir)); n != 3 {
		t.Errorf("%d messages were kept, want 3", n)
	}
}

func TestRefusesWhatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	i := open(t, inbox.Options{Dir: dir})
	line := strings.Repeat("x", 98) + "\r\n"
	raw := "Subject: large\r\n\r\n" + strings.Repeat(line, inbox.MaxMessage/len(line)+1)
	if r := send(t, newPool(t, i), "a@kunde.example", []byte(raw)); r.Outcome != email.Permanent || r.Enhanced != "5.3.4" {
		t.Errorf("a sender that asks first: %+v", r)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(i.SMTPURL(), "smtp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n"+raw+".\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	talk, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "the conversation", string(talk), "PIPELINING", "\r\n552 5.3.4")
	if n := len(stored(t, dir)); n != 0 {
		t.Errorf("%d messages were kept", n)
	}
}

// A sender that hangs up in mid message leaves nothing.
func TestHalfAMessageIsNone(t *testing.T) {
	dir := t.TempDir()
	i := open(t, inbox.Options{Dir: dir})
	conn, err := net.Dial("tcp", strings.TrimPrefix(i.SMTPURL(), "smtp://"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: half\r\n\r\nhalf a mess")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	if n := len(stored(t, dir)); n != 0 {
		t.Errorf("%d messages were kept", n)
	}
}

func TestTheOldestGo(t *testing.T) {
	dir := t.TempDir()
	i := open(t, inbox.Options{Dir: dir, Keep: 2})
	p := newPool(t, i)
	for _, n := range []string{"1", "2", "3"} {
		accepted(t, p, "a@kunde.example", []byte("Subject: "+n+"\r\n\r\nx\r\n"))
	}
	if d := cmp.Diff([]string{"Subject: 2\r\n\r\nx\r\n", "Subject: 3\r\n\r\nx\r\n"}, stored(t, dir)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := i.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	open(t, inbox.Options{Dir: dir, Keep: 1})
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("after opening with room for one: %v", files)
	}
}

func TestTheListIsSearchedAndPaged(t *testing.T) {
	i := open(t, inbox.Options{Dir: t.TempDir()})
	_, header, body := get(t, i.URL())
	contains(t, "the empty page", body, "Nothing has arrived yet", `href="http://127.0.0.1:8080/console"`)
	contains(t, "the policy", header.Get("Content-Security-Policy"), "default-src 'none'")
	p := newPool(t, i)
	for n := range 60 {
		to := "even@kunde.example"
		if n%2 == 1 {
			to = "odd@kunde.example"
		}
		accepted(t, p, to, []byte("Subject: number "+string(rune('A'+n))+"\r\n\r\nx\r\n"))
	}
	first := links(t, i, "")
	_, _, body = get(t, i.URL())
	contains(t, "the first page", body, "60 messages", "Older messages")
	_, _, newest := get(t, first[0])
	contains(t, "the first message", newest, "number "+string(rune('A'+59)))
	second := links(t, i, "?before="+strings.TrimPrefix(messageLink.FindString(first[len(first)-1]), "/messages/"))
	if len(first) != 50 || len(second) != 10 || first[49] <= second[0] {
		t.Errorf("pages of %d and %d messages", len(first), len(second))
	}
	if n := len(links(t, i, "?q=ODD%40")); n != 30 {
		t.Errorf("%d messages to odd@, want 30", n)
	}
	if n := len(links(t, i, "?q=number+b")); n != 2 { // B and b
		t.Errorf("%d messages with the subject, want 2", n)
	}
	_, _, body = get(t, i.URL()+"?q=%3Cscript%3E")
	contains(t, "a search in vain", body, "No message has “&lt;script&gt;”")
}

func TestTheViewsOfAMessage(t *testing.T) {
	i := open(t, inbox.Options{Dir: t.TempDir()})
	raw := compose(t, email.Message{To: "dpo@kunde.example", ToName: "Frau Probe", Subject: "Prüfung <b>",
		Text: "See https://x.example/a?b=c. Yes\n", HTML: `<html><head><title>x</title></head><body><a href="https://x.example/">here</a><script>alert(1)</script></body></html>`})
	accepted(t, newPool(t, i), "dpo@kunde.example", raw)
	at := links(t, i, "")[0]

	_, _, body := get(t, at)
	contains(t, "the page", body, "Prüfung &lt;b&gt;", "Frau Probe", `<iframe src="/messages/`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, "22 Nov 2026")
	if strings.Contains(body, "/unsubscribe") {
		t.Error("a contract recipient's message has a button to unsubscribe")
	}
	_, header, body := get(t, at+"/html")
	contains(t, "the frame", body, `<head><base target="_blank">`, "here")
	contains(t, "the frame's policy", header.Get("Content-Security-Policy"), "default-src 'none'", "sandbox allow-popups")
	if strings.Contains(header.Get("Content-Security-Policy"), "allow-scripts") {
		t.Error("scripts run in the frame")
	}
	_, _, body = get(t, at+"?view=text")
	contains(t, "the text", body, `See <a href="https://x.example/a?b=c" rel="noreferrer">https://x.example/a?b=c</a>. Yes`)
	_, _, body = get(t, at+"?view=raw")
	contains(t, "the raw view", body, "Message-ID: &lt;1@nordlicht.example&gt;", "Content-Transfer-Encoding: quoted-printable")
	_, header, body = get(t, at+"/message.eml")
	if body != string(raw) || header.Get("Content-Type") != "message/rfc822" {
		t.Errorf("the download differs from what was sent, or isn't one: %v", header)
	}
	for _, address := range []string{at + "0", i.URL() + "messages/..%2Fx", i.URL() + "nothing"} {
		if status, _, _ := get(t, address); status != http.StatusNotFound {
			t.Errorf("%s: %d", address, status)
		}
	}
}

func TestOneClickUnsubscribing(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body)+" cookies:"+r.Header.Get("Cookie"))
		if r.URL.Path == "/unsubscribe/old" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer server.Close()
	i := openBeside(t, inbox.Options{Dir: t.TempDir()}, server.URL)
	p := newPool(t, i)
	for _, m := range []email.Message{
		{ListUnsubscribe: server.URL + "/unsubscribe/token", OneClick: true},
		{ListUnsubscribe: server.URL + "/unsubscribe/old", OneClick: true},
		{ListUnsubscribe: "https://elsewhere.example/unsubscribe/token", OneClick: true},
		{ListUnsubscribe: server.URL + "/unsubscribe/token"},
	} {
		m.To, m.Subject, m.Text = "fan@follower.example", "x", "x"
		accepted(t, p, m.To, compose(t, m))
	}
	newestFirst := links(t, i, "")
	for n, c := range []struct {
		status int
		told   string
	}{
		{http.StatusConflict, "named in a contract"},
		{http.StatusConflict, "the only server"},
		{http.StatusBadGateway, "410 Gone"},
		{http.StatusOK, "answered 200 OK"},
	} {
		answer, err := http.PostForm(newestFirst[n]+"/unsubscribe", url.Values{})
		status, _, body := read(t, answer, err)
		if status != c.status {
			t.Errorf("%d: status %d, want %d", n, status, c.status)
		}
		contains(t, newestFirst[n], body, c.told)
	}
	kind := "application/x-www-form-urlencoded List-Unsubscribe=One-Click cookies:"
	if d := cmp.Diff([]string{"POST /unsubscribe/old " + kind, "POST /unsubscribe/token " + kind}, asked); d != "" {
		t.Errorf("what Fairnotice was asked (-want +got):\n%s", d)
	}
	_, _, body := get(t, newestFirst[3])
	contains(t, "a follower's message", body, `<button type="submit">Unsubscribe</button>`)
	// Another site can't press the button.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, newestFirst[3]+"/unsubscribe", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := http.DefaultClient.Do(request)
	if status, _, _ := read(t, answer, err); status != http.StatusForbidden || len(asked) != 2 {
		t.Errorf("a foreign page's post: %d, asked %d times", status, len(asked))
	}
}

// A taken port is no reason to give up.
func TestTakesTheNextFreePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	i := open(t, inbox.Options{Dir: t.TempDir(), SMTPAddr: taken.Addr().String()})
	if strings.Contains(i.SMTPURL(), taken.Addr().String()) {
		t.Errorf("SMTP %s", i.SMTPURL())
	}
	accepted(t, newPool(t, i), "a@kunde.example", []byte("Subject: x\r\n\r\nx\r\n"))
}

// A folder's leftovers do no harm: half a write, an envelope without its message, one that is
// broken, and a message that a person put there.
func TestLeftoversInTheFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"20260101T000000.000000Z.eml.part": "Subject: half", "20260101T000001.000000Z.json": `{}`,
		"20260101T000002.000000Z.eml": "Subject: broken envelope\r\nTo: <a@b.example>\r\n\r\nx", "20260101T000002.000000Z.json": `{"to`,
		"by-hand.eml": "Subject: by hand\r\nTo: <c@d.example>\r\n\r\nx",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, body := get(t, open(t, inbox.Options{Dir: dir}).URL())
	contains(t, "the list", body, "2 messages", "broken envelope", "a@b.example", "by hand", "c@d.example", "1 January 2026")
}
