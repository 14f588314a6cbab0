package apiv1

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/locale"
	"fairnotice/web"
	"fairnotice/web/browsertest"
	"fairnotice/web/webtest"
)

func TestTheDocsTemplatesAndTexts(t *testing.T) {
	s := newDesk(t).site
	webtest.CheckTemplates(t, s.pages, map[string]web.Data{"overview": &overviewPage{}, "group": &groupPage{}})
	webtest.CheckKeys(t, s.pages)
	webtest.CheckCatalogs(t, files)
	for _, lang := range locale.All {
		for _, id := range sectionIDs {
			for _, part := range []string{"title", "text"} {
				if key := "docs." + id + "." + part; !s.kit.Has(lang, key) {
					t.Errorf("no %s in %s", key, lang)
				}
			}
		}
		for _, fact := range []string{"enum", "min_length", "max_length", "min_items", "max_items", "minimum", "maximum", "pattern", "default"} {
			if key := "docs.fact." + fact; !s.kit.Has(lang, key) {
				t.Errorf("no %s in %s", key, lang)
			}
		}
	}
}

// Whatever stands in the document stands on the page, at an address that an ID leads to.
func TestEveryOperationIsDocumented(t *testing.T) {
	d := newDesk(t)
	overview := string(d.anybody("GET", "/docs").want(200).Body)
	for path, item := range d.site.api.OpenAPI().Paths {
		for _, o := range operationsOf(item) {
			led := d.anybody("GET", "/docs/"+o.OperationID).want(303).Header.Get("Location")
			if led != "/docs/"+slug(o.Tags[0])+"#"+o.OperationID {
				t.Errorf("%s is said to be at %s", o.OperationID, led)
			}
			if !strings.Contains(overview, `href="`+led+`"`) {
				t.Errorf("the overview has no link to %s", led)
			}
			page := string(d.anybody("GET", led).want(200).Body)
			if !strings.Contains(page, `id="`+o.OperationID+`"`) || !strings.Contains(page, path) || !strings.Contains(page, "curl ") {
				t.Errorf("%s: the page %s does not tell of it", o.OperationID, led)
			}
		}
	}
	for name := range d.site.api.OpenAPI().Webhooks {
		if !strings.Contains(string(d.anybody("GET", "/docs/webhooks").want(200).Body), name) {
			t.Errorf("the page does not tell of the webhook %s", name)
		}
	}
	d.anybody("GET", "/docs/nothing").want(404)
}

func TestTheDocsAreKeptAndLinked(t *testing.T) {
	d := newDesk(t)
	first := d.anybody("GET", "/docs").want(200)
	if !strings.HasPrefix(first.Header.Get("Link"), `</api/v1/openapi.json>; rel="service-desc"`) {
		t.Errorf("Link: %s", first.Header.Get("Link"))
	}
	d.anybody("GET", "/docs", "If-None-Match", first.etag()).want(304)
	german := d.anybody("GET", "/docs", "Accept-Language", "de").want(200)
	if !strings.Contains(string(german.Body), "Erste Schritte") || german.etag() == first.etag() {
		t.Error("a German reader gets English")
	}
	settings, err := d.Publisher.Get(t.Context())
	d.ok(err)
	settings.LegalName = "Nordlicht & Söhne"
	d.ok(d.Publisher.Save(t.Context(), d.Staff("Ada Admin", "admin"), settings))
	if again := d.anybody("GET", "/docs").want(200); !strings.Contains(string(again.Body), "Nordlicht &amp; Söhne") {
		t.Error("the page still names the publisher as it was")
	}
	for _, needle := range []string{"<script src=\"http", "style=", "cdn", "//unpkg"} {
		if strings.Contains(string(first.Body), needle) {
			t.Errorf("the page has %q", needle)
		}
	}
}

var addresses = regexp.MustCompile(`http://trust\.nordlicht\.example/api/v1(/[a-z/]+)`)

// What the overview tells to try is there.
func TestTheOverviewsCommandsExist(t *testing.T) {
	s := newDesk(t).site
	for _, section := range s.sections(locale.EN) {
		for _, found := range addresses.FindAllStringSubmatch(section.Code, -1) {
			if s.api.OpenAPI().Paths[found[1]] == nil {
				t.Errorf("%s: there is no %s", section.ID, found[1])
			}
		}
	}
}

type branch struct {
	Top *node `json:"top"`
}

type node struct {
	Name     string `json:"name" maxLength:"20" doc:"As in \x60a.b\x60."`
	Children []node `json:"children,omitempty"`
	Kind     string `json:"kind" enum:"leaf,branch"`
}

// The fields stand in their type's order, and an object that is spoken of is told once.
func TestSchemasInWords(t *testing.T) {
	d := newDesk(t)
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	doc := &huma.OpenAPI{Components: &huma.Components{Schemas: r}}
	w := &drawer{site: d.site, lang: locale.EN, doc: doc}
	name := field{Name: "name", Type: "string", Required: true, Text: text{{"As in ", false}, {"a.b", true}, {".", false}}, Facts: []string{"At most 20 characters."}}
	kind := field{Name: "kind", Type: "string", Required: true, Facts: []string{"One of: leaf, branch."}}
	again := field{Name: "children", Type: "array of object", Shape: "Node"}
	got := w.inner(r.Schema(reflect.TypeFor[branch](), true, ""), nil)
	if diff := cmp.Diff([]field{{Name: "top", Type: "object", Required: true, Shape: "Node"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]shape{{Name: "Node", Fields: []field{name, again, kind}}}, w.shapes()); diff != "" {
		t.Errorf("shapes (-want +got):\n%s", diff)
	}
}

func TestCurlIsQuoted(t *testing.T) {
	body := &huma.MediaType{Example: map[string]string{"name": "O'Neill & Co"}}
	o := &huma.Operation{Security: []map[string][]string{{"key": {}}}, RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": body}},
		Parameters: []*huma.Param{{Name: "id", In: "path", Schema: &huma.Schema{Examples: []any{"7"}}}, {Name: "from", In: "query", Required: true, Example: "2026-01-01"},
			{Name: "If-Match", In: "header", Example: `"3"`}, {Name: "limit", In: "query"}}}
	want := "curl -X PUT \\\n  -H \"Authorization: Bearer $FAIRNOTICE_API_KEY\" \\\n  -H 'If-Match: \"3\"' \\\n  -H 'Content-Type: application/json' \\\n" +
		`  --data '{"name":"O'\''Neill & Co"}'` + " \\\n  'https://trust.example/things/7?from=2026-01-01'"
	if diff := cmp.Diff(want, curlOf(o, "PUT", "https://trust.example/things/{id}")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheDocsInABrowser(t *testing.T) {
	d := newDesk(t)
	browsertest.Run(t, "docs.spec.js", map[string]string{"BASE_URL": d.server.URL})
}
