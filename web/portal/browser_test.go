package portal_test

import (
	"net/http/httptest"
	"testing"

	"fairnotice/internal/subscribers"
	"fairnotice/web/browsertest"
)

// Unsubscribing in a real browser, with scripts and without; each run has its own follower.
func TestPortalInABrowser(t *testing.T) {
	h := newHouse(t)
	server := httptest.NewServer(h.serve)
	defer server.Close()
	scripted, plain := h.followerAt("scripted@follower.example"), h.followerAt("plain@follower.example")
	browsertest.Run(t, "portal.spec.js", map[string]string{"BASE_URL": server.URL,
		"SCRIPTED": h.path(scripted), "PLAIN": h.path(plain), "GERMAN": h.path(h.follower("de")), "CONTRACT": h.path(h.recipient())})
	for _, s := range []*subscribers.Subscription{scripted, plain} {
		if state, how := h.state(s.ID); state != subscribers.Unsubscribed || how != "page" {
			t.Errorf("%s is %s by %q", s.Address, state, how)
		}
	}
}
