package console

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

const (
	signInPath  = "/console/sign-in"
	accountPath = "/console/account"
)

// A network may try so many passwords at once, and then one every so often.
const (
	signInBurst = 30
	signInEvery = 10 * time.Second
)

func (s *Site) signInRoutes(open *web.Routes) {
	both(open, signInPath, s.showSignIn, s.signIn)
	open.POST("/console/sign-out", s.signOut)
}

// accountRoutes are what everybody may do with their own account.
func (s *Site) accountRoutes(in *web.Routes) {
	in.GET(accountPath, s.showAccount)
	in.POST(accountPath+"/password", s.changePassword)
	in.POST(accountPath+"/language", s.changeLanguage)
	s.keyRoutes(in)
}

func (s *Site) secure() bool { return strings.HasPrefix(s.web.URL("/"), "https://") }

// cookieName has the prefix that makes browsers insist on Secure, Path=/ and no Domain, where there
// is TLS.
func (s *Site) cookieName() string {
	if s.secure() {
		return "__Host-fairnotice_session"
	}
	return "fairnotice_session"
}

func (s *Site) setSession(c *gin.Context, token string, maxAge int) {
	http.SetCookie(c.Writer, &http.Cookie{Name: s.cookieName(), Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
}

func (s *Site) session(c *gin.Context) string {
	token, err := c.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return token
}

// signedIn lets only staff with a session pass; others are sent to the sign-in page.
func (s *Site) signedIn(c *gin.Context) error {
	ctx := c.Request.Context()
	who, err := s.Accounts.Actor(ctx, s.session(c))
	if err != nil {
		return err
	}
	if err := who.Must(actor.ReadConsole); err != nil {
		return err
	}
	account, err := s.Accounts.Get(ctx, who, who.ID)
	if err != nil {
		return err
	}
	web.SetActor(c, who)
	if lang, ok := locale.Parse(account.Language); ok {
		web.SetLang(c, lang)
	}
	return nil
}

type signInPage struct {
	web.Page
	Next string
}

func (s *Site) showSignIn(c *gin.Context) error {
	if _, err := s.Accounts.Actor(c.Request.Context(), s.session(c)); err == nil {
		return web.SeeOther(c, nextPath(c.Query("next")))
	}
	return s.drawSignIn(c, s.web.NewForm(c), c.Query("next"))
}

func (s *Site) drawSignIn(c *gin.Context, form *web.Form, next string) error {
	p := &signInPage{Page: s.web.NewPage(c, "sign_in.title"), Next: nextPath(next)}
	p.Nav = nil // it leads nowhere yet
	p.Feedback(form)
	return s.web.Render(c, "account/sign-in", p)
}

// nextPath is a page of the console, whatever was asked for: a link must not lead elsewhere.
func nextPath(next string) string {
	safe := web.SafeNext(next, "/console")
	path, _, _ := strings.Cut(safe, "?")
	if path != "/console" && !strings.HasPrefix(path, "/console/") || strings.Contains(path, "..") ||
		path == signInPath || path == "/console/sign-out" {
		return "/console"
	}
	return safe
}

func (s *Site) signIn(c *gin.Context) error {
	form, ctx := s.web.Form(c), c.Request.Context()
	from, _ := netip.ParseAddr(c.ClientIP()) // without an address all share one allowance
	if err := s.signIns.Allow(from, s.web.Now()); err != nil {
		return err
	}
	for _, name := range []string{"email", "password"} {
		if form.Raw(name) == "" {
			form.Add(name, "required", nil)
		}
	}
	if form.Failed() {
		return s.drawSignIn(c, form, form.Raw("next"))
	}
	token, who, err := s.Accounts.Authenticate(ctx, form.Text("email"), form.Raw("password"))
	if fault.Is(err, fault.Unauthenticated) {
		form.Add("", "sign_in.failed", nil)
		return s.drawSignIn(c, form, form.Raw("next"))
	}
	if err != nil {
		return err
	}
	web.SetActor(c, who)
	s.setSession(c, token, int(accounts.Absolute.Seconds()))
	return web.SeeOther(c, nextPath(form.Raw("next")))
}

func (s *Site) signOut(c *gin.Context) error {
	if err := s.Accounts.SignOut(c.Request.Context(), s.session(c)); err != nil {
		return err
	}
	s.setSession(c, "", -1)
	s.web.Flash(c, "ok", "sign_in.out")
	return web.SeeOther(c, signInPath)
}

type accountPage struct {
	web.Page
	Account  *accounts.Account
	Password *web.Form
	Language *web.Form
	Min      int
}

func (s *Site) showAccount(c *gin.Context) error { return s.drawAccount(c, s.web.NewForm(c)) }

// drawAccount shows the person's own account; form is the one of the two that was sent.
func (s *Site) drawAccount(c *gin.Context, form *web.Form) error {
	who := web.ActorOf(c)
	account, err := s.Accounts.Get(c.Request.Context(), who, who.ID)
	if err != nil {
		return err
	}
	if form.Raw("language") == "" {
		form.Set("language", account.Language)
	}
	p := &accountPage{Page: s.web.NewPage(c, "account.title"), Account: account, Password: form, Language: form, Min: accounts.MinPassword}
	p.Feedback(form)
	return s.web.Render(c, "account/account", p)
}

func (s *Site) changePassword(c *gin.Context) error {
	form, ctx, who := s.web.Form(c), c.Request.Context(), web.ActorOf(c)
	if form.Raw("current_password") == "" {
		form.Add("current_password", "required", nil)
	}
	ok, err := form.Do(func() error {
		return s.Accounts.SetPassword(ctx, who, who.ID, form.Raw("current_password"), form.Raw("password"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawAccount(c, form)
	}
	// Every session ended with the old password, this one too.
	account, err := s.Accounts.Get(ctx, who, who.ID)
	if err != nil {
		return err
	}
	token, _, err := s.Accounts.Authenticate(ctx, account.Email, form.Raw("password"))
	if err != nil {
		return err
	}
	s.setSession(c, token, int(accounts.Absolute.Seconds()))
	s.web.Flash(c, "ok", "account.password_changed")
	return web.SeeOther(c, accountPath)
}

func (s *Site) changeLanguage(c *gin.Context) error {
	form, who := s.web.Form(c), web.ActorOf(c)
	ok, err := form.Do(func() error {
		return s.Accounts.SetLanguage(c.Request.Context(), who, who.ID, form.Text("language"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawAccount(c, form)
	}
	s.web.Flash(c, "ok", "account.language_changed")
	return web.SeeOther(c, accountPath+"?lang="+form.Text("language"))
}
