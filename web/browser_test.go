package web_test

import (
	"net/http/httptest"
	"testing"

	"fairnotice/web/browsertest"
)

// The kit in a real browser: light and dark, wide and narrow, with scripts and without.
func TestKitInABrowser(t *testing.T) {
	s := newSink(t, "http://127.0.0.1")
	server := httptest.NewServer(s.kit.Handler())
	defer server.Close()
	browsertest.Run(t, "kit.spec.js", map[string]string{"BASE_URL": server.URL})
}
