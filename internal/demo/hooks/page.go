package hooks

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fairnotice/internal/demo/site"
)

//go:embed templates
var files embed.FS

const (
	tab     = "/webhooks"
	perPage = 50
)

// addPages gives the site its tab.
func (r *Receiver) addPages() error {
	t, err := r.site.Templates(files, template.FuncMap{"title": title, "status": status})
	if err != nil {
		return err
	}
	p := &page{Site: r.site, receiver: r, templates: t}
	p.AddTab("Webhooks", tab)
	p.Handle("GET "+tab, p.list)
	p.Handle("POST "+tab+"/secrets", p.learn)
	p.Handle("GET "+tab+"/{id}", p.one)
	return nil
}

// page answers requests.
type page struct {
	*site.Site
	receiver  *Receiver
	templates *template.Template
}

type listPage struct {
	site.Shell
	Query     string
	Arrivals  []site.Kept[arrival]
	Total     int
	Older     string // the address of the next page
	Newer     bool   // this isn't the first page
	Endpoints []endpoint
	Name      string // typed, with a secret that was refused
	Wrong     string // why
	Learned   string // the endpoint that has just got a secret
}

// endpoint is one that is known.
type endpoint struct {
	Name, Address, Does string
	Since               time.Time // its newest secret is known; zero: it has none
	Former              bool      // the one before is known too
}

var does = map[string]string{
	Slow: "Answers after three seconds.",
	Down: "Refuses each message twice (503, Retry-After), then takes it.",
	Gone: "Answers that it is no more (410).",
}

func (p *page) list(w http.ResponseWriter, r *http.Request) {
	p.drawList(w, r, http.StatusOK, listPage{Shell: p.Shell("Webhooks", tab), Learned: r.FormValue("learned")})
}

func (p *page) drawList(w http.ResponseWriter, r *http.Request, status int, out listPage) {
	query, before := r.URL.Query().Get("q"), r.URL.Query().Get("before")
	out.Query, out.Newer, out.Endpoints = query, before != "", p.receiver.endpoints()
	var more bool
	out.Arrivals, more, out.Total = p.receiver.shelf.Find(matching(query), before, perPage)
	if more {
		out.Older = tab + "?" + url.Values{"q": {query}, "before": {out.Arrivals[len(out.Arrivals)-1].ID}}.Encode()
	}
	p.Draw(w, status, p.templates, "list.html", out)
}

func matching(query string) func(*arrival) bool {
	query = strings.ToLower(strings.TrimSpace(query))
	return func(a *arrival) bool {
		return query == "" || strings.Contains(strings.ToLower(a.Endpoint+"\n"+a.MessageID+"\n"+title(a.Body)), query)
	}
}

// endpoints are those to be tried and those that have a secret.
func (r *Receiver) endpoints() (out []endpoint) {
	names := append(r.secrets.names(), Slow, Down, Gone)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		e := endpoint{Name: name, Address: r.Address(name), Does: does[name]}
		if known := r.secrets.of(name); len(known) > 0 {
			e.Since, e.Former = known[0].Learned, len(known) > 1
		}
		if e.Does == "" {
			e.Does = "Takes every message that verifies."
		}
		out = append(out, e)
	}
	return out
}

// learn takes a secret that somebody entered, as after a rotation.
func (p *page) learn(w http.ResponseWriter, r *http.Request) {
	name, value := strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("secret"))
	if err := p.receiver.Learn(name, value); err != nil {
		p.drawList(w, r, http.StatusUnprocessableEntity, listPage{Shell: p.Shell("Error: Webhooks", tab), Name: name, Wrong: err.Error()})
		return
	}
	http.Redirect(w, r, tab+"?"+url.Values{"learned": {name}}.Encode(), http.StatusSeeOther)
}

type onePage struct {
	site.Shell
	site.Kept[arrival]
	Pretty string // the body for reading
}

func (p *page) one(w http.ResponseWriter, r *http.Request) {
	kept, err := p.receiver.shelf.Get(r.PathValue("id"))
	if err != nil {
		p.Missing(w, r)
		return
	}
	out := onePage{Shell: p.Shell(title(kept.What.Body), tab), Kept: kept, Pretty: kept.What.Body}
	var b bytes.Buffer
	if json.Indent(&b, []byte(kept.What.Body), "", "  ") == nil {
		out.Pretty = b.String()
	}
	p.Draw(w, http.StatusOK, p.templates, "one.html", out)
}

// title names what a body tells: its type and, where it has one, the reference in it.
func title(body string) string {
	var told map[string]any
	if json.Unmarshal([]byte(body), &told) != nil {
		return "Not a JSON object"
	}
	name, _ := told["type"].(string)
	if name == "" {
		name = "A message without a type"
	}
	if found := reference(told); found != "" {
		return name + " " + found
	}
	return name
}

// reference is the first in a body, wherever it stands.
func reference(told any) string {
	object, ok := told.(map[string]any)
	if !ok {
		return ""
	}
	if text, ok := object["reference"].(string); ok {
		return text
	}
	var found []string
	for _, value := range object {
		if text := reference(value); text != "" {
			found = append(found, text)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found) // whatever the map's order
}

func status(code int) string { return http.StatusText(code) }
