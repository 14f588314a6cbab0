package subscribers_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

// full is a sheet with every field set.
func full() subscribers.TermSheet {
	s := subscribers.Standard(30, "Europe/Berlin")
	hour := 17
	s.ClockStarts, s.DeemedCutoffHour = subscribers.ClockDeemed, &hour
	s.Channels = []string{"email", "webhook"}
	s.ByKind = map[string]subscribers.KindTerms{
		subscribers.Removal:     {Notice: &subscribers.Period{Unit: subscribers.CalendarDays}},
		subscribers.LikeForLike: {Notice: &subscribers.Period{Count: 2, Unit: subscribers.Weeks}, Objection: &subscribers.Period{Count: 10, Unit: subscribers.BusinessDays}},
	}
	s.Emergency = &subscribers.Emergency{ToldWithin: subscribers.Period{Count: 14, Unit: subscribers.CalendarDays}}
	s.BeforeSigning = &subscribers.EarlierTerms{SignedBefore: calendar.Date{Year: 2026, Month: 1, Day: 1},
		Notice: subscribers.Period{Count: 2, Unit: subscribers.Months}, Objection: subscribers.Period{Count: 14, Unit: subscribers.CalendarDays}}
	s.GroundsRequired, s.RollOver.Objection = true, true
	s.Holidays = &subscribers.Holidays{Country: "DE", Subdivision: "BY"}
	s.Clause, s.Recipients = "8.2", []string{"dpo@customer.example"}
	return s
}

func TestAFullSheetIsSoundAndSurvivesJSON(t *testing.T) {
	want := full()
	if err := want.Validate(); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := subscribers.ParseTermSheet(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sheet (-want +got):\n%s", diff)
	}
	if got.Silence() != subscribers.SilenceAccepts {
		t.Error("silence under general authorisation is acceptance")
	}
	if got.Authorisation = subscribers.Specific; got.Silence() != subscribers.SilenceRefuses {
		t.Error("silence under specific authorisation is refusal")
	}
}

func TestSheetFaultsNameTheirField(t *testing.T) {
	at := func(change func(*subscribers.TermSheet)) subscribers.TermSheet {
		s := full()
		change(&s)
		return s
	}
	bad := &subscribers.Period{Count: -1, Unit: subscribers.CalendarDays}
	for field, s := range map[string]subscribers.TermSheet{
		"authorisation":        at(func(s *subscribers.TermSheet) { s.Authorisation = "none" }),
		"notice.count":         at(func(s *subscribers.TermSheet) { s.Notice.Count = 3661 }),
		"notice.unit":          at(func(s *subscribers.TermSheet) { s.Notice.Unit = "fortnights" }),
		"objection.count":      at(func(s *subscribers.TermSheet) { s.Objection.Count = -1 }),
		"objection_runs":       at(func(s *subscribers.TermSheet) { s.ObjectionRuns = "" }),
		"activation_waits_for": at(func(s *subscribers.TermSheet) { s.ActivationWaitsFor = "never" }),
		"direction":            at(func(s *subscribers.TermSheet) { s.Direction = "sideways" }),
		"clock_starts":         at(func(s *subscribers.TermSheet) { s.ClockStarts = "read"; s.DeemedCutoffHour = nil }),
		"deemed_cutoff_hour":   at(func(s *subscribers.TermSheet) { s.DeemedCutoffHour = nil }),
		"channels":             at(func(s *subscribers.TermSheet) { s.Channels = []string{"fax"} }),
		"served":               at(func(s *subscribers.TermSheet) { s.Served = "some" }),
		"by_kind.removal.notice.count": at(func(s *subscribers.TermSheet) {
			s.ByKind = map[string]subscribers.KindTerms{"removal": {Notice: bad}}
		}),
		"by_kind.removal": at(func(s *subscribers.TermSheet) { s.ByKind = map[string]subscribers.KindTerms{"removal": {}} }),
		"by_kind.housekeeping": at(func(s *subscribers.TermSheet) {
			s.ByKind = map[string]subscribers.KindTerms{"housekeeping": {Notice: &s.Notice}}
		}),
		"emergency.told_within.count":  at(func(s *subscribers.TermSheet) { s.Emergency.ToldWithin.Count = -1 }),
		"emergency.objection.count":    at(func(s *subscribers.TermSheet) { s.Emergency.Objection = bad }),
		"before_signing.signed_before": at(func(s *subscribers.TermSheet) { s.BeforeSigning.SignedBefore = calendar.Date{} }),
		"before_signing.notice.unit":   at(func(s *subscribers.TermSheet) { s.BeforeSigning.Notice.Unit = "" }),
		"counting":                     at(func(s *subscribers.TermSheet) { s.Counting = "roman" }),
		"holidays.country":             at(func(s *subscribers.TermSheet) { s.Holidays = nil }),
		"holidays.subdivision":         at(func(s *subscribers.TermSheet) { s.Holidays.Subdivision = "Bavaria" }),
		"time_zone":                    at(func(s *subscribers.TermSheet) { s.TimeZone = "Europe/Atlantis" }),
		"clause":                       at(func(s *subscribers.TermSheet) { s.Clause = "8.2\r\nBcc: x@y.example" }),
		"recipients.1":                 at(func(s *subscribers.TermSheet) { s.Recipients = []string{"a@b.example", "nobody"} }),
	} {
		found := fault.All(s.Validate())
		if len(found) != 1 || found[0].Field != field {
			t.Errorf("want one fault at %s, got %v", field, found)
		}
	}
}

