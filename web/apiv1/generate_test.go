package apiv1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// generator makes requests from the document. What answers hold it uses again: IDs where an ID of that
// collection is asked for, other values under the same name.
type generator struct {
	*rand.Rand
	doc    *spec
	values map[string][]any    // seen under a name
	ids    map[string][]string // seen in a collection: by the last word of its path
	names  map[string][]string // slugs and references likewise, which stand for IDs in paths
}

func newGenerator(doc *spec, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), doc: doc, values: map[string][]any{}, ids: map[string][]string{}, names: map[string][]string{}}
	for _, o := range doc.operations { // examples are good values, too
		g.learn(cloneJSON(o.body["example"]), false)
		for _, status := range slices.Sorted(maps.Keys(o.answers)) {
			if media := childOf(childOf(doc.resolve(o.answers[status]), "content"), "application/json"); media != nil {
				g.learn(cloneJSON(media["example"]), false)
			}
		}
	}
	return g
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pickOne[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// most is how many values are remembered under a name.
const most = 60

func remember[T any](g *generator, m map[string][]T, name string, v T) {
	if len(m[name]) < most {
		m[name] = append(m[name], v)
	} else {
		m[name][g.IntN(most)] = v
	}
}

// learn remembers the values of an object's members. Those of examples are fictitious: their IDs
// are nobody's.
func (g *generator) learn(v any, real bool) {
	switch t := v.(type) {
	case []any:
		for _, e := range t {
			g.learn(e, real)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(t)) {
			value := t[name]
			text, _ := value.(string)
			id := uuid.Validate(text) == nil
			if id && real && strings.HasSuffix(name, "_id") {
				remember(g, g.ids, collectionNamed(name), text)
			}
			if value != nil && !id {
				remember(g, g.values, name, value)
			}
			g.learn(value, real)
		}
	}
}

func pluralOf(word string) string {
	if stem, ok := strings.CutSuffix(word, "y"); ok && word != "key" {
		return stem + "ies"
	}
	return word + "s"
}

// collectionNamed is that of which an ID has this name: vendors for hosting_vendor_id.
func collectionNamed(name string) string {
	if stem, ok := strings.CutSuffix(name, "_ids"); ok {
		name = stem + "_id"
	}
	stem, ok := strings.CutSuffix(name, "_id")
	if !ok {
		return name
	}
	return pluralOf(stem[strings.LastIndexByte(stem, '_')+1:])
}

// learnAnswer remembers what a successful answer holds, and which IDs its collection has.
func (g *generator) learnAnswer(r *wire, a *answer) {
	var body any
	if a.Status >= http.StatusMultipleChoices || json.Unmarshal(a.Body, &body) != nil {
		return
	}
	g.learn(body, true)
	if location := a.Header.Get("Location"); location != "" {
		parts := strings.Split(strings.Trim(location, "/"), "/")
		remember(g, g.ids, parts[len(parts)-2], parts[len(parts)-1])
	}
	object, _ := body.(map[string]any)
	if r.off || r.method != http.MethodGet || object == nil {
		return
	}
	collection, items := collectionOf(r.op.path), []any{object}
	if list, ok := object["items"].([]any); ok {
		items = list
	}
	for _, item := range items {
		entry, _ := item.(map[string]any)
		for _, name := range []string{"id", "slug", "reference"} {
			switch id, _ := entry[name].(string); {
			case uuid.Validate(id) == nil:
				remember(g, g.ids, collection, id)
			case id != "":
				remember(g, g.names, collection, id)
			}
		}
	}
}

// collectionOf is the last word of a path.
func collectionOf(path string) string {
	parts := strings.Split(path, "/")
	for _, part := range slices.Backward(parts) {
		if !strings.HasPrefix(part, "{") {
			return part
		}
	}
	return ""
}

// value makes one that the schema allows, most of the time.
func (g *generator) value(schema any, name string, depth int) any {
	s := g.doc.resolve(schema)
	for _, many := range []string{"oneOf", "anyOf"} {
		if list, ok := s[many].([]any); ok {
			return g.value(pickOne(g, list), name, depth)
		}
	}
	if list, ok := s["allOf"].([]any); ok {
		whole := map[string]any{}
		for _, part := range list {
			if m, ok := g.value(part, name, depth).(map[string]any); ok {
				maps.Copy(whole, m)
			}
		}
		return whole
	}
	if list, ok := s["enum"].([]any); ok {
		return pickOne(g, list)
	}
	kind := s["type"]
	if list, ok := kind.([]any); ok {
		kind = pickOne(g, list)
	}
	switch kind {
	case "object":
		return g.object(s, depth)
	case "array":
		list := make([]any, g.IntN(3)+g.IntN(2))
		for i := range list {
			list[i] = g.value(s["items"], name, depth+1)
		}
		return list
	case "string":
		return g.text(s, name)
	case "integer", "number":
		return g.number(s, name)
	case "boolean":
		return g.chance(50)
	case "null":
		return nil
	}
	return pickOne(g, []any{"free", 3, true, nil, map[string]any{"any": "thing"}, []any{1}})
}

func (g *generator) object(s map[string]any, depth int) any {
	out := map[string]any{}
	required, _ := s["required"].([]any)
	properties := childOf(s, "properties")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || depth < 6 && g.chance(50) {
			out[name] = g.value(properties[name], name, depth+1)
		}
	}
	if more, ok := s["additionalProperties"].(map[string]any); ok {
		for range g.IntN(3) {
			out[pickOne(g, []string{"a", "b c", "country", "ü"})] = g.value(more, "", depth+1)
		}
	}
	return out
}

