package vendors

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/publisher"
)

// SpecialCategory is a category of data that the GDPR protects more strictly.
type SpecialCategory string

// The special categories of GDPR Art. 9(1), and the data of Art. 10 (CriminalOffences).
const (
	RacialOrEthnicOrigin SpecialCategory = "racial_or_ethnic_origin"
	PoliticalOpinions    SpecialCategory = "political_opinions"
	Beliefs              SpecialCategory = "beliefs"
	TradeUnionMembership SpecialCategory = "trade_union_membership"
	GeneticData          SpecialCategory = "genetic_data"
	BiometricData        SpecialCategory = "biometric_data"
	Health               SpecialCategory = "health"
	SexLife              SpecialCategory = "sex_life"
	CriminalOffences     SpecialCategory = "criminal_offences"
)

// SpecialCategories lists every special category, in the order of the law.
var SpecialCategories = []SpecialCategory{RacialOrEthnicOrigin, PoliticalOpinions, Beliefs, TradeUnionMembership,
	GeneticData, BiometricData, Health, SexLife, CriminalOffences}

// EngagementFacts is what the register says of one use of a vendor. The JSON names are the names of
// form fields and the fields of faults; a fault in a location is at locations.<index>.<field>.
type EngagementFacts struct {
	Purpose           string              `json:"purpose"`
	Nature            string              `json:"nature"`
	Optional          bool                `json:"optional"`   // a customer may do without
	Excludable        bool                `json:"excludable"` // a customer can be technically excluded
	DataCategories    []string            `json:"data_categories"`
	SpecialCategories []SpecialCategory   `json:"special_categories"`
	DataSubjects      []string            `json:"data_subjects"`
	Regions           []publisher.Region  `json:"regions"` // of the customers it serves; none: all
	HostingVendorID   *uuid.UUID          `json:"hosting_vendor_id"`
	Products          []EngagementProduct `json:"products"` // none: every product
	Locations         []Location          `json:"locations"`
	Note              string              `json:"note"` // why this version was recorded; not published
}

// EngagementProduct is a product, or one plan of it, that an engagement serves.
type EngagementProduct struct {
	ProductID uuid.UUID `json:"product_id"`
	Plan      string    `json:"plan"`           // "": every plan
	Slug      string    `json:"slug,omitempty"` // filled when read, ignored when written, like Name
	Name      string    `json:"name,omitempty"`
}

// Serves says whether customers of this region are served; no region means all.
func (f *EngagementFacts) Serves(r publisher.Region) bool {
	return len(f.Regions) == 0 || slices.Contains(f.Regions, r)
}

// ServesProduct says whether the engagement is for this product; no product means all.
func (f *EngagementFacts) ServesProduct(id uuid.UUID) bool {
	return len(f.Products) == 0 || slices.ContainsFunc(f.Products, func(p EngagementProduct) bool { return p.ProductID == id })
}

// maxLocations and maxProducts bound what a form can send; no real engagement comes near.
const (
	maxLocations = 250
	maxProducts  = 500
)

// Validate tidies the facts (lists are sorted or made unique and never nil) and returns every
// fault in them.
func (f *EngagementFacts) Validate() error {
	var c fault.Check
	input.OptionalLine(&c, "purpose", &f.Purpose)
	input.Required(&c, "purpose", f.Purpose)
	input.OptionalText(&c, "nature", &f.Nature)
	input.OptionalText(&c, "note", &f.Note)
	input.Names(&c, "data_categories", &f.DataCategories)
	input.Names(&c, "data_subjects", &f.DataSubjects)
	f.SpecialCategories = copied(f.SpecialCategories)
	input.Choices(&c, "special_categories", &f.SpecialCategories, SpecialCategories...)
	f.Regions = copied(f.Regions)
	input.Choices(&c, "regions", &f.Regions, publisher.Regions...)
	f.validateProducts(&c)
	if err := f.validateLocations(&c); err != nil {
		return err
	}
	return c.Err()
}

func (f *EngagementFacts) validateProducts(c *fault.Check) {
	out := make([]EngagementProduct, 0, len(f.Products))
	for i, p := range f.Products {
		input.OptionalName(c, "products."+strconv.Itoa(i)+".plan", &p.Plan)
		p.Slug, p.Name = "", ""
		if p.ProductID == uuid.Nil {
			c.Add("products", "product.unknown", nil)
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) > maxProducts {
		c.Add("products", "list.too_long", fault.Args{"Max": maxProducts})
	}
	f.Products = out
}

func (f *EngagementFacts) validateLocations(c *fault.Check) error {
	f.Locations = copied(f.Locations)
	if len(f.Locations) > maxLocations {
		c.Add("locations", "list.too_long", fault.Args{"Max": maxLocations})
		return nil
	}
	type place struct {
		country string
		kind    LocationKind
	}
	seen := map[place]bool{}
	for i := range f.Locations {
		l, at := &f.Locations[i], "locations."+strconv.Itoa(i)
		if err := c.Join(at, l.Validate()); err != nil {
			return err
		}
		here := place{l.Country, l.Kind}
		if seen[here] && !c.Has(at+".country") {
			c.Add(at+".country", "location.twice", fault.Args{"Country": l.Country})
		}
		seen[here] = true
	}
	return nil
}

// bare is the facts as they are written: without what reading adds. Records compare these.
func (f EngagementFacts) bare() EngagementFacts {
	f.Products = slices.Clone(f.Products)
	for i := range f.Products {
		f.Products[i].Slug, f.Products[i].Name = "", ""
	}
	return f
}

// copied is a copy that is never nil: tidying must not reach into a list that the caller shares.
func copied[T any](list []T) []T { return append([]T{}, list...) }

// Engagement is one use of a vendor, with one version of its facts: the one in effect today, or
// (before and after) the draft or the last one that was.
type Engagement struct {
	ID             uuid.UUID      `json:"id"`
	VendorID       uuid.UUID      `json:"vendor_id"`
	Version        int            `json:"version"` // the optimistic lock
	CreatedAt      time.Time      `json:"created_at"`
	VersionID      uuid.UUID      `json:"version_id"` // of the facts
	Valid          calendar.Range `json:"-"`          // of the facts, days in the publisher's zone
	Since          calendar.Date  `json:"since"`      // the engagement's first day; zero: it never began
	RecordedAt     time.Time      `json:"recorded_at"`
	RecordedByName string         `json:"-"`
	EngagementFacts
}
