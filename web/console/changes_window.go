package console

import (
	"context"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// progressPart is what moves by itself after an announcement: each notice's deliveries and the
// clocks that they start, customer by customer.
type progressPart struct {
	Refresh     string // where to fetch it again; "" when nothing moves any more
	Seconds     int
	Preparing   bool // announced, and the deliveries are not made yet
	Notices     []noticePart
	Served, All int // windows
	Windows     *windowsPart
}

// aftermath is how long the page keeps looking after the last delivery's end: what that brings about,
// a customer's clock or a message to its fallback contact, comes by jobs that run every few seconds.
const aftermath = 20 * time.Second

// noticePart is one notice's deliveries, counted.
type noticePart struct {
	Kind           string
	Href           string
	Bar            web.Progress
	Counts         []countLink
	Channels       []channelPart // none where all goes over one
	Retrying       int
	RetryingHref   string
	NextAt, LastAt time.Time
	Done           bool
}

// channelPart counts what goes over one channel.
type channelPart struct {
	Name                string
	Done, Total, Failed int
	Href                string
}

type countLink struct {
	State string
	Count int
	Href  string
}

func (s *Site) changeProgress(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	settings, err := s.houseRules(c.Request.Context())
	if err != nil {
		return err
	}
	part, err := s.progressPart(c, v, settings.Zone())
	if err != nil {
		return err
	}
	return s.web.Fragment(c, "changes/show", "change-progress", part)
}

func (s *Site) progressPart(c *gin.Context, v *changes.View, zone *time.Location) (*progressPart, error) {
	ctx := c.Request.Context()
	notices, err := s.Notify.NoticesOf(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	part := &progressPart{Seconds: 30, Preparing: len(notices) == 0}
	if part.Served, part.All, err = s.Changes.Served(ctx, v.ID); err != nil {
		return nil, err
	}
	if part.Windows, err = s.windowsPart(c, v); err != nil {
		return nil, err
	}
	moving := v.State == changes.Announced && len(notices) == 0
	for _, n := range notices {
		p, err := s.Notify.ProgressOf(ctx, n.ID)
		if err != nil {
			return nil, err
		}
		one := s.noticePart(c, n.ID, string(n.Kind), p, zone)
		part.Notices = append(part.Notices, one)
		fresh := p.LastAt != nil && s.web.Now().Before(p.LastAt.Add(aftermath))
		moving = moving || !one.Done || fresh
		if fresh || p.NextAt != nil && p.NextAt.Before(s.web.Now().Add(time.Minute)) {
			part.Seconds = 3
		}
	}
	if part.Preparing {
		part.Seconds = 3
	}
	if moving {
		part.Refresh = changePath(v) + "/progress"
	}
	return part, nil
}

func (s *Site) noticePart(c *gin.Context, id uuid.UUID, kind string, p *notify.Progress, zone *time.Location) noticePart {
	lang := web.Lang(c)
	out := noticePart{Kind: kind, Href: "/console/notices/" + id.String(), Retrying: p.Retrying,
		NextAt: in(zone, p.NextAt), LastAt: in(zone, p.LastAt), Done: p.Done() == p.Total()}
	out.RetryingHref = out.Href + "?state=retrying"
	out.Bar = web.Progress{ID: "bar-" + kind, Value: p.Done(), Max: max(1, p.Total()),
		Label: s.web.T(lang, "progress.bar", "Done", p.Done(), "All", p.Total())}
	for _, state := range notify.States {
		if n := p.Counts[state]; n > 0 {
			out.Counts = append(out.Counts, countLink{string(state), n, out.Href + "?state=" + string(state)})
		}
	}
	for _, name := range subscribers.Channels {
		if of := p.Channels[name]; of != nil && len(p.Channels) > 1 {
			out.Channels = append(out.Channels, channelPart{name, of.Done, of.Total, of.Failed, out.Href + "?channel=" + name})
		}
	}
	return out
}

// windowsPart is the customers' windows, or the first of them.
type windowsPart struct {
	Base       string
	Rows       []windowRow
	More       int
	MayHold    bool
	MayRelease bool
}

// windowRow is one customer's window with the reasons why it has not taken effect, in words.
type windowRow struct {
	ID, CustomerID uuid.UUID
	Customer       string
	Contract       string
	State          string // as a badge
	Authorisation  string
	Clause, Zone   string
	ServedAt       time.Time
	ObjectUntil    time.Time
	From           time.Time
	EffectiveAt    time.Time
	Held           bool
	Open           bool
	Blockers       []string

	blocked []changes.Blocker
}

func (s *Site) windowsPart(c *gin.Context, v *changes.View) (*windowsPart, error) {
	rows, err := s.windowRows(c, v)
	if err != nil {
		return nil, err
	}
	part := &windowsPart{Base: changePath(v), Rows: rows, MayHold: web.ActorOf(c).May(actor.HoldWindow), MayRelease: web.ActorOf(c).May(actor.ReleaseWindow)}
	if len(rows) > shownCustomers {
		part.Rows, part.More = rows[:shownCustomers], len(rows)-shownCustomers
	}
	return part, nil
}

func (s *Site) windowRows(c *gin.Context, v *changes.View) ([]windowRow, error) {
	list, err := s.Changes.WindowsOf(c.Request.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	rows := make([]windowRow, len(list))
	for i := range list {
		rows[i] = s.windowRow(c, &list[i])
	}
	return rows, nil
}

func (s *Site) windowRow(c *gin.Context, w *changes.WindowView) windowRow {
	zone := w.Zone()
	row := windowRow{ID: w.ID, CustomerID: w.CustomerID, Customer: w.CustomerName, Contract: w.Reference, State: string(w.State),
		Authorisation: w.Authorisation, Clause: w.Clause, Zone: w.TimeZone, ServedAt: in(zone, w.ServedAt), From: w.EffectiveOn.UTC(),
		EffectiveAt: in(zone, w.EffectiveAt), Held: w.HeldAt != nil, Open: w.State == changes.WindowOpen}
	if w.ObjectionEndsAt.After(w.CountedFrom) {
		row.ObjectUntil = lastDay(w.ObjectionEndsAt, zone)
	}
	if !row.Open {
		return row
	}
	row.blocked = w.Blockers(s.web.Now())
	switch {
	case row.Held:
		row.State = "held"
	case w.ServedAt == nil:
		row.State = "unserved"
	}
	row.Blockers = s.blockersWords(c, w, row.blocked)
	return row
}

// blockersWords tells the reasons without repeating one date: two periods that end together are one
// sentence, and the effective day, which has its own column, is told only when it alone is left.
func (s *Site) blockersWords(c *gin.Context, w *changes.WindowView, blocked []changes.Blocker) (out []string) {
	both := w.NoticeEndsAt.Equal(w.ObjectionEndsAt) && slices.Contains(blocked, changes.NoticeRuns) && slices.Contains(blocked, changes.ObjectionRuns)
	for _, b := range blocked {
		switch {
		case both && b == changes.NoticeRuns:
			out = append(out, s.text(c, "blocker.periods_run", "Day", lastDay(w.NoticeEndsAt, w.Zone())))
		case both && b == changes.ObjectionRuns, b == changes.DateToCome && len(blocked) > 1:
		default:
			out = append(out, s.blockerWords(c, w, b))
		}
	}
	return out
}

func (s *Site) blockerWords(c *gin.Context, w *changes.WindowView, b changes.Blocker) string {
	lang, zone := web.Lang(c), w.Zone()
	pairs := []any{}
	switch b {
	case changes.NoticeRuns:
		pairs = append(pairs, "Day", lastDay(w.NoticeEndsAt, zone))
	case changes.ObjectionRuns:
		pairs = append(pairs, "Day", lastDay(w.ObjectionEndsAt, zone))
	case changes.DateToCome:
		pairs = append(pairs, "Day", w.EffectiveOn.UTC(), "Zone", w.TimeZone)
	case changes.Held:
		pairs = append(pairs, "Who", w.HeldByName, "At", locale.DateTime(lang, in(zone, w.HeldAt)), "Reason", w.HeldReason)
	}
	return s.web.T(lang, "blocker."+string(b), pairs...)
}

type windowsPage struct {
	web.Page
	Change *changes.View
	Base   string
	Facets web.Facets
	Part   windowsPart
	Pager  web.Pager
}

// windowShows are the windows that can be looked at alone.
var windowShows = []string{"open", "effective", "withdrawn", string(changes.NotServed), string(changes.Held), string(changes.ConsentOwed)}

func (s *Site) listWindows(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	all, err := s.windowRows(c, v)
	if err != nil {
		return err
	}
	form := s.web.Query(c)
	show, words := form.Choice("show", windowShows...), form.Text("q")
	var list []windowRow
	for _, row := range all {
		if row.fits(show) && named(row.Customer, words) {
			list = append(list, row)
		}
	}
	p := &windowsPage{Page: s.web.NewPage(c, "windows.title", "Reference", v.Reference), Change: v, Base: changePath(v)}
	p.Feedback(form)
	p.Facets = web.Facets{Action: p.Base + "/windows", Form: form, Search: "q", Count: len(list), CountKey: "audience.count",
		Groups: []web.FacetGroup{{Name: "show", Options: s.web.Options(web.Lang(c), "show", windowShows...)}}}
	rows, next, err := pageRows(list, c.Query(web.AfterParam), func(r *windowRow) uuid.UUID { return r.ID })
	if err != nil {
		return err
	}
	p.Part = windowsPart{Base: p.Base, Rows: rows, MayHold: web.ActorOf(c).May(actor.HoldWindow), MayRelease: web.ActorOf(c).May(actor.ReleaseWindow)}
	p.Pager = web.NewPager(c, "", next)
	return s.web.Render(c, "changes/windows", p)
}

func (r *windowRow) fits(show string) bool {
	switch show {
	case "":
		return true
	case "open":
		return r.Open
	case "effective", "withdrawn":
		return r.State == show
	}
	for _, b := range r.blocked {
		if string(b) == show {
			return true
		}
	}
	return false
}

// windowAt is the window that the address names, of the change that it names.
func (s *Site) windowAt(c *gin.Context) (*changes.View, *changes.WindowView, error) {
	v, err := s.changeAt(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := pathID(c, "window", "window")
	if err != nil {
		return nil, nil, err
	}
	w, err := s.Changes.WindowByID(c.Request.Context(), id)
	if err == nil && w.ChangeID != v.ID {
		err = fault.Missing("window")
	}
	return v, w, err
}

// holdStep is what the address asks for: to hold a window back, or to release it.
func (s *Site) holdStep(c *gin.Context) (func(context.Context, actor.Actor, uuid.UUID, string) error, error) {
	if err := web.ActorOf(c).Must(actor.HoldWindow); err != nil {
		return nil, err
	}
	switch c.Param("step") {
	case "hold":
		return s.Changes.Hold, nil
	case "release":
		return s.Changes.Release, nil
	}
	return nil, fault.Missing("page")
}

func (s *Site) askHold(c *gin.Context) error {
	if _, err := s.holdStep(c); err != nil {
		return err
	}
	v, w, err := s.windowAt(c)
	if err != nil {
		return err
	}
	return s.holdForm(c, v, w, s.web.NewForm(c))
}

func (s *Site) holdForm(c *gin.Context, v *changes.View, w *changes.WindowView, form *web.Form) error {
	lang, step := web.Lang(c), c.Param("step")
	p := &reasonPage{Page: s.web.NewPage(c, "windows."+step+".title", "Customer", w.CustomerName), Change: v,
		Action: changePath(v) + "/windows/" + w.ID.String() + "/" + step, Back: changePath(v) + "#windows",
		Lead: []string{s.web.T(lang, "windows."+step+".lead", "Customer", w.CustomerName, "Reference", v.Reference)}, Label: "windows." + step + ".reason",
		Button: s.web.T(lang, "windows."+step+".button")}
	if w.State != changes.WindowOpen {
		p.Refused = s.web.Sentence(lang, fault.New(fault.Conflict, "window.closed", fault.Args{"State": string(w.State)}))
	}
	p.Feedback(form)
	return s.web.Render(c, "changes/reason", p)
}

func (s *Site) holdWindow(c *gin.Context) error {
	do, err := s.holdStep(c)
	if err != nil {
		return err
	}
	v, w, err := s.windowAt(c)
	if err != nil {
		return err
	}
	form := s.web.Form(c)
	ok, err := form.Do(func() error {
		return s.inWords(c, do(c.Request.Context(), web.ActorOf(c), w.ID, form.Text("reason")))
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.holdForm(c, v, w, form)
	}
	s.web.Flash(c, "ok", "windows.flash."+c.Param("step"), "Customer", w.CustomerName)
	return web.SeeOther(c, changePath(v)+"#windows")
}
