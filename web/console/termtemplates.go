package console

import (
	"encoding/json"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// templateView is a template with its latest edition in words.
type templateView struct {
	subscribers.Template
	Summary string
	Trouble string
}

type templateListPage struct {
	web.Page
	Tabs web.Tabs
	Rows []templateView
}

func (s *Site) listTemplates(c *gin.Context) error {
	list, err := s.Subscribers.Templates(c.Request.Context())
	if err != nil {
		return err
	}
	p := &templateListPage{Page: s.web.NewPage(c, "templates.title"), Tabs: s.customerTabs(c)}
	w := words{s, p.Lang}
	for _, t := range list {
		view := templateView{Template: t}
		if t.Latest != nil {
			view.Summary, view.Trouble = w.summary(&t.Latest.Sheet), w.troubleOf(&t.Latest.Sheet)
		}
		p.Rows = append(p.Rows, view)
	}
	return s.web.Render(c, "customers/templates", p)
}

// troubleOf is trouble for a sheet that no contract was signed on.
func (w words) troubleOf(sheet *subscribers.TermSheet) string {
	day := calendar.Date{}
	if e := sheet.BeforeSigning; e != nil {
		day = e.SignedBefore
	}
	return w.trouble(*sheet, day)
}

type templatePage struct {
	web.Page
	Trail    []crumb
	Template *subscribers.Template
	Editions []editionView
}

type editionView struct {
	subscribers.TemplateVersion
	Summary, Trouble string
	Lines            []string
}

func (s *Site) templateAt(c *gin.Context) (*subscribers.Template, error) {
	id, err := pathID(c, "id", "template")
	if err != nil {
		return nil, err
	}
	return s.Subscribers.Template(c.Request.Context(), id)
}

func (s *Site) showTemplate(c *gin.Context) error {
	t, err := s.templateAt(c)
	if err != nil {
		return err
	}
	editions, err := s.Subscribers.TemplateVersions(c.Request.Context(), t.ID)
	if err != nil {
		return err
	}
	p := &templatePage{Page: s.web.NewPage(c, "templates.one", "Name", t.Name), Template: t, Trail: s.templateTrail(c)}
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	w := words{s, p.Lang}
	for _, e := range editions {
		e.CreatedAt = e.CreatedAt.In(settings.Zone())
		p.Editions = append(p.Editions, editionView{e, w.summary(&e.Sheet), w.troubleOf(&e.Sheet), w.lines(&e.Sheet)})
	}
	return s.web.Render(c, "customers/template", p)
}

func (s *Site) templateTrail(c *gin.Context) []crumb {
	return []crumb{{customersPath, s.text(c, "customers.title")}, {templatesPath, s.text(c, "templates.title")}}
}

type templateFormPage struct {
	formPage
	New   bool
	Sheet sheetFields
}

// standardDays is what a new template proposes: the commonest period.
const standardDays = 30

func (s *Site) newTemplate(c *gin.Context) error {
	zone := "UTC"
	settings, err := s.Publisher.Get(c.Request.Context())
	switch {
	case err == nil:
		zone = settings.TimeZone
	case !fault.Is(err, fault.NotFound):
		return err
	}
	form := s.web.NewForm(c)
	if err := fillWholeSheet(form, subscribers.Standard(standardDays, zone)); err != nil {
		return err
	}
	return s.drawTemplateForm(c, form, nil, nil)
}

func fillWholeSheet(form *web.Form, sheet subscribers.TermSheet) error {
	raw, err := json.Marshal(sheet)
	if err != nil {
		return err
	}
	return fillSheet(form, raw)
}

func (s *Site) drawTemplateForm(c *gin.Context, form *web.Form, t *subscribers.Template, meanwhile []fieldChange) error {
	p := &templateFormPage{New: t == nil}
	if t == nil {
		p.Page = s.web.NewPage(c, "templates.new")
		p.Trail, p.Action, p.Back = s.templateTrail(c), templatesPath+"/new", templatesPath
	} else {
		p.Page = s.web.NewPage(c, "templates.version_title", "Name", t.Name)
		p.Back = templatesPath + "/" + t.ID.String()
		p.Trail, p.Action = append(s.templateTrail(c), crumb{p.Back, t.Name}), p.Back+"/version"
	}
	p.Meanwhile = meanwhile
	foldErrors(form, "recipients")
	p.Feedback(form)
	p.Sheet = s.sheetFields(c, form, false)
	return s.web.Render(c, "customers/template-form", p)
}

// wholeSheet reads a sheet that no template stands behind; what is wrong is noted on the form.
func wholeSheet(form *web.Form) (subscribers.TermSheet, error) {
	sheet, err := subscribers.ParseTermSheet(sheetPatch(form))
	return sheet, form.Check(err)
}

func (s *Site) createTemplate(c *gin.Context) error {
	form := s.web.Form(c)
	name := form.Text("name")
	if name == "" {
		form.Add("name", "required", nil)
	}
	sheet, err := wholeSheet(form)
	if err != nil {
		return err
	}
	ok, err := form.Do(func() error {
		_, err := s.Subscribers.CreateTemplate(c.Request.Context(), web.ActorOf(c), name, sheet, form.Text("note"))
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawTemplateForm(c, form, nil, nil)
	}
	s.web.Flash(c, "ok", "templates.created", "Name", name)
	return web.SeeOther(c, templatesPath)
}

func (s *Site) newTemplateVersion(c *gin.Context) error {
	t, err := s.templateAt(c)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(t.Version))
	if err := fillWholeSheet(form, t.Latest.Sheet); err != nil {
		return err
	}
	return s.drawTemplateForm(c, form, t, nil)
}

func (s *Site) addTemplateVersion(c *gin.Context) error {
	t, err := s.templateAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	sheet, err := wholeSheet(form)
	if err != nil {
		return err
	}
	ok, meanwhile, err := s.edit(c, form, t.ID, func() error {
		_, err := s.Subscribers.AddTemplateVersion(c.Request.Context(), web.ActorOf(c), t.ID, int(form.Version()), sheet, form.Text("note"))
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.drawTemplateForm(c, form, t, meanwhile)
	}
	s.web.Flash(c, "ok", "templates.versioned", "Name", t.Name)
	return web.SeeOther(c, templatesPath+"/"+t.ID.String())
}
