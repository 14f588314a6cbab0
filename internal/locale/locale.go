// Package locale writes dates, numbers, lists and names of countries in the languages that
// Fairnotice speaks, for pages and notices alike. Everything here is pure: the same input gives
// the same text on every machine, and nothing reads the clock or the machine's time zone.
package locale

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en_GB"
	"golang.org/x/text/language"
)

// Lang is a language that Fairnotice speaks, as in the lang attribute of a page.
type Lang string

const (
	EN Lang = "en"
	DE Lang = "de"
)

// Default is spoken where nothing says otherwise.
const Default = EN

// All lists every language, the default first.
var All = []Lang{EN, DE}

var names = map[Lang]string{EN: "English", DE: "Deutsch"}

var (
	tags    = []language.Tag{language.English, language.German}
	matcher = language.NewMatcher(tags)
	data    = map[Lang]locales.Translator{EN: en_GB.New(), DE: de.New()}
)

// Tag is the language's tag for golang.org/x/text.
func (l Lang) Tag() language.Tag {
	if l == DE {
		return language.German
	}
	return language.English
}

// Name is the language's name in itself: "English", "Deutsch".
func (l Lang) Name() string { return names[l] }

// Parse reads a language that somebody stored or chose: exactly "en" or "de", or with a region
// ("de-AT"). Anything else is false, never a guess.
func Parse(text string) (Lang, bool) {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "-")
	for _, l := range All {
		if base == string(l) {
			return l, true
		}
	}
	return "", false
}

// Match picks the language for a reader: the explicit choice when it is one of ours, else the best
// match of an Accept-Language header, else the default.
func Match(explicit, acceptLanguage string) Lang {
	if l, ok := Parse(explicit); ok {
		return l
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return Default
	}
	_, index, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return Default
	}
	return All[index]
}

func (l Lang) translator() locales.Translator {
	if t, ok := data[l]; ok {
		return t
	}
	return data[Default]
}

// Date is the long form of a day: "22 November 2026", "22. November 2026".
func Date(l Lang, t time.Time) string { return l.translator().FmtDateLong(t) }

// Month is a month of a year: "November 2026".
func Month(l Lang, t time.Time) string {
	return fmt.Sprintf("%s %d", l.translator().MonthWide(t.Month()), t.Year())
}

// Clock is the time of day: "09:05".
func Clock(t time.Time) string { return t.Format("15:04") }

// DateTime is an instant with the zone it is told in: "23 December 2026, 00:00 (Europe/Berlin)",
// "23. Dezember 2026, 00:00 Uhr (Europe/Berlin)". The zone is t's own.
func DateTime(l Lang, t time.Time) string {
	clock := Clock(t)
	if l == DE {
		clock += " Uhr"
	}
	return fmt.Sprintf("%s, %s (%s)", Date(l, t), clock, Zone(t))
}

// Zone names t's zone: its IANA name, or its offset ("UTC+01:00") where it has none worth
// showing. The machine's own zone is never named "Local": that says nothing to a reader.
func Zone(t time.Time) string {
	name := t.Location().String()
	if name == "UTC" || strings.Contains(name, "/") {
		return name
	}
	return "UTC" + t.Format("-07:00")
}

// Number writes a whole number with its groups: "12,500", "12.500".
func Number(l Lang, n int64) string {
	return l.translator().FmtNumber(float64(n), 0)
}

var conjunctions = map[Lang]string{EN: " and ", DE: " und "}

// List joins items as a sentence does: "a, b and c", "a, b und c".
func List(l Lang, items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	and, ok := conjunctions[l]
	if !ok {
		and = conjunctions[Default]
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + and + items[last]
}
