package vendors_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

func TestCertificationLife(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	desk := f.product("desk")
	ada := f.staff("Ada", actor.Reviewer)
	in := vendors.CertificationFacts{Scheme: "SOC 2", Edition: "2017", ReportType: "2", Level: "x", Issuer: "Auditor", Number: "4711", Scope: "all of it",
		Regions: []publisher.Region{"eea"}, Products: []uuid.UUID{desk}, IssuedOn: day("2026-07-01"), PeriodStart: day("2025-07-01"), PeriodEnd: day("2026-06-30"),
		ExpiresOn: day("2027-06-30"), BridgeUntil: day("2026-09-30"), EvidenceURL: "https://example.com/soc2", EvidenceFor: vendors.ForCustomers, Note: "n"}
	c, err := f.AddCertification(t.Context(), ada, v.ID, in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, c.CertificationFacts); d != "" {
		t.Errorf("facts (-in +out):\n%s", d)
	}
	if c.CheckedAt != nil || c.Inherited() || c.Status(start).State != vendors.Unverified {
		t.Errorf("just added: %+v", c)
	}
	if err := f.CheckCertification(t.Context(), ada, c.ID, 1); err != nil {
		t.Fatal(err)
	}
	c = must(f.Certification(t.Context(), c.ID))
	if c.CheckedAt == nil || !c.CheckedAt.Equal(f.clock.Now()) || c.CheckedByName != "Ada" || c.Status(start).State != vendors.Current {
		t.Errorf("checked: %+v", c)
	}
	in.Scope, in.Products = "half of it", []uuid.UUID{}
	if err := f.EditCertification(t.Context(), ada, c.ID, 2, in); err != nil {
		t.Fatal(err)
	}
	err = f.EditCertification(t.Context(), f.who, c.ID, 2, in)
	if !fault.Has(err, "changed_meanwhile") || fault.All(err)[0].Args["Who"] != "Ada" || !cmp.Equal(fault.All(err)[0].Args["What"], []string{"products", "scope"}) {
		t.Errorf("a second editor: %v", err)
	}
	c = must(f.Certification(t.Context(), c.ID))
	if d := cmp.Diff(in, c.CertificationFacts); d != "" || c.CheckedAt != nil {
		t.Errorf("edited, and so unchecked: %+v (-in +out):\n%s", c, d)
	}
	if err := f.RemoveCertification(t.Context(), ada, c.ID, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Certification(t.Context(), c.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its removal: %v", err)
	}
	if err := f.EditCertification(t.Context(), ada, c.ID, 4, in); !fault.Is(err, fault.NotFound) {
		t.Errorf("an edit after its removal: %v", err)
	}
}

func TestCertificationsAreInherited(t *testing.T) {
	f := setup(t)
	cloud, platform, app, other := f.vendor("Cloud"), f.vendor("Platform"), f.vendor("App"), f.vendor("Other")
	f.link(app, platform, "2020-01-01")
	hosted := purpose("x")
	hosted.HostingVendorID = &cloud.ID
	f.engagement(platform, "2020-01-01", hosted)
	source := must(f.AddCertification(t.Context(), f.who, cloud.ID, vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2022", ExpiresOn: day("2028-01-01")}))
	inherit := func(v *vendors.Vendor, from uuid.UUID) (*vendors.Certification, error) {
		return f.AddCertification(t.Context(), f.who, v.ID, vendors.CertificationFacts{Scheme: "whatever", Scope: "own scope", InheritedFrom: &from})
	}
	heir, err := inherit(app, source.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"from a vendor that isn't below": func() error { _, err := inherit(other, source.ID); return err },
		"from itself":                    func() error { _, err := inherit(cloud, source.ID); return err },
		"from an heir":                   func() error { _, err := inherit(app, heir.ID); return err },
		"from nothing":                   func() error { _, err := inherit(app, uuid.New()); return err },
	} {
		if err := try(); !cmp.Equal(faults(err), []string{"inherited_from: certification.not_below"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.CheckCertification(t.Context(), f.who, source.ID, 1); err != nil {
		t.Fatal(err)
	}
	must(f.AddCertification(t.Context(), f.who, app.ID, vendors.CertificationFacts{Scheme: "A scheme"}))
	byVendor, err := f.Certifications(t.Context(), app.ID, cloud.ID, other.ID)
	if err != nil || len(byVendor) != 2 || len(byVendor[app.ID]) != 2 || len(byVendor[cloud.ID]) != 1 {
		t.Fatalf("certifications: %+v, %v", byVendor, err)
	}
	got := byVendor[app.ID][1]
	if !got.Inherited() || got.InheritedVendor != "Cloud" || got.InheritedVendorSlug != "cloud" || got.Scheme != "ISO/IEC 27001" ||
		got.Scope != "own scope" || got.CheckedAt == nil || got.Status(start).State != vendors.Current {
		t.Errorf("inherited: %+v", got)
	}
	if err := f.RemoveCertification(t.Context(), f.who, source.ID, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Certification(t.Context(), heir.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("an heir of what was removed: %v", err)
	}
}

func TestCertificationBadInput(t *testing.T) {
	f := setup(t)
	v := f.vendor("Acme")
	for _, c := range []struct {
		name  string
		facts vendors.CertificationFacts
		want  string
	}{
		{"no scheme", vendors.CertificationFacts{}, "scheme: required"},
		{"type", vendors.CertificationFacts{Scheme: "SOC 2", ReportType: "3"}, "report_type: choice.unknown"},
		{"region", vendors.CertificationFacts{Scheme: "x", Regions: []publisher.Region{"moon"}}, "regions: choice.unknown"},
		{"period", vendors.CertificationFacts{Scheme: "x", PeriodStart: day("2026-02-01"), PeriodEnd: day("2026-01-01")}, "period_end: certification.days_reversed"},
		{"expiry", vendors.CertificationFacts{Scheme: "x", IssuedOn: day("2026-02-01"), ExpiresOn: day("2026-01-01")}, "expires_on: certification.days_reversed"},
		{"bridge", vendors.CertificationFacts{Scheme: "x", PeriodEnd: day("2026-02-01"), BridgeUntil: day("2026-01-01")}, "bridge_until: certification.days_reversed"},
		{"evidence", vendors.CertificationFacts{Scheme: "x", EvidenceURL: "file:///etc"}, "evidence_url: url.malformed"},
		{"audience", vendors.CertificationFacts{Scheme: "x", EvidenceFor: "all"}, "evidence_for: choice.unknown"},
		{"product", vendors.CertificationFacts{Scheme: "x", Products: []uuid.UUID{uuid.New()}}, "products: product.unknown"},
	} {
		_, err := f.AddCertification(t.Context(), f.who, v.ID, c.facts)
		if d := cmp.Diff([]string{c.want}, faults(err)); d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, d)
		}
	}
	if _, err := f.AddCertification(t.Context(), f.who, uuid.New(), vendors.CertificationFacts{Scheme: "x"}); !fault.Has(err, "vendor.not_found") {
		t.Errorf("of nobody: %v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	checked := func(f vendors.CertificationFacts) vendors.Certification {
		return vendors.Certification{CheckedAt: &now, CertificationFacts: f}
	}
	iso := func(edition, expires string) vendors.CertificationFacts {
		return vendors.CertificationFacts{Scheme: "ISO/IEC 27001", Edition: edition, ExpiresOn: day(expires)}
	}
	on := day("2026-11-22")
	for _, c := range []struct {
		name string
		cert vendors.Certification
		on   calendar.Date
		want vendors.Status
	}{
		{"61 days left", checked(iso("2022", "2027-01-22")), on, vendors.Status{State: vendors.Current, Until: day("2026-11-23"), Reason: "checked"}},
		{"60 days left", checked(iso("2022", "2027-01-21")), on, vendors.Status{State: vendors.Expiring, Since: on, Until: day("2027-01-22"), Reason: "printed_expiry"}},
		{"31 days left", checked(iso("2022", "2026-12-23")), on, vendors.Status{State: vendors.Expiring, Since: day("2026-10-24"), Until: day("2026-12-24"), Reason: "printed_expiry"}},
		{"30 days left", checked(iso("2022", "2026-12-22")), on, vendors.Status{State: vendors.Expiring, Urgent: true, Since: day("2026-10-23"), Until: day("2026-12-23"), Reason: "printed_expiry"}},
		{"the last day", checked(iso("2022", "2026-11-22")), on, vendors.Status{State: vendors.Expiring, Urgent: true, Since: day("2026-09-23"), Until: day("2026-11-23"), Reason: "printed_expiry"}},
		{"the day after", checked(iso("2022", "2026-11-21")), on, vendors.Status{State: vendors.Expired, Since: on, Reason: "printed_expiry"}},
		{"expired though nobody checked", vendors.Certification{CertificationFacts: iso("2022", "2026-11-20")}, on, vendors.Status{State: vendors.Expired, Since: day("2026-11-21"), Reason: "printed_expiry"}},
		{"nobody checked", vendors.Certification{CertificationFacts: iso("2022", "2028-01-01")}, on, vendors.Status{State: vendors.Unverified, Reason: "nobody_checked"}},
		{"no dates", checked(vendors.CertificationFacts{Scheme: "SOC 3"}), on, vendors.Status{State: vendors.Unverified, Reason: "no_dates"}},
		{"an attestation", checked(vendors.CertificationFacts{Scheme: "SOC 2", IssuedOn: day("2026-08-01"), PeriodEnd: day("2026-06-30")}), on,
			vendors.Status{State: vendors.Current, Since: day("2026-08-01"), Reason: "checked"}},
		{"the edition of 2013, void whatever is printed", checked(iso("2013", "2027-05-01")), on, vendors.Status{State: vendors.VoidEdition, Since: day("2025-11-01"), Reason: "edition_void"}},
		{"its last day", checked(iso("2013", "2027-05-01")), day("2025-10-31"), vendors.Status{State: vendors.Expiring, Urgent: true, Since: day("2025-09-01"), Until: day("2025-11-01"), Reason: "edition_void"}},
		{"superseded", checked(iso("2013", "2027-05-01")), day("2025-01-01"), vendors.Status{State: vendors.Superseded, Since: day("2022-10-25"), Until: day("2025-09-01"), Reason: "edition_superseded"}},
		{"not yet superseded", checked(iso("2013", "2027-05-01")), day("2022-10-24"), vendors.Status{State: vendors.Current, Until: day("2025-09-01"), Reason: "checked"}},
		{"another spelling", vendors.Certification{CertificationFacts: vendors.CertificationFacts{Scheme: "ISO 27001:2013"}}, on, vendors.Status{State: vendors.VoidEdition, Since: day("2025-11-01"), Reason: "edition_void"}},
		{"no edition said", vendors.Certification{CertificationFacts: vendors.CertificationFacts{Scheme: "ISO/IEC 27001"}}, on, vendors.Status{State: vendors.Unverified, Reason: "nobody_checked"}},
		{"the Shield", vendors.Certification{CertificationFacts: vendors.CertificationFacts{Scheme: "EU-US Privacy Shield"}}, day("2020-07-16"), vendors.Status{State: vendors.Invalid, Since: day("2020-07-16"), Reason: "scheme_invalid"}},
		{"the Shield's last day", vendors.Certification{CertificationFacts: vendors.CertificationFacts{Scheme: "EU–U.S. Privacy Shield"}}, day("2020-07-15"), vendors.Status{State: vendors.Unverified, Reason: "nobody_checked"}},
	} {
		got := c.cert.Status(c.on)
		if byRule := got.Reason == "edition_void" || got.Reason == "scheme_invalid" || got.Reason == "edition_superseded"; byRule != (got.Source != "") {
			t.Errorf("%s: reason %q with source %q", c.name, got.Reason, got.Source)
		}
		got.Source = ""
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
