package public

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

type entryPage struct {
	web.Page
	Pub       *publisher.Settings
	Name      string
	On        time.Time
	Dated     bool
	Listed    bool // on the list on that day
	Uses      []use
	Vendor    facts
	Certs     []certificate
	Chain     []chainLink
	Upcoming  []changeView
	History   []event
	Permalink string
	ListHref  string
}

// use is one engagement of the vendor.
type use struct {
	Purpose string
	Since   time.Time
	Facts   facts
	Places  []location
}

// location is a place with the mechanism of each exporting regime, in the order of vendors.Regimes.
type location struct {
	Country, Kind string
	Mechanisms    []string
}

// chainLink is a vendor below, with those below it.
type chainLink struct {
	Name, Legal, Country, Purpose string
	Repeated                      bool
	Below                         []chainLink
}

// event is a day on which the entry changed.
type event struct {
	On      time.Time
	Text    string
	Changed []string // names of the facts that changed
}

func (s *Site) showEntry(c *gin.Context, pub *publisher.Settings) error {
	var check fault.Check
	q := question{}
	s.askDay(c, pub, &q, &check)
	if err := check.Err(); err != nil {
		return err
	}
	ctx, slug := c.Request.Context(), c.Param("slug")
	entries, err := s.Vendors.Entries(ctx, slug, q.On)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	vendor, err := s.Vendors.Vendor(ctx, slug)
	if err != nil {
		return err
	}
	p := &entryPage{Page: s.web.NewPage(c, "public.entry.title", "Name", vendor.Name()), Pub: pub, Listed: len(entries) > 0,
		On: q.On.UTC(), Dated: q.On != q.Today, ListHref: "/"}
	w := s.speak(p.Lang)
	if p.History, err = s.history(ctx, w, vendor.ID); err != nil {
		return err
	}
	if len(p.History) == 0 || vendor.Slug != slug { // never on the list: a vendor that staff know of, or a draft
		return fault.Missing("entry")
	}
	p.Name = vendor.Name()
	s.addressEntry(p, slug, &q)
	if p.Listed {
		if err := s.fillEntry(c, p, entries, &q); err != nil {
			return err
		}
	}
	updated, err := s.Vendors.LastUpdated(ctx)
	if err != nil {
		return err
	}
	p.LastUpdated = inZone(updated, pub)
	return s.show(c, "entry", p, pub)
}

func (s *Site) addressEntry(p *entryPage, slug string, q *question) {
	path := "/subprocessors/" + url.PathEscape(slug)
	p.Version, p.Permalink = q.On.String(), path+"?on="+q.On.String()
	if p.Dated {
		p.Canonical, p.ListHref = s.web.URL(p.Permalink), "/?on="+q.On.String()
	}
}

// fillEntry shows an entry that is on the list.
func (s *Site) fillEntry(c *gin.Context, p *entryPage, entries []vendors.Entry, q *question) (err error) {
	ctx, w := c.Request.Context(), s.speak(p.Lang)
	vendor := entries[0].VendorID
	p.Name = entries[0].Name()
	p.Title = w.t("entry.title", "Name", p.Name)
	p.Description = p.Name + ": " + entries[0].Purpose
	p.Vendor = w.ofVendor(&entries[0].VendorFacts)
	engagements := map[uuid.UUID]bool{}
	for i := range entries {
		p.Uses = append(p.Uses, w.use(&entries[i]))
		engagements[entries[i].EngagementID] = true
	}
	certs, err := s.Vendors.Certifications(ctx, vendor)
	if err != nil {
		return err
	}
	p.Certs = w.certificates(certs[vendor], q.On)
	below, err := s.Vendors.Chain(ctx, vendor, q.On)
	if err != nil {
		return err
	}
	p.Chain = w.chain(below)
	if !q.past() {
		p.Upcoming, err = s.upcoming(c, p.Pub, func(v *changes.View) bool {
			return v.VendorID == vendor || v.ReplacedEngagementID != nil && engagements[*v.ReplacedEngagementID]
		})
	}
	return err
}

func (w speaker) use(e *vendors.Entry) use {
	u := use{Purpose: e.Purpose, Since: e.Since.UTC()}
	for _, f := range w.ofEngagement(e) {
		if f.Key != "purpose" && f.Key != "locations" { // the heading and the table say these
			u.Facts = append(u.Facts, f)
		}
	}
	for _, l := range e.Locations {
		u.Places = append(u.Places, w.location(&l))
	}
	return u
}

