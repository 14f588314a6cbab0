package subscribers

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
)

// The roles of contacts.
const (
	RoleNotices    = "notices"    // is told of every change
	RoleFallback   = "fallback"   // is told when nobody with the role notices can be
	RoleObjections = "objections" // may object
)

// ContactRoles lists every role of a contact.
var ContactRoles = []string{RoleNotices, RoleFallback, RoleObjections}

// Contact is a person or a mailbox at a customer.
type Contact struct {
	ID         uuid.UUID      `json:"-"`
	CustomerID uuid.UUID      `json:"customer_id"`
	Name       string         `json:"name"`
	Position   string         `json:"position"`
	Email      string         `json:"email"` // one contact of a customer per address
	Language   string         `json:"language"`
	Roles      database.Texts `json:"roles"` // at least one
	VerifiedAt *time.Time     `json:"verified_at"`
	RemovedAt  *time.Time     `json:"removed_at"`
	Version    int            `json:"-"` // of the optimistic lock
	CreatedAt  time.Time      `json:"-"`
	UpdatedAt  time.Time      `json:"-"`
}

// TableName tells gorm the table.
func (Contact) TableName() string { return "contacts" }

func (k *Contact) subject() ledger.Subject { return ledger.SubjectOf("contact", k.ID) }

// Receives says whether notices may go to this contact: it then has a subscription by email.
func (k *Contact) Receives() bool {
	return slices.Contains(k.Roles, RoleNotices) || slices.Contains(k.Roles, RoleFallback)
}

// Validate tidies the contact and returns every fault in it.
func (k *Contact) Validate() error {
	var c fault.Check
	input.Name(&c, "name", &k.Name)
	input.OptionalName(&c, "position", &k.Position)
	input.Email(&c, "email", &k.Email)
	input.Language(&c, "language", &k.Language)
	input.Choices(&c, "roles", (*[]string)(&k.Roles), ContactRoles...)
	if len(k.Roles) == 0 {
		c.Add("roles", "required", nil)
	}
	return c.Err()
}

// Consent is how somebody came to be told, and to which wording they agreed.
type Consent struct {
	How     string
	Wording string
}

// NamedInContract is the consent of a contact whom the contract names.
const NamedInContract = "named in the contract"

func (k *Consent) validate(c *fault.Check, how string) {
	if k.How == "" {
		k.How = how
	}
	input.OptionalLine(c, "consent_how", &k.How)
	input.Required(c, "consent_how", k.How)
	input.OptionalText(c, "consent_wording", &k.Wording)
}

// Reached is how a notice stands to reach a contact, judging by its customer's subscriptions: the best
// state among the contact's own, "suppressed" where all their addresses are, "missing" where there are
// none.
func Reached(contact uuid.UUID, subs []SubscriptionRow) string {
	best := "missing"
	for i := range subs {
		sub := &subs[i]
		if sub.ContactID == nil || *sub.ContactID != contact {
			continue
		}
		switch {
		case sub.Suppressed && best == "missing":
			best = "suppressed"
		case !sub.Suppressed && sub.State == Active:
			return string(Active)
		case !sub.Suppressed:
			best = string(sub.State)
		}
	}
	return best
}
