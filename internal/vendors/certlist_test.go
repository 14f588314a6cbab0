package vendors_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
)

// certify adds a certification of a vendor, checked or not. spec is "scheme|edition|expiry".
func (f *fixture) certify(v *vendors.Vendor, spec string, checked bool) *vendors.Certification {
	f.Helper()
	part := strings.Split(spec, "|")
	facts := vendors.CertificationFacts{Scheme: part[0], Edition: part[1]}
	if part[2] != "" {
		facts.ExpiresOn = day(part[2])
	}
	c, err := f.AddCertification(f.Context(), f.who, v.ID, facts)
	if err == nil && checked {
		err = f.CheckCertification(f.Context(), f.who, c.ID, 1)
	}
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// certifications are a page as "vendor: scheme state".
func (f *fixture) certifications(on calendar.Date, filter vendors.CertificationFilter, p vendors.Page) (out []string, next string) {
	f.Helper()
	q := &counting{Querier: f.db.Pool()}
	list, err := vendors.CertificationsOn(f.Context(), q, on, filter, p)
	if err != nil {
		f.Fatal(err)
	}
	if q.n != 2 {
		f.Errorf("a page took %d queries, want 2", q.n)
	}
	for _, c := range list.Items {
		out = append(out, fmt.Sprintf("%s: %s %s", c.VendorName, c.Scheme, c.Certification.Status(on).State))
	}
	return out, list.Next
}

func TestAllCertifications(t *testing.T) {
	f := setup(t)
	cloud, app := f.vendor("Cloud"), f.vendor("App")
	f.engagement(app, "2020-01-01", purpose("x"))
	f.link(app, cloud, "2020-01-01")
	f.certify(cloud, "ISO/IEC 27001|2013|2030-01-01", true)
	source := f.certify(cloud, "ISO/IEC 27001|2022|2027-06-01", true)
	f.certify(app, "SOC 2||", true)
	f.certify(app, "C5|2020|2026-12-01", true)
	f.certify(app, "C5|2020|2027-01-15", true)
	f.certify(app, "PCI DSS||2026-11-01", false)
	f.certify(cloud, "EU-US Privacy Shield||", true)
	must(f.AddCertification(t.Context(), f.who, app.ID, vendors.CertificationFacts{Scheme: "whatever", InheritedFrom: &source.ID}))
	gone := f.certify(app, "Gone||2026-12-01", true)
	if err := f.RemoveCertification(t.Context(), f.who, gone.ID, 2); err != nil {
		t.Fatal(err)
	}
	all := []string{"App: PCI DSS expired", "App: C5 expiring", "App: C5 expiring", "Cloud: ISO/IEC 27001 current", "App: ISO/IEC 27001 current",
		"Cloud: ISO/IEC 27001 void_edition", "App: SOC 2 unverified", "Cloud: EU-US Privacy Shield invalid"}
	for _, c := range []struct {
		name string
		on   calendar.Date
		f    vendors.CertificationFilter
		want []string
	}{
		{"all", start, vendors.CertificationFilter{}, all},
		{"by states", start, vendors.CertificationFilter{States: []vendors.State{vendors.Expired, vendors.Invalid, vendors.VoidEdition}}, []string{all[0], all[5], all[7]}},
		{"every state", start, vendors.CertificationFilter{States: vendors.States}, all},
		{"by a state later", day("2027-05-01"), vendors.CertificationFilter{States: []vendors.State{vendors.Expiring}},
			[]string{"Cloud: ISO/IEC 27001 expiring", "App: ISO/IEC 27001 expiring"}},
		{"by expiry", start, vendors.CertificationFilter{ExpiresBefore: day("2026-12-02")}, all[:2]},
		{"by scheme", start, vendors.CertificationFilter{Scheme: "iso/iec 27001", Query: "CLOUD"}, []string{all[3], all[5]}},
		{"of the engaged", start, vendors.CertificationFilter{Engaged: new(true), Scheme: "ISO/IEC 27001"}, all[4:5]},
		{"of the others", start, vendors.CertificationFilter{Engaged: new(false)}, []string{all[3], all[5], all[7]}},
		{"of the engaged, before", day("2019-01-01"), vendors.CertificationFilter{Engaged: new(true)}, nil},
	} {
		got, _ := f.certifications(c.on, c.f, vendors.Page{})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestCertificationsInPages(t *testing.T) {
	f := setup(t)
	v := f.vendor("Cloud")
	for _, scheme := range []string{"a", "b", "c"} {
		f.certify(v, scheme+"||2028-01-01", true)
		f.certify(v, "no end of "+scheme+"||", true)
	}
	want := [][]string{{"Cloud: a current", "Cloud: b current"}, {"Cloud: c current", "Cloud: no end of a unverified"},
		{"Cloud: no end of b unverified", "Cloud: no end of c unverified"}}
	soonest := 10
	for _, filter := range []vendors.CertificationFilter{{}, {States: []vendors.State{vendors.Current, vendors.Expiring, vendors.Unverified}}} {
		var pages [][]string
		for page, more := (vendors.Page{Limit: 2}), true; more; more = page.After != "" {
			items, next := f.certifications(start, filter, page)
			pages, page.After = append(pages, items), next
			if next != "" { // before what was read
				soonest--
				f.certify(v, fmt.Sprintf("z||2027-01-%02d", soonest), true)
			}
		}
		if d := cmp.Diff(want, pages); d != "" {
			t.Errorf("%v (-want +got):\n%s", filter.States, d)
		}
		want = append([][]string{{"Cloud: z expiring", "Cloud: z expiring"}}, want...)
	}
	for _, after := range []string{"x", "eyJuIjoiMjAyNi0xMy0wMSJ9", "eyJuIjoibm93In0", "eyJuIjoiIn0"} { // months of a 13th, "now", nothing
		if _, err := f.ListCertifications(t.Context(), start, vendors.CertificationFilter{}, vendors.Page{After: after}); cmp.Diff([]string{"after: cursor.malformed"}, faults(err)) != "" {
			t.Errorf("after %s: %v", after, err)
		}
	}
}
