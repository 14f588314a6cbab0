package console

import (
	"context"
	"fmt"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

func (s *Site) submitChange(c *gin.Context) error {
	return s.step(c, "changes.flash.submitted", func(ctx context.Context, who actor.Actor, id uuid.UUID, _ int) error {
		return s.Changes.Submit(ctx, who, id)
	})
}

func (s *Site) approveChange(c *gin.Context) error {
	return s.step(c, "changes.flash.approved", s.Changes.Approve)
}

// step does a step that asks nothing, on the version that the reader saw. What refuses it leads the
// change's own page.
func (s *Site) step(c *gin.Context, flash string, do func(context.Context, actor.Actor, uuid.UUID, int) error) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	ok, err := form.Do(func() error { return s.inWords(c, do(c.Request.Context(), web.ActorOf(c), v.ID, int(form.Version()))) })
	if err != nil {
		return err
	}
	if !ok {
		return s.redrawChange(c, v, form)
	}
	s.web.Flash(c, "ok", flash, "Reference", v.Reference)
	return web.SeeOther(c, changePath(v))
}

// redrawChange shows the change as it is now, below what refused a step.
func (s *Site) redrawChange(c *gin.Context, v *changes.View, form *web.Form) error {
	now, err := s.Changes.Get(c.Request.Context(), v.Reference)
	if err != nil {
		return err
	}
	return s.drawChange(c, now, form)
}

// reasonPage asks for a reason before a step: sending back, withdrawing, holding, releasing.
type reasonPage struct {
	web.Page
	Change  *changes.View
	Action  string
	Back    string
	Lead    []string // what exactly will happen
	Label   string   // of the field
	Button  string
	Danger  bool
	Refused string // why the step can't be taken
}

func (s *Site) askSendBack(c *gin.Context) error {
	v, err := s.mayStep(c, actor.SubmitChange, changes.InReview, changes.Approved)
	if err != nil {
		return err
	}
	return s.sendBackForm(c, v, s.web.NewForm(c))
}

// mayStep is the change that the address names, when the reader may take a step with it and it is
// in one of the states.
func (s *Site) mayStep(c *gin.Context, act actor.Act, states ...changes.State) (*changes.View, error) {
	if err := web.ActorOf(c).Must(act); err != nil {
		return nil, err
	}
	v, err := s.changeAt(c)
	if err != nil {
		return nil, err
	}
	for _, state := range states {
		if v.State == state {
			return v, nil
		}
	}
	return nil, s.inWords(c, fault.New(fault.Conflict, "change.state", fault.Args{
		"Reference": v.Reference, "State": string(v.State), "Want": string(states[0])}))
}

func (s *Site) sendBackForm(c *gin.Context, v *changes.View, form *web.Form) error {
	lang := web.Lang(c)
	p := &reasonPage{Page: s.web.NewPage(c, "changes.send_back.title", "Reference", v.Reference), Change: v,
		Action: changePath(v) + "/send-back", Back: changePath(v), Lead: []string{s.web.T(lang, "changes.send_back.lead")},
		Label: "changes.send_back.reason", Button: s.web.T(lang, "changes.do.send-back")}
	p.Feedback(form)
	return s.web.Render(c, "changes/reason", p)
}

func (s *Site) sendBack(c *gin.Context) error {
	return s.reasoned(c, actor.SubmitChange, s.Changes.SendBack, s.sendBackForm, "changes.flash.sent_back")
}

// reasoned does a step that asks for a reason. A fault of the reason is told at its field, any other
// leads the change's page.
func (s *Site) reasoned(c *gin.Context, act actor.Act, do func(context.Context, actor.Actor, uuid.UUID, string) error,
	again func(*gin.Context, *changes.View, *web.Form) error, flash string) error {
	if err := web.ActorOf(c).Must(act); err != nil {
		return err
	}
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	ok, err := form.Do(func() error {
		return s.inWords(c, do(c.Request.Context(), web.ActorOf(c), v.ID, form.Text("reason")))
	})
	switch {
	case err != nil:
		return err
	case !ok && form.Error("reason") != "":
		return again(c, v, form)
	case !ok:
		return s.redrawChange(c, v, form)
	}
	s.web.Flash(c, "ok", flash, "Reference", v.Reference)
	return web.SeeOther(c, changePath(v))
}

func (s *Site) askWithdraw(c *gin.Context) error {
	v, err := s.mayStep(c, actor.WithdrawChange, changes.Announced, changes.Draft, changes.InReview, changes.Approved)
	if err != nil {
		return err
	}
	return s.withdrawForm(c, v, s.web.NewForm(c))
}

func (s *Site) withdrawForm(c *gin.Context, v *changes.View, form *web.Form) error {
	lang := web.Lang(c)
	p := &reasonPage{Page: s.web.NewPage(c, "changes.withdraw.title", "Reference", v.Reference), Change: v,
		Action: changePath(v) + "/withdraw", Back: changePath(v), Danger: true,
		Label: "changes.withdraw.reason", Button: s.web.T(lang, "changes.withdraw.button")}
	p.Feedback(form)
	if v.AnnouncedAt == nil {
		p.Lead = []string{s.web.T(lang, "changes.withdraw.unannounced")}
		return s.web.Render(c, "changes/reason", p)
	}
	if err := s.tellWithdrawal(c, p, v); err != nil {
		return err
	}
	return s.web.Render(c, "changes/reason", p)
}

