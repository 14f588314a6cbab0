package apiv1

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// anybody asks without a key, at an address from the root.
func (d *desk) anybody(method, path string, pairs ...string) *answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.server.URL+path, nil)
	d.ok(err)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r) // as it is on the wire where gzip is asked for
	d.ok(err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	d.ok(err)
	return &answer{t: d.t, Status: response.StatusCode, Header: response.Header, Body: got}
}

func TestTheDocumentIsServed(t *testing.T) {
	d := newDesk(t)
	first := d.anybody("GET", documentPath, "Origin", "https://other.example").want(200)
	if first.Header.Get("Access-Control-Allow-Origin") != "*" || first.Header.Get("Content-Type") != "application/openapi+json; charset=utf-8" ||
		first.Header.Get("Cache-Control") != "no-cache" || first.Header.Get("Link") != `</docs>; rel="service-doc"` {
		t.Errorf("headers %v", first.Header)
	}
	whole, err := Document(&url.URL{Scheme: "http", Host: "trust.nordlicht.example"})
	d.ok(err)
	var served, printed any
	d.ok(json.Unmarshal(first.Body, &served))
	d.ok(json.Unmarshal(whole, &printed))
	a, _ := json.Marshal(served)
	b, _ := json.Marshal(printed)
	if !bytes.Equal(a, b) {
		t.Error("what is served is not what Document writes")
	}
	squeezed := d.anybody("GET", documentPath, "Accept-Encoding", "gzip").want(200)
	reader, err := gzip.NewReader(bytes.NewReader(squeezed.Body))
	d.ok(err)
	if plain, err := io.ReadAll(reader); err != nil || !bytes.Equal(plain, first.Body) {
		t.Errorf("compressed it is something else: %v", err)
	}
	for _, encoding := range []string{"gzip", "identity"} {
		again := d.anybody("GET", documentPath, "If-None-Match", first.etag(), "Accept-Encoding", encoding).want(304)
		if len(again.Body) > 0 || again.etag() != first.etag() || again.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: 304 with %d bytes, %v", encoding, len(again.Body), again.Header)
		}
	}
	if head := d.anybody("HEAD", documentPath).want(200); len(head.Body) > 0 || head.etag() != first.etag() {
		t.Errorf("HEAD: %d bytes, %v", len(head.Body), head.Header)
	}
	asked := d.anybody("OPTIONS", documentPath, "Origin", "https://other.example", "Access-Control-Request-Headers", "if-none-match").want(204)
	if asked.Header.Get("Access-Control-Allow-Headers") != "If-None-Match, If-Modified-Since" {
		t.Errorf("OPTIONS: %v", asked.Header)
	}
}

func TestTheBareAddressSaysWhereToGoOn(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{Prefix, Prefix + "/"} {
		var links map[string]string
		d.anybody("GET", path).want(200).into(&links)
		if links["openapi"] != "http://trust.nordlicht.example/api/v1/openapi.json" || links["docs"] != "http://trust.nordlicht.example/docs" {
			t.Errorf("%s: %v", path, links)
		}
	}
}
