package vendors

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/publisher"
)

// Audience says who may see a certification's evidence.
type Audience string

const (
	ForPublic    Audience = "public"
	ForCustomers Audience = "customers"
	ForStaff     Audience = "staff"
)

// Audiences lists every audience, the widest first.
var Audiences = []Audience{ForPublic, ForCustomers, ForStaff}

// CertificationFacts is what the register says of a certification or an attestation. The JSON names
// are the names of form fields and the fields of faults. Optional days are the zero Date.
type CertificationFacts struct {
	Scheme        string             `json:"scheme"`      // "ISO/IEC 27001", "SOC 2"
	Edition       string             `json:"edition"`     // "2022"
	ReportType    string             `json:"report_type"` // of SOC 1, SOC 2, C5: "1", "2", or ""
	Level         string             `json:"level"`       // of PCI DSS, CSA STAR
	Issuer        string             `json:"issuer"`      // or auditor
	Number        string             `json:"number"`
	Scope         string             `json:"scope"` // in words
	Regions       []publisher.Region `json:"regions"`
	Products      []uuid.UUID        `json:"products"` // the publisher's products that rely on it; none: all
	IssuedOn      calendar.Date      `json:"issued_on"`
	PeriodStart   calendar.Date      `json:"period_start"`
	PeriodEnd     calendar.Date      `json:"period_end"`
	ExpiresOn     calendar.Date      `json:"expires_on"`   // as printed: the last day it is valid
	BridgeUntil   calendar.Date      `json:"bridge_until"` // by management's bridge letter
	InheritedFrom *uuid.UUID         `json:"inherited_from"`
	EvidenceURL   string             `json:"evidence_url"`
	EvidenceFor   Audience           `json:"evidence_for"` // "" is read as staff
	Note          string             `json:"note"`
}

// Certification is a certification of a vendor. One that is inherited shows the facts of the
// certification it is inherited from, with its own scope, products, regions and note.
type Certification struct {
	ID                  uuid.UUID  `json:"id"`
	VendorID            uuid.UUID  `json:"vendor_id"`
	Version             int        `json:"version"` // the optimistic lock
	CheckedAt           *time.Time `json:"checked_at"`
	CheckedBy           *uuid.UUID `json:"checked_by"`
	CheckedByName       string     `json:"-"`
	InheritedVendor     string     `json:"inherited_vendor"` // the name of the vendor below; "": its own
	InheritedVendorSlug string     `json:"inherited_vendor_slug"`
	CreatedAt           time.Time  `json:"-"`
	UpdatedAt           time.Time  `json:"-"`
	CertificationFacts
}

// Inherited says whether the certification is one of a vendor below in the chain.
func (c *Certification) Inherited() bool { return c.InheritedFrom != nil }

// Validate tidies the facts and returns every fault in them.
func (f *CertificationFacts) Validate() error {
	var c fault.Check
	input.Name(&c, "scheme", &f.Scheme)
	input.OptionalName(&c, "edition", &f.Edition)
	if f.ReportType != "" {
		input.Choice(&c, "report_type", f.ReportType, "1", "2")
	}
	input.OptionalName(&c, "level", &f.Level)
	input.OptionalName(&c, "issuer", &f.Issuer)
	input.OptionalName(&c, "number", &f.Number)
	input.OptionalText(&c, "scope", &f.Scope)
	f.Regions = copied(f.Regions)
	input.Choices(&c, "regions", &f.Regions, publisher.Regions...)
	f.Products = copied(f.Products)
	slices.SortFunc(f.Products, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	f.Products = slices.Compact(f.Products)
	plausible(&c, "issued_on", f.IssuedOn)
	plausible(&c, "period_start", f.PeriodStart)
	plausible(&c, "period_end", f.PeriodEnd)
	plausible(&c, "expires_on", f.ExpiresOn)
	plausible(&c, "bridge_until", f.BridgeUntil)
	inOrder(&c, "period_end", f.PeriodStart, f.PeriodEnd)
	inOrder(&c, "expires_on", f.IssuedOn, f.ExpiresOn)
	inOrder(&c, "bridge_until", f.PeriodEnd, f.BridgeUntil)
	input.OptionalURL(&c, "evidence_url", &f.EvidenceURL)
	if f.EvidenceFor == "" {
		f.EvidenceFor = ForStaff
	}
	input.Choice(&c, "evidence_for", f.EvidenceFor, Audiences...)
	input.OptionalText(&c, "note", &f.Note)
	return c.Err()
}

// inOrder notes a fault at field when both days are given and the later one is earlier.
func inOrder(c *fault.Check, field string, earlier, later calendar.Date) {
	if !earlier.IsZero() && !later.IsZero() && later.Before(earlier) {
		c.Add(field, "certification.days_reversed", fault.Args{"Date": earlier.UTC()})
	}
}
