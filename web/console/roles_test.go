package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
)

// actOfRoute says which act each route needs. A route that isn't
// here is for everybody who is signed in, or nobody has thought about it: the test then fails.
var actOfRoute = map[string]actor.Act{
	"/console/changes": actor.DraftChange, "/console/changes/:reference/edit": actor.DraftChange,
	"/console/vendors": actor.EditRegister, "/console/vendors/:id/edit": actor.EditRegister,
	"/console/vendors/:id/engagements/new": actor.EditRegister, "/console/engagements/:id/correct": actor.EditRegister,
	"/console/vendors/:id/chain/new": actor.EditRegister, "/console/vendors/:id/chain/:link/remove": actor.EditRegister,
	"/console/vendors/:id/certifications/new":                   actor.EditCertifications,
	"/console/vendors/:id/certifications/:certification":        actor.EditCertifications,
	"/console/vendors/:id/certifications/:certification/check":  actor.EditCertifications,
	"/console/vendors/:id/certifications/:certification/remove": actor.EditCertifications,

	"/console/customers": actor.EditCustomers, "/console/customers/:id/edit": actor.EditCustomers, "/console/customers/:id/leave": actor.EditCustomers,
	"/console/customers/:id/contacts/new": actor.EditCustomers, "/console/customers/:id/contacts/:contact": actor.EditCustomers,
	"/console/customers/:id/contacts/:contact/remove": actor.EditCustomers, "/console/customers/:id/contacts/:contact/verify": actor.EditCustomers,
	"/console/customers/:id/contracts/new": actor.EditCustomers, "/console/customers/:id/contracts/:contract/amend": actor.EditCustomers,
	"/console/customers/:id/contracts/:contract/end": actor.EditCustomers, "/console/customers/:id/subscriptions/new": actor.EditCustomers,
	"/console/customers/:id/subscriptions/:subscription/pause": actor.EditCustomers, "/console/customers/:id/subscriptions/:subscription/resume": actor.EditCustomers,
	"/console/customers/:id/subscriptions/:subscription/disable": actor.EditCustomers, "/console/customers/:id/subscriptions/:subscription/revoke": actor.EditCustomers,
	"/console/customers/:id/subscriptions/:subscription/secret": actor.EditCustomers, "/console/customers/:id/subscriptions/:subscription/former": actor.EditCustomers,
	"/console/customers/:id/subscriptions/:subscription/replace": actor.EditCustomers,
	"/console/customers/templates/new":                           actor.EditCustomers, "/console/customers/templates/:id/version": actor.EditCustomers,
	"/console/customers/suppressions": actor.EditSuppression, "/console/customers/suppressions/lift": actor.EditSuppression,

	"/console/settings": actor.EditPublisher, "/console/settings/products": actor.EditPublisher,
	"/console/settings/staff": actor.EditStaff, "/console/settings/staff/:id": actor.EditStaff, "/console/settings/staff/:id/password": actor.EditStaff,
	"/console/settings/staff/:id/disable": actor.EditStaff, staffKeysPath + "/:id/revoke": actor.EditStaff, "/console/settings/staff/:id/enable": actor.EditStaff,
	"/console/ledger/verify": actor.ReadLedger,
}

// ownRoutes are for everybody with an account, and openRoutes for everybody.
var (
	ownRoutes  = []string{"/console/account/password", "/console/account/language", keysPath, keysPath + "/:id/edit", keysPath + "/:id/revoke"}
	openRoutes = []string{"/console/sign-in", "/console/sign-out"}
)

// ofDecisions are the routes of changes and deliveries, whose own tests know their acts.
func ofDecisions(path string) bool {
	return strings.HasPrefix(path, "/console/changes") || strings.HasPrefix(path, "/console/deliver") || strings.HasPrefix(path, "/console/windows") || strings.HasPrefix(path, "/console/notices")
}

func TestNoRoleReachesWhatItMayNot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	readers := map[actor.Role]*reader{}
	for _, role := range actor.Roles {
		readers[role] = d.as(d.Staff("Staff "+string(role), role))
	}
	values := url.Values{"_version": {"1"}}
	tried := 0
	for _, route := range d.kit.Engine().Routes() {
		if route.Method != http.MethodPost || !strings.HasPrefix(route.Path, "/console") || slices.Contains(openRoutes, route.Path) {
			continue
		}
		path := concrete(route.Path)
		d.stranger().do(http.MethodPost, path, values).want(401, "You are not signed in")
		act, known := actOfRoute[route.Path]
		if !known {
			if !slices.Contains(ownRoutes, route.Path) && !ofDecisions(route.Path) {
				t.Errorf("nobody says who may POST %s", route.Path)
			}
			continue
		}
		for role, r := range readers {
			a := r.post(path, values)
			may := actor.Actor{Kind: actor.Staff, Role: role}.May(act)
			if (a.Status == http.StatusForbidden) == may || a.Status >= 500 {
				t.Errorf("POST %s as %s: status %d, may %v", route.Path, role, a.Status, may)
			}
			tried++
		}
	}
	if tried < 100 {
		t.Errorf("only %d tries", tried)
	}
}

// concrete puts an ID that nothing has into each parameter.
func concrete(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i] = uuid.Nil.String()
		}
	}
	return strings.Join(parts, "/")
}

// What a reviewer may not do isn't offered either, and the forms for it don't open.
func TestAReviewerIsOfferedNothingForbidden(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v, vendor := d.vendor("Acme Ltd")
	e, err := d.Vendors.RecordEngagement(t.Context(), d.Editor, v.ID, d.today(-10), d.Facts())
	d.ok(err)
	c := d.Customer("Bergmann KG", "a@bergmann.example", housetest.Sheet(30))
	_, err = d.Subscribers.CreateTemplate(t.Context(), d.Editor, "Standard", housetest.Sheet(30), "")
	d.ok(err)
	reviewer, editor := d.as(d.Staff("Rita", actor.Reviewer)), d.as(d.Editor)
	for _, page := range []struct{ path, offer string }{
		{"/console/vendors", "Add a vendor"}, {vendor, "Record an engagement"}, {vendor, "Add a link"}, {engagementPath(e.ID), "Correct"},
		{"/console/customers", "Add a customer"}, {customerPath(c.ID), "Add a contract"}, {customerPath(c.ID), "Pause"}, {customerPath(c.ID), "Amend"},
		{templatesPath, "Add a template"}, {suppressionsPath, "Suppress an address"},
	} {
		editor.get(page.path).want(200, page.offer)
		reviewer.get(page.path).want(200).without(page.offer)
	}
	if page := reviewer.get(vendor).want(200, "Add a certification").without("Settings"); strings.Contains(page.Body, vendor+"/edit") {
		t.Error("a reviewer is offered to edit a vendor")
	}
	for _, path := range []string{"/console/vendors/new", vendor + "/edit", vendor + "/chain/new", customerPath(c.ID) + "/edit", customerPath(c.ID) + "/leave",
		templatesPath + "/new", "/console/settings", staffPath} {
		reviewer.get(path).want(403, "Your role doesn't allow you to")
	}
}
