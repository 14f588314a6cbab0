package notify

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"strings"

	"fairnotice/internal/notify/slack"
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
	return fillWith(text, func(name string) (string, bool) {
		value, known := values[name]
		return escape(value), known
	})
}

// fillWith puts in each marked place what is said of its name; false is a name without a value.
func fillWith(text string, say func(name string) (string, bool)) (string, error) {
	var out strings.Builder
	out.Grow(len(text) + 256)
	for {
		before, rest, found := strings.Cut(text, string(markStart))
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, string(markEnd))
		value, known := say(name)
		if !closed || !known {
			return "", fmt.Errorf("notify: no value for the mark %q", name)
		}
		out.WriteString(value)
		text = after
	}
}

func plain(s string) string { return s }

func escapeHTML(s string) string { return html.EscapeString(s) }

// merged is a message's texts with the recipient's values in place.
type merged struct{ subject, text, html, json string }

func (r *Rendering) merge(fields, own map[string]string) (merged, error) {
	return r.fill(mergeValues(fields, own))
}

// mergeValues are the stored values with the recipient's own.
func mergeValues(fields, own map[string]string) map[string]string {
	values := make(map[string]string, len(fields)+len(own))
	maps.Copy(values, fields)
	maps.Copy(values, own)
	return values
}

func (r *Rendering) fill(values map[string]string) (m merged, err error) {
	if m.subject, err = fill(r.Subject, values, plain); err != nil {
		return m, err
	}
	text, escape := plain, plain
	if r.Channel == ChannelSlack {
		text, escape = oneParagraph, slack.Escape
	}
	if m.text, err = fill(r.BodyText, values, text); err != nil {
		return m, err
	}
	if m.html, err = fill(r.BodyHTML, values, escapeHTML); err != nil {
		return m, err
	}
	if m.json, err = fillJSON(r.BodyJSON, values, escape); err != nil || r.Channel != ChannelSlack {
		return m, err
	}
	fitted, err := slack.Fit(json.RawMessage(m.json))
	m.json = string(fitted)
	return m, err
}

// preview fills the marks that only a message to somebody could fill with what stands for them.
func (r *Rendering) preview(values map[string]string) (*Preview, error) {
	values["unsubscribe_url"] = r.Meta.PublicURL + "/unsubscribe/…"
	m, err := r.fill(values)
	if err != nil {
		return nil, err
	}
	return &Preview{Subject: m.subject, Text: m.text, HTML: m.html, JSON: m.json}, nil
}
