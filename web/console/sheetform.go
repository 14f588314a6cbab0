package console

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/subscribers"
	"fairnotice/web"
)

// The term sheet's form has one field for each leaf of the sheet's JSON, named by its path. What is
// filled in becomes a part of a sheet: deviations from a template, or a whole sheet where there is
// none. An empty field says nothing.

// leafKind says how a leaf of a sheet is written in a form.
type leafKind int

const (
	leafText leafKind = iota
	leafNumber
	leafFlag // "yes" or "no"
	leafDay
	leafList  // one a line
	leafBoxes // checkboxes
)

type sheetLeaf struct {
	path string
	kind leafKind
}

// sheetKinds are the kinds of change that may have periods of their own, in a form's order.
var sheetKinds = []string{subscribers.Addition, subscribers.Replacement, subscribers.LikeForLike, subscribers.Removal, subscribers.Relocation, subscribers.Scope}

// sheetLeaves lists every leaf of a sheet.
var sheetLeaves = func() []sheetLeaf {
	leaves := []sheetLeaf{
		{"authorisation", leafText}, {"objection_runs", leafText}, {"activation_waits_for", leafText}, {"direction", leafText},
		{"clock_starts", leafText}, {"deemed_cutoff_hour", leafNumber}, {"channels", leafBoxes}, {"served", leafText},
		{"grounds_required", leafFlag}, {"counting", leafText}, {"roll_over.notice", leafFlag}, {"roll_over.objection", leafFlag},
		{"holidays.country", leafText}, {"holidays.subdivision", leafText}, {"time_zone", leafText}, {"clause", leafText},
		{"recipients", leafList}, {"before_signing.signed_before", leafDay},
	}
	for _, at := range sheetPeriods {
		leaves = append(leaves, sheetLeaf{at + ".count", leafNumber}, sheetLeaf{at + ".unit", leafText})
	}
	return leaves
}()

// sheetPeriods lists every period of a sheet by its path.
var sheetPeriods = func() []string {
	paths := []string{"notice", "objection", "emergency.told_within", "emergency.objection", "before_signing.notice", "before_signing.objection"}
	for _, kind := range sheetKinds {
		for _, at := range []string{"by_kind.", "before_signing.by_kind."} {
			paths = append(paths, at+kind+".notice", at+kind+".objection")
		}
	}
	return paths
}()

// noneHere is the choice by which a contract has no such clause although its template has.
const noneHere = "none"

// removable are the parts of a sheet that can be taken away with the choice noneHere, by the field
// that offers it.
var removable = func() map[string]string {
	parts := map[string]string{"emergency.clause": "emergency", "before_signing.clause": "before_signing",
		"holidays.country": "holidays", "channels": "channels"}
	for _, kind := range sheetKinds {
		for _, period := range []string{"notice", "objection"} {
			at := "by_kind." + kind + "." + period
			parts[at+".unit"] = at
		}
	}
	return parts
}()

// sheetPatch reads the part of a sheet that is filled in.
func sheetPatch(form *web.Form) json.RawMessage {
	patch := map[string]any{}
	for _, leaf := range sheetLeaves {
		if value, ok := leafValue(form, leaf); ok {
			setPath(patch, leaf.path, value)
		}
	}
	for field, part := range removable {
		if slices.Contains(form.All(field), noneHere) {
			setPath(patch, part, nil)
		}
	}
	for _, clause := range []string{"emergency.told_within.count", "before_signing.signed_before"} {
		part, _, _ := strings.Cut(clause, ".")
		if form.Text(part+".clause") == "yes" && patch[part] == nil {
			form.Add(clause, "required", nil)
		}
	}
	for _, kind := range sheetKinds { // a kind without periods of its own is no entry at all
		if form.Text("by_kind."+kind+".notice.unit") == noneHere && form.Text("by_kind."+kind+".objection.unit") == noneHere {
			setPath(patch, "by_kind."+kind, nil)
		}
	}
	if starts := form.Text("clock_starts"); starts != "" && starts != subscribers.ClockDeemed && form.Text("deemed_cutoff_hour") == "" {
		patch["deemed_cutoff_hour"] = nil // a template's cut-off goes with its clock
	}
	raw, _ := json.Marshal(patch) // of texts, numbers and lists: it can't fail
	return raw
}

func leafValue(form *web.Form, leaf sheetLeaf) (value any, ok bool) {
	text := form.Text(leaf.path)
	switch {
	case leaf.kind == leafBoxes:
		list := form.All(leaf.path)
		return list, len(list) > 0 && !slices.Contains(list, noneHere)
	case text == "" || text == noneHere:
		return nil, false
	case leaf.kind == leafNumber:
		if n := formNumber(form, leaf.path); n != nil {
			return *n, true
		}
		return nil, false
	case leaf.kind == leafFlag:
		return form.Choice(leaf.path, "yes", "no") == "yes", true
	case leaf.kind == leafDay:
		return formDate(form, leaf.path).String(), true
	case leaf.kind == leafList:
		return lines(form, leaf.path), true
	default:
		return text, true
	}
}

func setPath(object map[string]any, path string, value any) {
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		inner, ok := object[part].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[part] = inner
		}
		object = inner
	}
	object[parts[len(parts)-1]] = value
}

