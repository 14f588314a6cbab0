package console

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/web"
)

func (s *Site) changeRoutes(r *web.Routes) {
	r.GET("/console/changes", s.listChanges)
	draft := r.With(allowed(mayDraft)) // asked before the form is judged
	draft.GET("/console/changes/new", s.newChange)
	draft.POST("/console/changes", s.createChange)
	r.GET("/console/changes/:reference", s.showChange)
	draft.GET("/console/changes/:reference/edit", s.editChange)
	draft.POST("/console/changes/:reference/edit", s.updateChange)
	r.GET("/console/changes/:reference/audience", s.showAudience)
	r.GET("/console/changes/:reference/preview", s.previewChange)
	r.GET("/console/changes/:reference/preview/html", s.previewHTML)
	r.POST("/console/changes/:reference/submit", s.submitChange)
	r.POST("/console/changes/:reference/approve", s.approveChange)
	r.GET("/console/changes/:reference/send-back", s.askSendBack)
	r.POST("/console/changes/:reference/send-back", s.sendBack)
	r.GET("/console/changes/:reference/announce", s.askAnnounce)
	r.POST("/console/changes/:reference/announce", s.announceChange)
	r.GET("/console/changes/:reference/withdraw", s.askWithdraw)
	r.POST("/console/changes/:reference/withdraw", s.withdrawChange)
	r.GET("/console/changes/:reference/progress", s.changeProgress)
	r.GET("/console/changes/:reference/windows", s.listWindows)
	r.GET("/console/changes/:reference/windows/:window/:step", s.askHold)
	r.POST("/console/changes/:reference/windows/:window/:step", s.holdWindow)
}

// changeAt is the change that the address names.
func (s *Site) changeAt(c *gin.Context) (*changes.View, error) {
	return s.Changes.Get(c.Request.Context(), c.Param("reference"))
}

func changePath(v *changes.View) string { return "/console/changes/" + v.Reference }

// houseRules are the publisher's settings. On a new database nobody has saved any: days are then
// days of UTC.
func (s *Site) houseRules(ctx context.Context) (*publisher.Settings, error) {
	settings, err := s.Publisher.Get(ctx)
	if fault.Is(err, fault.NotFound) {
		return &publisher.Settings{TimeZone: "UTC", FourEyes: true}, nil
	}
	return settings, err
}

// in is an instant as a clock in the zone shows it; the zero time where there is none.
func in(zone *time.Location, t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.In(zone)
}

// lastDay is the last day that still counts before a half-open end: what people read as deadline.
func lastDay(end time.Time, zone *time.Location) time.Time {
	return calendar.DateOf(end.Add(-time.Nanosecond), zone).UTC()
}

// inWords puts the values of faults into the words of the reader: days, instants in the publisher's
// zone, countries. Errors that are no faults pass unchanged.
func (s *Site) inWords(c *gin.Context, err error) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	settings, other := s.houseRules(c.Request.Context())
	if other != nil {
		return errors.Join(err, other)
	}
	out := make(fault.List, len(list))
	for i, f := range list {
		out[i] = s.faultInWords(web.Lang(c), settings.Zone(), f)
	}
	return out
}

func (s *Site) faultInWords(lang locale.Lang, zone *time.Location, f *fault.Error) *fault.Error {
	dup := *f
	dup.Args = maps.Clone(f.Args)
	for name, value := range dup.Args {
		switch v := value.(type) {
		case calendar.Date:
			dup.Args[name] = v.UTC()
		case time.Time:
			dup.Args[name] = locale.DateTime(lang, v.In(zone))
		case string:
			dup.Args[name] = s.argInWords(lang, name, v)
		}
	}
	return &dup
}

func (s *Site) argInWords(lang locale.Lang, name, value string) string {
	switch name {
	case "Country":
		return locale.Country(lang, value)
	case "Regime":
		return s.web.T(lang, "option.regions."+value)
	case "Want":
		return s.web.T(lang, "state."+value)
	}
	return value
}

// sentence tells a fault on a page that has no form for it.
func (s *Site) sentence(c *gin.Context, zone *time.Location, f *fault.Error) string {
	return s.web.Sentence(web.Lang(c), s.faultInWords(web.Lang(c), zone, f))
}

// stayHere takes the links out of a form's errors: the fields that they name are on other pages.
func stayHere(form *web.Form) *web.Form {
	for i := range form.Errors {
		form.Errors[i].Href = ""
	}
	return form
}

// pageRows cuts one page out of a list that is read whole anyway; the cursor is the ID of the last
// row of the page before. When that row has gone, the list starts over.
func pageRows[T any](rows []T, after string, id func(*T) uuid.UUID) (page []T, next string, err error) {
	const size = 50
	if after != "" {
		last, err := uuid.Parse(after)
		if err != nil {
			return nil, "", fault.Field("after", "cursor.malformed", nil)
		}
		for i := range rows {
			if id(&rows[i]) == last {
				rows = rows[i+1:]
				break
			}
		}
	}
	if len(rows) > size {
		rows = rows[:size]
		next = id(&rows[size-1]).String()
	}
	return rows, next, nil
}
