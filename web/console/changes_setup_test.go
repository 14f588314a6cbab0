package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/egress"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/notify/webhook"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// desk is the console on a real database, with a real mail server behind it.
type desk struct {
	*housetest.House
	site     *Site
	kit      *web.Kit
	server   *httptest.Server
	relay    *housetest.Relay
	outlets  *httptest.Server // of webhooks and Slack
	notify   *notify.Service
	email    *notify.Email
	channels []notify.Channel
	log      *slog.Logger
	t        testing.TB
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return deskOn(t, housetest.New(t))
}

func deskOn(t testing.TB, h *housetest.House) *desk {
	t.Helper()
	d := &desk{House: h, relay: housetest.StartRelay(t), outlets: startOutlets(t), log: slog.New(slog.DiscardHandler), t: t}
	ring, err := secrets.ParseKeyRing(secrets.NewKey("k1"))
	d.ok(err)
	links := subscribers.NewLinks(h.DB, ring)
	d.notify, err = notify.New(h.DB, h.Jobs, h.Changes, h.Vendors, h.Publisher, links, notify.Options{
		PublicURL: "https://trust.nordlicht.example", MailFrom: "notices@nordlicht.example", Channels: subscribers.Channels})
	d.ok(err)
	cfg, err := email.ParseURL("smtp://" + d.relay.Address)
	d.ok(err)
	pool := email.NewPool(cfg, 4, d.log)
	t.Cleanup(func() { _ = pool.Close() })
	d.email = notify.NewEmail(email.NewComposer(nil), pool, links, notify.EmailLimits{Connections: 4, PerDomain: 4})
	client := egress.NewClient(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	hooks := notify.NewWebhook(webhook.NewClient(client), h.Vault, links, notify.WebhookLimits{Concurrency: 4})
	messages := notify.NewSlack(slack.NewClient(slack.Options{HTTP: client, APIURL: d.outlets.URL + "/api/"}), h.Vault, links)
	d.channels = []notify.Channel{d.email, hooks, messages}
	d.kit, err = web.New(web.Options{PublicURL: &url.URL{Scheme: "http", Host: "trust.nordlicht.example"}, Logger: d.log,
		Publisher: "Nordlicht Software GmbH", Now: h.Clock.Now})
	d.ok(err)
	d.site, err = New(d.kit, Services{DB: h.DB, Accounts: accounts.New(h.DB), Publisher: h.Publisher, Vendors: h.Vendors,
		Subscribers: h.Subscribers, Changes: h.Changes, Notify: d.notify,
		Composer: notify.Composers{notify.ChannelEmail: d.email, notify.ChannelWebhook: hooks, notify.ChannelSlack: messages}})
	d.ok(err)
	d.server = httptest.NewServer(d.kit.Handler())
	t.Cleanup(d.server.Close)
	return d
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// reader is somebody at the console.
type reader struct {
	d      *desk
	client *http.Client
	lang   string
}

// session opens a session of an account, and returns what its cookie holds.
func (d *desk) session(who actor.Actor) string {
	d.t.Helper()
	token := secrets.Token()
	now := d.Clock.Now()
	_, err := d.DB.Pool().Exec(d.t.Context(), `insert into sessions (digest, account_id, created_at, seen_at, expires_at) values ($1, $2, $3, $3, $4)`,
		secrets.Digest(token), who.ID, now, now.Add(30*24*time.Hour))
	d.ok(err)
	return token
}

// as signs an account in, by its session alone: hashing passwords is tested elsewhere.
func (d *desk) as(who actor.Actor) *reader {
	d.t.Helper()
	token := d.session(who)
	jar := &cookies{values: map[string]string{d.site.cookieName(): token}}
	return &reader{d: d, lang: "en", client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// cookies keeps cookies by name, whatever the host: net/http/cookiejar refuses none of ours, but
// wants a list of public suffixes.
type cookies struct {
	mu     sync.Mutex
	values map[string]string
}

func (j *cookies) SetCookies(_ *url.URL, list []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range list {
		if c.MaxAge < 0 {
			delete(j.values, c.Name)
			continue
		}
		j.values[c.Name] = c.Value
	}
}

func (j *cookies) Cookies(*url.URL) (out []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for name, value := range j.values {
		out = append(out, &http.Cookie{Name: name, Value: value})
	}
	return out
}

// answer is what came back.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
}

func (r *reader) do(method, path string, form url.Values) *answer {
	r.d.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(r.d.t.Context(), method, r.d.server.URL+path, body)
	r.d.ok(err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", r.lang)
	res, err := r.client.Do(req)
	r.d.ok(err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	r.d.ok(err)
	return &answer{t: r.d.t, Status: res.StatusCode, Header: res.Header, Body: string(raw)}
}

func (r *reader) get(path string) *answer {
	r.d.t.Helper()
	return r.do(http.MethodGet, path, nil)
}

func (r *reader) post(path string, form url.Values) *answer {
	r.d.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return r.do(http.MethodPost, path, form)
}

// follow opens the page that a POST led to.
func (r *reader) follow(a *answer) *answer {
	r.d.t.Helper()
	if a.Status != http.StatusSeeOther {
		r.d.t.Fatalf("want a redirect, got %d:\n%s", a.Status, main(a.Body))
	}
	path, _, _ := strings.Cut(a.Header.Get("Location"), "#")
	return r.get(path)
}

// want wants a status and texts in the page.
func (a *answer) want(status int, texts ...string) *answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d:\n%s", a.Status, status, main(a.Body))
	}
	for _, text := range texts {
		if !strings.Contains(plain(a.Body), text) {
			a.t.Errorf("the page does not say %q:\n%s", text, plain(main(a.Body)))
		}
	}
	return a
}

// without wants texts not to be in the page.
func (a *answer) without(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(plain(a.Body), text) {
			a.t.Errorf("the page says %q", text)
		}
	}
	return a
}

// hidden is the value of a hidden field of the page's form.
func (a *answer) hidden(name string) string {
	a.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.Body)
	if m == nil {
		a.t.Fatalf("no hidden field %s", name)
	}
	return m[1]
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

func main(body string) string {
	if _, after, ok := strings.Cut(body, "<main"); ok {
		body, _, _ = strings.Cut(after, "</main>")
	}
	return body
}

// plain is a page's text as people read it.
func plain(body string) string {
	text := tags.ReplaceAllString(body, " ")
	for from, to := range map[string]string{"&#39;": "'", "&amp;": "&", "&#34;": `"`, "&#43;": "+", "&lt;": "<", "&gt;": ">"} {
		text = strings.ReplaceAll(text, from, to)
	}
	return strings.NewReplacer(" .", ".", " ,", ",").Replace(spaces.ReplaceAllString(text, " "))
}

// send runs the sender until no delivery is due, then stops it.
func (d *desk) send() {
	d.t.Helper()
	s := notify.StartSender(d.DB, d.Jobs, d.log, d.channels...)
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s.Stop(ctx)
	}()
	for _, c := range d.channels {
		s.Wake(c.Name())
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var n int
		d.ok(d.DB.Pool().QueryRow(context.Background(), "select count(*) from deliveries where due_at <= $1 or state = 'sending'", d.Clock.Now()).Scan(&n))
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatal("waited a minute in vain: no delivery is due")
		}
	}
}

// today is the publisher's day, so many days later.
func (d *desk) today(days int) calendar.Date {
	settings, err := d.Publisher.Get(d.t.Context())
	d.ok(err)
	return settings.Today(d.Clock.Now()).AddDays(days)
}
