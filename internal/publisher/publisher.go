// Package publisher holds who runs this Fairnotice: the company (a processor, in the law's terms)
// and its products.
package publisher

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// Region is a region of customers.
type Region string

// Regions lists every region. The first three are the regimes that restrict exports of data.
var Regions = []Region{"eea", "gb", "ch", "us", "ca", "latam", "apac", "mea"}

// Settings say who the publisher is, and its own policies. There is exactly one.
type Settings struct {
	ID           int    `json:"-"`
	LegalName    string `json:"legal_name"`
	Address      string `json:"address"`
	Country      string `json:"country"`
	Website      string `json:"website"`
	PrivacyName  string `json:"privacy_name"`
	PrivacyEmail string `json:"privacy_email"` // where objections and questions go
	TimeZone     string `json:"time_zone"`     // the register's days are days of this zone
	Language     string `json:"language"`
	FloorDays    *int   `json:"floor_days"` // the public promise to everyone, in calendar days; nil: none
	// ReceivedAfterHours is the policy by which a message that the relay took counts as received
	// when no bounce came for so many hours; nil: never, only a real proof counts.
	ReceivedAfterHours *int      `json:"received_after_hours"`
	FourEyes           bool      `json:"four_eyes"`  // approval is by a second person
	Fictitious         bool      `json:"fictitious"` // a demo: every page says so
	Version            int       `json:"-"`
	UpdatedAt          time.Time `json:"-"`
}

// TableName tells gorm the table.
func (Settings) TableName() string { return "publisher" }

// Zone is the zone that the register's days are days of.
func (s *Settings) Zone() *time.Location {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil { // Validate has refused unknown zones; the machine may lack zone data
		return time.UTC
	}
	return zone
}

// Today is the day in the publisher's zone.
func (s *Settings) Today(now time.Time) calendar.Date { return calendar.DateOf(now, s.Zone()) }

// Validate tidies the settings and returns every fault in them.
func (s *Settings) Validate() error {
	var c fault.Check
	input.Name(&c, "legal_name", &s.LegalName)
	input.OptionalText(&c, "address", &s.Address)
	input.Country(&c, "country", &s.Country)
	input.OptionalURL(&c, "website", &s.Website)
	input.OptionalName(&c, "privacy_name", &s.PrivacyName)
	input.Email(&c, "privacy_email", &s.PrivacyEmail)
	input.TimeZone(&c, "time_zone", &s.TimeZone)
	input.Language(&c, "language", &s.Language)
	if s.FloorDays != nil {
		input.Between(&c, "floor_days", *s.FloorDays, 0, 3660)
	}
	if s.ReceivedAfterHours != nil {
		input.Between(&c, "received_after_hours", *s.ReceivedAfterHours, 1, 720)
	}
	return c.Err()
}

// Product is one of the publisher's products.
type Product struct {
	ID        uuid.UUID  `json:"id"`
	Slug      string     `json:"slug"`
	Name      string     `json:"name"`
	RetiredAt *time.Time `json:"retired_at,omitempty"`
	CreatedAt time.Time  `json:"-"`
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate tidies the product and returns every fault in it.
func (p *Product) Validate() error {
	var c fault.Check
	input.Name(&c, "name", &p.Name)
	p.Slug = strings.TrimSpace(p.Slug)
	if !slugForm.MatchString(p.Slug) || len(p.Slug) > 60 {
		c.Add("slug", "slug.malformed", nil)
	}
	return c.Err()
}

// Service reads and writes the publisher's settings and products.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// Get returns the settings; a NotFound fault until they were saved for the first time.
func (s *Service) Get(ctx context.Context) (*Settings, error) { return get(s.db.Gorm(ctx)) }

// InTx returns the settings as a transaction sees them.
func InTx(tx *database.Tx) (*Settings, error) { return get(tx.Gorm()) }

func get(g *gorm.DB) (*Settings, error) {
	var out Settings
	err := g.Take(&out, "id = 1").Error
	if database.NotFound(err) {
		return nil, fault.Missing("publisher")
	}
	if err != nil {
		return nil, fmt.Errorf("read the publisher: %w", err)
	}
	return &out, nil
}

// Save stores the settings. Version must be the one that was read (0 the first time).
func (s *Service) Save(ctx context.Context, who actor.Actor, in *Settings) error {
	if err := who.Must(actor.EditPublisher); err != nil {
		return err
	}
	if err := in.Validate(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error { return save(tx, who, in) })
}

func save(tx *database.Tx, who actor.Actor, in *Settings) error {
	basedOn := in.Version
	in.ID, in.Version, in.UpdatedAt = 1, basedOn+1, tx.Now()
	before := &Settings{}
	if basedOn == 0 {
		if err := tx.Gorm().Create(in).Error; err != nil {
			if _, taken := database.Violates(err); taken {
				return fault.New(fault.Conflict, "publisher.exists", nil)
			}
			return fmt.Errorf("save the publisher: %w", err)
		}
	} else {
		var err error
		if before, err = InTx(tx); err != nil {
			return err
		}
		done := tx.Gorm().Model(in).Where("version = ?", basedOn).Select("*").Updates(in)
		if done.Error != nil {
			return fmt.Errorf("save the publisher: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			return ledger.Overtaken(tx, subject, basedOn)
		}
	}
	return ledger.AppendEdit(tx, who, "publisher.saved", subject, in.Version, before, in, "")
}

// subject is the publisher in the ledger: there is one, so its ID is fixed.
var subject = ledger.SubjectOf("publisher", uuid.MustParse("00000000-0000-0000-0000-000000000001"))

// Products lists the products that aren't retired, by name.
func (s *Service) Products(ctx context.Context) ([]Product, error) {
	return database.Collect[Product](ctx, s.db.Reader(ctx),
		"select id, slug, name, retired_at, created_at from products where retired_at is null order by name")
}

// AddProduct stores a new product.
func (s *Service) AddProduct(ctx context.Context, who actor.Actor, p *Product) error {
	if err := who.Must(actor.EditPublisher); err != nil {
		return err
	}
	if err := p.Validate(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		p.ID, p.CreatedAt = secrets.ID(), tx.Now()
		err := tx.Gorm().Create(p).Error
		switch constraint, _ := database.Violates(err); {
		case constraint == "products_slug_key":
			return &fault.Error{Kind: fault.Conflict, Code: "duplicate", Field: "slug", Args: fault.Args{"Value": p.Slug}}
		case constraint == "products_name_key":
			return &fault.Error{Kind: fault.Conflict, Code: "duplicate", Field: "name", Args: fault.Args{"Value": p.Name}}
		case err != nil:
			return fmt.Errorf("add a product: %w", err)
		}
		return ledger.Append(tx, ledger.Entry{Kind: "product.added", Actor: who, Subject: ledger.SubjectOf("product", p.ID), Body: p})
	})
}
