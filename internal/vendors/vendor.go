// Package vendors is the register: vendors and what the publisher engages them for, as it was, is
// and will be on any day; the chain of their own sub-processors; their certifications.
//
// A vendor and an engagement are identities. Their facts live in versions, each valid for a range
// of days in the publisher's zone, so the list as of a day and the difference of two days are
// queries. A version that is not in effect (a draft's "after", or one replaced on the very day it
// began) has the empty range.
package vendors

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
)

// VendorFacts is what the register says of a vendor. The JSON names are the names of form fields
// and the fields of faults. Optional texts are "", optional days the zero Date.
type VendorFacts struct {
	LegalName          string        `json:"legal_name"`
	TradeName          string        `json:"trade_name"`
	RegistrationNumber string        `json:"registration_number"`
	Address            string        `json:"address"` // registered address, several lines
	Country            string        `json:"country"` // of the registered address, ISO 3166-1 alpha-2
	Website            string        `json:"website"`
	ContactName        string        `json:"contact_name"` // of the privacy contact, like the next two
	ContactPosition    string        `json:"contact_position"`
	ContactEmail       string        `json:"contact_email"`
	ParentName         string        `json:"parent_name"`
	OwnerID            *uuid.UUID    `json:"owner_id" gorm:"column:owner_id"` // the account that looks after the vendor
	DPASignedOn        calendar.Date `json:"dpa_signed_on" gorm:"column:dpa_signed_on"`
	DPAURL             string        `json:"dpa_url" gorm:"column:dpa_url"`
	FlowDownConfirmed  bool          `json:"flow_down_confirmed"` // the publisher's obligations bind the vendor too (GDPR Art. 28(4))
	Delimitation       string        `json:"delimitation"`        // who is responsible for what
	Measures           string        `json:"measures"`            // technical and organisational measures, in short
	Retention          string        `json:"retention"`           // retention and deletion
	LastReviewOn       calendar.Date `json:"last_review_on"`
	NextReviewOn       calendar.Date `json:"next_review_on"`
}

// Name is what people call the vendor: its trade name, else its legal name.
func (f *VendorFacts) Name() string {
	if f.TradeName != "" {
		return f.TradeName
	}
	return f.LegalName
}

// HasContact says whether a privacy contact can be reached and addressed: an email address, and a
// name or a position.
func (f *VendorFacts) HasContact() bool {
	return f.ContactEmail != "" && (f.ContactName != "" || f.ContactPosition != "")
}

// Validate tidies the facts and returns every fault in them.
func (f *VendorFacts) Validate() error {
	var c fault.Check
	input.Name(&c, "legal_name", &f.LegalName)
	input.OptionalName(&c, "trade_name", &f.TradeName)
	input.OptionalName(&c, "registration_number", &f.RegistrationNumber)
	input.OptionalText(&c, "address", &f.Address)
	input.Country(&c, "country", &f.Country)
	input.OptionalURL(&c, "website", &f.Website)
	input.OptionalName(&c, "contact_name", &f.ContactName)
	input.OptionalName(&c, "contact_position", &f.ContactPosition)
	input.OptionalEmail(&c, "contact_email", &f.ContactEmail)
	input.OptionalName(&c, "parent_name", &f.ParentName)
	input.OptionalURL(&c, "dpa_url", &f.DPAURL)
	input.OptionalText(&c, "delimitation", &f.Delimitation)
	input.OptionalText(&c, "measures", &f.Measures)
	input.OptionalText(&c, "retention", &f.Retention)
	plausible(&c, "dpa_signed_on", f.DPASignedOn)
	plausible(&c, "last_review_on", f.LastReviewOn)
	plausible(&c, "next_review_on", f.NextReviewOn)
	if !f.LastReviewOn.IsZero() && !f.NextReviewOn.IsZero() && f.NextReviewOn.Before(f.LastReviewOn) {
		c.Add("next_review_on", "review.before_last", nil)
	}
	return c.Err()
}

// Vendor is a vendor with its facts of one day: today's, where nothing else is said.
type Vendor struct {
	ID        uuid.UUID `json:"id"`
	Slug      string    `json:"slug"`
	Version   int       `json:"version"` // the optimistic lock: an edit says which version it is based on
	CreatedAt time.Time `json:"created_at"`
	VendorFacts
}

// VendorItem is a vendor in the console's list.
type VendorItem struct {
	Vendor
	Engagements int `json:"engagements"` // in effect today
}

// VendorVersion is the vendor's facts for a range of days.
type VendorVersion struct {
	ID             uuid.UUID      `json:"id"`
	VendorID       uuid.UUID      `json:"vendor_id"`
	Valid          calendar.Range `json:"-"` // of days in the publisher's zone; empty: replaced on the day it began
	Note           string         `json:"note"`
	RecordedAt     time.Time      `json:"recorded_at"`
	RecordedBy     *uuid.UUID     `json:"recorded_by"`
	RecordedByName string         `json:"-" gorm:"-"`
	VendorFacts
}

// TableName tells gorm the table.
func (VendorVersion) TableName() string { return "vendor_versions" }
