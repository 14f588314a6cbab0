package apiv1

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

// The readable page is drawn from the document alone: what is added to the API stands there by itself.
// An overview, then a page for each tag, and one for the webhooks.

// overviewPage tells what holds for every operation, and lists them.
type overviewPage struct {
	web.Page
	Document string // its address
	Sections []section
	Codes    []codeView
	Groups   []group
}

// groupPage tells of the operations of one tag.
type groupPage struct {
	web.Page
	Group  group
	Shapes []shape
	Groups []group // all, without their operations
}

// group is a tag, or the webhooks.
type group struct {
	Name, Slug string
	Text       text
	Operations []operation
}

// section is a part of the overview.
type section struct {
	ID, Title string
	Text      []text
	Code      string
}

// codeView is a problem's code with its sentence.
type codeView struct{ Code, Text string }

const webhooksSlug = "webhooks"

func (s *Site) docsRoutes() {
	pages := s.pages.Routes(s.linkDocument)
	pages.GET(docsPath, s.keptPage(s.showOverview))
	pages.GET(docsPath+"/:name", s.keptPage(s.showGroup))
}

// linkDocument leads programs that come upon the page to the document (RFC 8631).
func (s *Site) linkDocument(c *gin.Context) error {
	c.Header("Link", "<"+documentPath+`>; rel="service-desc"; type="application/openapi+json"`)
	return nil
}

// name puts the publisher on a page. Without one, or without a database, it stands as it is.
func (s *Site) name(c *gin.Context, p *web.Page) {
	if s.Publisher == nil {
		return
	}
	if settings, err := s.Publisher.Get(c.Request.Context()); err == nil {
		p.Publisher = settings.LegalName
	}
}

// drawnPages are kept for as long as the program runs: what they are drawn from doesn't change.
type drawnPages struct {
	mu    sync.Mutex
	drawn map[drawnKey]*web.Drawn
}

type drawnKey struct {
	path, publisher string
	lang            locale.Lang
}

// mostDrawn bounds the memory; there are some twenty pages in two languages.
const mostDrawn = 100

func (d *drawnPages) find(key drawnKey) *web.Drawn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.drawn[key]
}

func (d *drawnPages) keep(key drawnKey, page *web.Drawn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drawn == nil || len(d.drawn) >= mostDrawn {
		d.drawn = map[drawnKey]*web.Drawn{}
	}
	d.drawn[key] = page
}

// docsHandler fills a page of the documentation and names its template.
type docsHandler func(c *gin.Context, frame web.Page) (template string, page web.Data, err error)

func (s *Site) keptPage(h docsHandler) web.Handler {
	return func(c *gin.Context) error {
		frame := s.pages.NewPage(c, "docs.title")
		key := drawnKey{c.Request.URL.Path, frame.Publisher, frame.Lang}
		plain := c.Request.URL.RawQuery == "" && len(frame.Banners) == 0
		if drawn := s.drawn.find(key); plain && drawn != nil {
			return drawn.Send(c)
		}
		name, page, err := h(c, frame)
		if err != nil || c.Writer.Written() {
			return err
		}
		drawn, forAll, err := s.pages.Draw(c, name, page)
		if err != nil {
			return err
		}
		if !forAll {
			return s.pages.Render(c, name, page)
		}
		if plain {
			s.drawn.keep(key, drawn)
		}
		return drawn.Send(c)
	}
}

func (s *Site) showOverview(c *gin.Context, frame web.Page) (string, web.Data, error) {
	p := &overviewPage{Page: frame, Document: documentPath, Codes: s.codes(frame.Lang)}
	p.Description = s.pages.T(p.Lang, "docs.lead")
	p.Alternates = []web.Alternate{{Type: "application/openapi+json", Title: "OpenAPI", Href: documentPath}}
	p.Sections = s.sections(p.Lang)
	p.Groups = s.groups(p.Lang)
	return "overview", p, nil
}

