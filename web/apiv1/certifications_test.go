package apiv1

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
)

// certification is one that expires on the day so many days from now.
func (d *desk) certification(scheme string, expiresIn int) CertificationFacts {
	d.t.Helper()
	day, err := d.Vendors.Today(d.t.Context())
	d.ok(err)
	return CertificationFacts{Scheme: scheme, ExpiresOn: Day{day.AddDays(expiresIn)}, EvidenceFor: vendors.ForStaff}
}

func (p *program) certify(vendor string, facts CertificationFacts) Certification {
	p.d.t.Helper()
	var c Certification
	p.post("/vendors/"+vendor+"/certifications", facts).want(201).into(&c)
	return c
}

// check records that the certification was compared with its evidence.
func (p *program) check(c Certification) Certification {
	p.d.t.Helper()
	at := "/certifications/" + c.ID.String()
	var out Certification
	p.post(at+"/check", nil, "If-Match", p.get(at).want(200).etag()).want(200).into(&out)
	return out
}

func TestACertificationIsAddedCheckedEditedAndRemoved(t *testing.T) {
	d := newDesk(t)
	d.as(d.Editor).addVendor("Wolke")
	p := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	in := CertificationFacts{}.Example().(CertificationFacts)
	in.ReportType, in.Products = "2", []uuid.UUID{d.Product.ID}
	created := p.post("/vendors/wolke/certifications", in).want(201)
	var c, read Certification
	created.into(&c)
	at := "/certifications/" + c.ID.String()
	if created.Header.Get("Location") != Prefix+at {
		t.Errorf("it is at %s", created.Header.Get("Location"))
	}
	seen := p.get(at).want(200).into(&read)
	if diff := cmp.Diff(c, read) + cmp.Diff(in, read.CertificationFacts); diff != "" {
		t.Errorf("as sent, as created and as read:\n%s", diff)
	}
	if c.Status.State != vendors.Unverified || c.Status.Reason != "nobody_checked" || c.CheckedAt != nil {
		t.Errorf("nobody has checked it, and it is %+v", c.Status)
	}
	checked := p.check(c)
	if checked.Status.State != vendors.Current || checked.CheckedByName != "Rita Reviewer" || checked.CheckedAt == nil || checked.Version != 2 {
		t.Errorf("checked it is %+v", checked)
	}
	edit := in
	edit.Scope = "less of it"
	problem := p.put(at, seen.etag(), edit).problem(412, "changed_meanwhile")
	if !strings.Contains(problem.Errors[0].Detail, "Rita Reviewer") || !strings.Contains(problem.Errors[0].Detail, "checked_at") {
		t.Errorf("who is told of a check meanwhile reads %s", problem.Errors[0].Detail)
	}
	edited := p.put(at, `"2"`, edit).want(200).into(&read)
	if read.Scope != "less of it" || read.CheckedAt != nil || read.Version != 3 {
		t.Errorf("edited it is %+v", read)
	}
	p.post(at+"/check", nil).problem(428, "precondition.missing at If-Match")
	p.post(at+"/check", nil, "If-Match", `"2"`).problem(412, "changed_meanwhile")
	p.send("DELETE", at, nil, "If-Match", `"2"`).problem(412, "changed_meanwhile")
	p.send("DELETE", at, nil).problem(428, "precondition.missing at If-Match")
	p.send("DELETE", at, nil, "If-Match", edited.etag()).want(204)
	for _, gone := range []*answer{p.get(at), p.put(at, `"4"`, edit), p.post(at+"/check", nil, "If-Match", `"4"`), p.send("DELETE", at, nil, "If-Match", `"4"`)} {
		gone.problem(404, "certification.not_found")
	}
}