// fillSheet puts a part of a sheet into a form, to be changed there.
func fillSheet(form *web.Form, raw json.RawMessage) error {
	object := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &object); err != nil {
			return err
		}
	}
	for _, leaf := range sheetLeaves {
		if value, there := atPath(object, leaf.path); there {
			fillLeaf(form, leaf, value)
		}
	}
	for _, part := range []string{"emergency", "before_signing"} {
		if value, there := object[part]; there && value != nil {
			form.Set(part+".clause", "yes")
		}
	}
	for field, part := range removable {
		if value, there := atPath(object, part); there && value == nil {
			form.Set(field, noneHere)
		}
	}
	for _, kind := range sheetKinds {
		if value, there := atPath(object, "by_kind."+kind); there && value == nil {
			form.Set("by_kind."+kind+".notice.unit", noneHere).Set("by_kind."+kind+".objection.unit", noneHere)
		}
	}
	return nil
}

func atPath(object map[string]any, path string) (any, bool) {
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		inner, ok := object[part].(map[string]any)
		if !ok {
			return nil, false
		}
		object = inner
	}
	value, there := object[parts[len(parts)-1]]
	return value, there
}

func fillLeaf(form *web.Form, leaf sheetLeaf, value any) {
	switch v := value.(type) {
	case string:
		if day, ok := isoDay(v); ok && leaf.kind == leafDay {
			form.SetDate(leaf.path, day)
			return
		}
		form.Set(leaf.path, v)
	case float64:
		form.Set(leaf.path, strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		form.Set(leaf.path, map[bool]string{true: "yes", false: "no"}[v])
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			list[i], _ = item.(string)
		}
		if leaf.kind == leafList {
			form.Set(leaf.path, joinLines(list))
			return
		}
		form.Set(leaf.path, list...)
	}
}

// foldErrors leads what is wrong with one line of a text area to the text area.
func foldErrors(form *web.Form, field string) {
	for i, e := range form.Errors {
		if strings.HasPrefix(e.Field, field+".") {
			form.Errors[i].Field, form.Errors[i].Href = field, "#"+form.FieldID(field)
		}
	}
}

// speaksOf says whether a form has a value or a fault at a field that begins so.
func speaksOf(form *web.Form, beginnings ...string) bool {
	begins := func(field string) bool {
		return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(field, b) })
	}
	for field, values := range form.Values {
		if begins(field) && strings.Join(values, "") != "" {
			return true
		}
	}
	return slices.ContainsFunc(form.Errors, func(e web.FieldError) bool { return begins(e.Field) })
}

// sheetFields is what the partial "sheet-fields" draws.
type sheetFields struct {
	Form      *web.Form
	Deviation bool // every field may stay empty: "as the template"
	Empty     string
	Units     []web.Option
	KindUnits []web.Option
	Kinds     []sheetKind
	Choices   map[string][]web.Option
	Countries []web.Option
	Counting  bool // show the part on counting, and the special clauses, unfolded
	Special   bool
}

type sheetKind struct{ Kind, Label, Notice, Objection string }

// sheetChoices are the values of a sheet's choices, by field.
var sheetChoices = map[string][]string{
	"authorisation":        {string(subscribers.General), string(subscribers.Specific)},
	"objection_runs":       {subscribers.RunsFromNotice, subscribers.RunsAfterNoticePeriod},
	"activation_waits_for": {subscribers.WaitsForLater, subscribers.WaitsForNotice, subscribers.WaitsForObjection},
	"direction":            {subscribers.Forward, subscribers.Backward},
	"clock_starts":         {subscribers.ClockSent, subscribers.ClockAccepted, subscribers.ClockDeemed, subscribers.ClockPublished, subscribers.ClockProof},
	"served":               {subscribers.ServedFirst, subscribers.ServedAll},
	"counting":             {subscribers.CountingPlain, subscribers.CountingRegulation},
	"channels":             subscribers.Channels,
	"yes_no":               {"yes", "no"},
}

func (s *Site) sheetFields(c *gin.Context, form *web.Form, deviation bool) sheetFields {
	lang := web.Lang(c)
	out := sheetFields{Form: form, Deviation: deviation, Units: s.web.Options(lang, "unit", texts(subscribers.Units)...),
		Choices: map[string][]web.Option{}, Countries: web.CountryOptions(lang), Empty: s.text(c, "sheet.unsaid")}
	for field, values := range sheetChoices {
		out.Choices[field] = s.web.Options(lang, field, values...)
	}
	out.KindUnits = out.Units
	out.Choices["clause"] = s.web.Options(lang, "clause", "yes")
	if deviation {
		none := web.Option{Value: noneHere, Label: s.text(c, "sheet.none_here")}
		out.Empty = s.text(c, "sheet.as_template")
		out.KindUnits = append([]web.Option{none}, out.Units...)
		out.Choices["clause"] = append(out.Choices["clause"], none)
		out.Choices["channels"] = append(out.Choices["channels"], web.Option{Value: noneHere, Label: s.text(c, "sheet.any_channel")})
		out.Countries = append([]web.Option{none}, out.Countries...)
	}
	out.Counting = speaksOf(form, "direction", "counting", "roll_over.", "holidays.")
	out.Special = speaksOf(form, "emergency.", "before_signing.")
	for _, kind := range sheetKinds {
		out.Kinds = append(out.Kinds, sheetKind{Kind: kind, Label: s.text(c, "option.window_kind."+kind),
			Notice: "by_kind." + kind + ".notice", Objection: "by_kind." + kind + ".objection"})
	}
	return out
}
