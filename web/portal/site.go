// Package portal is what a recipient reaches by the signed links of a message. So far that is
// unsubscribing:
//
// GET /unsubscribe/:token shows what will happen, and changes nothing: mail scanners open links.
// POST ends a follower's subscription, from the page's button or as the one click of RFC 8058
// (body "List-Unsubscribe=One-Click", from any origin, without a cookie); twice is fine. A
// recipient by contract can't be silenced: the page says why and whom to write to.
package portal

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

//go:embed all:templates all:catalogs
var files embed.FS

// Services are what the pages call.
type Services struct {
	Publisher *publisher.Service
	Links     *subscribers.Links
}

// Site holds the portal's pages.
type Site struct {
	Services
	web *web.Audience
}

const unsubscribePath = "/unsubscribe/:token"

// New adds the portal to the kit.
func New(kit *web.Kit, services Services) (*Site, error) {
	s := &Site{Services: services}
	a, err := kit.Audience(web.Spec{
		Layout: "portal", Prefix: "/unsubscribe", Home: "/", Files: files, Fill: s.fill,
		CrossOriginPosts: []string{unsubscribePath},
		BodyLimits:       map[string]int64{unsubscribePath: 16 << 10},
	})
	if err != nil {
		return nil, err
	}
	s.web = a
	s.routes()
	return s, nil
}

func (s *Site) routes() {
	links := s.web.Routes(noReferrer)
	links.GET(unsubscribePath, s.askUnsubscribe)
	links.POST(unsubscribePath, s.unsubscribe)
}

// noReferrer keeps the token in the address from travelling on, even to our own pages.
func noReferrer(c *gin.Context) error {
	c.Header("Referrer-Policy", "no-referrer")
	return nil
}

const keyPublisher = "portal.publisher"

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

func (s *Site) fill(c *gin.Context, p *web.Page) {
	if pub, err := s.publisherOf(c); err == nil {
		p.Publisher = pub.LegalName
	}
}

// answer draws a page with a status of its own.
func (s *Site) answer(c *gin.Context, status int, name string, data any) error {
	var body bytes.Buffer
	if err := s.web.Template(web.Lang(c), name).ExecuteTemplate(&body, "layout", data); err != nil {
		return fmt.Errorf("portal: template %s: %w", name, err)
	}
	c.Header("Content-Language", string(web.Lang(c)))
	c.Data(status, "text/html; charset=utf-8", body.Bytes())
	return nil
}
