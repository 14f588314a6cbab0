package apiv1

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/web"
)

// How many requests are made in each language, and from which seed; a seed that was printed makes the
// same ones again.
const (
	fuzzRequestsEnv = "API_FUZZ_REQUESTS"
	fuzzSeedEnv     = "API_FUZZ_SEED"
	fuzzRequests    = 1500
	mostFindings    = 40
)

func fuzzNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Requests made at random from the served document, right ones and wrong ones, find no 500, no panic,
// no answer that the document does not describe and no record of a defect in the log. The server has
// one connection to the database: an operation that took a second one would wait for itself.
func TestRandomRequestsAreAnsweredAsDescribed(t *testing.T) {
	for i, lang := range []string{"en", "de"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			seed := fuzzNumber(t, fuzzSeedEnv, uint64(time.Now().UnixNano())) + uint64(i)
			n := int(fuzzNumber(t, fuzzRequestsEnv, fuzzRequests))
			t.Logf("%d requests from %s=%d", n, fuzzSeedEnv, seed-uint64(i))
			f := newFuzz(t, lang, seed)
			f.crawl()
			for range n {
				f.one(pickOne(f.gen, f.doc.operations))
				if len(f.found) >= mostFindings {
					break
				}
			}
			f.report(true)
		})
	}
}

// fuzz is a run of random requests.
type fuzz struct {
	t        *testing.T
	d        *desk
	doc      *spec
	gen      *generator
	lang     string
	log      *defects
	programs map[string]*program
	made     int // accounts
	sent     int
	statuses map[int]int
	done     map[string]int      // successes by operation
	refused  map[string][]string // codes with which good requests were refused
	found    map[string]bool
}

func newFuzz(t *testing.T, lang string, seed uint64) *fuzz {
	t.Helper()
	house := narrowHouse(t)
	log := &defects{}
	level := slog.LevelWarn
	d := deskOn(t, house, &level, log)
	furnish(t, d)
	f := fuzzOf(t, d, log, served(t, d), seed)
	f.lang = lang
	return f
}

func fuzzOf(t *testing.T, d *desk, log *defects, document []byte, seed uint64) *fuzz {
	t.Helper()
	d.server.Client().Timeout = 30 * time.Second // a server that waits for itself answers never
	d.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	doc := readSpec(t, document)
	return &fuzz{t: t, d: d, doc: doc, gen: newGenerator(doc, seed), lang: "en", log: log, programs: map[string]*program{},
		statuses: map[int]int{}, done: map[string]int{}, refused: map[string][]string{}, found: map[string]bool{}}
}

// served is the document as anybody gets it.
func served(t *testing.T, d *desk) []byte {
	t.Helper()
	return d.as(d.Editor).get("/openapi.json").want(200).Body
}

// defects keep what a server logs as a warning or worse.
type defects struct {
	mu   sync.Mutex
	list []string
}

// Enabled is part of slog.Handler.
func (l *defects) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle is part of slog.Handler.
func (l *defects) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, line)
	return nil
}

// WithAttrs is part of slog.Handler.
func (l *defects) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup is part of slog.Handler.
func (l *defects) WithGroup(string) slog.Handler { return l }

func (l *defects) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.list
	l.list = nil
	return out
}

// program is one with a key of this role; a new account's when the one before was disabled or revoked.
func (f *fuzz) program(role string) *program {
	p := f.programs[role]
	if p == nil {
		f.made++
		p = f.d.as(f.d.Staff(fmt.Sprintf("Account %d", f.made), actor.Role(role)))
		p.lang = f.lang
		f.programs[role] = p
	}
	return p
}

// do sends a request and reads the answer.
func (f *fuzz) do(r *wire) *answer {
	f.t.Helper()
	f.sent++
	f.d.Clock.Add(20 * time.Millisecond) // which fills the keys' buckets again
	ctx := f.t.Context()
	if r.op != nil && r.op.streams(f.doc) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond) // the stream goes on; its beginning will do
		defer cancel()
	}
	target := f.d.server.URL + Prefix + r.path
	var body io.Reader
	if r.hasBody {
		body = bytes.NewReader(r.body)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, r)
	}
	q.URL.RawQuery = strings.Join(r.query, "&")
	q.Header.Set("Accept-Language", f.lang)
	if r.who != "" {
		q.Header.Set("Authorization", "Bearer "+f.program(r.who).key)
	}
	for name, value := range r.headers {
		q.Header.Set(name, value)
	}
	response, err := f.d.server.Client().Do(q)
	if err != nil {
		return &answer{t: f.t, Status: 599, Body: []byte(err.Error())}
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return &answer{t: f.t, Status: 599, Body: []byte(err.Error())}
	}
	return &answer{t: f.t, Status: response.StatusCode, Header: response.Header, Body: got}
}

