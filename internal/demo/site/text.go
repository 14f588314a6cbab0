package site

import (
	"regexp"
	"time"
)

// at is an instant in this machine's zone, which the reader of a demo shares.
func at(t time.Time) string { return t.Local().Format("2 January 2006, 15:04:05 MST") }

// segment is a piece of a text, a link when Link is true.
type segment struct {
	Text string
	Link bool
}

var linkForm = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)\]']`)

// segments makes the web addresses in a text into links.
func segments(text string) (out []segment) {
	rest := 0
	for _, at := range linkForm.FindAllStringIndex(text, -1) {
		out = append(out, segment{Text: text[rest:at[0]]}, segment{Text: text[at[0]:at[1]], Link: true})
		rest = at[1]
	}
	return append(out, segment{Text: text[rest:]})
}