func (s *Site) showGroup(c *gin.Context, frame web.Page) (string, web.Data, error) {
	p := &groupPage{Page: frame, Groups: s.groups(frame.Lang)}
	name := c.Param("name")
	at := slices.IndexFunc(p.Groups, func(g group) bool { return g.Slug == name })
	if at < 0 {
		return "", nil, s.seekOperation(c, p.Groups, name)
	}
	w := &drawer{site: s, lang: p.Lang, doc: s.api.OpenAPI(), whole: true}
	p.Group = p.Groups[at]
	if p.Group.Operations = w.operations(p.Group.Name); name == webhooksSlug {
		p.Group.Operations = w.webhooks()
	}
	p.Shapes = w.shapes()
	p.Title = p.Group.Name + " – " + p.Title
	p.Description = p.Group.Text.String()
	return "group", p, nil
}

// seekOperation sends whoever has only an operation's ID to its place.
func (s *Site) seekOperation(c *gin.Context, groups []group, id string) error {
	for _, g := range groups {
		for _, o := range g.Operations {
			if o.ID == id {
				return web.SeeOther(c, docsPath+"/"+g.Slug+"#"+id)
			}
		}
	}
	return fault.Missing("page")
}

// groups are all tags that have operations, then the webhooks, each operation with its line only.
func (s *Site) groups(lang locale.Lang) []group {
	doc := s.api.OpenAPI()
	w := &drawer{site: s, lang: lang, doc: doc}
	var out []group
	for _, tag := range doc.Tags {
		if list := w.operations(tag.Name); len(list) > 0 {
			out = append(out, group{tag.Name, slug(tag.Name), textOf(tag.Description), list})
		}
	}
	if len(doc.Webhooks) > 0 {
		out = append(out, group{"Webhooks", webhooksSlug, textOf("What is sent to the webhooks of subscriptions, by event."), w.webhooks()})
	}
	return out
}

var noSlug = regexp.MustCompile(`[^a-z0-9]+`)

func slug(name string) string {
	return strings.Trim(noSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// sections are what holds for every operation, in the reader's language.
func (s *Site) sections(lang locale.Lang) []section {
	at := s.kit.URL(Prefix)
	curl := func(rest string) string { return `curl -H "Authorization: Bearer $FAIRNOTICE_API_KEY" ` + rest }
	code := map[string]string{
		"start":       curl(at + "/me"),
		"paging":      curl("'" + at + "/customers?limit=100'"),
		"fields":      curl("'" + at + "/customers?fields=id,name'"),
		"etags":       curl(`-H 'If-None-Match: "3-0123456789abcdef"' ` + at + "/publisher"),
		"edits":       curl("-X PUT \\\n  -H 'If-Match: \"3-0123456789abcdef\"' -H 'Content-Type: application/json' \\\n  --data @publisher.json " + at + "/publisher"),
		"idempotency": curl("-X POST \\\n  -H 'Idempotency-Key: release-2026-11-22' -H 'Content-Type: application/json' \\\n  --data '{\"slug\":\"desk\",\"name\":\"Nordlicht Desk\"}' " + at + "/products"),
		"errors":      pretty(s.exampleProblem(http.StatusUnprocessableEntity)),
		"public":      "curl " + s.kit.URL("/subprocessors.json"),
	}
	out := make([]section, len(sectionIDs))
	for i, id := range sectionIDs {
		out[i] = section{ID: id, Title: s.pages.T(lang, "docs."+id+".title"), Code: code[id],
			Text: paragraphs(s.pages.T(lang, "docs."+id+".text"))}
	}
	return out
}

var sectionIDs = []string{"start", "keys", "paging", "fields", "etags", "edits", "idempotency", "errors", "rates", "values", "stability", "public"}

// onlyPages are codes that only pages can answer with, or that are parts of sentences.
var onlyPages = regexp.MustCompile(`^(this_value|unknown|form\.|cross_origin|sign_in\.)`)

// codes are those of all problems that have a sentence of their own, and those of statuses.
func (s *Site) codes(lang locale.Lang) []codeView {
	var out []codeView
	for _, code := range s.kit.FaultCodes() {
		if !onlyPages.MatchString(code) {
			out = append(out, codeView{code, s.kit.FaultPattern(lang, code)})
		}
	}
	return out
}

// operationsOf are a path's operations, as they are read.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(o *huma.Operation) bool { return o == nil })
}
