package shapes

import (
	"time"

	"fairnotice/internal/calendar"
)

// PublishedList is the answer of /subprocessors.json.
type PublishedList struct {
	GeneratedAt time.Time        `json:"generated_at,omitzero" doc:"When this was answered."`
	LastUpdated *time.Time       `json:"last_updated" doc:"When the list last changed; null: nothing was ever on it."`
	Publisher   PublishedCompany `json:"publisher"`
	AsOf        calendar.Date    `json:"as_of" doc:"The day that the list is of."`
	TimeZone    string           `json:"time_zone" doc:"IANA name; every day here is a day of this zone."`
	Entries     []PublishedEntry `json:"entries"`
}

// PublishedCompany is the company that engages the sub-processors.
type PublishedCompany struct {
	LegalName    string `json:"legal_name"`
	Address      string `json:"address"`
	Country      string `json:"country" doc:"ISO 3166-1 alpha-2."`
	Website      string `json:"website"`
	PrivacyEmail string `json:"privacy_email" doc:"Where objections and questions go."`
}

// PublishedEntry is one engagement of a sub-processor.
type PublishedEntry struct {
	ID   string `json:"id" doc:"Of the engagement: stays the same for as long as there is one."`
	Slug string `json:"slug" doc:"Of the vendor."`
	URL  string `json:"url" doc:"Its page."`
	PublishedFacts
	Certifications []PublishedCertification `json:"certifications"`
	Since          calendar.Date            `json:"since"`
}

// PublishedFacts are what is published of a vendor and of what it is engaged for.
type PublishedFacts struct {
	LegalName          string              `json:"legal_name"`
	TradeName          string              `json:"trade_name"`
	RegistrationNumber string              `json:"registration_number"`
	Address            string              `json:"address"`
	Country            string              `json:"country" doc:"ISO 3166-1 alpha-2."`
	Website            string              `json:"website"`
	Parent             string              `json:"parent" doc:"The company that owns it."`
	PrivacyContact     PublishedContact    `json:"privacy_contact"`
	Purpose            string              `json:"purpose"`
	Nature             string              `json:"nature" doc:"What is done with the data."`
	Optional           bool                `json:"optional" doc:"It processes data only where a customer uses a feature."`
	Excludable         bool                `json:"excludable" doc:"A customer can have it left out."`
	Products           []PublishedProduct  `json:"products" doc:"None: all."`
	Regions            []string            `json:"regions" doc:"Of customers; none: all."`
	DataCategories     []string            `json:"data_categories"`
	SpecialCategories  []string            `json:"special_categories" doc:"Of GDPR Art. 9 and 10."`
	DataSubjects       []string            `json:"data_subjects"`
	Locations          []PublishedLocation `json:"locations"`
	HostedOn           string              `json:"hosted_on"`
	Measures           string              `json:"measures"`
	Retention          string              `json:"retention"`
}

// PublishedContact is whom to ask about privacy.
type PublishedContact struct {
	Name     string `json:"name"`
	Position string `json:"position"`
	Email    string `json:"email"`
}

// PublishedProduct is one of the publisher's products.
type PublishedProduct struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
	Plan string `json:"plan" doc:"Empty: every plan of it."`
}

// PublishedLocation is a country that data is stored in or accessed from.
type PublishedLocation struct {
	Country   string              `json:"country" doc:"ISO 3166-1 alpha-2."`
	Kind      string              `json:"kind" doc:"stored, accessed"`
	Transfers []PublishedTransfer `json:"transfers"`
}

// PublishedTransfer is how data of an exporting regime may go there.
type PublishedTransfer struct {
	Regime     string        `json:"regime" doc:"eea, gb, ch"`
	Mechanism  string        `json:"mechanism"`
	AssessedOn calendar.Date `json:"assessed_on"`
}

// PublishedCertification is a certification or an attestation, with its state on the day asked for.
type PublishedCertification struct {
	Scheme        string         `json:"scheme"`
	Edition       string         `json:"edition"`
	ReportType    string         `json:"report_type"`
	Level         string         `json:"level"`
	Issuer        string         `json:"issuer"`
	Number        string         `json:"number"`
	Scope         string         `json:"scope"`
	IssuedOn      calendar.Date  `json:"issued_on"`
	PeriodStart   calendar.Date  `json:"period_start"`
	PeriodEnd     calendar.Date  `json:"period_end"`
	ExpiresOn     calendar.Date  `json:"expires_on" doc:"The last day."`
	BridgeUntil   calendar.Date  `json:"bridge_until"`
	InheritedFrom string         `json:"inherited_from" doc:"The name of the vendor below that holds it."`
	EvidenceURL   string         `json:"evidence_url"`
	Status        PublishedState `json:"status"`
}

// PublishedState is a certification's state.
type PublishedState struct {
	State  string        `json:"state" doc:"current, expiring, expired, superseded, void_edition, invalid, unverified"`
	Reason string        `json:"reason"`
	Since  calendar.Date `json:"since" doc:"Its first day."`
	Until  calendar.Date `json:"until" doc:"The first day after it."`
}
