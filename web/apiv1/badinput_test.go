package apiv1

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

// badInput is a request that is wrong in one way, with its answer.
type badInput struct {
	name, method, path, body string
	headers                  []string // pairs
	status                   int
	parts                    string // "code at field", separated by commas
}

const good = `{"slug":"forms","name":"Forms"}`

var badInputs = []badInput{
	{"an unknown field", "POST", "/products", `{"slug":"forms","name":"Forms","nmae":"x"}`, nil, 422, "json.unknown_field at nmae"},
	{"a wrong type", "POST", "/products", `{"slug":3,"name":"Forms"}`, nil, 422, "json.type.string at slug"},
	{"a null", "POST", "/products", `{"slug":null,"name":"Forms"}`, nil, 422, "json.type.string at slug"},
	{"a list for an object", "POST", "/products", `[]`, nil, 422, "json.type.object"},
	{"a missing field", "POST", "/products", `{"slug":"forms"}`, nil, 422, "json.required at name"},
	{"a long text", "POST", "/products", `{"slug":"forms","name":"` + strings.Repeat("n", 201) + `"}`, nil, 422, "json.long at name"},
	{"UTF-8 broken in the body", "POST", "/products", "{\"slug\":\"forms\",\"name\":\"F\xff\"}", nil, 400, "json.utf8"},
	{"UTF-8 broken in the query", "GET", "/customers?query=%ff", "", nil, 422, "utf8 at query"},
	{"a broken escape in the query", "GET", "/customers?query=%zz", "", nil, 400, "query.malformed"},
	{"UTF-8 broken in the path", "GET", "/customers/%ff", "", nil, 404, ""},
	{"NUL in the path", "GET", "/customers/%00", "", nil, 404, ""},
	{"a member twice", "POST", "/products", `{"slug":"forms","slug":"desk","name":"Forms"}`, nil, 400, "json.twice at slug"},
	{"NUL in a text", "POST", "/products", `{"slug":"forms","name":"F\u0000"}`, nil, 422, "json.characters at name"},
	{"half a character", "POST", "/products", `{"slug":"forms","name":"F\ud83d"}`, nil, 422, "json.characters at name"},
	{"an escape sequence", "POST", "/products", `{"slug":"forms","name":"\u001b[31m"}`, nil, 422, "json.characters at name"},
	{"an unknown parameter", "GET", "/customers?nmae=x", "", nil, 422, "query.unknown at nmae"},
	{"a parameter of a wrong type", "GET", "/customers?limit=x", "", nil, 422, "json.type.integer at limit"},
	{"a parameter out of bounds", "GET", "/customers?limit=201", "", nil, 422, "json.maximum at limit"},
	{"a cursor of nobody's", "GET", "/customers?after=x", "", nil, 422, "cursor.malformed at after"},
	{"an ID that is none", "GET", "/customers/hansa", "", nil, 422, "json.uuid at id"},
	{"an ID of nothing", "GET", "/customers/0199aa00-0000-7000-8000-000000000001", "", nil, 404, "customer.not_found"},
	{"an unknown path", "GET", "/costumers", "", nil, 404, ""},
	{"a wrong method", "DELETE", "/products", "", nil, 405, ""},
	{"form data", "POST", "/products", "slug=forms", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media_type"},
	{"another charset", "POST", "/products", good, []string{"Content-Type", "application/json; charset=latin1"}, 415, "media_type"},
	{"a compressed body", "POST", "/products", "\x1f\x8b\x08\x00", []string{"Content-Encoding", "gzip"}, 415, "content_encoding at Content-Encoding"},
	{"no body", "POST", "/products", "", nil, 400, "json.empty"},
	{"half a body", "POST", "/products", good[:12], nil, 400, "json.malformed"},
	{"something behind the body", "POST", "/products", good + "{}", nil, 400, "json.malformed"},
	{"a bomb of brackets", "POST", "/products", strings.Repeat("[", 100_000), nil, 400, "json.deep"},
	{"no If-Match", "PUT", "/publisher", "publisher", nil, 428, "precondition.missing at If-Match"},
	{"an If-Match that is none", "PUT", "/publisher", "publisher", []string{"If-Match", `"x"`}, 422, "precondition.malformed at If-Match"},
	{"a stale If-Match", "PUT", "/publisher", "publisher", []string{"If-Match", `"99"`}, 412, "changed_meanwhile"},
	{"a long Idempotency-Key", "POST", "/products", good, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, "idempotency.long at Idempotency-Key"},
	{"an Idempotency-Key with a space", "POST", "/products", good, []string{"Idempotency-Key", "a b"}, 422, "idempotency.characters at Idempotency-Key"},
	{"no key", "GET", "/me", "", []string{"Authorization", ""}, 401, "key.missing"},
	{"another scheme", "GET", "/me", "", []string{"Authorization", "Basic YTpi"}, 401, "key.missing"},
	{"a key in the address", "GET", "/me?key=fnk_x", "", []string{"Authorization", ""}, 401, "key.missing"},
	{"a malformed key", "GET", "/me", "", []string{"Authorization", "Bearer x"}, 401, "key.invalid"},
	{"a foreign key", "GET", "/me", "", []string{"Authorization", "Bearer fnk_" + strings.Repeat("a", 43)}, 401, "key.invalid"},
}

// Each kind of bad input has its own answer, in both languages.
func TestBadInputIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as(d.Staff("Ada Admin", actor.Admin))
	publisher := string(admin.get("/publisher").want(200).Body)
	for _, b := range badInputs {
		t.Run(b.name, func(t *testing.T) {
			var details []string
			for _, lang := range []string{"en", "de"} {
				p := &program{d: d, key: admin.key, lang: lang}
				var body any
				if b.body != "" {
					body = []byte(strings.Replace(b.body, "publisher", publisher, 1))
				}
				a := p.send(b.method, b.path, body, b.headers...)
				a.t = t
				var parts []string
				if b.parts != "" {
					parts = strings.Split(b.parts, ", ")
				}
				problem := a.problem(b.status, parts...)
				var list complaints
				if checkProblem(&list, a, "application/problem+json", false); len(list) > 0 {
					t.Error(list)
				}
				details = append(details, problem.Detail)
			}
			if details[0] == details[1] {
				t.Errorf("it is told in one language only: %s", details[0])
			}
		})
	}
	if n := d.count("select count(*) from products"); n != 1 {
		t.Errorf("there are %d products: bad input was taken", n)
	}
}

