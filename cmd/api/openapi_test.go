package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// The command needs no database, and writes the same each time: a generated client is compared with it.
func TestTheDocumentIsWritten(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DATA_DIR", t.TempDir())
	t.Setenv("PUBLIC_URL", "https://trust.nordlicht.example")
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := command(t.Context(), []string{"openapi"}, strings.NewReader(""), out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same program wrote two documents")
	}
	var document struct {
		OpenAPI string                    `json:"openapi"`
		Servers []struct{ URL string }    `json:"servers"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(first.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1.") || document.Servers[0].URL != "https://trust.nordlicht.example/api/v1" {
		t.Errorf("the document is OpenAPI %s for %v", document.OpenAPI, document.Servers)
	}
	if document.Paths["/me"]["get"] == nil {
		t.Error("the document lacks GET /me")
	}
	if err := command(t.Context(), []string{"openapi", "now"}, nil, &second); err == nil || !strings.Contains(err.Error(), `"now"`) {
		t.Errorf("openapi with an argument: %v", err)
	}
}
