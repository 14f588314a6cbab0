package inbox

import (
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"fairnotice/internal/demo/site"
)

//go:embed templates
var files embed.FS

// perPage is how many messages a page of the list shows.
const perPage = 50

// tab is the path of the inbox on the site.
const tab = "/"

// addPages gives the site its tab.
func (i *Inbox) addPages() error {
	t, err := i.site.Templates(files, nil)
	if err != nil {
		return err
	}
	p := &page{Site: i.site, inbox: i, templates: t}
	p.AddTab("Mail", tab)
	p.Handle("GET /{$}", p.list)
	p.Handle("GET /messages/{id}", p.message)
	p.Handle("GET /messages/{id}/html", p.html)
	p.Handle("GET /messages/{id}/message.eml", p.download)
	p.Handle("POST /messages/{id}/unsubscribe", p.unsubscribe)
	return nil
}

// page answers requests.
type page struct {
	*site.Site
	inbox     *Inbox
	templates *template.Template
}

func (p *page) draw(w http.ResponseWriter, status int, name string, data any) {
	p.Draw(w, status, p.templates, name, data)
}

type listPage struct {
	site.Shell
	Query    string
	Messages []entry
	Total    int
	Older    string // the address of the next page
	Newer    bool   // this isn't the first page
}

func (p *page) list(w http.ResponseWriter, r *http.Request) {
	query, before := r.FormValue("q"), r.FormValue("before")
	found, more, total := p.inbox.store.find(query, before, perPage)
	out := listPage{Shell: p.Shell("Demo inbox", tab), Query: query, Messages: found, Total: total, Newer: before != ""}
	if more {
		out.Older = "/?" + url.Values{"q": {query}, "before": {found[len(found)-1].ID}}.Encode()
	}
	p.draw(w, http.StatusOK, "list.html", out)
}

type messagePage struct {
	site.Shell
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
	out := &messagePage{Shell: p.Shell(e.Subject, tab), entry: e, parsed: parse(raw), View: r.FormValue("view"), Raw: string(raw)}
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
		p.Missing(w, r)
	case err != nil:
		p.Fail(w, err)
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
	site.Common(h)
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
	site.Common(w.Header())
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
		out.Done, status = "Its address isn't one of "+p.Fairnotice()+", the only server that this inbox speaks to.", http.StatusConflict
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
