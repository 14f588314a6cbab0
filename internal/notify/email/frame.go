package email

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"
)

// A frame is a message as go-mail writes it, taken apart where messages of one kind differ. go-mail
// writes it once; the others of its kind are put together from it, byte for byte as go-mail would
// have written them (a test compares).
type frame struct{ parts []framePart }

// framePart is fixed text and what comes after it.
type framePart struct {
	fixed []byte
	open  opening
}

// opening is a place in a frame.
type opening int

const (
	theEnd opening = iota
	toValue
	messageID
	date
	boundary
	unsubscribe
	textBody
	htmlBody
)

// kind is what messages must have in common to share a frame: all that a frame holds fixed, and the
// length of what is folded by its length.
type kind struct {
	from, fromName, replyTo, subject, headers string
	messageID, boundary, unsubscribe          int
	oneClick                                  bool
	encodedTo                                 bool // the addressee's name is in encoded words, which go-mail puts elsewhere
}

func kindOf(m *Message, encodedTo bool) kind {
	names := make([]string, 0, len(m.Headers))
	for name, value := range m.Headers {
		names = append(names, name+"\x00"+value)
	}
	slices.Sort(names)
	return kind{m.From, m.FromName, m.ReplyTo, m.Subject, strings.Join(names, "\x00"),
		len(m.MessageID), len(m.Boundary), min(1, len(m.ListUnsubscribe)), m.OneClick, encodedTo}
}

// frames are those lately used, a handful: the notices under way, by language and audience.
type frames struct {
	mu     sync.Mutex
	byKind map[kind]*frame // nil: this kind can't be taken apart
}

const keptFrames = 100

// of returns the frame of a message's kind, made by write where there is none yet; nil when messages
// of the kind must be written whole.
func (f *frames) of(m *Message, encodedTo bool, write func(Message) ([]byte, error)) (*frame, error) {
	k := kindOf(m, encodedTo)
	f.mu.Lock()
	defer f.mu.Unlock()
	if fr, ok := f.byKind[k]; ok {
		return fr, nil
	}
	fr, err := newFrame(*m, encodedTo, write)
	if err != nil && !errors.Is(err, errNoFrame) {
		return nil, err
	}
	if len(f.byKind) >= keptFrames || f.byKind == nil {
		f.byKind = map[kind]*frame{}
	}
	f.byKind[k] = fr
	return fr, nil
}

// standInDate is no date of a notice.
var standInDate = time.Date(1901, 2, 3, 4, 5, 6, 0, time.UTC)

// errNoFrame says that messages of a kind can't be taken apart without doubt.
var errNoFrame = errors.New("this kind of message has no frame")

// place is a stand-in and how often a message has it.
type place struct {
	open  opening
	text  string
	times int
}

// newFrame has a message of stand-ins written and takes it apart at them, or returns errNoFrame.
func newFrame(m Message, encodedTo bool, write func(Message) ([]byte, error)) (*frame, error) {
	like, places := standIns(m, encodedTo)
	raw, err := write(like)
	if err != nil {
		return nil, err
	}
	return takeApart(raw, places)
}

// standIns puts stand-ins wherever messages of a kind differ.
func standIns(m Message, encodedTo bool) (Message, []place) {
	linked := m.ListUnsubscribe != ""
	m.To, m.ToName, m.Date = "stand-in@to.invalid", "", standInDate
	to := "<" + m.To + ">"
	if encodedTo {
		m.ToName = "ÿ"
		to = encodeWords(m.ToName) + " " + to
	}
	m.MessageID, m.Boundary = standIn("message.id", len(m.MessageID)), standIn("boundary", len(m.Boundary))
	m.TextEncoded, m.HTMLEncoded = nil, nil
	m.Text, m.HTML = "stand-in-of-text", "stand-in-of-html"
	places := []place{
		{toValue, "\r\nTo: " + to + "\r\n", 1}, {messageID, m.MessageID, 1}, {date, "\r\nDate: " + formatDate(standInDate) + "\r\n", 1},
		{boundary, m.Boundary, 4}, {textBody, m.Text + "\r\n", 1}, {htmlBody, m.HTML + "\r\n", 1},
	}
	if linked {
		m.ListUnsubscribe = "https://stand-in.invalid/unsubscribe"
		places = append(places, place{unsubscribe, "<" + m.ListUnsubscribe + ">", 1})
	}
	return m, places
}

