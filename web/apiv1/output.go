package apiv1

import (
	"strconv"
	"strings"
)

// One answers with one thing. ETag holds its version where it can be edited; the gate adds the
// digest of the body.
type One[T any] struct {
	ETag string `header:"ETag" doc:"The thing's version and a digest of this answer. If-Match takes it, or the version alone in quotes."`
	Body T
}

// Plain answers with something that isn't edited.
type Plain[T any] struct{ Body T }

// Created answers with one thing that was made.
type Created[T any] struct {
	Location string `header:"Location" doc:"Where it is."`
	ETag     string `header:"ETag" doc:"Its version, for If-Match."`
	Body     T
}

// Done answers that something was done, with nothing more to say.
type Done struct{}

// Page answers with a part of a list.
type Page[T any] struct {
	Link string `header:"Link" doc:"The next page (RFC 8288), where there is one."`
	Body Items[T]
}

// Items is a part of a list.
type Items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"Give it as after to get the next page; empty on the last."`
}

// Example shows a page with one entry.
func (Items[T]) Example() any {
	e := exampleOf[T]()
	if e == nil {
		return nil
	}
	return map[string]any{"items": []any{e}, "next": ""}
}

// List answers with a list that is always short.
type List[T any] struct{ Body Whole[T] }

// Whole is a whole list.
type Whole[T any] struct {
	Items []T `json:"items"`
}

// Example shows a list with one entry.
func (Whole[T]) Example() any {
	e := exampleOf[T]()
	if e == nil {
		return nil
	}
	return map[string]any{"items": []any{e}}
}

func all[T any](items []T) *List[T] { return &List[T]{Whole[T]{listOf(items)}} }

// one answers with a thing at a version of the optimistic lock.
func one[T any](version int, body T) *One[T] { return &One[T]{versionTag(version), body} }

func plain[T any](body T) *Plain[T] { return &Plain[T]{body} }

// made answers with a new thing; path is below Prefix.
func made[T any](path string, version int, body T) *Created[T] {
	return &Created[T]{Prefix + path, versionTag(version), body}
}

func versionTag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// PageQuery asks for a part of a list. Embed it in the input.
type PageQuery struct {
	After string `query:"after" maxLength:"4000" doc:"next of the page before: this page begins behind it, whatever came or went meanwhile."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many entries."`
}

// FieldsQuery asks for some fields of a list's entries only. Embed it in the input, and answer with
// Page[Part[T]] made by page.
type FieldsQuery struct {
	Fields string `query:"fields" maxLength:"2000" example:"id,name" doc:"Names of fields, separated by commas: entries have these only. Without it they have all."`
}

func (q FieldsQuery) names() []string {
	var out []string
	for name := range strings.SplitSeq(q.Fields, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
