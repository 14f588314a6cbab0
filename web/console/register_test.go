package console

import (
	"strings"
	"testing"

	"fairnotice/internal/vendors"
)

const (
	control = "Ab\x07c"
	broken  = "Ab\xffc"
)

var long = strings.Repeat("ä", 201)

// badValue is something that a field doesn't take, with what is said of it.
type badValue struct{ name, field, value, sentence string }

func TestVendorIsAddedAndEdited(t *testing.T) {
	t.Parallel()
	_, r := editorOf(t)
	form := r.get("/console/vendors/new").want(200, "Add a vendor").form("/console/vendors")
	form.fill("legal_name", "Acme Cloud GmbH", "country", "DE", "address", "Weg 1\r\n10115 Berlin", "website", "https://acme.example",
		"contact_email", "dpo@acme.example", "contact_position", "DPO", "dpa_signed_on", "3 May 2026", "flow_down_confirmed", "yes")
	made := r.submit(form)
	page := r.follow(made).want(200, "Acme Cloud GmbH is in the register.", "10115 Berlin", "Germany", "3 May 2026", "No engagements yet", "Vendor added")
	again := r.submit(form).want(303) // the button pressed twice
	if got, want := again.Header.Get("Location"), made.Header.Get("Location"); got != want {
		t.Errorf("pressed twice it leads to %q, not %q", got, want)
	}
	path := made.Header.Get("Location")
	edit := r.get(path+"/edit").want(200).form(path+"/edit").fill("trade_name", "Acme", "note", "They go by it")
	r.follow(r.submit(edit)).want(200, "Acme is saved.", "They go by it")
	r.get("/console/vendors?query=acme&country=DE&engaged=no").want(200, "1 vendor", "Acme Cloud GmbH")
	r.get("/console/vendors?query=nobody").want(200, "No vendor matches", "Clear filters", "0 vendors")
	_ = page
}

func TestVendorFormRefuses(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	d.vendor("Taken Ltd")
	for _, bad := range []badValue{
		{"no name", "legal_name", "", "Legal name is missing. Please fill it in."},
		{"long name", "legal_name", long, "Legal name is too long. Shorten it to 200 characters or fewer."},
		{"control characters", "legal_name", control, "Legal name holds invisible control characters"},
		{"broken text", "legal_name", broken, "Legal name holds characters that are not valid UTF-8"},
		{"two lines", "legal_name", "One\nTwo", "Legal name holds invisible control characters"},
		{"duplicate", "legal_name", "taken LTD", "Legal name: this exists already."},
		{"unknown country", "country", "XX", "Country is not a country that we know."},
		{"no country", "country", "", "Country is missing."},
		{"no web address", "website", "acme", "Website is not a web address."},
		{"odd scheme", "website", "javascript:alert(1)", "Website"},
		{"credentials", "website", "https://me:secret@acme.example", "Website holds a user name or a password."},
		{"no email address", "contact_email", "dpo at acme", "Email address of the contact is not an email address."},
		{"no date", "dpa_signed_on", "31 February 2026", "Agreement signed on is not a date."},
		{"no date at all", "next_review_on", "soon", "Next review is not a date."},
		{"reversed", "next_review_on", "1 January 2026", "Next review is before the last review."},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get("/console/vendors/new").form("/console/vendors").fill("legal_name", "New One Ltd", "country", "IE", "last_review_on", "2 January 2026")
			status := 422
			if bad.name == "duplicate" {
				status = 409
			}
			if bad.field == "country" && bad.value != "" { // no choice of ours, so no option to show it in
				r.submit(form.fill(bad.field, bad.value)).want(status, bad.sentence)
				return
			}
			r.refused(form.fill(bad.field, bad.value), status, bad.sentence)
		})
	}
	if _, next, err := listed(d); err != nil || next != 1 {
		t.Errorf("%d vendors, %v: nothing refused may be stored", next, err)
	}
}

func listed(d *desk) (*vendors.Listing, int, error) {
	list, err := d.Vendors.ListVendors(d.t.Context(), vendors.Filter{}, vendors.Page{})
	return list, len(list.Items), err
}

func TestAFormThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	_, r := editorOf(t)
	form := r.get("/console/vendors/new").form("/console/vendors").fill("legal_name", strings.Repeat("x", 10<<20))
	r.submit(form).want(413, "larger than")
}

func TestTwoPeopleEditAVendor(t *testing.T) {
	t.Parallel()
	d, first := editorOf(t)
	second := d.as(d.Approver)
	_, path := d.vendor("Acme Ltd")
	path += "/edit"
	slow := second.get(path).form(path).fill("trade_name", "Second’s name", "retention", "Kept by me")
	first.submit(first.get(path).form(path).fill("trade_name", "First’s name", "country", "DE")).want(303)
	page := second.refused(slow, 409, "Edda Editor changed this while you were editing")
	page.want(409, "What was changed meanwhile", "First’s name", "Trade name", "Ireland", "Germany")
	// Having seen it, the second saves on top of it.
	second.follow(second.submit(page.form(path))).want(200, "is saved", "Second’s name", "Kept by me")
}

