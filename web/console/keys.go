package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/web"
)

const (
	keysPath      = accountPath + "/keys"
	staffKeysPath = "/console/settings/keys"
)

// keyRoutes are for everybody's own keys, and staffKeyRoutes for administrators and everybody's.
func (s *Site) keyRoutes(in *web.Routes) {
	own := in.With(allowed(actor.HoldKeys))
	own.GET(keysPath, s.listMyKeys)
	own.POST(keysPath, s.createKey)
	own.GET(keysPath+"/new", s.newKey)
	both(own, keysPath+"/:id/edit", s.showKey, s.editKey)
	both(own, keysPath+"/:id/revoke", s.askRevoke, s.revokeKey)
}

func (s *Site) staffKeyRoutes(staff *web.Routes) {
	staff.GET(staffKeysPath, s.listKeys)
	both(staff, staffKeysPath+"/:id/revoke", s.askRevoke, s.revokeKey)
}

type keysPage struct {
	web.Page
	Trail  []crumb
	Tabs   web.Tabs
	At     string // the list's own path
	Owners bool   // everybody's keys are shown, so each says whose it is
	Ended  bool   // those that open nothing any more are shown too
	Keys   []keyRow
	Pager  web.Pager
}

// keyRow is a key with its times as a clock in the publisher's zone shows them.
type keyRow struct {
	*accounts.Key
	State accounts.KeyState
	Ends  time.Time
	Used  time.Time // zero: never
}

// Lessened says that the account's role has become less than the key's.
func (r keyRow) Lessened() bool { return r.RoleNow() != r.Key.Role }

func (s *Site) listMyKeys(c *gin.Context) error {
	p := &keysPage{Page: s.web.NewPage(c, "keys.mine"), At: keysPath, Trail: s.accountTrail(c)}
	return s.drawKeys(c, p, accounts.KeyFilter{Account: web.ActorOf(c).ID})
}

func (s *Site) listKeys(c *gin.Context) error {
	p := &keysPage{Page: s.web.NewPage(c, "keys.title"), At: staffKeysPath, Owners: true, Tabs: s.settingsTabs(c)}
	return s.drawKeys(c, p, accounts.KeyFilter{})
}

func (s *Site) drawKeys(c *gin.Context, p *keysPage, f accounts.KeyFilter) error {
	ctx := c.Request.Context()
	p.Ended = c.Query("show") == "all"
	f.Active, f.After, f.Limit = !p.Ended, c.Query(web.AfterParam), 50
	list, err := s.Accounts.Keys(ctx, web.ActorOf(c), f)
	if err != nil {
		return err
	}
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	for i := range list.Keys {
		k := &list.Keys[i]
		p.Keys = append(p.Keys, keyRow{k, k.State(s.web.Now()), k.ExpiresAt.In(settings.Zone()), in(settings.Zone(), k.LastUsedAt)})
	}
	p.Pager = web.NewPager(c, "", list.Next)
	return s.web.Render(c, "account/keys", p)
}

func (s *Site) accountTrail(c *gin.Context) []crumb {
	return []crumb{{accountPath, s.text(c, "account.title")}}
}

func (s *Site) keysTrail(c *gin.Context) []crumb {
	return append(s.accountTrail(c), crumb{keysPath, s.text(c, "keys.mine")})
}

// keyLives are the lives to choose from, in days.
var keyLives = []string{"7", "30", "90", "180", "365"}

type keyFormPage struct {
	formPage
	Key   *accounts.Key // nil for a new one
	Roles []web.Option
	Lives []web.Option
	Most  int
}

func (s *Site) newKey(c *gin.Context) error {
	return s.drawKeyForm(c, s.web.NewForm(c).Set("role", string(actor.Reviewer)).Set("life", "90").
		Set("per_minute", strconv.Itoa(accounts.DefaultKeyRate)), nil, nil)
}

func (s *Site) drawKeyForm(c *gin.Context, form *web.Form, k *accounts.Key, meanwhile []fieldChange) error {
	p := &keyFormPage{Key: k, Most: accounts.HighestKeyRate}
	if k == nil {
		p.Page, p.Action = s.web.NewPage(c, "keys.new"), keysPath
		p.Lives = s.web.Options(p.Lang, "life", keyLives...)
		all := s.roleOptions(c) // the most powerful first, as in actor.Roles
		p.Roles = all[slices.Index(actor.Roles, web.ActorOf(c).Role):]
	} else {
		p.Page, p.Action = s.web.NewPage(c, "keys.edit_title", "Name", k.Name), keyPath(k, "edit")
	}
	p.Trail, p.Back, p.Meanwhile = s.keysTrail(c), keysPath, meanwhile
	p.Feedback(form)
	return s.web.Render(c, "account/key-form", p)
}

func keyPath(k *accounts.Key, act string) string { return keysPath + "/" + k.ID.String() + "/" + act }

// readKey reads what can be edited of a key.
func readKey(form *web.Form) (*accounts.Key, error) {
	networks, err := accounts.ParseNetworks(lines(form, "networks"))
	if err := form.Check(atKeyFields(err, "")); err != nil {
		return nil, err
	}
	return &accounts.Key{Name: form.Text("name"), Networks: networks, PerMinute: int(form.Int("per_minute")), Version: int(form.Version())}, nil
}

// atKeyFields puts faults of a key at the form's fields: networks are one field here, and the end is
// chosen as a day or as a number of days.
func atKeyFields(err error, ends string) error {
	found := fault.All(err)
	if len(found) == 0 {
		return err
	}
	list := make(fault.List, len(found))
	for i, f := range found {
		moved := *f
		if strings.HasPrefix(f.Field, "networks.") {
			moved.Field = "networks"
		}
		if f.Field == "expires_at" {
			moved.Field = ends
		}
		list[i] = &moved
	}
	return list
}

