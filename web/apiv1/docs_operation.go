package apiv1

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/locale"
)

// operation is an operation in words.
type operation struct {
	ID, Method, Path, Summary string
	Text                      []text
	Open                      bool // needs no key
	Params                    []field
	Body                      *content
	Curl                      string
	Answers                   []answerView
	Problems                  []problemView
}

// content is a body: of a request, or of an answer.
type content struct {
	Kind    string // media type
	Type    string
	Fields  []field
	Example string
}

// answerView is an answer that is no problem.
type answerView struct {
	Status, Title string
	Headers       []field
	Bodies        []content
}

// problemView is a status with what commonly leads to it.
type problemView struct{ Status, Title, Code string }

// drawer puts the document into words.
type drawer struct {
	site  *Site
	lang  locale.Lang
	doc   *huma.OpenAPI
	whole bool // all of an operation, not its line only

	mentioned []string // references of objects that are told at the page's end
}

// operations are those of a tag, by path.
func (w *drawer) operations(tag string) []operation {
	var out []operation
	for _, path := range slices.Sorted(maps.Keys(w.doc.Paths)) {
		item := w.doc.Paths[path]
		for _, o := range operationsOf(item) {
			if slices.Contains(o.Tags, tag) {
				out = append(out, w.operation(o, w.server(item), path))
			}
		}
	}
	return out
}

func (w *drawer) server(item *huma.PathItem) string {
	if len(item.Servers) > 0 {
		return item.Servers[0].URL
	}
	return w.doc.Servers[0].URL
}

// webhooks are what is sent to others: no path, no key.
func (w *drawer) webhooks() []operation {
	var out []operation
	for _, name := range slices.Sorted(maps.Keys(w.doc.Webhooks)) {
		for _, o := range operationsOf(w.doc.Webhooks[name]) {
			view := w.operation(o, "", name)
			view.ID, view.Path, view.Curl, view.Open = cmp.Or(o.OperationID, slug(name)), name, "", false
			out = append(out, view)
		}
	}
	return out
}

func (w *drawer) operation(o *huma.Operation, server, path string) operation {
	view := operation{ID: o.OperationID, Method: methodOf(w.doc, o), Path: strings.TrimPrefix(server+path, w.site.kit.URL("")), Summary: o.Summary}
	if !w.whole {
		return view
	}
	view.Text, view.Open = paragraphs(o.Description), !needsKey(o)
	for _, p := range o.Parameters {
		view.Params = append(view.Params, w.param(p))
	}
	slices.SortStableFunc(view.Params, func(a, b field) int { return places[a.In] - places[b.In] })
	if o.RequestBody != nil {
		for kind, media := range o.RequestBody.Content {
			view.Body = w.content(kind, media)
		}
	}
	view.Curl = curlOf(o, view.Method, server+path)
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		w.answer(&view, status, o.Responses[status])
	}
	return view
}

func needsKey(o *huma.Operation) bool {
	return slices.ContainsFunc(o.Security, func(need map[string][]string) bool { return len(need) > 0 })
}

// places are in the order in which they stand.
var places = map[string]int{"path": 1, "query": 2, "header": 3}

// methodOf finds the method by where the operation stands: hand-made ones don't say theirs.
func methodOf(doc *huma.OpenAPI, o *huma.Operation) string {
	for _, items := range []map[string]*huma.PathItem{doc.Paths, doc.Webhooks} {
		for _, item := range items {
			switch o {
			case item.Get:
				return http.MethodGet
			case item.Post:
				return http.MethodPost
			case item.Put:
				return http.MethodPut
			case item.Patch:
				return http.MethodPatch
			case item.Delete:
				return http.MethodDelete
			}
		}
	}
	return ""
}

func (w *drawer) answer(view *operation, status string, r *huma.Response) {
	code, _ := strconv.Atoi(status)
	title := cmp.Or(http.StatusText(code), r.Description)
	if problem := r.Content["application/problem+json"]; problem != nil {
		view.Problems = append(view.Problems, problemView{status, title, codeIn(problem.Example)})
		return
	}
	a := answerView{Status: status, Title: title}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		h := *r.Headers[name]
		h.Name = name
		a.Headers = append(a.Headers, w.param(&h))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Content)) {
		a.Bodies = append(a.Bodies, *w.content(kind, r.Content[kind]))
	}
	view.Answers = append(view.Answers, a)
}

func (w *drawer) content(kind string, media *huma.MediaType) *content {
	c := &content{Kind: kind, Example: pretty(exampleIn(media))}
	if media.Schema != nil {
		c.Type, c.Fields = w.typeName(media.Schema), w.inner(media.Schema, nil)
	}
	return c
}

func exampleIn(media *huma.MediaType) any {
	if media.Example != nil {
		return media.Example
	}
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		return media.Examples[name].Value
	}
	return nil
}

func (w *drawer) param(p *huma.Param) field {
	f := field{Name: p.Name, In: p.In, Required: p.Required}
	if p.Schema != nil {
		f = w.field(p.Name, p.Schema, nil)
		f.In, f.Required = p.In, p.Required
	}
	if p.Description != "" {
		f.Text = textOf(p.Description)
	}
	return f
}