func TestEngagementIsRecordedWithoutAScript(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	v, path := d.vendor("Acme Ltd")
	at := path + "/engagements/new"
	form := r.get(at).want(200, "Location 1").without("Location 2").form(at)
	form.fill("purpose", "Hosting", "since", "1 March 2026", "data_categories", "names\r\n\r\nIP addresses", "products", d.Product.ID.String(),
		"plans.0", "Pro\r\nTeam", "special_categories", "health", "regions", "eea", "regions", "gb", "optional", "yes",
		"locations.0.country", "US", "locations.0.kind", "accessed", "locations.0.transfers.eea", "dpf", "locations.0.assessed_on.eea", "2 March 2026")
	form.fill("_add", "location")
	more := r.submit(form).want(200, "Location 2").form(at)
	more.fill("locations.1.country", "DE", "locations.1.transfers.eea", "none_needed")
	r.follow(r.submit(more)).want(200, "The engagement of Acme Ltd is recorded.", "Hosting", "Nordlicht Desk (Pro), Nordlicht Desk (Team)",
		"United States", "EU-US Data Privacy Framework", "2 March 2026", "Health", "names and IP addresses", "1 March 2026", "Effective")
	list, err := d.Vendors.Engagements(t.Context(), v.ID)
	d.ok(err)
	if len(list) != 1 || len(list[0].Locations) != 2 || list[0].Locations[0].Country != "DE" || !list[0].Optional {
		t.Fatalf("recorded %+v", list)
	}

	// A correction shows all of it, drops a location and asks why.
	correct := engagementPath(list[0].ID) + "/correct"
	edit := r.get(correct).want(200).form(correct)
	r.refused(edit, 422, "Note is missing.")
	edit.fill("note", "The second is gone", "locations.0.drop", "yes", "data_subjects", "staff")
	r.follow(r.submit(edit)).want(200, "is corrected", "staff", "The second is gone").without("Germany")
	after, err := d.Vendors.Engagement(t.Context(), list[0].ID)
	d.ok(err)
	if len(after.Products) != 2 || len(after.Locations) != 1 || after.Locations[0].Mechanism(vendors.EEA) != vendors.DPF {
		t.Errorf("corrected to %+v", after.EngagementFacts)
	}
}

func TestEngagementFormRefuses(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	_, path := d.vendor("Acme Ltd")
	at := path + "/engagements/new"
	for _, bad := range []badValue{
		{"no purpose", "purpose", "", "Purpose is missing."},
		{"no day", "since", "", "Since is missing."},
		{"not a day", "since", "the other day", "Since is not a date."},
		{"a day to come", "since", "1 December 2026", "Since is in the future: a new sub-processor needs a change and notice."},
		{"an unknown product", "products", "0190f000-0000-7000-8000-000000000000", "Products is not one of the publisher's products"},
		{"not even an ID", "products", "desk", "Products: “desk” is not one of the publisher's products"},
		{"an unknown region", "regions", "mars", "Regions: “mars” is not one of the choices."},
		{"a mechanism missing", "locations.0.transfers.eea", "none_needed", "Transfer mechanism from the EEA: data leaves this legal area when it goes to"},
		{"a mechanism of another regime", "locations.0.transfers.gb", "dpf", "Transfer mechanism from the United Kingdom: “dpf” is not one of the choices."},
		{"an assessment of nothing", "locations.0.assessed_on.ch", "1 May 2026", "Transfer mechanism from Switzerland is missing."},
		{"no date of the assessment", "locations.0.assessed_on.eea", "May", "Transfer assessed on (EEA) is not a date."},
		{"the same place twice", "locations.1.country", "US", "this country stands in the list already"},
		{"an unknown country", "locations.1.country", "QQ", "Country is not a country that we know."},
		{"a place without a country", "locations.1.transfers.eea", "dpf", "Country is missing."},
		{"a host that is none", "hosting_vendor_id", "nobody", "Hosted by is not a vendor in the register."},
		{"a plan too long", "plans.0", long, "Plans is too long."},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get(at).form(at).fill("purpose", "Hosting", "since", "1 March 2026", "products", d.Product.ID.String(),
				"locations.0.country", "US", "locations.0.transfers.eea", "dpf").fill("locations.1.kind", "stored")
			form.fill(bad.field, bad.value)
			page := r.submit(form).want(422, bad.sentence)
			if got := page.form(at).values.Get("locations.0.transfers.eea"); bad.field != "locations.0.transfers.eea" && got != "dpf" {
				t.Errorf("the location isn't kept: %q", got)
			}
		})
	}
}

