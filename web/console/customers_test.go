package console

import (
	"strings"
	"testing"

	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/subscribers"
)

func TestCustomerIsAddedAndEdited(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	form := r.get("/console/customers/new").want(200).form("/console/customers")
	if form.values.Get("time_zone") != "Europe/Berlin" || form.values.Get("country") != "DE" {
		t.Errorf("the form starts with %v, not with the publisher's own", form.values)
	}
	form.fill("name", "Bergmann KG", "external_id", "C-77", "region", "eea", "role", "both", "products", d.Product.ID.String(), "affiliates", "Berg One\r\nBerg Two")
	made := r.submit(form).want(303)
	r.follow(made).want(200, "Bergmann KG is added.", "Berg One, Berg Two", "No notice would reach anybody", "No contracts", "No contacts", "No windows", "Customer added")
	if got := r.submit(form).want(303).Header.Get("Location"); got != made.Header.Get("Location") {
		t.Errorf("pressed twice it leads to %q", got)
	}
	at := made.Header.Get("Location") + "/edit"
	slow := r.get(at).form(at).fill("name", "Bergmann SE")
	r.follow(r.submit(r.get(at).form(at).fill("country", "AT", "name", "Bergmann AG"))).want(200, "Bergmann AG is saved.", "Austria")
	r.refused(slow, 409, "Edda Editor changed this").want(409, "Bergmann AG", "Austria", "Germany")
	r.get("/console/customers?product=desk&region=eea&role=both&query=c-77&state=unreachable").want(200, "1 customer", "Bergmann AG", "nobody would be told")
	r.get("/console/customers?region=us").want(200, "No customer matches", "Clear filters")
	leave := made.Header.Get("Location") + "/leave"
	r.refused(r.get(leave).want(200, "is no longer a customer").form(leave).fill("left_on", "never"), 422, "No longer a customer from is not a date.")
	r.follow(r.submit(r.get(leave).form(leave).fill("left_on", "1 November 2026"))).want(200, "is saved", "Ended")
}

func TestCustomerFormRefuses(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	d.Customer("Taken", "a@taken.example", housetest.Sheet(30)) // C-3: two of staff came first
	taken, err := d.Subscribers.Customers(t.Context(), subscribers.CustomerFilter{})
	d.ok(err)
	for _, bad := range []badValue{
		{"no name", "name", "", "Name is missing."},
		{"a long name", "name", long, "Name is too long."},
		{"control characters", "name", control, "Name holds invisible control characters"},
		{"broken text", "name", broken, "Name holds characters that are not valid UTF-8"},
		{"no number", "external_id", "", "Customer number is missing."},
		{"a number twice", "external_id", taken.Rows[0].ExternalID, "Customer number: this exists already."},
		{"no region", "region", "", "Region is missing."},
		{"no zone", "time_zone", "Mars/Olympus", "Time zone is not a time zone that we know."},
		{"an unknown country", "country", "ZZ", "Country is not a country that we know."},
		{"an unknown language", "language", "tlh", "Language is not a language that we speak."},
		{"an unknown role", "role", "king", "Role: “king” is not one of the choices."},
		{"no products", "products", "", "Products is missing."},
		{"an unknown product", "products", "0190f000-0000-7000-8000-000000000000", "is not one of the publisher's products"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get("/console/customers/new").form("/console/customers").
				fill("name", "New", "external_id", "N-1", "region", "eea", "products", d.Product.ID.String())
			page := r.submit(form.fill(bad.field, bad.value))
			if page.Status != 422 && page.Status != 409 {
				t.Errorf("status %d", page.Status)
			}
			page.want(page.Status, bad.sentence)
			if bad.field != "external_id" && page.form("/console/customers").values.Get("external_id") != "N-1" {
				t.Error("the number isn't kept")
			}
		})
	}
}

