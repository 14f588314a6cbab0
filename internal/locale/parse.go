package locale

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The shapes in which people type a day. A slash ("01/02/2026") is refused on purpose: half of
// the readers would mean January and the other half February.
var (
	isoDay   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	dotDay   = regexp.MustCompile(`^(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})$`)
	wordDay  = regexp.MustCompile(`^(\d{1,2})(?:\.|st|nd|rd|th)?\s*(\p{L}+)\.?,?\s*(\d{4})$`)
	wordDay2 = regexp.MustCompile(`^(\p{L}+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$`)
)

// ParseDay reads a typed day in any of our languages: "2026-12-24", "24.12.2026",
// "24 December 2026", "24. Dezember 2026", "24 Dec 2026", "December 24, 2026". The result is that
// day at 00:00 UTC: a civil day, to be placed in a zone by whoever knows the zone.
func ParseDay(text string) (time.Time, bool) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	if m := isoDay.FindStringSubmatch(text); m != nil {
		return civil(m[1], m[2], m[3])
	}
	if m := dotDay.FindStringSubmatch(text); m != nil {
		return civil(m[3], m[2], m[1])
	}
	if m := wordDay.FindStringSubmatch(text); m != nil {
		return civil(m[3], monthNumber(m[2]), m[1])
	}
	if m := wordDay2.FindStringSubmatch(text); m != nil {
		return civil(m[3], monthNumber(m[1]), m[2])
	}
	return time.Time{}, false
}

// civil refuses days that the calendar doesn't have; time.Date would roll 30 February over.
func civil(year, month, day string) (time.Time, bool) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1900 || t.Year() != y || int(t.Month()) != m || t.Day() != d {
		return time.Time{}, false
	}
	return t, true
}

// monthNumber reads a month's name or abbreviation in any language; "" when there is no such
// month, or when the word could be two of them.
func monthNumber(word string) string {
	found := 0
	for m := time.January; m <= time.December; m++ {
		if !isMonth(word, m) {
			continue
		}
		if found != 0 {
			return ""
		}
		found = int(m)
	}
	if found == 0 {
		return ""
	}
	return strconv.Itoa(found)
}

func isMonth(word string, m time.Month) bool {
	for _, l := range All {
		full := strings.ToLower(l.translator().MonthWide(m))
		if word == full || (len(word) >= 3 && strings.HasPrefix(full, word)) {
			return true
		}
	}
	// "Jänner" is how Austria says it, "Mrz" and "Maerz" how keyboards without an umlaut do.
	return m == time.January && word == "jänner" || m == time.March && (word == "mrz" || word == "maerz")
}
