package subscribers_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

func days(n int) subscribers.Period {
	return subscribers.Period{Count: n, Unit: subscribers.CalendarDays}
}

func sheet(notice, objection subscribers.Period, change func(*subscribers.TermSheet)) subscribers.TermSheet {
	s := subscribers.Standard(0, "Europe/Berlin")
	s.Notice, s.Objection = notice, objection
	if change != nil {
		change(&s)
	}
	return s
}

func plus(kind string, notice, objection int) func(*subscribers.TermSheet) {
	n, o := days(notice), days(objection)
	return func(s *subscribers.TermSheet) {
		s.ByKind = map[string]subscribers.KindTerms{kind: {Notice: &n, Objection: &o}}
	}
}

const berlin = "2006-01-02T15:04 -0700"

// The clauses are those of public agreements; the clock starts on 22 November 2026, 10:00 in Berlin.
func TestClausesOfPublicAgreements(t *testing.T) {
	received := func(s *subscribers.TermSheet) { s.ClockStarts = subscribers.ClockAccepted }
	for _, c := range []struct {
		name               string
		sheet              subscribers.TermSheet
		kind               string
		signed             string
		floor              int
		notice, objection  string
		earliest, firstDay string
	}{
		{name: "30 and 30 with notice (GitHub)", sheet: sheet(days(30), days(30), nil),
			notice: "2026-12-23T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "14 and 14 (PostHog)", sheet: sheet(days(14), days(14), nil),
			notice: "2026-12-07T00:00 +0100", objection: "2026-12-07T00:00 +0100", earliest: "2026-12-07T00:00 +0100", firstDay: "2026-12-07"},
		{name: "15, then 15 to object, from receipt (Zitadel's draft)", sheet: sheet(days(15), days(15), func(s *subscribers.TermSheet) {
			received(s)
			s.ObjectionRuns = subscribers.RunsAfterNoticePeriod
		}), notice: "2026-12-08T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "30 and 14 (ABBYY)", sheet: sheet(days(30), days(14), nil),
			notice: "2026-12-23T00:00 +0100", objection: "2026-12-07T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "30 and 30 with reasons, signed under the former version (Zendesk)", signed: "2025-12-31",
			sheet: sheet(days(30), days(30), func(s *subscribers.TermSheet) {
				s.GroundsRequired = true
				s.BeforeSigning = &subscribers.EarlierTerms{SignedBefore: calendar.Date{Year: 2026, Month: 1, Day: 1}, Notice: days(45), Objection: days(30)}
			}),
			notice: "2027-01-07T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2027-01-07T00:00 +0100", firstDay: "2027-01-07"},
		{name: "the same, signed since", signed: "2026-01-01",
			sheet: sheet(days(30), days(30), func(s *subscribers.TermSheet) {
				s.BeforeSigning = &subscribers.EarlierTerms{SignedBefore: calendar.Date{Year: 2026, Month: 1, Day: 1}, Notice: days(45), Objection: days(30)}
			}),
			notice: "2026-12-23T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "14 like for like (OMNIA)", kind: subscribers.LikeForLike, sheet: sheet(days(30), days(30), plus(subscribers.LikeForLike, 14, 14)),
			notice: "2026-12-07T00:00 +0100", objection: "2026-12-07T00:00 +0100", earliest: "2026-12-07T00:00 +0100", firstDay: "2026-12-07"},
		{name: "like for like without periods of its own is a replacement", kind: subscribers.LikeForLike, sheet: sheet(days(30), days(30), plus(subscribers.Replacement, 5, 5)),
			notice: "2026-11-28T00:00 +0100", objection: "2026-11-28T00:00 +0100", earliest: "2026-11-28T00:00 +0100", firstDay: "2026-11-28"},
		{name: "0 for a removal (OMNIA)", kind: subscribers.Removal, sheet: sheet(days(30), days(30), plus(subscribers.Removal, 0, 0)),
			notice: "2026-11-22T10:00 +0100", objection: "2026-11-22T10:00 +0100", earliest: "2026-11-22T10:00 +0100", firstDay: "2026-11-23"},
		{name: "5 and 5 (Supabase)", sheet: sheet(days(5), days(5), nil),
			notice: "2026-11-28T00:00 +0100", objection: "2026-11-28T00:00 +0100", earliest: "2026-11-28T00:00 +0100", firstDay: "2026-11-28"},
		{name: "5 and 5 under a floor of 30", sheet: sheet(days(5), days(5), nil), floor: 30,
			notice: "2026-12-23T00:00 +0100", objection: "2026-11-28T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "a floor doesn't shorten", sheet: sheet(days(45), days(45), nil), floor: 30,
			notice: "2027-01-07T00:00 +0100", objection: "2027-01-07T00:00 +0100", earliest: "2027-01-07T00:00 +0100", firstDay: "2027-01-07"},
		{name: "specific authorisation, 30 from receipt", sheet: sheet(days(30), days(30), func(s *subscribers.TermSheet) {
			received(s)
			s.Authorisation = subscribers.Specific
		}), notice: "2026-12-23T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2026-12-23T00:00 +0100", firstDay: "2026-12-23"},
		{name: "waits for the notice only", sheet: sheet(days(14), days(30), func(s *subscribers.TermSheet) { s.ActivationWaitsFor = subscribers.WaitsForNotice }),
			notice: "2026-12-07T00:00 +0100", objection: "2026-12-23T00:00 +0100", earliest: "2026-12-07T00:00 +0100", firstDay: "2026-12-07"},
		{name: "waits for the objection only", sheet: sheet(days(30), days(14), func(s *subscribers.TermSheet) { s.ActivationWaitsFor = subscribers.WaitsForObjection }),
			notice: "2026-12-23T00:00 +0100", objection: "2026-12-07T00:00 +0100", earliest: "2026-12-07T00:00 +0100", firstDay: "2026-12-07"},
		{name: "weeks and months", sheet: sheet(subscribers.Period{Count: 3, Unit: subscribers.Months}, subscribers.Period{Count: 2, Unit: subscribers.Weeks}, nil),
			notice: "2027-02-23T00:00 +0100", objection: "2026-12-07T00:00 +0100", earliest: "2027-02-23T00:00 +0100", firstDay: "2027-02-23"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.sheet.Validate(); err != nil {
				t.Fatal(err)
			}
			if c.kind == "" {
				c.kind = subscribers.Addition
			}
			var o subscribers.Options
			o.FloorDays = c.floor
			if err := o.SignedOn.UnmarshalText([]byte(c.signed)); err != nil {
				t.Fatal(err)
			}
			d, err := subscribers.ComputeDates(c.sheet, c.kind, databasetest.Start, o)
			if err != nil {
				t.Fatal(err)
			}
			got := [4]string{d.NoticeEnds.In(d.Zone).Format(berlin), d.ObjectionEnds.In(d.Zone).Format(berlin), d.Earliest.In(d.Zone).Format(berlin), d.EarliestDay.String()}
			if want := [4]string{c.notice, c.objection, c.earliest, c.firstDay}; got != want {
				t.Errorf("dates\n got %v\nwant %v", got, want)
			}
		})
	}
}

