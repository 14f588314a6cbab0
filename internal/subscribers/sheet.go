package subscribers

import (
	"time"

	"fairnotice/internal/calendar"
)

// Authorisation is the kind that the contract gives for engaging sub-processors (GDPR Art. 28(2)).
type Authorisation string

const (
	// General: the customer may object; silence after the window is acceptance.
	General Authorisation = "general"
	// Specific: only an explicit consent authorises; silence past the period counts as refused.
	Specific Authorisation = "specific"
)

// Unit is what a period counts.
type Unit string

const (
	CalendarDays Unit = "calendar_days"
	BusinessDays Unit = "business_days"
	Weeks        Unit = "weeks"
	Months       Unit = "months"
)

// Units lists every unit.
var Units = []Unit{CalendarDays, BusinessDays, Weeks, Months}

// Period is a length of time as a contract writes it: "30 calendar days".
type Period struct {
	Count int  `json:"count"`
	Unit  Unit `json:"unit"`
}

// The values of a term sheet's choices.
const (
	RunsFromNotice        = "from_notice"         // the objection period runs beside the notice period
	RunsAfterNoticePeriod = "after_notice_period" // it begins when the notice period has ended

	WaitsForNotice    = "notice"
	WaitsForObjection = "objection"
	WaitsForLater     = "later" // the later of the two

	Forward  = "forward"  // from the notice
	Backward = "backward" // from the effective date: "at least 30 days before processing"

	ClockSent      = "sent"
	ClockAccepted  = "accepted"  // by the recipient's server; a bounce that comes later revokes it
	ClockDeemed    = "deemed"    // received on the next business day, with a cut-off hour
	ClockPublished = "published" // weak notice: nobody is told
	ClockProof     = "proof"     // a person's proof: post, courier

	CountingPlain      = "plain"
	CountingRegulation = "regulation_1182_71" // Regulation (EEC, Euratom) No 1182/71

	ServedFirst = "first" // the first recipient suffices
	ServedAll   = "all"

	SilenceAccepts = "accepted"
	SilenceRefuses = "refused"
)

// The kinds of change, and LikeForLike: a replacement by a vendor that does the same in the same
// place, for which some contracts have periods of their own.
const (
	Addition     = "addition"
	Replacement  = "replacement"
	Removal      = "removal"
	Relocation   = "relocation"
	Scope        = "scope"
	Housekeeping = "housekeeping"
	LikeForLike  = "like_for_like"
)

// Kinds lists the kinds of change that a subscription can be narrowed to.
var Kinds = []string{Addition, Replacement, Removal, Relocation, Scope, Housekeeping}

// windowKinds are the kinds that open windows; housekeeping never does.
var windowKinds = []string{Addition, Replacement, LikeForLike, Removal, Relocation, Scope}

// KindTerms are the periods for one kind of change; nil leaves the general one standing.
type KindTerms struct {
	Notice    *Period `json:"notice,omitempty"`
	Objection *Period `json:"objection,omitempty"`
}

// EarlierTerms are the periods for contracts signed before the current version of the terms took
// effect. They stand alone: nothing in the sheet's own ByKind applies to such a contract.
type EarlierTerms struct {
	SignedBefore calendar.Date        `json:"signed_before"` // the day itself is no longer "before"
	Notice       Period               `json:"notice"`
	Objection    Period               `json:"objection"`
	ByKind       map[string]KindTerms `json:"by_kind,omitempty"`
}

// Emergency is the clause that lets a change take effect before its notice. Where the SCCs are
// incorporated they prevail, and Art. 28(2) GDPR speaks of intended changes.
type Emergency struct {
	ToldWithin Period  `json:"told_within"` // after the fact
	Objection  *Period `json:"objection,omitempty"`
}

// RollOver says which periods move past a last day that isn't a working day, under plain counting.
type RollOver struct {
	Notice    bool `json:"notice"`
	Objection bool `json:"objection"`
}

