package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
)

// CustomerFacts are what is known of whoever engaged the publisher.
type CustomerFacts struct {
	Name       string      `json:"name" maxLength:"200"`
	ExternalID string      `json:"external_id" maxLength:"200" doc:"In the publisher's own books; no two customers have the same."`
	Role       string      `json:"role" enum:"controller,processor,both" doc:"In data protection law (GDPR Art. 4(7), (8)). A processor gets a notice that it can forward."`
	Region     string      `json:"region" enum:"eea,gb,ch,us,ca,latam,apac,mea" doc:"Changes of engagements that serve this region affect the customer."`
	Country    string      `json:"country" maxLength:"200" doc:"ISO 3166-1 alpha-2."`
	TimeZone   string      `json:"time_zone" maxLength:"200" doc:"IANA name. Deadlines are counted in the zone of the terms, not in this one."`
	Language   string      `json:"language" enum:"en,de" doc:"For contacts who have none of their own."`
	Affiliates []string    `json:"affiliates" required:"false" maxItems:"1000" doc:"Names of companies for whom this customer acts, too; 100 at most."`
	Products   []uuid.UUID `json:"products" maxItems:"1000" doc:"IDs of the publisher's products that the customer uses, at least one."`
}

// Example is a customer's facts.
func (CustomerFacts) Example() any { return exampleCustomer().CustomerFacts }

// Customer is whoever engaged the publisher.
type Customer struct {
	ID uuid.UUID `json:"id"`
	CustomerFacts
	LeftOn    Day       `json:"left_on" doc:"No longer a customer from this day of the publisher's; null: still one."`
	HasLeft   bool      `json:"has_left" doc:"That day has come."`
	Reachable bool      `json:"reachable" doc:"A notice would reach somebody: a contact for notices, or else one as fallback."`
	Templates []string  `json:"templates" doc:"Names of the templates of the contracts in force."`
	Version   int       `json:"version" doc:"For If-Match, in quotes."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Example is a customer.
func (Customer) Example() any { return exampleCustomer() }

func exampleCustomer() Customer {
	return Customer{ID: exampleID(10), CustomerFacts: CustomerFacts{Name: "Hansa Klinik gGmbH", ExternalID: "C-1042", Role: "controller", Region: "eea",
		Country: "DE", TimeZone: "Europe/Berlin", Language: "de", Affiliates: []string{"Hansa Labor GmbH"}, Products: []uuid.UUID{exampleID(3)}},
		Reachable: true, Templates: []string{"Standard DPA v4"}, Version: 3, CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

// LeaveInput says from when on the customer is none.
type LeaveInput struct {
	LeftOn Day `json:"left_on" doc:"No longer a customer from this day of the publisher's; null takes it back."`
}

// Example is a customer's leaving at the end of the year.
func (LeaveInput) Example() any { return LeaveInput{Day{calendar.Date{Year: 2027, Month: 1, Day: 1}}} }

func customerOf(r *subscribers.CustomerRow) Customer {
	return Customer{ID: r.ID, CustomerFacts: CustomerFacts{Name: r.Name, ExternalID: r.ExternalID, Role: string(r.Role), Region: string(r.Region),
		Country: r.Country, TimeZone: r.TimeZone, Language: r.Language, Affiliates: listOf(r.Affiliates), Products: listOf(r.ProductIDs)},
		LeftOn: Day{r.LeftOn}, HasLeft: r.HasLeft, Reachable: r.Reachable, Templates: listOf(r.Templates), Version: r.Version,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
}

func (f *CustomerFacts) customer(id uuid.UUID, version int) *subscribers.Customer {
	return &subscribers.Customer{ID: id, Name: f.Name, ExternalID: f.ExternalID, Role: subscribers.Role(f.Role), Region: publisher.Region(f.Region),
		Country: f.Country, TimeZone: f.TimeZone, Language: f.Language, Affiliates: listOf(f.Affiliates), ProductIDs: f.Products, Version: version}
}
