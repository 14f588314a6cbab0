package console

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

func (s *Site) homeRoutes(r *web.Routes) { r.GET("/console", s.showHome) }

// homePage is what needs somebody's eyes.
type homePage struct {
	web.Page
	Steps            []firstStep // of a fresh install; empty once all are done
	Counts           []countLink
	Reviews          []changes.View // wait for approval
	Approved         []changes.View // wait to be announced
	Waiting          []changes.Waiting
	NextEndsAt       time.Time // the next objection deadline
	NextLastDay      time.Time // its last day, where it ends with a day of the publisher's zone
	NextEffect       time.Time
	Failed, Retrying int
	Vendors          []vendors.VendorItem // whose review is due
	Quiet            bool                 // nothing needs anybody
	MayDraft         bool
}

// firstStep is a step of setting up.
type firstStep struct {
	Key, Href string
	Done      bool
	May       bool
}

// reviewAhead is how many days ahead a vendor's review is called due soon.
const reviewAhead = 30

func (s *Site) showHome(c *gin.Context) error {
	ctx, who := c.Request.Context(), web.ActorOf(c)
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	home, err := s.Changes.Home(ctx)
	if err != nil {
		return err
	}
	p := &homePage{Page: s.web.NewPage(c, "home.title"), MayDraft: who.May(actor.DraftChange), NextEndsAt: in(settings.Zone(), home.NextEndsAt)}
	if end := p.NextEndsAt; !end.IsZero() && end.Equal(calendar.DateOf(end, settings.Zone()).Start(settings.Zone())) {
		p.NextLastDay = lastDay(end, settings.Zone())
	}
	if home.NextEffect != nil {
		p.NextEffect = home.NextEffect.UTC()
	}
	for _, state := range changes.States {
		if n := home.ByState[state]; n > 0 {
			p.Counts = append(p.Counts, countLink{string(state), n, "/console/changes?state=" + string(state)})
		}
	}
	if err := s.addPending(ctx, p, home, settings); err != nil {
		return err
	}
	if err := s.addFirstSteps(ctx, p, who, settings); err != nil {
		return err
	}
	p.Quiet = len(p.Reviews)+len(p.Approved)+len(p.Waiting)+p.Failed+p.Retrying+len(p.Vendors) == 0
	return s.web.Render(c, "home", p)
}

// addPending reads what waits for a person.
func (s *Site) addPending(ctx context.Context, p *homePage, home *changes.Home, settings *publisher.Settings) (err error) {
	list := func(state changes.State) (list []changes.View, err error) {
		if home.ByState[state] > 0 {
			list, _, err = s.Changes.List(ctx, changes.Filter{State: state, Limit: 10})
		}
		return list, err
	}
	if p.Reviews, err = list(changes.InReview); err != nil {
		return err
	}
	if p.Approved, err = list(changes.Approved); err != nil {
		return err
	}
	if p.Waiting, err = s.Changes.Waiting(ctx); err != nil {
		return err
	}
	if p.Failed, p.Retrying, err = s.Notify.Failing(ctx); err != nil {
		return err
	}
	if settings.LegalName == "" {
		return nil // without a publisher there is no register yet
	}
	due, err := s.Vendors.ListVendors(ctx, vendors.Filter{ReviewDueBefore: s.registerDay(settings).AddDays(reviewAhead + 1)}, vendors.Page{Limit: 10})
	if err != nil {
		return err
	}
	p.Vendors = due.Items
	return nil
}

// addFirstSteps shows the way from an empty database to the first change, until it was gone.
func (s *Site) addFirstSteps(ctx context.Context, p *homePage, who actor.Actor, settings *publisher.Settings) error {
	if len(p.Counts) > 0 {
		return nil
	}
	some := &vendors.Listing{}
	if settings.LegalName != "" {
		var err error
		if some, err = s.Vendors.ListVendors(ctx, vendors.Filter{}, vendors.Page{Limit: 1}); err != nil {
			return err
		}
	}
	customers, err := s.Subscribers.CountCustomers(ctx)
	if err != nil {
		return err
	}
	p.Steps = []firstStep{
		{"home.first.publisher", "/console/settings", settings.LegalName != "", who.May(actor.EditPublisher)},
		{"home.first.vendors", "/console/vendors", len(some.Items) > 0, who.May(actor.EditRegister)},
		{"home.first.customers", "/console/customers", customers > 0, who.May(actor.EditCustomers)},
		{"home.first.change", "/console/changes/new", false, who.May(actor.DraftChange)},
	}
	return nil
}
