// Package console is the staff's side: the register, the customers, the changes and what became of
// their notices. Every page works without JavaScript.
package console

import (
	"embed"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/notify"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

//go:embed all:templates all:catalogs
var files embed.FS

// Services are what the pages call.
type Services struct {
	DB          *database.DB // the ledger's queries
	Accounts    *accounts.Service
	Publisher   *publisher.Service
	Vendors     *vendors.Service
	Subscribers *subscribers.Service
	Changes     *changes.Service
	Notify      *notify.Service
	Composer    notify.Composer // builds a message again as it was sent, on any channel
}

// Site holds the console's pages.
type Site struct {
	Services
	web     *web.Audience
	signIns *accounts.Limiter
	presses *presses
}

// New adds the console to the kit.
func New(kit *web.Kit, s Services) (*Site, error) {
	a, err := kit.Audience(web.Spec{
		Layout: "console", Prefix: "/console", Files: files,
		Nav: []web.NavItem{
			{Href: "/console", Key: "nav.home", Act: actor.ReadConsole},
			{Href: "/console/changes", Key: "nav.changes", Act: actor.ReadConsole},
			{Href: "/console/vendors", Key: "nav.vendors", Act: actor.ReadConsole},
			{Href: "/console/customers", Key: "nav.customers", Act: actor.ReadConsole},
			{Href: "/console/ledger", Key: "nav.ledger", Act: actor.ReadLedger},
			{Href: "/console/settings", Key: "nav.settings", Act: actor.EditPublisher},
			{Href: accountPath, Key: "nav.account", Act: actor.ReadConsole},
		},
		SignIn: "/console/sign-in", SignOut: "/console/sign-out",
		Fill: func(c *gin.Context, p *web.Page) { s.frame(kit, c, p) },
	})
	if err != nil {
		return nil, err
	}
	site := &Site{Services: s, web: a, signIns: accounts.NewLimiter(signInEvery, signInBurst), presses: newPresses()}
	site.routes()
	return site, nil
}

// frame names the publisher on each page, and says so when all of it is made up.
func (s Services) frame(kit *web.Kit, c *gin.Context, p *web.Page) {
	settings, err := s.Publisher.Get(c.Request.Context())
	if err != nil { // nobody has saved any yet, or the page itself will fail for the same reason
		return
	}
	p.Publisher = settings.LegalName
	if settings.Fictitious {
		p.Notice("info", kit.T(p.Lang, "console.fictitious"))
	}
}

func (s *Site) routes() {
	open := s.web.Routes()
	s.signInRoutes(open)
	in := open.With(s.signedIn)
	s.accountRoutes(in)
	s.homeRoutes(in)
	s.registerRoutes(in)
	s.customerRoutes(in)
	s.changeRoutes(in)
	s.deliveryRoutes(in)
	s.staffRoutes(in)
}
