package console

import (
	"github.com/gin-gonic/gin"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/web"
)

const staffPath = "/console/settings/staff"

func (s *Site) staffRoutes(in *web.Routes) {
	admin := in.With(allowed(actor.EditPublisher))
	both(admin, "/console/settings", s.showSettings, s.saveSettings)
	admin.GET("/console/settings/products", s.showProducts)
	admin.POST("/console/settings/products", s.addProduct)

	staff := in.With(allowed(actor.EditStaff))
	staff.GET(staffPath, s.listStaff)
	staff.POST(staffPath, s.createStaff)
	staff.GET(staffPath+"/new", s.newStaff)
	both(staff, staffPath+"/:id", s.showStaff, s.editStaff)
	both(staff, staffPath+"/:id/password", s.showStaffPassword, s.setStaffPassword)
	both(staff, staffPath+"/:id/disable", s.askDisable, s.disableStaff)
	both(staff, staffPath+"/:id/enable", s.askEnable, s.enableStaff)
	s.staffKeyRoutes(staff)

	read := in.With(allowed(actor.ReadLedger))
	read.GET("/console/ledger", s.showLedger)
	read.POST("/console/ledger/verify", s.verifyLedger)
	read.GET("/console/ledger/:seq", s.showEntry)
}

// settingsTabs lead from one page of settings to the next.
func (s *Site) settingsTabs(c *gin.Context) web.Tabs {
	tabs := web.Tabs{Label: s.text(c, "settings.tabs")}
	for _, t := range [][2]string{{"/console/settings", "settings.publisher"}, {"/console/settings/products", "settings.products"}, {staffPath, "staff.title"}, {staffKeysPath, "keys.title"}} {
		link := web.NavLink{Href: t[0], Label: s.text(c, t[1])}
		if c.Request.URL.Path == t[0] {
			link.Current = "page"
		}
		tabs.Links = append(tabs.Links, link)
	}
	return tabs
}

type staffListPage struct {
	web.Page
	Tabs     web.Tabs
	Accounts []accounts.Account
}

func (s *Site) listStaff(c *gin.Context) error {
	list, err := s.Accounts.List(c.Request.Context(), web.ActorOf(c))
	if err != nil {
		return err
	}
	p := &staffListPage{Page: s.web.NewPage(c, "staff.title"), Tabs: s.settingsTabs(c), Accounts: list}
	return s.web.Render(c, "staff/list", p)
}

type staffPage struct {
	formPage
	Account *accounts.Account // nil for a new one
	Self    bool
	Roles   []web.Option
	Min     int
}

func (s *Site) newStaff(c *gin.Context) error {
	return s.drawNewStaff(c, s.web.NewForm(c).Set("language", string(web.Lang(c))).Set("role", string(actor.Reviewer)))
}

func (s *Site) drawNewStaff(c *gin.Context, form *web.Form) error {
	p := s.staffForm(c, form, "staff.new")
	p.Action = staffPath
	return s.web.Render(c, "staff/new", p)
}

func (s *Site) staffForm(c *gin.Context, form *web.Form, title string, pairs ...any) *staffPage {
	p := &staffPage{Roles: s.roleOptions(c), Min: accounts.MinPassword}
	p.Page = s.web.NewPage(c, title, pairs...)
	p.Trail, p.Back = []crumb{{staffPath, s.text(c, "staff.title")}}, staffPath
	p.Feedback(form)
	return p
}

func (s *Site) roleOptions(c *gin.Context) []web.Option {
	var out []web.Option
	for _, r := range actor.Roles {
		out = append(out, web.Option{Value: string(r), Label: s.text(c, "staff.role."+string(r)), Hint: s.text(c, "staff.role_hint."+string(r))})
	}
	return out
}

func staffOf(form *web.Form) *accounts.Account {
	return &accounts.Account{Email: form.Text("email"), Name: form.Text("name"), Role: actor.Role(form.Text("role")),
		Language: form.Text("language"), Version: int(form.Version())}
}

