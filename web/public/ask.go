package public

import (
	"slices"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// question is what a reader asks of the list: the day, and what to leave out.
type question struct {
	Today  calendar.Date // in the publisher's zone
	On     calendar.Date // the day asked for; today where none is
	Dated  bool          // a day was asked for
	Filter vendors.ListFilter
}

// ask reads the question from the query. What can't be read comes back as faults, and the question
// is then the one without it.
func (s *Site) ask(c *gin.Context, pub *publisher.Settings, products []publisher.Product) (question, error) {
	var check fault.Check
	form := s.web.Query(c)
	q := question{Filter: vendors.ListFilter{Query: form.Text("q"), Scheme: form.Text("scheme")}}
	s.askDay(c, pub, &q, &check)
	if slug := form.Text("product"); slug != "" {
		if slices.ContainsFunc(products, func(p publisher.Product) bool { return p.Slug == slug }) {
			q.Filter.Product = slug
		} else {
			check.Add("", "list.product_unknown", fault.Args{"Value": slug})
		}
	}
	if region := publisher.Region(form.Text("region")); region != "" {
		if slices.Contains(publisher.Regions, region) {
			q.Filter.Region = region
		} else {
			check.Add("", "list.region_unknown", fault.Args{"Value": string(region)})
		}
	}
	return q, check.Err()
}

// askDay reads ?on=, in any form in which people type a day.
func (s *Site) askDay(c *gin.Context, pub *publisher.Settings, q *question, check *fault.Check) {
	q.Today = pub.Today(s.web.Now())
	q.On = q.Today
	text := s.web.Query(c).Text("on")
	if text == "" {
		return
	}
	day, ok := locale.ParseDay(text)
	if !ok {
		check.Add("on", "date.malformed", nil)
		return
	}
	q.On, q.Dated = calendar.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()}, true
}

// filtered says whether anything is left out.
func (q *question) filtered() bool { return q.Filter != vendors.ListFilter{} }

func (q *question) past() bool   { return q.On.Before(q.Today) }
func (q *question) future() bool { return q.On.After(q.Today) }
