package public

import (
	"strings"
	"time"

	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
)

// Document is the answer of /subprocessors.json.
type Document struct {
	GeneratedAt time.Time     `json:"generated_at,omitzero"`
	LastUpdated *time.Time    `json:"last_updated"` // null: nothing was ever on the list
	Publisher   Publisher     `json:"publisher"`
	AsOf        calendar.Date `json:"as_of"`
	TimeZone    string        `json:"time_zone"` // every day here is a day of this zone
	Entries     []Entry       `json:"entries"`
}

// Publisher is the company that engages the sub-processors.
type Publisher struct {
	LegalName    string `json:"legal_name"`
	Address      string `json:"address"`
	Country      string `json:"country"`
	Website      string `json:"website"`
	PrivacyEmail string `json:"privacy_email"`
}

// Entry is one engagement of a sub-processor.
type Entry struct {
	ID                 string          `json:"id"`   // of the engagement: stays the same for as long as there is one
	Slug               string          `json:"slug"` // of the vendor
	URL                string          `json:"url"`
	LegalName          string          `json:"legal_name"`
	TradeName          string          `json:"trade_name"`
	RegistrationNumber string          `json:"registration_number"`
	Address            string          `json:"address"`
	Country            string          `json:"country"`
	Website            string          `json:"website"`
	Parent             string          `json:"parent"`
	PrivacyContact     Contact         `json:"privacy_contact"`
	Purpose            string          `json:"purpose"`
	Nature             string          `json:"nature"`
	Optional           bool            `json:"optional"`
	Excludable         bool            `json:"excludable"`
	Products           []Product       `json:"products"` // none: all
	Regions            []string        `json:"regions"`  // of customers; none: all
	DataCategories     []string        `json:"data_categories"`
	SpecialCategories  []string        `json:"special_categories"`
	DataSubjects       []string        `json:"data_subjects"`
	Locations          []Location      `json:"locations"`
	HostedOn           string          `json:"hosted_on"`
	Measures           string          `json:"measures"`
	Retention          string          `json:"retention"`
	Certifications     []Certification `json:"certifications"`
	Since              calendar.Date   `json:"since"`
}

// Contact is whom to ask about privacy.
type Contact struct {
	Name     string `json:"name"`
	Position string `json:"position"`
	Email    string `json:"email"`
}

// Product is one of the publisher's products; Plan is "" for every plan of it.
type Product struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
	Plan string `json:"plan"`
}

// Location is a country that data is stored in or accessed from.
type Location struct {
	Country   string     `json:"country"` // ISO 3166-1 alpha-2
	Kind      string     `json:"kind"`    // stored, accessed
	Transfers []Transfer `json:"transfers"`
}

// Transfer is how data of an exporting regime may go there.
type Transfer struct {
	Regime     string        `json:"regime"` // eea, gb, ch
	Mechanism  string        `json:"mechanism"`
	AssessedOn calendar.Date `json:"assessed_on"`
}

// Certification is a certification or an attestation, with its state on the day asked for.
type Certification struct {
	Scheme        string        `json:"scheme"`
	Edition       string        `json:"edition"`
	ReportType    string        `json:"report_type"`
	Level         string        `json:"level"`
	Issuer        string        `json:"issuer"`
	Number        string        `json:"number"`
	Scope         string        `json:"scope"`
	IssuedOn      calendar.Date `json:"issued_on"`
	PeriodStart   calendar.Date `json:"period_start"`
	PeriodEnd     calendar.Date `json:"period_end"`
	ExpiresOn     calendar.Date `json:"expires_on"` // the last day
	BridgeUntil   calendar.Date `json:"bridge_until"`
	InheritedFrom string        `json:"inherited_from"` // the name of the vendor below
	EvidenceURL   string        `json:"evidence_url"`
	Status        Status        `json:"status"`
}

// Status is a certification's state. Since is its first day, Until the first day after it.
type Status struct {
	State  string        `json:"state"`
	Reason string        `json:"reason"`
	Since  calendar.Date `json:"since"`
	Until  calendar.Date `json:"until"`
}

// entryOf names every fact that is published, one by one: a fact that the register learns later
// stays inside until somebody writes it here.
func entryOf(e *vendors.Entry, certs []vendors.Certification, on calendar.Date) Entry {
	out := Entry{ID: e.EngagementID.String(), Slug: e.Slug, LegalName: e.LegalName, TradeName: e.TradeName,
		RegistrationNumber: e.RegistrationNumber, Address: e.Address, Country: e.Country, Website: e.Website, Parent: e.ParentName,
		PrivacyContact: Contact{e.ContactName, e.ContactPosition, e.ContactEmail},
		Purpose:        e.Purpose, Nature: e.Nature, Optional: e.Optional, Excludable: e.Excludable,
		Regions: codes(e.Regions), DataCategories: codes(e.DataCategories), SpecialCategories: codes(e.SpecialCategories),
		DataSubjects: codes(e.DataSubjects), HostedOn: e.HostedOn, Measures: e.Measures, Retention: e.Retention, Since: e.Since,
		Products: []Product{}, Locations: []Location{}, Certifications: []Certification{}}
	for _, p := range e.Products {
		out.Products = append(out.Products, Product{p.Slug, p.Name, p.Plan})
	}
	for _, l := range e.Locations {
		place := Location{Country: l.Country, Kind: string(l.Kind), Transfers: []Transfer{}}
		for _, t := range l.Transfers {
			place.Transfers = append(place.Transfers, Transfer{string(t.Regime), string(t.Mechanism), t.AssessedOn})
		}
		out.Locations = append(out.Locations, place)
	}
	for i := range certs {
		if !certs[i].IssuedOn.After(on) {
			out.Certifications = append(out.Certifications, certificationOf(&certs[i], on))
		}
	}
	return out
}

func certificationOf(c *vendors.Certification, on calendar.Date) Certification {
	status := c.Status(on)
	out := Certification{Scheme: c.Scheme, Edition: c.Edition, ReportType: c.ReportType, Level: c.Level, Issuer: c.Issuer, Number: c.Number,
		Scope: c.Scope, IssuedOn: c.IssuedOn, PeriodStart: c.PeriodStart, PeriodEnd: c.PeriodEnd, ExpiresOn: c.ExpiresOn,
		BridgeUntil: c.BridgeUntil, InheritedFrom: c.InheritedVendor,
		Status: Status{string(status.State), status.Reason, status.Since, status.Until}}
	if c.EvidenceFor == vendors.ForPublic {
		out.EvidenceURL = c.EvidenceURL
	}
	return out
}

func codes[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// mechanisms are those of one regime, each with the countries that it leads to.
func (e *Entry) mechanisms(regime vendors.Regime) string {
	var order []string
	to := map[string][]string{}
	for _, l := range e.Locations {
		for _, t := range l.Transfers {
			if t.Regime != string(regime) {
				continue
			}
			if _, known := to[t.Mechanism]; !known {
				order = append(order, t.Mechanism)
			}
			to[t.Mechanism] = append(to[t.Mechanism], l.Country)
		}
	}
	return each(order, func(m string) string { return m + " (" + strings.Join(to[m], ", ") + ")" })
}
