package apiv1

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/calendar"
)

// QueryDay is a day in a query; the zero one was not given.
type QueryDay struct{ calendar.Date }

// Schema is huma's question for the type's schema.
func (QueryDay) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Examples: []any{"2026-11-22"}}
}

// QueryBool is a truth value in a query that may be absent.
type QueryBool struct {
	Value bool
	given bool
}

// Schema is huma's question for the type's schema.
func (QueryBool) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }

// Receiver is where huma puts the value.
func (b *QueryBool) Receiver() reflect.Value { return reflect.ValueOf(b).Elem().Field(0) }

// OnParamSet is told that there was one.
func (b *QueryBool) OnParamSet(isSet bool, _ any) { b.given = isSet }

// pointer is nil when the value wasn't given.
func (b *QueryBool) pointer() *bool {
	if !b.given {
		return nil
	}
	return &b.Value
}