// A blank row between two filled ones goes; what is wrong with the third is told at its new place.
func TestBlankLocationsMoveTheOthersUp(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	_, path := d.vendor("Acme Ltd")
	at := path + "/engagements/new"
	form := r.get(at).form(at).fill("purpose", "Hosting", "since", "1 March 2026", "locations.0.country", "DE",
		"locations.1.country", "", "locations.1.kind", "stored", "locations.2.country", "US", "locations.2.transfers.eea", "none_needed", "locations.2.kind", "stored")
	page := r.submit(form).want(422)
	if !strings.Contains(page.Body, `href="#f-locations.1.transfers.eea"`) || !strings.Contains(page.Body, `id="f-locations.1.transfers.eea"`) {
		t.Error("the summary doesn't lead to the second row")
	}
	if got := page.form(at).values.Get("locations.1.country"); got != "US" {
		t.Errorf("the second row holds %q", got)
	}
}

func TestTwoPeopleCorrectAnEngagement(t *testing.T) {
	t.Parallel()
	d, first := editorOf(t)
	second := d.as(d.Approver)
	v, _ := d.vendor("Acme Ltd")
	e, err := d.Vendors.RecordEngagement(t.Context(), d.Editor, v.ID, d.today(-10), d.Facts())
	d.ok(err)
	at := engagementPath(e.ID) + "/correct"
	slow := second.get(at).form(at).fill("purpose", "Slow purpose", "note", "why")
	first.submit(first.get(at).form(at).fill("purpose", "Fast purpose", "note", "because")).want(303)
	second.refused(slow, 409, "Edda Editor changed this").want(409, "Fast purpose")
}

func TestChainIsKept(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	_, top := d.vendor("Top Ltd")
	below, belowPath := d.vendor("Below Ltd")
	at := top + "/chain/new"
	r.refused(r.get(at).form(at), 422, "Vendor is missing.")
	r.refused(r.get(at).form(at).fill("sub_vendor_id", below.ID.String(), "since", "1 January 2030"), 422, "Since is in the future.")
	r.follow(r.submit(r.get(at).form(at).fill("sub_vendor_id", below.ID.String(), "purpose", "Storage"))).want(200, "The link is in the chain.", "Storage")
	r.refused(r.get(at).form(at).fill("sub_vendor_id", below.ID.String()), 409, "the chain has this link already")
	back := belowPath + "/chain/new"
	topVendor, err := d.Vendors.Vendor(t.Context(), strings.TrimPrefix(top, vendorsPath+"/"))
	d.ok(err)
	r.refused(r.get(back).form(back).fill("sub_vendor_id", topVendor.ID.String()), 422, "back to where it starts")

	chain, err := d.Vendors.Chain(t.Context(), topVendor.ID, d.today(0))
	d.ok(err)
	remove := top + "/chain/" + chain[0].LinkID.String() + "/remove"
	r.follow(r.submit(r.get(remove).want(200, "Below Ltd no longer stands below Top Ltd").form(remove))).want(200, "Below Ltd is no longer in the chain.", "No links")
	r.get(remove).want(404)
}

func TestCertificationIsKept(t *testing.T) {
	t.Parallel()
	d, _ := editorOf(t)
	r := d.as(d.Staff("Rita Reviewer", "reviewer"))
	_, path := d.vendor("Acme Ltd")
	at := path + "/certifications/new"
	for _, bad := range []badValue{
		{"no scheme", "scheme", "", "Scheme is missing."},
		{"not a day", "expires_on", "next year", "Expires on is not a date."},
		{"reversed", "expires_on", "1 January 2020", "Expires on is before"},
		{"malformed evidence", "evidence_url", "http//x", "Web address of the evidence is not a web address."},
		{"unknown product", "products", "0190f000-0000-7000-8000-000000000000", "Products is not one of the publisher's products"},
		{"unknown heritage", "inherited_from", "0190f000-0000-7000-8000-000000000000", "Inherited from: a certification can be inherited only"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get(at).form(at).fill("scheme", "SOC 2", "issued_on", "1 May 2025")
			r.submit(form.fill(bad.field, bad.value)).want(422, bad.sentence)
		})
	}
	r.follow(r.submit(r.get(at).form(at).fill("scheme", "ISO/IEC 27001", "edition", "2022", "expires_on", "31 December 2028"))).
		want(200, "ISO/IEC 27001 is added.", "Unverified", "Nobody has compared it with its evidence yet.")
	v, err := d.Vendors.Vendor(t.Context(), strings.TrimPrefix(path, vendorsPath+"/"))
	d.ok(err)
	all, err := d.Vendors.Certifications(t.Context(), v.ID)
	d.ok(err)
	one := path + "/certifications/" + all[v.ID][0].ID.String()
	r.follow(r.submit(r.get(one+"/check").want(200, "You confirm that you compared").form(one+"/check"))).want(200, "is checked", "Current", "Rita Reviewer")
	stale := r.get(one).form(one).fill("scope", "Everything")
	r.submit(r.get(one).form(one).fill("edition", "2013", "scope", "Half")).want(303)
	r.refused(stale, 409, "Rita Reviewer changed this").want(409, "Half")
	r.get(path).want(200, "Void edition", "IAF MD 26")
	r.follow(r.submit(r.get(one+"/remove").want(200, "leaves the register").form(one+"/remove"))).want(200, "is removed", "No certifications")
}