func TestContactsAreKept(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	base := customerPath(c.ID)
	at := base + "/contacts/new"
	for _, bad := range []badValue{
		{"no address", "email", "", "Email address is missing."},
		{"malformed", "email", "petra@", "Email address is not an email address."},
		{"two addresses", "email", "a@b.example, c@d.example", "Email address is not an email address."},
		{"a line break", "email", "a@b.example\nBcc: x@y.example", "Email address holds invisible control characters"},
		{"taken", "email", "FIRST@bergmann.example", "Email address: this exists already."},
		{"no role", "roles", "", "What the contact is for is missing."},
		{"an unknown role", "roles", "boss", "What the contact is for: “boss” is not one of the choices."},
	} {
		t.Run(bad.name, func(t *testing.T) {
			page := r.submit(r.get(at).form(at).fill("name", "Petra", "email", "petra@bergmann.example").fill(bad.field, bad.value))
			page.want(map[bool]int{true: 409, false: 422}[bad.name == "taken"], bad.sentence)
			if page.form(at).values.Get("name") != "Petra" {
				t.Error("the name isn't kept")
			}
		})
	}
	r.follow(r.submit(r.get(at).form(at).fill("name", "Petra", "email", "petra@bergmann.example", "roles", "fallback", "roles", "objections"))).
		want(200, "Petra is added.", "Fallback and Objections", "named in the contract")
	contacts, err := d.Subscribers.Contacts(t.Context(), c.ID)
	d.ok(err)
	petra := base + "/contacts/" + contacts[1].ID.String()
	r.follow(r.submit(r.get(petra+"/verify").want(200, "petra@bergmann.example").form(petra+"/verify"))).want(200, "Petra is verified.", "Verified")
	slow := r.get(petra).form(petra).fill("position", "Counsel")
	r.follow(r.submit(r.get(petra).form(petra).fill("position", "DPO"))).want(200, "Petra is saved.", "DPO")
	r.refused(slow, 409, "Edda Editor changed this").want(409, "DPO")
	r.follow(r.submit(r.get(petra+"/remove").want(200, "is no longer told of changes").form(petra+"/remove"))).want(200, "Petra is removed.")
	last := base + "/contacts/" + contacts[0].ID.String() + "/remove"
	r.submit(r.get(last).form(last)).want(409, "Nobody else at Bergmann KG can be told at present")
	r.get(petra).want(404)
	// Another customer's page doesn't open this customer's contact.
	other := d.Customer("Other", "", housetest.Sheet(30))
	r.get(customerPath(other.ID) + "/contacts/" + contacts[0].ID.String()).want(404)
}

func TestContractsFollowTemplatesWithDeviations(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	form := r.get(templatesPath + "/new").want(200).form(templatesPath + "/new")
	form.fill("name", "Standard DPA", "clause", "DPA § 7(2)", "by_kind.removal.notice.count", "5", "by_kind.removal.notice.unit", "calendar_days")
	r.follow(r.submit(form)).want(200, "“Standard DPA” is added.", "General authorisation: notice of 30 calendar days, objection of 30 calendar days beside it, counted from sending.")
	r.refused(form, 409, "Name: this exists already.")
	templates, err := d.Subscribers.Templates(t.Context())
	d.ok(err)

	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	at := customerPath(c.ID) + "/contracts/new"
	add := r.get(at).want(200, "Standard DPA, edition 1").form(at).fill("reference", "DPA-B", "signed_on", "1 February 2026",
		"template", templates[0].Latest.ID.String(), "notice.count", "45", "by_kind.removal.notice.unit", "none", "by_kind.removal.objection.unit", "none",
		"clause", "Annex 3", "recipients", "legal@bergmann.example")
	r.follow(r.submit(add)).want(200, "Contract DPA-B is added.", "notice of 45 calendar days, objection of 30 calendar days beside it", "Made from “Standard DPA”, edition 1.", "Clause: Annex 3.",
		"legal@bergmann.example").without("Removal: notice")
	r.refused(add, 409, "Reference: this exists already.")

	contracts, err := d.Subscribers.Contracts(t.Context(), c.ID)
	d.ok(err)
	one := contractPath(c, contracts[0].ID)
	amend := one + "/amend"
	edit := r.get(amend).form(amend)
	for field, want := range map[string]string{"notice.count": "45", "notice.unit": "", "by_kind.removal.notice.unit": "none", "clause": "Annex 3", "recipients": "legal@bergmann.example"} {
		if got := edit.values.Get(field); got != want {
			t.Errorf("the amendment starts with %s %q, want %q", field, got, want)
		}
	}
	slow := r.get(amend).form(amend).fill("notice.count", "90")
	r.follow(r.submit(edit.fill("notice.count", "2", "notice.unit", "months", "notice.unit", "months"))).want(200, "is amended", "notice of 2 months")
	r.refused(slow, 409, "Edda Editor changed this")
	r.get(one).want(200, "Version 2", "Version 1", "notice of 45 calendar days")

	version := templatesPath + "/" + templates[0].ID.String() + "/version"
	next := r.get(version).form(version)
	if next.values.Get("by_kind.removal.notice.count") != "5" {
		t.Errorf("the next edition starts with %v", next.values)
	}
	r.follow(r.submit(next.fill("objection.count", "60", "note", "Longer"))).want(200, "has a new edition", "Edition 2", "objection of 60 calendar days", "Longer")
	r.get(customerPath(c.ID)).want(200, "Made from “Standard DPA”, edition 1.")

	end := one + "/end"
	r.refused(r.get(end).form(end).fill("ended_on", "1 January 2020"), 422, "is before the contract was signed on 1 February 2026")
	r.follow(r.submit(r.get(end).want(200, "is no longer in force").form(end).fill("ended_on", "1 October 2026"))).want(200, "The end of contract DPA-B is saved.", "Ended")
}