func TestWhatCannotBeComputedIsNamed(t *testing.T) {
	business := subscribers.Period{Count: 10, Unit: subscribers.BusinessDays}
	hour := 17
	for what, s := range map[string]subscribers.TermSheet{
		"business_days":      sheet(business, days(30), nil), // Prevend
		"regulation_1182_71": sheet(days(30), days(30), func(s *subscribers.TermSheet) { s.Counting = subscribers.CountingRegulation }),
		"backward":           sheet(days(30), days(30), func(s *subscribers.TermSheet) { s.Direction = subscribers.Backward }),
		"deemed": sheet(days(30), days(30), func(s *subscribers.TermSheet) {
			s.ClockStarts, s.DeemedCutoffHour = subscribers.ClockDeemed, &hour
		}),
		"published": sheet(days(30), days(30), func(s *subscribers.TermSheet) { s.ClockStarts = subscribers.ClockPublished }),
		"proof":     sheet(days(30), days(30), func(s *subscribers.TermSheet) { s.ClockStarts = subscribers.ClockProof }),
		"roll_over": sheet(days(30), days(30), func(s *subscribers.TermSheet) { s.RollOver.Objection = true }),
	} {
		s.Holidays = &subscribers.Holidays{Country: "DE"}
		if err := s.Validate(); err != nil {
			t.Errorf("%s can't even be kept: %v", what, err)
		}
		err := subscribers.Computable(s, subscribers.Addition, calendar.Date{})
		if !fault.Has(err, subscribers.NotComputable) || fault.All(err)[0].Args["What"] != "not_computable."+what {
			t.Errorf("%s: %v", what, err)
		}
	}
	s := sheet(business, days(30), plus(subscribers.Removal, 5, 5))
	if err := subscribers.Computable(s, subscribers.Removal, calendar.Date{}); err != nil {
		t.Errorf("a removal in calendar days, beside business days for the rest: %v", err)
	}
	early := sheet(days(5), days(5), func(s *subscribers.TermSheet) { s.BeforeSigning = &subscribers.EarlierTerms{} })
	if err := subscribers.Computable(early, subscribers.Addition, calendar.Date{}); !errors.Is(err, subscribers.ErrSigningDay) {
		t.Errorf("without the signing day: %v", err)
	}
	for _, kind := range []string{subscribers.Housekeeping, "emergency", ""} {
		if err := subscribers.Computable(sheet(days(5), days(5), nil), kind, calendar.Date{}); err == nil {
			t.Errorf("a change of kind %q got a window", kind)
		}
	}
}