func (o *specOp) streams(d *spec) bool {
	return childOf(d.resolve(o.answers["200"]), "content")["text/event-stream"] != nil
}

// judge sends a request and says what is wrong with its answer and with the log.
func (f *fuzz) judge(r *wire) (*answer, complaints) {
	f.t.Helper()
	f.log.take()
	a := f.do(r)
	op := r.op
	if r.off {
		op = nil
	}
	nameless := bytes.Contains(r.body, []byte(`"":`)) || slices.ContainsFunc(r.query, func(p string) bool { return strings.HasPrefix(p, "=") })
	list := f.doc.check(op, a, nameless)
	for _, line := range f.log.take() {
		list.add("the log:", "%s", line)
	}
	return a, list
}

// one makes a request to an operation and notes what is wrong.
func (f *fuzz) one(o *specOp) *answer {
	f.t.Helper()
	r := f.gen.request(o, f.etag)
	a, list := f.judge(r)
	f.statuses[a.Status]++
	f.gen.learnAnswer(r, a)
	if a.Status < http.StatusMultipleChoices {
		f.done[o.id]++
	}
	if a.locked() && r.headers["Authorization"] == "" {
		delete(f.programs, r.who)
	}
	if r.valid && a.Status >= http.StatusBadRequest {
		f.refused[o.id] = append(f.refused[o.id], a.codes()...)
	}
	f.note(r, list)
	if location := a.Header.Get("Location"); a.Status == http.StatusCreated && len(list) == 0 && a.Header.Get("Idempotency-Replayed") == "" {
		f.follow(location)
	}
	return a
}

// locked says whether the key is none any more: a request before has revoked it, or taken it out of
// its networks.
func (a *answer) locked() bool {
	return a.Status == http.StatusUnauthorized || bytes.Contains(a.Body, []byte(`"key.network"`))
}

// codes are those of a problem.
func (a *answer) codes() (out []string) {
	var p web.Problem
	if json.Unmarshal(a.Body, &p) == nil {
		for _, e := range p.Errors {
			out = append(out, strings.TrimSpace(e.Code+" "+e.Field))
		}
	}
	return out
}

// follow wants something at the address that an answer gave.
func (f *fuzz) follow(location string) {
	f.t.Helper()
	a := f.do(&wire{method: http.MethodGet, path: strings.TrimPrefix(location, Prefix), who: "admin"})
	if a.Status != http.StatusOK && !a.locked() {
		f.finding("Location leads nowhere "+location[:min(len(location), 20)], fmt.Sprintf("%s: %d %s", location, a.Status, a.Body))
	}
}

func (f *fuzz) note(r *wire, list complaints) {
	f.t.Helper()
	for _, c := range list {
		key := r.op.id + ": " + c.kind
		if f.found[key] {
			continue
		}
		small, last := f.shrink(r, c)
		f.finding(key, cutOff(last.more, 1500)+"\n"+small.String())
	}
}

func (f *fuzz) finding(key, text string) {
	f.t.Helper()
	if !f.found[key] {
		f.found[key] = true
		f.t.Errorf("%s %s", key, text)
	}
}

