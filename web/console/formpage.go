package console

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

// crumb is one step of the trail above a page's heading.
type crumb struct{ Href, Label string }

// formPage is what pages with a form have in common.
type formPage struct {
	web.Page
	Trail     []crumb
	Action    string        // where the form posts
	Back      string        // where "Cancel" leads
	Meanwhile []fieldChange // what somebody else changed while this form was open
}

// fieldChange is a field of a record with its values before and after, told to the reader.
type fieldChange struct{ Label, Was, Is string }

// allowed is the step of a route that only those may take who may do this.
func allowed(act actor.Act) web.Handler {
	return func(c *gin.Context) error { return web.ActorOf(c).Must(act) }
}

// both shows a form at a path and takes it there.
func both(r *web.Routes, path string, show, take web.Handler) {
	r.GET(path, show)
	r.POST(path, take)
}

// edit runs the work of a form that edits a subject. When somebody was faster, it also returns what
// they changed, and the form is ready to be saved again on top of that.
func (s *Site) edit(c *gin.Context, form *web.Form, subject uuid.UUID, work func() error) (ok bool, meanwhile []fieldChange, err error) {
	overtaken := false
	ok, err = form.Do(func() error {
		err := work()
		overtaken = fault.Has(err, "changed_meanwhile")
		return err
	})
	if err != nil || !overtaken {
		return ok, nil, err
	}
	meanwhile, version, err := s.changesSince(c.Request.Context(), web.Lang(c), subject, int(form.Version()))
	if err == nil && version > 0 {
		form.SetVersion(int64(version))
	}
	return false, meanwhile, err
}

// changesSince lists what edits after a version changed, and the version that they led to.
func (s *Site) changesSince(ctx context.Context, lang locale.Lang, subject uuid.UUID, basedOn int) ([]fieldChange, int, error) {
	records, err := ledger.About(ctx, s.DB, subject, 100)
	if err != nil {
		return nil, 0, err
	}
	version, changed := 0, map[string][2]any{}
	for _, r := range records { // the newest first: its "after" stays, the oldest's "before" wins
		var e ledger.Edit
		if json.Unmarshal(r.Body, &e) != nil || e.Version <= basedOn {
			continue // no edit, or one that the form knew
		}
		version = max(version, e.Version)
		for field, pair := range e.Changed {
			if newer, seen := changed[field]; seen {
				pair[1] = newer[1]
			}
			changed[field] = pair
		}
	}
	return s.tellChanges(lang, changed), version, nil
}

func (s *Site) tellChanges(lang locale.Lang, changed map[string][2]any) []fieldChange {
	var out []fieldChange
	for field, pair := range changed {
		out = append(out, fieldChange{s.fieldLabel(lang, field), s.tell(lang, field, pair[0]), s.tell(lang, field, pair[1])})
	}
	slices.SortFunc(out, func(a, b fieldChange) int { return strings.Compare(a.Label, b.Label) })
	return out
}

// fieldLabel is a field's name for people, or the bare name where the catalogues have none.
func (s *Site) fieldLabel(lang locale.Lang, field string) string {
	for _, key := range web.LabelKeys(field) {
		if s.web.Has(lang, key) {
			return s.web.T(lang, key)
		}
	}
	return field
}

// tell writes a recorded value for people.
func (s *Site) tell(lang locale.Lang, field string, value any) string {
	switch v := value.(type) {
	case nil:
		return "–"
	case string:
		return s.tellText(lang, field, v)
	case bool:
		if v {
			return s.web.T(lang, "value.yes")
		}
		return s.web.T(lang, "value.no")
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = s.tell(lang, field, item)
		}
		if len(parts) == 0 {
			return "–"
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		raw, _ := json.Marshal(v) // it came from JSON
		return string(raw)
	default:
		return fmt.Sprint(v)
	}
}

func (s *Site) tellText(lang locale.Lang, field, v string) string {
	switch {
	case v == "":
		return "–"
	case field == "country" && locale.IsCountry(v):
		return locale.Country(lang, v)
	case s.web.Has(lang, "option."+field+"."+v):
		return s.web.T(lang, "option."+field+"."+v)
	}
	if day, ok := isoDay(v); ok {
		return locale.Date(lang, day)
	}
	return v
}

// T is shorthand for a text in the reader's language.
func (s *Site) text(c *gin.Context, key string, pairs ...any) string {
	return s.web.T(web.Lang(c), key, pairs...)
}

// confirmPage asks before something of consequence is done, and says exactly what.
type confirmPage struct {
	formPage
	Sentences []string // what will happen
	Button    string
	Danger    bool
	Ask       string // the key of an optional field for a reason or a day; "" asks nothing
	AskHint   string
	AskDate   bool
	Address   string // of a suppression, sent along
}

func (s *Site) confirm(c *gin.Context, form *web.Form, p *confirmPage) error {
	p.Feedback(form)
	return s.web.Render(c, "register/confirm", p)
}

// confirmEdit takes a confirmation of an act on a subject: it runs the work, or shows the page
// again with what stood in the way.
func (s *Site) confirmEdit(c *gin.Context, form *web.Form, subject uuid.UUID, p *confirmPage, work func() error, done func() error) error {
	ok, meanwhile, err := s.edit(c, form, subject, work)
	if err != nil {
		return err
	}
	if !ok {
		p.Meanwhile = meanwhile
		return s.confirm(c, form, p)
	}
	return done()
}
