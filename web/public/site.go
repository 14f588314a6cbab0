package public

import (
	"embed"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

//go:embed all:templates all:catalogs
var files embed.FS

// Services are what the pages read. They write nothing.
type Services struct {
	DB        *database.DB // whose record tells when kept pages are out of date
	Publisher *publisher.Service
	Vendors   *vendors.Service
	Changes   *changes.Service
}

// Site holds the public pages.
type Site struct {
	Services
	web  *web.Audience
	kept kept
}

// New adds the public pages to the kit.
func New(kit *web.Kit, services Services) (*Site, error) {
	s := &Site{Services: services}
	a, err := kit.Audience(web.Spec{
		Layout: "public", Prefix: "/", Files: files, Fill: s.fill,
		Nav: []web.NavItem{{Href: "/", Key: "public.nav.list"}, {Href: "/changes", Key: "public.nav.changes"}, {Href: "/docs", Key: "public.nav.api"}},
	})
	if err != nil {
		return nil, err
	}
	s.web = a
	s.routes()
	return s, nil
}

func (s *Site) routes() {
	pages := s.web.Routes(openToAll)
	pages.GET("/", s.keep(s.page(s.showList)))
	pages.GET("/subprocessors/:slug", s.keep(s.page(s.showEntry)))
	pages.GET("/changes", s.keep(s.page(s.listChanges)))
	pages.GET("/changes/:reference", s.keep(s.page(s.showChange)))

	data := pages.With(answerProblems)
	data.GET("/subprocessors.json", s.data(s.sendJSON))
	data.GET("/subprocessors.csv", s.data(s.sendCSV))
	data.GET("/changes.json", s.data(s.sendChanges))
	data.GET("/.well-known/security.txt", s.data(s.sendSecurity))
	for _, path := range []string{"/subprocessors.json", "/subprocessors.csv", "/changes.json"} {
		s.web.Engine().OPTIONS(path, web.AllowConditional)
	}
}

// openToAll lets other sites' scripts read what is public anyway.
func openToAll(c *gin.Context) error {
	web.AllowAnyOrigin(c)
	return nil
}

// answerProblems makes what goes wrong at an address of data a problem document (RFC 9457),
// whatever the reader said it accepts: programs seldom say anything.
func answerProblems(c *gin.Context) error {
	c.Request.Header.Set("Accept", "application/json")
	return nil
}

// handler answers a request with the publisher's settings at hand.
type handler func(c *gin.Context, pub *publisher.Settings) error

// page adapts a handler of a page; until the publisher is set, every page says how to do that.
func (s *Site) page(h handler) web.Handler {
	return func(c *gin.Context) error {
		pub, err := s.publisherOf(c)
		if fault.Is(err, fault.NotFound) {
			p := s.web.NewPage(c, "public.setup.title")
			return s.web.Render(c, "setup", &p)
		}
		if err != nil {
			return err
		}
		return h(c, pub)
	}
}

// data adapts a handler of an address for programs: until the publisher is set there is nothing.
func (s *Site) data(h handler) web.Handler {
	return func(c *gin.Context) error {
		pub, err := s.publisherOf(c)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "list.not_set_up", nil)
		}
		if err != nil {
			return err
		}
		return h(c, pub)
	}
}

const keyPublisher = "public.publisher"

// publisherOf reads the settings once a request.
func (s *Site) publisherOf(c *gin.Context) (*publisher.Settings, error) {
	if pub, ok := c.Get(keyPublisher); ok {
		return pub.(*publisher.Settings), nil
	}
	pub, err := s.Publisher.Get(c.Request.Context())
	if err == nil {
		c.Set(keyPublisher, pub)
	}
	return pub, err
}

// fill names the publisher on each page. Without one the page stands as it is: this runs for error
// pages too.
func (s *Site) fill(c *gin.Context, p *web.Page) {
	if pub, err := s.publisherOf(c); err == nil {
		p.Publisher = pub.LegalName
	}
}
