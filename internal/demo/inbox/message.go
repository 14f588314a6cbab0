package inbox

import (
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

// headers are what a list shows of a message.
type headers struct {
	from    string
	to      []string
	subject string
}

// headersOf reads a message's headers; what can't be read is left out.
func headersOf(raw []byte) headers {
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || (err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)) {
		return headers{}
	}
	h := mail.Header{Header: e.Header}
	out := headers{subject: decoded(&h, "Subject")}
	if list, err := h.AddressList("From"); err == nil && len(list) > 0 {
		out.from = list[0].Address
	}
	if list, err := h.AddressList("To"); err == nil {
		for _, a := range list {
			out.to = append(out.to, a.Address)
		}
	}
	return out
}

// decoded is a header's text, as it stands when its coding is unknown.
func decoded(h *mail.Header, name string) string {
	if text, err := h.Text(name); err == nil {
		return text
	}
	return h.Get(name)
}

// field is one header of a message, decoded.
type field struct{ Name, Value string }

// parsed is a message taken apart for reading.
type parsed struct {
	Fields      []field
	Text        string
	HTML        string
	Unsubscribe string // the address in List-Unsubscribe
	OneClick    bool   // List-Unsubscribe-Post says that a POST suffices (RFC 8058)
	Broken      string // what of it can't be read
}

// shownFields are the headers on a message's page; the raw view has all.
var shownFields = []string{"From", "Reply-To", "To", "Subject", "Date", "Message-Id", "Content-Language", "Auto-Submitted",
	"List-Unsubscribe", "List-Unsubscribe-Post", "Dkim-Signature"}

// parse takes a message apart as far as it goes.
func parse(raw []byte) parsed {
	var p parsed
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil {
		p.Broken = err.Error()
		return p
	}
	h := mail.Header{Header: e.Header}
	for _, name := range shownFields {
		if h.Has(name) {
			p.Fields = append(p.Fields, field{name, decoded(&h, name)})
		}
	}
	p.Unsubscribe = firstWebAddress(h.Get("List-Unsubscribe"))
	p.OneClick = p.Unsubscribe != "" && strings.EqualFold(strings.TrimSpace(h.Get("List-Unsubscribe-Post")), "List-Unsubscribe=One-Click")
	err = e.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return err
		}
		return p.take(part)
	})
	if err != nil {
		p.Broken = err.Error()
	}
	return p
}

// take keeps the first text and the first HTML part.
func (p *parsed) take(part *message.Entity) error {
	kind, _, err := part.Header.ContentType()
	if err != nil {
		return err
	}
	into := &p.Text
	switch kind {
	case "text/plain", "":
	case "text/html":
		into = &p.HTML
	default:
		return nil
	}
	body, err := io.ReadAll(part.Body)
	if *into == "" {
		*into = string(body)
	}
	return err
}

// firstWebAddress is the first http address between angle brackets (RFC 2369, section 2).
func firstWebAddress(value string) string {
	for _, part := range strings.Split(value, ",") {
		part = strings.TrimSpace(part)
		if !strings.HasPrefix(part, "<") || !strings.HasSuffix(part, ">") {
			continue
		}
		address := strings.Trim(part, "<>")
		if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
			return address
		}
	}
	return ""
}
