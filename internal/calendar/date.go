// Package calendar holds days, ranges of days and the periods that contracts and rules count.
// It is pure: it reads no clock and no database.
package calendar

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Date is a day of the Gregorian calendar, without a time or a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

const isoDay = "2006-01-02"

// DateOf returns the day that the instant falls on in the zone.
func DateOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// ParseDate reads a day as 2026-12-24. Days that don't exist are errors.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(isoDay, s)
	if err != nil || t.Year() == 0 { // PostgreSQL has no year 0
		return Date{}, fmt.Errorf("calendar: %q is not a day like 2026-12-24", s)
	}
	return DateOf(t, time.UTC), nil
}

// IsZero says whether the day was never set.
func (d Date) IsZero() bool { return d == Date{} }

// String writes the day as 2026-12-24.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// Start is the first instant of the day in the zone. Where a change to daylight-saving time
// skips midnight, it is the first instant that exists.
func (d Date) Start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	// time.Date may answer with an instant of the day before when midnight is skipped.
	for DateOf(t, zone).Before(d) {
		t = t.Add(15 * time.Minute)
	}
	return t
}

// UTC is the day's midnight in UTC, for formatting by locale.
func (d Date) UTC() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays returns the day n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.UTC().AddDate(0, 0, n), time.UTC) }

// AddMonths returns the same day of the month n months later, or the month's last day where it
// has no such day (31 January and one month: 28 or 29 February).
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// Before says whether d is an earlier day than o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After says whether d is a later day than o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// Compare is -1, 0 or +1 as d is before, on or after o.
func (d Date) Compare(o Date) int { return d.UTC().Compare(o.UTC()) }

// DaysUntil counts the days from d to o; negative when o is earlier.
func (d Date) DaysUntil(o Date) int { return int(o.UTC().Sub(d.UTC()).Hours() / 24) }

// MarshalText writes the day as 2026-12-24, for JSON and forms.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes; an empty text is the zero Date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(b))
	if err == nil {
		*d = parsed
	}
	return err
}

// Value stores the day as an SQL date; the zero Date is NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return d.String(), nil
}

// Scan reads an SQL date; NULL is the zero Date.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		*d = DateOf(v, v.Location())
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	default:
		return fmt.Errorf("calendar: can't read a day from %T", src)
	}
}

// GormDataType tells gorm the column's type.
func (Date) GormDataType() string { return "date" }
