package console

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

var apiKey = regexp.MustCompile(`fnk_[A-Za-z0-9_-]{43}`)

// shownKey is the one key that a page tells, in its field and in the command that tries it.
func (a *answer) shownKey(t *testing.T) string {
	t.Helper()
	found := apiKey.FindAllString(a.Body, -1)
	if len(found) != 2 || found[0] != found[1] || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the page tells %d keys, cached as %q", len(found), a.Header.Get("Cache-Control"))
	}
	for _, cookie := range a.Header.Values("Set-Cookie") {
		if strings.Contains(cookie, found[0]) {
			t.Error("a cookie holds the key")
		}
	}
	return found[0]
}

// newestKey is the key that was made last.
func (d *desk) newestKey() *accounts.Key {
	d.t.Helper()
	page, err := d.site.Accounts.Keys(d.t.Context(), actor.ForSystem(), accounts.KeyFilter{Limit: 1})
	d.ok(err)
	return &page.Keys[0]
}

func TestAKeyIsMadeAndShownOnce(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	r.get(accountPath).want(200, "Your API keys")
	r.get(keysPath).want(200, "There are no API keys", "Make a key")
	form := r.get(keysPath+"/new").want(200, "Keeps the register").without("Administrator", "Approver").form(keysPath)
	for _, bad := range []badValue{
		{"no name", "name", "", "Name is missing."},
		{"more than one's own", "role", "approver", "a key can't be worth more than the role of whoever makes it, editor"},
		{"a role of nobody's", "role", "king", "Role: “king” is not one of the choices."},
		{"no life", "life", "", "Works for is missing."},
		{"another life", "life", "1000", "Works for: “1000” is not one of the choices."},
		{"no day", "expires_on", "never", "is not a date."},
		{"past", "expires_on", "1 November 2026", "is in the past."},
		{"too late", "expires_on", "1 January 2030", "A key lives 366 days at most"},
		{"no network", "networks", "198.51.100.0/24\r\nall", "Networks: “all” is not a network."},
		{"not a number", "per_minute", "many", "Requests a minute is not a whole number."},
		{"too fast", "per_minute", "60001", "Requests a minute is out of range."},
	} {
		was := form.values[bad.field]
		form.fill("name", "pipeline")
		if bad.field == "role" || bad.field == "life" { // what isn't among the choices can't be shown again
			r.submit(form.fill(bad.field, bad.value)).want(422, bad.sentence)
		} else {
			r.refused(form.fill(bad.field, bad.value), 422, bad.sentence)
		}
		form.values[bad.field] = was
	}
	form.fill("name", "pipeline", "role", "reviewer", "life", "7", "networks", "198.51.100.0/24\r\n2001:db8::/32", "per_minute", "")
	text := r.submit(form).want(200, "Key for pipeline", "This is shown only once.", "curl -H", "/api/v1/me").shownKey(t)
	who, k, err := d.site.Accounts.KeyActor(t.Context(), text, netip.MustParseAddr("198.51.100.7"))
	d.ok(err)
	if who.ID != d.Editor.ID || who.Role != actor.Reviewer || len(k.Networks) != 2 || k.PerMinute != accounts.DefaultKeyRate || !k.ExpiresAt.Equal(d.Clock.Now().AddDate(0, 0, 7)) {
		t.Errorf("the key acts as %+v, %+v", who, k)
	}
	r.follow(r.submit(form)).want(200, "This key was made already", "pipeline").without(text) // the page loaded again
	r.get(keysPath).want(200, "pipeline", k.Hint, "Reviewer", "198.51.100.0/24", "29 November 2026").want(200, "Last used").without(text)
	r.get(keysPath+"?lang=de").want(200, "Ihre API-Schlüssel", "Prüfung", "Zuletzt benutzt")

	settings, err := d.Publisher.Get(t.Context())
	d.ok(err)
	day := r.get(keysPath+"/new").form(keysPath).fill("name", "until a day", "expires_on", "1 December 2026")
	r.submit(day).want(200)
	if ends := d.newestKey().ExpiresAt.In(settings.Zone()).Format("2006-01-02 15:04"); ends != "2026-12-02 00:00" {
		t.Errorf("it works until %s", ends)
	}
}

func TestAKeyIsEditedAndRevoked(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	text, err := d.site.Accounts.CreateKey(t.Context(), d.Editor, &accounts.Key{Name: "pipeline", Role: actor.Editor})
	d.ok(err)
	at := keyPath(d.newestKey(), "")
	slow := r.get(at+"edit").form(at+"edit").fill("name", "slow")
	form := r.get(at+"edit").want(200, "Edit pipeline").without("Works for").form(at + "edit")
	r.refused(form.fill("networks", "x"), 422, "“x” is not a network")
	r.follow(r.submit(form.fill("networks", "203.0.113.9", "name", "Pipe"))).want(200, "Pipe is saved.", "203.0.113.9/32")
	r.refused(slow, 409, "Edda Editor changed this").want(409, "Networks", "203.0.113.9/32")
	other, admin := d.as(d.Approver), d.admin()
	for _, path := range []string{at + "edit", at + "revoke"} {
		other.get(path).want(404)
		other.post(path, nil).want(404)
	}
	admin.get(at + "edit").want(404)

	ask := r.get(at+"revoke").want(200, "Revoke Pipe", "This is for good.").form(at + "revoke")
	r.follow(r.submit(ask)).want(200, "Pipe is revoked.", "There are no API keys")
	if _, _, err := d.site.Accounts.KeyActor(t.Context(), text, netip.MustParseAddr("203.0.113.9")); err == nil {
		t.Error("it still opens something")
	}
	r.follow(r.submit(ask)).want(200, "Pipe is revoked.")
	if page := r.get(keysPath+"?show=all").want(200, "Pipe", "Revoked"); strings.Contains(page.Body, at+"edit") {
		t.Error("a revoked key is offered for edits")
	}
	r.submit(form).want(409, "This API key is revoked")
	r.get("/console/account/keys/not-an-id/edit").want(404)
}

func TestAdministratorsSeeAndRevokeEverybodysKeys(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.site.Accounts.CreateKey(t.Context(), d.Editor, &accounts.Key{Name: "pipeline", Role: actor.Editor})
	d.ok(err)
	k := d.newestKey()
	r := d.admin()
	r.get(staffPath).want(200, "API keys")
	r.get(staffKeysPath).want(200, "pipeline", "Edda Editor", "From anywhere", "Never used", "600 requests a minute")
	r.get(keysPath).want(200, "There are no API keys")
	_, err = d.DB.Pool().Exec(t.Context(), "update accounts set role = 'reviewer' where id = $1", d.Editor.ID)
	d.ok(err)
	r.get(staffKeysPath).want(200, "now worth Reviewer")
	at := staffKeysPath + "/" + k.ID.String() + "/revoke"
	r.follow(r.submit(r.get(at).want(200, "acts for Edda Editor").form(at))).want(200, "pipeline is revoked.")
	r.get(staffKeysPath+"?show=all").want(200, "pipeline", "Revoked")
	r.get("/console/ledger").want(200, "API key revoked", "API key made")
	for _, who := range []actor.Actor{d.Editor, d.Approver} {
		d.as(who).get(staffKeysPath).want(403)
	}
}
