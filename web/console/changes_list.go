package console

import (
	"github.com/gin-gonic/gin"

	"fairnotice/internal/changes"
	"fairnotice/web"
)

type changesPage struct {
	web.Page
	Facets   web.Facets
	Rows     []changes.View
	Pager    web.Pager
	MayDraft bool
}

func (s *Site) listChanges(c *gin.Context) error {
	form := s.web.Query(c)
	f := changes.Filter{
		State: changes.State(form.Choice("state", texts(changes.States)...)),
		Kind:  changes.Kind(form.Choice("kind", texts(changes.Kinds)...)),
		Query: form.Text("q"), After: c.Query(web.AfterParam),
	}
	p := &changesPage{Page: s.web.NewPage(c, "changes.title"), MayDraft: web.ActorOf(c).May(mayDraft)}
	p.Feedback(form)
	list, next, err := s.Changes.List(c.Request.Context(), f)
	if err != nil {
		return err
	}
	p.Rows, p.Pager = list, web.NewPager(c, "", next)
	lang := web.Lang(c)
	p.Facets = web.Facets{
		Action: "/console/changes", Form: form, Search: "q", Count: len(list), CountKey: "changes.shown",
		Groups: []web.FacetGroup{
			{Name: "state", Options: s.stateOptions(lang, texts(changes.States)...)},
			{Name: "kind", Options: s.web.Options(lang, "kind", texts(changes.Kinds)...)},
		},
	}
	return s.web.Render(c, "changes/list", p)
}
