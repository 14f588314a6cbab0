package workspace

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"fairnotice/internal/demo/site"
)

//go:embed templates
var files embed.FS

const (
	tab     = "/slack"
	perPage = 20
)

// addPages gives the site its tab.
func (s *Workspace) addPages() error {
	t, err := s.site.Templates(files, template.FuncMap{"spans": spans, "textspans": textSpans})
	if err != nil {
		return err
	}
	p := &page{Site: s.site, workspace: s, templates: t}
	p.AddTab("Slack", tab)
	p.Handle("GET "+tab, p.feed)
	p.Handle("GET "+tab+"/{id}", p.one)
	return nil
}

// page answers requests.
type page struct {
	*site.Site
	workspace *Workspace
	templates *template.Template
}

type feedPage struct {
	site.Shell
	Channel  string   // the one that is shown; "": all
	Channels []string // all that had a message
	Messages []drawn
	Total    int
	Older    string // the address of the next page
	Newer    bool   // this isn't the first page
}

// drawn is a message with its blocks.
type drawn struct {
	site.Kept[message]
	Blocks []block // of one that was taken
	Alone  bool    // it is a page's only one
	Pretty string
}

func draw(k site.Kept[message]) drawn {
	out := drawn{Kept: k}
	var p payload
	if k.What.taken() && json.Unmarshal(k.What.Payload, &p) == nil {
		out.Blocks = p.Blocks
	}
	return out
}

func (p *page) feed(w http.ResponseWriter, r *http.Request) {
	channel, before := r.FormValue("channel"), r.FormValue("before")
	match := func(m *message) bool { return channel == "" || m.Channel == channel }
	found, more, total := p.workspace.shelf.Find(match, before, perPage)
	out := feedPage{Shell: p.Shell("Slack", tab), Channel: channel, Channels: p.workspace.channels(), Total: total, Newer: before != ""}
	for _, k := range found {
		out.Messages = append(out.Messages, draw(k))
	}
	if more {
		out.Older = tab + "?" + url.Values{"channel": {channel}, "before": {found[len(found)-1].ID}}.Encode()
	}
	p.Draw(w, http.StatusOK, p.templates, "feed.html", out)
}

// channels are those that had a message.
func (s *Workspace) channels() (out []string) {
	s.shelf.Find(func(m *message) bool {
		out = append(out, m.Channel)
		return false
	}, "", 0)
	slices.Sort(out)
	return slices.Compact(out)
}

type onePage struct {
	site.Shell
	drawn
}

// one shows a message with what was posted.
func (p *page) one(w http.ResponseWriter, r *http.Request) {
	kept, err := p.workspace.shelf.Get(r.PathValue("id"))
	if err != nil {
		p.Missing(w, r)
		return
	}
	out := onePage{Shell: p.Shell("Slack: "+kept.What.Channel, tab), drawn: draw(kept)}
	out.Alone = true
	var b bytes.Buffer
	if json.Indent(&b, kept.What.Payload, "", "  ") == nil {
		out.Pretty = b.String()
	}
	p.Draw(w, http.StatusOK, p.templates, "one.html", out)
}

// textSpans are a text object's: only mrkdwn has styles.
func textSpans(kind, s string) []span {
	if kind == "mrkdwn" {
		return spans(s)
	}
	return []span{{Text: unescape(s)}}
}
