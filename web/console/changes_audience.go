package console

import (
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/publisher"
	"fairnotice/web"
)

// readyPart is what the change's page tells before the announcement: what must be mended, whom it
// reaches, and the dates that each customer's terms give.
type readyPart struct {
	Base        string
	Problems    []problem
	Warnings    []problem
	Binding     *plannedRow // whose terms allow the change last
	Rows        []plannedRow
	More        int // further customers, on the audience's page
	Included    int
	Unreachable []plannedRow
	Later       int // customers whose own terms move the day
	LeftOut     int
	Recipients  int // contract recipients
	Customers   int // that get at least one message
	Followers   int
	Messages    int
	PlannedOn   time.Time
	LastOn      time.Time // the day on which the change takes effect for the last customer
}

// problem is a reason why something can't, or had better not, go out as it is, with its mend.
type problem struct{ Text, Href, Link string }

// plannedRow is an affected customer with the dates of its own terms.
type plannedRow struct {
	ID             uuid.UUID
	Name           string
	Reached        int // recipients
	Authorisation  string
	Clause, Zone   string
	ObjectUntil    time.Time // the last day to object; zero: its terms give no objection period
	Earliest, From time.Time
	Later          bool   // From is after the planned day
	Trouble        string // why its dates can't be computed
}

// shownCustomers is how many customers the change's own page lists.
const shownCustomers = 10

