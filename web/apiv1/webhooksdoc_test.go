package apiv1

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// strict makes every schema refuse what it doesn't name, so that a field which the document forgot is
// found.
func strict(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, ok := n["properties"]; ok {
			n["additionalProperties"] = false
		}
		for _, child := range n {
			strict(child)
		}
	case []any:
		for _, child := range n {
			strict(child)
		}
	}
}

// What internal/notify composes is in its goldens, which its own tests keep.
func TestWebhooksAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	raw, err := Document(&url.URL{Scheme: "https", Host: "trust.nordlicht.example"})
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	strict(document.(map[string]any)["components"].(map[string]any)["schemas"])
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("file:///openapi.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("file:///openapi.json#/components/schemas/WebhookBody")
	if err != nil {
		t.Fatal(err)
	}
	const composed = "../../internal/notify/testdata/"
	files, err := filepath.Glob(composed + "*.webhook.json")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d bodies, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for file, example := range map[string][]byte{"addition.general.en": announcedWebhook, "withdrawal.general.en": withdrawnWebhook} {
		if body, err := os.ReadFile(composed + file + ".webhook.json"); err != nil || !bytes.Equal(body, example) {
			t.Errorf("the example in web/apiv1/webhooks is no longer %s: copy it (%v)", file, err)
		}
	}
}

func TestTheDocumentNamesEveryWebhook(t *testing.T) {
	t.Parallel()
	raw, err := Document(&url.URL{Scheme: "https", Host: "trust.nordlicht.example"})
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Webhooks map[string]struct {
			Post struct {
				Parameters  []struct{ Name string }
				RequestBody struct {
					Content map[string]struct{ Example struct{ Type string } }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Webhooks) != 2 {
		t.Errorf("%d webhooks", len(document.Webhooks))
	}
	for name, w := range document.Webhooks {
		if got := w.Post.RequestBody.Content["application/json"].Example.Type; got != name || len(w.Post.Parameters) != 3 {
			t.Errorf("%s has the example of %q and %d headers", name, got, len(w.Post.Parameters))
		}
	}
}
