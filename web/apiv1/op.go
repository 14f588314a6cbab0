package apiv1

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
)

// op is an operation's line in the document, and what the gate must know of it.
type op struct {
	id      string // in the client: listVendors
	method  string
	path    string // below Prefix: /vendors/{id}
	tag     string
	summary string
	text    string    // more to know, in Markdown; who may do it is added
	act     actor.Act // that the key's role must allow; "": whoever has a key
	status  int       // of success; 0: 201 for Created, 204 for Done, else 200
	answers []int     // that it gives besides those that its shape implies
	maxBody int64     // bytes; 0: DefaultMaxBody
	stream  bool      // the answer is written as it comes: no ETag, no idempotency
	reads   bool      // a POST that changes nothing: no transaction around it, no idempotency
}

// DefaultMaxBody is the most that a body may weigh, in bytes, where its operation says nothing else.
const DefaultMaxBody = 1 << 20

type route struct{ method, pattern string }

func (o *op) route() route {
	return route{o.method, Prefix + strings.NewReplacer("{", ":", "}", "").Replace(o.path)}
}

func (o *op) writes() bool { return o.method != http.MethodGet }

// once says whether the operation is done once under an idempotency key, in one transaction.
func (o *op) once() bool { return o.writes() && !o.stream && !o.reads }

// call is what an operation knows of its request besides its input.
type call struct {
	gin *gin.Context
	who actor.Actor
}

type callKey struct{}

func withCall(c *gin.Context, who actor.Actor) {
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callKey{}, &call{c, who}))
}

func callOf(ctx context.Context) *call {
	x, _ := ctx.Value(callKey{}).(*call)
	return x
}

func ginOf(ctx context.Context) *gin.Context {
	if x := callOf(ctx); x != nil {
		return x.gin
	}
	return nil
}

// handler acts for who. An error that is a fault becomes a problem; any other a 500, logged and
// hidden.
type handler[I, O any] func(ctx context.Context, who actor.Actor, in *I) (*O, error)

// handle registers an operation.
func handle[I, O any](s *Site, o op, h handler[I, O]) {
	s.routes[o.route()] = &o
	if o.status == 0 {
		o.status = successOf[O]()
	}
	h = fenced(o.act, h)
	huma.Register(s.api, s.operation(&o, reflect.TypeFor[I]()), func(ctx context.Context, in *I) (*O, error) {
		x := callOf(ctx)
		out, err := h(ctx, x.who, in)
		if err != nil {
			return nil, s.refusal(x.gin, err)
		}
		return out, nil
	})
	s.addExamples(&o)
}

// fenced asks for the role before anything else is looked at.
func fenced[I, O any](act actor.Act, h handler[I, O]) handler[I, O] {
	if act == "" {
		return h
	}
	return func(ctx context.Context, who actor.Actor, in *I) (*O, error) {
		if err := who.Must(act); err != nil {
			return nil, err
		}
		return h(ctx, who, in)
	}
}

func successOf[O any]() int {
	t := reflect.TypeFor[O]()
	switch {
	case t == reflect.TypeFor[Done]():
		return http.StatusNoContent
	case strings.HasPrefix(t.Name(), "Created["):
		return http.StatusCreated
	default:
		return http.StatusOK
	}
}

// operation is huma's description.
func (s *Site) operation(o *op, in reflect.Type) huma.Operation {
	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary,
		Description: strings.TrimSpace(o.text + "\n\n" + whoMay(o.act)), DefaultStatus: o.status,
		Security:     []map[string][]string{{"key": {}}},
		MaxBodyBytes: -1, // the gate has looked
		Errors:       s.answersOf(o, in),
	}
	if !o.stream {
		h.Parameters = append(h.Parameters, ownHeaders(o)...)
	}
	return h
}

// ownHeaders are those that the gate reads for every operation.
func ownHeaders(o *op) []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	if !o.writes() {
		return []*huma.Param{{Name: "If-None-Match", In: "header", Schema: text, Description: "ETag of an answer that you have: 304 says that it still holds."}}
	}
	if !o.once() {
		return nil
	}
	limit := 255
	return []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &limit, Pattern: "^[!-~]*$"},
		Description: "A text of your own, such as a UUID. The same request under the same key within 24 hours is done once, and answered as the first time."}}
}

func whoMay(act actor.Act) string {
	if act == "" {
		return "Any key may do this."
	}
	roles := actor.RolesFor(act)
	if len(roles) == len(actor.Roles) {
		return "Keys of every role may do this."
	}
	return "Keys with one of these roles may do this: " + strings.Join(roles, ", ") + "."
}

// answersOf lists the statuses besides success, from the operation's shape.
func (s *Site) answersOf(o *op, in reflect.Type) []int {
	set := map[int]bool{400: true, 401: true, 403: true, 422: true, 429: true, 500: true, 503: true}
	if strings.Contains(o.path, "{") {
		set[http.StatusNotFound] = true
	}
	if !o.writes() && !o.stream {
		set[http.StatusNotModified] = true
	}
	if o.writes() {
		set[http.StatusConflict] = true // and the gate looks at every body, asked for or not
		set[http.StatusRequestEntityTooLarge], set[http.StatusUnsupportedMediaType] = true, true
	}
	if _, ok := in.FieldByName("IfMatch"); ok {
		set[http.StatusPreconditionFailed], set[http.StatusPreconditionRequired] = true, true
	}
	for _, status := range o.answers {
		set[status] = true
	}
	return slices.Sorted(maps.Keys(set))
}
