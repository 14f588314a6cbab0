package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// Slack's limits on a message (docs.slack.dev: reference/block-kit and reference/methods/chat.postMessage).
// Lengths are in characters. Slack doesn't say which; they are counted here as UTF-16 units of the text
// as it is sent, entities and all, which is never fewer than Slack may count.
const (
	MaxText            = 40_000 // the fallback; Slack cuts what is longer
	RecommendedText    = 4_000  // of the fallback
	MaxBlocks          = 50
	MaxBlockID         = 255
	MaxSectionText     = 3_000
	MaxFields          = 10
	MaxFieldText       = 2_000
	MaxHeaderText      = 150
	MaxContextElements = 10
	MaxContextText     = 3_000
	MaxActionElements  = 25
	MaxButtonText      = 75
	MaxButtonValue     = 2_000
	MaxActionID        = 255
	MaxURL             = 3_000
	MaxAltText         = 2_000
	MaxImageTitle      = 2_000
)

// Check reports the first breach of Block Kit's limits in an array of blocks, naming the block, counted
// from 1, and the limit. It knows the blocks that a notice may use: section, header, context, actions
// with buttons, image and divider. Others are refused, because their limits are not checked.
func Check(blocks json.RawMessage) error {
	_, err := walk(blocks, false)
	return err
}

// Fit shortens the texts that are too long, with an ellipsis and never inside an entity or a link, and
// then checks as [Check] does. A URL or a list that is too long is an error: cutting it would lose
// something. Blocks that fit come back byte for byte.
func Fit(blocks json.RawMessage) (json.RawMessage, error) {
	fitted, err := walk(blocks, true)
	if err != nil {
		return nil, err
	}
	return fitted, nil
}

type object = map[string]any

// walker goes through blocks and keeps the first breach.
type walker struct {
	fit     bool // shorten instead of complaining
	changed bool
	err     error
	ids     map[string]bool
	number  int
	kind    string
}

func walk(raw json.RawMessage, fit bool) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var blocks []object
	if err := decoder.Decode(&blocks); err != nil {
		return nil, fmt.Errorf("blocks are not an array of objects: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("blocks are followed by something else")
	}
	if len(blocks) < 1 || len(blocks) > MaxBlocks {
		return nil, fmt.Errorf("%d blocks: Slack takes 1 to %d", len(blocks), MaxBlocks)
	}
	w := walker{fit: fit, ids: map[string]bool{}}
	for i, b := range blocks {
		w.number = i + 1
		w.kind, _ = b["type"].(string)
		w.block(b)
		if w.err != nil {
			return nil, w.err
		}
	}
	if !w.changed {
		return raw, nil
	}
	return marshal(blocks)
}

// fail keeps the first breach.
func (w *walker) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("block %d (%s): %s", w.number, w.kind, fmt.Sprintf(format, args...))
	}
}

func (w *walker) block(b object) {
	if id, ok := b["block_id"].(string); ok {
		w.bounded("block_id", id, MaxBlockID)
		if w.ids[id] {
			w.fail("block_id %q is used twice", id)
		}
		w.ids[id] = true
	}
	switch w.kind {
	case "section":
		w.section(b)
	case "header":
		w.text(b, "text", MaxHeaderText, "plain_text")
	case "context":
		w.context(b)
	case "actions":
		for _, e := range w.list(b, "elements", MaxActionElements) {
			w.button(e)
		}
	case "image":
		w.image(b)
		if b["title"] != nil {
			w.text(b, "title", MaxImageTitle, "plain_text")
		}
	case "divider":
	default:
		w.fail("a notice has no such block")
	}
}

func (w *walker) section(b object) {
	if b["text"] == nil && b["fields"] == nil {
		w.fail("it has neither text nor fields")
	}
	if b["text"] != nil {
		w.text(b, "text", MaxSectionText, "")
	}
	if b["fields"] != nil {
		for _, field := range w.list(b, "fields", MaxFields) {
			w.textOf(field, "field", MaxFieldText, "")
		}
	}
	switch accessory := b["accessory"].(type) {
	case nil:
	case object:
		w.element(accessory)
	default:
		w.fail("accessory is not an object")
	}
}

