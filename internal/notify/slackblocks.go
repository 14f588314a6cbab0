package notify

import (
	"strings"

	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/vendors"
)

// block is one of Slack's Block Kit, as far as notices use it.
type block struct {
	Type     string    `json:"type"`
	Text     *text     `json:"text,omitempty"`
	Fields   []text    `json:"fields,omitempty"`
	Elements []element `json:"elements,omitempty"`
}

type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"` // Slack turns no bare address or name into a link
}

// element is a button, or a text of a context.
type element struct {
	Type     string `json:"type"`
	Text     any    `json:"text"` // of a button an object, of a context's text a string
	URL      string `json:"url,omitempty"`
	ActionID string `json:"action_id,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

// What people typed gets so much room in one section, in characters before they are escaped: a
// button leads to all of it.
const (
	longText  = 1500
	fieldText = 300
)

// slackBlocks are the message for one language and audience. Marks are filled with escaped values.
func (c *content) slackBlocks(l locale.Lang, audience Audience) []block {
	v, said := c.view(l, audience), sentencesOf(l)
	blocks := []block{{Type: "header", Text: &text{Type: "plain_text", Text: ellipsis(v.Title, slack.MaxHeaderText)}}}
	if v.Fictitious {
		blocks = append(blocks, contextOf("_"+said.demo+"_"))
	}
	blocks = append(blocks, section(slack.Escape(ellipsis(c.summary(l), longText))))
	switch {
	case c.kind == Withdrawal:
		blocks = append(blocks, section(bold(said.labels["why"])+"\n"+typed(v.WithdrawnReason, longText)), section(said.nothingToDo))
	case audience == ContractAudience:
		blocks = append(blocks, section(ownDates(said)), section(mark("silence")+"\n"+said.counted))
	default:
		blocks = append(blocks, section(said.followers))
	}
	blocks = append(blocks, block{Type: "section", Fields: c.slackFields(l, v)})
	if c.kind == Announcement {
		blocks = append(blocks, section(bold(said.labels["why"])+"\n"+typed(v.Reason, longText)))
		if v.Safeguards != "" {
			blocks = append(blocks, section(bold(said.labels["safeguards"])+"\n"+typed(v.Safeguards, longText)))
		}
		if audience == ContractAudience {
			blocks = append(blocks, section(bold(mark("how_title"))+"\n"+mark("how")), section(said.follow))
		}
	}
	return append(blocks, buttons(v, said), footer(v, said))
}

// ownDates are the customer's own, the deadline first.
func ownDates(said *sentences) string {
	return strings.Join([]string{
		bold(mark("answer")) + ": " + mark("objection"),
		bold(said.labels["effective"]) + ": " + mark("effective"),
		bold(said.labels["customer"]) + ": " + mark("customer"),
		bold(said.labels["to"]) + ": " + mark("addressee"),
		bold(said.labels["clause"]) + ": " + mark("clause"),
		bold(said.labels["authorisation"]) + ": " + mark("authorisation"),
	}, "\n")
}

// slackFields are the facts at a glance; the button leads to all of them.
func (c *content) slackFields(l locale.Lang, v *view) []text {
	w, said := wordsOf(l), sentencesOf(l)
	fields := []text{}
	add := func(label string, values ...string) {
		fields = append(fields, mrkdwn(bold(label)+"\n"+typed(strings.Join(values, ", "), fieldText)))
	}
	add(said.labels["kind"], v.KindName)
	add(w.labels["vendor"], joinNonEmpty(", ", c.entry.LegalName, locale.Country(l, c.entry.Country)))
	if c.change.Kind == changes.Replacement {
		add(said.labels["replaces"], v.ReplacedName)
	}
	add(w.labels["purpose"], c.entry.Purpose)
	add(said.labels["countries"], orNone(w, countriesOf(l, c.entry))...)
	add(w.labels["products"], orAll(w, productNames(c.entry.Products))...)
	add(w.labels["data"], orNone(w, c.entry.DataCategories)...)
	if len(c.entry.SpecialCategories) > 0 {
		add(w.labels["special"], specialNames(w, c.entry.SpecialCategories)...)
	}
	return fields
}

func countriesOf(l locale.Lang, e *vendors.Entry) (out []string) {
	for i := range e.Locations {
		out = append(out, locationLine(l, &e.Locations[i]))
	}
	return out
}

// buttons only link: they need no answer from us.
func buttons(v *view, said *sentences) block {
	button := func(label, url, id string) element {
		return element{Type: "button", Text: text{Type: "plain_text", Text: label}, URL: url, ActionID: id}
	}
	return block{Type: "actions", Elements: []element{button(said.labels["read"], v.ChangeURL, "read"), button(said.labels["list"], v.ListURL, "list")}}
}

func footer(v *view, said *sentences) block {
	parts := []string{typed(v.PublisherName, fieldText), said.labels["reference"] + " " + v.Reference, slack.Escape(v.ContactEmail), said.labels["text"] + " " + v.TemplateVersion}
	if v.Audience == FollowerAudience {
		parts = append(parts, "<"+mark("unsubscribe_url")+"|"+said.labels["stop"]+">")
	}
	return contextOf(strings.Join(parts, " · "))
}

// slackText is the message for who sees no blocks: a notification, a screen reader.
func (c *content) slackText(l locale.Lang, audience Audience) string {
	v, said := c.view(l, audience), sentencesOf(l)
	parts := []string{v.Title}
	switch {
	case c.kind == Withdrawal:
		parts = append(parts, said.nothingToDo)
	case audience == ContractAudience:
		parts = append(parts, mark("customer")+".", mark("answer")+": "+mark("objection")+".", mark("silence"))
	}
	return strings.Join(append(parts, v.ChangeURL), "\n")
}

func section(s string) block { t := mrkdwn(s); return block{Type: "section", Text: &t} }

func contextOf(s string) block {
	return block{Type: "context", Elements: []element{{Type: "mrkdwn", Text: s, Verbatim: true}}}
}

func mrkdwn(s string) text { return text{Type: "mrkdwn", Text: s, Verbatim: true} }

func bold(s string) string { return "*" + s + "*" }

// typed is what people typed, cut and made harmless.
func typed(s string, limit int) string { return slack.Escape(ellipsis(s, limit)) }

// ellipsis cuts a text to so many characters, counted as UTF-16 units as Slack may.
func ellipsis(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
		if n >= limit && i+len(string(r)) < len(s) {
			return strings.TrimRight(s[:i], " \n") + "…"
		}
	}
	return s
}
