package subscribers

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fairnotice/internal/fault"
)

// maxSheet is the size of a sheet's JSON form, in bytes; the fullest real one has about 2,000.
const maxSheet = 64 << 10

// ParseTermSheet reads a whole sheet from JSON, strictly: a field that isn't one of a sheet's,
// or not spelt exactly as it is, is a fault at that field. The result is valid.
func ParseTermSheet(raw []byte) (TermSheet, error) { return Merge(TermSheet{}, raw) }

// Merge lays a customer's deviations over a template's sheet. Deviations are a part of a sheet in
// JSON, merged as RFC 7396 (JSON merge patch) says: what they don't mention stays as the template
// has it, and null takes a field away. Empty deviations are none. The result is valid.
func Merge(template TermSheet, deviations []byte) (TermSheet, error) {
	patch, err := parseObject(deviations)
	if err != nil {
		return TermSheet{}, err
	}
	var c fault.Check
	checkShape(&c, "", reflect.TypeFor[TermSheet](), patch)
	if err := c.Err(); err != nil {
		return TermSheet{}, err
	}
	base, err := toObject(template)
	if err != nil {
		return TermSheet{}, err
	}
	merged, err := json.Marshal(applyPatch(base, patch))
	if err != nil {
		return TermSheet{}, err
	}
	var out TermSheet
	if err := json.Unmarshal(merged, &out); err != nil {
		return TermSheet{}, fault.Field("deviations", "terms.json_malformed", nil)
	}
	if err := out.Validate(); err != nil {
		return TermSheet{}, err
	}
	return out, nil
}

func parseObject(raw []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return map[string]any{}, nil
	}
	if !utf8.Valid(raw) {
		return nil, fault.Field("deviations", "utf8", nil)
	}
	if len(raw) > maxSheet {
		return nil, fault.Field("deviations", "too_long", fault.Args{"Max": maxSheet})
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil || out == nil {
		return nil, fault.Field("deviations", "terms.json_malformed", nil)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.Field("deviations", "terms.json_malformed", nil)
	}
	return out, nil
}

func toObject(sheet TermSheet) (map[string]any, error) {
	raw, err := json.Marshal(sheet)
	if err != nil {
		return nil, err
	}
	return parseObject(raw)
}

// applyPatch is RFC 7396, section 2.
func applyPatch(target, patch map[string]any) map[string]any {
	out := maps.Clone(target)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(out, k)
		case map[string]any:
			inner, _ := out[k].(map[string]any)
			out[k] = applyPatch(inner, v)
		default:
			out[k] = v
		}
	}
	return out
}

// checkShape compares a JSON value with the Go type that it is meant for, and notes a fault for
// every field that the type doesn't have and every value that can't be one of its own.
// encoding/json alone would take "Notice" for "notice", and say of the rest only the first.
func checkShape(c *fault.Check, at string, t reflect.Type, value any) {
	if value == nil {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, text := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	switch {
	case t.Kind() == reflect.Struct && !text:
		checkStruct(c, at, t, value)
	case t.Kind() == reflect.Map:
		eachMember(c, at, value, func(key string, v any) { checkShape(c, join(at, key), t.Elem(), v) })
	case t.Kind() == reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			c.Add(at, "terms.value_malformed", nil)
		}
		for i, v := range list {
			checkShape(c, item(at, i), t.Elem(), v)
		}
	default:
		raw, err := json.Marshal(value)
		if err != nil || json.Unmarshal(raw, reflect.New(t).Interface()) != nil {
			c.Add(at, "terms.value_malformed", nil)
		}
	}
}

func checkStruct(c *fault.Check, at string, t reflect.Type, value any) {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		fields[name] = t.Field(i).Type
	}
	eachMember(c, at, value, func(key string, v any) {
		field, ok := fields[key]
		if !ok {
			c.Add(join(at, key), "terms.field_unknown", fault.Args{"Value": key})
			return
		}
		checkShape(c, join(at, key), field, v)
	})
}

func eachMember(c *fault.Check, at string, value any, do func(key string, v any)) {
	object, ok := value.(map[string]any)
	if !ok {
		c.Add(at, "terms.value_malformed", nil)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		do(key, object[key])
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func item(at string, i int) string { return at + "." + strconv.Itoa(i) }
