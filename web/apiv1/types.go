package apiv1

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
)

// Day is a day of the calendar in JSON: "2026-11-22", or null where there is none.
type Day struct{ calendar.Date }

// Schema is huma's question for the type's schema.
func (Day) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Nullable: true, Examples: []any{"2026-11-22"}}
}

// MarshalJSON writes the day, or null.
func (d Day) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads what MarshalJSON writes; "" is no day, too.
func (d *Day) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" || string(raw) == `""` {
		*d = Day{}
		return nil
	}
	return json.Unmarshal(raw, &d.Date)
}

// uuidShape is the schema of every UUID.
type uuidShape struct{}

func (uuidShape) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid", Examples: []any{"0199aa00-0000-7000-8000-000000000001"}}
}

// aliases are types of others whose schemas are ours.
func aliases(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[uuid.UUID](), reflect.TypeFor[uuidShape]())
}

// exampler is a body type: each shows what it looks like, in the document.
type exampler interface{ Example() any }

func exampleOf[T any]() any { return exampleOfType(reflect.TypeFor[T]()) }

// exampleOfType is nil when the type has none.
func exampleOfType(t reflect.Type) any {
	if e, ok := reflect.Zero(t).Interface().(exampler); ok {
		return e.Example()
	}
	return nil
}

// listOf is a list that is never null in JSON.
func listOf[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// mapped turns a list of the domain's into one of ours, never nil.
func mapped[A, B any](list []A, to func(*A) B) []B {
	out := make([]B, len(list))
	for i := range list {
		out[i] = to(&list[i])
	}
	return out
}

// Named is the input of an operation on one thing.
type Named struct {
	ID uuid.UUID `path:"id"`
}

// Edited is the input of an edit of one thing.
type Edited struct {
	Named
	Match
}