func (g *generator) text(s map[string]any, name string) string {
	if s["format"] == "uuid" {
		return g.id(name)
	}
	if g.chance(65) {
		for range 4 {
			if list := g.values[name]; len(list) > 0 {
				if text, ok := pickOne(g, list).(string); ok {
					return text
				}
			}
		}
	}
	switch s["format"] {
	case "date":
		return pickOne(g, []string{"2026-11-22", "2026-12-24", "2027-01-01", "2026-10-31", "2028-02-29", "2025-01-01", "2026-11-23"})
	case "date-time":
		return pickOne(g, []string{"2026-11-22T09:30:00Z", "2026-12-01T00:00:00+01:00", "2026-11-22T09:30:00.123456789Z", "2027-06-30T23:59:59-08:00"})
	case "email":
		return "person@customer.example"
	case "uri":
		return "https://vendor.example/dpa"
	}
	if examples, ok := s["examples"].([]any); ok && g.chance(50) {
		if text, ok := pickOne(g, examples).(string); ok {
			return text
		}
	}
	return pickOne(g, []string{"Errata", "data", "DE", "en", "Europe/Berlin", "https://vendor.example", "privacy@vendor.example", "a few words", "more words",
		"2026-11-22", "slug-" + fmt.Sprint(g.IntN(1000)), "Nordlicht Süd & Söhne"})
}

// id is one of the collection that the name speaks of, or of any.
func (g *generator) id(name string) string {
	if list := g.ids[collectionNamed(name)]; len(list) > 0 && g.chance(90) {
		return pickOne(g, list)
	}
	if len(g.ids) == 0 || g.chance(20) {
		return uuid.UUID{0x01, byte(g.IntN(256)), 6: 0x70, 8: 0x80}.String()
	}
	return pickOne(g, g.ids[pickOne(g, slices.Sorted(maps.Keys(g.ids)))])
}

func (g *generator) number(s map[string]any, name string) any {
	if list := g.values[name]; len(list) > 0 && g.chance(40) {
		if n, ok := pickOne(g, list).(float64); ok {
			return n
		}
	}
	low, high := boundOf(s["minimum"], 0), boundOf(s["maximum"], 100)
	return low + g.IntN(max(1, high-low+1))
}

func boundOf(v any, otherwise int) int {
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return int(f)
		}
	}
	return otherwise
}

func rawJSON(text string) any { return json.RawMessage(text) }

