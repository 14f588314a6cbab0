package email

import (
	"bytes"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"
)

// Body is a text of many messages: what is the same in all of them was checked and encoded once, and
// only the lines that differ are encoded for each. It is safe for concurrent use.
type Body struct{ pieces []piece }

// piece is a run of lines: encoded, or open, to be filled in first.
type piece struct {
	encoded []byte
	open    string
}

// PrepareBody takes a text apart at its line ends; differs says of a line whether it is filled in for
// each message. What can't be sent is refused with a [FieldError].
func PrepareBody(text string, differs func(line string) bool) (*Body, error) {
	b := &Body{}
	fixed := ""
	flush := func() error {
		if fixed == "" {
			return nil
		}
		encoded, err := encodeBody(nil, fixed)
		b.pieces, fixed = append(b.pieces, piece{encoded: encoded}), ""
		return err
	}
	for line := range strings.Lines(withLineEnd(text)) {
		if !differs(line) {
			fixed += line
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		b.pieces = append(b.pieces, piece{open: line})
	}
	return b, flush()
}

// Fill returns the body of one message, encoded; fill writes the lines that differ.
func (b *Body) Fill(fill func(line string) (string, error)) (Encoded, error) {
	size := 0
	for _, p := range b.pieces {
		size += len(p.encoded) + 2*len(p.open)
	}
	out := make([]byte, 0, size+512)
	for _, p := range b.pieces {
		if p.encoded != nil {
			out = append(out, p.encoded...)
			continue
		}
		line, err := fill(p.open)
		if err != nil {
			return nil, err
		}
		if out, err = encodeBody(out, line); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Encoded is a body as it goes over the wire: quoted-printable, with CRLF line ends, the last line's
// too.
type Encoded []byte

// encodeBody appends whole lines, encoded.
func encodeBody(dst []byte, lines string) ([]byte, error) {
	switch {
	case !utf8.ValidString(lines):
		return nil, fieldErrorf("Text", "is not valid UTF-8")
	case hasControl(lines):
		return nil, fieldErrorf("Text", "has a control character other than tab and line end; remove it")
	}
	buf := bytes.NewBuffer(dst)
	w := quotedprintable.NewWriter(buf)
	if _, err := w.Write([]byte(lines)); err != nil {
		return nil, fmt.Errorf("encode a body: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode a body: %w", err)
	}
	return buf.Bytes(), nil
}