// tellWithdrawal says what withdrawing an announced change does: who was told is told again, what
// waits is cancelled, windows close.
func (s *Site) tellWithdrawal(c *gin.Context, p *reasonPage, v *changes.View) error {
	ctx, lang := c.Request.Context(), web.Lang(c)
	notices, err := s.Notify.NoticesOf(ctx, v.ID)
	if err != nil {
		return err
	}
	told, waiting := 0, 0
	for _, n := range notices {
		progress, err := s.Notify.ProgressOf(ctx, n.ID)
		if err != nil {
			return err
		}
		waiting += progress.Counts[notify.Queued]
		told += progress.Counts[notify.Sent] + progress.Counts[notify.Received] + progress.Counts[notify.Sending] + progress.Counts[notify.Failed] + progress.Retrying
	}
	windows, err := s.Changes.WindowsOf(ctx, v.ID)
	if err != nil {
		return err
	}
	open, begun := 0, 0
	for i := range windows {
		switch windows[i].State {
		case changes.WindowOpen:
			open++
		case changes.WindowEffective:
			begun++
		}
	}
	p.Lead = []string{s.web.T(lang, "changes.withdraw.told", "Count", told)}
	if waiting > 0 {
		p.Lead = append(p.Lead, s.web.T(lang, "changes.withdraw.waiting", "Count", waiting))
	}
	p.Lead = append(p.Lead, s.web.T(lang, "changes.withdraw.windows", "Count", open))
	if begun > 0 {
		p.Lead = append(p.Lead, s.web.T(lang, "changes.withdraw.begun", "Count", begun))
	}
	return nil
}

func (s *Site) withdrawChange(c *gin.Context) error {
	return s.reasoned(c, actor.WithdrawChange, s.Changes.Withdraw, s.withdrawForm, "changes.flash.withdrawn")
}

// announcePage says exactly what will happen before it does.
type announcePage struct {
	web.Page
	Change *changes.View
	Base   string
	Ready  *readyPart
	Names  []string // of customers that can't be reached, the first few
	Others int      // further ones
	Seen   string   // what the reader was told, to notice when it changes
}

func (s *Site) askAnnounce(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	if v.AnnouncedAt != nil { // an old tab, or the back button
		return web.SeeOther(c, changePath(v))
	}
	if v, err = s.mayStep(c, actor.AnnounceChange, changes.Approved); err != nil {
		return err
	}
	return s.announceForm(c, v, s.web.NewForm(c))
}

func (s *Site) announceForm(c *gin.Context, v *changes.View, form *web.Form) error {
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	p := &announcePage{Page: s.web.NewPage(c, "changes.announce.title", "Reference", v.Reference), Change: v, Base: changePath(v)}
	if p.Ready, err = s.readyPart(c, v, settings); err != nil {
		return err
	}
	for i, row := range p.Ready.Unreachable {
		if i == 10 {
			p.Others = len(p.Ready.Unreachable) - i
			break
		}
		p.Names = append(p.Names, row.Name)
	}
	p.Seen = seen(v, p.Ready)
	p.Feedback(stayHere(form))
	return s.web.Render(c, "changes/announce", p)
}

// seen is what the confirmation told: when it is no longer so, the reader is asked again.
func seen(v *changes.View, r *readyPart) string {
	return fmt.Sprintf("%d.%d.%d.%d.%d", v.Version, r.Messages, r.Customers, r.Included, r.Later)
}

// announceChange sends. It happens once: whoever presses second is told who was first, and when.
func (s *Site) announceChange(c *gin.Context) error {
	if err := web.ActorOf(c).Must(actor.AnnounceChange); err != nil {
		return err
	}
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	if v.State == changes.Approved {
		if fresh, err := s.asSeen(c, v, form); err != nil {
			return err
		} else if !fresh {
			return s.announceForm(c, v, form)
		}
	}
	ok, err := form.Do(func() error { return s.inWords(c, s.Changes.Announce(c.Request.Context(), web.ActorOf(c), v.ID)) })
	if err != nil {
		return err
	}
	if !ok {
		return s.redrawChange(c, v, form)
	}
	s.web.Flash(c, "ok", "changes.flash.announced", "Reference", v.Reference)
	return web.SeeOther(c, changePath(v))
}

// asSeen says whether what the reader confirmed is still what would happen.
func (s *Site) asSeen(c *gin.Context, v *changes.View, form *web.Form) (bool, error) {
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return false, err
	}
	ready, err := s.readyPart(c, v, settings)
	if err != nil {
		return false, err
	}
	if form.Raw("_seen") == seen(v, ready) {
		return true, nil
	}
	return false, form.Check(fault.New(fault.Conflict, "announce.changed", nil))
}
