package vendors

import (
	"strings"

	"fairnotice/internal/calendar"
)

// State is what a certification is worth on a day.
type State string

const (
	Current     State = "current"
	Expiring    State = "expiring" // within 60 days
	Expired     State = "expired"
	VoidEdition State = "void_edition" // the edition's sunset voids every certificate, whatever is printed
	Superseded  State = "superseded"   // a newer edition exists; this one still runs
	Invalid     State = "invalid"      // the scheme itself is void
	Unverified  State = "unverified"
)

// How long before its end a certification is expiring, and when that is urgent, in days.
const (
	expiringDays = 60
	urgentDays   = 30
)

// Status is a certification's state on a day, with the days it holds for as far as they are known
// and the reason as a code of the catalogues.
type Status struct {
	State  State         `json:"state"`
	Urgent bool          `json:"urgent"` // expiring within 30 days
	Since  calendar.Date `json:"since"`  // the first day of the state; zero: not known
	Until  calendar.Date `json:"until"`  // the first day after the state; zero: not known, or never
	Reason string        `json:"reason"` // "printed_expiry", "edition_void", …
	Source string        `json:"source"` // of the rule, where the reason is a rule
}

// editionRule ends an edition, or a whole scheme, on a day.
type editionRule struct {
	scheme, edition string // in the form of plainScheme; edition "" is every edition
	superseded      calendar.Date
	void            calendar.Date // the first day on which nothing under it is valid
	state           State
	reason, source  string
}

// editionRules are kept as data with their sources, so that a wrong one is a one-line fix.
var editionRules = []editionRule{
	{
		scheme: "iso27001", edition: "2013", state: VoidEdition, reason: "edition_void",
		superseded: calendar.Date{Year: 2022, Month: 10, Day: 25}, // the third edition was published
		void:       calendar.Date{Year: 2025, Month: 11, Day: 1},
		source:     "IAF MD 26: transition to ISO/IEC 27001:2022 ended 31 October 2025",
	},
	{
		scheme: "euusprivacyshield", state: Invalid, reason: "scheme_invalid",
		void:   calendar.Date{Year: 2020, Month: 7, Day: 16},
		source: "Court of Justice of the EU, C-311/18 (Schrems II), judgment of 16 July 2020",
	},
}

// plainScheme reduces a scheme's or an edition's spelling to letters and digits, so that
// "ISO/IEC 27001", "ISO 27001" and "iso-27001" are one.
func plainScheme(s string) string {
	s = strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, strings.ToLower(s))
	return strings.Replace(s, "isoiec", "iso", 1)
}

func (r *editionRule) fits(f *CertificationFacts) bool {
	scheme, edition := plainScheme(f.Scheme), plainScheme(f.Edition)
	if r.edition == "" {
		return scheme == r.scheme
	}
	return (scheme == r.scheme && edition == r.edition) || (scheme == r.scheme+r.edition && edition == "")
}

// Status computes what the certification is worth on a day. An edition's or scheme's end counts
// whether or not anybody checked the certificate; otherwise one that nobody checked, or that has
// no dates, is unverified unless its printed expiry has passed.
func (c *Certification) Status(on calendar.Date) Status {
	rule := c.rule()
	switch {
	case rule != nil && !on.Before(rule.void):
		return Status{State: rule.state, Since: rule.void, Reason: rule.reason, Source: rule.source}
	case !c.ExpiresOn.IsZero() && c.ExpiresOn.Before(on):
		return Status{State: Expired, Since: c.ExpiresOn.AddDays(1), Reason: "printed_expiry"}
	case c.CheckedAt == nil:
		return Status{State: Unverified, Reason: "nobody_checked"}
	case c.ExpiresOn.IsZero() && c.PeriodEnd.IsZero():
		return Status{State: Unverified, Reason: "no_dates"}
	}
	return c.running(on, rule)
}

func (c *Certification) rule() *editionRule {
	for i := range editionRules {
		if editionRules[i].fits(&c.CertificationFacts) {
			return &editionRules[i]
		}
	}
	return nil
}

// running is the status of a certification that was checked and still runs: it ends with its
// printed expiry or its edition, whichever is first.
func (c *Certification) running(on calendar.Date, rule *editionRule) Status {
	end, reason, source := calendar.Date{}, "printed_expiry", ""
	if !c.ExpiresOn.IsZero() {
		end = c.ExpiresOn.AddDays(1)
	}
	if rule != nil && (end.IsZero() || rule.void.Before(end)) {
		end, reason, source = rule.void, rule.reason, rule.source
	}
	last := end.AddDays(-1) // days are counted to the last one on which it is valid
	if !end.IsZero() && on.DaysUntil(last) <= expiringDays {
		return Status{State: Expiring, Urgent: on.DaysUntil(last) <= urgentDays, Since: last.AddDays(-expiringDays),
			Until: end, Reason: reason, Source: source}
	}
	out := Status{State: Current, Since: c.IssuedOn, Reason: "checked"}
	if !end.IsZero() {
		out.Until = last.AddDays(-expiringDays)
	}
	if rule != nil && !rule.superseded.IsZero() && !on.Before(rule.superseded) {
		out.State, out.Since, out.Reason, out.Source = Superseded, rule.superseded, "edition_superseded", rule.source
	}
	return out
}