// Holidays names the calendar of public holidays: a country (ISO 3166-1) and, where holidays
// differ inside it, the second part of an ISO 3166-2 code ("BY").
type Holidays struct {
	Country     string `json:"country"`
	Subdivision string `json:"subdivision,omitempty"`
}

// TermSheet is what a contract says about changes of sub-processors, in full. Dates computes from
// it what can be computed today; the rest is kept for when it can.
type TermSheet struct {
	Authorisation      Authorisation        `json:"authorisation"`
	Notice             Period               `json:"notice"`
	Objection          Period               `json:"objection"` // under Specific: the time to consent
	ObjectionRuns      string               `json:"objection_runs"`
	ActivationWaitsFor string               `json:"activation_waits_for"`
	Direction          string               `json:"direction"`
	ClockStarts        string               `json:"clock_starts"`
	DeemedCutoffHour   *int                 `json:"deemed_cutoff_hour,omitempty"` // 0 to 24, in TimeZone
	Channels           []string             `json:"channels,omitempty"`           // that count as service; none: any
	Served             string               `json:"served"`
	ByKind             map[string]KindTerms `json:"by_kind,omitempty"`
	Emergency          *Emergency           `json:"emergency,omitempty"` // nil: no such clause
	BeforeSigning      *EarlierTerms        `json:"before_signing,omitempty"`
	GroundsRequired    bool                 `json:"grounds_required"`
	Counting           string               `json:"counting"`
	RollOver           RollOver             `json:"roll_over"`
	Holidays           *Holidays            `json:"holidays,omitempty"`
	TimeZone           string               `json:"time_zone"`
	Clause             string               `json:"clause"`
	Recipients         []string             `json:"recipients,omitempty"` // email addresses that the contract names
}

// Standard is a sheet with the commonest choices, to start a form from: general authorisation,
// notice and objection side by side for so many calendar days, counted from sending.
func Standard(days int, zone string) TermSheet {
	return TermSheet{
		Authorisation: General,
		Notice:        Period{days, CalendarDays}, Objection: Period{days, CalendarDays},
		ObjectionRuns: RunsFromNotice, ActivationWaitsFor: WaitsForLater, Direction: Forward,
		ClockStarts: ClockSent, Served: ServedFirst, Counting: CountingPlain, TimeZone: zone,
	}
}

// Silence is what a customer's silence past the period means: SilenceAccepts under general
// authorisation, SilenceRefuses under specific (GDPR Art. 28(2)).
func (s *TermSheet) Silence() string {
	if s.Authorisation == General {
		return SilenceAccepts
	}
	return SilenceRefuses
}

// Zone is the zone that the terms' days are days of.
func (s *TermSheet) Zone() (*time.Location, error) { return time.LoadLocation(s.TimeZone) }

// Counts says whether service over this channel starts the clock.
func (s *TermSheet) Counts(channel string) bool {
	if len(s.Channels) == 0 {
		return true
	}
	for _, c := range s.Channels {
		if c == channel {
			return true
		}
	}
	return false
}

// PeriodsFor gives the notice and the objection period for a kind of change (or LikeForLike,
// which falls back on Replacement) and a contract signed on the day. When the sheet tells earlier
// contracts apart, the day must be known: see ErrSigningDay.
func (s *TermSheet) PeriodsFor(kind string, signedOn calendar.Date) (notice, objection Period, err error) {
	notice, objection = s.Notice, s.Objection
	byKind := s.ByKind
	if e := s.BeforeSigning; e != nil {
		if signedOn.IsZero() {
			return Period{}, Period{}, ErrSigningDay
		}
		if signedOn.Before(e.SignedBefore) {
			notice, objection, byKind = e.Notice, e.Objection, e.ByKind
		}
	}
	terms, ok := byKind[kind]
	if !ok && kind == LikeForLike {
		terms = byKind[Replacement]
	}
	if terms.Notice != nil {
		notice = *terms.Notice
	}
	if terms.Objection != nil {
		objection = *terms.Objection
	}
	return notice, objection, nil
}