// oddities are what programs send by mistake, and people on purpose.
var oddities = []any{
	nil, true, false, 0, -1, 1.5, "", " ", []any{}, map[string]any{}, []any{nil}, map[string]any{"": nil}, nestedJSON(20), nestedJSON(200),
	rawJSON("1e400"), rawJSON("-0"), rawJSON("1E-400"), rawJSON("2147483648"), rawJSON("-2147483649"), rawJSON("9223372036854775807"), rawJSON("9223372036854775808"),
	rawJSON("123456789012345678901234567890"), rawJSON("1.0"), rawJSON("1e2"), 100000, 32768, 1e15,
	strings.Repeat("a", 201), strings.Repeat("a ", 6000), strings.Repeat("ü", 255), strings.Repeat("🏳️‍🌈", 300), strings.Repeat("x", 100_000),
	rawJSON(`"a\u0000b"`), rawJSON(`"\ud800"`), rawJSON(`"\udc00\ud800"`), rawJSON(`"\ud83c\udff3"`), rawJSON(`"\u001b[31m"`), rawJSON(`"\u0085"`), rawJSON(`"\ufffd"`), rawJSON(`"\uffff"`),
	"\u202eDrowssap", "\ufeffstart", "\u200b", "\u2028", "مرحبا بكم", "İstanbul ǅ ﬀ ß", "\U0010ffff", "e\u0301", strings.Repeat("e\u0301", 200),
	"'; drop table vendors; --", "<script>alert(1)</script>", "{{.Label}}", "%s%n%d", `\`, `\x00`, "a%_b", "../../etc/passwd", "a\nb\r\nc\td", "=1+1", "\"", "$1", ":name", "?",
	"0001-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "-0001-01-01", "2027-02-29", "2028-02-29", "2026-13-01", "2026-11-31", "infinity", "-infinity", "NaN", "now",
	"9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-22T09:30:00+99:99", "2026-11-22T24:00:00Z",
	"2026-06-30T23:59:60Z", "1900-01-01T00:00:00Z", "2026-03-29T02:30:00+01:00",
	"00000000-0000-0000-0000-000000000000", "{0199aa00-0000-7000-8000-000000000001}", "urn:uuid:0199aa00-0000-7000-8000-000000000001", "0199AA00-0000-7000-8000-000000000001",
	"0199aa00000070008000000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0199aa00-0000-7000-8000-00000000000g",
	"javascript:alert(1)", "http://169.254.169.254/latest", "https://[::1]/", "https://user:pw@vendor.example/", "https://vendor.example:99999/", "https://xn--a/", "//vendor.example", "https://", "ftp://x",
	"https://" + strings.Repeat("a", 300) + ".example/", "a@b", `"very odd"@example.com`, "a@[127.0.0.1]", "a@b@c", "@", strings.Repeat("a", 65) + "@x.example", "person@müller.example", "a@x.example\r\nBcc: b@x.example",
	"Local", "UTC", "Europe/Berlin ", "europe/berlin", "../UTC", "Etc/GMT+14", "de", "DE ", "zz", "tlh", "P1D", "0.0.0.0/0", "::/0", "::ffff:1.2.3.4/96", "300.1.1.1/8", "10.0.0.0/33",
}

func nestedJSON(depth int) any {
	var out any = "deep"
	for range depth {
		out = []any{out}
	}
	return out
}

// spot is somewhere in a JSON value.
type spot struct {
	name string
	get  any
	set  func(any)
	drop func() // nil: an entry of a list, or the whole
}

// spots lists all of them, the whole first.
func spots(root *any) []spot {
	list := []spot{{get: *root, set: func(v any) { *root = v }}}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch t := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(t)) {
				list = append(list, spot{key, t[key], func(v any) { t[key] = v }, func() { delete(t, key) }})
				walk(key, t[key])
			}
		case []any:
			for i := range t {
				list = append(list, spot{name, t[i], func(v any) { t[i] = v }, nil})
				walk(name, t[i])
			}
		}
	}
	walk("", *root)
	return list
}

// mutate changes one thing.
func (g *generator) mutate(root any) any {
	p := pickOne(g, spots(&root))
	switch g.IntN(9) {
	case 0, 1, 2, 3:
		p.set(pickOne(g, oddities))
	case 4:
		if p.drop != nil {
			p.drop()
		}
	case 5: // one that no schema knows, or one that another has
		if m, ok := p.get.(map[string]any); ok {
			m[pickOne(g, []string{"", "nmae", "ID", "__proto__", "a.b", "{{.Label}}", "<b>", "\u202e", "vendor_id", "version", "id", strings.Repeat("k", 5000)})] = pickOne(g, oddities)
		}
	case 6: // twice in a list
		if l, ok := p.get.([]any); ok && len(l) > 0 {
			p.set(append(slices.Clone(l), l[0]))
		} else {
			p.set([]any{p.get, p.get})
		}
	case 7: // another's value
		if list := g.values[p.name]; len(list) > 0 {
			p.set(pickOne(g, list))
		}
	case 8:
		switch v := p.get.(type) {
		case string:
			p.set(pickOne(g, []string{v + " ", " " + v, strings.ToUpper(v), v + "\u200b", strings.Repeat(v, 300), v + v}))
		case []any:
			if len(v) > 0 {
				p.set(slices.Repeat(v, 1+1200/len(v)))
			}
		case float64:
			p.set(pickOne(g, []any{-v, v + 0.5, v * 1e9, v + 1, fmt.Sprint(v)}))
		case bool:
			p.set(fmt.Sprint(v))
		}
	}
	return root
}

// damage breaks a body's bytes.
func (g *generator) damage(b []byte) []byte {
	at := 0
	if len(b) > 0 {
		at = g.IntN(len(b))
	}
	switch g.IntN(9) {
	case 0:
		return b[:at]
	case 1:
		return slices.Insert(slices.Clone(b), at, 0xff)
	case 2:
		return slices.Insert(slices.Clone(b), at, 0)
	case 3:
		return slices.Insert(slices.Clone(b), at, 0xed, 0xa0, 0x80) // half a surrogate pair
	case 4:
		return append([]byte("\xef\xbb\xbf"), b...)
	case 5:
		return append(slices.Clone(b), pickOne(g, []string{"{}", "]", "x", "\x00", ",", " "})...)
	case 6:
		if bytes.HasPrefix(b, []byte(`{"`)) { // the first member twice
			if end := bytes.IndexByte(b, ','); end > 0 {
				return append(slices.Clone(b[:end+1]), b[1:]...)
			}
		}
		return nil
	case 7:
		out := slices.Clone(b)
		if len(out) > 0 {
			out[at] ^= 1 << g.IntN(8)
		}
		return out
	default:
		return []byte(pickOne(g, []string{"", "null", "[]", `""`, "0", "{", "NaN", "{'a':1}", "a=b&c=d", strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000), "<xml/>"}))
	}
}

