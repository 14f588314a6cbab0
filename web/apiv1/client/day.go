package client

import (
	"fmt"
	"time"
)

// Day is a day of the calendar, without a time and a zone. Of which zone it is a day, the field that
// holds it says.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// DayOf is the day of a time in that time's own zone.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day{y, m, d}
}

// ParseDay reads 2006-01-02.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Day{}, fmt.Errorf("client: %q is not a day: write it as 2006-01-02", text)
	}
	return DayOf(t), nil
}

// String writes 2006-01-02; the zero Day is empty.
func (d Day) String() string {
	if d == (Day{}) {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// AddDays counts days of the calendar.
func (d Day) AddDays(n int) Day {
	return DayOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// MarshalText writes 2006-01-02.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2006-01-02; empty text is the zero Day.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Day{}
		return nil
	}
	day, err := ParseDay(string(text))
	if err == nil {
		*d = day
	}
	return err
}