func (w *walker) context(b object) {
	for _, e := range w.list(b, "elements", MaxContextElements) {
		if e["type"] == "image" {
			w.image(e)
		} else {
			w.textOf(e, "element", MaxContextText, "")
		}
	}
}

func (w *walker) element(e object) {
	if e["type"] == "image" {
		w.image(e)
		return
	}
	w.button(e)
}

func (w *walker) button(b object) {
	if b["type"] != "button" {
		w.fail("a notice has no element of type %v", b["type"])
		return
	}
	w.text(b, "text", MaxButtonText, "plain_text")
	for _, own := range []struct {
		key string
		max int
	}{{"url", MaxURL}, {"value", MaxButtonValue}, {"action_id", MaxActionID}} {
		if s, ok := b[own.key].(string); ok {
			w.bounded("button's "+own.key, s, own.max)
		}
	}
}

func (w *walker) image(b object) {
	address, _ := b["image_url"].(string)
	alt, _ := b["alt_text"].(string)
	w.bounded("image_url", address, MaxURL)
	w.bounded("alt_text", alt, MaxAltText)
}

// list takes the objects under a key, at least one and at most limit.
func (w *walker) list(b object, key string, limit int) []object {
	items, _ := b[key].([]any)
	if len(items) == 0 || len(items) > limit {
		w.fail("%d %s: Slack takes 1 to %d", len(items), key, limit)
		return nil
	}
	out := make([]object, 0, len(items))
	for _, item := range items {
		o, ok := item.(object)
		if !ok {
			w.fail("%s are not objects", key)
			return nil
		}
		out = append(out, o)
	}
	return out
}

// text is a text object under a key; kind, unless empty, is the only type it may have.
func (w *walker) text(b object, key string, limit int, kind string) {
	o, ok := b[key].(object)
	if !ok {
		w.fail("%s is not a text object", key)
		return
	}
	w.textOf(o, key, limit, kind)
}

func (w *walker) textOf(o object, name string, limit int, kind string) {
	s, _ := o["text"].(string)
	switch {
	case o["type"] != "plain_text" && (o["type"] != "mrkdwn" || kind != ""):
		w.fail("%s can't be of type %v", name, o["type"])
	case w.fit && length(s) > limit:
		o["text"], w.changed = shorten(s, limit, o["type"] == "mrkdwn"), true
	default:
		w.bounded(name, s, limit)
	}
}

func (w *walker) bounded(name, s string, limit int) {
	if n := length(s); n < 1 || n > limit {
		w.fail("%s has %d characters: Slack takes 1 to %d", name, n, limit)
	}
}

// length counts UTF-16 units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// shorten cuts s to at most limit characters, the last of them an ellipsis. It doesn't cut mrkdwn
// inside an entity (&amp;) or a link (<https://…|…>), which would show as garbage.
func shorten(s string, limit int, mrkdwn bool) string {
	if length(s) <= limit {
		return s
	}
	n, end := 1, 0
	for i, r := range s {
		n += max(utf16.RuneLen(r), 1)
		if n > limit {
			end = i
			break
		}
	}
	s = s[:end]
	if mrkdwn {
		s = whole(s)
	}
	return strings.TrimRight(s, " \n") + "…"
}

// whole takes off a link or an entity that was cut in two.
func whole(s string) string {
	if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
		s = s[:open]
	}
	if open := strings.LastIndexByte(s, '&'); open >= 0 && open > len(s)-len("&amp;") && !strings.Contains(s[open:], ";") {
		s = s[:open]
	}
	return s
}

// marshal is json.Marshal without the escapes for HTML, which only make it longer.
func marshal(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
