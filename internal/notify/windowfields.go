package notify

import (
	"fmt"
	"maps"
	"time"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
)

// windowFields writes a customer's window in words, in its notice's language, and beside them for
// machines: the merge values by the names that templates mark.
func windowFields(l locale.Lang, w *changes.WindowView, reference string, p *publisher.Settings) map[string]string {
	fields := termFields(l, termsOf(w), reference, p)
	maps.Copy(fields, ownFields(w))
	return fields
}

// ownFields are those that no two customers share.
func ownFields(w *changes.WindowView) map[string]string {
	own := map[string]string{"customer": w.CustomerName, "external_id": w.ExternalID, "contract": w.Reference, "clause": w.Clause}
	if w.Clause == "" {
		own["clause"] = w.Reference
	}
	return own
}

// windowTerms are what the other fields are made from. Many customers have them in common, so that
// of a hundred thousand windows a few are written; see writeMerges, which reads them in SQL.
type windowTerms struct {
	Authorisation   string
	TimeZone        string
	EffectiveOn     calendar.Date
	ObjectionEndsAt *time.Time // nil: the terms give no period
}

func termsOf(w *changes.WindowView) windowTerms {
	t := windowTerms{Authorisation: w.Authorisation, TimeZone: w.TimeZone, EffectiveOn: w.EffectiveOn}
	if w.ObjectionEndsAt.After(w.CountedFrom) || w.Authorisation != "general" {
		t.ObjectionEndsAt = &w.ObjectionEndsAt
	}
	return t
}

func termFields(l locale.Lang, t windowTerms, reference string, p *publisher.Settings) map[string]string {
	words := wordsOf(l)
	zone := (&changes.Window{TimeZone: t.TimeZone}).Zone()
	fields := map[string]string{
		"authorisation":      words.authorisation[t.Authorisation],
		"authorisation_code": t.Authorisation,
		"silence":            wrap(words.silence[t.Authorisation]), // HTML folds the line breaks
		"silence_code":       silenceCodes[t.Authorisation],
		"answer":             words.answer[t.Authorisation],
		"how_title":          words.howTitle[t.Authorisation],
		"how":                wrap(fmt.Sprintf(words.how[t.Authorisation], p.PrivacyEmail, reference)),
		"effective":          fmt.Sprintf(words.effectiveFrom, locale.Date(l, t.EffectiveOn.UTC()), zone.String()),
		"effective_on":       t.EffectiveOn.String(),
		"effective_at":       t.EffectiveOn.Start(zone).Format(time.RFC3339),
		"zone":               zone.String(),
	}
	if t.ObjectionEndsAt == nil {
		fields["objection"], fields["silence"], fields["silence_code"] = words.noObjection, words.noObjectionSilence, "nothing_asked"
		fields["objection_ends_at"], fields["objection_last_day"] = "", ""
		return fields
	}
	// The deadline is half-open; people read the last day that still counts.
	ends := t.ObjectionEndsAt.In(zone)
	last := ends.Add(-time.Nanosecond)
	fields["objection"] = fmt.Sprintf(words.objectUntil, locale.Date(l, last), zone.String())
	fields["objection_ends_at"] = ends.Format(time.RFC3339)
	fields["objection_last_day"] = calendar.DateOf(last, zone).String()
	return fields
}

// silenceCodes say by the kind of authorisation what silence until the deadline means.
var silenceCodes = map[string]string{"general": "accepted", "specific": "refused"}
