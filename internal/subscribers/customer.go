// Package subscribers holds the customers: who engaged the publisher, on what terms, whom to
// tell and how each of them came to be told.
//
// A customer has contracts; a contract has terms, versioned: a template's sheet with this
// customer's deviations on top. Contacts have roles; those with the role notices or fallback
// receive through a subscription on the basis of the contract. Followers subscribe by themselves.
// A follower may unsubscribe; a contract recipient can be moved or replaced, never silenced.
package subscribers

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// Role is what the customer is in data protection law (GDPR Art. 4(7), (8)). A processor gets a
// notice that it can forward to its own customers.
type Role string

const (
	Controller Role = "controller"
	Processor  Role = "processor"
	Both       Role = "both"
)

// Roles lists every role.
var Roles = []Role{Controller, Processor, Both}

// Customer is whoever engaged the publisher.
type Customer struct {
	ID         uuid.UUID        `json:"-"`
	Name       string           `json:"name"`
	ExternalID string           `json:"external_id"` // in the publisher's own books; unique
	Role       Role             `json:"role"`
	Region     publisher.Region `json:"region"`
	Country    string           `json:"country"`
	TimeZone   string           `json:"time_zone"`
	Language   string           `json:"language"`
	Affiliates database.Texts   `json:"affiliates"`
	ProductIDs []uuid.UUID      `json:"products" gorm:"-"` // at least one, sorted
	LeftOn     calendar.Date    `json:"left_on"`           // no longer a customer from this day; zero: still one
	Version    int              `json:"-"`                 // of the optimistic lock
	CreatedAt  time.Time        `json:"-"`
	UpdatedAt  time.Time        `json:"-"`
}

// TableName tells gorm the table.
func (Customer) TableName() string { return "customers" }

func (c *Customer) subject() ledger.Subject { return ledger.SubjectOf("customer", c.ID) }

// Validate tidies the customer and returns every fault that can be seen without the database.
func (c *Customer) Validate() error {
	var check fault.Check
	input.Name(&check, "name", &c.Name)
	input.Name(&check, "external_id", &c.ExternalID)
	input.Choice(&check, "role", c.Role, Roles...)
	input.Choice(&check, "region", c.Region, publisher.Regions...)
	input.Country(&check, "country", &c.Country)
	input.TimeZone(&check, "time_zone", &c.TimeZone)
	input.Language(&check, "language", &c.Language)
	input.Names(&check, "affiliates", (*[]string)(&c.Affiliates))
	c.ProductIDs = sortedIDs(c.ProductIDs)
	if len(c.ProductIDs) == 0 {
		check.Add("products", "required", nil)
	}
	return check.Err()
}

// CustomerFilter narrows a list of customers; zero fields don't.
type CustomerFilter struct {
	Query    string           // in the name, the external ID and the affiliates
	Product  string           // a slug
	Region   publisher.Region //
	Role     Role             //
	Template uuid.UUID        // of a contract in force
	State    CustomerState    //
	After    string           // Page.Next of the page before
	Limit    int              // 0: DefaultLimit
}

// CustomerState is how a customer stands.
type CustomerState string

const (
	// Current: a customer today.
	Current CustomerState = "current"
	// Left: no longer.
	Left CustomerState = "left"
	// Unreachable: a customer today whom no notice would reach.
	Unreachable CustomerState = "unreachable"
)

// CustomerStates lists every state.
var CustomerStates = []CustomerState{Current, Left, Unreachable}

// Validate tidies the filter and refuses values that no customer can have.
func (f *CustomerFilter) Validate() error {
	var c fault.Check
	input.OptionalName(&c, "query", &f.Query)
	if f.Region != "" {
		input.Choice(&c, "region", f.Region, publisher.Regions...)
	}
	if f.Role != "" {
		input.Choice(&c, "role", f.Role, Roles...)
	}
	if f.State != "" {
		input.Choice(&c, "state", f.State, CustomerStates...)
	}
	return c.Err()
}

// CustomerRow is a customer in a list.
type CustomerRow struct {
	ID         uuid.UUID
	Name       string
	ExternalID string
	Role       Role
	Region     publisher.Region
	Country    string
	TimeZone   string
	Language   string
	LeftOn     calendar.Date
	HasLeft    bool // LeftOn has come, by the publisher's day
	Affiliates []string
	ProductIDs []uuid.UUID
	Products   []string // names
	Templates  []string // names of the templates of the contracts in force
	Reachable  bool     // a notice would reach somebody: see Reach
	SortName   string   // for the cursor
	Version    int      // of the optimistic lock
	CreatedAt  time.Time
	UpdatedAt  time.Time
}
