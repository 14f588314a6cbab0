package email

import (
	"bytes"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode/utf8"

	"github.com/wneessen/go-mail"
)

// Composer makes the bytes of messages. It is safe for concurrent use.
type Composer struct {
	dkim   *DKIM
	frames frames
}

// NewComposer returns a composer that signs with dkim, or does not sign when dkim is nil.
func NewComposer(dkim *DKIM) *Composer { return &Composer{dkim: dkim} }

// Compose makes the message as it goes over the wire: CRLF line ends of at most 998 bytes, headers,
// then text and HTML as quoted-printable UTF-8. The same message gives the same bytes at any time,
// because everything that a mail library would draw at random or read from a clock is in m.
// What can't be sent is refused with a [FieldError].
func (c *Composer) Compose(m Message) ([]byte, error) {
	a, err := m.check()
	if err != nil {
		return nil, err
	}
	raw, err := c.write(m, a)
	if err != nil || c.dkim == nil {
		return raw, err
	}
	return c.dkim.sign(raw, m.Date)
}

// write makes the message as it is before signing.
func (c *Composer) write(m Message, a addresses) ([]byte, error) {
	if !m.encoded() {
		return c.writeWhole(m, a)
	}
	if to, words, ok := shortTo(m.ToName, a.to); ok {
		f, err := c.frames.of(&m, words, func(like Message) ([]byte, error) {
			return c.writeWhole(like, addresses{from: a.from, replyTo: a.replyTo, to: address{text: like.To}})
		})
		if err != nil {
			return nil, err
		}
		if f != nil {
			return f.write(&m, to), nil
		}
	}
	whole := m
	whole.Text, whole.HTML = textStandIn+m.Boundary, htmlStandIn+m.Boundary
	raw, err := c.writeWhole(whole, a)
	if err != nil {
		return nil, err
	}
	return splice(raw, &m)
}

func (c *Composer) writeWhole(m Message, a addresses) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(2048 + (len(m.Text)+len(m.HTML))*5/4)
	if _, err := c.build(m, a).WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("compose message: %w", err)
	}
	if !bytes.HasSuffix(buf.Bytes(), []byte("\r\n")) {
		buf.WriteString("\r\n")
	}
	return buf.Bytes(), nil
}

func (c *Composer) build(m Message, a addresses) *mail.Msg {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(m.Boundary))
	setMailbox(msg, mail.HeaderFrom, m.FromName, a.from)
	setMailbox(msg, mail.HeaderTo, m.ToName, a.to)
	if a.replyTo.text != "" {
		setMailbox(msg, mail.HeaderReplyTo, "", a.replyTo)
	}
	msg.Subject(headerText(m.Subject))
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDateWithValue(m.Date.UTC()) // the same instant is the same bytes, whatever zone it was read in
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	for name, value := range m.Headers {
		if strings.EqualFold(name, "Auto-Submitted") {
			name = "Auto-Submitted"
		}
		msg.SetGenHeader(mail.Header(name), headerText(value))
	}
	if m.ListUnsubscribe != "" {
		// Preformatted, because relays that sign have trouble with it folded. go-mail writes several
		// preformatted headers in random order, so this must remain the only one.
		msg.SetGenHeaderPreformatted(mail.HeaderListUnsubscribe, "<"+m.ListUnsubscribe+">")
	}
	if m.OneClick {
		msg.SetGenHeader(mail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(mail.TypeTextPlain, withLineEnd(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, withLineEnd(m.HTML))
	}
	return msg
}

// setMailbox writes names that need encoding itself: net/mail, which go-mail uses, leaves a backslash
// bare in an encoded word and puts "=?" between quotes, where many readers decode it all the same.
// (An address beyond ASCII goes through net/mail always, or go-mail would encode it with the name.)
func setMailbox(msg *mail.Msg, header mail.AddrHeader, name string, a address) {
	name = squeeze(name)
	if a.utf8 || isASCII(name) && !strings.Contains(name, "=?") {
		msg.SetAddrHeaderFromMailAddress(header, &netmail.Address{Name: name, Address: a.text})
		return
	}
	msg.SetGenHeader(mail.Header(header), encodeWords(name)+" <"+a.text+">")
}

// headerText prepares a value for go-mail, which folds at spaces and encodes what isn't ASCII. It
// leaves ASCII as it is, also where a reader would decode it, so that is encoded here.
func headerText(s string) string {
	s = squeeze(s)
	if isASCII(s) && strings.Contains(s, "=?") {
		return encodeWords(s)
	}
	return s
}

// encodeWords writes s as encoded words of whole characters, at most 72 bytes each (RFC 2047 section 2 allows 75).
func encodeWords(s string) string {
	var words []string
	for s != "" {
		n := min(45, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// squeeze turns each run of spaces into one: folding a header does not keep more apart, and a line of
// nothing but spaces would end the headers for some readers.
func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

func withLineEnd(s string) string {
	if strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}
