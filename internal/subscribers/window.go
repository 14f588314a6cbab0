package subscribers

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
)

// ErrSigningDay says that the sheet tells contracts apart by the day they were signed on, and
// that the day was not given.
var ErrSigningDay = errors.New("subscribers: these terms need the day the contract was signed on")

// NotComputable is the code of the fault for terms that can be kept but not computed yet.
const NotComputable = "terms.not_computable"

// Options of Dates.
type Options struct {
	SignedOn  calendar.Date // of the contract; needed where the sheet has BeforeSigning
	FloorDays int           // the publisher's public promise to everyone, in calendar days; 0: none
}

// Dates are the days and instants that a term sheet gives for one change and one start of the
// clock. Instants are half-open: a period whose last day is 22 December ends at 00:00 on the 23rd
// in Zone. A zone-less reader must not see them without Zone.
type Dates struct {
	NoticeEnds    time.Time      // the first instant after the notice period
	ObjectionEnds time.Time      // the first instant after the objection period
	Earliest      time.Time      // nothing becomes effective for this customer before
	EarliestDay   calendar.Date  // the first day whose 00:00 in Zone isn't before Earliest
	Zone          *time.Location // of the terms
}

// ComputeDates counts a change's periods under a term sheet, from the instant at which the clock
// started. kind is a kind of change that opens windows, or LikeForLike.
//
// The rule is the plain one: the day of the event is not counted; a period ends with its last
// day; weeks are seven days; months end on the same date or on the month's last day. A period of
// nothing ends at once. The objection period runs from the notice or begins after the notice
// period, as the sheet says. The publisher's floor lengthens the notice period and the earliest
// day, never shortens, and leaves the objection period as the contract has it.
//
// What isn't supported yet (business days, Regulation 1182/71, roll-over, counting backward,
// clocks that start with deemed receipt, publication or a person's proof) is a Conflict fault
// with code NotComputable whose Args["What"] names it ("not_computable.business_days", named in
// the catalogues as a field is): never a guess.
func ComputeDates(sheet TermSheet, kind string, counted time.Time, o Options) (Dates, error) {
	if !slices.Contains(windowKinds, kind) {
		return Dates{}, fmt.Errorf("subscribers: a change of kind %q opens no window", kind)
	}
	notice, objection, err := sheet.PeriodsFor(kind, o.SignedOn)
	if err != nil {
		return Dates{}, err
	}
	if what := sheet.unsupported(notice, objection); what != "" {
		return Dates{}, fault.New(fault.Conflict, NotComputable, fault.Args{"What": "not_computable." + what})
	}
	zone, err := sheet.Zone()
	if err != nil {
		return Dates{}, fmt.Errorf("subscribers: the terms' zone: %w", err)
	}
	out := Dates{Zone: zone}
	event := mark{calendar.DateOf(counted, zone), counted}
	contractual := event.after(notice, zone)
	if sheet.ObjectionRuns == RunsAfterNoticePeriod {
		out.ObjectionEnds = contractual.after(objection, zone).ends
	} else {
		out.ObjectionEnds = event.after(objection, zone).ends
	}
	floor := event.after(Period{o.FloorDays, CalendarDays}, zone).ends
	out.NoticeEnds = later(contractual.ends, floor)
	out.Earliest = later(sheet.waitsUntil(contractual.ends, out.ObjectionEnds), floor)
	out.EarliestDay = firstDayFrom(out.Earliest, zone)
	return out, nil
}

// Computable is nil when ComputeDates can compute this sheet for the kind, else the fault that it
// would answer: for a form or a list that warns before anything is announced.
func Computable(sheet TermSheet, kind string, signedOn calendar.Date) error {
	_, err := ComputeDates(sheet, kind, time.Unix(0, 0).UTC(), Options{SignedOn: signedOn})
	return err
}

// unsupported names what of the sheet can't be computed yet.
func (s *TermSheet) unsupported(notice, objection Period) string {
	switch {
	case s.Counting != CountingPlain:
		return s.Counting
	case s.Direction != Forward:
		return s.Direction
	case s.ClockStarts != ClockSent && s.ClockStarts != ClockAccepted:
		return s.ClockStarts
	case notice.Unit == BusinessDays || objection.Unit == BusinessDays:
		return string(BusinessDays)
	case s.RollOver.Notice || s.RollOver.Objection:
		return "roll_over"
	default:
		return ""
	}
}

func (s *TermSheet) waitsUntil(notice, objection time.Time) time.Time {
	switch s.ActivationWaitsFor {
	case WaitsForNotice:
		return notice
	case WaitsForObjection:
		return objection
	default:
		return later(notice, objection)
	}
}

// mark is a place in time that a period can be counted from: the day, which isn't counted, and
// the instant at which nothing more is left of what came before.
type mark struct {
	day  calendar.Date
	ends time.Time
}

// after is the mark at the end of a period that is counted from m.
func (m mark) after(p Period, zone *time.Location) mark {
	last := m.day
	switch {
	case p.Count == 0:
		return m
	case p.Unit == Weeks:
		last = last.AddDays(7 * p.Count)
	case p.Unit == Months:
		last = last.AddMonths(p.Count)
	default:
		last = last.AddDays(p.Count)
	}
	return mark{last, last.AddDays(1).Start(zone)}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func firstDayFrom(t time.Time, zone *time.Location) calendar.Date {
	day := calendar.DateOf(t, zone)
	if day.Start(zone).Before(t) {
		return day.AddDays(1)
	}
	return day
}
