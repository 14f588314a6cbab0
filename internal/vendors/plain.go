package vendors

import (
	"strconv"
	"strings"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
)

// The years that a day of the register can lie in. Outside them it is a slip of the keyboard, and
// PostgreSQL has no year 0.
const (
	firstYear = 1900
	lastYear  = 2299
)

func isPlausible(d calendar.Date) bool {
	return d.IsZero() || (d.Year >= firstYear && d.Year <= lastYear)
}

func plausible(c *fault.Check, field string, d calendar.Date) {
	if !isPlausible(d) {
		c.Add(field, "day.implausible", fault.Args{"First": strconv.Itoa(firstYear), "Last": strconv.Itoa(lastYear)})
	}
}

// asked checks a day that somebody asks the register about.
func asked(field string, d calendar.Date) error {
	var c fault.Check
	if d.IsZero() {
		c.Add(field, "required", nil)
	}
	plausible(&c, field, d)
	return c.Err()
}

// plain makes what somebody searches for a text that PostgreSQL takes: no text has a NUL or
// broken UTF-8 in it, so nothing is lost.
func plain(s string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), ""))
}