// etag is a real one with a version, of the nearest thing above a path that can be read; "" when there
// is none.
func (f *fuzz) etag(path string) string {
	for path != "" {
		a := f.do(&wire{method: http.MethodGet, path: path, who: "admin"})
		if version, _, ok := strings.Cut(a.etag(), "-"); ok && len(version) < 12 {
			return a.etag()
		}
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return ""
}

// crawl reads all there is, so that the requests know what to speak of.
func (f *fuzz) crawl() {
	f.t.Helper()
	for range 3 {
		for _, o := range f.doc.operations {
			if o.method != http.MethodGet || o.streams(f.doc) {
				continue
			}
			for range 1 + 3*strings.Count(o.path, "{") {
				r := &wire{op: o, method: o.method, who: "admin", headers: map[string]string{}}
				r.path = f.gen.path(r)
				a, list := f.judge(r)
				f.gen.learnAnswer(r, a)
				f.note(r, list)
			}
		}
	}
}

// report tells how the run went. Without enough successes it went nowhere.
func (f *fuzz) report(deep bool) {
	f.t.Helper()
	var never []string
	for _, o := range f.doc.operations {
		if f.done[o.id] == 0 {
			never = append(never, fmt.Sprintf("%s (%s)", o.id, common(f.refused[o.id])))
		}
	}
	successes := 0
	for status, n := range f.statuses {
		if status < http.StatusBadRequest {
			successes += n
		}
	}
	f.t.Logf("%d requests to %d operations; statuses %v; never with success:\n  %s", f.sent, len(f.doc.operations), f.statuses, strings.Join(never, "\n  "))
	if deep && successes*8 < f.sent/2 {
		f.t.Errorf("only %d of %d requests succeeded: the others get nowhere deep", successes, f.sent)
	}
}

// common are the commonest of the words.
func common(words []string) string {
	count := map[string]int{}
	for _, w := range words {
		count[w]++
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	var out []string
	for _, name := range names[:min(5, len(names))] {
		out = append(out, fmt.Sprintf("%d × %s", count[name], name))
	}
	return strings.Join(out, ", ")
}

// shrink takes away from a request what its finding doesn't need.
func (f *fuzz) shrink(r *wire, c complaint) (*wire, complaint) {
	still := func(r *wire) bool {
		_, list := f.judge(r)
		for _, other := range list {
			if other.kind == c.kind {
				c = other
				return true
			}
		}
		return false
	}
	best := r
	for range 3 {
		before := best.String()
		for _, smaller := range best.smaller() {
			if candidate := smaller(best); candidate != nil && still(candidate) {
				best = candidate
			}
		}
		if best.String() == before {
			break
		}
	}
	return best, c
}

// smaller lists ways to make a request a little less.
func (r *wire) smaller() (list []func(*wire) *wire) {
	for _, part := range r.query {
		list = append(list, func(r *wire) *wire {
			return r.but(func(c *wire) {
				c.query = slices.DeleteFunc(slices.Clone(c.query), func(p string) bool { return p == part })
			})
		})
	}
	for name := range r.headers {
		if name == "Content-Type" || name == "If-Match" {
			continue
		}
		list = append(list, func(r *wire) *wire { return r.but(func(c *wire) { delete(c.headers, name) }) })
	}
	if r.tree == nil {
		return list
	}
	for i := range min(len(spots(&r.tree)), 60) {
		list = append(list, func(r *wire) *wire {
			return r.but(func(c *wire) {
				all := spots(&c.tree)
				if i == 0 || i >= len(all) {
					return
				}
				if at := all[len(all)-i]; at.drop != nil {
					at.drop()
					c.encode()
				}
			})
		})
	}
	return list
}

// but is a copy with a change.
func (r *wire) but(change func(*wire)) *wire {
	c := *r
	c.headers = map[string]string{}
	for name, value := range r.headers {
		c.headers[name] = value
	}
	if r.tree != nil {
		c.tree = copied(r.tree)
	}
	change(&c)
	return &c
}

// copied is cloneJSON that keeps what is no JSON of Go's, such as half a character.
func copied(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t))
		for name, value := range t {
			out[name] = copied(value)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i := range t {
			out[i] = copied(t[i])
		}
		return out
	default:
		return v
	}
}

// String is the request as a command.
func (r *wire) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  curl -X %s", r.method)
	for _, name := range slices.Sorted(maps.Keys(r.headers)) {
		fmt.Fprintf(&b, " -H %s", shellWord(name+": "+r.headers[name]))
	}
	if r.hasBody {
		fmt.Fprintf(&b, " --data-binary %s", shellWord(string(r.body)))
	}
	query := ""
	if len(r.query) > 0 {
		query = "?" + strings.Join(r.query, "&")
	}
	fmt.Fprintf(&b, " %s   # as %s", shellWord(Prefix+r.path+query), r.who)
	return b.String()
}

