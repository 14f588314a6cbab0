package apiv1

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// field is a field of a body, or a parameter, in words.
type field struct {
	Name, Type, In string
	Required       bool
	Text           text
	Facts          []string // what its value must be, in the reader's language
	Fields         []field  // of the object, or of the list's objects, where they have no name
	Shape          string   // the object's name: it is told once, at the page's end
}

// shape is a named object that a page's operations speak of.
type shape struct {
	Name   string
	Text   text
	Fields []field
}

// shapes are the objects that were mentioned while the page's operations were drawn, and those that
// they mention in turn, by name.
func (w *drawer) shapes() []shape {
	var out []shape
	for i := 0; i < len(w.mentioned); i++ { // drawing one may mention others
		ref := &huma.Schema{Ref: w.mentioned[i]}
		out = append(out, shape{baseName(ref.Ref), textOf(w.resolve(ref).Description), w.inner(ref, nil)})
	}
	slices.SortFunc(out, func(a, b shape) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// named is the reference to the object, or to the list's objects, where they have a name.
func (w *drawer) named(s *huma.Schema) string {
	full := w.resolve(s)
	of, isMap := full.AdditionalProperties.(*huma.Schema)
	switch {
	case full.Items != nil:
		return w.named(full.Items)
	case isMap && len(full.Properties) == 0:
		return w.named(of)
	case len(full.Properties) > 0:
		return s.Ref
	default:
		return ""
	}
}

// deepestShown is where a schema is cut that goes on and on without repeating itself.
const deepestShown = 8

// resolve follows a reference.
func (w *drawer) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = w.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return &huma.Schema{}
	}
	return s
}

// inner are the fields of an object, of a list's objects, or of each alternative. above are the
// references on the way here: an object within itself is not shown again.
func (w *drawer) inner(s *huma.Schema, above []string) []field {
	if s.Ref != "" {
		if slices.Contains(above, s.Ref) || len(above) >= deepestShown {
			return nil
		}
		above = append(slices.Clip(above), s.Ref)
	}
	full := w.resolve(s)
	if full.Items != nil {
		return w.inner(full.Items, above)
	}
	if of, ok := full.AdditionalProperties.(*huma.Schema); ok && len(full.Properties) == 0 {
		return w.inner(of, above)
	}
	var out []field
	for _, part := range full.AllOf {
		out = append(out, w.inner(part, above)...)
	}
	for _, name := range w.order(s.Ref, full) {
		f := w.field(name, full.Properties[name], above)
		f.Required = slices.Contains(full.Required, name)
		out = append(out, f)
	}
	for _, choice := range alternatives(full) {
		if fields := w.inner(choice, above); len(fields) > 0 {
			out = append(out, field{Name: cmp.Or(w.resolve(choice).Title, baseName(choice.Ref), "…"), Type: w.typeName(choice), Fields: fields})
		}
	}
	return out
}

func alternatives(s *huma.Schema) []*huma.Schema { return slices.Concat(s.OneOf, s.AnyOf) }

// order is that of the type's fields, where the schema was made from a type.
func (w *drawer) order(ref string, s *huma.Schema) []string {
	names := slices.Sorted(maps.Keys(s.Properties))
	if ref == "" {
		return names
	}
	t := w.doc.Components.Schemas.TypeFromRef(ref)
	if t == nil {
		t = w.doc.Components.Schemas.TypeFromRef(strings.TrimSuffix(ref, "Part"))
	}
	if t == nil {
		return names
	}
	wanted := jsonNames(t)
	place := func(name string) int {
		if at := slices.Index(wanted, name); at >= 0 {
			return at
		}
		return len(wanted)
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}

func (w *drawer) field(name string, s *huma.Schema, above []string) field {
	full := w.resolve(s)
	f := field{Name: name, Type: w.typeName(s), Text: textOf(cmp.Or(s.Description, full.Description))}
	if ref := w.named(s); ref != "" {
		f.Shape = baseName(ref)
		if !slices.Contains(w.mentioned, ref) {
			w.mentioned = append(w.mentioned, ref)
		}
	} else {
		f.Fields = w.inner(s, above)
	}
	f.Facts = w.facts(full)
	if full.Items != nil {
		f.Facts = append(f.Facts, w.facts(w.resolve(full.Items))...)
	}
	return f
}

func baseName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// typeName is what JSON Schema calls it.
func (w *drawer) typeName(s *huma.Schema) string {
	full := w.resolve(s)
	name := full.Type
	switch {
	case full.Items != nil:
		name = "array of " + w.typeName(full.Items)
	case len(alternatives(full)) > 0:
		var names []string
		for _, choice := range alternatives(full) {
			names = append(names, w.typeName(choice))
		}
		name = strings.Join(slices.Compact(names), " or ")
	case full.AdditionalProperties != nil && len(full.Properties) == 0:
		if of, ok := full.AdditionalProperties.(*huma.Schema); ok {
			name = "object of " + w.typeName(of)
		}
	}
	if full.Format != "" && full.Format != "int64" && full.Format != "int32" && full.Format != "double" {
		name += " (" + full.Format + ")"
	}
	if full.Nullable {
		name += " or null"
	}
	return cmp.Or(name, "any")
}

// facts say what a value must be.
func (w *drawer) facts(s *huma.Schema) []string {
	var out []string
	say := func(key string, pairs ...any) { out = append(out, w.site.pages.T(w.lang, "docs.fact."+key, pairs...)) }
	if len(s.Enum) > 0 {
		say("enum", "Values", strings.Join(texts(s.Enum), ", "))
	}
	for _, limit := range []struct {
		key   string
		value *int
	}{{"min_length", s.MinLength}, {"max_length", s.MaxLength}, {"min_items", s.MinItems}, {"max_items", s.MaxItems}} {
		if limit.value != nil {
			say(limit.key, "Limit", *limit.value)
		}
	}
	if s.Minimum != nil {
		say("minimum", "Limit", fmt.Sprint(*s.Minimum))
	}
	if s.Maximum != nil {
		say("maximum", "Limit", fmt.Sprint(*s.Maximum))
	}
	if s.Pattern != "" {
		say("pattern", "Pattern", s.Pattern)
	}
	if s.Default != nil {
		say("default", "Value", fmt.Sprint(s.Default))
	}
	return out
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}