// What is refused for its size is refused before it is read, when its length is known, and told to who
// sends on as well.
func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as(d.Staff("Ada Admin", actor.Admin))
	large := []byte(`{"slug":"forms","name":"` + strings.Repeat("n", 10<<20) + `"}`)
	for name, prepare := range map[string]func(*http.Request){
		"with its length":    func(*http.Request) {},
		"in chunks":          func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(large)), -1 },
		"asking beforehand":  func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"in chunks, expects": func(r *http.Request) { r.ContentLength = -1; r.Header.Set("Expect", "100-continue") },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+Prefix+"/products", bytes.NewReader(large))
			d.ok(err)
			r.Header.Set("Authorization", "Bearer "+admin.key)
			r.Header.Set("Content-Type", "application/json")
			prepare(r)
			client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			d.ok(err)
			(&answer{t: t, Status: response.StatusCode, Header: response.Header, Body: body}).problem(413, "json.too_large")
		})
	}
}

// A key that has run out, was revoked, comes from elsewhere, asks too often or is worth too little is
// told so.
func TestKeysThatOpenNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	who := d.Staff("Ada Admin", actor.Admin)
	key := func(k accounts.Key) (*program, accounts.Key) {
		k.Name = "test"
		if k.Role == "" {
			k.Role = actor.Admin
		}
		if k.PerMinute == 0 {
			k.PerMinute = accounts.HighestKeyRate
		}
		text, err := d.accounts.CreateKey(t.Context(), who, &k)
		d.ok(err)
		return &program{d: d, key: text, lang: "en"}, k
	}
	revoked, k := key(accounts.Key{})
	revoked.get("/me").want(200)
	d.ok(d.accounts.RevokeKey(t.Context(), who, k.ID))
	revoked.get("/me").problem(401, "key.invalid")
	elsewhere, _ := key(accounts.Key{Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	elsewhere.get("/me").problem(403, "key.network")
	weak, _ := key(accounts.Key{Role: actor.Reviewer})
	weak.post("/products", ProductInput{Slug: "forms", Name: "Forms"}).problem(403, "role.missing")
	slow, _ := key(accounts.Key{PerMinute: 1})
	slow.get("/me").want(200)
	if a := slow.get("/me"); a.problem(429, "key.rate") != nil && a.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come back")
	}
	expiring, _ := key(accounts.Key{ExpiresAt: d.Clock.Now().Add(time.Hour)})
	expiring.get("/me").want(200)
	d.Clock.Add(time.Hour)
	expiring.get("/me").problem(401, "key.invalid")
}

// An answer is JSON whatever the client says it would rather have.
func TestAcceptDoesNotMatter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.as(d.Editor)
	for _, accept := range []string{"text/html", "application/xml", "application/cbor", "*/*;q=0", "x"} {
		if a := p.get("/me", "Accept", accept).want(200); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
			t.Errorf("Accept: %s gets %s", accept, a.Header.Get("Content-Type"))
		}
	}
}
