package apiv1

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/fault"
)

// Part is an entry of a list of which only the fields asked for are there.
type Part[T any] struct {
	whole  T
	fields []string // none: all
}

// Schema is that of the whole, with nothing required. The whole stays in the document only where an
// operation shows it.
func (Part[T]) Schema(r huma.Registry) *huma.Schema {
	t, known := reflect.TypeFor[T](), maps.Clone(r.Map())
	whole := r.Schema(t, true, t.Name())
	wholeName := strings.TrimPrefix(whole.Ref, schemas)
	name := wholeName + "Part"
	if _, ok := known[name]; !ok {
		part := *r.SchemaFromRef(whole.Ref)
		part.Required = nil
		part.Extensions = map[string]any{requiredOfWhole: r.SchemaFromRef(whole.Ref).Required}
		part.Description = strings.TrimSpace(part.Description + " Fields that were not asked for are absent.")
		r.Map()[name] = &part
	}
	if _, ok := known[wholeName]; !ok {
		delete(r.Map(), wholeName)
	}
	return &huma.Schema{Ref: schemas + name}
}

// requiredOfWhole names, in the schema of a part, the fields that are there when all were asked for.
const requiredOfWhole = "x-required-of-whole"

const schemas = "#/components/schemas/"

// Example is the whole's.
func (Part[T]) Example() any { return exampleOf[T]() }

// MarshalJSON writes the fields asked for.
func (p Part[T]) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal(p.whole)
	if err != nil || len(p.fields) == 0 {
		return raw, err
	}
	has, out := map[string]json.RawMessage{}, make(map[string]json.RawMessage, len(p.fields))
	if err := json.Unmarshal(raw, &has); err != nil {
		return nil, err
	}
	for _, name := range p.fields {
		if value, ok := has[name]; ok { // one that is omitted while empty isn't there
			out[name] = value
		}
	}
	return json.Marshal(out)
}

// page answers with a page whose entries have the fields asked for. A field that they don't have is a
// fault at fields. The request's own address gives the link to the next page.
func page[T any](ctx context.Context, q FieldsQuery, items []T, next string) (*Page[Part[T]], error) {
	fields, err := q.of(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	parts := make([]Part[T], len(items))
	for i := range items {
		parts[i] = Part[T]{items[i], fields}
	}
	return &Page[Part[T]]{nextLink(ctx, next), Items[Part[T]]{parts, next}}, nil
}

// pageOf answers with a page of whole entries.
func pageOf[T any](ctx context.Context, items []T, next string) *Page[T] {
	return &Page[T]{nextLink(ctx, next), Items[T]{listOf(items), next}}
}

// of are the names asked for, which must be fields of the type.
func (q FieldsQuery) of(t reflect.Type) ([]string, error) {
	names := q.names()
	if len(names) == 0 {
		return nil, nil
	}
	allowed := jsonNames(t)
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			return nil, fault.Field("fields", "fields.unknown", fault.Args{"Name": name, "Names": strings.Join(allowed, ", ")})
		}
	}
	return names, nil
}

// jsonNames are the names of a struct's fields in JSON, those of embedded structs among them.
func jsonNames(t reflect.Type) []string {
	var out []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "-" && name != "" {
			out = append(out, name)
		}
	}
	return out
}

func nextLink(ctx context.Context, next string) string {
	c := ginOf(ctx)
	if next == "" || c == nil {
		return ""
	}
	q := c.Request.URL.Query()
	q.Set("after", next)
	target := url.URL{Path: c.Request.URL.Path, RawQuery: q.Encode()}
	return "<" + target.String() + `>; rel="next"`
}
