package public

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// changeView is an announced change in words, with the dates that hold for everybody. It names
// nobody of the publisher's staff.
type changeView struct {
	Reference, Kind, Vendor, Replaced string
	State                             changes.State
	Notice, Objection, Effective      dateView
	EndsAt                            time.Time // the first instant after the objection period; zero: only in each notice
	LastOn                            time.Time // the last customer's day, where it is later than the planned one
	WithdrawnOn                       time.Time
	WithdrawnReason                   string
}

// dateView is a day of a change. State is "past", "next" or "", as in the kit's dates.
type dateView struct {
	On    time.Time
	State string
}

var changesAlternate = web.Alternate{Type: "application/json", Title: "JSON", Href: "/changes.json"}

type changesPage struct {
	web.Page
	Pub     *publisher.Settings
	Changes []changeView
	Pager   web.Pager
	Later   bool // not the first page
}

type changePage struct {
	web.Page
	Pub           *publisher.Settings
	Change        changeView
	Reason        []string // by line
	Safeguards    []string
	Rows          []comparison
	Before, After bool // there is an engagement before, or after
	ListOn        string
}

// comparison is a fact before and after the change.
type comparison struct {
	Label         string
	Before, After fact
}

// upcoming are the announced changes still to come that match; nil matches all.
func (s *Site) upcoming(c *gin.Context, pub *publisher.Settings, match func(*changes.View) bool) ([]changeView, error) {
	ctx := c.Request.Context()
	all, err := s.Changes.Public(ctx)
	if err != nil {
		return nil, err
	}
	var found []changes.View
	for i := range all {
		if match == nil || match(&all[i]) {
			found = append(found, all[i])
		}
	}
	return s.views(c, pub, found)
}

func (s *Site) views(c *gin.Context, pub *publisher.Settings, list []changes.View) ([]changeView, error) {
	w := s.speak(web.Lang(c))
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	dates, err := s.Changes.DatesOf(c.Request.Context(), ids)
	if err != nil {
		return nil, err
	}
	out := make([]changeView, len(list))
	for i := range list {
		if ends := dates[list[i].ID].ObjectionEndsAt; ends != nil {
			s.turns(c, *ends)
		}
		out[i] = w.change(&list[i], dates[list[i].ID], pub)
	}
	return out, nil
}

func (w speaker) change(v *changes.View, dates changes.PublicDates, pub *publisher.Settings) changeView {
	now, zone := w.site.web.Now(), pub.Zone()
	today := pub.Today(now)
	out := changeView{Reference: v.Reference, Kind: w.t("kind." + string(v.Kind)), State: v.State, Vendor: v.VendorName, Replaced: v.ReplacedName,
		WithdrawnReason: v.WithdrawnReason}
	out.Notice = dateView{calendar.DateOf(*v.AnnouncedAt, zone).UTC(), "past"}
	// Without a period of its own for somebody, the earliest end says nothing about the others.
	if ends := dates.ObjectionEndsAt; ends != nil && ends.After(*v.AnnouncedAt) {
		out.EndsAt = ends.In(zone)
		out.Objection = dateView{calendar.DateOf(ends.Add(-time.Nanosecond), zone).UTC(), stateOf(!now.Before(*ends))}
	}
	out.Effective = dateView{v.EffectiveOn.UTC(), stateOf(v.State == changes.Effective || !today.Before(v.EffectiveOn))}
	if last := dates.LastEffectiveOn; last != nil && last.After(v.EffectiveOn) {
		out.LastOn = last.UTC()
	}
	if v.WithdrawnAt != nil {
		out.WithdrawnOn = calendar.DateOf(*v.WithdrawnAt, zone).UTC()
		out.Objection.State, out.Effective.State = "", ""
	}
	return out
}

func stateOf(past bool) string {
	if past {
		return "past"
	}
	return "next"
}

