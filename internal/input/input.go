// Package input holds the rules that whatever people type must meet, one function a rule. Each
// tidies the value in place (spaces around it go) and notes a fault at the field when the value
// can't be accepted; the value itself stays as typed, so that a form can show it again.
package input

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/biter777/countries"
	"golang.org/x/net/idna"

	"fairnotice/internal/fault"
)

// Limits of length, in characters.
const (
	Short = 200   // names, references
	Line  = 500   // a sentence
	Long  = 10000 // a paragraph or several
)

// Name requires one line of text that is neither empty nor longer than Short.
func Name(c *fault.Check, field string, value *string) {
	OptionalName(c, field, value)
	Required(c, field, *value)
}

// OptionalName allows one line of text up to Short.
func OptionalName(c *fault.Check, field string, value *string) { line(c, field, value, Short) }

// OptionalLine allows one line of text up to Line.
func OptionalLine(c *fault.Check, field string, value *string) { line(c, field, value, Line) }

// Required notes a fault when the value is empty, unless the field has one already.
func Required(c *fault.Check, field, value string) {
	if value == "" && !c.Has(field) {
		c.Add(field, "required", nil)
	}
}

// line refuses control characters of every kind: a line break in a name or a subject would let
// its author write headers of a message.
func line(c *fault.Check, field string, value *string, limit int) {
	*value = strings.TrimSpace(*value)
	text(c, field, *value, limit, nil)
}

// OptionalText allows several lines up to Long. Line ends become \n.
func OptionalText(c *fault.Check, field string, value *string) {
	*value = strings.TrimSpace(strings.ReplaceAll(*value, "\r\n", "\n"))
	text(c, field, *value, Long, []rune{'\n', '\t'})
}

// Text requires several lines, not empty, up to Long.
func Text(c *fault.Check, field string, value *string) {
	OptionalText(c, field, value)
	Required(c, field, *value)
}

func text(c *fault.Check, field, value string, limit int, allowed []rune) {
	switch {
	case !utf8.ValidString(value):
		c.Add(field, "utf8", nil)
	case strings.ContainsFunc(value, func(r rune) bool { return forbidden(r) && !slices.Contains(allowed, r) }):
		c.Add(field, "control_characters", nil)
	case utf8.RuneCountInString(value) > limit:
		c.Add(field, "too_long", fault.Args{"Max": limit})
	}
}

// forbidden are control characters, line and paragraph separators, and the marks that reverse the
// direction of text, with which a name can be made to look like another.
func forbidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// Email requires one plain address, such as dpo@example.com. The domain is kept in its ASCII
// form, so that one address has one spelling.
func Email(c *fault.Check, field string, value *string) {
	OptionalEmail(c, field, value)
	Required(c, field, *value)
}

// OptionalEmail is Email where nothing is fine too.
func OptionalEmail(c *fault.Check, field string, value *string) {
	line(c, field, value, 254)
	if *value == "" || c.Has(field) {
		return
	}
	normal, ok := NormalEmail(*value)
	if !ok {
		c.Add(field, "email.malformed", nil)
		return
	}
	*value = normal
}

// NormalEmail returns the address with its domain in lower-case ASCII, and whether it is a plain
// address (no display name, no comment, a domain with a dot).
func NormalEmail(s string) (string, bool) {
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Name != "" || parsed.Address != s {
		return "", false
	}
	at := strings.LastIndexByte(s, '@')
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || strings.ContainsAny(local, "\" \t\\") {
		return "", false
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") || len(ascii) > 253 {
		return "", false
	}
	return local + "@" + strings.ToLower(ascii), true
}

// OptionalURL allows an absolute http or https address without credentials.
func OptionalURL(c *fault.Check, field string, value *string) {
	line(c, field, value, 2000)
	if *value == "" || c.Has(field) {
		return
	}
	u, err := url.Parse(*value)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		c.Add(field, "url.malformed", nil)
	case u.Scheme != "https" && u.Scheme != "http":
		c.Add(field, "url.scheme", nil)
	case u.User != nil:
		c.Add(field, "url.credentials", nil)
	case u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " _\"'<>"):
		c.Add(field, "url.malformed", nil)
	}
}

// URL is OptionalURL that must not be empty.
func URL(c *fault.Check, field string, value *string) {
	OptionalURL(c, field, value)
	Required(c, field, *value)
}

// Country requires a country by its ISO 3166-1 alpha-2 code. Small letters are raised.
func Country(c *fault.Check, field string, value *string) {
	*value = strings.ToUpper(strings.TrimSpace(*value))
	if *value == "" {
		c.Add(field, "required", nil)
		return
	}
	if !KnownCountry(*value) {
		c.Add(field, "country.unknown", fault.Args{"Value": *value})
	}
}

var countryCodes = func() map[string]bool {
	codes := map[string]bool{}
	for _, country := range countries.All() {
		if a2 := country.Alpha2(); len(a2) == 2 && country.IsValid() && country != countries.Unknown && !notCountries[a2] {
			codes[a2] = true
		}
	}
	return codes
}()

// notCountries are codes that the library lists but ISO 3166-1 does not assign.
var notCountries = map[string]bool{"XX": true, "ZZ": true, "AN": true, "YU": true, "XW": true, "XS": true, "AP": true, "EU": true, "UN": true}

// KnownCountry says whether the code is an assigned ISO 3166-1 alpha-2 code.
func KnownCountry(code string) bool { return countryCodes[code] }

// Countries lists the codes of all countries, sorted.
func Countries() []string {
	out := make([]string, 0, len(countryCodes))
	for code := range countryCodes {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// Choice requires one of the allowed values.
func Choice[T ~string](c *fault.Check, field string, value T, allowed ...T) {
	if value == "" {
		c.Add(field, "required", nil)
		return
	}
	if !slices.Contains(allowed, value) {
		c.Add(field, "choice.unknown", fault.Args{"Value": string(value), "Allowed": joined(allowed)})
	}
}

// Choices allows any of the allowed values, each once; the list is sorted and made unique.
func Choices[T ~string](c *fault.Check, field string, values *[]T, allowed ...T) {
	slices.Sort(*values)
	*values = slices.Compact(*values)
	for _, v := range *values {
		if !slices.Contains(allowed, v) {
			c.Add(field, "choice.unknown", fault.Args{"Value": string(v), "Allowed": joined(allowed)})
			return
		}
	}
}

func joined[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}

// Names tidies a list of short names: empty ones go, doubles go, the order stays.
func Names(c *fault.Check, field string, values *[]string) {
	out := make([]string, 0, len(*values))
	for _, v := range *values {
		OptionalName(c, field, &v)
		if v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	*values = out
	if len(out) > 100 {
		c.Add(field, "list.too_long", fault.Args{"Max": 100})
	}
}

// TimeZone requires a zone of the IANA database, such as Europe/Berlin.
func TimeZone(c *fault.Check, field string, value *string) {
	*value = strings.TrimSpace(*value)
	if *value == "" {
		c.Add(field, "required", nil)
		return
	}
	if _, err := time.LoadLocation(*value); err != nil || *value == "Local" {
		c.Add(field, "time_zone.unknown", fault.Args{"Value": *value})
	}
}

// Language requires a language that pages and notices are written in.
func Language(c *fault.Check, field string, value *string) {
	if *value != "en" && *value != "de" {
		c.Add(field, "language.unknown", fault.Args{"Value": *value})
	}
}

// Between requires a whole number within bounds.
func Between(c *fault.Check, field string, value, low, high int) {
	if value < low || value > high {
		c.Add(field, "number.range", fault.Args{"Min": low, "Max": high})
	}
}
