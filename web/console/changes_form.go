package console

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

const mayDraft = actor.DraftChange

// kindPage asks what kind of change is to be drafted.
type kindPage struct {
	web.Page
	Kinds []changes.Kind
}

// draftPage is the form of a change, new or a draft.
type draftPage struct {
	web.Page
	Kind        changes.Kind
	Change      *changes.View // nil: a new one
	Action      string
	Back        string
	Vendors     []web.Option
	Engagements []web.Option // in effect today
	Fields      engagementFields
}

// newChange asks for the kind first; ?vendor= and ?engagement= choose ahead, for links from the
// register.
func (s *Site) newChange(c *gin.Context) error {
	if err := web.ActorOf(c).Must(mayDraft); err != nil {
		return err
	}
	form := s.web.NewForm(c)
	query := s.web.Query(c)
	kind := query.Choice("kind", texts(changes.Kinds)...)
	if kind == "" {
		p := &kindPage{Page: s.web.NewPage(c, "changes.new"), Kinds: changes.Kinds}
		p.Feedback(stayHere(query))
		return s.web.Render(c, "changes/kind", p)
	}
	form.Set("kind", kind).Set("vendor_id", query.Text("vendor"))
	form.Set("engagement_id", query.Text("engagement")).Set("replaced_engagement_id", query.Text("engagement"))
	return s.draftForm(c, nil, form)
}

func (s *Site) draftForm(c *gin.Context, v *changes.View, form *web.Form) error {
	kind := changes.Kind(form.Text("kind"))
	p := &draftPage{Kind: kind, Change: v, Action: "/console/changes", Back: "/console/changes"}
	if v == nil {
		p.Page = s.web.NewPage(c, "changes.new_"+string(kind))
	} else {
		p.Page = s.web.NewPage(c, "changes.edit", "Reference", v.Reference)
		p.Action, p.Back = changePath(v)+"/edit", changePath(v)
	}
	p.Feedback(form)
	if err := s.draftChoices(c, p, form); err != nil {
		return err
	}
	return s.web.Render(c, "changes/form", p)
}

func (s *Site) draftChoices(c *gin.Context, p *draftPage, form *web.Form) (err error) {
	ctx := c.Request.Context()
	if p.Kind != changes.Addition {
		if p.Engagements, err = s.engagementOptions(c); err != nil {
			return err
		}
	}
	if p.Kind == changes.Removal {
		return nil
	}
	if p.Vendors, err = s.vendorOptions(ctx); err != nil {
		return err
	}
	p.Fields, err = s.engagementFields(c, form)
	return err
}