// readKeyEnd reads when a new key ends, and which field says so: a day, through which it works, comes
// before a number of days.
func (s *Site) readKeyEnd(form *web.Form, zone *time.Location) (time.Time, string) {
	if day := formDate(form, "expires_on"); form.Text("expires_on") != "" {
		if day.IsZero() {
			return time.Time{}, "expires_on"
		}
		return day.AddDays(1).Start(zone), "expires_on"
	}
	days, _ := strconv.Atoi(form.Choice("life", keyLives...))
	if days == 0 {
		form.Add("life", "required", nil)
	}
	return s.web.Now().AddDate(0, 0, days), "life"
}

// keyMadePage tells a key, as the answer to the post that made it: nothing keeps it for a second look.
type keyMadePage struct {
	web.Page
	Trail []crumb
	Key   keyRow
	Text  string
	Try   string // a command that tries it
	Back  string
}

func (s *Site) createKey(c *gin.Context) error {
	ctx, form := c.Request.Context(), s.web.Form(c)
	press := s.presses.hold(form, s.web.Now())
	defer press.release()
	if press.to != "" { // what it led to was shown once
		s.web.Flash(c, "warn", "keys.made_already")
		return web.SeeOther(c, press.to)
	}
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	k, err := readKey(form)
	if err != nil {
		return err
	}
	var ends, text string
	k.Role = actor.Role(form.Text("role"))
	k.ExpiresAt, ends = s.readKeyEnd(form, settings.Zone())
	ok, err := form.Do(func() (err error) {
		text, err = s.Accounts.CreateKey(ctx, web.ActorOf(c), k)
		return atKeyFields(err, ends)
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawKeyForm(c, form, nil, nil)
	}
	press.to = keysPath
	p := &keyMadePage{Page: s.web.NewPage(c, "keys.made", "Name", k.Name), Trail: s.keysTrail(c), Text: text, Back: keysPath,
		Key: keyRow{Key: k, Ends: k.ExpiresAt.In(settings.Zone())}}
	p.Try = `curl -H "Authorization: Bearer ` + text + `" ` + s.web.URL("/api/v1/me")
	return s.web.Render(c, "account/key", p)
}

func (s *Site) keyAt(c *gin.Context) (*accounts.Key, error) {
	id, err := pathID(c, "id", "key")
	if err != nil {
		return nil, err
	}
	return s.Accounts.Key(c.Request.Context(), web.ActorOf(c), id)
}

// myKeyAt is a key of one's own: administrators see others', but edit none.
func (s *Site) myKeyAt(c *gin.Context) (*accounts.Key, error) {
	k, err := s.keyAt(c)
	if err == nil && k.AccountID != web.ActorOf(c).ID {
		return nil, fault.Missing("key")
	}
	return k, err
}

func (s *Site) showKey(c *gin.Context) error {
	k, err := s.myKeyAt(c)
	if err != nil {
		return err
	}
	networks := make([]string, len(k.Networks))
	for i, n := range k.Networks {
		networks[i] = n.String()
	}
	form := s.web.NewForm(c).Set("name", k.Name).Set("networks", joinLines(networks)).Set("per_minute", strconv.Itoa(k.PerMinute))
	return s.drawKeyForm(c, form.SetVersion(int64(k.Version)), k, nil)
}

func (s *Site) editKey(c *gin.Context) error {
	k, err := s.myKeyAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	changed, err := readKey(form)
	if err != nil {
		return err
	}
	changed.ID = k.ID
	ok, meanwhile, err := s.edit(c, form, k.ID, func() error {
		return atKeyFields(s.Accounts.EditKey(c.Request.Context(), web.ActorOf(c), changed), "")
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawKeyForm(c, form, k, meanwhile)
	}
	s.web.Flash(c, "ok", "keys.saved", "Name", changed.Name)
	return web.SeeOther(c, keysPath)
}

func (s *Site) askRevoke(c *gin.Context) error {
	k, err := s.keyAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c), s.revokePage(c, k))
}

// revokePage asks before a key is revoked, on the way on which the reader came: from the own keys, or
// from everybody's.
func (s *Site) revokePage(c *gin.Context, k *accounts.Key) *confirmPage {
	p := &confirmPage{Danger: true, Button: s.text(c, "keys.revoke")}
	p.Page = s.web.NewPage(c, "keys.revoke_title", "Name", k.Name)
	p.Back, p.Trail = keysPath, s.keysTrail(c)
	if strings.HasPrefix(c.FullPath(), staffKeysPath) {
		p.Back, p.Trail = staffKeysPath, []crumb{{staffKeysPath, s.text(c, "keys.title")}}
	}
	p.Action = p.Back + "/" + k.ID.String() + "/revoke"
	p.Sentences = []string{s.text(c, "keys.revoke_what", "Name", k.Name, "Hint", k.Hint, "Holder", k.AccountName), s.text(c, "keys.revoke_record")}
	return p
}

func (s *Site) revokeKey(c *gin.Context) error {
	k, err := s.keyAt(c)
	if err != nil {
		return err
	}
	form, page := s.web.Form(c), s.revokePage(c, k)
	ok, err := form.Do(func() error { return s.Accounts.RevokeKey(c.Request.Context(), web.ActorOf(c), k.ID) })
	if err != nil {
		return err
	}
	if !ok {
		return s.confirm(c, form, page)
	}
	s.web.Flash(c, "ok", "keys.revoked", "Name", k.Name)
	return web.SeeOther(c, page.Back)
}
