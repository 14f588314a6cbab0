package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
)

// VendorFacts are what the register says of a vendor. What is left out is empty.
type VendorFacts struct {
	LegalName          string     `json:"legal_name" maxLength:"200"`
	TradeName          string     `json:"trade_name" required:"false" maxLength:"200"`
	RegistrationNumber string     `json:"registration_number" required:"false" maxLength:"200"`
	Address            string     `json:"address" required:"false" maxLength:"10000" doc:"Registered address, several lines."`
	Country            string     `json:"country" maxLength:"20" doc:"Of the registered address, ISO 3166-1 alpha-2."`
	Website            string     `json:"website" required:"false" maxLength:"2000" doc:"An http or https address."`
	ContactName        string     `json:"contact_name" required:"false" maxLength:"200" doc:"Of the privacy contact."`
	ContactPosition    string     `json:"contact_position" required:"false" maxLength:"200" doc:"Of the privacy contact."`
	ContactEmail       string     `json:"contact_email" required:"false" maxLength:"254" doc:"Of the privacy contact."`
	ParentName         string     `json:"parent_name" required:"false" maxLength:"200" doc:"The corporate parent."`
	OwnerID            *uuid.UUID `json:"owner_id,omitempty" doc:"The account that looks after the vendor; absent: none. Not published."`
	DPASignedOn        Day        `json:"dpa_signed_on" required:"false" doc:"Day on which the data processing agreement was signed. Not published."`
	DPAURL             string     `json:"dpa_url" required:"false" maxLength:"2000" doc:"Of the data processing agreement. Not published."`
	FlowDownConfirmed  bool       `json:"flow_down_confirmed" required:"false" doc:"The publisher's obligations bind the vendor too (GDPR Art. 28(4)). Not published."`
	Delimitation       string     `json:"delimitation" required:"false" maxLength:"10000" doc:"Who is responsible for what. Not published."`
	Measures           string     `json:"measures" required:"false" maxLength:"10000" doc:"Technical and organisational measures, in short."`
	Retention          string     `json:"retention" required:"false" maxLength:"10000" doc:"Retention and deletion."`
	LastReviewOn       Day        `json:"last_review_on" required:"false" doc:"Not published."`
	NextReviewOn       Day        `json:"next_review_on" required:"false" doc:"Not published."`
}

// exampleFacts are of a vendor that sends mail.
func exampleFacts() VendorFacts {
	return VendorFacts{LegalName: "Brieftaube Mail Ltd", TradeName: "Brieftaube", RegistrationNumber: "IE 123456", Address: "1 Example Street\nDublin",
		Country: "IE", Website: "https://brieftaube.example", ContactName: "Pat Privacy", ContactPosition: "Data Protection Officer",
		ContactEmail: "dpo@brieftaube.example", DPASignedOn: Day{calendar.Date{Year: 2026, Month: time.January, Day: 15}},
		DPAURL: "https://brieftaube.example/dpa", FlowDownConfirmed: true, Measures: "Encryption at rest and in transit",
		Retention: "Deleted after 30 days", NextReviewOn: Day{exampleDay}}
}

// Example is a new vendor.
func (VendorFacts) Example() any { return exampleFacts() }

func vendorFactsOf(f *vendors.VendorFacts) VendorFacts {
	return VendorFacts{LegalName: f.LegalName, TradeName: f.TradeName, RegistrationNumber: f.RegistrationNumber, Address: f.Address,
		Country: f.Country, Website: f.Website, ContactName: f.ContactName, ContactPosition: f.ContactPosition, ContactEmail: f.ContactEmail,
		ParentName: f.ParentName, OwnerID: f.OwnerID, DPASignedOn: Day{f.DPASignedOn}, DPAURL: f.DPAURL, FlowDownConfirmed: f.FlowDownConfirmed,
		Delimitation: f.Delimitation, Measures: f.Measures, Retention: f.Retention, LastReviewOn: Day{f.LastReviewOn}, NextReviewOn: Day{f.NextReviewOn}}
}

