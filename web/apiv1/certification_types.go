package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// CertificationFacts are what the register says of a certification or an attestation. What is left out
// is empty.
type CertificationFacts struct {
	Scheme        string             `json:"scheme" maxLength:"200" doc:"Such as ISO/IEC 27001 or SOC 2."`
	Edition       string             `json:"edition" required:"false" maxLength:"200" doc:"Of the scheme, such as 2022."`
	ReportType    string             `json:"report_type" required:"false" enum:",1,2" doc:"Of SOC 1, SOC 2 and C5; else empty."`
	Level         string             `json:"level" required:"false" maxLength:"200" doc:"Of PCI DSS and CSA STAR."`
	Issuer        string             `json:"issuer" required:"false" maxLength:"200" doc:"Or auditor."`
	Number        string             `json:"number" required:"false" maxLength:"200" doc:"Of the certificate."`
	Scope         string             `json:"scope" required:"false" maxLength:"10000" doc:"In words."`
	Regions       []publisher.Region `json:"regions" required:"false" enum:"eea,gb,ch,us,ca,latam,apac,mea" doc:"That it covers; empty: all."`
	Products      []uuid.UUID        `json:"products" required:"false" doc:"The publisher's products that rely on it; empty: all."`
	IssuedOn      Day                `json:"issued_on" required:"false"`
	PeriodStart   Day                `json:"period_start" required:"false" doc:"Of the audited period."`
	PeriodEnd     Day                `json:"period_end" required:"false" doc:"Of the audited period: its last day."`
	ExpiresOn     Day                `json:"expires_on" required:"false" doc:"As printed: the last day on which it is valid."`
	BridgeUntil   Day                `json:"bridge_until" required:"false" doc:"The last day that management's bridge letter covers."`
	InheritedFrom *uuid.UUID         `json:"inherited_from,omitempty" doc:"The certification of a vendor below in the chain, or of the hosting vendor, of which this one shows the facts."`
	EvidenceURL   string             `json:"evidence_url" required:"false" maxLength:"2000"`
	EvidenceFor   vendors.Audience   `json:"evidence_for" required:"false" enum:"public,customers,staff" doc:"Who may see the evidence; left out: staff."`
	Note          string             `json:"note" required:"false" maxLength:"10000"`
}

// Example is a certificate.
func (CertificationFacts) Example() any {
	return CertificationFacts{Scheme: "ISO/IEC 27001", Edition: "2022", Issuer: "Prüfwerk GmbH", Number: "IS 4711", Scope: "Operation of the mail service",
		Regions: []publisher.Region{}, Products: []uuid.UUID{}, IssuedOn: Day{calendar.Date{Year: 2025, Month: time.June, Day: 1}},
		ExpiresOn: Day{calendar.Date{Year: 2028, Month: time.May, Day: 31}}, EvidenceURL: "https://brieftaube.example/iso-27001.pdf", EvidenceFor: vendors.ForCustomers}
}

func certificationFactsOf(f *vendors.CertificationFacts) CertificationFacts {
	return CertificationFacts{Scheme: f.Scheme, Edition: f.Edition, ReportType: f.ReportType, Level: f.Level, Issuer: f.Issuer, Number: f.Number,
		Scope: f.Scope, Regions: listOf(f.Regions), Products: listOf(f.Products), IssuedOn: Day{f.IssuedOn}, PeriodStart: Day{f.PeriodStart},
		PeriodEnd: Day{f.PeriodEnd}, ExpiresOn: Day{f.ExpiresOn}, BridgeUntil: Day{f.BridgeUntil}, InheritedFrom: f.InheritedFrom,
		EvidenceURL: f.EvidenceURL, EvidenceFor: f.EvidenceFor, Note: f.Note}
}

// facts are the domain's, not yet tidied.
func (f *CertificationFacts) facts() vendors.CertificationFacts {
	return vendors.CertificationFacts{Scheme: f.Scheme, Edition: f.Edition, ReportType: f.ReportType, Level: f.Level, Issuer: f.Issuer, Number: f.Number,
		Scope: f.Scope, Regions: f.Regions, Products: f.Products, IssuedOn: f.IssuedOn.Date, PeriodStart: f.PeriodStart.Date,
		PeriodEnd: f.PeriodEnd.Date, ExpiresOn: f.ExpiresOn.Date, BridgeUntil: f.BridgeUntil.Date, InheritedFrom: f.InheritedFrom,
		EvidenceURL: f.EvidenceURL, EvidenceFor: f.EvidenceFor, Note: f.Note}
}