func TestBadCertificationsAreRefusedAtTheirFields(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	p.addVendor("Wolke")
	other := p.addVendor("Other")
	foreign := p.certify(other.Slug, d.certification("SOC 2", 400))
	with := func(pairs ...any) map[string]any {
		out := map[string]any{"scheme": "SOC 2"}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	for _, c := range []struct {
		body any
		want string
	}{
		{map[string]any{}, "json.required at scheme"},
		{with("scheme", ""), "required at scheme"},
		{with("report_type", "3"), "json.choice at report_type"},
		{with("report_type", 2), "json.type.string at report_type"},
		{with("regions", []string{"mars"}), "json.choice at regions.0"},
		{with("products", []string{"desk"}), "json.uuid at products.0"},
		{with("products", []uuid.UUID{uuid.New()}), "product.unknown at products"},
		{with("products", []uuid.UUID{uuid.Nil}), "product.unknown at products"},
		{with("expires_on", "0001-01-01"), "day.implausible at expires_on"},
		{with("expires_on", "9999-12-31"), "day.implausible at expires_on"},
		{with("expires_on", 20270101), "json.type.string at expires_on"},
		{with("issued_on", "2026-01-02", "expires_on", "2026-01-01"), "certification.days_reversed at expires_on"},
		{with("period_start", "2026-01-02", "period_end", "2026-01-01"), "certification.days_reversed at period_end"},
		{with("period_end", "2026-01-02", "bridge_until", "2026-01-01"), "certification.days_reversed at bridge_until"},
		{with("inherited_from", foreign.ID), "certification.not_below at inherited_from"},
		{with("inherited_from", uuid.New()), "certification.not_below at inherited_from"},
		{with("evidence_url", "javascript:alert(1)"), "url.malformed at evidence_url"},
		{with("evidence_for", "press"), "json.choice at evidence_for"},
		{with("status", "current"), "json.unknown_field at status"},
	} {
		p.post("/vendors/wolke/certifications", c.body).problem(422, c.want)
	}
	at := "/certifications/" + foreign.ID.String()
	p.put(at, `"1"`, with("inherited_from", foreign.ID)).problem(422, "certification.not_below at inherited_from")
	p.post("/vendors/nobody/certifications", with()).problem(404, "vendor.not_found")
	p.get("/vendors/nobody/certifications").problem(404, "vendor.not_found")
	p.get("/certifications/"+uuid.NewString()).problem(404, "certification.not_found")
	p.get("/certifications/x").problem(422, "json.uuid at id")
}

func TestInheritedCertifications(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	app, cloud := p.addVendor("App"), p.addVendor("Cloud")
	p.post("/vendors/app/chain", NewLink{SubVendorID: cloud.ID}).want(201)
	source := p.certify("cloud", d.certification("ISO/IEC 27001", 400))
	heir := p.certify("app", CertificationFacts{Scheme: "whatever", Scope: "hosting", InheritedFrom: &source.ID, EvidenceFor: vendors.ForStaff})
	p.check(source)
	var list Whole[Certification]
	p.get("/vendors/" + app.ID.String() + "/certifications").want(200).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != heir.ID || list.Items[0].Scheme != "ISO/IEC 27001" || list.Items[0].Scope != "hosting" ||
		list.Items[0].InheritedVendor != "Cloud" || list.Items[0].InheritedVendorSlug != "cloud" || list.Items[0].Status.State != vendors.Current {
		t.Errorf("inherited is %+v", list.Items)
	}
	p.send("DELETE", "/certifications/"+source.ID.String(), nil, "If-Match", `"2"`).want(204)
	p.get("/certifications/"+heir.ID.String()).problem(404, "certification.not_found")
	p.put("/certifications/"+heir.ID.String(), `"1"`, d.certification("SOC 2", 1)).problem(404, "certification.not_found")
}

// certified is a page as "vendor: scheme state".
func (p *program) certified(query string) (out []string, next string) {
	p.d.t.Helper()
	var list Items[CertificationItem]
	p.get("/certifications" + query).want(200).into(&list)
	for _, c := range list.Items {
		out = append(out, c.VendorName+": "+c.Scheme+" "+string(c.Status.State))
	}
	return out, list.Next
}

func TestAllCertificationsAreListedByWhatNeedsCare(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	p.addVendor("Cloud")
	p.recordEngagement(p.addVendor("App").ID, "2024-01-01", engagement())
	p.check(p.certify("cloud", d.certification("SOC 2", 400)))
	p.check(p.certify("app", d.certification("C5", 61)))
	p.check(p.certify("app", d.certification("ISO/IEC 27001", 30)))
	p.certify("app", CertificationFacts{Scheme: "CSA STAR", EvidenceFor: vendors.ForStaff})
	void := d.certification("ISO/IEC 27001", 900)
	void.Edition = "2013"
	p.certify("cloud", void)
	all := []string{"App: ISO/IEC 27001 expiring", "App: C5 current", "Cloud: SOC 2 current", "Cloud: ISO/IEC 27001 void_edition", "App: CSA STAR unverified"}
	for query, want := range map[string][]string{
		"": all, "?limit=200": all, "?scheme=iso/iec%2027001": {all[0], all[3]}, "?query=clo": {all[2], all[3]}, "?engaged=true": {all[0], all[1], all[4]},
		"?engaged=true&on=2023-12-31":               nil,
		"?state=expiring,void_edition,unverified":   {all[0], all[3], all[4]},
		"?state=expiring&on=" + d.onDay(1):          {all[0], "App: C5 expiring"},
		"?state=expired&on=" + d.onDay(62):          {"App: ISO/IEC 27001 expired", "App: C5 expired"},
		"?expires_before=" + d.onDay(61):            all[:1],
		"?expires_before=0001-01-01":                nil,
		"?state=expiring&expires_before=9999-12-31": all[:1],
	} {
		got, next := p.certified(query)
		if diff := cmp.Diff(want, got); diff != "" || next != "" {
			t.Errorf("%s, then %q (-want +got):\n%s", query, next, diff)
		}
	}
	first, next := p.certified("?limit=3")
	p.certify("cloud", d.certification("before", 3))
	p.certify("cloud", d.certification("behind", 901))
	second, last := p.certified("?limit=3&after=" + url.QueryEscape(next))
	if diff := cmp.Diff([][]string{all[:3], {all[3], "Cloud: behind unverified", all[4]}}, [][]string{first, second}); diff != "" || last != "" {
		t.Errorf("after the last page comes %q; the pages (-want +got):\n%s", last, diff)
	}
	var item map[string]any
	if p.get("/certifications?state=expiring&fields=status,scheme,vendor_slug").want(200).into(&item); len(item["items"].([]any)[0].(map[string]any)) != 3 {
		t.Errorf("three fields are %v", item)
	}
	p.get("/certifications?state=stale").problem(422, "json.choice at state.0")
	p.get("/certifications?state="+strings.Repeat("expired,", 7)+"expired").problem(422, "json.many at state")
	p.get("/certifications?on=9999-12-31").problem(422, "day.implausible at on")
	p.get("/certifications?after=e30").problem(422, "cursor.malformed at after")
	p.get("/certifications?fields=x").problem(422, "fields.unknown at fields")

	var schemes Whole[Scheme]
	p.get("/schemes").want(200).into(&schemes)
	if diff := cmp.Diff([]Scheme{{"C5"}, {"CSA STAR"}, {"ISO/IEC 27001"}}, schemes.Items); diff != "" {
		t.Errorf("schemes (-want +got):\n%s", diff)
	}
	if p.get("/schemes?on=2023-12-31").want(200).into(&schemes); len(schemes.Items) != 0 {
		t.Errorf("before anything was engaged the schemes are %v", schemes.Items)
	}
	p.get("/schemes?on=9999-12-31").problem(422, "day.implausible at on")
}

func TestAStatusIsOfThePublishersDay(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	p.addVendor("Wolke")
	c := p.check(p.certify("wolke", d.certification("SOC 2", 30)))
	if c.Status.State != vendors.Expiring || !c.Status.Urgent || c.Status.Until.String() != d.onDay(31) || c.Status.Reason != "printed_expiry" {
		t.Errorf("30 days before its end it is %+v", c.Status)
	}
	at := "/certifications/" + c.ID.String()
	tag := p.get(at).etag()
	d.later(31)
	var now Certification
	if p.get(at, "If-None-Match", tag).want(200).into(&now); now.Status.State != vendors.Expired || now.Status.Since.String() != d.today() {
		t.Errorf("on the first day after its end it is %+v", now.Status)
	}
}

func TestTheDocumentKnowsTheDomainsStates(t *testing.T) {
	d := newDesk(t)
	schema := d.site.api.OpenAPI().Components.Schemas.Map()["CertificationStatus"].Properties["state"]
	var want []any
	for _, state := range vendors.States {
		want = append(want, string(state))
	}
	if diff := cmp.Diff(want, schema.Enum); diff != "" {
		t.Errorf("states (-domain +document):\n%s", diff)
	}
}