// vendorFacts are the domain's, not yet tidied.
func (f *VendorFacts) vendorFacts() vendors.VendorFacts {
	return vendors.VendorFacts{LegalName: f.LegalName, TradeName: f.TradeName, RegistrationNumber: f.RegistrationNumber, Address: f.Address,
		Country: f.Country, Website: f.Website, ContactName: f.ContactName, ContactPosition: f.ContactPosition, ContactEmail: f.ContactEmail,
		ParentName: f.ParentName, OwnerID: f.OwnerID, DPASignedOn: f.DPASignedOn.Date, DPAURL: f.DPAURL, FlowDownConfirmed: f.FlowDownConfirmed,
		Delimitation: f.Delimitation, Measures: f.Measures, Retention: f.Retention, LastReviewOn: f.LastReviewOn.Date, NextReviewOn: f.NextReviewOn.Date}
}

// Vendor is a vendor with its facts of one day.
type Vendor struct {
	ID        uuid.UUID `json:"id"`
	Slug      string    `json:"slug" doc:"Names the vendor in addresses, instead of its ID; it never changes."`
	Version   int       `json:"version" doc:"Of the vendor as it is now; each edit raises it by one."`
	CreatedAt time.Time `json:"created_at"`
	VendorFacts
}

// Example is a vendor.
func (Vendor) Example() any {
	return Vendor{ID: exampleID(11), Slug: "brieftaube", Version: 3, CreatedAt: exampleTime, VendorFacts: exampleFacts()}
}

func vendorOf(v *vendors.Vendor) Vendor {
	return Vendor{ID: v.ID, Slug: v.Slug, Version: v.Version, CreatedAt: v.CreatedAt, VendorFacts: vendorFactsOf(&v.VendorFacts)}
}

// VendorItem is a vendor in the list of all.
type VendorItem struct {
	Vendor
	Engagements int `json:"engagements" doc:"How many are in effect today."`
}

// Example is a vendor with one engagement.
func (VendorItem) Example() any { return VendorItem{Vendor{}.Example().(Vendor), 1} }

func vendorItemOf(v *vendors.VendorItem) VendorItem {
	return VendorItem{vendorOf(&v.Vendor), v.Engagements}
}

// VendorEdit is a vendor's facts from today on.
type VendorEdit struct {
	VendorFacts
	Note string `json:"note" required:"false" maxLength:"10000" doc:"Why they changed, for the record."`
}

// Example is an edit.
func (VendorEdit) Example() any { return VendorEdit{exampleFacts(), "Moved its registered office."} }

// Validity says on which days of the publisher's zone a version of facts holds.
type Validity struct {
	ValidFrom  Day  `json:"valid_from" doc:"The first day; null: as long as anybody knows, or never (a draft, or replaced on the day it began)."`
	ValidUntil Day  `json:"valid_until" doc:"The first day on which it no longer holds; null: until further notice, or never."`
	InEffect   bool `json:"in_effect" doc:"It holds today."`
}

func validityOf(r calendar.Range, today calendar.Date) Validity {
	return Validity{Day{r.From}, Day{r.To}, r.Contains(today)}
}

// VendorVersion is a vendor's facts for a range of days.
type VendorVersion struct {
	ID             uuid.UUID  `json:"id"`
	Note           string     `json:"note" doc:"Why the facts changed."`
	RecordedAt     time.Time  `json:"recorded_at"`
	RecordedBy     *uuid.UUID `json:"recorded_by,omitempty" doc:"The account; absent: Fairnotice itself."`
	RecordedByName string     `json:"recorded_by_name" doc:"The account's name today."`
	Validity
	VendorFacts
}

// Example is a version.
func (VendorVersion) Example() any {
	by := exampleID(1)
	return VendorVersion{ID: exampleID(13), Note: "Moved its registered office.", RecordedAt: exampleTime, RecordedBy: &by,
		RecordedByName: "Ada Lovelace", Validity: Validity{Day{exampleDay}, Day{}, true}, VendorFacts: exampleFacts()}
}
