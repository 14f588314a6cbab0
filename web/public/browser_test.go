package public_test

import (
	"net/http/httptest"
	"testing"

	"fairnotice/internal/changes"
	"fairnotice/web/browsertest"
)

// The public pages, filled, in a real browser: light and dark, wide and narrow, with scripts and
// without.
func TestPublicInABrowser(t *testing.T) {
	h := filled(t)
	h.whole()
	addition := h.addition()
	h.announce(addition)
	removal := h.draft(&changes.Proposal{Kind: changes.Removal, EngagementID: h.sample.Engagements["slack"], Reason: "Not needed.", EffectiveOn: day("2027-02-01")})
	h.announce(removal)
	h.ok(h.changes.Withdraw(t.Context(), h.who, removal.ID, "It is needed after all."))
	server := httptest.NewServer(h.kit.Handler())
	defer server.Close()
	empty := bareBeside(t)
	emptyServer := httptest.NewServer(empty.kit.Handler())
	defer emptyServer.Close()
	browsertest.Run(t, "public.spec.js", map[string]string{"BASE_URL": server.URL, "EMPTY_URL": emptyServer.URL,
		"ADDITION": addition.Reference, "WITHDRAWN": removal.Reference})
}
