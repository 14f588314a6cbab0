package workspace

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a piece of a text in one style.
type span struct {
	Text                       string
	Link                       string // a web or mail address; "": it is none
	Bold, Italic, Strike, Code bool
}

// spans reads Slack's mrkdwn as far as notices need it: *bold*, _italic_, ~struck~, `code` and
// <address|text>. Everything else stands for itself.
func spans(s string) []span { return parse(nil, s, span{}) }

// parse appends the spans of s, which stands within a style.
func parse(out []span, s string, style span) []span {
	plain := 0
	flush := func(to int) {
		if to > plain {
			piece := style
			piece.Text = unescape(s[plain:to])
			out = append(out, piece)
		}
	}
	for i := 0; i < len(s); {
		end := closing(s, i)
		if end < 0 {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
			continue
		}
		flush(i)
		out = marked(out, s[i], s[i+1:end], style)
		i = end + 1
		plain = i
	}
	flush(len(s))
	return out
}

// marked appends what stands between a mark and its end.
func marked(out []span, mark byte, inner string, style span) []span {
	switch mark {
	case '<':
		return append(out, link(inner, style))
	case '`':
		style.Code, style.Text = true, unescape(inner)
		return append(out, style)
	case '*':
		style.Bold = true
	case '_':
		style.Italic = true
	case '~':
		style.Strike = true
	}
	return parse(out, inner, style)
}

// closing is where what begins at i ends, or -1 where nothing begins there.
func closing(s string, i int) int {
	rest := s[i+1:]
	switch s[i] {
	case '<':
		return within(i, strings.IndexByte(rest, '>'), strings.IndexByte(rest, '\n'))
	case '`':
		return within(i, strings.IndexByte(rest, '`'), strings.IndexByte(rest, '\n'))
	case '*', '_', '~':
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(rest)
		if i > 0 && isWord(before) || rest == "" || unicode.IsSpace(after) {
			return -1
		}
		return closingMark(s, i)
	}
	return -1
}

// within turns offsets after i into a position, -1 where there is none on the line or between.
func within(i, end, line int) int {
	if end < 1 || line >= 0 && line < end {
		return -1
	}
	return i + 1 + end
}

// closingMark looks on the line for the mark's twin that ends a word, passing over links.
func closingMark(s string, i int) int {
	for j := i + 1; j < len(s) && s[j] != '\n'; j++ {
		if s[j] == '<' || s[j] == '`' {
			if end := closing(s, j); end > 0 {
				j = end
			}
			continue
		}
		if s[j] != s[i] || j == i+1 {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:j])
		after, _ := utf8.DecodeRuneInString(s[j+1:])
		if !unicode.IsSpace(before) && (j+1 == len(s) || !isWord(after)) {
			return j
		}
	}
	return -1
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// link is <address>, <address|text> or one of Slack's own references, which only show.
func link(inner string, style span) span {
	address, shown, named := strings.Cut(inner, "|")
	if !named {
		shown = strings.TrimPrefix(address, "mailto:")
	}
	style.Text = unescape(shown)
	address = unescape(address)
	for _, scheme := range []string{"https://", "http://", "mailto:"} {
		if strings.HasPrefix(address, scheme) {
			style.Link = address
		}
	}
	return style
}

// unescape takes back the three characters that Slack has escaped.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}