func TestTermsThatCanNotBeComputedAreWarnedOf(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	at := customerPath(c.ID) + "/contracts/new"
	form := r.get(at).form(at).fill("reference", "DPA-W", "signed_on", "1 February 2026", "authorisation", "specific", "notice.count", "20", "notice.unit", "business_days",
		"objection.count", "10", "objection.unit", "calendar_days", "objection_runs", "after_notice_period", "direction", "forward", "clock_starts", "accepted",
		"served", "all", "counting", "plain", "time_zone", "Europe/Vienna", "grounds_required", "yes", "channels", "email",
		"emergency.clause", "yes", "emergency.told_within.count", "3", "emergency.told_within.unit", "calendar_days",
		"before_signing.signed_before", "1 January 2020", "before_signing.notice.count", "14", "before_signing.notice.unit", "calendar_days",
		"before_signing.objection.count", "14", "before_signing.objection.unit", "calendar_days")
	r.refused(form, 422, "Country of the public holidays is missing: these terms count working days")
	r.follow(r.submit(form.fill("holidays.country", "AT"))).want(200, "Specific authorisation: notice of 20 business days, objection of 10 calendar days after it",
		"Fairnotice can't compute dates from them yet: periods in business days", "Only an express consent authorises", "An objection must give grounds.",
		"In an emergency a change may come first; the customer is told within 3 calendar days.", "Contracts signed before 1 January 2020", "Public holidays are those of Austria",
		"Only these ways count as service: Email.", "Every recipient must be reached.")
}

func TestContractFormRefuses(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	tmpl, err := d.Subscribers.CreateTemplate(t.Context(), d.Editor, "Standard", housetest.Sheet(30), "")
	d.ok(err)
	at := customerPath(c.ID) + "/contracts/new"
	for _, bad := range []badValue{
		{"no reference", "reference", "", "Reference is missing."},
		{"no day", "signed_on", "", "Signed on is missing."},
		{"not a day", "signed_on", "30 February", "Signed on is not a date."},
		{"not a number", "notice.count", "many", "Notice period: number is not a whole number."},
		{"out of range", "notice.count", "99999", "Notice period: number is out of range. Give a number from 0 to 3,660."},
		{"a number that overflows", "objection.count", "9223372036854775807", "Objection period: number is out of range."},
		{"an unknown unit", "notice.unit", "moons", "Notice period: unit: “moons” is not one of the choices."},
		{"an unknown choice", "clock_starts", "dawn", "The clock starts with: “dawn” is not one of the choices."},
		{"an unknown template", "template", "0190f000-0000-7000-8000-000000000000", "There is no such edition of a template."},
		{"a recipient that is none", "recipients", "legal@bergmann.example\nnobody", "Recipients named in the contract is not an email address."},
		{"a cut-off without its clock", "deemed_cutoff_hour", "17", "Cut-off hour only counts where the clock starts with deemed receipt."},
		{"an unknown zone", "time_zone", "Nowhere/Land", "Time zone is not a time zone that we know."},
		{"not a day either", "before_signing.signed_before", "then", "Contracts signed before is not a date."},
		{"an empty clause", "emergency.clause", "yes", "Told after an emergency within: number is missing."},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get(at).form(at).fill("reference", "DPA-X", "signed_on", "1 May 2026", "template", tmpl.Latest.ID.String()).fill(bad.field, bad.value)
			page := r.submit(form).want(422, bad.sentence)
			if strings.Contains(page.Body, `href="#f-`) && !strings.Contains(page.Body, `id="`+firstTarget(page.Body)+`"`) {
				t.Errorf("the summary leads to %s, which isn't there", firstTarget(page.Body))
			}
		})
	}
}

func firstTarget(body string) string {
	_, after, _ := strings.Cut(body, `href="#f-`)
	id, _, _ := strings.Cut(after, `"`)
	return "f-" + id
}

