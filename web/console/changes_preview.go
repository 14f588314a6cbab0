package console

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

// previewPage shows the notice as somebody would get it now.
type previewPage struct {
	web.Page
	Change    *changes.View
	Base      string
	Query     *web.Form
	Customers []web.Option
	Langs     []web.Option
	Preview   *notify.Preview
	Frame     string // address of the HTML part
	AsWhom    string // "" : a follower
}

func (s *Site) previewChange(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	audience, err := s.Changes.Audience(c.Request.Context(), v.ID)
	if err != nil {
		return err
	}
	query := s.web.Query(c)
	if query.Text("language") == "" {
		query.Set("language", string(web.Lang(c)))
	}
	p := &previewPage{Page: s.web.NewPage(c, "preview.title", "Reference", v.Reference), Change: v, Base: changePath(v), Query: query}
	for _, l := range notify.Languages {
		p.Langs = append(p.Langs, web.Option{Value: string(l), Label: l.Name()})
	}
	for i := range audience.Included {
		if a := &audience.Included[i]; a.Trouble == nil {
			p.Customers = append(p.Customers, web.Option{Value: a.CustomerID.String(), Label: a.Name})
		}
	}
	to, lang, err := recipientOf(query, audience)
	if err != nil {
		return err
	}
	if to != nil {
		p.AsWhom = to.Name
	}
	if p.Preview, err = s.Notify.PreviewAnnouncement(c.Request.Context(), v.ID, lang, to); err != nil {
		return err
	}
	p.Frame = p.Base + "/preview/html?language=" + string(lang) + "&customer=" + query.Text("customer")
	return s.web.Render(c, "changes/preview", p)
}

// recipientOf reads as whom and in which language a notice is to be shown; nobody means a follower.
func recipientOf(query *web.Form, audience *changes.Audience) (*changes.Planned, locale.Lang, error) {
	lang, ok := locale.Parse(query.Text("language"))
	if !ok {
		lang = locale.Default
	}
	wanted := query.Text("customer")
	if wanted == "" {
		return nil, lang, nil
	}
	id, err := uuid.Parse(wanted)
	if err != nil {
		return nil, lang, fault.Missing("customer")
	}
	for i := range audience.Included {
		if p := &audience.Included[i]; p.CustomerID == id && p.Trouble == nil {
			return p, lang, nil
		}
	}
	return nil, lang, fault.Missing("customer")
}

// previewHTML is the HTML part alone, for the sandboxed frame: it has a policy of its own.
func (s *Site) previewHTML(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	audience, err := s.Changes.Audience(c.Request.Context(), v.ID)
	if err != nil {
		return err
	}
	to, lang, err := recipientOf(s.web.Query(c), audience)
	if err != nil {
		return err
	}
	preview, err := s.Notify.PreviewAnnouncement(c.Request.Context(), v.ID, lang, to)
	if err != nil {
		return err
	}
	return sendFrame(c, preview.HTML)
}

// sendFrame answers with a message's HTML part for a sandboxed frame of ours.
func sendFrame(c *gin.Context, body string) error {
	web.SetPreviewCSP(c)
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(body))
	return nil
}