// CertificationStatus is what a certification is worth on a day.
type CertificationStatus struct {
	State  vendors.State `json:"state" enum:"current,expiring,expired,void_edition,superseded,invalid,unverified" doc:"expiring: within 60 days. void_edition: the edition's end voids every certificate, whatever is printed. superseded: there is a newer edition, and this one still runs. invalid: the scheme itself is void. unverified: nobody has compared it with its evidence, or it has no dates."`
	Urgent bool          `json:"urgent" doc:"It is expiring within 30 days."`
	Since  Day           `json:"since" doc:"The first day of the state; null: not known."`
	Until  Day           `json:"until" doc:"The first day after the state; null: not known, or never."`
	Reason string        `json:"reason" enum:"checked,printed_expiry,nobody_checked,no_dates,edition_superseded,edition_void,scheme_invalid"`
	Source string        `json:"source" doc:"Of the rule, where the reason is one; else empty."`
}

func certificationStatusOf(st vendors.Status) CertificationStatus {
	return CertificationStatus{st.State, st.Urgent, Day{st.Since}, Day{st.Until}, st.Reason, st.Source}
}

// Certification is a certification of a vendor.
type Certification struct {
	ID                  uuid.UUID           `json:"id"`
	VendorID            uuid.UUID           `json:"vendor_id"`
	Version             int                 `json:"version" doc:"Each edit and each check raises it by one."`
	Status              CertificationStatus `json:"status" doc:"Today in the publisher's zone, where no other day was asked for."`
	CheckedAt           *time.Time          `json:"checked_at,omitempty" doc:"When somebody last compared it with its evidence; absent: nobody has, since it was last edited."`
	CheckedBy           *uuid.UUID          `json:"checked_by,omitempty" doc:"The account; absent: nobody, or Fairnotice itself."`
	CheckedByName       string              `json:"checked_by_name"`
	InheritedVendor     string              `json:"inherited_vendor" doc:"The name of the vendor whose certification it is; empty: its own."`
	InheritedVendorSlug string              `json:"inherited_vendor_slug"`
	CreatedAt           time.Time           `json:"created_at"`
	UpdatedAt           time.Time           `json:"updated_at"`
	CertificationFacts
}

// Example is a certificate that somebody checked.
func (Certification) Example() any {
	by, at := exampleID(1), exampleTime
	facts := CertificationFacts{}.Example().(CertificationFacts)
	return Certification{ID: exampleID(17), VendorID: exampleID(11), Version: 2, CheckedAt: &at, CheckedBy: &by, CheckedByName: "Ada Lovelace",
		CreatedAt: exampleTime, UpdatedAt: exampleTime, CertificationFacts: facts, Status: CertificationStatus{State: vendors.Current,
			Since: facts.IssuedOn, Until: Day{calendar.Date{Year: 2028, Month: time.April, Day: 1}}, Reason: "checked"}}
}

// certificationOf is the certification with what it is worth on a day.
func certificationOf(c *vendors.Certification, on calendar.Date) Certification {
	return Certification{ID: c.ID, VendorID: c.VendorID, Version: c.Version, Status: certificationStatusOf(c.Status(on)),
		CheckedAt: c.CheckedAt, CheckedBy: c.CheckedBy, CheckedByName: c.CheckedByName,
		InheritedVendor: c.InheritedVendor, InheritedVendorSlug: c.InheritedVendorSlug, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
		CertificationFacts: certificationFactsOf(&c.CertificationFacts)}
}

// CertificationItem is a certification in the list of all.
type CertificationItem struct {
	VendorName string `json:"vendor_name" doc:"What people call the vendor."`
	VendorSlug string `json:"vendor_slug"`
	Certification
}

// Example is a certificate.
func (CertificationItem) Example() any {
	return CertificationItem{"Brieftaube", "brieftaube", Certification{}.Example().(Certification)}
}

// Scheme is a scheme of certifications.
type Scheme struct {
	Scheme string `json:"scheme"`
}

// Example is a scheme.
func (Scheme) Example() any { return Scheme{"ISO/IEC 27001"} }
