// Package sample holds a register to try Fairnotice with: vendors as public security pages name
// them, with what those pages say of them, completed with plainly fictitious facts that every entry
// marks as such. Nothing is made up about a real vendor without saying so.
package sample

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

//go:embed sample.json
var source []byte

// Product is a product of the demo's publisher that the sample's engagements serve.
type Product struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type register struct {
	Products  []Product       `json:"products"`
	Pages     map[string]page `json:"pages"`
	Candidate string          `json:"candidate"` // the vendor that nothing engages yet
	Vendors   []vendor        `json:"vendors"`   // whatever a vendor is hosted on stands before it
}

// page is where a vendor was named.
type page struct {
	What string        `json:"what"`
	AsOf calendar.Date `json:"as_of"`
}

type vendor struct {
	Slug           string          `json:"slug"`
	LegalName      string          `json:"legal_name"`
	TradeName      string          `json:"trade_name"`
	Country        string          `json:"country"`
	Parent         string          `json:"parent"`
	Website        string          `json:"website"`
	NamedBy        []string        `json:"named_by"`
	Use            use             `json:"use"`
	HostedOn       string          `json:"hosted_on"`
	Certifications []certification `json:"certifications"`
	Demo           demo            `json:"demo"`
}

type use struct {
	Purpose  string `json:"purpose"`
	Optional bool   `json:"optional"`
	Places   []struct {
		Country string               `json:"country"`
		Kind    vendors.LocationKind `json:"kind"`
	} `json:"places"`
}

type certification struct {
	Scheme  string `json:"scheme"`
	Edition string `json:"edition"`
	Level   string `json:"level"`
}

// demo are the fictitious facts.
type demo struct {
	Street         string             `json:"street"`
	Since          calendar.Date      `json:"since"`
	Products       []string           `json:"products"`
	Regions        []publisher.Region `json:"regions"`
	DataCategories []string           `json:"data_categories"`
	DataSubjects   []string           `json:"data_subjects"`
	Excludable     bool               `json:"excludable"`
}

// Loaded says what is there after Load, by the vendors' slugs.
type Loaded struct {
	Vendors     map[string]uuid.UUID
	Engagements map[string]uuid.UUID
	// Candidate is the slug of the vendor that isn't engaged, ready for the main job of adding a
	// sub-processor; CandidateFacts are the facts to add it with.
	Candidate      string
	CandidateFacts vendors.EngagementFacts
}

func read() (*register, error) {
	var out register
	if err := json.Unmarshal(source, &out); err != nil {
		return nil, fmt.Errorf("sample register: %w", err)
	}
	return &out, nil
}

// Products lists the products that the sample's engagements serve.
func Products() ([]Product, error) {
	r, err := read()
	if err != nil {
		return nil, err
	}
	return r.Products, nil
}

// Load records the sample register, for the publisher's products by their slugs; a product of the
// sample that isn't among them is left out. What is there already, by the vendor's slug, is left
// as it is, so that loading twice, or again after a broken run, is safe.
func Load(ctx context.Context, who actor.Actor, svc *vendors.Service, products map[string]uuid.UUID) (*Loaded, error) {
	r, err := read()
	if err != nil {
		return nil, err
	}
	l := &loader{svc: svc, who: who, register: r, products: products,
		done: &Loaded{Vendors: map[string]uuid.UUID{}, Engagements: map[string]uuid.UUID{}, Candidate: r.Candidate}}
	for _, v := range r.Vendors {
		if err := l.vendor(ctx, v); err != nil {
			return nil, fmt.Errorf("sample vendor %s: %w", v.Slug, err)
		}
	}
	return l.done, nil
}

type loader struct {
	svc      *vendors.Service
	who      actor.Actor
	register *register
	products map[string]uuid.UUID
	done     *Loaded
}

// vendor records one vendor. Its engagement comes last: where there is one, all the rest is there,
// or was taken away on purpose.
func (l *loader) vendor(ctx context.Context, v vendor) error {
	id, err := l.identity(ctx, v)
	if err != nil {
		return err
	}
	l.done.Vendors[v.Slug] = id
	if v.Slug == l.done.Candidate {
		l.done.CandidateFacts = l.engagementFacts(v)
		return nil
	}
	there, err := l.svc.Engagements(ctx, id)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		l.done.Engagements[v.Slug] = there[len(there)-1].ID // the first one that began
		return nil
	}
	if err := l.certifications(ctx, id, v); err != nil {
		return err
	}
	if err := l.link(ctx, id, v); err != nil {
		return err
	}
	e, err := l.svc.RecordEngagement(ctx, l.who, id, v.Demo.Since, l.engagementFacts(v))
	if err != nil {
		return err
	}
	l.done.Engagements[v.Slug] = e.ID
	return nil
}

