package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/web"
	"fairnotice/web/webtest"
)

// sink is an application that uses every part of the kit, in all three layouts.
type sink struct {
	kit                     *web.Kit
	public, portal, console *web.Audience
	log                     *bytes.Buffer
	sent                    atomic.Int64
	saved                   atomic.Int64
}

var staff = actor.Actor{Kind: actor.Staff, ID: uuid.MustParse("018f0000-0000-7000-8000-000000000001"), Role: actor.Editor, Name: "Ada Example"}

type sinkPage struct {
	web.Page
	Tabs      web.Tabs
	Dates     []web.Step
	States    []string
	Facets    web.Facets
	Rows      []sinkRow
	Pager     web.Pager
	Deadline  time.Time
	Countries []string
	Counts    counts
	Thing     *web.Form
}

type sinkRow struct {
	Slug, Name, Country, State string
	Customers                  int
	Since                      time.Time
}

type counts struct{ Sent, All int }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newSink(t *testing.T, publicURL string) *sink {
	t.Helper()
	at, err := url.Parse(publicURL)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{log: &bytes.Buffer{}}
	s.kit, err = web.New(web.Options{
		PublicURL: at, Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Publisher: "Example Cloud GmbH",
		Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	nav := func(home string) []web.NavItem {
		return []web.NavItem{
			{Href: home, Key: "sink.home"}, {Href: home + "/changes", Key: "sink.changes"}, {Href: home + "/customers", Key: "sink.customers"},
			{Href: home + "/deliveries", Key: "sink.deliveries"}, {Href: home + "/staff", Key: "sink.staff", Act: actor.EditStaff},
		}
	}
	audience := func(spec web.Spec) *web.Audience {
		a, err := s.kit.Audience(spec)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	files := os.DirFS("testdata/sink")
	s.public = audience(web.Spec{Layout: "public", Prefix: "/", Files: files, CrossOriginPosts: []string{"/unsubscribe/:token"}})
	s.portal = audience(web.Spec{Layout: "portal", Prefix: "/portal", Files: onlyTemplates{files}})
	s.console = audience(web.Spec{
		Layout: "console", Prefix: "/console", Files: onlyTemplates{files}, Nav: nav("/console"),
		SignIn: "/console/sign-in", SignOut: "/console/sign-out", BodyLimits: map[string]int64{"/console/import": 4 << 20},
	})
	s.routes()
	return s
}

func (s *sink) routes() {
	r := s.public.Routes()
	r.GET("/", func(c *gin.Context) error { return s.page(c, s.public, s.kit.NewForm(c), s.public.RenderCached) })
	r.GET("/fails/:how", s.failing)
	r.POST("/unsubscribe/:token", func(c *gin.Context) error { c.String(http.StatusOK, "gone"); return nil })
	r.GET("/preview", func(c *gin.Context) error {
		web.SetPreviewCSP(c)
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte("<!DOCTYPE html><html lang=en><title>x</title><p>mail"))
		return nil
	})
	r.GET("/events", func(c *gin.Context) error {
		c.Header("Content-Type", "text/event-stream")
		c.SSEvent("message", "one")
		c.Writer.Flush()
		return nil
	})

	p := s.portal.Routes()
	p.GET("/portal", func(c *gin.Context) error { return s.page(c, s.portal, s.kit.NewForm(c), s.portal.Render) })
	p.POST("/portal", func(c *gin.Context) error { return s.save(c, s.portal) })

	open := s.console.Routes()
	open.GET("/console/sign-in", func(c *gin.Context) error { c.String(http.StatusOK, "sign in"); return nil })
	open.GET("/console/locked", func(c *gin.Context) error { return web.ActorOf(c).Must(actor.ReadConsole) })
	open.POST("/console/locked", func(c *gin.Context) error { return web.ActorOf(c).Must(actor.ReadConsole) })
	in := open.With(func(c *gin.Context) error { web.SetActor(c, staff); return nil })
	in.GET("/console", func(c *gin.Context) error { return s.page(c, s.console, s.kit.NewForm(c), s.console.Render) })
	in.POST("/console", func(c *gin.Context) error { return s.save(c, s.console) })
	in.GET("/console/counts", s.counts)
	in.POST("/console/finish", func(c *gin.Context) error { s.sent.Store(60); c.Status(http.StatusNoContent); return nil })
	in.GET("/console/changes/:id", func(c *gin.Context) error { return s.page(c, s.console, s.kit.NewForm(c), s.console.Render) })
	in.GET("/console/admin", func(c *gin.Context) error { return web.ActorOf(c).Must(actor.EditStaff) })
	in.POST("/console/import", func(c *gin.Context) error { c.String(http.StatusOK, "taken"); return nil })
}

func (s *sink) counts(c *gin.Context) error {
	return s.console.Fragment(c, "sink", "counts", counts{Sent: int(s.sent.Load()), All: 60})
}

func (s *sink) failing(c *gin.Context) error {
	switch c.Param("how") {
	case "panic":
		panic("secret: the database said no")
	case "defect":
		return errors.New("secret: the database said no")
	case "template":
		return s.public.Render(c, "no-such-page", &sinkPage{})
	case "conflict":
		return fault.New(fault.Conflict, "changed_meanwhile", fault.Args{"Who": "Grace", "What": []string{"name", "effective_on"}})
	case "missing":
		return fault.Missing("vendor")
	case "too-many":
		return fault.New(fault.TooMany, "too_many", fault.Args{"seconds": 90})
	case "nobody":
		return fault.New(fault.Unauthenticated, "sign_in.needed", nil)
	default:
		return fault.New(fault.Invalid, "never.heard", nil)
	}
}

func (s *sink) save(c *gin.Context, a *web.Audience) error {
	form := s.kit.Form(c)
	day := form.Date("effective_on")
	form.Choice("kind", "addition", "replacement", "removal")
	ok, err := form.Do(func() error {
		var check fault.Check
		if form.Text("name") == "" {
			check.Add("name", "required", nil)
		}
		if !day.IsZero() && day.Before(noon) {
			check.Add("effective_on", "date.past", nil)
		}
		if form.Text("name") == "twin" {
			return fault.New(fault.Conflict, "changed_meanwhile", fault.Args{"Who": "Grace"})
		}
		return check.Err()
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.page(c, a, form, a.Render)
	}
	s.saved.Add(1)
	s.kit.Flash(c, "ok", "sink.saved", "Name", form.Text("name"))
	return web.SeeOther(c, c.Request.URL.Path)
}

func (s *sink) page(c *gin.Context, a *web.Audience, form *web.Form, render func(*gin.Context, string, web.Data) error) error {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	deadline := time.Date(2026, 12, 23, 0, 0, 0, 0, berlin)
	lang := web.Lang(c)
	p := &sinkPage{
		Page: a.NewPage(c, "sink.title"),
		Tabs: web.Tabs{Label: a.T(lang, "sink.list"), Links: []web.NavLink{
			{Href: "/", Label: a.T(lang, "sink.home"), Current: "page"}, {Href: "/changes", Label: a.T(lang, "sink.changes")},
		}},
		Dates: []web.Step{
			{Label: a.T(lang, "sink.notice_sent"), At: noon, State: "past"},
			{Label: a.T(lang, "sink.objection"), At: deadline, State: "next", Instant: true, Note: a.T(lang, "sink.note")},
			{Label: a.T(lang, "sink.effective"), At: deadline.AddDate(0, 1, 0)},
		},
		States: []string{"current", "expiring", "expired", "planned", "draft", "in_review", "delivered"},
		Facets: web.Facets{
			Action: c.Request.URL.Path, Form: s.kit.Query(c), Search: "q", Count: 3,
			Groups: []web.FacetGroup{
				{Name: "kind", Options: s.kit.Options(lang, "kind", "addition", "removal")},
				{Name: "regions", Many: true, Options: s.kit.Options(lang, "regions", "eu", "uk", "ch")},
			},
		},
		Rows: []sinkRow{
			{"nordlicht", "Nordlicht Rechenzentren GmbH", "DE", "current", 1204, noon.AddDate(-2, -3, 0)},
			{"hartwell", "Hartwell Mail Relay, Inc.", "US", "expiring", 87, noon.AddDate(-1, 0, 0)},
			{"bao", "Báo Hỗ Trợ Khách Hàng", "VN", "planned", 12, noon.AddDate(0, -1, 0)},
		},
		Pager:    web.NewPager(c, "abc", "def"),
		Deadline: deadline, Countries: []string{"DE", "NL", "IE"},
		Counts: counts{Sent: 20, All: 60},
		Thing:  form,
	}
	p.LastUpdated = noon.In(berlin)
	p.Version = "2026-11-22.3"
	p.Feedback(form)
	return render(c, "sink", p)
}

// get and post talk to the sink as a browser of this language does.
func (s *sink) get(path string, header ...string) *httptest.ResponseRecorder {
	return s.send(httptest.NewRequest(http.MethodGet, path, nil), header...)
}

func (s *sink) post(path string, values url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.send(r, header...)
}

func (s *sink) send(r *http.Request, header ...string) *httptest.ResponseRecorder {
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.kit.Handler().ServeHTTP(w, r)
	return w
}

func TestTemplatesAndCatalogs(t *testing.T) {
	s := newSink(t, "https://trust.example")
	for _, a := range []*web.Audience{s.public, s.portal, s.console} {
		webtest.CheckTemplates(t, a, map[string]web.Data{"sink": &sinkPage{}})
		webtest.CheckKeys(t, a)
		webtest.CheckFragment(t, a, "sink", "counts", counts{})
	}
	webtest.CheckCatalogs(t, os.DirFS("."))
	webtest.CheckCatalogs(t, os.DirFS("testdata/sink"))
}
