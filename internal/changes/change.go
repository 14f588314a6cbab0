// Package changes is the centre of the product: the life of a change to the register of
// sub-processors, the window it opens for each affected customer, and the gate that keeps it from
// taking effect before that customer's contract allows it.
package changes

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/vendors"
)

// Kind of change.
type Kind string

const (
	// Addition: a vendor is engaged that was not.
	Addition Kind = "addition"
	// Replacement: a vendor is engaged in the place of another.
	Replacement Kind = "replacement"
	// Removal: an engagement ends.
	Removal Kind = "removal"
)

// Kinds lists the kinds that can be drafted.
var Kinds = []Kind{Addition, Replacement, Removal}

// State of a change.
type State string

const (
	Draft     State = "draft"
	InReview  State = "in_review"
	Approved  State = "approved"
	Announced State = "announced"
	Effective State = "effective"
	Withdrawn State = "withdrawn"
)

// States lists every state in the order of a change's life.
var States = []State{Draft, InReview, Approved, Announced, Effective, Withdrawn}

// Change is an intended change of the register (GDPR Art. 28(2): "any intended changes concerning
// the addition or replacement of other processors").
type Change struct {
	ID                   uuid.UUID
	Reference            string // SP-2026-014
	RequestKey           *string
	Kind                 Kind
	State                State
	VendorID             uuid.UUID
	EngagementID         uuid.UUID // the engagement that comes or goes
	BeforeVersionID      *uuid.UUID
	AfterVersionID       *uuid.UUID
	ReplacedEngagementID *uuid.UUID
	Reason               string
	Safeguards           string
	EffectiveOn          calendar.Date // planned; a customer's own day may be later
	CreatedAt            time.Time
	CreatedBy            *uuid.UUID
	SubmittedAt          *time.Time
	SubmittedBy          *uuid.UUID
	ApprovedAt           *time.Time
	ApprovedBy           *uuid.UUID
	AnnouncedAt          *time.Time
	AnnouncedBy          *uuid.UUID
	EffectiveAt          *time.Time
	WithdrawnAt          *time.Time
	WithdrawnBy          *uuid.UUID
	WithdrawnReason      string
	Version              int
	UpdatedAt            time.Time
}

// TableName tells gorm the table.
func (Change) TableName() string { return "changes" }

// Open says whether the change can still happen.
func (c *Change) Open() bool { return c.State != Effective && c.State != Withdrawn }

// ends is the engagement that the change ends; nil when it ends none.
func (c *Change) ends() *uuid.UUID {
	if c.Kind == Removal {
		return &c.EngagementID
	}
	return c.ReplacedEngagementID
}

// Proposal is what a person writes when drafting or editing a change.
type Proposal struct {
	Kind                 Kind                    `json:"kind"`
	VendorID             uuid.UUID               `json:"vendor_id"`              // addition, replacement
	EngagementID         uuid.UUID               `json:"engagement_id"`          // removal: the one that ends
	ReplacedEngagementID uuid.UUID               `json:"replaced_engagement_id"` // replacement: the one that ends
	Facts                vendors.EngagementFacts `json:"facts"`                  // addition, replacement: the engagement to come
	Reason               string                  `json:"reason"`
	Safeguards           string                  `json:"safeguards"`
	EffectiveOn          calendar.Date           `json:"effective_on"`
}

// Validate tidies the proposal and returns every fault in it. today is the publisher's day: a
// change can't be planned for the past.
func (p *Proposal) Validate(today calendar.Date) error {
	var c fault.Check
	input.Choice(&c, "kind", p.Kind, Kinds...)
	switch p.Kind {
	case Addition, Replacement:
		requireID(&c, "vendor_id", p.VendorID)
		if p.Kind == Replacement {
			requireID(&c, "replaced_engagement_id", p.ReplacedEngagementID)
		}
		if err := c.Join("", p.Facts.Validate()); err != nil {
			return err
		}
	case Removal:
		requireID(&c, "engagement_id", p.EngagementID)
	}
	input.Text(&c, "reason", &p.Reason)
	input.OptionalText(&c, "safeguards", &p.Safeguards)
	checkDay(&c, p.EffectiveOn, today)
	return c.Err()
}

func requireID(c *fault.Check, field string, id uuid.UUID) {
	if id == uuid.Nil {
		c.Add(field, "required", nil)
	}
}

func checkDay(c *fault.Check, day, today calendar.Date) {
	switch {
	case day.IsZero():
		if !c.Has("effective_on") {
			c.Add("effective_on", "required", nil)
		}
	case day.Before(today):
		c.Add("effective_on", "date.past", fault.Args{"Today": today})
	case day.After(today.AddDays(3660)):
		c.Add("effective_on", "date.too_far", fault.Args{"Max": today.AddDays(3660)})
	}
}
