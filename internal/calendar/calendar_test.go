package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyDate(t *rapid.T, label string) Date {
	return Date{2000, 1, 1}.AddDays(rapid.IntRange(0, 20000).Draw(t, label))
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestDatesThatDoNotExistAreRefused(t *testing.T) {
	for _, s := range []string{"2026-02-29", "2026-13-01", "2026-1-1", "24.12.2026", "", "2026-12-24T00:00:00Z"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("%q parsed as %v", s, d)
		}
	}
}

func TestStartIsOnThatDayInEveryZone(t *testing.T) {
	zones := []*time.Location{
		zone(t, "Europe/Berlin"), zone(t, "Pacific/Kiritimati"), zone(t, "Pacific/Honolulu"),
		zone(t, "America/Sao_Paulo"), zone(t, "Africa/Cairo"), zone(t, "Asia/Beirut"), // skip midnight in spring
	}
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate(t, "day")
		for _, z := range zones {
			start := d.Start(z)
			if DateOf(start, z) != d {
				t.Fatalf("%v starts at %v in %v", d, start, z)
			}
			if before := DateOf(start.Add(-time.Nanosecond), z); !before.Before(d) {
				t.Fatalf("%v in %v: the instant before its start is on %v", d, z, before)
			}
		}
	})
}

func TestAddMonthsKeepsToTheMonthsEnd(t *testing.T) {
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-01-31", 1, "2026-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2026-11-30", 3, "2027-02-28"},
		{"2026-03-31", -1, "2026-02-28"}, {"2026-12-15", 1, "2027-01-15"}, {"2026-01-15", -1, "2025-12-15"},
	} {
		from, _ := ParseDate(c.from)
		if got := from.AddMonths(c.n).String(); got != c.want {
			t.Errorf("%s and %d months = %s, want %s", c.from, c.n, got, c.want)
		}
	}
}

func TestDaysAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := anyDate(t, "day"), rapid.IntRange(-4000, 4000).Draw(t, "n")
		if got := d.DaysUntil(d.AddDays(n)); got != n {
			t.Fatalf("%v and %d days is %d days away", d, n, got)
		}
	})
}

func TestRangesRoundTripAndCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := anyDate(t, "from"), anyDate(t, "to")
		r := Since(from).Until(to)
		var back Range
		if err := back.Scan(r.String()); err != nil || back != r {
			t.Fatalf("%v read back as %v, %v", r, back, err)
		}
		day := anyDate(t, "day")
		want := !day.Before(from) && day.Before(to)
		if got := r.Contains(day); got != want {
			t.Fatalf("%v contains %v = %v, want %v", r, day, got, want)
		}
	})
	for _, s := range []string{"empty", "(,)", "[2026-01-01,)", "(,2026-01-01)"} {
		var r Range
		if err := r.Scan(s); err != nil || r.String() != s {
			t.Errorf("%q read back as %q, %v", s, r, err)
		}
	}
}
