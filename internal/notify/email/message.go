package email

import (
	"bytes"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is everything a mail's bytes are made from.
type Message struct {
	From, FromName string
	ReplyTo        string // none when empty
	To, ToName     string
	Subject        string
	Text           string // required
	HTML           string // a text-only mail when empty
	// TextEncoded and HTMLEncoded are the bodies instead of Text and HTML, from Body.Fill: the same
	// bytes for less work. Both or none.
	TextEncoded, HTMLEncoded Encoded
	MessageID                string // without angle brackets; from the delivery's ID, never from the attempt
	Date                     time.Time
	Boundary                 string // letters, digits, '.', '_', '-'; required with HTML
	// ListUnsubscribe is the https link that ends the subscription (http on loopback only). Empty for
	// everybody who must not be able to silence notices.
	ListUnsubscribe string
	// OneClick adds List-Unsubscribe-Post: the link accepts a POST without further questions (RFC 8058).
	OneClick bool
	// Headers are further fields, such as Content-Language. Auto-Submitted is auto-generated (RFC 3834)
	// unless given here.
	Headers map[string]string
}

// Limits on header text. A header line may have 998 bytes (RFC 5322 section 2.1.1) and is folded only
// at spaces, so single words and whole values are kept well below.
const (
	maxSubject = 500 // bytes
	maxName    = 200 // bytes
	maxHeader  = 900 // bytes
)

// ownHeaders are the fields that Message's own fields, go-mail or the transport write.
var ownHeaders = map[string]bool{
	"from": true, "sender": true, "reply-to": true, "to": true, "cc": true, "bcc": true,
	"subject": true, "date": true, "message-id": true, "mime-version": true, "content-type": true,
	"content-transfer-encoding": true, "content-disposition": true, "list-unsubscribe": true,
	"list-unsubscribe-post": true, "dkim-signature": true, "return-path": true, "received": true,
	"user-agent": true, "x-mailer": true,
}

// addresses are a message's addresses, found safe.
type addresses struct{ from, to, replyTo address }

// check refuses what could not be sent as it is, naming the field.
func (m *Message) check() (addresses, error) {
	var a addresses
	var err error
	if a.from, err = parseAddress("From", m.From); err != nil {
		return a, err
	}
	if a.to, err = parseAddress("To", m.To); err != nil {
		return a, err
	}
	if m.ReplyTo != "" {
		if a.replyTo, err = parseAddress("ReplyTo", m.ReplyTo); err != nil {
			return a, err
		}
	}
	for _, check := range []func() error{m.checkTexts, m.checkBodies, m.checkIdentity, m.checkUnsubscribe, m.checkHeaders} {
		if err := check(); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (m *Message) checkTexts() error {
	if m.Subject == "" {
		return fieldErrorf("Subject", "is missing")
	}
	for _, t := range []struct {
		field, value string
		max          int
	}{{"Subject", m.Subject, maxSubject}, {"FromName", m.FromName, maxName}, {"ToName", m.ToName, maxName}} {
		if err := checkText(t.field, t.value, t.max); err != nil {
			return err
		}
	}
	return nil
}

func checkText(field, value string, max int) error {
	switch {
	case len(value) > max:
		return fieldErrorf(field, "has %d bytes; at most %d are possible", len(value), max)
	case !utf8.ValidString(value):
		return fieldErrorf(field, "is not valid UTF-8")
	}
	if i := strings.IndexFunc(value, isUnsafe); i >= 0 {
		r, _ := utf8.DecodeRuneInString(value[i:])
		return fieldErrorf(field, "has the control character %U; remove it", r)
	}
	return nil
}

// isUnsafe reports control characters and the Unicode line and paragraph separators.
func isUnsafe(r rune) bool {
	return r < ' ' || 0x7F <= r && r < 0xA0 || r == '\u2028' || r == '\u2029'
}

// hasControl reports control characters other than tab and line ends in valid UTF-8. It looks at bytes
// because it looks at every byte of every message: beyond ASCII the controls are C2 80 to C2 9F.
func hasControl(body string) bool {
	for i := range len(body) {
		switch b := body[i]; {
		case b >= ' ' && b < 0x7F, b == '\t', b == '\r', b == '\n':
		case b == 0x7F, b < ' ', b == 0xC2 && body[i+1] < 0xA0:
			return true
		}
	}
	return false
}

func (m *Message) checkBodies() error {
	if m.encoded() {
		return m.checkEncoded()
	}
	if m.Text == "" {
		return fieldErrorf("Text", "is missing")
	}
	for _, body := range []struct{ field, text string }{{"Text", m.Text}, {"HTML", m.HTML}} {
		switch {
		case !utf8.ValidString(body.text):
			return fieldErrorf(body.field, "is not valid UTF-8")
		case hasControl(body.text):
			return fieldErrorf(body.field, "has a control character other than tab and line end; remove it")
		case m.Boundary != "" && strings.Contains(body.text, m.Boundary):
			return fieldErrorf("Boundary", "occurs in the message; choose another")
		}
	}
	return nil
}

func (m *Message) encoded() bool { return m.TextEncoded != nil || m.HTMLEncoded != nil }

// checkEncoded leaves out what Body.Fill has seen to.
func (m *Message) checkEncoded() error {
	switch {
	case m.Text != "" || m.HTML != "":
		return fieldErrorf("Text", "is given twice, encoded and not")
	case len(m.TextEncoded) == 0:
		return fieldErrorf("Text", "is missing")
	case len(m.HTMLEncoded) == 0:
		return fieldErrorf("HTML", "is missing")
	case m.Boundary != "" && (bytes.Contains(m.TextEncoded, []byte(m.Boundary)) || bytes.Contains(m.HTMLEncoded, []byte(m.Boundary))):
		return fieldErrorf("Boundary", "occurs in the message; choose another")
	}
	return nil
}

func (m *Message) checkIdentity() error {
	if m.Date.IsZero() {
		return fieldErrorf("Date", "is missing")
	}
	left, right, _ := strings.Cut(m.MessageID, "@")
	if !isDotAtom(left) || !isDomain(right) || !isASCII(left) || len(m.MessageID) > maxHeader {
		return fieldErrorf("MessageID", "is not of the form id@example.com, without angle brackets")
	}
	if m.HTML == "" && m.HTMLEncoded == nil && m.Boundary == "" {
		return nil
	}
	if len(m.Boundary) < 1 || len(m.Boundary) > 70 || strings.ContainsFunc(m.Boundary, notBoundary) {
		return fieldErrorf("Boundary", "must be 1 to 70 letters, digits, dots, hyphens and underscores")
	}
	return nil
}

// notBoundary is narrower than RFC 2046, because go-mail writes the boundary without quotes.
func notBoundary(r rune) bool {
	return r >= utf8.RuneSelf || !isAlphanumeric(byte(r)) && !strings.ContainsRune("._-", r)
}

func (m *Message) checkUnsubscribe() error {
	const field = "ListUnsubscribe"
	if m.ListUnsubscribe == "" {
		if m.OneClick {
			return fieldErrorf(field, "is missing a link, which OneClick needs")
		}
		return nil
	}
	u, err := url.Parse(m.ListUnsubscribe)
	switch {
	case err != nil || u.Hostname() == "":
		return fieldErrorf(field, "is not a URL")
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopbackName(u.Hostname())):
		return fieldErrorf(field, "is not an https URL, as RFC 8058 asks for")
	case len(m.ListUnsubscribe) > maxHeader || !isASCII(m.ListUnsubscribe) || strings.ContainsFunc(m.ListUnsubscribe, isControlOrSpace) ||
		strings.ContainsAny(m.ListUnsubscribe, "<>,"):
		return fieldErrorf(field, "has characters that must be percent-encoded, or more than %d bytes", maxHeader)
	}
	return nil
}

func (m *Message) checkHeaders() error {
	seen := make(map[string]bool, len(m.Headers))
	for name, value := range m.Headers {
		lower := strings.ToLower(name)
		switch {
		case name == "" || len(name) > 76 || strings.ContainsFunc(name, notFieldName):
			return fieldErrorf("Headers", "have a name that is not made of letters, digits and hyphens")
		case ownHeaders[lower]:
			return fieldErrorf("Headers", "may not set %s", name)
		case seen[lower]:
			return fieldErrorf("Headers", "set %s twice", name)
		}
		seen[lower] = true
		if err := checkText(name, value, maxHeader); err != nil {
			return err
		}
	}
	return nil
}

func notFieldName(r rune) bool {
	return r >= utf8.RuneSelf || !isAlphanumeric(byte(r)) && r != '-'
}