// takeApart finds each stand-in exactly as often as it must be there.
func takeApart(raw []byte, places []place) (*frame, error) {
	type found struct {
		at, end int
		open    opening
	}
	var all []found
	for _, p := range places {
		if p.text == "" || bytes.Count(raw, []byte(p.text)) != p.times {
			return nil, errNoFrame
		}
		from := 0
		for range p.times {
			at := from + bytes.Index(raw[from:], []byte(p.text))
			from = at + len(p.text)
			all = append(all, found{at, from, p.open})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return a.at - b.at })
	f, last := &frame{}, 0
	for _, p := range all {
		if p.at < last {
			return nil, errNoFrame
		}
		f.parts = append(f.parts, framePart{bytes.Clone(raw[last:p.at]), p.open})
		last = p.end
	}
	f.parts = append(f.parts, framePart{bytes.Clone(raw[last:]), theEnd})
	return f, nil
}

// standIn is a text that no message has, so many bytes long; "" when that is too short to be sure.
func standIn(name string, length int) string {
	const filler = "-stand-in"
	if length < len(name)+len(filler) {
		return ""
	}
	return name + strings.Repeat(filler, length/len(filler))[:length-len(name)]
}

func formatDate(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// longestTo is the length of a To value up to which go-mail certainly does not fold it.
const longestTo = 70

// shortTo is the value of a To header that is written on one line, and whether its name is in encoded
// words; false when go-mail must write it.
func shortTo(name string, a address) (value string, encoded, ok bool) {
	if name = squeeze(name); a.utf8 {
		return "", false, false
	}
	if encoded = !isASCII(name) || strings.Contains(name, "=?"); encoded {
		value = encodeWords(name) + " <" + a.text + ">"
	} else {
		value = (&netmail.Address{Name: name, Address: a.text}).String()
	}
	return value, encoded, len(value) <= longestTo
}

// write puts a message together.
func (f *frame) write(m *Message, to string) []byte {
	out := make([]byte, 0, 2048+len(m.TextEncoded)+len(m.HTMLEncoded))
	for _, p := range f.parts {
		out = append(out, p.fixed...)
		switch p.open {
		case toValue:
			out = append(append(append(out, "\r\nTo: "...), to...), "\r\n"...)
		case messageID:
			out = append(out, m.MessageID...)
		case date:
			out = append(m.Date.UTC().AppendFormat(append(out, "\r\nDate: "...), time.RFC1123Z), "\r\n"...)
		case boundary:
			out = append(out, m.Boundary...)
		case unsubscribe:
			out = append(append(append(out, '<'), m.ListUnsubscribe...), '>')
		case textBody:
			out = append(out, m.TextEncoded...)
		case htmlBody:
			out = append(out, m.HTMLEncoded...)
		case theEnd:
		}
	}
	return out
}

// The stand-ins are lines that go-mail writes where encoded bodies then go, for messages without a
// frame. They hold the boundary, which no body may.
const (
	textStandIn = "text-of-"
	htmlStandIn = "html-of-"
)

// splice puts the encoded bodies where their stand-ins are.
func splice(message []byte, m *Message) ([]byte, error) {
	out := make([]byte, 0, len(message)+len(m.TextEncoded)+len(m.HTMLEncoded)+512)
	for _, part := range []struct {
		standIn string
		body    Encoded
	}{{textStandIn, m.TextEncoded}, {htmlStandIn, m.HTMLEncoded}} {
		before, after, found := bytes.Cut(message, []byte(part.standIn+m.Boundary+"\r\n"))
		if !found {
			return nil, fmt.Errorf("compose message: the place of a body is missing")
		}
		out = append(append(out, before...), part.body...)
		message = after
	}
	return append(out, message...), nil
}
