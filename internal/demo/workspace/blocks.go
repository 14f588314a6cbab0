package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What Slack's reference of Block Kit allows, in characters where nothing else is said.
const (
	maxText        = 40_000
	maxBlocks      = 50
	maxHeader      = 150
	maxSection     = 3_000
	maxFields      = 10 // of a section
	maxField       = 2_000
	maxContext     = 10 // elements
	maxActions     = 25 // elements
	maxButton      = 75
	maxButtonURL   = 3_000
	maxButtonValue = 2_000
	maxImageURL    = 3_000
	maxAltText     = 2_000
	maxID          = 255 // block_id, action_id
)

// payload is what is posted, as far as Slack looks at it here.
type payload struct {
	Text   string  `json:"text"`
	Blocks []block `json:"blocks"`
}

// block is a block of one of the kinds that messages have.
type block struct {
	Type      string    `json:"type"`
	BlockID   string    `json:"block_id"`
	Text      *text     `json:"text"`
	Fields    []text    `json:"fields"`
	Elements  []element `json:"elements"`
	Accessory *element  `json:"accessory"`
	ImageURL  string    `json:"image_url"`
	AltText   string    `json:"alt_text"`
}

// text is a text object.
type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// element stands in a context or in actions.
type element struct {
	Type     string   `json:"type"`
	Text     flexText `json:"text"`
	URL      string   `json:"url"`
	Value    string   `json:"value"`
	ActionID string   `json:"action_id"`
	Style    string   `json:"style"`
	ImageURL string   `json:"image_url"`
	AltText  string   `json:"alt_text"`
}

// flexText is a text object on a button, and a plain string in a context's text.
type flexText struct{ text }

func (f *flexText) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &f.Text)
	}
	return json.Unmarshal(raw, &f.text)
}

// check is Slack's word for the payload, and in detail what is wrong with its blocks.
func (p *payload) check() (word string, why []string) {
	switch {
	case p.Text == "" && len(p.Blocks) == 0:
		return "no_text", nil
	case length(p.Text) > maxText:
		return "msg_too_long", nil
	}
	c := &checker{}
	c.most("blocks", len(p.Blocks), maxBlocks)
	seen := map[string]bool{}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		c.at = fmt.Sprintf("blocks/%d (%s)", i, b.Type)
		c.block(b)
		c.most("block_id", length(b.BlockID), maxID)
		c.must(b.BlockID == "" || !seen[b.BlockID], "block_id is there twice")
		seen[b.BlockID] = true
	}
	if len(c.found) > 0 {
		return "invalid_blocks", c.found
	}
	return accepted, nil
}

// checker gathers what is wrong.
type checker struct {
	at    string
	found []string
}

func (c *checker) must(ok bool, wrong string) {
	if !ok {
		c.found = append(c.found, strings.TrimPrefix(c.at+": "+wrong, ": "))
	}
}

func (c *checker) most(what string, n, limit int) {
	c.must(n <= limit, fmt.Sprintf("%s: %d, at most %d", what, n, limit))
}

func (c *checker) block(b *block) {
	switch b.Type {
	case "header":
		c.text("text", b.Text, maxHeader, "plain_text")
	case "section":
		c.section(b)
	case "context":
		c.must(len(b.Elements) > 0, "no elements")
		c.most("elements", len(b.Elements), maxContext)
		for i := range b.Elements {
			c.inContext(&b.Elements[i])
		}
	case "actions":
		c.must(len(b.Elements) > 0, "no elements")
		c.most("elements", len(b.Elements), maxActions)
		for i := range b.Elements {
			c.button(&b.Elements[i])
		}
	case "image":
		c.image(b.ImageURL, b.AltText)
	case "divider":
	default:
		c.must(false, "the demo knows no such type of block")
	}
}

func (c *checker) section(b *block) {
	c.must(b.Text != nil || len(b.Fields) > 0, "neither text nor fields")
	if b.Text != nil {
		c.text("text", b.Text, maxSection, "plain_text", "mrkdwn")
	}
	c.most("fields", len(b.Fields), maxFields)
	for i := range b.Fields {
		c.text(fmt.Sprintf("fields/%d", i), &b.Fields[i], maxField, "plain_text", "mrkdwn")
	}
	if b.Accessory != nil && b.Accessory.Type == "image" {
		c.image(b.Accessory.ImageURL, b.Accessory.AltText)
	} else if b.Accessory != nil {
		c.button(b.Accessory)
	}
}

func (c *checker) text(what string, t *text, limit int, kinds ...string) {
	if t == nil {
		c.must(false, what+": missing")
		return
	}
	c.must(slices.Contains(kinds, t.Type), what+": its type is "+t.Type)
	c.must(t.Text != "", what+": empty")
	c.most(what, length(t.Text), limit)
}

func (c *checker) inContext(e *element) {
	if e.Type == "image" {
		c.image(e.ImageURL, e.AltText)
		return
	}
	c.text("elements", &text{Type: e.Type, Text: e.Text.Text}, maxField, "plain_text", "mrkdwn")
}

func (c *checker) button(e *element) {
	if e.Type != "button" {
		c.must(false, "the demo knows no such element: "+e.Type)
		return
	}
	c.text("button", &e.Text.text, maxButton, "plain_text")
	c.most("button's url", length(e.URL), maxButtonURL)
	c.most("button's value", length(e.Value), maxButtonValue)
	c.most("action_id", length(e.ActionID), maxID)
	c.must(e.Style == "" || e.Style == "primary" || e.Style == "danger", "button's style: "+e.Style)
}

func (c *checker) image(url, alt string) {
	c.must(url != "" && alt != "", "an image needs image_url and alt_text")
	c.most("image_url", length(url), maxImageURL)
	c.most("alt_text", length(alt), maxAltText)
}

func length(s string) int { return utf8.RuneCountInString(s) }
