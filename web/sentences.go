package web

import (
	"net/http"
	"slices"
	"strings"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
)

// argKeys says under which keys of the catalogues the values of an argument have their names.
var argKeys = map[string]string{
	"Act": "act.", "Role": "role.", "Roles": "role.", "What": "field.", "State": "state.", "Want": "state.",
	"Regime": "option.regions.",
}

// Sentence tells a fault in a language: what is wrong and how to mend it. The text is the
// catalogue's "fault.<code>", with the field's Label and the fault's Args. A "<thing>.not_found"
// without a text of its own takes "fault.not_found"; any other code without one takes a generic
// sentence and is logged as a defect.
func (k *Kit) Sentence(lang locale.Lang, f *fault.Error) string {
	label := ""
	if f.Field != "" {
		label = k.texts.label(lang, f.Field)
	}
	return k.sentence(lang, f, label)
}

// sentence tells a fault with this label for its field; "": it has none.
func (k *Kit) sentence(lang locale.Lang, f *fault.Error, label string) string {
	key := "fault." + f.Code
	if !k.Has(lang, key) {
		key = "fault.unknown"
		if strings.HasSuffix(f.Code, ".not_found") {
			key = "fault.not_found"
		} else {
			k.log.Error("fault without a sentence", "code", f.Code, "lang", string(lang))
		}
	}
	var count any
	data := make(map[string]any, len(f.Args)+1)
	if data["Label"] = label; label == "" {
		data["Label"] = k.T(lang, "fault.this_value")
	}
	for name, value := range f.Args {
		if name == "Count" {
			count = value
		}
		data[name] = speak(lang, k.nameArg(lang, f.Field, name, value))
	}
	return k.texts.write(lang, key, data, count)
}

// nameArg turns codes inside an argument ("approver", "change.approve") into words where the
// catalogue has words for them.
func (k *Kit) nameArg(lang locale.Lang, field, name string, value any) any {
	if code, is := value.(string); is && name == "Country" && locale.IsCountry(code) {
		return locale.Country(lang, code)
	}
	prefix, ok := argKeys[name]
	if name == "Allowed" || name == "Value" {
		prefix, ok = "option."+field+".", true
	}
	if !ok {
		return value
	}
	switch v := value.(type) {
	case string:
		return k.nameCode(lang, prefix, v)
	case []string:
		words := make([]string, len(v))
		for i, code := range v {
			words[i] = k.nameCode(lang, prefix, code)
		}
		return words
	default:
		return value
	}
}

func (k *Kit) nameCode(lang locale.Lang, prefix, code string) string {
	keys := []string{prefix + code}
	if prefix == "field." {
		keys = LabelKeys(code)
	}
	if key := k.texts.firstKey(lang, keys...); key != "" {
		return k.T(lang, key)
	}
	return code
}

var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Forbidden:       http.StatusForbidden,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.TooMany:         http.StatusTooManyRequests,
}

// Status is the HTTP status for an error: that of its first fault; when it is none, 503 where something
// that we need is away, else 500.
func (k *Kit) Status(err error) int {
	status := StatusOf(err)
	if status == http.StatusInternalServerError && k.opts.Away(err) {
		return http.StatusServiceUnavailable
	}
	return status
}

// StatusOf is the HTTP status for an error: that of its first fault, or 500 when it is none.
func StatusOf(err error) int {
	for _, f := range fault.All(err) {
		if status, ok := statuses[f.Kind]; ok {
			return status
		}
	}
	return http.StatusInternalServerError
}

// FaultCodes are the codes that have a sentence of their own, sorted.
func (k *Kit) FaultCodes() []string {
	var codes []string
	for key := range k.texts.keys[locale.Default] {
		if code, ok := strings.CutPrefix(key, "fault."); ok {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// FaultPattern is a code's sentence with an ellipsis for each value, for lists of codes.
func (k *Kit) FaultPattern(lang locale.Lang, code string) string {
	text := k.texts.write(lang, "fault."+code, map[string]any{}, 2)
	return strings.ReplaceAll(text, "<no value>", "…")
}
