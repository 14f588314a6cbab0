package email

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// FieldError says which part of a message can never be sent as it is, and why.
// Trying again is of no use.
type FieldError struct {
	Field  string // From, To, Subject, ...
	Reason string
}

func (e *FieldError) Error() string { return e.Field + " " + e.Reason }

func fieldErrorf(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// address is an address that is safe to write into a command and a header.
type address struct {
	text string // local part as given, domain in ASCII
	utf8 bool   // the local part needs SMTPUTF8 (RFC 6531)
}

// parseAddress accepts local@domain with an unquoted local part. Quoted local parts and address
// literals are legal (RFC 5321 section 4.1.2) but no real contact has one, and quoting is where
// header and command injection hide. A domain in other scripts becomes its ASCII form (RFC 5891),
// so that only a local part can ask for SMTPUTF8.
func parseAddress(field, raw string) (address, error) {
	if raw == "" {
		return address{}, fieldErrorf(field, "is missing an email address")
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, isControlOrSpace) {
		return address{}, fieldErrorf(field, "has a space, a control character or invalid UTF-8 in its email address")
	}
	at := strings.LastIndexByte(raw, '@')
	if at < 1 || at == len(raw)-1 {
		return address{}, fieldErrorf(field, "is not an email address of the form name@example.com")
	}
	local, domain := raw[:at], raw[at+1:]
	if !isDotAtom(local) || len(local) > 64 {
		return address{}, fieldErrorf(field, "has characters before the @ that an email address cannot have, or more than 64")
	}
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return address{}, fieldErrorf(field, "has a domain that is not a valid internationalized domain name")
		}
		domain = ascii
	}
	if !isDomain(domain) {
		return address{}, fieldErrorf(field, "has a domain that is not a valid domain name")
	}
	return address{text: local + "@" + domain, utf8: !isASCII(local)}, nil
}

// isDotAtom reports RFC 5322 dot-atom-text, widened by RFC 6532 to letters and digits beyond ASCII.
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, notAtext) {
			return false
		}
	}
	return true
}

func notAtext(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	case r < utf8.RuneSelf:
		return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return !unicode.IsGraphic(r)
}

// isDomain reports an ASCII host name of letters, digits, hyphens and single dots, at most 253 bytes.
func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isControlOrSpace(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