func (s *Site) listChanges(c *gin.Context, pub *publisher.Settings) error {
	ctx, after := c.Request.Context(), c.Query(web.AfterParam)
	list, next, err := s.Changes.List(ctx, changes.Filter{Announced: true, After: after})
	if fault.Has(err, "cursor.malformed") {
		return fault.New(fault.NotFound, "list.no_page", nil)
	}
	if err != nil {
		return err
	}
	p := &changesPage{Page: s.web.NewPage(c, "public.changes.title"), Pub: pub, Pager: web.NewPager(c, "", next), Later: after != ""}
	p.Description = s.speak(p.Lang).t("changes.description", "Publisher", pub.LegalName)
	p.Alternates = []web.Alternate{changesAlternate}
	if p.Changes, err = s.views(c, pub, list); err != nil {
		return err
	}
	for i := range list {
		p.LastUpdated = latest(p.LastUpdated, told(&list[i].Change))
	}
	p.LastUpdated = inZone(p.LastUpdated, pub)
	return s.show(c, "changes", p, pub)
}

// told is when the public last heard something new about a change.
func told(c *changes.Change) time.Time {
	at := *c.AnnouncedAt
	for _, later := range []*time.Time{c.EffectiveAt, c.WithdrawnAt} {
		if later != nil {
			at = latest(at, *later)
		}
	}
	return at
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// publicChange returns a change that was announced, whatever became of it. A draft does not exist
// for the public, nor does one under an ID instead of its reference.
func (s *Site) publicChange(ctx context.Context, reference string) (*changes.View, error) {
	v, err := s.Changes.Get(ctx, reference)
	if err != nil {
		return nil, err
	}
	if _, isID := uuid.Parse(reference); isID == nil || v.AnnouncedAt == nil {
		return nil, fault.Missing("change")
	}
	return v, nil
}

func (s *Site) showChange(c *gin.Context, pub *publisher.Settings) error {
	ctx := c.Request.Context()
	v, err := s.publicChange(ctx, c.Param("reference"))
	if err != nil {
		return err
	}
	views, err := s.views(c, pub, []changes.View{*v})
	if err != nil {
		return err
	}
	p := &changePage{Page: s.web.NewPage(c, "public.change.title", "Reference", v.Reference), Pub: pub, Change: views[0], Reason: lines(v.Reason),
		Safeguards: lines(v.Safeguards), ListOn: v.EffectiveOn.String()}
	p.Canonical = s.web.URL("/changes/" + v.Reference)
	p.Description = p.Change.Kind + ": " + v.VendorName
	p.LastUpdated = inZone(told(&v.Change), pub)
	p.Version = calendar.DateOf(p.LastUpdated, pub.Zone()).String()
	if err := s.compare(ctx, p, v, pub); err != nil {
		return err
	}
	return s.show(c, "change", p, pub)
}

// compare puts the engagement before the change beside the one after, with the vendors' facts as
// they were when the change was announced.
func (s *Site) compare(ctx context.Context, p *changePage, v *changes.View, pub *publisher.Settings) error {
	var ids []uuid.UUID
	for _, id := range []*uuid.UUID{v.BeforeVersionID, v.AfterVersionID} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	entries, err := s.Vendors.EntriesOfVersions(ctx, pub.Today(*v.AnnouncedAt), ids...)
	if err != nil {
		return err
	}
	w := s.speak(p.Lang)
	var before, after facts
	before, p.Before = w.side(entries, v.BeforeVersionID)
	after, p.After = w.side(entries, v.AfterVersionID)
	p.Rows = beside(before, after)
	return nil
}

func (w speaker) side(entries map[uuid.UUID]vendors.Entry, id *uuid.UUID) (facts, bool) {
	if id == nil {
		return nil, false
	}
	e, ok := entries[*id]
	if !ok {
		return nil, false
	}
	return append(w.ofVendor(&e.VendorFacts), w.ofEngagement(&e)...), true
}

// factOrder is the order in which facts are compared: what differs most often stands first.
var factOrder = []string{"legal_name", "trade_name", "purpose", "nature", "products", "regions", "data_categories", "special_categories",
	"data_subjects", "locations", "hosted_on", "optional", "excludable", "registration_number", "address", "parent_name", "website",
	"contact", "contact_email", "measures", "retention"}

func beside(before, after facts) []comparison {
	var out []comparison
	for _, key := range factOrder {
		b, a := before.find(key), after.find(key)
		row := comparison{Label: b.Label, Before: b, After: a}
		if row.Label == "" {
			row.Label = a.Label
		}
		if row.Label != "" {
			out = append(out, row)
		}
	}
	return out
}

func (f facts) find(key string) fact {
	for _, x := range f {
		if x.Key == key {
			return x
		}
	}
	return fact{}
}

// lines are the lines of a text that hold something.
func lines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
}
