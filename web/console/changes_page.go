package console

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/publisher"
	"fairnotice/web"
)

// changePage is the page of one change. Ready is what there is to see before the announcement,
// Progress after it.
type changePage struct {
	web.Page
	Change   *changes.View
	Base     string
	Steps    []web.Step
	SentBack *sentBackNote
	Wrote    bool // the reader drafted, edited or submitted it, and four eyes are asked for
	Actions  []changeAction
	Facts    []factRow
	Ready    *readyPart
	Progress *progressPart
}

// sentBackNote is why a draft came back from review.
type sentBackNote struct {
	Reason, Who string
	At          time.Time
}

// changeAction is something that can be done with the change, or, with Why, something that this
// reader can't do, and the reason.
type changeAction struct {
	Label, Href, Class, Why string
	Post                    bool
}

// factRow is one line of the facts before and after the change.
type factRow struct {
	Label         string
	Before, After []string
	Differs       bool
}

func (s *Site) showChange(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	return s.drawChange(c, v, nil)
}

// drawChange draws the change's page; a form whose step failed leads it.
func (s *Site) drawChange(c *gin.Context, v *changes.View, failed *web.Form) error {
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	p := &changePage{Page: s.web.NewPage(c, "changes.page_title", "Reference", v.Reference, "Vendor", v.VendorName), Change: v, Base: changePath(v)}
	if failed != nil {
		p.Feedback(stayHere(failed))
	}
	p.Version = v.Reference + " v" + itoa(v.Version)
	p.LastUpdated = v.UpdatedAt.In(settings.Zone())
	p.Steps = s.steps(c, v, settings.Zone())
	for _, part := range []func(*gin.Context, *changePage, *publisher.Settings) error{s.addRecord, s.addFacts, s.addParts} {
		if err := part(c, p, settings); err != nil {
			return err
		}
	}
	p.Actions = s.actions(c, p)
	return s.web.Render(c, "changes/show", p)
}

// addParts adds what belongs to the change's state.
func (s *Site) addParts(c *gin.Context, p *changePage, settings *publisher.Settings) (err error) {
	if p.Change.AnnouncedAt == nil {
		if p.Change.Open() {
			p.Ready, err = s.readyPart(c, p.Change, settings)
		}
		return err
	}
	p.Progress, err = s.progressPart(c, p.Change, settings.Zone())
	return err
}

// steps is the change's life: who did what when, and what is still to come.
func (s *Site) steps(c *gin.Context, v *changes.View, zone *time.Location) []web.Step {
	lang := web.Lang(c)
	var out []web.Step
	add := func(key string, at *time.Time, who string) {
		step := web.Step{Label: s.web.T(lang, "changes.step."+key), At: in(zone, at)}
		if at != nil {
			step.State = "past"
			step.Note = s.web.T(lang, "changes.by", "Clock", locale.Clock(step.At), "Who", who)
		}
		out = append(out, step)
	}
	add("drafted", &v.CreatedAt, v.CreatedName)
	withdrawn := v.State == changes.Withdrawn
	if v.SubmittedAt != nil || !withdrawn {
		add("submitted", v.SubmittedAt, v.SubmittedName)
	}
	if v.ApprovedAt != nil || !withdrawn {
		add("approved", v.ApprovedAt, v.ApprovedName)
	}
	if v.AnnouncedAt != nil || !withdrawn {
		add("announced", v.AnnouncedAt, v.AnnouncedName)
	}
	if withdrawn {
		add("withdrawn", v.WithdrawnAt, v.WithdrawnName)
		return out
	}
	add("effective", v.EffectiveAt, "")
	if v.EffectiveAt == nil {
		last := &out[len(out)-1]
		last.At, last.Note = v.EffectiveOn.UTC(), s.web.T(lang, "changes.planned")
	}
	if i := slices.IndexFunc(out, func(step web.Step) bool { return step.State == "" }); i >= 0 {
		out[i].State = "next"
	}
	return out
}

