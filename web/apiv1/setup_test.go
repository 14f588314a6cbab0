package apiv1

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// desk is the API on a real database.
type desk struct {
	*housetest.House
	site     *Site
	kit      *web.Kit
	server   *httptest.Server
	notify   *notify.Service
	accounts *accounts.Service
	level    *slog.Level // of the log
	t        testing.TB
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	level := slog.LevelError
	return deskOn(t, housetest.New(t), &level, slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: &leveled{&level}}))
}

// deskOn is the API on a house, whose server logs to the handler.
func deskOn(t testing.TB, house *housetest.House, level *slog.Level, handler slog.Handler) *desk {
	t.Helper()
	d := &desk{House: house, t: t, level: level}
	log := slog.New(handler)
	ring, err := secrets.ParseKeyRing(d.Keys)
	d.ok(err)
	links := subscribers.NewLinks(d.DB, ring)
	d.notify, err = notify.New(d.DB, d.Jobs, d.Changes, d.Vendors, d.Publisher, links, notify.Options{
		PublicURL: "https://trust.nordlicht.example", MailFrom: "notices@nordlicht.example", Channels: subscribers.Channels})
	d.ok(err)
	mail := notify.NewEmail(email.NewComposer(nil), nil, links, notify.EmailLimits{Connections: 1})
	d.kit, err = web.New(web.Options{PublicURL: &url.URL{Scheme: "http", Host: "trust.nordlicht.example"}, Logger: log,
		Publisher: "Nordlicht Software GmbH", Now: d.Clock.Now, Away: database.Away})
	d.ok(err)
	d.accounts = accounts.New(d.DB)
	d.site, err = New(d.kit, Services{DB: d.DB, Accounts: d.accounts, Publisher: d.Publisher, Vendors: d.Vendors,
		Subscribers: d.Subscribers, Changes: d.Changes, Notify: d.notify, Composer: notify.Composers{notify.ChannelEmail: mail},
		Idempotency: idempotency.New(d.DB, ring), Stopping: make(chan struct{})})
	d.ok(err)
	d.server = httptest.NewServer(d.kit.Handler())
	t.Cleanup(d.server.Close)
	return d
}

// leveled is a level that a test may change.
type leveled struct{ least *slog.Level }

// Level is the least that is logged.
func (l *leveled) Level() slog.Level { return *l.least }

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// program is somebody's program, with a key of theirs.
type program struct {
	d    *desk
	key  string
	lang string
}

// as makes a key with the account's own role.
func (d *desk) as(who actor.Actor) *program {
	d.t.Helper()
	text, err := d.accounts.CreateKey(d.t.Context(), who, &accounts.Key{Name: "test", Role: who.Role, PerMinute: accounts.HighestKeyRate})
	d.ok(err)
	return &program{d: d, key: text, lang: "en"}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// send asks; path is below Prefix. body is sent as JSON, or as it is when it is bytes. Pairs are
// headers.
func (p *program) send(method, path string, body any, pairs ...string) *answer {
	p.d.t.Helper()
	var raw io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		raw = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		p.d.ok(err)
		raw = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(p.d.t.Context(), method, p.d.server.URL+Prefix+path, raw)
	p.d.ok(err)
	r.Header.Set("Authorization", "Bearer "+p.key)
	r.Header.Set("Accept-Language", p.lang)
	if raw != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	response, err := p.d.server.Client().Do(r)
	p.d.ok(err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	p.d.ok(err)
	return &answer{t: p.d.t, Status: response.StatusCode, Header: response.Header, Body: got}
}

func (p *program) get(path string, pairs ...string) *answer {
	p.d.t.Helper()
	return p.send(http.MethodGet, path, nil, pairs...)
}

func (p *program) post(path string, body any, pairs ...string) *answer {
	p.d.t.Helper()
	return p.send(http.MethodPost, path, body, pairs...)
}

func (p *program) put(path, etag string, body any, pairs ...string) *answer {
	p.d.t.Helper()
	return p.send(http.MethodPut, path, body, append([]string{"If-Match", etag}, pairs...)...)
}

// want fails the test unless the status is this one.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("answered %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

// into reads the body.
func (a *answer) into(v any) *answer {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	return a
}

// problem fails the test unless the answer is a problem with this status, whose parts are these codes at
// these fields ("code at field", or "code").
func (a *answer) problem(status int, parts ...string) *web.Problem {
	a.t.Helper()
	a.want(status)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("a problem came as %s", got)
	}
	var p web.Problem
	a.into(&p)
	var got []string
	for _, e := range p.Errors {
		got = append(got, strings.TrimSuffix(e.Code+" at "+e.Field, " at "))
	}
	if strings.Join(got, ", ") != strings.Join(parts, ", ") {
		a.t.Errorf("the problem tells of %q, want %q: %s", got, parts, a.Body)
	}
	return &p
}

func (a *answer) etag() string { return a.Header.Get("ETag") }
