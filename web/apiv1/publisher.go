package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/publisher"
)

// PublisherSettings say who the publisher is, and its policies.
type PublisherSettings struct {
	LegalName          string `json:"legal_name"`
	Address            string `json:"address"`
	Country            string `json:"country" doc:"ISO 3166-1 alpha-2."`
	Website            string `json:"website,omitempty"`
	PrivacyName        string `json:"privacy_name" doc:"To whom objections and questions go."`
	PrivacyEmail       string `json:"privacy_email" doc:"Where objections and questions go."`
	TimeZone           string `json:"time_zone" doc:"IANA name; the register's days are days of this zone."`
	Language           string `json:"language" enum:"en,de"`
	FloorDays          *int   `json:"floor_days,omitempty" doc:"The public promise to everyone, in calendar days; absent: none."`
	ReceivedAfterHours *int   `json:"received_after_hours,omitempty" doc:"After so many hours without a bounce a message counts as received; absent: only a real proof counts."`
	FourEyes           bool   `json:"four_eyes" doc:"Approval is by a second person."`
	Fictitious         bool   `json:"fictitious,omitempty" doc:"A demonstration: every page says so."`
}

// Example is a publisher.
func (PublisherSettings) Example() any {
	days := 30
	return PublisherSettings{LegalName: "Nordlicht Software GmbH", Address: "Musterweg 1\n10115 Berlin", Country: "DE",
		Website: "https://nordlicht.example", PrivacyName: "Data Protection Team", PrivacyEmail: "privacy@nordlicht.example",
		TimeZone: "Europe/Berlin", Language: "en", FloorDays: &days, FourEyes: true}
}

// Product is one of the publisher's products.
type Product struct {
	ID        uuid.UUID  `json:"id"`
	Slug      string     `json:"slug"`
	Name      string     `json:"name"`
	RetiredAt *time.Time `json:"retired_at,omitempty"`
}

// Example is a product.
func (Product) Example() any { return Product{ID: exampleID(3), Slug: "desk", Name: "Nordlicht Desk"} }

// ProductInput is a new product.
type ProductInput struct {
	Slug string `json:"slug" maxLength:"200" doc:"In addresses and filters: small letters, digits and hyphens."`
	Name string `json:"name" maxLength:"200"`
}

// Example is a new product.
func (ProductInput) Example() any { return ProductInput{Slug: "desk", Name: "Nordlicht Desk"} }

func (s *Site) publisherOperations() {
	handle(s, op{id: "getPublisher", method: http.MethodGet, path: "/publisher", tag: tagPublisher, act: actor.ReadConsole,
		summary: "Who the publisher is", answers: []int{404}}, s.getPublisher)
	handle(s, op{id: "savePublisher", method: http.MethodPut, path: "/publisher", tag: tagPublisher, act: actor.EditPublisher,
		summary: "Change who the publisher is", text: "The first time, If-Match is \"0\"."}, s.savePublisher)
	handle(s, op{id: "listProducts", method: http.MethodGet, path: "/products", tag: tagPublisher, act: actor.ReadConsole,
		summary: "The products that are not retired"}, s.listProducts)
	handle(s, op{id: "addProduct", method: http.MethodPost, path: "/products", tag: tagPublisher, act: actor.EditPublisher,
		summary: "Add a product", status: http.StatusCreated}, s.addProduct)
}

func settingsOf(p *publisher.Settings) PublisherSettings {
	return PublisherSettings{LegalName: p.LegalName, Address: p.Address, Country: p.Country, Website: p.Website, PrivacyName: p.PrivacyName,
		PrivacyEmail: p.PrivacyEmail, TimeZone: p.TimeZone, Language: p.Language, FloorDays: p.FloorDays,
		ReceivedAfterHours: p.ReceivedAfterHours, FourEyes: p.FourEyes, Fictitious: p.Fictitious}
}

func (p *PublisherSettings) settings(version int) *publisher.Settings {
	return &publisher.Settings{LegalName: p.LegalName, Address: p.Address, Country: p.Country, Website: p.Website, PrivacyName: p.PrivacyName,
		PrivacyEmail: p.PrivacyEmail, TimeZone: p.TimeZone, Language: p.Language, FloorDays: p.FloorDays,
		ReceivedAfterHours: p.ReceivedAfterHours, FourEyes: p.FourEyes, Fictitious: p.Fictitious, Version: version}
}

func (s *Site) getPublisher(ctx context.Context, _ actor.Actor, _ *struct{}) (*One[PublisherSettings], error) {
	p, err := s.Publisher.Get(ctx)
	if err != nil {
		return nil, err
	}
	return one(p.Version, settingsOf(p)), nil
}

func (s *Site) savePublisher(ctx context.Context, who actor.Actor, in *struct {
	Match
	Body PublisherSettings
}) (*One[PublisherSettings], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Publisher.Save(ctx, who, in.Body.settings(version)); err != nil {
		return nil, err
	}
	return s.getPublisher(ctx, who, nil)
}

func (s *Site) listProducts(ctx context.Context, _ actor.Actor, _ *struct{}) (*List[Product], error) {
	list, err := s.Publisher.Products(ctx)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, productOf)), nil
}

func productOf(p *publisher.Product) Product {
	return Product{ID: p.ID, Slug: p.Slug, Name: p.Name, RetiredAt: p.RetiredAt}
}

func (s *Site) addProduct(ctx context.Context, who actor.Actor, in *struct{ Body ProductInput }) (*Plain[Product], error) {
	p := &publisher.Product{Slug: in.Body.Slug, Name: in.Body.Name}
	if err := s.Publisher.AddProduct(ctx, who, p); err != nil {
		return nil, err
	}
	return plain(productOf(p)), nil
}