func TestPeriodsAcrossDaylightSavingAndTheDateLine(t *testing.T) {
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ zone, counted, ends, day string }{
		// Summer time begins in Berlin on 29 March 2026: the period's last midnight is an hour closer.
		{"Europe/Berlin", "2026-03-20T11:00:00Z", "2026-03-30T22:00:00Z", "2026-03-31"},
		// It ends on 25 October 2026.
		{"Europe/Berlin", "2026-10-16T10:00:00Z", "2026-10-26T23:00:00Z", "2026-10-27"},
		// A midnight that doesn't exist: Beirut skips it on 29 March 2026.
		{"Asia/Beirut", "2026-03-18T10:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29"},
		// One instant, two days: it is the 23rd already on Kiritimati, still the 22nd in Honolulu.
		{"Pacific/Kiritimati", "2026-11-22T10:30:00Z", "2026-12-03T10:00:00Z", "2026-12-04"},
		{"Pacific/Honolulu", "2026-11-22T10:30:00Z", "2026-12-03T10:00:00Z", "2026-12-03"},
		// An instant that begins a day is an event of that day.
		{"Europe/Berlin", "2026-11-21T23:00:00Z", "2026-12-02T23:00:00Z", "2026-12-03"},
	} {
		s := sheet(days(10), days(10), func(s *subscribers.TermSheet) { s.TimeZone = c.zone })
		d, err := subscribers.ComputeDates(s, subscribers.Addition, utc(c.counted), subscribers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Earliest.UTC().Format(time.RFC3339); got != c.ends || d.EarliestDay.String() != c.day {
			t.Errorf("%s from %s: earliest %s on %s, want %s on %s", c.zone, c.counted, got, d.EarliestDay, c.ends, c.day)
		}
	}
	atMidnight := sheet(days(0), days(0), nil)
	d, err := subscribers.ComputeDates(atMidnight, subscribers.Addition, utc("2026-11-21T23:00:00Z"), subscribers.Options{})
	if err != nil || d.EarliestDay.String() != "2026-11-22" {
		t.Errorf("no period, counted from the day's first instant: %v, %v", d.EarliestDay, err)
	}
}

func TestALongerPeriodNeverEndsEarlier(t *testing.T) {
	zones := []string{"Europe/Berlin", "Pacific/Kiritimati", "Pacific/Honolulu", "America/Sao_Paulo", "Africa/Cairo", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]subscribers.Unit{subscribers.CalendarDays, subscribers.Weeks, subscribers.Months}).Draw(t, "unit")
		counted := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(t, "counted"), 0)
		runs := rapid.SampledFrom([]string{subscribers.RunsFromNotice, subscribers.RunsAfterNoticePeriod}).Draw(t, "runs")
		waits := rapid.SampledFrom([]string{subscribers.WaitsForNotice, subscribers.WaitsForObjection, subscribers.WaitsForLater}).Draw(t, "waits")
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		n, o := rapid.IntRange(0, 400).Draw(t, "notice"), rapid.IntRange(0, 400).Draw(t, "objection")
		more, floor := rapid.IntRange(0, 60).Draw(t, "more"), rapid.IntRange(0, 90).Draw(t, "floor")
		compute := func(n, o, floor int) subscribers.Dates {
			s := sheet(subscribers.Period{Count: n, Unit: unit}, subscribers.Period{Count: o, Unit: unit}, func(s *subscribers.TermSheet) {
				s.TimeZone, s.ObjectionRuns, s.ActivationWaitsFor = zone, runs, waits
			})
			d, err := subscribers.ComputeDates(s, subscribers.Scope, counted, subscribers.Options{FloorDays: floor})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		base := compute(n, o, 0)
		if base.NoticeEnds.Before(counted) || base.ObjectionEnds.Before(counted) || base.Earliest.Before(counted) {
			t.Fatalf("ends before it starts: %+v", base)
		}
		if first := base.EarliestDay.Start(base.Zone); first.Before(base.Earliest) || base.EarliestDay.AddDays(-1).Start(base.Zone).Compare(base.Earliest) >= 0 {
			t.Fatalf("%v isn't the first day from %v", base.EarliestDay, base.Earliest)
		}
		for _, longer := range []subscribers.Dates{compute(n+more, o, 0), compute(n, o+more, 0), compute(n, o, floor)} {
			if longer.NoticeEnds.Before(base.NoticeEnds) || longer.ObjectionEnds.Before(base.ObjectionEnds) ||
				longer.Earliest.Before(base.Earliest) || longer.EarliestDay.Before(base.EarliestDay) {
				t.Fatalf("longer, yet earlier: %+v, then %+v", base, longer)
			}
		}
	})
}
