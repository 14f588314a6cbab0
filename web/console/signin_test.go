package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/web"
)

const password = "correct horse battery"

// account adds somebody who can sign in.
func (d *desk) account(email string, role actor.Role) *accounts.Account {
	d.t.Helper()
	a := &accounts.Account{Email: email, Name: "Petra " + string(role), Role: role}
	d.ok(d.site.Accounts.Create(d.t.Context(), actor.ForSystem(), a, password))
	return a
}

// stranger has no session.
func (d *desk) stranger() *reader {
	return &reader{d: d, lang: "en", client: &http.Client{Jar: &cookies{values: map[string]string{}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account("petra@nordlicht.example", actor.Editor)
	r := d.stranger()
	sent := r.get("/console/vendors?query=a").want(303).Header.Get("Location")
	if want := "/console/sign-in?next=%2Fconsole%2Fvendors%3Fquery%3Da"; sent != want {
		t.Fatalf("sent to %q, want %q", sent, want)
	}
	r.post("/console/vendors", nil).want(401, "You are not signed in")
	form := r.get(sent).want(200, "Sign in").without("Home", "Sign out").form("/console/sign-in")

	// A wrong password and an unknown address get the same answer.
	wrong := r.refused(form.fill("email", "petra@nordlicht.example", "password", "wrong"), 422, "The email address and the password don't match")
	unknown := r.refused(form.fill("email", "nobody@nordlicht.example"), 422, "The email address and the password don't match")
	if a, b := faceless(wrong.Body), faceless(unknown.Body); a != b {
		t.Errorf("the two answers differ:\n%s\n%s", a, b)
	}
	if strings.Contains(wrong.Body, `value="wrong"`) {
		t.Error("the page sends the password back")
	}
	r.refused(form.fill("email", "", "password", ""), 422, "Password is missing.")

	in := r.submit(form.fill("email", "Petra@nordlicht.example", "password", password)).want(303)
	if got := in.Header.Get("Location"); got != "/console/vendors?query=a" {
		t.Errorf("sent to %q after signing in", got)
	}
	r.get("/console/vendors").want(200, "Petra editor", "Sign out")
	r.get("/console/sign-in?next=/console/ledger").want(303)
	r.follow(r.post("/console/sign-out", nil)).want(200, "You are signed out.")
	r.get("/console/vendors").want(303)
}

var petra = regexp.MustCompile(`(petra|nobody)@nordlicht\.example|[0-9a-f]{8}-[0-9a-f-]{27}|name="_key" value="[^"]*"`)

func faceless(body string) string { return petra.ReplaceAllString(main(body), "") }

func TestTheCookieIsGuarded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account("petra@nordlicht.example", actor.Editor)
	secure, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.nordlicht.example"}, Logger: d.log, Now: d.Clock.Now})
	d.ok(err)
	_, err = New(secure, d.site.Services)
	d.ok(err)
	for _, c := range []struct {
		handler http.Handler
		want    string
	}{
		{d.kit.Handler(), `^fairnotice_session=[^;]{40,}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax$`},
		{secure.Handler(), `^__Host-fairnotice_session=[^;]{40,}; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$`},
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/console/sign-in", strings.NewReader(url.Values{"email": {"petra@nordlicht.example"}, "password": {password}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		c.handler.ServeHTTP(w, req)
		if got := w.Header().Get("Set-Cookie"); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("cookie %q, want %s", got, c.want)
		}
	}
}

func TestNextLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"": "/console", "/console": "/console", "/console?x=1": "/console?x=1", "/console/vendors?a=b": "/console/vendors?a=b",
		"//evil.example": "/console", "https://evil.example/console": "/console", "/\\evil.example": "/console", "/public": "/console",
		"/consolevil": "/console", "/console/../public": "/console", "/console/sign-in": "/console", "/console/sign-out": "/console", "/console/sign-in?next=/x": "/console",
		"javascript:alert(1)": "/console", "/console/\r\nSet-Cookie: a=b": "/console",
	} {
		if got := nextPath(next); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.account("petra@nordlicht.example", actor.Editor)
	r := d.stranger()
	form := r.get("/console/sign-in").form("/console/sign-in").fill("email", "petra@nordlicht.example", "password", "wrong")
	for range 5 {
		r.submit(form).want(422)
	}
	if got := r.submit(form.fill("password", password)).want(429, "Too many failed attempts. Wait 30 seconds").Header.Get("Retry-After"); got != "30" {
		t.Errorf("Retry-After %q", got)
	}
	// One network tries many addresses: nobody's password is even looked at any more.
	for i := range signInBurst {
		r.submit(form.fill("email", "", "password", "")) // what is left of the allowance
		_ = i
	}
	r.submit(form.fill("email", "other@nordlicht.example", "password", "x")).want(429, "Too many failed attempts")
	d.Clock.Add(signInEvery * 4)
	r.submit(form.fill("email", "petra@nordlicht.example", "password", password)).want(303)
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.account("petra@nordlicht.example", actor.Editor)
	r, elsewhere := d.as(a.Actor()), d.as(a.Actor())
	page := r.get("/console/account").want(200, "petra@nordlicht.example", "Editor")
	change := page.form("/console/account/password")
	r.submit(change.fill("password", "a new and long one")).want(422, "Current password is missing.")
	r.submit(change.fill("current_password", "wrong", "password", "a new and long one")).want(422, "Current password is not right.")
	r.submit(change.fill("current_password", password, "password", "short")).want(422, "Password is too short. Use 12 characters or more")
	r.follow(r.submit(change.fill("current_password", password, "password", "a new and long one"))).want(200, "Your password is changed.")
	elsewhere.get("/console/account").want(303) // its session is over

	language := r.get("/console/account").form("/console/account/language")
	r.submit(language.fill("language", "tlh")).want(422, "is not a language that we speak")
	r.follow(r.submit(language.fill("language", "de"))).want(200, "Ihre Sprache ist gespeichert.", "Anbieter")
	fresh := d.as(a.Actor())
	fresh.get("/console/vendors").want(200, "Anbieter hinzufügen") // whatever the browser wants
}
