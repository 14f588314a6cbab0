package web

import (
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/locale"
)

// Page is what every page knows. The struct of a page embeds it, and a pointer to that struct is
// given to Render:
//
//	type listPage struct {
//		web.Page
//		Entries []entry
//	}
type Page struct {
	Lang        locale.Lang
	Title       string      // without the publisher's name, which the layout adds
	Description string      // for search engines; public pages only
	Path        string      // of this request, without the query
	Home        string      // where the brand leads
	Publisher   string      // whose pages these are
	Actor       actor.Actor // who is looking
	SignOut     string      // where the sign-out form posts; "" draws none
	Nav         []NavLink
	Banners     []Banner
	Languages   []LanguageLink
	Alternates  []Alternate
	Canonical   string    // absolute; public pages only
	LastUpdated time.Time // of what the page shows, in the zone to be named; zero shows nothing
	Version     string    // of what the page shows, for print; "" shows nothing
	Now         time.Time // when the page was drawn
	RequestID   string
	Form        *Form // the form whose errors the page leads with
}

// NavLink is an entry of the navigation as drawn.
type NavLink struct {
	Href    string
	Label   string
	Current string // aria-current: "page", "true" for a page below it, or ""
}

// LanguageLink leads to the same page in another language.
type LanguageLink struct {
	Lang    locale.Lang
	Name    string
	Href    string
	Current bool
}

// Alternate is another form of the page, such as a feed.
type Alternate struct {
	Type  string // "application/atom+xml"
	Title string
	Href  string
}

// Banner is a message that stays on the page. Tone is "ok", "info", "warn" or "bad".
type Banner struct {
	Tone string
	Text string
	Href string // optional
	Link string // the text of Href
}

// Data is a page's struct: anything that embeds Page, as a pointer.
type Data interface{ page() *Page }

func (p *Page) page() *Page { return p }

// Feedback puts a form on the page; its errors lead the page, mark the title and set the status.
func (p *Page) Feedback(f *Form) { p.Form = f }

// Failed says whether the page tells about errors in its form.
func (p *Page) Failed() bool { return p.Form.Failed() }

// Notice adds a banner.
func (p *Page) Notice(tone, text string) {
	p.Banners = append(p.Banners, Banner{Tone: tone, Text: text})
}

// NewPage starts a page with everything the request and the audience know. The title is a key of
// the catalogue with its pairs, as for T.
func (a *Audience) NewPage(c *gin.Context, titleKey string, pairs ...any) Page {
	p := a.barePage(c, a.T(Lang(c), titleKey, pairs...))
	if a.spec.Fill != nil {
		a.spec.Fill(c, &p)
	}
	if b, ok := a.takeFlash(c); ok {
		p.Banners = append(p.Banners, b)
	}
	return p
}

// barePage asks nobody for anything: it must work when the database doesn't.
func (a *Audience) barePage(c *gin.Context, title string) Page {
	p := Page{
		Lang:      Lang(c),
		Title:     title,
		Path:      c.Request.URL.Path,
		Home:      a.spec.Home,
		Publisher: a.opts.Publisher,
		Actor:     ActorOf(c),
		Now:       a.Now().UTC(),
		RequestID: RequestID(c),
		Form:      nil,
	}
	if p.Actor.Kind == actor.Staff {
		p.SignOut = a.spec.SignOut
	}
	if !a.private() {
		p.Canonical = a.URL(p.Path)
	}
	p.Nav = a.navFor(p.Lang, p.Actor, p.Path)
	if c.Request.Method == "GET" || c.Request.Method == "HEAD" {
		p.Languages = languageLinks(p.Lang, c.Request.URL)
	}
	return p
}

func (a *Audience) navFor(lang locale.Lang, who actor.Actor, path string) []NavLink {
	var links []NavLink
	best, length := -1, 0
	for _, item := range a.spec.Nav {
		if item.Act != "" && !who.May(item.Act) {
			continue
		}
		below := path == item.Href || strings.HasPrefix(path, strings.TrimSuffix(item.Href, "/")+"/")
		// The home of an audience is above everything, so it is current only on itself.
		if below && len(item.Href) > length && (path == item.Href || item.Href != a.spec.Home) {
			best, length = len(links), len(item.Href)
		}
		links = append(links, NavLink{Href: item.Href, Label: a.T(lang, item.Key)})
	}
	if best >= 0 {
		links[best].Current = "true"
		if links[best].Href == path {
			links[best].Current = "page"
		}
	}
	return links
}

func languageLinks(current locale.Lang, at *url.URL) []LanguageLink {
	var links []LanguageLink
	for _, l := range locale.All {
		query := at.Query()
		query.Set("lang", string(l))
		links = append(links, LanguageLink{
			Lang: l, Name: l.Name(), Current: l == current,
			Href: (&url.URL{Path: at.Path, RawQuery: query.Encode()}).String(),
		})
	}
	return links
}
