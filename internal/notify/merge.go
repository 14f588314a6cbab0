package notify

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// A mark is a name between the control characters STX and ETX, which nobody can type into a field
// of ours, so no text that people write can be taken for one.
const (
	markStart = '\x02'
	markEnd   = '\x03'
)

func mark(name string) string { return string(markStart) + name + string(markEnd) }

// fill puts a recipient's values in the places that are marked. A mark without a value is an
// error: a notice with a hole must not go out.
func fill(text string, values map[string]string, escape func(string) string) (string, error) {
	var out strings.Builder
	out.Grow(len(text) + 256)
	for {
		before, rest, found := strings.Cut(text, string(markStart))
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, string(markEnd))
		value, known := values[name]
		if !closed || !known {
			return "", fmt.Errorf("notify: no value for the mark %q", name)
		}
		out.WriteString(escape(value))
		text = after
	}
}

func plain(s string) string { return s }

func escapeHTML(s string) string { return html.EscapeString(s) }

// merged is a message's texts with the recipient's values in place.
type merged struct{ subject, text, html string }

func (r *Rendering) merge(fields json.RawMessage, own map[string]string) (m merged, err error) {
	values := map[string]string{}
	if err := json.Unmarshal(fields, &values); err != nil {
		return m, fmt.Errorf("notify: merge values: %w", err)
	}
	for k, v := range own {
		values[k] = v
	}
	if m.subject, err = fill(r.Subject, values, plain); err != nil {
		return m, err
	}
	if m.text, err = fill(r.BodyText, values, plain); err != nil {
		return m, err
	}
	m.html, err = fill(r.BodyHTML, values, escapeHTML)
	return m, err
}
