package console

import (
	"maps"
	"slices"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/subscribers"
)

// words writes a contract's terms in the reader's language.
type words struct {
	site *Site
	lang locale.Lang
}

func (w words) t(key string, pairs ...any) string { return w.site.web.T(w.lang, key, pairs...) }

func (w words) period(p subscribers.Period) string {
	return w.t("period."+string(p.Unit), "Count", p.Count)
}

func (w words) option(field, value string) string { return w.t("option." + field + "." + value) }

// summary is the whole of a sheet in one line.
func (w words) summary(s *subscribers.TermSheet) string {
	return w.t("sheet.summary", "Authorisation", w.option("authorisation", string(s.Authorisation)), "Notice", w.period(s.Notice),
		"Objection", w.period(s.Objection), "Runs", w.t("sheet.runs."+s.ObjectionRuns), "Clock", w.t("sheet.clock."+s.ClockStarts))
}

// lines tell everything else that the sheet says, one thing each.
func (w words) lines(s *subscribers.TermSheet) []string {
	out := []string{w.t("sheet.silence." + s.Silence()), w.t("sheet.waits." + s.ActivationWaitsFor)}
	if s.Direction == subscribers.Backward {
		out = append(out, w.t("sheet.backward"))
	}
	if s.DeemedCutoffHour != nil {
		out = append(out, w.t("sheet.cutoff", "Hour", *s.DeemedCutoffHour))
	}
	out = append(out, w.t("sheet.served."+s.Served))
	if len(s.Channels) > 0 {
		names := make([]string, len(s.Channels))
		for i, channel := range s.Channels {
			names[i] = w.option("channels", channel)
		}
		out = append(out, w.t("sheet.channels", "Channels", names))
	}
	out = append(out, w.kinds(s.ByKind, "sheet.for_kind")...)
	out = append(out, w.clauses(s)...)
	return append(out, w.counting(s)...)
}

func (w words) kinds(byKind map[string]subscribers.KindTerms, key string) []string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		terms := byKind[kind]
		name := w.option("window_kind", kind)
		if terms.Notice != nil {
			out = append(out, w.t(key+"_notice", "Kind", name, "Period", w.period(*terms.Notice)))
		}
		if terms.Objection != nil {
			out = append(out, w.t(key+"_objection", "Kind", name, "Period", w.period(*terms.Objection)))
		}
	}
	return out
}

func (w words) clauses(s *subscribers.TermSheet) []string {
	var out []string
	if e := s.BeforeSigning; e != nil {
		out = append(out, w.t("sheet.before_signing", "Day", e.SignedBefore.UTC(), "Notice", w.period(e.Notice), "Objection", w.period(e.Objection)))
		out = append(out, w.kinds(e.ByKind, "sheet.earlier_kind")...)
	}
	if e := s.Emergency; e != nil {
		out = append(out, w.t("sheet.emergency", "Period", w.period(e.ToldWithin)))
		if e.Objection != nil {
			out = append(out, w.t("sheet.emergency_objection", "Period", w.period(*e.Objection)))
		}
	}
	if s.GroundsRequired {
		out = append(out, w.t("sheet.grounds"))
	}
	return out
}

func (w words) counting(s *subscribers.TermSheet) []string {
	out := []string{w.t("sheet.counting."+s.Counting, "Zone", s.TimeZone)}
	if s.RollOver.Notice {
		out = append(out, w.t("sheet.roll_over_notice"))
	}
	if s.RollOver.Objection {
		out = append(out, w.t("sheet.roll_over_objection"))
	}
	if h := s.Holidays; h != nil {
		where := locale.Country(w.lang, h.Country)
		if h.Subdivision != "" {
			where += " (" + h.Country + "-" + h.Subdivision + ")"
		}
		out = append(out, w.t("sheet.holidays", "Where", where))
	}
	if len(s.Recipients) > 0 {
		out = append(out, w.t("sheet.recipients", "Recipients", []string(s.Recipients)))
	}
	return out
}

// trouble says why dates can't be computed under a sheet for some kind of change; "" when they can.
func (w words) trouble(sheet subscribers.TermSheet, signedOn calendar.Date) string {
	for _, kind := range sheetKinds {
		for _, f := range fault.All(subscribers.Computable(sheet, kind, signedOn)) {
			return w.site.web.Sentence(w.lang, f)
		}
	}
	return ""
}

func (s *Site) contractView(lang locale.Lang, k subscribers.ContractTerms, today calendar.Date) contractView {
	w, sheet := words{s, lang}, k.Terms.Sheet
	return contractView{ContractTerms: k, Summary: w.summary(&sheet), Lines: w.lines(&sheet), Trouble: w.trouble(sheet, k.SignedOn),
		HasEnded: !k.EndedOn.IsZero() && !today.Before(k.EndedOn)}
}