// wire is a request as it goes over the wire.
type wire struct {
	op      *specOp
	off     bool // its address may belong to another operation, or to none
	method  string
	path    string // below Prefix, escaped
	query   []string
	headers map[string]string
	who     string // whose key; "": what headers say
	tree    any    // of the body, while it is JSON
	body    []byte
	hasBody bool
	valid   bool // nothing was made wrong on purpose
}

// request makes one to an operation. etags asks for a real ETag of what stands at a path.
func (g *generator) request(o *specOp, etag func(path string) string) *wire {
	r := &wire{op: o, method: o.method, headers: map[string]string{}, valid: true}
	r.path = g.path(r)
	for _, p := range o.params {
		schema := p["schema"]
		name := p["name"].(string)
		switch p["in"] {
		case "query":
			if p["required"] == true && g.chance(90) || g.chance(35) {
				r.query = append(r.query, url.QueryEscape(name)+"="+g.queryValue(r, schema, name))
			}
		case "header":
			g.header(r, name, etag)
		}
	}
	if g.chance(4) {
		r.query = append(r.query, pickOne(g, []string{"nmae=x", "%zz", "a=%ff", "after=%00", "=", "&&;", "limit=1&limit=2", "limit=1;2", "%F0%9F%98%80=1", "key=fnk_abc", "lang=de", "fields=id,id", "after=x"}))
		r.valid = false
	}
	if o.body != nil && !g.chance(2) {
		g.fillBody(r)
	} else if o.method != http.MethodGet && g.chance(5) {
		r.body, r.hasBody = []byte(`{"not":"asked for"}`), true
	}
	g.oddHeaders(r)
	r.who = pickOne(g, []string{"admin", "admin", "admin", "admin", "approver", "approver", "editor", "reviewer"})
	return r
}

func (g *generator) path(r *wire) string {
	parts := strings.Split(r.op.path, "/")
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		name := strings.Trim(part, "{}")
		collection := collectionOf(strings.Join(parts[:i], "/"))
		var value string
		switch list := g.ids[collection]; {
		case g.chance(8):
			odd := fmt.Sprint(pickOne(g, oddities))
			if len(odd) > 3000 || !utf8.ValidString(odd) {
				odd = "odd"
			}
			value, r.valid = odd, false
		case len(g.names[collection]) > 0 && g.chance(15):
			value = pickOne(g, g.names[collection])
		case len(list) > 0:
			value = pickOne(g, list)
		default:
			for _, p := range r.op.params {
				if p["in"] == "path" && p["name"] == name {
					value = fmt.Sprint(g.value(p["schema"], name, 0))
				}
			}
		}
		if value == "" || strings.ContainsAny(value, "/") || value == "." || value == ".." {
			r.off = true
		}
		parts[i] = url.PathEscape(value)
	}
	return strings.Join(parts, "/")
}