func TestDeviationsAreStrict(t *testing.T) {
	for raw, want := range map[string]string{
		`{"notise": 1}`:                                                 "notise",
		`{"Notice": {"count": 1}}`:                                      "Notice",
		`{"notice": {"count": 1, "units": "weeks"}}`:                    "notice.units",
		`{"notice": {"count": "30"}}`:                                   "notice.count",
		`{"notice": {"count": 30.5}}`:                                   "notice.count",
		`{"notice": 30}`:                                                "notice",
		`{"channels": "email"}`:                                         "channels",
		`{"channels": [1]}`:                                             "channels.0",
		`{"by_kind": {"removal": {"notise": null}}}`:                    "by_kind.removal.notise",
		`{"by_kind": {"sale": {"notice": {"count":1,"unit":"weeks"}}}}`: "by_kind.sale",
		`{"before_signing": {"signed_before": "1.1.2026"}}`:             "before_signing.signed_before",
		`{"grounds_required": "yes"}`:                                   "grounds_required",
		`{"authorisation": null}`:                                       "authorisation",
		`[]`:                                                            "deviations",
		`null`:                                                          "deviations",
		`{} {}`:                                                         "deviations",
		`{"clause": "8`:                                                 "deviations",
		"{\"clause\": \"\xff\"}":                                        "deviations",
		`{"clause": "` + strings.Repeat("x", 70<<10) + `"}`:             "deviations",
	} {
		_, err := subscribers.Merge(full(), []byte(raw))
		if found := fault.All(err); len(found) != 1 || found[0].Field != want {
			t.Errorf("%.60s: want one fault at %s, got %v", raw, want, err)
		}
	}
}

func TestMergeFollowsMergePatch(t *testing.T) {
	got, err := subscribers.Merge(full(), []byte(`{"notice": {"count": 45}, "emergency": null, "channels": ["slack"],
		"by_kind": {"removal": null, "scope": {"notice": {"count": 1, "unit": "months"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Notice.Count, want.Emergency, want.Channels = 45, nil, []string{"slack"}
	want.ByKind = map[string]subscribers.KindTerms{
		subscribers.LikeForLike: want.ByKind[subscribers.LikeForLike],
		subscribers.Scope:       {Notice: &subscribers.Period{Count: 1, Unit: subscribers.Months}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if got, err := subscribers.Merge(full(), nil); err != nil || !cmp.Equal(got, full()) {
		t.Errorf("no deviations: %v %s", err, cmp.Diff(full(), got))
	}
}

// deviation draws a part of a sheet: any set of fields, each with a value that may stand there.
func deviation(t *rapid.T) map[string]any {
	period := func(label string) map[string]any {
		return map[string]any{"count": rapid.IntRange(0, subscribers.MaxPeriod).Draw(t, label),
			"unit": rapid.SampledFrom(subscribers.Units).Draw(t, label+" unit")}
	}
	possible := map[string]func() any{
		"authorisation":        func() any { return rapid.SampledFrom([]string{"general", "specific"}).Draw(t, "authorisation") },
		"notice":               func() any { return period("notice") },
		"objection":            func() any { return map[string]any{"count": rapid.IntRange(0, 90).Draw(t, "objection")} },
		"objection_runs":       func() any { return subscribers.RunsAfterNoticePeriod },
		"activation_waits_for": func() any { return subscribers.WaitsForNotice },
		"served":               func() any { return subscribers.ServedAll },
		"channels":             func() any { return []any{"slack"} },
		"by_kind":              func() any { return map[string]any{"scope": map[string]any{"notice": period("scope")}} },
		"emergency":            func() any { return nil },
		"before_signing":       func() any { return nil },
		"grounds_required":     func() any { return rapid.Bool().Draw(t, "grounds") },
		"clause":               func() any { return "9.1" },
		"recipients":           func() any { return []any{"x@y.example"} },
		"time_zone":            func() any { return "Pacific/Honolulu" },
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(keys(possible)) {
		if rapid.Bool().Draw(t, "has "+name) {
			out[name] = possible[name]()
		}
	}
	return out
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func object(t *rapid.T, v any) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMergingLosesNoUnmentionedField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		patch := deviation(t)
		raw, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := subscribers.Merge(full(), raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		before, after := object(t, full()), object(t, merged)
		sent := object(t, patch)
		for name, value := range before {
			change, mentioned := sent[name]
			switch inner, nested := change.(map[string]any); {
			case !mentioned:
				if diff := cmp.Diff(value, after[name]); diff != "" {
					t.Fatalf("%s was not mentioned in %s (-template +merged):\n%s", name, raw, diff)
				}
			case nested:
				for k, v := range value.(map[string]any) {
					if _, touched := inner[k]; !touched && !cmp.Equal(v, after[name].(map[string]any)[k]) {
						t.Fatalf("%s.%s was not mentioned in %s and is gone", name, k, raw)
					}
				}
			case change == nil && after[name] != nil:
				t.Fatalf("%s was to go, and is %v", name, after[name])
			}
		}
		again, err := subscribers.Merge(merged, raw)
		if err != nil || !cmp.Equal(again, merged) {
			t.Fatalf("merging %s twice differs: %v\n%s", raw, err, cmp.Diff(merged, again))
		}
	})
}
