package input

import (
	"strings"
	"testing"

	"fairnotice/internal/fault"
)

func codeOf(check func(*fault.Check)) string {
	var c fault.Check
	check(&c)
	return strings.Join(fault.Codes(c.Err()), ",")
}

func TestEmail(t *testing.T) {
	for in, want := range map[string]string{
		"dpo@example.com":                        "",
		"  dpo@example.com ":                     "",
		"Dpo+eu@EXAMPLE.com":                     "",
		"jürgen@example.com":                     "",
		"a@müller.example":                       "",
		"":                                       "required",
		"dpo":                                    "email.malformed",
		"dpo@":                                   "email.malformed",
		"@example.com":                           "email.malformed",
		"dpo@localhost":                          "email.malformed",
		"Name <dpo@example.com>":                 "email.malformed",
		"a@example.com, b@example.com":           "email.malformed",
		"a b@example.com":                        "email.malformed",
		"dpo@exa mple.com":                       "email.malformed",
		"dpo@example.com.":                       "email.malformed",
		"dpo@-example-.com":                      "email.malformed",
		"dpo@example.com\r\nBcc: x@y.z":          "control_characters",
		"dpo\x00@example.com":                    "control_characters",
		"dpo@example.com\xff":                    "utf8",
		strings.Repeat("a", 65) + "@example.com": "email.malformed",
		strings.Repeat("a", 300) + "@example.com": "too_long",
	} {
		v := in
		if got := codeOf(func(c *fault.Check) { Email(c, "email", &v) }); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	v := "Dpo@MÜLLER.example"
	if codeOf(func(c *fault.Check) { Email(c, "email", &v) }); v != "Dpo@xn--mller-kva.example" {
		t.Errorf("normal form is %q", v)
	}
}

func TestURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com/dpa": "", "http://example.com": "", "": "",
		"example.com": "url.malformed", "https://": "url.malformed", "javascript:alert(1)": "url.malformed",
		"ftp://example.com": "url.scheme", "https://u:p@example.com": "url.credentials",
		"https://exa mple.com": "url.malformed", "https://example.com\n": "", "https://exam\nple.com": "control_characters",
		"//example.com": "url.scheme", "https:example.com": "url.malformed",
	} {
		v := in
		if got := codeOf(func(c *fault.Check) { OptionalURL(c, "url", &v) }); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCountry(t *testing.T) {
	for in, want := range map[string]string{
		"DE": "", "us": "", " gb ": "", "": "required",
		"UK": "country.unknown", "EU": "country.unknown", "ZZ": "country.unknown", "Germany": "country.unknown", "XX": "country.unknown", "00": "country.unknown",
	} {
		v := in
		if got := codeOf(func(c *fault.Check) { Country(c, "country", &v) }); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// ISO 3166-1 assigns 249 codes.
	if n := len(Countries()); n < 240 || n > 251 {
		t.Errorf("%d countries", n)
	}
}

func TestNamesCarryNoHeaders(t *testing.T) {
	for in, want := range map[string]string{
		"Müller & Söhne GmbH": "", "": "required", "   ": "required",
		"Evil\r\nBcc: a@b.c": "control_characters", "Evil\nX": "control_characters", "a\x00b": "control_characters",
		"a\u2028b": "control_characters", "\u202egpj.exe": "control_characters", "a\xc3\x28": "utf8",
		strings.Repeat("ü", 200): "", strings.Repeat("ü", 201): "too_long",
	} {
		v := in
		if got := codeOf(func(c *fault.Check) { Name(c, "name", &v) }); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	v := "first\r\nsecond\tx"
	if got := codeOf(func(c *fault.Check) { Text(c, "reason", &v) }); got != "" || v != "first\nsecond\tx" {
		t.Errorf("several lines: %q, %q", got, v)
	}
}

func TestTimeZone(t *testing.T) {
	for in, want := range map[string]string{
		"Europe/Berlin": "", "UTC": "", "Pacific/Kiritimati": "", "": "required",
		"Local": "time_zone.unknown", "Berlin": "time_zone.unknown", "../etc/passwd": "time_zone.unknown", "CEST+1": "time_zone.unknown",
	} {
		v := in
		if got := codeOf(func(c *fault.Check) { TimeZone(c, "time_zone", &v) }); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
