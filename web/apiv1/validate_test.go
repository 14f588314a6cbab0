package apiv1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"fairnotice/web"
)

// spec is the API as it describes itself. Nothing here knows the Go types behind it.
type spec struct {
	raw        map[string]any
	operations []*specOp
	compiler   *jsonschema.Compiler
	compiled   map[string]*jsonschema.Schema
}

// specOp is one of the document's.
type specOp struct {
	id, method, path string // path is below Prefix
	pointer          string // where it stands in the document
	params           []map[string]any
	body             map[string]any // of its requests, as a media type object; nil: it takes none
	answers          map[string]any // by status
}

const documentURL = "https://trust.nordlicht.example/openapi.json"

func readSpec(t testing.TB, raw []byte) *spec {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	d := &spec{raw: parsed.(map[string]any), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, parsed); err != nil {
		t.Fatal(err)
	}
	for path, item := range childOf(d.raw, "paths") {
		if item.(map[string]any)["servers"] != nil {
			continue // what anybody may read is answered by package public, and tested there
		}
		for method, op := range item.(map[string]any) {
			if o, ok := op.(map[string]any); ok && o["operationId"] != nil {
				d.operations = append(d.operations, d.operation(path, method, o))
			}
		}
	}
	slices.SortFunc(d.operations, func(a, b *specOp) int { return strings.Compare(a.id, b.id) })
	if len(d.operations) == 0 {
		t.Fatal("the document describes no operation")
	}
	return d
}

func (d *spec) operation(path, method string, raw map[string]any) *specOp {
	o := &specOp{id: raw["operationId"].(string), method: strings.ToUpper(method), path: path, answers: childOf(raw, "responses"),
		pointer: "/paths/" + escapePointer(path) + "/" + method}
	list, _ := raw["parameters"].([]any)
	for _, p := range list {
		o.params = append(o.params, d.resolve(p))
	}
	if body := d.resolve(raw["requestBody"]); body != nil {
		o.body = childOf(childOf(body, "content"), "application/json")
	}
	return o
}

func (d *spec) find(id string) *specOp {
	for _, o := range d.operations {
		if o.id == id {
			return o
		}
	}
	return nil
}

// childOf is a member that is an object; nil when there is none.
func childOf(of map[string]any, name string) map[string]any {
	out, _ := of[name].(map[string]any)
	return out
}

// resolve follows references inside the document.
func (d *spec) resolve(v any) map[string]any {
	out, _ := v.(map[string]any)
	for out["$ref"] != nil {
		at := d.raw
		for part := range strings.SplitSeq(strings.TrimPrefix(out["$ref"].(string), "#/"), "/") {
			at = childOf(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
		}
		out = at
	}
	return out
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

// valid says what is wrong with a value by the schema at a place in the document; "" when nothing is.
func (d *spec) valid(pointer string, text []byte) string {
	schema := d.compiled[pointer]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(documentURL + "#" + pointer); err != nil {
			return "the schema can't be compiled: " + err.Error()
		}
		d.compiled[pointer] = schema
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return "it is not JSON: " + err.Error()
	}
	if err := schema.Validate(value); err != nil {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	return ""
}

// complaint is one thing that is wrong with an answer.
type complaint struct {
	kind string // the same for the same defect
	more string
}

func (c complaint) String() string { return strings.TrimSpace(c.kind + " " + c.more) }

type complaints []complaint

func (l *complaints) add(kind, format string, args ...any) {
	*l = append(*l, complaint{kind, fmt.Sprintf(format, args...)})
}

// check compares an answer with what the document says of the operation; nil stands for an address
// that belongs to none. nameless says that the request has fields or parameters whose name is empty.
func (d *spec) check(o *specOp, a *answer, nameless bool) complaints {
	var list complaints
	if a.Status >= http.StatusInternalServerError {
		list.add(fmt.Sprintf("status %d:", a.Status), "%s", a.Body)
		return list
	}
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.Status >= http.StatusBadRequest {
		checkProblem(&list, a, media, nameless)
	}
	if o == nil {
		return list
	}
	status := strconv.Itoa(a.Status)
	described := d.resolve(o.answers[status])
	if described == nil {
		list.add("status "+status+" is not described", "%s", a.Body)
		return list
	}
	content := childOf(described, "content")
	switch {
	case len(a.Body) == 0 && len(content) > 0:
		list.add("status "+status+": there is no body", "")
	case len(a.Body) == 0:
	case content[media] == nil:
		list.add("status "+status+": "+media+" is not described", "")
	case media == "application/json" || media == "application/problem+json":
		if childOf(content, media)["schema"] == nil {
			list.add("status "+status+": its body has no schema", "")
			break
		}
		where := o.pointer + "/responses/" + status + "/content/" + escapePointer(media) + "/schema"
		if wrong := d.valid(where, a.Body); wrong != "" {
			list.add("status "+status+": the body does not fit its schema", "%s: %s", wrong, a.Body)
		}
	}
	return list
}

// checkProblem wants what a program and a person need to go on.
func checkProblem(list *complaints, a *answer, media string, nameless bool) {
	var p web.Problem
	if err := json.Unmarshal(a.Body, &p); err != nil || media != "application/problem+json" {
		list.add(fmt.Sprintf("status %d: no problem", a.Status), "%s: %s", media, a.Body)
		return
	}
	if p.Status != a.Status || p.Code == "" || p.Code == "unexpected" || p.RequestID == "" || p.Title == "" {
		list.add(fmt.Sprintf("status %d: a problem that lacks something", a.Status), "%s", a.Body)
	}
	if !isSentence(p.Detail) {
		list.add("code "+p.Code+": its detail is no sentence", "%s", a.Body)
	}
	for _, e := range p.Errors {
		if e.Code == "" || !isSentence(e.Detail) {
			list.add("code "+e.Code+": its detail is no sentence", "%s", a.Body)
		}
		if e.Field == "" && fieldMeant(e.Code) && !nameless {
			list.add("code "+e.Code+": it names no field", "%s", a.Body)
		}
	}
	wants := map[int]string{http.StatusUnauthorized: "WWW-Authenticate", http.StatusTooManyRequests: "Retry-After", http.StatusMethodNotAllowed: "Allow"}
	if name := wants[a.Status]; name != "" && a.Header.Get(name) == "" {
		list.add(fmt.Sprintf("status %d: no %s", a.Status, name), "")
	}
}

// isSentence says whether a text is one that a person was meant to read.
func isSentence(text string) bool {
	if text == "" || strings.Contains(text, "<no value>") || strings.Contains(text, "%!") {
		return false
	}
	last := []rune(strings.TrimSpace(text))
	return len(last) > 0 && strings.ContainsRune(".!?:)…\"”“/", last[len(last)-1]) && strings.ContainsFunc(text, unicode.IsSpace)
}

// fieldMeant says whether a code is about one place, which the problem must then name. A type can be
// wrong at the body as a whole.
func fieldMeant(code string) bool {
	switch code {
	case "json.unknown_field", "json.required", "json.choice", "json.date", "json.time", "json.uuid", "json.short", "json.long",
		"json.minimum", "json.maximum", "json.few", "json.many", "json.pattern", "query.unknown", "parameter.missing", "required":
		return true
	}
	return false
}