func (g *generator) queryValue(r *wire, schema any, name string) string {
	if g.chance(25) {
		r.valid = false
		if g.chance(10) {
			return pickOne(g, []string{"%ff", "%00", "%zz", "%", "%ED%A0%80", "+", ""})
		}
		odd := fmt.Sprint(pickOne(g, oddities))
		if len(odd) > 3000 {
			odd = odd[:300]
		}
		return url.QueryEscape(strings.ToValidUTF8(odd, ""))
	}
	switch v := g.value(schema, name, 0).(type) {
	case []any:
		var texts []string
		for _, e := range v {
			texts = append(texts, fmt.Sprint(e))
		}
		return url.QueryEscape(strings.Join(texts, ","))
	default:
		return url.QueryEscape(fmt.Sprint(v))
	}
}

func (g *generator) header(r *wire, name string, etag func(path string) string) {
	switch {
	case name == "If-Match" && g.chance(80):
		r.headers[name] = etag(r.path)
	case name == "If-Match":
		r.valid = false
		if !g.chance(20) {
			r.headers[name] = pickOne(g, []string{`"1"`, `"0"`, `*`, `""`, `"x"`, "1", `W/"1-abc"`, `"-1"`, `"99999999999999999999"`, `"2147483647"`, `"2147483648"`, `"1", "2"`, "\"\xff\"", strings.Repeat("1", 5000), `"3-`})
		}
	case name == "If-None-Match" && g.chance(10):
		r.headers[name] = pickOne(g, []string{etag(r.path), "*", `W/"x"`, `"`, strings.Repeat(`"a",`, 1000), "\xff"})
	case name == "Idempotency-Key" && g.chance(25):
		r.headers[name] = fmt.Sprintf("key-%d", g.IntN(60))
	case name == "Idempotency-Key" && g.chance(5):
		r.headers[name], r.valid = pickOne(g, []string{"a b", "ü", strings.Repeat("k", 255), strings.Repeat("k", 256), "'", "\xff", "{{.Label}}"}), false
	}
}

func (g *generator) fillBody(r *wire) {
	schema := r.op.body["schema"]
	switch {
	case g.chance(45) && r.op.body["example"] != nil:
		r.tree = cloneJSON(r.op.body["example"])
		for _, p := range spots(&r.tree) { // the document's IDs are fictitious
			if text, ok := p.get.(string); ok && uuid.Validate(text) == nil && g.chance(90) {
				p.set(g.id(p.name))
			}
		}
	default:
		r.tree = g.value(schema, "", 0)
	}
	if g.chance(40) {
		for range 1 + g.IntN(2)*g.IntN(2) {
			r.tree = g.mutate(r.tree)
		}
		r.valid = false
	}
	r.encode()
	if g.chance(7) {
		r.body, r.tree, r.valid = g.damage(r.body), nil, false
	}
}

// encode writes the body from its tree.
func (r *wire) encode() {
	text, err := json.Marshal(r.tree)
	if err != nil {
		text = []byte("{}")
	}
	r.body, r.hasBody = text, true
}

// cloneJSON copies JSON.
func cloneJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	_ = json.Unmarshal(text, &out)
	return out
}

func (g *generator) oddHeaders(r *wire) {
	if r.hasBody {
		r.headers["Content-Type"] = "application/json"
		if g.chance(3) {
			r.headers["Content-Type"], r.valid = pickOne(g, []string{"text/plain", "application/json; charset=latin1", "application/x-www-form-urlencoded", "multipart/form-data", "x", "application/json;;", "application/json; charset=UTF-8", "application/merge-patch+json", ""}), false
		}
	}
	if g.chance(3) {
		r.headers["Accept"] = pickOne(g, []string{"text/html", "application/cbor", "*/*;q=0", "x", "application/xml", "text/event-stream", strings.Repeat("a/b,", 500)})
	}
	if g.chance(3) {
		name := pickOne(g, []string{"Content-Encoding", "Range", "If-Modified-Since", "X-Forwarded-For", "Origin", "Prefer", "X-HTTP-Method-Override", "Cookie"})
		r.headers[name] = pickOne(g, []string{"gzip", "br", "bytes=0-1", "x", "DELETE", "null", "1.2.3.4", "https://elsewhere.example", "session=abc"})
		r.valid = false
	}
	if g.chance(3) {
		r.headers["Authorization"], r.valid = pickOne(g, []string{"", "Bearer ", "Bearer x", "Bearer fnk_" + strings.Repeat("a", 43), "Basic YTpi", "bearer x", "Bearer \xff", "Bearer " + strings.Repeat("k", 5000)}), false
	}
}
