package demo

import (
	"fairnotice/internal/calendar"
	"fairnotice/internal/subscribers"
)

// The names of the demo's templates of terms.
const (
	thirty         = "Standard: 30 days, 30 to object"
	fourteen       = "Short: 14 days, 14 to object"
	inTurn         = "In turn: 15 days, then 15 to object"
	thirtyFourteen = "30 days, 14 to object"
	fiveDays       = "Five days"
	reasoned       = "30 days, with reasons; 60 for older contracts"
	byKind         = "30 days; 14 like for like; removals at once"
	monthly        = "One month, four weeks to object"
	consent        = "Written consent within 30 days"
	businessDays   = "Ten business days, 30 days to object" // kept, not computed yet
)

type template struct {
	name  string
	sheet subscribers.TermSheet
	note  string
}

// zone is the templates' zone; each customer's contract deviates to its own.
const zone = "Europe/Berlin"

func days(n int) subscribers.Period {
	return subscribers.Period{Count: n, Unit: subscribers.CalendarDays}
}

// sheet is the standard one with this clause and objection period, changed by each of the changes.
func sheet(clause string, notice, objection int, changes ...func(*subscribers.TermSheet)) subscribers.TermSheet {
	s := subscribers.Standard(notice, zone)
	s.Clause, s.Objection = clause, days(objection)
	for _, change := range changes {
		change(&s)
	}
	return s
}

// fromReceipt starts the clock when the recipient's server has the notice.
func fromReceipt(s *subscribers.TermSheet) { s.ClockStarts = subscribers.ClockAccepted }

// templates are the kinds of clause that public data processing agreements have, in words of our own.
func templates() []template {
	zero, fortnight := days(0), days(14)
	return []template{
		{thirty, sheet("DPA § 7.2", 30, 30), "Names are given at least 30 days ahead"},
		{fourteen, sheet("DPA § 7.2", 14, 14), ""},
		{inTurn, sheet("Annex II, 4.1", 15, 15, fromReceipt, func(s *subscribers.TermSheet) { s.ObjectionRuns = subscribers.RunsAfterNoticePeriod }),
			"15 days' notice, and from its end 15 days to object, counted from receipt"},
		{thirtyFourteen, sheet("DPA 2018, § 5(3)", 30, 14), ""},
		{fiveDays, sheet("Terms of service, 12.4", 5, 5), "Shorter than what is promised to everyone, so the promise counts"},
		{reasoned, sheet("DPA § 6.3", 30, 30, func(s *subscribers.TermSheet) {
			s.GroundsRequired = true
			s.BeforeSigning = &subscribers.EarlierTerms{SignedBefore: calendar.Date{Year: 2022, Month: 7, Day: 1}, Notice: days(60), Objection: days(30)}
		}), "An objection gives its reasons; contracts signed before July 2022 have 60 days"},
		{byKind, sheet("Framework agreement, Annex C 2", 30, 30, func(s *subscribers.TermSheet) {
			s.ByKind = map[string]subscribers.KindTerms{
				subscribers.LikeForLike: {Notice: &fortnight, Objection: &fortnight},
				subscribers.Removal:     {Notice: &zero, Objection: &zero},
			}
			s.Emergency = &subscribers.Emergency{ToldWithin: days(14), Objection: &fortnight}
		}), ""},
		{monthly, sheet("AVV § 9 Abs. 2", 0, 0, func(s *subscribers.TermSheet) {
			s.Notice, s.Objection = subscribers.Period{Count: 1, Unit: subscribers.Months}, subscribers.Period{Count: 4, Unit: subscribers.Weeks}
		}), ""},
		{consent, sheet("AVV § 8 Abs. 1 (Art. 28(2) GDPR)", 30, 30, fromReceipt, func(s *subscribers.TermSheet) { s.Authorisation = subscribers.Specific }),
			"Nothing happens without written consent"},
		{businessDays, sheet("DPA 4.5", 10, 30, func(s *subscribers.TermSheet) {
			s.Notice.Unit = subscribers.BusinessDays
			s.Holidays = &subscribers.Holidays{Country: "DE", Subdivision: "BE"}
		}), "Business days can be kept, but not computed yet"},
	}
}
