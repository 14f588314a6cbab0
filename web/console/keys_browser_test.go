package console

import (
	"net/netip"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/web/browsertest"
)

// Keys in a real browser: one is made and revoked, and every page about them is looked at, with keys of
// every kind.
func TestAKeyInABrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.Staff("Ada Admin", actor.Admin)
	for _, who := range []actor.Actor{d.Editor, admin} {
		for _, networks := range [][]netip.Prefix{nil, {netip.MustParsePrefix("2001:db8:1234:5678::/64"), netip.MustParsePrefix("198.51.100.0/24")}} {
			_, err := d.site.Accounts.CreateKey(t.Context(), who, &accounts.Key{Name: "Continuous integration of the customer portal", Role: actor.Editor, Networks: networks})
			d.ok(err)
		}
		d.ok(d.site.Accounts.RevokeKey(t.Context(), who, d.newestKey().ID))
	}
	_, err := d.site.Accounts.CreateKey(t.Context(), admin, &accounts.Key{Name: "pipeline", Role: actor.Reviewer})
	d.ok(err)
	browsertest.Run(t, "keys.spec.js", map[string]string{"BASE_URL": d.server.URL, "SESSION": d.session(admin),
		"EDIT": keyPath(d.newestKey(), "edit"), "REVOKE": keyPath(d.newestKey(), "revoke")})
}