func (l *loader) identity(ctx context.Context, v vendor) (uuid.UUID, error) {
	known, err := l.svc.Vendor(ctx, v.Slug)
	if err == nil {
		return known.ID, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return uuid.Nil, err
	}
	made, err := l.svc.CreateVendor(ctx, l.who, vendors.VendorFacts{
		LegalName: v.LegalName, TradeName: v.TradeName, Country: v.Country, ParentName: v.Parent, Website: v.Website,
		Address:     v.Demo.Street + " (fictitious)\nWilmington",
		ContactName: "Alex Example (fictitious)", ContactPosition: "Privacy team (fictitious)",
		ContactEmail: v.Slug + "-privacy@example.com",
		Retention:    "Until the engagement ends (fictitious, for the demo).",
		Measures:     "Encryption in transit and at rest, access by role (fictitious, for the demo).",
		Delimitation: l.origin(v) + " Address, privacy contact, measures and retention are fictitious, for the demo.",
	})
	if err != nil {
		return uuid.Nil, err
	}
	return made.ID, nil
}

// origin says who names the vendor.
func (l *loader) origin(v vendor) string {
	named := make([]string, len(v.NamedBy))
	for i, key := range v.NamedBy {
		named[i] = l.register.Pages[key].What
	}
	return "As named on a public security page: " + strings.Join(named, "; ") + "."
}

func (l *loader) certifications(ctx context.Context, id uuid.UUID, v vendor) error {
	there, err := l.svc.Certifications(ctx, id)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range there[id] {
		known[c.Scheme] = true
	}
	for _, c := range v.Certifications {
		if known[c.Scheme] {
			continue
		}
		_, err := l.svc.AddCertification(ctx, l.who, id, vendors.CertificationFacts{Scheme: c.Scheme, Edition: c.Edition, Level: c.Level,
			Note: l.origin(v) + " In the page's own vintage; nobody has checked it."})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) link(ctx context.Context, id uuid.UUID, v vendor) error {
	if v.HostedOn == "" {
		return nil
	}
	_, err := l.svc.AddLink(ctx, l.who, id, l.done.Vendors[v.HostedOn], "Hosts the platform", v.Demo.Since)
	if fault.Has(err, "chain.twice") {
		return nil
	}
	return err
}

func (l *loader) engagementFacts(v vendor) vendors.EngagementFacts {
	f := vendors.EngagementFacts{
		Purpose: v.Use.Purpose, Optional: v.Use.Optional, Excludable: v.Demo.Excludable,
		Nature:         "As named on a public security page. Products, regions, dates, data and transfer mechanisms are fictitious, for the demo.",
		Note:           l.origin(v) + " The rest is fictitious, for the demo.",
		DataCategories: v.Demo.DataCategories, DataSubjects: v.Demo.DataSubjects, Regions: v.Demo.Regions,
	}
	for _, slug := range v.Demo.Products {
		if id, ok := l.products[slug]; ok {
			f.Products = append(f.Products, vendors.EngagementProduct{ProductID: id})
		}
	}
	if host, ok := l.done.Vendors[v.HostedOn]; ok {
		f.HostingVendorID = &host
	}
	for _, p := range v.Use.Places {
		f.Locations = append(f.Locations, vendors.Location{Country: p.Country, Kind: p.Kind, Transfers: fictitiousTransfers()})
	}
	return f
}

// fictitiousTransfers are contracts between two processors for each exporting regime. They are
// demo facts: which mechanism a vendor really offers is not on the pages.
func fictitiousTransfers() []vendors.Transfer {
	return []vendors.Transfer{
		{Regime: vendors.EEA, Mechanism: vendors.SCC3},
		{Regime: vendors.UK, Mechanism: vendors.UKAddendum},
		{Regime: vendors.Switzerland, Mechanism: vendors.SCC3},
	}
}
