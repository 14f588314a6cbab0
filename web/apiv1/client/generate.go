//go:build ignore

// Makes operations.go from the API's document: go run web/apiv1/client/generate.go [-check]
//
// With -check it writes nothing and fails when operations.go is not what it would write.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"fairnotice/web/apiv1"
)

// Here and nowhere else: the generator is a tool, not a dependency of the module.
const generator = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"

func main() {
	log.SetFlags(0)
	check := flag.Bool("check", false, "only say whether operations.go is up to date")
	flag.Parse()
	_, here, _, _ := runtime.Caller(0)
	if err := run(filepath.Dir(here), *check); err != nil {
		log.Fatal("client: ", err)
	}
}

func run(dir string, check bool) error {
	document, err := prepared()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "fairnotice-client")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	file, made := filepath.Join(tmp, "openapi.json"), filepath.Join(tmp, "operations.go")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		return err
	}
	cmd := exec.Command("go", "run", generator, "-config", "generate/config.yaml", "-o", made, file)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", generator, err, out)
	}
	after, err := os.ReadFile(made)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, "operations.go")
	if !check {
		return os.WriteFile(target, after, 0o644)
	}
	before, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		return fmt.Errorf("operations.go is not of the present document: make generate, and look at what changed")
	}
	return nil
}

// prepared is the document as the generator gets it: without what the hand-written part of the
// client does for every operation, so that no method has parameters for it, and with one name for
// each thing.
func prepared() ([]byte, error) {
	raw, err := apiv1.Document(&url.URL{Scheme: "https", Host: "trust.nordlicht.example"})
	if err != nil {
		return nil, err
	}
	var d object
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, err
	}
	delete(d, "webhooks") // their bodies are among the schemas
	dropExamples(d)
	for path, item := range d["paths"].(object) {
		if item.(object)["servers"] != nil { // what is read without a key isn't below Prefix
			delete(d["paths"].(object), path)
			continue
		}
		for _, o := range item.(object) {
			if o, ok := o.(object); ok && o["operationId"] != nil {
				simplify(o)
			}
		}
	}
	for _, name := range mergePatches {
		schemasOf(d)[name] = object{"type": "object", "additionalProperties": true, "description": schemasOf(d)[name].(object)["description"]}
	}
	rename(d)
	nameEnums(d)
	return json.Marshal(d)
}

// mergePatches are schemas in which null says something else than a field that isn't there, at any
// depth (RFC 7396). Structs can't tell the two apart.
var mergePatches = []string{"TermDeviations"}

type object = map[string]any

func schemasOf(d object) object { return d["components"].(object)["schemas"].(object) }

// simplify leaves of an operation what differs from one to another.
func simplify(o object) {
	var kept []any
	parameters, _ := o["parameters"].([]any)
	for _, p := range parameters {
		switch p := p.(object); {
		case p["in"] != "header":
			kept = append(kept, p)
		case p["name"] == "If-Match":
			o["x-edits"] = true
		}
	}
	if o["parameters"] = kept; kept == nil {
		delete(o, "parameters")
	}
	responses := o["responses"].(object)
	for status, r := range responses {
		if status[0] != '2' {
			delete(responses, status)
		} else {
			delete(r.(object), "headers")
		}
	}
}

// dropExamples takes out what is for the page; in comments examples would only be long.
func dropExamples(v any) {
	switch v := v.(type) {
	case object:
		delete(v, "example")
		delete(v, "examples")
		for name, x := range v {
			if properties, ok := x.(object); ok && name == "properties" {
				for _, p := range properties {
					dropExamples(p)
				}
			} else {
				dropExamples(x)
			}
		}
	case []any:
		for _, x := range v {
			dropExamples(x)
		}
	}
}

// enum is a set of values, wherever it is written out.
type enum struct {
	values []any
	places []object // schemas
	names  []string // that it would have from each place, such as Role and CustomerRole
	owned  []string
}

// nameEnums gives each set of values one type, however often it is written out: named after its
// property, or after the type and the property when another set has that property too.
func nameEnums(d object) {
	sets, schemas := map[string]*enum{}, schemasOf(d)
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		findEnums(sets, schemas[name], name, "")
	}
	for _, path := range slices.Sorted(maps.Keys(d["paths"].(object))) {
		for _, o := range d["paths"].(object)[path].(object) {
			parameters, _ := o.(object)["parameters"].([]any)
			for _, p := range parameters {
				p := p.(object)
				findEnums(sets, p["schema"], camel(o.(object)["operationId"].(string)), p["name"].(string))
			}
		}
	}
	wanted := map[string]int{}
	for _, e := range sets {
		slices.SortFunc(e.names, shorter)
		slices.SortFunc(e.owned, shorter)
		wanted[e.names[0]]++
	}
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		e := sets[key]
		name := e.names[0]
		if wanted[name] > 1 || schemas[name] != nil {
			name = e.owned[0]
		}
		if schemas[name] != nil {
			name += "Value"
		}
		schemas[name] = object{"type": "string", "enum": e.values}
		for _, place := range e.places {
			maps.DeleteFunc(place, func(name string, _ any) bool { return name != "description" })
			place["$ref"] = "#/components/schemas/" + name
		}
	}
}

func shorter(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

func findEnums(sets map[string]*enum, v any, owner, property string) {
	schema, ok := v.(object)
	if !ok {
		return
	}
	if values, ok := schema["enum"].([]any); ok && property != "" && schema["type"] == "string" {
		key := fmt.Sprint(values)
		if sets[key] == nil {
			sets[key] = &enum{values: values}
		}
		e := sets[key]
		e.places = append(e.places, schema)
		e.names, e.owned = append(e.names, camel(property)), append(e.owned, owner+camel(property))
		return
	}
	properties, _ := schema["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		findEnums(sets, properties[name], owner, name)
	}
	for _, inner := range []string{"items", "additionalProperties"} {
		findEnums(sets, schema[inner], owner, singular(property))
	}
}

func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// rename gives lists and pages names that read well, and takes an entry with fewer fields, when fewer
// were asked for, as the whole: what isn't there is zero in Go.
func rename(d object) {
	schemas, to := schemasOf(d), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		schema := schemas[name].(object)
		required, sparse := schema["x-required-of-whole"]
		if !sparse {
			continue
		}
		whole := strings.TrimSuffix(name, "Part")
		if to[name] = whole; schemas[whole] == nil {
			schemas[whole] = schema
			schema["required"] = required
			delete(schema, "description")
		}
		delete(schemas, name)
	}
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		for _, list := range [][2]string{{"ItemsPart", "Page"}, {"Items", "Page"}, {"Whole", "List"}} {
			rest, ok := strings.CutPrefix(name, list[0])
			if ok && rest != "" && schemas[rest] != nil && schemas[rest+list[1]] == nil {
				to[name] = rest + list[1]
				schemas[rest+list[1]] = schemas[name]
				delete(schemas, name)
				break
			}
		}
	}
	point(d, to)
}

// point turns references to the new names.
func point(v any, to map[string]string) {
	switch v := v.(type) {
	case object:
		if ref, ok := v["$ref"].(string); ok {
			if name := to[strings.TrimPrefix(ref, "#/components/schemas/")]; name != "" {
				v["$ref"] = "#/components/schemas/" + name
			}
		}
		for _, x := range v {
			point(x, to)
		}
	case []any:
		for _, x := range v {
			point(x, to)
		}
	}
}
