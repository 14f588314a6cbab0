package apiv1

import (
	"regexp"
	"strconv"

	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// EngagementFacts are what the register says of one use of a vendor. Lists that are left out are
// empty.
type EngagementFacts struct {
	Purpose           string                    `json:"purpose" maxLength:"500" doc:"What the vendor is used for, in one line."`
	Nature            string                    `json:"nature" required:"false" maxLength:"10000" doc:"What the vendor does with the data."`
	Optional          bool                      `json:"optional" required:"false" doc:"A customer may do without."`
	Excludable        bool                      `json:"excludable" required:"false" doc:"A customer can be technically excluded."`
	DataCategories    []string                  `json:"data_categories" required:"false"`
	SpecialCategories []vendors.SpecialCategory `json:"special_categories" required:"false" enum:"racial_or_ethnic_origin,political_opinions,beliefs,trade_union_membership,genetic_data,biometric_data,health,sex_life,criminal_offences" doc:"Of GDPR Art. 9(1); criminal_offences: the data of Art. 10."`
	DataSubjects      []string                  `json:"data_subjects" required:"false" doc:"Whose data it is, in words."`
	Regions           []publisher.Region        `json:"regions" required:"false" enum:"eea,gb,ch,us,ca,latam,apac,mea" doc:"Of the customers that it serves; empty: all."`
	HostingVendorID   *uuid.UUID                `json:"hosting_vendor_id,omitempty" doc:"The vendor in whose data centers it runs; absent: its own, or unknown."`
	Products          []EngagementProduct       `json:"products" required:"false" doc:"That it is used for; empty: every product."`
	Locations         []Location                `json:"locations" required:"false" doc:"Where data is stored or accessed from."`
	Note              string                    `json:"note" required:"false" maxLength:"10000" doc:"Why this version was recorded. It is not published."`
}

// EngagementProduct is a product, or one plan of it, that an engagement serves.
type EngagementProduct struct {
	ProductID uuid.UUID `json:"product_id"`
	Plan      string    `json:"plan" required:"false" maxLength:"200" doc:"Empty: every plan."`
	Slug      string    `json:"slug,omitempty" doc:"The product's. In answers only: it is not looked at when sent back."`
	Name      string    `json:"name,omitempty" doc:"The product's. In answers only: it is not looked at when sent back."`
}

// Location is a country that data is stored in or accessed from.
type Location struct {
	Country   string               `json:"country" maxLength:"20" doc:"ISO 3166-1 alpha-2."`
	Kind      vendors.LocationKind `json:"kind" enum:"stored,accessed" doc:"accessed: data is only looked at from there."`
	Transfers []Transfer           `json:"transfers" required:"false" doc:"What allows the data to get there, for each law that it leaves; once for each."`
}

// Transfer is the mechanism by which data of one regime goes to a location.
type Transfer struct {
	Regime     vendors.Regime    `json:"regime" enum:"eea,gb,ch" doc:"The law that restricts the export: GDPR, UK GDPR, Swiss FADP."`
	Mechanism  vendors.Mechanism `json:"mechanism" enum:"none_needed,adequacy,dpf,dpf_uk,dpf_swiss,scc_2,scc_3,uk_idta,uk_addendum,bcr" doc:"Each regime knows some of these: scc_2 and scc_3 are of eea and ch, uk_idta and uk_addendum of gb, and each has a dpf of its own. none_needed: the country is inside the regime."`
	AssessedOn Day               `json:"assessed_on" required:"false" doc:"Day of the transfer impact assessment."`
}

// Example is an engagement to send mail.
func (EngagementFacts) Example() any {
	host := exampleID(12)
	return EngagementFacts{Purpose: "Sends the product's e-mail", Nature: "Stores and sends messages", Optional: true,
		DataCategories: []string{"Names", "E-mail addresses"}, SpecialCategories: []vendors.SpecialCategory{}, DataSubjects: []string{"Users of the product"},
		Regions: []publisher.Region{"eea", "ch"}, HostingVendorID: &host,
		Products: []EngagementProduct{{ProductID: exampleID(3), Plan: "Pro"}},
		Locations: []Location{{Country: "US", Kind: vendors.Stored, Transfers: []Transfer{
			{Regime: vendors.EEA, Mechanism: vendors.SCC3, AssessedOn: Day{exampleDay}},
			{Regime: vendors.Switzerland, Mechanism: vendors.SCC3}}}}}
}

func engagementFactsOf(f *vendors.EngagementFacts) EngagementFacts {
	return EngagementFacts{Purpose: f.Purpose, Nature: f.Nature, Optional: f.Optional, Excludable: f.Excludable,
		DataCategories: listOf(f.DataCategories), SpecialCategories: listOf(f.SpecialCategories), DataSubjects: listOf(f.DataSubjects),
		Regions: listOf(f.Regions), HostingVendorID: f.HostingVendorID, Products: mapped(f.Products, engagementProductOf),
		Locations: mapped(f.Locations, locationOf), Note: f.Note}
}

func engagementProductOf(p *vendors.EngagementProduct) EngagementProduct {
	return EngagementProduct{ProductID: p.ProductID, Plan: p.Plan, Slug: p.Slug, Name: p.Name}
}

func locationOf(l *vendors.Location) Location {
	return Location{l.Country, l.Kind, mapped(l.Transfers, func(t *vendors.Transfer) Transfer {
		return Transfer{t.Regime, t.Mechanism, Day{t.AssessedOn}}
	})}
}

// facts are the domain's, not yet tidied.
func (f *EngagementFacts) facts() vendors.EngagementFacts {
	return vendors.EngagementFacts{Purpose: f.Purpose, Nature: f.Nature, Optional: f.Optional, Excludable: f.Excludable,
		DataCategories: f.DataCategories, SpecialCategories: f.SpecialCategories, DataSubjects: f.DataSubjects, Regions: f.Regions,
		HostingVendorID: f.HostingVendorID, Note: f.Note,
		Products: mapped(f.Products, func(p *EngagementProduct) vendors.EngagementProduct {
			return vendors.EngagementProduct{ProductID: p.ProductID, Plan: p.Plan}
		}),
		Locations: mapped(f.Locations, func(l *Location) vendors.Location {
			return vendors.Location{Country: l.Country, Kind: l.Kind, Transfers: mapped(l.Transfers, func(t *Transfer) vendors.Transfer {
				return vendors.Transfer{Regime: t.Regime, Mechanism: t.Mechanism, AssessedOn: t.AssessedOn.Date}
			})}
		})}
}

// transferField is the domain's name of a transfer's place: its forms have one field for each regime.
var transferField = regexp.MustCompile(`^locations\.(\d+)\.transfers\.([a-z]+)$`)

// located puts faults of these facts at the places that they have in the body. Errors that are no
// faults pass unchanged.
func (f *EngagementFacts) located(err error) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	out := make(fault.List, len(list))
	for i, e := range list {
		dup := *e
		dup.Field = f.placeOf(e.Field)
		out[i] = &dup
	}
	return out
}

// placeOf turns "locations.0.transfers.eea" into the place of the last transfer out of that regime: of
// two, that is the one too many. Where there is none, the list lacks it.
func (f *EngagementFacts) placeOf(field string) string {
	m := transferField.FindStringSubmatch(field)
	if m == nil {
		return field
	}
	i, err := strconv.Atoi(m[1])
	if err != nil || i >= len(f.Locations) {
		return listOfTransfers(field)
	}
	for k := len(f.Locations[i].Transfers) - 1; k >= 0; k-- {
		if string(f.Locations[i].Transfers[k].Regime) == m[2] {
			return "locations." + m[1] + ".transfers." + strconv.Itoa(k)
		}
	}
	return listOfTransfers(field)
}

// listOfTransfers leaves out the regime.
func listOfTransfers(field string) string {
	return transferField.ReplaceAllString(field, "locations.$1.transfers")
}