func (s *Site) createStaff(c *gin.Context) error {
	form := s.web.Form(c)
	account := staffOf(form)
	ok, err := form.Do(func() error {
		return s.Accounts.Create(c.Request.Context(), web.ActorOf(c), account, form.Raw("password"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawNewStaff(c, form)
	}
	s.web.Flash(c, "ok", "staff.created", "Name", account.Name)
	return web.SeeOther(c, staffPath)
}

func (s *Site) staffAt(c *gin.Context) (*accounts.Account, error) {
	id, err := pathID(c, "id", "account")
	if err != nil {
		return nil, err
	}
	return s.Accounts.Get(c.Request.Context(), web.ActorOf(c), id)
}

func (s *Site) showStaff(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).Set("email", a.Email).Set("name", a.Name).Set("role", string(a.Role)).Set("language", a.Language)
	return s.drawStaff(c, form.SetVersion(int64(a.Version)), a, nil)
}

func (s *Site) drawStaff(c *gin.Context, form *web.Form, a *accounts.Account, meanwhile []fieldChange) error {
	p := s.staffForm(c, form, "staff.one", "Name", a.Name)
	p.Account, p.Action, p.Meanwhile = a, staffPath+"/"+a.ID.String(), meanwhile
	p.Self = web.ActorOf(c).ID == a.ID
	return s.web.Render(c, "staff/edit", p)
}

func (s *Site) editStaff(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	in := staffOf(form)
	in.ID = a.ID
	ok, meanwhile, err := s.edit(c, form, a.ID, func() error { return s.Accounts.Edit(c.Request.Context(), web.ActorOf(c), in) })
	if err != nil {
		return err
	}
	if !ok {
		return s.drawStaff(c, form, a, meanwhile)
	}
	s.web.Flash(c, "ok", "staff.saved", "Name", in.Name)
	return web.SeeOther(c, staffPath)
}

func (s *Site) showStaffPassword(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	if a.ID == web.ActorOf(c).ID {
		return web.SeeOther(c, accountPath)
	}
	return s.drawStaffPassword(c, s.web.NewForm(c), a)
}

func (s *Site) drawStaffPassword(c *gin.Context, form *web.Form, a *accounts.Account) error {
	p := s.staffForm(c, form, "staff.password_of", "Name", a.Name)
	p.Account, p.Action = a, staffPath+"/"+a.ID.String()+"/password"
	return s.web.Render(c, "staff/password", p)
}

func (s *Site) setStaffPassword(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	ok, err := form.Do(func() error {
		return s.Accounts.SetPassword(c.Request.Context(), web.ActorOf(c), a.ID, "", form.Raw("password"))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawStaffPassword(c, form, a)
	}
	s.web.Flash(c, "ok", "staff.password_set", "Name", a.Name)
	return web.SeeOther(c, staffPath)
}

func (s *Site) askDisable(c *gin.Context) error {
	return s.askAboutStaff(c, func(c *gin.Context, a *accounts.Account) *confirmPage { return s.disablePage(c, a) })
}

func (s *Site) askEnable(c *gin.Context) error {
	return s.askAboutStaff(c, func(c *gin.Context, a *accounts.Account) *confirmPage { return s.enablePage(c, a) })
}

func (s *Site) askAboutStaff(c *gin.Context, page func(*gin.Context, *accounts.Account) *confirmPage) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	return s.confirm(c, s.web.NewForm(c).SetVersion(int64(a.Version)), page(c, a))
}

func (s *Site) disablePage(c *gin.Context, a *accounts.Account) *confirmPage {
	p := s.staffConfirm(c, a, "staff.disable_title", "disable")
	p.Danger, p.Button = true, s.text(c, "staff.disable")
	p.Sentences = []string{s.text(c, "staff.disable_what", "Name", a.Name), s.text(c, "staff.disable_record")}
	return p
}

func (s *Site) enablePage(c *gin.Context, a *accounts.Account) *confirmPage {
	p := s.staffConfirm(c, a, "staff.enable_title", "enable")
	p.Button = s.text(c, "staff.enable")
	p.Sentences = []string{s.text(c, "staff.enable_what", "Name", a.Name)}
	return p
}

func (s *Site) staffConfirm(c *gin.Context, a *accounts.Account, title, act string) *confirmPage {
	p := &confirmPage{}
	p.Page = s.web.NewPage(c, title, "Name", a.Name)
	p.Trail = []crumb{{staffPath, s.text(c, "staff.title")}, {staffPath + "/" + a.ID.String(), a.Name}}
	p.Action, p.Back = staffPath+"/"+a.ID.String()+"/"+act, staffPath
	return p
}

func (s *Site) disableStaff(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, a.ID, s.disablePage(c, a), func() error {
		return s.Accounts.Disable(c.Request.Context(), web.ActorOf(c), a.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "staff.disabled", "Name", a.Name)
		return web.SeeOther(c, staffPath)
	})
}

func (s *Site) enableStaff(c *gin.Context) error {
	a, err := s.staffAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	return s.confirmEdit(c, form, a.ID, s.enablePage(c, a), func() error {
		return s.Accounts.Enable(c.Request.Context(), web.ActorOf(c), a.ID, int(form.Version()))
	}, func() error {
		s.web.Flash(c, "ok", "staff.enabled", "Name", a.Name)
		return web.SeeOther(c, staffPath)
	})
}
