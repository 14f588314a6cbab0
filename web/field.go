package web

import (
	"fmt"
	"slices"
	"strings"

	"fairnotice/internal/locale"
)

// Option is one choice of a select, of radios or of checkboxes.
type Option struct {
	Value    string
	Label    string
	Hint     string
	Disabled bool
	Selected bool // set by field
}

// Field is what the partials field-text, field-select and so on draw. Templates make one with the
// function field.
type Field struct {
	Name, ID, Label, Hint, Error string
	Value                        string
	Options                      []Option
	Required, Optional           bool
	Type                         string // of the input; "text" when not given
	Autocomplete, InputMode      string
	Rows, MaxLength              int
	Narrow                       bool   // for short values: codes, numbers
	Empty                        string // the text of a select's empty choice; "" draws none
}

// DescribedBy lists the ids of what explains the field.
func (f Field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	return strings.Join(ids, " ")
}

// OptionID is the id of the i-th choice. The first has the field's own, so that the error summary
// leads to it.
func (f Field) OptionID(i int) string {
	if i == 0 {
		return f.ID
	}
	return fmt.Sprintf("%s-%d", f.ID, i)
}

// field is the template function: {{template "field-text" (field .Form "name" "Hint" "key")}}.
func (k *Kit) field(lang locale.Lang, form *Form, name string, pairs ...any) (Field, error) {
	f := Field{Name: name, ID: form.FieldID(name), Error: form.Error(name), Value: form.Raw(name), Type: "text"}
	if len(pairs)%2 != 0 {
		return f, fmt.Errorf("field %s: options come in pairs", name)
	}
	for i := 0; i < len(pairs); i += 2 {
		option, _ := pairs[i].(string)
		if err := k.setOption(lang, &f, option, pairs[i+1]); err != nil {
			return f, fmt.Errorf("field %s: %w", name, err)
		}
	}
	if f.Label == "" {
		f.Label = k.texts.label(lang, name)
	}
	if f.Type == "password" {
		f.Value = "" // a secret is typed again, never sent back
	}
	chosen := []string(nil)
	if form != nil {
		chosen = form.Values[name]
	}
	f.Options = slices.Clone(f.Options)
	for i := range f.Options {
		f.Options[i].Selected = slices.Contains(chosen, f.Options[i].Value)
	}
	return f, nil
}

func (k *Kit) setOption(lang locale.Lang, f *Field, name string, value any) error {
	switch v := value.(type) {
	case string:
		return k.setText(lang, f, name, v)
	case bool:
		flag, ok := map[string]*bool{"Required": &f.Required, "Optional": &f.Optional, "Narrow": &f.Narrow}[name]
		if !ok {
			return fmt.Errorf("no yes-or-no option %q", name)
		}
		*flag = v
	case int:
		number, ok := map[string]*int{"Rows": &f.Rows, "MaxLength": &f.MaxLength}[name]
		if !ok {
			return fmt.Errorf("no number option %q", name)
		}
		*number = v
	case []Option:
		if name != "Options" {
			return fmt.Errorf("no option %q holds choices", name)
		}
		f.Options = v
	default:
		return fmt.Errorf("option %q can't be a %T", name, value)
	}
	return nil
}

// setText sets an option that is a text. Label, Hint and Empty are keys of the catalogue;
// LabelText, HintText and EmptyText are ready texts.
func (k *Kit) setText(lang locale.Lang, f *Field, name, v string) error {
	keys := map[string]*string{"Label": &f.Label, "Hint": &f.Hint, "Empty": &f.Empty}
	plain := map[string]*string{
		"LabelText": &f.Label, "HintText": &f.Hint, "EmptyText": &f.Empty, "Type": &f.Type,
		"Autocomplete": &f.Autocomplete, "InputMode": &f.InputMode, "Value": &f.Value,
	}
	if to, ok := keys[name]; ok {
		*to = k.T(lang, v)
		return nil
	}
	to, ok := plain[name]
	if !ok {
		return fmt.Errorf("no text option %q", name)
	}
	*to = v
	return nil
}

// Options makes choices whose labels are the catalogue's "option.<field>.<value>".
func (k *Kit) Options(lang locale.Lang, field string, values ...string) []Option {
	options := make([]Option, len(values))
	for i, v := range values {
		options[i] = Option{Value: v, Label: k.T(lang, "option."+field+"."+v)}
	}
	return options
}

// CountryOptions lists every country in the language's own order.
func CountryOptions(lang locale.Lang) []Option {
	var options []Option
	for _, c := range locale.Countries(lang) {
		options = append(options, Option{Value: c.Code, Label: c.Name})
	}
	return options
}
