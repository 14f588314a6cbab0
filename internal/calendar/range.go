package calendar

import (
	"database/sql/driver"
	"fmt"
	"strings"
)

// Range is a half-open range of days: From is in it, To is not. A zero From means since ever,
// a zero To until further notice. The zero Range is "always"; Empty holds no day at all.
type Range struct {
	From, To Date
	Empty    bool
}

// NoDays is the empty range: what a draft's facts are valid for until they take effect.
func NoDays() Range { return Range{Empty: true} }

// Since is the range from a day on.
func Since(from Date) Range { return Range{From: from} }

// Contains says whether the day is in the range.
func (r Range) Contains(d Date) bool {
	return !r.Empty && (r.From.IsZero() || !d.Before(r.From)) && (r.To.IsZero() || d.Before(r.To))
}

// Until is the part of the range before the day; it is empty when nothing is left.
func (r Range) Until(to Date) Range {
	if r.Empty || (!r.From.IsZero() && !r.From.Before(to)) {
		return NoDays()
	}
	if r.To.IsZero() || to.Before(r.To) {
		r.To = to
	}
	return r
}

// String writes the range as PostgreSQL's daterange does.
func (r Range) String() string {
	if r.Empty {
		return "empty"
	}
	open := "["
	if r.From.IsZero() {
		open = "("
	}
	return open + r.From.String() + "," + r.To.String() + ")"
}

// Value stores the range as an SQL daterange.
func (r Range) Value() (driver.Value, error) { return r.String(), nil }

// Scan reads an SQL daterange in PostgreSQL's canonical form.
func (r *Range) Scan(src any) error {
	text, ok := src.(string)
	if b, is := src.([]byte); is {
		text, ok = string(b), true
	}
	if !ok {
		return fmt.Errorf("calendar: can't read a range of days from %T", src)
	}
	if text == "empty" {
		*r = NoDays()
		return nil
	}
	from, to, found := strings.Cut(strings.Trim(text, "[]()"), ",")
	if !found {
		return fmt.Errorf("calendar: %q is not a range of days", text)
	}
	out := Range{}
	if err := out.From.UnmarshalText([]byte(from)); err != nil {
		return err
	}
	if err := out.To.UnmarshalText([]byte(to)); err != nil {
		return err
	}
	*r = out
	return nil
}

// GormDataType tells gorm the column's type.
func (Range) GormDataType() string { return "daterange" }
