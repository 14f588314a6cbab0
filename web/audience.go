package web

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/locale"
)

// Spec describes an audience: whom its pages are for and how they are kept.
type Spec struct {
	// Layout is "public", "portal" or "console". Pages of the last two are never stored by
	// caches nor listed by search engines.
	Layout string
	// Prefix is the path below which the audience lives: "/", "/console". The longest prefix wins.
	Prefix string
	// Files holds templates/**.html and catalogs/*.<lang>.toml. A template whose name starts
	// with "_" is shared by the audience's pages.
	Files fs.FS
	// Nav is the main navigation.
	Nav []NavItem
	// Home is where the brand in the header leads; Prefix when empty.
	Home string
	// SignIn is the path to which a GET by nobody is sent, with ?next=; without it nobody gets a
	// 401 page.
	SignIn string
	// SignOut is the path to which the sign-out form posts; "" draws no form.
	SignOut string
	// Fill completes each page of the audience (publisher's name, banners that stand). It may be nil.
	Fill func(c *gin.Context, p *Page)
	// CrossOriginPosts are route patterns ("/unsubscribe/:token") that take a POST from other
	// origins: exact routes only, and only such as need no cookie, like RFC 8058's one click.
	CrossOriginPosts []string
	// BodyLimits are other limits of size, in bytes, by route pattern.
	BodyLimits map[string]int64
}

// NavItem is an entry of the main navigation.
type NavItem struct {
	Href string
	Key  string    // of the catalogue
	Act  actor.Act // shown only to those who may; "" for everybody
}

// Audience draws the pages of one audience.
type Audience struct {
	*Kit
	spec  Spec
	pages map[locale.Lang]map[string]*template.Template
	cross map[string]bool
}

// Audience adds an audience: its catalogues are loaded and every template is parsed, so that what
// can't be drawn stops the start, not a reader.
func (k *Kit) Audience(spec Spec) (*Audience, error) {
	if spec.Files != nil {
		if err := k.texts.load(spec.Files); err != nil {
			return nil, fmt.Errorf("web: %s: %w", spec.Layout, err)
		}
	}
	a, err := k.newAudience(spec)
	if err != nil {
		return nil, err
	}
	k.addAudience(a)
	return a, nil
}

func (k *Kit) newAudience(spec Spec) (*Audience, error) {
	if !strings.HasPrefix(spec.Prefix, "/") {
		return nil, errors.New("web: an audience's prefix starts with a slash")
	}
	if spec.Home == "" {
		spec.Home = spec.Prefix
	}
	for _, item := range spec.Nav {
		for _, l := range locale.All {
			if !k.Has(l, item.Key) {
				return nil, fmt.Errorf("web: navigation: no text %q in %q", item.Key, l)
			}
		}
	}
	a := &Audience{Kit: k, spec: spec, cross: map[string]bool{}}
	for _, pattern := range spec.CrossOriginPosts {
		a.cross[pattern] = true
	}
	var err error
	a.pages, err = k.parse(spec.Layout, spec.Files)
	if err != nil {
		return nil, fmt.Errorf("web: %s: %w", spec.Layout, err)
	}
	return a, nil
}

func (a *Audience) owns(path string) bool {
	prefix := strings.TrimSuffix(a.spec.Prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func (a *Audience) private() bool { return a.spec.Layout != "public" }

// Handler answers one request. It responds, or returns an error and has written nothing.
type Handler func(c *gin.Context) error

// Page adapts a handler to gin: faults become pages with the right status and a sentence, and
// everything else is logged and hidden behind a page with the request's ID.
func (k *Kit) Page(h Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			k.fail(c, err)
			c.Abort()
		}
	}
}

// Routes is an audience's route table.
type Routes struct {
	a     *Audience
	group *gin.RouterGroup
}

// Routes starts the route table. Paths are written in full ("/console/vendors/:id"). The guards
// of pages (size, bad input, cross-origin posts, caching) come before every handler.
func (a *Audience) Routes(use ...Handler) *Routes {
	group := a.engine.Group("/", a.keepOut, a.limitBody, a.guardOrigin, a.readInput)
	return (&Routes{a, group}).With(use...)
}

// With returns the same table with more steps before its handlers, such as "who is signed in".
// A step that returns an error ends the request.
func (r *Routes) With(use ...Handler) *Routes {
	group := r.group.Group("/")
	for _, h := range use {
		group.Use(r.a.Page(h))
	}
	return &Routes{r.a, group}
}

// GET answers GET and HEAD.
func (r *Routes) GET(path string, h Handler) {
	r.group.GET(path, r.a.Page(h))
	r.group.HEAD(path, r.a.Page(h))
}

// POST answers POST; everything that changes something is a POST.
func (r *Routes) POST(path string, h Handler) { r.group.POST(path, r.a.Page(h)) }

// keepOut keeps private pages out of caches and search engines.
func (a *Audience) keepOut(c *gin.Context) {
	if a.private() {
		c.Header("Cache-Control", "no-store")
		c.Header("X-Robots-Tag", "noindex, nofollow")
	}
}

// SeeOther sends the browser to a path after a POST has done its work.
func SeeOther(c *gin.Context, path string) error {
	c.Redirect(http.StatusSeeOther, path)
	return nil
}