// actions are what comes next, first what the change waits for.
func (s *Site) actions(c *gin.Context, p *changePage) []changeAction {
	who, lang, v, base := web.ActorOf(c), web.Lang(c), p.Change, p.Base
	var out []changeAction
	add := func(step, class string, act actor.Act, post bool) {
		a := changeAction{Label: s.web.T(lang, "changes.do."+step), Href: base + "/" + step, Class: class, Post: post}
		for _, f := range fault.All(who.Must(act)) {
			a.Why = s.web.Sentence(lang, f)
		}
		if step == "approve" && a.Why == "" && p.Wrote {
			a.Why = s.web.T(lang, "fault.change.four_eyes")
		}
		if step == "announce" && a.Why == "" && len(p.Ready.Problems) > 0 {
			a.Why = s.web.T(lang, "changes.mend_before")
		}
		out = append(out, a)
	}
	switch v.State {
	case changes.Draft:
		add("submit", "", actor.SubmitChange, true)
		add("edit", "is-secondary", actor.DraftChange, false)
	case changes.InReview:
		add("approve", "", actor.ApproveChange, true)
		add("send-back", "is-secondary", actor.SubmitChange, false)
	case changes.Approved:
		add("announce", "", actor.AnnounceChange, false)
		add("send-back", "is-secondary", actor.SubmitChange, false)
	}
	if v.Open() {
		add("withdraw", "is-secondary", actor.WithdrawChange, false)
	}
	return out
}

// addRecord reads from the record what the change's own row doesn't hold: for a draft that came
// back, what the reviewer asked for; for one in review under four eyes, whether the reader wrote it.
func (s *Site) addRecord(c *gin.Context, p *changePage, settings *publisher.Settings) error {
	if p.Change.State != changes.Draft && p.Change.State != changes.InReview {
		return nil
	}
	records, err := ledger.About(c.Request.Context(), s.DB, p.Change.ID, 500)
	if err != nil {
		return err
	}
	for _, r := range records { // the newest first
		switch r.Kind {
		case "change.drafted", "change.edited", "change.submitted":
			p.Wrote = p.Wrote || settings.FourEyes && r.ActorID != nil && *r.ActorID == p.Actor.ID
		case "change.sent_back":
			if p.SentBack == nil && p.Change.State == changes.Draft {
				p.SentBack = sentBackOf(&r, settings.Zone())
			}
		}
	}
	return nil
}

// sentBackOf reads the reason out of a record; an erased body leaves it empty.
func sentBackOf(r *ledger.Record, zone *time.Location) *sentBackNote {
	var body struct{ Detail struct{ Reason string } }
	if len(r.Body) > 0 && json.Unmarshal(r.Body, &body) != nil {
		body.Detail.Reason = ""
	}
	return &sentBackNote{Reason: body.Detail.Reason, Who: r.ActorName, At: r.At.In(zone)}
}

// addFacts tells the engagements before and after as the notice tells them.
func (s *Site) addFacts(c *gin.Context, p *changePage, settings *publisher.Settings) error {
	var versions []uuid.UUID
	for _, id := range []*uuid.UUID{p.Change.BeforeVersionID, p.Change.AfterVersionID} {
		if id != nil {
			versions = append(versions, *id)
		}
	}
	entries, err := s.Vendors.EntriesOfVersions(c.Request.Context(), s.registerDay(settings), versions...)
	if err != nil {
		return err
	}
	tell := func(id *uuid.UUID) []notify.Fact {
		if id == nil {
			return nil
		}
		e, ok := entries[*id]
		if !ok {
			return nil
		}
		return notify.FactsOf(web.Lang(c), &e)
	}
	p.Facts = besides(tell(p.Change.BeforeVersionID), tell(p.Change.AfterVersionID))
	return nil
}

func (s *Site) registerDay(settings *publisher.Settings) calendar.Date {
	return settings.Today(s.web.Now())
}

// besides puts the facts before and after side by side, in the order in which they are told. A
// label that comes several times (one for each location) makes one line.
func besides(before, after []notify.Fact) []factRow {
	var out []factRow
	row := func(label string) *factRow {
		for i := range out {
			if out[i].Label == label {
				return &out[i]
			}
		}
		out = append(out, factRow{Label: label})
		return &out[len(out)-1]
	}
	for _, f := range after {
		r := row(f.Label)
		r.After = append(r.After, f.Values...)
	}
	for _, f := range before {
		r := row(f.Label)
		r.Before = append(r.Before, f.Values...)
	}
	for i := range out {
		out[i].Differs = len(before) > 0 && len(after) > 0 && !slices.Equal(out[i].Before, out[i].After)
	}
	return out
}

// mendOf says where the reason of a fault is mended.
func (s *Site) mendOf(v *changes.View, field string) (href, key string) {
	switch {
	case len(field) > 7 && field[:7] == "vendor.", field == "chain", field == "hosting_vendor_id":
		return "/console/vendors/" + v.VendorSlug, "changes.mend.vendor"
	case v.State == changes.Draft:
		return changePath(v) + "/edit", "changes.mend.edit"
	default:
		return changePath(v) + "/send-back", "changes.mend.send_back"
	}
}
