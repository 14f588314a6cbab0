package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// writeJSON is json.Marshal with marks as they are and without HTML's escapes, which would only
// make it longer.
func writeJSON(v any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("notify: write JSON: %w", err)
	}
	return rawMarks(strings.TrimSuffix(out.String(), "\n")), nil
}

// rawMarks turns the escapes that JSON writes for marks back into marks; the string of a mark that
// may be null loses its quotes. Escapes are read one by one: a text in which somebody typed
// backslash, u, 0002 is none.
func rawMarks(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		switch {
		case strings.HasPrefix(text[i:], `\u0002`):
			out.WriteByte(markStart)
			i += 5
		case strings.HasPrefix(text[i:], `\u0003`):
			out.WriteByte(markEnd)
			i += 5
		default:
			out.WriteString(text[i : i+2])
			i++
		}
	}
	return nullable(out.String())
}

// nullable takes the quotes off the marks whose name ends with "?".
func nullable(text string) string {
	const ends = "?" + string(markEnd) + `"`
	for {
		end := strings.Index(text, ends)
		if end < 0 {
			return text
		}
		start := strings.LastIndex(text[:end], `"`+string(markStart))
		text = text[:start] + text[start+1:end+len(ends)-1] + text[end+len(ends):]
	}
}

// fillJSON puts a recipient's values into JSON; escape is done before JSON's own escaping.
func fillJSON(text string, values map[string]string, escape func(string) string) (string, error) {
	return fillWith(text, func(name string) (string, bool) {
		plainName, mayBeNull := strings.CutSuffix(name, "?")
		value, known := values[plainName]
		switch {
		case !mayBeNull:
			return inJSON(escape(oneParagraph(value))), known
		case value == "":
			return "null", known
		default:
			return `"` + inJSON(escape(oneParagraph(value))) + `"`, known
		}
	})
}

// oneParagraph undoes the line breaks that are meant for the text of a mail.
func oneParagraph(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// inJSON is a text as it stands between the quotes of a JSON string.
func inJSON(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) < 0 {
		return s
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string can always be written
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out.String()), `"`), `"`)
}