func (w speaker) location(l *vendors.Location) location {
	out := location{Country: l.Country, Kind: w.t("kind_of_place." + string(l.Kind))}
	for _, r := range vendors.Regimes {
		text := "–"
		for _, t := range l.Transfers {
			if t.Regime == r {
				text = w.t("mechanism_long." + string(t.Mechanism))
				if !t.AssessedOn.IsZero() {
					text += " (" + w.t("assessed", "Date", t.AssessedOn.UTC()) + ")"
				}
			}
		}
		out.Mechanisms = append(out.Mechanisms, text)
	}
	return out
}

func (w speaker) chain(nodes []*vendors.ChainNode) []chainLink {
	var out []chainLink
	for _, n := range nodes {
		link := chainLink{Name: n.Name(), Country: n.Country, Purpose: n.Purpose, Repeated: n.Repeated, Below: w.chain(n.Below)}
		if n.LegalName != link.Name {
			link.Legal = n.LegalName
		}
		out = append(out, link)
	}
	return out
}

// history tells, the latest first, when the vendor came onto the list, what changed and when it
// left. What never was on the list (drafts, versions replaced on their first day) leaves no trace.
func (s *Site) history(ctx context.Context, w speaker, vendor uuid.UUID) ([]event, error) {
	engagements, err := s.Vendors.Engagements(ctx, vendor)
	if err != nil {
		return nil, err
	}
	var out []event
	for _, e := range engagements {
		versions, err := s.Vendors.EngagementHistory(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		events, err := w.events(versions)
		if err != nil {
			return nil, err
		}
		out = append(out, events...)
	}
	if len(out) == 0 {
		return nil, nil
	}
	facts, err := s.Vendors.VendorHistory(ctx, vendor)
	if err != nil {
		return nil, err
	}
	renamed, err := w.vendorEvents(facts, out)
	if err != nil {
		return nil, err
	}
	out = append(out, renamed...)
	slices.SortStableFunc(out, func(a, b event) int { return b.On.Compare(a.On) })
	return out, nil
}

func (w speaker) events(versions []vendors.Engagement) ([]event, error) {
	versions = slices.DeleteFunc(versions, func(v vendors.Engagement) bool { return v.Valid.Empty })
	slices.SortFunc(versions, func(a, b vendors.Engagement) int { return a.Valid.From.Compare(b.Valid.From) })
	var out []event
	for i, v := range versions {
		if i == 0 {
			out = append(out, event{On: v.Valid.From.UTC(), Text: w.t("event.added", "Purpose", v.Purpose)})
			continue
		}
		changed, err := w.changed(versions[i-1].EngagementFacts, v.EngagementFacts)
		if err != nil {
			return nil, err
		}
		if len(changed) > 0 {
			out = append(out, event{On: v.Valid.From.UTC(), Text: w.t("event.changed"), Changed: changed})
		}
	}
	if n := len(versions); n > 0 && !versions[n-1].Valid.To.IsZero() {
		out = append(out, event{On: versions[n-1].Valid.To.UTC(), Text: w.t("event.removed", "Purpose", versions[n-1].Purpose)})
	}
	return out, nil
}

// vendorEvents are the changes of the vendor's own facts since it came onto the list.
func (w speaker) vendorEvents(versions []vendors.VendorVersion, listed []event) ([]event, error) {
	first := slices.MinFunc(listed, func(a, b event) int { return a.On.Compare(b.On) }).On
	versions = slices.DeleteFunc(versions, func(v vendors.VendorVersion) bool { return v.Valid.Empty })
	slices.SortFunc(versions, func(a, b vendors.VendorVersion) int { return a.Valid.From.Compare(b.Valid.From) })
	var out []event
	for i := 1; i < len(versions); i++ {
		on := versions[i].Valid.From.UTC()
		changed, err := w.changed(versions[i-1].VendorFacts, versions[i].VendorFacts)
		if err != nil {
			return nil, err
		}
		if len(changed) > 0 && !on.Before(first) {
			out = append(out, event{On: on, Text: w.t("event.changed"), Changed: changed})
		}
	}
	return out, nil
}

// changed names the published facts that differ, in the order of the page.
func (w speaker) changed(before, after any) ([]string, error) {
	diff, err := ledger.Diff(before, after)
	if err != nil {
		return nil, err
	}
	var keys []string
	for field := range diff {
		if key := factOf(field); vendors.Published(field) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Compare(slices.Index(factOrder, a), slices.Index(factOrder, b))
	})
	return words(w, "fact.", keys), nil
}

// factOf is the line of the page that a field of the register stands in.
func factOf(field string) string {
	switch field {
	case "contact_name", "contact_position":
		return "contact"
	case "country":
		return "address"
	case "hosting_vendor_id":
		return "hosted_on"
	}
	return field
}
