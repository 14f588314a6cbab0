// Package site is the demo's own web site, on loopback: a tab for each of the receivers at which the
// demo's notices arrive. What a receiver is, the packages beside it know.
package site

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
)

//go:embed templates site.css
var files embed.FS

// Options say where the site is.
type Options struct {
	Addr string // host:port; when the port is taken, one of those after it
	// Fairnotice is the address, without a slash at its end, of the server whose notices arrive here.
	Fairnotice string
	Log        *slog.Logger // nil: nothing is logged
}

// Site is the site. Tabs and pages are added between Open and Start.
type Site struct {
	fairnotice string
	log        *slog.Logger
	tabs       []tab
	mux        *http.ServeMux
	server     *Server
	pages      *template.Template // those that are no tab's
}

type tab struct{ Name, Path string }

// Open takes the address. Nothing is answered before Start; Close must be called.
func Open(o Options) (*Site, error) {
	s := &Site{fairnotice: o.Fairnotice, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), mux: http.NewServeMux()}
	var err error
	if s.pages, err = frame(nil); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET /site.css", s.style)
	s.mux.HandleFunc("/", s.Missing)
	s.server, err = Listen("site", o.Addr, http.NewCrossOriginProtection().Handler(s.mux), s.log)
	return s, err
}

// Start answers requests from now on.
func (s *Site) Start() { s.server.Start() }

// URL is the address of the first page.
func (s *Site) URL() string { return s.server.URL() + "/" }

// Close ends the server; once is enough.
func (s *Site) Close(ctx context.Context) error { return s.server.Close(ctx) }

// Fairnotice is the address, without a slash at its end, of the server whose notices arrive here.
func (s *Site) Fairnotice() string { return s.fairnotice }

// Log is where what goes wrong is told.
func (s *Site) Log() *slog.Logger { return s.log }

// AddTab puts a page into the navigation.
func (s *Site) AddTab(name, path string) { s.tabs = append(s.tabs, tab{name, path}) }

// Handle answers requests that match a pattern of http.ServeMux.
func (s *Site) Handle(pattern string, h http.HandlerFunc) { s.mux.HandleFunc(pattern, h) }

// Templates reads a package's templates/*.html, with the site's head and foot and its functions
// among them.
func (s *Site) Templates(own fs.FS, funcs template.FuncMap) (*template.Template, error) {
	t, err := frame(funcs)
	if err != nil {
		return nil, err
	}
	return t.ParseFS(own, "templates/*.html")
}

func frame(funcs template.FuncMap) (*template.Template, error) {
	all := template.FuncMap{"at": at, "segments": segments, "join": strings.Join}
	maps.Copy(all, funcs)
	return template.New("").Funcs(all).ParseFS(files, "templates/*.html")
}

// Shell is what every page needs; its data embed it.
type Shell struct {
	Title      string
	Fairnotice string
	Tabs       []tab
	Tab        string // the path of the tab that the page belongs to; "": of none
}

// Shell makes a page's.
func (s *Site) Shell(title, tab string) Shell {
	return Shell{Title: title, Fairnotice: s.fairnotice, Tabs: slices.Clone(s.tabs), Tab: tab}
}

// Draw answers with a page.
func (s *Site) Draw(w http.ResponseWriter, status int, t *template.Template, name string, data any) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		s.Fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	Common(h)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// Missing answers that there is no such page.
func (s *Site) Missing(w http.ResponseWriter, _ *http.Request) {
	s.Draw(w, http.StatusNotFound, s.pages, "missing.html", s.Shell("Not found", ""))
}

// Fail answers that something broke, and tells the log what.
func (s *Site) Fail(w http.ResponseWriter, err error) {
	s.log.Error("the demo's site", "error", err)
	http.Error(w, "The demo can't show this: see the log.", http.StatusInternalServerError)
}

// Common sets the headers that whatever is answered has.
func Common(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

func (s *Site) style(w http.ResponseWriter, r *http.Request) {
	Common(w.Header())
	http.ServeFileFS(w, r, files, "site.css")
}
