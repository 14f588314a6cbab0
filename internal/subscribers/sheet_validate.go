package subscribers

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"fairnotice/internal/fault"
	"fairnotice/internal/input"
)

// MaxPeriod is the highest count of a period, whatever its unit.
const MaxPeriod = 3660

var subdivisionForm = regexp.MustCompile(`^[A-Z0-9]{1,3}$`)

// Validate tidies the sheet and returns every fault in it, each at a field named as in the JSON
// form, such as "notice.count" or "by_kind.removal.notice.count".
func (s *TermSheet) Validate() error {
	var c fault.Check
	input.Choice(&c, "authorisation", s.Authorisation, General, Specific)
	s.Notice.validate(&c, "notice")
	s.Objection.validate(&c, "objection")
	input.Choice(&c, "objection_runs", s.ObjectionRuns, RunsFromNotice, RunsAfterNoticePeriod)
	if s.ActivationWaitsFor == "" {
		s.ActivationWaitsFor = WaitsForLater
	}
	input.Choice(&c, "activation_waits_for", s.ActivationWaitsFor, WaitsForNotice, WaitsForObjection, WaitsForLater)
	input.Choice(&c, "direction", s.Direction, Forward, Backward)
	input.Choice(&c, "clock_starts", s.ClockStarts, ClockSent, ClockAccepted, ClockDeemed, ClockPublished, ClockProof)
	s.validateCutoff(&c)
	input.Choices(&c, "channels", &s.Channels, Email, Webhook, Slack)
	input.Choice(&c, "served", s.Served, ServedFirst, ServedAll)
	validateKinds(&c, "by_kind", s.ByKind)
	s.validateClauses(&c)
	input.Choice(&c, "counting", s.Counting, CountingPlain, CountingRegulation)
	s.validateHolidays(&c)
	input.TimeZone(&c, "time_zone", &s.TimeZone)
	input.OptionalName(&c, "clause", &s.Clause)
	s.validateRecipients(&c)
	return c.Err()
}

func (p *Period) validate(c *fault.Check, field string) {
	input.Between(c, field+".count", p.Count, 0, MaxPeriod)
	input.Choice(c, field+".unit", p.Unit, Units...)
}

func (s *TermSheet) validateCutoff(c *fault.Check) {
	switch hour := s.DeemedCutoffHour; {
	case s.ClockStarts == ClockDeemed && hour == nil:
		c.Add("deemed_cutoff_hour", "required", nil)
	case s.ClockStarts != ClockDeemed && hour != nil:
		c.Add("deemed_cutoff_hour", "terms.cutoff_unused", nil)
	case hour != nil:
		input.Between(c, "deemed_cutoff_hour", *hour, 0, 24)
	}
}

func validateKinds(c *fault.Check, field string, byKind map[string]KindTerms) {
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		at, terms := field+"."+kind, byKind[kind]
		if !slices.Contains(windowKinds, kind) {
			c.Add(at, "choice.unknown", fault.Args{"Value": kind, "Allowed": strings.Join(windowKinds, ", ")})
			continue
		}
		if terms.Notice == nil && terms.Objection == nil {
			c.Add(at, "required", nil)
		}
		if terms.Notice != nil {
			terms.Notice.validate(c, at+".notice")
		}
		if terms.Objection != nil {
			terms.Objection.validate(c, at+".objection")
		}
	}
}

func (s *TermSheet) validateClauses(c *fault.Check) {
	if e := s.Emergency; e != nil {
		e.ToldWithin.validate(c, "emergency.told_within")
		if e.Objection != nil {
			e.Objection.validate(c, "emergency.objection")
		}
	}
	if e := s.BeforeSigning; e != nil {
		if e.SignedBefore.IsZero() {
			c.Add("before_signing.signed_before", "required", nil)
		}
		e.Notice.validate(c, "before_signing.notice")
		e.Objection.validate(c, "before_signing.objection")
		validateKinds(c, "before_signing.by_kind", e.ByKind)
	}
}

// validateHolidays asks for a calendar where the terms can't be counted without one.
func (s *TermSheet) validateHolidays(c *fault.Check) {
	if s.Holidays == nil {
		if s.needsHolidays() {
			c.Add("holidays.country", "terms.holidays_needed", nil)
		}
		return
	}
	input.Country(c, "holidays.country", &s.Holidays.Country)
	sub := strings.ToUpper(strings.TrimSpace(s.Holidays.Subdivision))
	s.Holidays.Subdivision = sub
	if sub != "" && !subdivisionForm.MatchString(sub) {
		c.Add("holidays.subdivision", "subdivision.malformed", nil)
	}
}

func (s *TermSheet) needsHolidays() bool {
	if s.Counting == CountingRegulation || s.RollOver.Notice || s.RollOver.Objection || s.ClockStarts == ClockDeemed {
		return true
	}
	return slices.ContainsFunc(s.periods(), func(p Period) bool { return p.Unit == BusinessDays })
}

// periods lists every period on the sheet.
func (s *TermSheet) periods() []Period {
	all := []Period{s.Notice, s.Objection}
	all = appendKinds(all, s.ByKind)
	if e := s.Emergency; e != nil {
		all = append(all, e.ToldWithin)
		if e.Objection != nil {
			all = append(all, *e.Objection)
		}
	}
	if e := s.BeforeSigning; e != nil {
		all = appendKinds(append(all, e.Notice, e.Objection), e.ByKind)
	}
	return all
}

func appendKinds(all []Period, byKind map[string]KindTerms) []Period {
	for _, t := range byKind {
		if t.Notice != nil {
			all = append(all, *t.Notice)
		}
		if t.Objection != nil {
			all = append(all, *t.Objection)
		}
	}
	return all
}

func (s *TermSheet) validateRecipients(c *fault.Check) {
	var out []string
	for i, address := range s.Recipients {
		at := item("recipients", i)
		input.Email(c, at, &address)
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, address) }) {
			out = append(out, address)
		}
	}
	s.Recipients = out
	if len(out) > 100 {
		c.Add("recipients", "terms.recipients_too_many", fault.Args{"Max": 100})
	}
}
