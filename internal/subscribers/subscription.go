package subscribers

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// The channels.
const (
	Email   = "email"
	Webhook = "webhook"
	Slack   = "slack"
)

// Channels lists every channel.
var Channels = []string{Email, Webhook, Slack}

// Basis is why somebody is told.
type Basis string

const (
	// ByContract: the contract owes it; it can be moved to another address, never silenced.
	ByContract Basis = "contract"
	// ByFollowing: they asked for it, and may stop it with one click.
	ByFollowing Basis = "follower"
)

// State is how a subscription stands.
type State string

const (
	Pending      State = "pending" // asked for, not confirmed
	Active       State = "active"
	Paused       State = "paused"
	Disabled     State = "disabled" // by staff, or because it doesn't work
	Unsubscribed State = "unsubscribed"
)

// States lists every state.
var States = []State{Pending, Active, Paused, Disabled, Unsubscribed}

// Subscription is one address at which somebody is told. Empty scopes mean everything.
type Subscription struct {
	ID             uuid.UUID      `json:"-"`
	CustomerID     *uuid.UUID     `json:"customer_id"` // nil: a follower who is nobody's contact
	ContactID      *uuid.UUID     `json:"contact_id"`
	Basis          Basis          `json:"basis"`
	Channel        string         `json:"channel"`
	Address        string         `json:"address"` // an email address, a URL, a Slack channel's ID; a Slack URL less its secret
	Name           string         `json:"name"`
	Language       string         `json:"language"`
	ProductIDs     []uuid.UUID    `json:"products" gorm:"-"`
	Regions        database.Texts `json:"regions"`
	Kinds          database.Texts `json:"kinds"`
	State          State          `json:"state"`
	StateReason    string         `json:"state_reason"`
	StateAt        time.Time      `json:"state_at"`
	ConsentHow     string         `json:"consent_how"`
	ConsentAt      time.Time      `json:"consent_at"`
	ConsentWording string         `json:"consent_wording"`
	LinkEpoch      int            `json:"link_epoch"` // a signed link of another epoch is void
	Version        int            `json:"-"`          // of the optimistic lock
	CreatedAt      time.Time      `json:"-"`
	UpdatedAt      time.Time      `json:"-"`

	// The columns of secrets are not mapped: an edit must neither read nor write them.
	HasSecret         bool       `json:"-" gorm:"-"`
	FormerSecretUntil *time.Time `json:"-" gorm:"-"` // a webhook's former secret signs too until then

	Token         Secret `json:"-" gorm:"-"` // given to Subscribe with a Slack channel; never read back
	SigningSecret Secret `json:"-" gorm:"-"` // of a webhook, told once by Subscribe; never read back
}

// TableName tells gorm the table.
func (Subscription) TableName() string { return "subscriptions" }

func (s *Subscription) subject() ledger.Subject { return ledger.SubjectOf("subscription", s.ID) }

// recorded is the form in which the subscription goes into the ledger.
func (s *Subscription) recorded() Subscription {
	out := *s
	out.Address = s.ShownAddress()
	return out
}

// CheckSubscription tidies a new subscription and returns every fault that can be seen without the
// database.
func (s *Service) CheckSubscription(in *Subscription) error {
	var c fault.Check
	s.rules.checkAddress(&c, in)
	in.check(&c)
	return c.Err()
}

func (s *Subscription) check(c *fault.Check) {
	input.Choice(c, "basis", s.Basis, ByContract, ByFollowing)
	if s.Basis == ByContract && s.CustomerID == nil {
		c.Add("customer", "required", nil)
	}
	input.Choice(c, "channel", s.Channel, Channels...)
	input.OptionalName(c, "name", &s.Name)
	input.Language(c, "language", &s.Language)
	s.ProductIDs = sortedIDs(s.ProductIDs)
	input.Choices(c, "regions", (*[]string)(&s.Regions), regionNames()...)
	input.Choices(c, "kinds", (*[]string)(&s.Kinds), Kinds...)
	input.OptionalLine(c, "consent_how", &s.ConsentHow)
	input.Required(c, "consent_how", s.ConsentHow)
	input.OptionalText(c, "consent_wording", &s.ConsentWording)
}

func regionNames() []string {
	out := make([]string, len(publisher.Regions))
	for i, r := range publisher.Regions {
		out[i] = string(r)
	}
	return out
}

// SubscriptionFilter narrows a list of subscriptions; zero fields don't.
type SubscriptionFilter struct {
	Customer uuid.UUID
	Basis    Basis
	Channel  string
	State    State
	Query    string // in what is shown of the address, and in the names
	After    string // Page.Next of the page before
	Limit    int    // 0: DefaultLimit
}

// Validate tidies the filter and refuses values that no subscription can have.
func (f *SubscriptionFilter) Validate() error {
	var c fault.Check
	input.OptionalName(&c, "query", &f.Query)
	if f.Basis != "" {
		input.Choice(&c, "basis", f.Basis, ByContract, ByFollowing)
	}
	if f.Channel != "" {
		input.Choice(&c, "channel", f.Channel, Channels...)
	}
	if f.State != "" {
		input.Choice(&c, "state", f.State, States...)
	}
	return c.Err()
}

// SubscriptionRow is a subscription in a list.
type SubscriptionRow struct {
	Subscription
	CustomerName string // "" for nobody's
	Suppressed   bool   // its address is suppressed: nothing is sent there
}

// Suppression keeps an email address from being written to, whoever subscribed it.
type Suppression struct {
	Address   string // lower case
	Reason    string
	Detail    string
	CreatedAt time.Time
	CreatedBy *uuid.UUID
}

// The reasons of suppressions.
const (
	HardBounce     = "hard_bounce"
	Complaint      = "complaint"
	ByStaff        = "staff"
	ByUnsubscribed = "unsubscribed"
)

// SuppressionReasons lists every reason.
var SuppressionReasons = []string{HardBounce, Complaint, ByStaff, ByUnsubscribed}
