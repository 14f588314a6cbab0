package inbox

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

//go:embed templates inbox.css
var files embed.FS

// perPage is how many messages a page of the list shows.
const perPage = 50

// newPage makes the page's server.
func (i *Inbox) newPage() (*http.Server, error) {
	t, err := template.New("").Funcs(template.FuncMap{"at": at, "segments": segments, "join": strings.Join}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	p := &page{inbox: i, templates: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.list)
	mux.HandleFunc("GET /messages/{id}", p.message)
	mux.HandleFunc("GET /messages/{id}/html", p.html)
	mux.HandleFunc("GET /messages/{id}/message.eml", p.download)
	mux.HandleFunc("POST /messages/{id}/unsubscribe", p.unsubscribe)
	mux.HandleFunc("GET /inbox.css", p.style)
	mux.HandleFunc("/", p.missing)
	return &http.Server{
		Handler:           http.NewCrossOriginProtection().Handler(mux),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(i.log.Handler(), slog.LevelDebug),
	}, nil
}

// page answers requests.
type page struct {
	inbox     *Inbox
	templates *template.Template
}

// shell is what every page needs.
type shell struct {
	Title      string
	Fairnotice string
}

type listPage struct {
	shell
	Query    string
	Messages []entry
	Total    int
	Older    string // the address of the next page
	Newer    bool   // this isn't the first page
}

func (p *page) list(w http.ResponseWriter, r *http.Request) {
	query, before := r.FormValue("q"), r.FormValue("before")
	found, more, total := p.inbox.store.find(query, before, perPage)
	out := listPage{shell: p.shell("Demo inbox"), Query: query, Messages: found, Total: total, Newer: before != ""}
	if more {
		out.Older = "/?" + url.Values{"q": {query}, "before": {found[len(found)-1].ID}}.Encode()
	}
	p.draw(w, http.StatusOK, "list.html", out)
}

type messagePage struct {
	shell
	entry
	parsed
	View    string // html, text or raw
	Raw     string
	Done    string // what came of one-click unsubscribing; "" when nobody asked
	DoneBad bool
}

func (p *page) message(w http.ResponseWriter, r *http.Request) {
	if out, ok := p.load(w, r); ok {
		p.draw(w, http.StatusOK, "message.html", out)
	}
}

// load reads the message that the address names, or answers that there is none.
func (p *page) load(w http.ResponseWriter, r *http.Request) (*messagePage, bool) {
	e, raw, ok := p.get(w, r)
	if !ok {
		return nil, false
	}
	out := &messagePage{shell: p.shell(e.Subject), entry: e, parsed: parse(raw), View: r.FormValue("view"), Raw: string(raw)}
	if out.Title == "" {
		out.Title = "(no subject)"
	}
	switch {
	case out.View == "raw" || (out.View == "text" && out.Text != ""):
	case out.HTML != "":
		out.View = "html"
	case out.Text != "":
		out.View = "text"
	default:
		out.View = "raw"
	}
	return out, true
}

func (p *page) get(w http.ResponseWriter, r *http.Request) (entry, []byte, bool) {
	e, raw, err := p.inbox.store.get(r.PathValue("id"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.missing(w, r)
	case err != nil:
		p.fail(w, err)
	}
	return e, raw, err == nil
}

// html is the message's HTML alone, for the frame: no script runs in it, nothing is fetched, and its
// links open beside it.
func (p *page) html(w http.ResponseWriter, r *http.Request) {
	_, raw, ok := p.get(w, r)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "+
		"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	common(h)
	_, _ = w.Write([]byte(withTarget(parse(raw).HTML)))
}

var headForm = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)

// withTarget makes links open in a tab of their own, as mail programs do.
func withTarget(html string) string {
	const base = `<base target="_blank">`
	if at := headForm.FindStringIndex(html); at != nil {
		return html[:at[1]] + base + html[at[1]:]
	}
	return base + html
}

// download is the message as it arrived.
func (p *page) download(w http.ResponseWriter, r *http.Request) {
	e, raw, ok := p.get(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+e.ID+`.eml"`)
	common(w.Header())
	_, _ = w.Write(raw)
}

// unsubscribe does what a mail program does behind its own button (RFC 8058): one POST to the
// address in List-Unsubscribe, without a cookie.
func (p *page) unsubscribe(w http.ResponseWriter, r *http.Request) {
	out, ok := p.load(w, r)
	if !ok {
		return
	}
	var status int
	switch {
	case !out.OneClick:
		out.Done, status = "This message has no one-click unsubscribing: its recipient is named in a contract.", http.StatusConflict
	case !p.inbox.ours(out.Unsubscribe):
		out.Done, status = "Its address isn't one of "+p.inbox.fairnotice+", the only server that this inbox speaks to.", http.StatusConflict
	default:
		out.Done, status = p.post(r, out.Unsubscribe)
	}
	out.DoneBad = status != http.StatusOK
	p.draw(w, status, "message.html", out)
}

func (p *page) post(r *http.Request, address string) (told string, status int) {
	form := strings.NewReader("List-Unsubscribe=One-Click")
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, address, form)
	if err != nil {
		return "The address can't be used: " + err.Error(), http.StatusBadGateway
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := p.inbox.client.Do(request)
	if err != nil {
		return "Fairnotice could not be reached.", http.StatusBadGateway
	}
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return "Fairnotice refused: it answered " + answer.Status + ".", http.StatusBadGateway
	}
	return "Fairnotice was asked to unsubscribe this recipient, and answered " + answer.Status + ".", http.StatusOK
}

func (p *page) style(w http.ResponseWriter, r *http.Request) {
	common(w.Header())
	http.ServeFileFS(w, r, files, "inbox.css")
}

func (p *page) missing(w http.ResponseWriter, _ *http.Request) {
	p.draw(w, http.StatusNotFound, "missing.html", p.shell("Not found"))
}

func (p *page) fail(w http.ResponseWriter, err error) {
	p.inbox.log.Error("the demo inbox's page", "error", err)
	http.Error(w, "The demo inbox can't read this: see the log.", http.StatusInternalServerError)
}

func (p *page) shell(title string) shell { return shell{Title: title, Fairnotice: p.inbox.fairnotice} }

func (p *page) draw(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		p.fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	common(h)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

func common(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// at is an instant in this machine's zone, which the reader of a demo shares.
func at(t time.Time) string { return t.Local().Format("2 January 2006, 15:04:05 MST") }

// segment is a piece of a text, a link when Link is true.
type segment struct {
	Text string
	Link bool
}

var linkForm = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)\]']`)

// segments makes the web addresses in a text into links.
func segments(text string) (out []segment) {
	rest := 0
	for _, at := range linkForm.FindAllStringIndex(text, -1) {
		out = append(out, segment{Text: text[rest:at[0]]}, segment{Text: text[at[0]:at[1]], Link: true})
		rest = at[1]
	}
	return append(out, segment{Text: text[rest:]})
}
