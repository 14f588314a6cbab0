package apiv1

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/fault"
)

// Deviations are a part of a term sheet, as a JSON merge patch (RFC 7396). They stay as they were
// written: no Go struct tells null, which takes a part away, from what isn't mentioned.
type Deviations []byte

// Schema is that of a sheet of which every part may be absent or null.
func (Deviations) Schema(r huma.Registry) *huma.Schema {
	const name = "TermDeviations"
	if _, ok := r.Map()[name]; !ok {
		patch := patchOf(r, r.Schema(reflect.TypeFor[TermSheet](), false, ""))
		patch.Nullable = false
		patch.Description = "A part of a term sheet, as a JSON merge patch (RFC 7396)."
		patch.PrecomputeMessages()
		r.Map()[name] = patch
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// patchOf is the schema of what a merge patch says of a value: each member may be left out or null,
// but lists are replaced as a whole.
func patchOf(r huma.Registry, s *huma.Schema) *huma.Schema {
	out := *s
	if s.Ref != "" {
		out = *r.SchemaFromRef(s.Ref)
		if s.Description != "" {
			out.Description = s.Description
		}
	}
	out.Nullable, out.Required = true, nil
	if out.Enum = slices.Clone(out.Enum); len(out.Enum) > 0 {
		out.Enum = append(out.Enum, nil)
	}
	if s := out.Properties; s != nil {
		out.Properties = make(map[string]*huma.Schema, len(s))
		for name, property := range s {
			out.Properties[name] = patchOf(r, property)
		}
	}
	return &out
}

// MarshalJSON writes the patch as it was read; {} where there is none.
func (d Deviations) MarshalJSON() ([]byte, error) {
	if len(d) == 0 {
		return []byte("{}"), nil
	}
	return d, nil
}

// UnmarshalJSON keeps the patch; null is none.
func (d *Deviations) UnmarshalJSON(raw []byte) error {
	if *d = bytes.Clone(raw); string(raw) == "null" {
		*d = nil
	}
	return nil
}

// placed puts faults at the places that they have in the body. Errors that are no faults pass
// unchanged.
func placed(err error, place func(field string) string) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	out := make(fault.List, len(list))
	for i, f := range list {
		dup := *f
		dup.Field = place(f.Field)
		out[i] = &dup
	}
	return out
}

// under is placed for an object in the body: every field is one of its own, but for those named, which
// are the body's.
func under(object string, err error, own ...string) error {
	return placed(err, func(field string) string {
		if field == "" || slices.Contains(own, field) {
			return field
		}
		return object + "." + field
	})
}