func TestSubscriptionsAreKept(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	c := d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	base := customerPath(c.ID)
	at := base + "/subscriptions/new"
	for _, bad := range []badValue{
		{"not secure", "address", "http://hooks.bergmann.example/x", "Address must start with https://"},
		{"malformed", "address", "hooks", "is not a web address"},
		{"no address", "address", "", "is missing"},
		{"no consent", "consent_how", "", "How it came to be told is missing."},
		{"an unknown channel", "channel", "pigeon", "“pigeon” is not one of the choices."},
		{"an unknown region", "regions", "mars", "“mars” is not one of the choices."},
		{"an unknown product", "products", "0190f000-0000-7000-8000-000000000000", "is not one of the publisher's products"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			form := r.get(at).form(at).fill("address", "https://hooks.bergmann.example/s3cret", "consent_how", "by letter").fill(bad.field, bad.value)
			r.submit(form).want(422, bad.sentence)
		})
	}
	form := r.get(at).form(at).fill("address", "https://hooks.bergmann.example/s3cret", "consent_how", "by letter", "kinds", "addition")
	r.submit(form).want(200, "Signing secret of https://hooks.bergmann.example/…", "whsec_").without("s3cret")
	r.get(base).want(200, "https://hooks.bergmann.example/…", "by letter", "Webhook").without("s3cret", "whsec_")
	r.refused(form, 409, "this exists already")
	subs, err := d.Subscribers.Subscriptions(t.Context(), subscribers.SubscriptionFilter{Customer: c.ID})
	d.ok(err)
	mail, hook := base+"/subscriptions/"+subs.Rows[0].ID.String(), base+"/subscriptions/"+subs.Rows[1].ID.String()
	r.follow(r.submit(r.get(hook+"/pause").want(200, "Nothing is sent to").form(hook+"/pause").fill("reason", "Asked to"))).want(200, "is paused", "Paused", "Asked to")
	r.submit(r.get(hook+"/pause").form(hook+"/pause")).want(409, "This subscription is Paused now")
	r.follow(r.submit(r.get(hook+"/resume").form(hook+"/resume"))).want(200, "is active again")
	r.follow(r.submit(r.get(hook+"/disable").form(hook+"/disable"))).want(200, "is disabled")
	r.submit(r.get(mail+"/disable").form(mail+"/disable")).want(409, "Nobody else at Bergmann KG can be told")
	r.follow(r.submit(r.get(mail+"/revoke").want(200, "stops working").form(mail+"/revoke"))).want(200, "are revoked")
}

func TestSuppressionsAreKept(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	d.Customer("Bergmann KG", "first@bergmann.example", housetest.Sheet(30))
	page := r.get(suppressionsPath).want(200, "No address is suppressed")
	form := page.form(suppressionsPath).fill("address", "First@bergmann.example", "reason", "staff", "detail", "Asked by phone")
	r.refused(page.form(suppressionsPath).fill("address", "nobody", "reason", "staff"), 422, "is not an email address")
	r.refused(page.form(suppressionsPath).fill("address", "x@y.example"), 422, "Reason is missing.")
	r.follow(r.submit(form)).want(200, "The address is suppressed.", "first@bergmann.example", "By staff", "Asked by phone")
	r.refused(form, 409, "this exists already")
	r.get(suppressionsPath+"?query=zzz").want(200, "No address matches")
	r.get("/console/customers").want(200, "nobody would be told")
	lift := r.get(suppressionsPath+"/lift?address=first@bergmann.example").want(200, "may be written to again").form(suppressionsPath + "/lift")
	r.follow(r.submit(lift)).want(200, "The suppression is lifted.", "No address is suppressed")
	r.submit(lift).want(404, "This address is not suppressed")
	if _, err := d.Subscribers.CountMatching(t.Context(), subscribers.CustomerFilter{State: "odd"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown state counts: %v", err)
	}
}

func TestListsArePagedByKey(t *testing.T) {
	t.Parallel()
	d, r := editorOf(t)
	for i := range 52 {
		d.Vendor("Vendor " + string(rune('A'+i/26)) + string(rune('a'+i%26)))
	}
	page := r.get("/console/vendors").want(200, "52 vendors", "Vendor Aa", "Next page").without("Vendor Bz", "Previous page")
	_, after, _ := strings.Cut(page.Body, `rel="next" href="`)
	next, _, _ := strings.Cut(after, `"`)
	r.get(strings.ReplaceAll(next, "&amp;", "&")).want(200, "Vendor Bz", "Previous page", "52 vendors").without("Vendor Aa")
	r.get("/console/vendors?after=zzz").want(422, "broken")
	r.get("/console/customers?after=zzz").want(422, "broken")
	r.get("/console/ledger?after=zzz").want(422, "broken")
}
