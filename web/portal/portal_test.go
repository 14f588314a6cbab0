package portal_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
	"fairnotice/web/portal"
)

// house is the portal on a database of its own; log is what the server wrote.
type house struct {
	t     *testing.T
	db    *database.DB
	log   *bytes.Buffer
	subs  *subscribers.Service
	links *subscribers.Links
	serve http.Handler
}

func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	db, clock := databasetest.New(t)
	ring, err := secrets.ParseKeyRing(secrets.NewKey("a"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, db: db, log: &bytes.Buffer{}, subs: subscribers.New(db, subscribers.NewVault(ring), subscribers.AddressRules{}), links: subscribers.NewLinks(db, ring)}
	pub := publisher.New(db)
	h.ok(pub.Save(t.Context(), actor.ForSystem(), &publisher.Settings{LegalName: "Nordlicht Software GmbH", Country: "DE",
		PrivacyEmail: "privacy@nordlicht.example", TimeZone: "Europe/Berlin", Language: "de"}))
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.example"},
		Logger: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: clock.Now})
	h.ok(err)
	_, err = portal.New(kit, portal.Services{Publisher: pub, Links: h.links})
	h.ok(err)
	h.serve = kit.Handler()
	return h
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) follower(language string) *subscribers.Subscription {
	h.t.Helper()
	return h.subscribe("fred@follower.example", language)
}

func (h *house) followerAt(address string) *subscribers.Subscription {
	h.t.Helper()
	return h.subscribe(address, "en")
}

func (h *house) subscribe(address, language string) *subscribers.Subscription {
	h.t.Helper()
	s := &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: subscribers.Email, Address: address,
		Language: language, ConsentHow: "by hand"}
	h.ok(h.subs.Subscribe(h.t.Context(), actor.ForSystem(), s))
	return s
}

// recipient is a customer's contact, told because a contract says so.
func (h *house) recipient() *subscribers.Subscription {
	h.t.Helper()
	ctx, who := h.t.Context(), actor.ForSystem()
	product := &publisher.Product{Slug: "desk", Name: "Desk"}
	h.ok(publisher.New(h.db).AddProduct(ctx, who, product))
	c := &subscribers.Customer{ProductIDs: []uuid.UUID{product.ID}, Name: "Alpha AG", ExternalID: "a", Role: subscribers.Controller, Region: "eea", Country: "DE", TimeZone: "Europe/Berlin", Language: "de"}
	h.ok(h.subs.CreateCustomer(ctx, who, c))
	h.ok(h.subs.AddContact(ctx, who, &subscribers.Contact{CustomerID: c.ID, Name: "Kim", Email: "kim@alpha.example", Language: "de",
		Roles: []string{subscribers.RoleNotices}}, subscribers.Consent{}))
	page, err := h.subs.Subscriptions(ctx, subscribers.SubscriptionFilter{Customer: c.ID})
	h.ok(err)
	if len(page.Rows) != 1 {
		h.t.Fatalf("%d subscriptions", len(page.Rows))
	}
	return &page.Rows[0].Subscription
}

func (h *house) path(s *subscribers.Subscription) string {
	h.t.Helper()
	token, err := h.links.UnsubscribeToken("", s.ID, s.LinkEpoch)
	h.ok(err)
	return "/unsubscribe/" + token
}

func (h *house) state(id uuid.UUID) (subscribers.State, string) {
	h.t.Helper()
	s, err := h.subs.Subscription(h.t.Context(), id)
	h.ok(err)
	return s.State, s.StateReason
}

func (h *house) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.serve.ServeHTTP(w, r)
	return w
}

func (h *house) want(w *httptest.ResponseRecorder, status int, texts ...string) {
	h.t.Helper()
	body := strings.ReplaceAll(w.Body.String(), "&#39;", "'")
	if w.Code != status {
		h.t.Errorf("status %d, want %d: %s", w.Code, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			h.t.Errorf("no %q in %s", text, body)
		}
	}
}

const oneClick = "List-Unsubscribe=One-Click"

// foreign are the headers of a POST that another site makes a browser send, or a mail provider.
var foreign = []string{"Origin", "https://mail.example", "Sec-Fetch-Site", "cross-site"}