func (s *Site) readyPart(c *gin.Context, v *changes.View, settings *publisher.Settings) (*readyPart, error) {
	ctx := c.Request.Context()
	ready, err := s.Changes.Readiness(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	reach, err := s.Notify.ReachOf(ctx, &v.Change, customersOf(ready.Audience))
	if err != nil {
		return nil, err
	}
	part := &readyPart{
		Base: changePath(v), LeftOut: len(ready.Audience.LeftOut), Included: len(ready.Audience.Included),
		Later: len(ready.Audience.Later(v.EffectiveOn)), Recipients: reach.Contract, Customers: len(reach.Customers),
		Followers: reach.Followers, Messages: reach.Recipients(), PlannedOn: v.EffectiveOn.UTC(), LastOn: v.EffectiveOn.UTC(),
	}
	for i := range ready.Audience.Included {
		row := s.plannedRow(c, settings.Zone(), &ready.Audience.Included[i], v, reach.Customers)
		part.add(row)
	}
	if part.Included > shownCustomers {
		part.Rows, part.More = part.Rows[:shownCustomers], part.Included-shownCustomers
	}
	if binding := ready.Audience.Binding(); binding != nil {
		row := s.plannedRow(c, settings.Zone(), binding, v, reach.Customers)
		part.Binding = &row
	}
	s.addProblems(c, part, v, ready, settings.Zone())
	return part, nil
}

func (p *readyPart) add(row plannedRow) {
	p.Rows = append(p.Rows, row)
	if row.Reached == 0 {
		p.Unreachable = append(p.Unreachable, row)
	}
	if row.From.After(p.LastOn) {
		p.LastOn = row.From
	}
}

func customersOf(a *changes.Audience) []uuid.UUID {
	out := make([]uuid.UUID, len(a.Included))
	for i := range a.Included {
		out[i] = a.Included[i].CustomerID
	}
	return out
}

func (s *Site) plannedRow(c *gin.Context, zone *time.Location, p *changes.Planned, v *changes.View, reached map[uuid.UUID]int) plannedRow {
	row := plannedRow{ID: p.CustomerID, Name: p.Name, Reached: reached[p.CustomerID], Authorisation: p.Authorisation, Clause: p.Clause, Zone: p.TimeZone}
	if p.Trouble != nil {
		row.Trouble = s.sentence(c, zone, p.Trouble)
		return row
	}
	if p.Dates.ObjectionEnds.After(s.web.Now()) {
		row.ObjectUntil = lastDay(p.Dates.ObjectionEnds, p.Dates.Zone)
	}
	row.Earliest, row.From = p.Dates.EarliestDay.UTC(), p.EffectiveOn.UTC()
	row.Later = p.EffectiveOn.After(v.EffectiveOn)
	return row
}

// addProblems lists what must be mended, each with the place where it is. A customer's own trouble
// is mended at the customer.
func (s *Site) addProblems(c *gin.Context, part *readyPart, v *changes.View, ready *changes.Readiness, zone *time.Location) {
	lang := web.Lang(c)
	for _, f := range ready.Faults {
		if strings.HasPrefix(f.Code, "audience.") {
			continue
		}
		href, key := s.mendOf(v, f.Field)
		part.Problems = append(part.Problems, problem{s.sentence(c, zone, f), href, s.web.T(lang, key)})
	}
	for i := range ready.Audience.Included {
		if p := &ready.Audience.Included[i]; p.Trouble != nil && len(part.Problems) < 20 {
			part.Problems = append(part.Problems, problem{s.sentence(c, zone, p.Trouble), "/console/customers/" + p.CustomerID.String(), p.Name})
		}
	}
	for _, f := range ready.Warnings {
		href, key := s.mendOf(v, f.Field)
		part.Warnings = append(part.Warnings, problem{s.sentence(c, zone, f), href, s.web.T(lang, key)})
	}
}

// audiencePage lists every customer, included or left out.
type audiencePage struct {
	web.Page
	Change  *changes.View
	Base    string
	Facets  web.Facets
	Rows    []plannedRow
	LeftOut []changes.LeftOut
	Show    string
	Pager   web.Pager
}

// audienceShows are the parts of an audience that can be looked at alone; "" is everybody included.
var audienceShows = []string{"unreachable", "later", "trouble", "left_out"}

func (s *Site) showAudience(c *gin.Context) error {
	v, err := s.changeAt(c)
	if err != nil {
		return err
	}
	if v.AnnouncedAt != nil || !v.Open() { // its windows are fixed, or there are none
		return web.SeeOther(c, changePath(v)+"/windows")
	}
	ctx, form := c.Request.Context(), s.web.Query(c)
	settings, err := s.houseRules(ctx)
	if err != nil {
		return err
	}
	audience, err := s.Changes.Audience(ctx, v.ID)
	if err != nil {
		return err
	}
	reach, err := s.Notify.ReachOf(ctx, &v.Change, customersOf(audience))
	if err != nil {
		return err
	}
	p := &audiencePage{Page: s.web.NewPage(c, "audience.title", "Reference", v.Reference), Change: v, Base: changePath(v), Show: form.Choice("show", audienceShows...)}
	p.Feedback(form)
	p.Facets = web.Facets{Action: p.Base + "/audience", Form: form, Search: "q", CountKey: "audience.count",
		Groups: []web.FacetGroup{{Name: "show", Options: s.web.Options(web.Lang(c), "show", audienceShows...)}}}
	if p.Show == "left_out" {
		err = s.listLeftOut(c, p, audience)
	} else {
		err = s.listPlanned(c, p, audience, settings, reach.Customers)
	}
	if err != nil {
		return err
	}
	return s.web.Render(c, "changes/audience", p)
}

func (s *Site) listLeftOut(c *gin.Context, p *audiencePage, audience *changes.Audience) error {
	list := slices.DeleteFunc(audience.LeftOut, func(l changes.LeftOut) bool { return !named(l.Name, p.Facets.Form.Text("q")) })
	p.Facets.Count = len(list)
	rows, next, err := pageRows(list, c.Query(web.AfterParam), func(l *changes.LeftOut) uuid.UUID { return l.CustomerID })
	p.LeftOut, p.Pager = rows, web.NewPager(c, "", next)
	return err
}

func (s *Site) listPlanned(c *gin.Context, p *audiencePage, audience *changes.Audience, settings *publisher.Settings, reached map[uuid.UUID]int) error {
	var list []plannedRow
	for i := range audience.Included {
		row := s.plannedRow(c, settings.Zone(), &audience.Included[i], p.Change, reached)
		if named(row.Name, p.Facets.Form.Text("q")) && row.fits(p.Show) {
			list = append(list, row)
		}
	}
	p.Facets.Count = len(list)
	rows, next, err := pageRows(list, c.Query(web.AfterParam), func(r *plannedRow) uuid.UUID { return r.ID })
	p.Rows, p.Pager = rows, web.NewPager(c, "", next)
	return err
}

func (r *plannedRow) fits(show string) bool {
	switch show {
	case "unreachable":
		return r.Reached == 0
	case "later":
		return r.Later
	case "trouble":
		return r.Trouble != ""
	default:
		return true
	}
}

// named says whether a name holds the words, however capitalized.
func named(name, words string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(words))
}