func shellWord(s string) string {
	plain := utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\'' })
	if s = cutOff(s, 3000); plain {
		return "'" + s + "'"
	}
	return "$" + strconv.Quote(s)
}

func cutOff(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest] + fmt.Sprintf("… (%d bytes)", len(s))
}

// The document's own examples fit their schemas, and each example of a request, sent as it is, is
// answered as described.
func TestTheDocumentsExamplesHold(t *testing.T) {
	t.Parallel()
	f := newFuzz(t, "en", 1)
	for _, o := range f.doc.operations {
		if o.body != nil {
			f.exampleFits(o, o.pointer+"/requestBody/content/application~1json/schema", o.body)
		}
		for status, described := range o.answers {
			for media, content := range childOf(f.doc.resolve(described), "content") {
				if strings.HasSuffix(media, "json") {
					f.exampleFits(o, o.pointer+"/responses/"+status+"/content/"+escapePointer(media)+"/schema", content.(map[string]any))
				}
			}
		}
	}
	for _, o := range f.doc.operations {
		if o.body["example"] == nil {
			continue
		}
		r := f.gen.request(o, f.etag)
		r.tree, r.query, r.headers = cloneJSON(o.body["example"]), nil, map[string]string{"Content-Type": "application/json"}
		r.encode()
		_, list := f.judge(r)
		f.note(r, list)
	}
}

func (f *fuzz) exampleFits(o *specOp, schema string, media map[string]any) {
	f.t.Helper()
	text, err := json.Marshal(media["example"])
	if err != nil || media["example"] == nil {
		f.t.Errorf("%s: there is no example for %s: %v", o.id, schema, err)
		return
	}
	if wrong := f.doc.valid(schema, text); wrong != "" {
		f.t.Errorf("%s: an example does not fit: %s: %s", o.id, wrong, text)
	}
}

// What the requests are to find is found: a defect, an answer that nobody described, a body that
// isn't as described, a record of a defect in the log.
func TestRandomRequestsFindWhatIsPlanted(t *testing.T) {
	t.Parallel()
	type body struct {
		Kind string `json:"kind" enum:"good"`
	}
	plants := map[string]struct {
		answer func(f *fuzz) (*Plain[body], error)
		want   string
	}{
		"nothing":     {func(*fuzz) (*Plain[body], error) { return plain(body{"good"}), nil }, ""},
		"defect":      {func(*fuzz) (*Plain[body], error) { return nil, errors.New("broken") }, "status 500:"},
		"panic":       {func(*fuzz) (*Plain[body], error) { panic("broken") }, "status 500:"},
		"status":      {func(*fuzz) (*Plain[body], error) { return nil, fault.Missing("vendor") }, "status 404 is not described"},
		"value":       {func(*fuzz) (*Plain[body], error) { return plain(body{"bad"}), nil }, "status 200: the body does not fit its schema"},
		"no sentence": {func(*fuzz) (*Plain[body], error) { return nil, fault.Field("kind", "a.code.without", nil) }, "the log:"},
		"log":         {func(f *fuzz) (*Plain[body], error) { slog.New(f.log).Error("defect"); return plain(body{"good"}), nil }, "the log:"},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			level, log := slog.LevelWarn, &defects{}
			d := deskOn(t, housetest.New(t), &level, log)
			var f *fuzz
			handle(d.site, op{id: "planted", method: http.MethodGet, path: "/planted", tag: tagMeta, summary: "Planted by a test"},
				func(context.Context, actor.Actor, *struct{}) (*Plain[body], error) { return plant.answer(f) })
			document, err := d.site.document()
			d.ok(err)
			f = fuzzOf(t, d, log, document, 1)
			o := f.doc.find("planted")
			got := map[string]bool{}
			for range 100 {
				_, list := f.judge(f.gen.request(o, f.etag))
				for _, c := range list {
					got[c.kind] = true
				}
			}
			if plant.want == "" && len(got) > 0 || plant.want != "" && !got[plant.want] {
				t.Errorf("found %v, want %q", got, plant.want)
			}
		})
	}
}
