package apiv1

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// text is a paragraph of which parts are code.
type text []span

type span struct {
	Text string
	Code bool
}

func (t text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// textOf reads the one thing of Markdown that the document's sentences have: `code`.
func textOf(markdown string) text {
	var out text
	for i, part := range strings.Split(markdown, "`") {
		if part != "" {
			out = append(out, span{part, i%2 == 1})
		}
	}
	return out
}

func paragraphs(markdown string) []text {
	var out []text
	for part := range strings.SplitSeq(markdown, "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, textOf(part))
		}
	}
	return out
}

// pretty writes an example: JSON with its fields in their order, any other text as it is.
func pretty(example any) string {
	if example == nil {
		return ""
	}
	if plain, ok := example.(string); ok {
		return plain
	}
	return strings.TrimSpace(encoded(example, "  "))
}

func encoded(example any, indent string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the template escapes
	enc.SetIndent("", indent)
	if err := enc.Encode(example); err != nil {
		return ""
	}
	return b.String()
}

// codeIn is the code of an example of a problem.
func codeIn(example any) string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(encoded(example, "")), &p) // an example of another shape has none
	return p.Code
}

// inlineBody is the longest body, in bytes, that stands in the command itself.
const inlineBody = 400

// curlOf is a command for the operation, with the examples of what it needs.
func curlOf(o *huma.Operation, method, address string) string {
	var query, lines []string
	if method != "GET" {
		lines = append(lines, "-X "+method)
	}
	if needsKey(o) {
		lines = append(lines, `-H "Authorization: Bearer $FAIRNOTICE_API_KEY"`)
	}
	for _, p := range o.Parameters {
		value := exampleOfParam(p)
		switch {
		case p.In == "path":
			address = strings.ReplaceAll(address, "{"+p.Name+"}", value)
		case p.In == "query" && p.Required:
			query = append(query, p.Name+"="+value)
		case p.Name == "If-Match", p.In == "header" && p.Required:
			lines = append(lines, "-H "+quoted(p.Name+": "+value))
		}
	}
	if o.RequestBody != nil {
		for _, kind := range slices.Sorted(maps.Keys(o.RequestBody.Content)) {
			lines = append(lines, "-H "+quoted("Content-Type: "+kind), "--data "+bodyOf(o.RequestBody.Content[kind]))
		}
	}
	if len(query) > 0 {
		address += "?" + strings.Join(query, "&")
	}
	if strings.ContainsAny(address, "?&{} ") {
		address = quoted(address)
	}
	return "curl " + strings.Join(append(lines, address), " \\\n  ")
}

// bodyOf is the example's JSON, or the name of a file that would hold it.
func bodyOf(media *huma.MediaType) string {
	if body := strings.TrimSpace(encoded(exampleIn(media), "")); len(body) <= inlineBody {
		return quoted(body)
	}
	return "@body.json"
}

// quoted is a word of a shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

func exampleOfParam(p *huma.Param) string {
	example := p.Example
	if s := p.Schema; example == nil && s != nil {
		example = cmp.Or[any](first(s.Examples), first(s.Enum), s.Default)
	}
	if example == nil {
		return "{" + p.Name + "}"
	}
	return fmt.Sprint(example)
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}
