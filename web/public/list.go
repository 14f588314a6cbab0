package public

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// row is an entry of the list in words.
type row struct {
	Slug, Name string
	Legal      string // the legal entity, where its name isn't Name
	Country    string
	Since      time.Time
	Purpose    string
	Data       string
	Places     []place
	Products   string
	Certs      []certGroup
}

type listPage struct {
	web.Page
	Pub          *publisher.Settings
	On           time.Time
	Dated        bool // another day than today is shown
	Past, Future bool
	Rows         []row
	Count        int
	Filtered     bool
	Upcoming     []changeView
	Floor        int // days promised to everybody between notice and effect; 0: nothing promised
	Query        *web.Form
	Products     []web.Option
	Regions      []web.Option
	Schemes      []web.Option
	ClearHref    string
	Permalink    string
	JSON, CSV    string
}

// list is everything that the list's page and its machine-readable forms are made of: one query
// each, however many entries there are.
type list struct {
	question
	Products []publisher.Product
	Entries  []vendors.Entry
	Certs    map[uuid.UUID][]vendors.Certification
	Updated  time.Time
}

// read answers the question of a request. A question that can't be read comes back as faults,
// with the list as if that part had not been asked.
func (s *Site) read(c *gin.Context, pub *publisher.Settings) (*list, error) {
	ctx := c.Request.Context()
	l := &list{}
	var err error
	if l.Products, err = s.Publisher.Products(ctx); err != nil {
		return nil, err
	}
	question, asked := s.ask(c, pub, l.Products)
	l.question = question
	if err := s.fetch(ctx, l); err != nil {
		return nil, err
	}
	return l, asked
}

func (s *Site) fetch(ctx context.Context, l *list) (err error) {
	if l.Entries, err = s.Vendors.List(ctx, l.On, l.Filter); err != nil {
		return err
	}
	ids := make([]uuid.UUID, 0, len(l.Entries))
	for _, e := range l.Entries {
		ids = append(ids, e.VendorID)
	}
	if l.Certs, err = s.Vendors.Certifications(ctx, ids...); err != nil {
		return err
	}
	l.Updated, err = s.Vendors.LastUpdated(ctx)
	return err
}

func (s *Site) showList(c *gin.Context, pub *publisher.Settings) error {
	l, err := s.read(c, pub)
	if l == nil {
		return err
	}
	form := s.web.Query(c)
	if err := form.Check(err); err != nil {
		return err
	}
	p := &listPage{Page: s.web.NewPage(c, "public.list.title"), Pub: pub, Query: form, Count: len(l.Entries)}
	if form.Failed() {
		p.Feedback(form)
	}
	s.describe(c, p, l, pub)
	if p.Schemes, err = s.schemes(c.Request.Context(), l); err != nil {
		return err
	}
	if !l.past() {
		if p.Upcoming, err = s.upcoming(c, pub, nil); err != nil {
			return err
		}
	}
	return s.show(c, "list", p, pub)
}

// describe puts the list into the words of the page.
func (s *Site) describe(c *gin.Context, p *listPage, l *list, pub *publisher.Settings) {
	w := s.speak(p.Lang)
	p.Description = w.t("list.description", "Publisher", pub.LegalName)
	if pub.FloorDays != nil {
		p.Floor = *pub.FloorDays
	}
	p.LastUpdated = inZone(l.Updated, pub)
	p.Version = l.On.String()
	p.On, p.Past, p.Future, p.Filtered = l.On.UTC(), l.past(), l.future(), l.filtered()
	p.Dated = p.Past || p.Future
	if p.Dated {
		p.Title = w.t("list.title_on", "Date", l.On.UTC())
	}
	for i := range l.Entries {
		p.Rows = append(p.Rows, w.row(l, &l.Entries[i]))
	}
	for _, product := range l.Products {
		p.Products = append(p.Products, web.Option{Value: product.Slug, Label: product.Name})
	}
	for _, r := range publisher.Regions {
		p.Regions = append(p.Regions, web.Option{Value: string(r), Label: w.t("region." + string(r))})
	}
	s.address(p, l)
}

// address makes the links to the same list in other forms.
func (s *Site) address(p *listPage, l *list) {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("q", l.Filter.Query)
	set("product", l.Filter.Product)
	set("region", string(l.Filter.Region))
	set("scheme", l.Filter.Scheme)
	version := url.Values{"on": {l.On.String()}}
	for name, values := range q {
		version[name] = values
	}
	p.Permalink = "/?" + version.Encode()
	p.ClearHref = "/"
	if l.Dated {
		p.ClearHref, q = "/?on="+l.On.String(), version
		p.Canonical = s.web.URL("/?on=" + l.On.String())
	}
	p.JSON, p.CSV = withQuery("/subprocessors.json", q), withQuery("/subprocessors.csv", q)
	p.Alternates = []web.Alternate{
		{Type: "application/json", Title: "JSON", Href: p.JSON},
		{Type: "text/csv", Title: "CSV", Href: p.CSV},
		changesAlternate,
	}
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// schemes are the choices of the filter, with the one asked for even when the list has none.
func (s *Site) schemes(ctx context.Context, l *list) ([]web.Option, error) {
	names, err := s.Vendors.Schemes(ctx, l.On)
	if err != nil {
		return nil, err
	}
	asked := l.Filter.Scheme
	if asked != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, asked) }) {
		names = append(names, asked)
	}
	var out []web.Option
	for _, n := range names {
		value := n
		if strings.EqualFold(n, asked) {
			value = asked // so that the choice shows as made, however it was spelt
		}
		out = append(out, web.Option{Value: value, Label: n})
	}
	return out, nil
}

func (w speaker) row(l *list, e *vendors.Entry) row {
	r := row{Slug: e.Slug, Name: e.Name(), Country: locale.Country(w.lang, e.Country), Since: e.Since.UTC(), Purpose: e.Purpose, Data: w.data(&e.EngagementFacts),
		Places: w.places(&e.EngagementFacts, false), Products: w.products(&e.EngagementFacts), Certs: grouped(w.certificates(l.Certs[e.VendorID], l.On))}
	if e.LegalName != r.Name {
		r.Legal = e.LegalName
	}
	return r
}

func inZone(at time.Time, pub *publisher.Settings) time.Time {
	if at.IsZero() {
		return at
	}
	return at.In(pub.Zone())
}