func TestLookingChangesNothing(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	for _, method := range []string{"GET", "HEAD", "GET"} {
		w := h.do(method, h.path(s), "")
		if w.Code != 200 || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" ||
			!strings.Contains(w.Header().Get("X-Robots-Tag"), "noindex") {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	h.want(h.do("GET", h.path(s), ""), 200, "Stop these messages?", "fred@follower.example", `<form method="post">`, "Nordlicht Software GmbH")
	// A POST that says neither "one click" nor "yes" is a look, too.
	h.want(h.do("POST", h.path(s), "a=b", foreign...), 200, "Stop these messages?")
	if state, _ := h.state(s.ID); state != subscribers.Active {
		t.Errorf("after looking: %s", state)
	}
}

func TestOneClick(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	for range 2 {
		w := h.do("POST", h.path(s), oneClick, foreign...)
		h.want(w, 200, "You are unsubscribed", "privacy@nordlicht.example")
		if len(w.Result().Cookies()) != 0 {
			t.Errorf("sets cookies: %v", w.Result().Cookies())
		}
		if state, how := h.state(s.ID); state != subscribers.Unsubscribed || how != "one-click" {
			t.Errorf("%s by %q", state, how)
		}
	}
	h.want(h.do("GET", h.path(s), ""), 200, "You are unsubscribed", "To follow again")
}

func TestOneClickAsMultipart(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	h.ok(form.WriteField("List-Unsubscribe", "One-Click"))
	h.ok(form.Close())
	h.want(h.do("POST", h.path(s), body.String(), "Content-Type", form.FormDataContentType()), 200, "You are unsubscribed")
	if state, _ := h.state(s.ID); state != subscribers.Unsubscribed {
		t.Errorf("state %s", state)
	}
}

func TestTheButton(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	w := h.do("POST", h.path(s), "confirm=yes", "Origin", "https://trust.example", "Sec-Fetch-Site", "same-origin")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != h.path(s) {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	h.want(h.do("GET", w.Header().Get("Location"), ""), 200, "You are unsubscribed")
	if state, how := h.state(s.ID); state != subscribers.Unsubscribed || how != "page" {
		t.Errorf("%s by %q", state, how)
	}
}

func TestLanguageOfTheSubscription(t *testing.T) {
	h := newHouse(t)
	s := h.follower("de")
	h.want(h.do("GET", h.path(s), ""), 200, `lang="de"`, "Diese Nachrichten abbestellen?")
	h.want(h.do("GET", h.path(s)+"?lang=en", ""), 200, `lang="en"`, "Stop these messages?")
	h.want(h.do("POST", h.path(s), oneClick), 200, "Sie sind abgemeldet")
}

func TestContractRecipientsStay(t *testing.T) {
	h := newHouse(t)
	s := h.recipient()
	h.want(h.do("GET", h.path(s), ""), 200, "lassen sich hier nicht abstellen", "privacy@nordlicht.example", "Nordlicht Software GmbH")
	if strings.Contains(h.do("GET", h.path(s), "").Body.String(), "<form") {
		t.Error("the page offers a button")
	}
	for _, body := range []string{oneClick, "confirm=yes"} {
		h.want(h.do("POST", h.path(s), body), 409, "lassen sich hier nicht abstellen")
	}
	if state, _ := h.state(s.ID); state != subscribers.Active {
		t.Errorf("state %s", state)
	}
}

func TestBrokenLinks(t *testing.T) {
	h := newHouse(t)
	s := h.follower("de")
	good := h.path(s)
	other, err := secrets.ParseKeyRing(secrets.NewKey("a"))
	h.ok(err)
	token, err := subscribers.NewLinks(h.db, other).UnsubscribeToken("", s.ID, 1)
	h.ok(err)
	unknown, err := h.links.UnsubscribeToken("", uuid.New(), 1)
	h.ok(err)
	for name, path := range map[string]string{"cut": good[:len(good)-4], "altered": good[:len(good)-6] + "AAAAAA", "foreign": "/unsubscribe/" + token,
		"of nobody": "/unsubscribe/" + unknown, "nonsense": "/unsubscribe/x"} {
		for _, method := range []string{"GET", "POST"} {
			w := h.do(method, path, oneClick)
			h.want(w, 404, "This link doesn't work", "not complete or not one of ours", "Nothing was changed", "privacy@nordlicht.example", `lang="en"`)
			if strings.Contains(w.Body.String(), "fred") {
				t.Errorf("%s link: shows whose it is", name)
			}
		}
	}
	h.ok(h.subs.RevokeLinks(t.Context(), actor.ForSystem(), s.ID))
	for _, method := range []string{"GET", "POST"} {
		w := h.do(method, good, oneClick)
		h.want(w, 410, "no longer valid")
		if strings.Contains(w.Body.String(), "fred") {
			t.Error("a revoked link shows whose it was")
		}
	}
	if state, _ := h.state(s.ID); state != subscribers.Active {
		t.Errorf("state %s", state)
	}
}

func TestBadBodies(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	h.want(h.do("POST", h.path(s), "confirm=yes&x="+strings.Repeat("a", 20<<10)), 413, "16 kB")
	h.want(h.do("POST", h.path(s), "confirm=%ff%fe"), 200, "Stop these messages?")
	if state, _ := h.state(s.ID); state != subscribers.Active {
		t.Errorf("state %s", state)
	}
}

func TestLogsKeepNoTokenAndNoAddress(t *testing.T) {
	h := newHouse(t)
	s := h.follower("en")
	path := h.path(s)
	h.do("GET", path, "")
	h.do("GET", path[:len(path)-3], "")
	h.do("POST", path, oneClick)
	h.do("POST", path+"/more", oneClick)
	token := strings.TrimPrefix(path, "/unsubscribe/")
	log := h.log.String()
	if !strings.Contains(log, "/unsubscribe/:token") {
		t.Fatalf("the log says nothing: %s", log)
	}
	if strings.Contains(log, token[5:25]) || strings.Contains(log, "fred") {
		t.Errorf("the log tells: %s", log)
	}
}
