package subscribers

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
)

// Template is a set of terms that many customers share: "Standard DPA v4".
type Template struct {
	ID        uuid.UUID        `json:"id"`
	Name      string           `json:"name"`
	Version   int              `json:"-"` // of the optimistic lock, not the number of the latest version
	CreatedAt time.Time        `json:"-"`
	UpdatedAt time.Time        `json:"-"`
	Latest    *TemplateVersion `json:"-" gorm:"-"`
}

// TableName tells gorm the table.
func (Template) TableName() string { return "term_templates" }

func (t *Template) subject() ledger.Subject { return ledger.SubjectOf("term_template", t.ID) }

// TemplateVersion is one edition of a template. It never changes; contracts keep the one that
// they were made with until they are amended.
type TemplateVersion struct {
	ID         uuid.UUID  `json:"id"`
	TemplateID uuid.UUID  `json:"template_id"`
	Number     int        `json:"number"`
	Sheet      TermSheet  `json:"sheet"`
	Note       string     `json:"note"`
	CreatedAt  time.Time  `json:"-"`
	CreatedBy  *uuid.UUID `json:"-"`
}

// Contract is one contract with a customer.
type Contract struct {
	ID         uuid.UUID     `json:"id"`
	CustomerID uuid.UUID     `json:"customer_id"`
	Reference  string        `json:"reference"` // unique for the customer
	SignedOn   calendar.Date `json:"signed_on"`
	EndedOn    calendar.Date `json:"ended_on"` // no longer in force from this day; zero: still in force
	Version    int           `json:"-"`        // of the optimistic lock
	CreatedAt  time.Time     `json:"-"`
	UpdatedAt  time.Time     `json:"-"`
}

// TableName tells gorm the table.
func (Contract) TableName() string { return "contracts" }

func (k *Contract) subject() ledger.Subject { return ledger.SubjectOf("contract", k.ID) }

// Validate tidies the contract and returns every fault in it.
func (k *Contract) Validate() error {
	var c fault.Check
	input.Name(&c, "reference", &k.Reference)
	if k.SignedOn.IsZero() {
		c.Add("signed_on", "required", nil)
	}
	return c.Err()
}

// TermsChoice says what a contract's terms are made of: a template's version and the customer's
// deviations (a part of a sheet in JSON; see Merge), or, without a template, a whole sheet.
type TermsChoice struct {
	TemplateVersionID uuid.UUID
	Deviations        json.RawMessage
}

// Terms are one version of a contract's terms. They never change; a window keeps the version that
// it was computed from.
type Terms struct {
	ID                uuid.UUID       `json:"id"`
	ContractID        uuid.UUID       `json:"contract_id"`
	Number            int             `json:"number"`
	TemplateVersionID *uuid.UUID      `json:"template_version_id"`
	TemplateName      string          `json:"-"` // "" without a template
	TemplateNumber    int             `json:"-"` // 0 without a template
	Deviations        json.RawMessage `json:"deviations"`
	Sheet             TermSheet       `json:"sheet"`
	CreatedAt         time.Time       `json:"-"`
	CreatedBy         *uuid.UUID      `json:"-"`
}

// ContractTerms is a contract with its terms as they stand.
type ContractTerms struct {
	Contract
	Terms Terms
}
