package ledger

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// Edit is the body of an entry that records an edit: the version it led to and, field by field,
// what it changed.
type Edit struct {
	Version int               `json:"version"`
	Changed map[string][2]any `json:"changed"`
	Note    string            `json:"note,omitempty"`
}

// Diff compares two values of one struct type by their JSON forms and returns the fields that
// differ, each with its value before and after.
func Diff(before, after any) (map[string][2]any, error) {
	b, err := asMap(before)
	if err != nil {
		return nil, err
	}
	a, err := asMap(after)
	if err != nil {
		return nil, err
	}
	out := map[string][2]any{}
	for k := range a {
		if !reflect.DeepEqual(b[k], a[k]) {
			out[k] = [2]any{b[k], a[k]}
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out[k] = [2]any{b[k], nil}
		}
	}
	return out, nil
}

func asMap(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("ledger: compare: %w", err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("ledger: compare: %w", err)
	}
	return out, nil
}

// AppendEdit records an edit of a subject that led to version, with what changed.
func AppendEdit(tx *database.Tx, who actor.Actor, kind string, subject Subject, version int, before, after any, note string) error {
	changed, err := Diff(before, after)
	if err != nil {
		return err
	}
	return Append(tx, Entry{Kind: kind, Actor: who, Subject: subject, Body: Edit{Version: version, Changed: changed, Note: note}})
}

// Overtaken is the fault for an edit that was based on an older version than the present one: it
// names who changed the subject meanwhile and which fields, read from the record. Nothing is
// overwritten.
func Overtaken(tx *database.Tx, subject Subject, basedOn int) error {
	type row struct {
		Name string
		Body json.RawMessage
	}
	rows, err := database.Rows[row](tx, `
		select coalesce(a.name, '') as name, b.body
		from ledger_entries e join ledger_bodies b using (seq) left join accounts a on a.id = e.actor_id
		where e.subject_id = $1 and (b.body->>'version')::int > $2 order by e.seq`, subject.ID, basedOn)
	if err != nil {
		return fmt.Errorf("ledger: what changed meanwhile: %w", err)
	}
	var who, fields []string
	for _, r := range rows {
		var e Edit
		if err := json.Unmarshal(r.Body, &e); err != nil {
			return fmt.Errorf("ledger: what changed meanwhile: %w", err)
		}
		if r.Name != "" && !slices.Contains(who, r.Name) {
			who = append(who, r.Name)
		}
		for f := range e.Changed {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
	}
	sort.Strings(fields)
	return &fault.Error{Kind: fault.Conflict, Code: "changed_meanwhile",
		Args: fault.Args{"Who": strings.Join(who, ", "), "What": fields}}
}

// SubjectOf is shorthand.
func SubjectOf(kind string, id uuid.UUID) Subject { return Subject{Kind: kind, ID: id} }