// engagementOptions are the engagements that a change can end: those in effect today.
func (s *Site) engagementOptions(c *gin.Context) ([]web.Option, error) {
	ctx := c.Request.Context()
	settings, err := s.houseRules(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := s.Vendors.List(ctx, settings.Today(s.web.Now()), vendors.ListFilter{})
	if err != nil {
		return nil, err
	}
	out := make([]web.Option, len(entries))
	for i, e := range entries {
		out[i] = web.Option{Value: e.EngagementID.String(), Label: e.Name() + " – " + e.Purpose}
	}
	return out, nil
}

func (s *Site) createChange(c *gin.Context) error {
	form := s.web.Form(c)
	if moreLocations(form) {
		return s.draftForm(c, nil, form)
	}
	p := readProposal(form)
	if form.Text("kind") == "" || form.Error("kind") != "" { // a form that isn't ours
		return fault.Field("kind", "choice.unknown", fault.Args{"Value": form.Text("kind"), "Allowed": texts(changes.Kinds)})
	}
	var made *changes.Change
	ok, err := s.doDraft(c, form, p, func() (err error) {
		made, err = s.Changes.Draft(c.Request.Context(), web.ActorOf(c), form.Key(), p)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.draftForm(c, nil, form)
	}
	s.web.Flash(c, "ok", "changes.flash.drafted", "Reference", made.Reference)
	return web.SeeOther(c, "/console/changes/"+made.Reference)
}

// doDraft tells every fault of the proposal in one go before it runs the work.
func (s *Site) doDraft(c *gin.Context, form *web.Form, p *changes.Proposal, work func() error) (bool, error) {
	if err := web.ActorOf(c).Must(mayDraft); err != nil {
		return false, err
	}
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return false, err
	}
	checked := *p
	if err := form.Check(s.inWords(c, checked.Validate(settings.Today(s.web.Now())))); err != nil {
		return false, err
	}
	return form.Do(func() error { return s.inWords(c, work()) })
}

// readProposal reads the form; what can't be read is noted at its field.
func readProposal(form *web.Form) *changes.Proposal {
	p := &changes.Proposal{
		Kind:   changes.Kind(form.Choice("kind", texts(changes.Kinds)...)),
		Reason: form.Text("reason"), Safeguards: form.Text("safeguards"), EffectiveOn: formDate(form, "effective_on"),
	}
	id := func(name, code string) uuid.UUID {
		if id := formID(form, name, code); id != nil {
			return *id
		}
		return uuid.Nil
	}
	switch p.Kind {
	case changes.Removal:
		p.EngagementID = id("engagement_id", "engagement.not_in_effect")
		return p
	case changes.Replacement:
		p.ReplacedEngagementID = id("replaced_engagement_id", "engagement.not_in_effect")
	}
	p.VendorID = id("vendor_id", "vendor.unknown")
	p.Facts = engagementForm(form)
	return p
}

func (s *Site) editChange(c *gin.Context) error {
	v, err := s.editable(c)
	if err != nil {
		return err
	}
	p, err := s.Changes.ProposalOf(c.Request.Context(), v.ID)
	if err != nil {
		return err
	}
	form := s.web.NewForm(c).SetVersion(int64(v.Version))
	form.Set("kind", string(p.Kind)).Set("reason", p.Reason).Set("safeguards", p.Safeguards)
	setDate(form, "effective_on", p.EffectiveOn)
	form.Set("vendor_id", idText(p.VendorID)).Set("engagement_id", idText(p.EngagementID))
	form.Set("replaced_engagement_id", idText(p.ReplacedEngagementID))
	fillEngagement(form, p.Facts)
	return s.draftForm(c, v, form)
}

// editable is the change that the address names, when the reader may edit it and it is a draft.
func (s *Site) editable(c *gin.Context) (*changes.View, error) {
	if err := web.ActorOf(c).Must(mayDraft); err != nil {
		return nil, err
	}
	v, err := s.changeAt(c)
	if err != nil {
		return nil, err
	}
	if v.State != changes.Draft {
		return nil, fault.New(fault.Conflict, "change.state", fault.Args{
			"Reference": v.Reference, "State": string(v.State), "Want": s.web.T(web.Lang(c), "state.draft")})
	}
	return v, nil
}

func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func (s *Site) updateChange(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c).Set("kind", string(v.Kind))
	if moreLocations(form) {
		return s.draftForm(c, v, form)
	}
	p := readProposal(form)
	ok, err := s.doDraft(c, form, p, func() error {
		return s.Changes.Edit(c.Request.Context(), web.ActorOf(c), v.ID, int(form.Version()), p)
	})
	if err != nil {
		return err
	}
	if !ok {
		if form.Status() == http.StatusConflict {
			form.SetVersion(int64(v.Version)) // told who changed it; to save again is a decision
		}
		return s.draftForm(c, v, form)
	}
	s.web.Flash(c, "ok", "changes.flash.edited", "Reference", v.Reference)
	return web.SeeOther(c, changePath(v))
}

// stateOptions are states as choices, named as badges name them.
func (s *Site) stateOptions(lang locale.Lang, states ...string) []web.Option {
	out := make([]web.Option, len(states))
	for i, state := range states {
		out[i] = web.Option{Value: state, Label: s.web.T(lang, "state."+state)}
	}
	return out
}
