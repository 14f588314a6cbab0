package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/subscribers"
)

// SubscriptionFacts say who is told where, of what, and how that came to be.
type SubscriptionFacts struct {
	CustomerID     *uuid.UUID  `json:"customer_id,omitempty" doc:"Absent: a follower who is nobody's."`
	ContactID      *uuid.UUID  `json:"contact_id,omitempty" doc:"The customer's contact to whom the address belongs; absent: none."`
	Basis          string      `json:"basis" enum:"contract,follower" doc:"contract: the notices are owed, so it can be moved to another address but never unsubscribed. follower: they asked for it."`
	Channel        string      `json:"channel" enum:"email,webhook,slack"`
	Address        string      `json:"address" maxLength:"2000" doc:"An email address, a webhook's URL, a Slack channel's ID or an incoming-webhook URL of Slack. Answers show only the host of a webhook's URL, and of a Slack URL all but its secret."`
	Name           string      `json:"name" required:"false" maxLength:"200" doc:"To greet them by."`
	Language       string      `json:"language" enum:"en,de"`
	Products       []uuid.UUID `json:"products" required:"false" maxItems:"1000" doc:"IDs of the products whose changes are told; empty: all."`
	Regions        []string    `json:"regions" required:"false" enum:"eea,gb,ch,us,ca,latam,apac,mea" maxItems:"100" doc:"Empty: all."`
	Kinds          []string    `json:"kinds" required:"false" enum:"addition,replacement,removal,relocation,scope,housekeeping" maxItems:"100" doc:"Kinds of change that are told; empty: all."`
	ConsentHow     string      `json:"consent_how" maxLength:"500" doc:"How it came to be, such as: asked for by telephone."`
	ConsentWording string      `json:"consent_wording" required:"false" maxLength:"10000" doc:"To what they agreed, in the words of then."`
}

// SubscriptionInput is a new subscription.
type SubscriptionInput struct {
	SubscriptionFacts
	Token string `json:"token,omitempty" maxLength:"1000" doc:"Of the Slack app, for a channel's ID only. It is never told again."`
}

// Example is a new webhook.
func (SubscriptionInput) Example() any {
	facts := exampleSubscription().SubscriptionFacts
	facts.Address = "https://hooks.hansa-klinik.example/fairnotice"
	return SubscriptionInput{SubscriptionFacts: facts}
}

// Subscription is one address at which somebody is told.
type Subscription struct {
	ID           uuid.UUID `json:"id"`
	CustomerName string    `json:"customer_name,omitempty"`
	SubscriptionFacts
	State             string     `json:"state" enum:"pending,active,paused,disabled,unsubscribed"`
	StateReason       string     `json:"state_reason,omitempty"`
	StateAt           time.Time  `json:"state_at"`
	Suppressed        bool       `json:"suppressed" doc:"The email address is suppressed: nothing is sent there, whatever the state."`
	ConsentAt         time.Time  `json:"consent_at"`
	HasSecret         bool       `json:"has_secret" doc:"Whether the signing secret of a webhook, or the URL or token of Slack, is there."`
	FormerSecretUntil *time.Time `json:"former_secret_until,omitempty" doc:"A webhook's former secret signs beside the present one until then."`
	Version           int        `json:"version" doc:"For If-Match, in quotes."`
	CreatedAt         time.Time  `json:"created_at"`
	UpdatedAt         time.Time  `json:"updated_at"`
}

// Example is a customer's webhook.
func (Subscription) Example() any { return exampleSubscription() }

func exampleSubscription() Subscription {
	customer := exampleID(10)
	return Subscription{ID: exampleID(16), CustomerName: "Hansa Klinik gGmbH", SubscriptionFacts: SubscriptionFacts{CustomerID: &customer,
		Basis: "contract", Channel: "webhook", Address: "https://hooks.hansa-klinik.example/…", Language: "en", Products: []uuid.UUID{},
		Regions: []string{}, Kinds: []string{}, ConsentHow: "agreed with their IT"}, State: "active", StateAt: exampleTime,
		ConsentAt: exampleTime, HasSecret: true, Version: 1, CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

// SubscriptionWithSecret is a subscription with a secret that was made just now.
type SubscriptionWithSecret struct {
	Subscription
	SigningSecret string `json:"signing_secret,omitempty" doc:"Of a webhook, as Standard Webhooks writes it. It is told here and nowhere else, so keep it now."`
}

// Example is a webhook that was made just now.
func (SubscriptionWithSecret) Example() any {
	return SubscriptionWithSecret{exampleSubscription(), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
}

// SubscriptionReason says why.
type SubscriptionReason struct {
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// Example is a reason.
func (SubscriptionReason) Example() any { return SubscriptionReason{"Their receiver is being moved"} }

// SlackSecretInput is another secret of a subscription by Slack, of the kind that it has.
type SlackSecretInput struct {
	Address string `json:"address,omitempty" maxLength:"2000" doc:"Where it is by incoming webhook: another URL."`
	Token   string `json:"token,omitempty" maxLength:"1000" doc:"Where it is by channel: another token of the app."`
}

// Example is another token.
func (SlackSecretInput) Example() any { return SlackSecretInput{Token: "xoxb-0000-1111-example"} }

// SuppressionFacts say which address is not written to, and why.
type SuppressionFacts struct {
	Address string `json:"address" maxLength:"254" doc:"An email address; capital letters make no difference."`
	Reason  string `json:"reason" enum:"hard_bounce,complaint,staff,unsubscribed"`
	Detail  string `json:"detail" required:"false" maxLength:"500"`
}

// Example is a new suppression.
func (SuppressionFacts) Example() any { return exampleSuppression().SuppressionFacts }

// Suppression keeps an email address from being written to, whoever subscribed it.
type Suppression struct {
	SuppressionFacts
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy *uuid.UUID `json:"created_by,omitempty" doc:"The account; absent: Fairnotice itself."`
}

// Example is a suppression by staff.
func (Suppression) Example() any { return exampleSuppression() }

func exampleSuppression() Suppression {
	by := exampleID(1)
	return Suppression{SuppressionFacts{"dpo@hansa-klinik.example", "staff", "Asked for it by telephone"}, exampleTime, &by}
}

// LiftInput names the address to write to again.
type LiftInput struct {
	Address string `json:"address" maxLength:"1000"`
}

// Example is an address.
func (LiftInput) Example() any { return LiftInput{"dpo@hansa-klinik.example"} }

func subscriptionOf(r *subscribers.SubscriptionRow) Subscription {
	return Subscription{ID: r.ID, CustomerName: r.CustomerName, SubscriptionFacts: SubscriptionFacts{CustomerID: r.CustomerID, ContactID: r.ContactID,
		Basis: string(r.Basis), Channel: r.Channel, Address: r.ShownAddress(), Name: r.Name, Language: r.Language, Products: listOf(r.ProductIDs),
		Regions: listOf(r.Regions), Kinds: listOf(r.Kinds), ConsentHow: r.ConsentHow, ConsentWording: r.ConsentWording},
		State: string(r.State), StateReason: r.StateReason, StateAt: r.StateAt.UTC(), Suppressed: r.Suppressed, ConsentAt: r.ConsentAt.UTC(),
		HasSecret: r.HasSecret, FormerSecretUntil: inUTC(r.FormerSecretUntil), Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
}

func (in *SubscriptionInput) subscription() *subscribers.Subscription {
	return &subscribers.Subscription{CustomerID: in.CustomerID, ContactID: in.ContactID, Basis: subscribers.Basis(in.Basis), Channel: in.Channel,
		Address: in.Address, Name: in.Name, Language: in.Language, ProductIDs: in.Products, Regions: listOf(in.Regions), Kinds: listOf(in.Kinds),
		ConsentHow: in.ConsentHow, ConsentWording: in.ConsentWording, Token: subscribers.Secret(in.Token)}
}

func suppressionOf(x *subscribers.Suppression) Suppression {
	return Suppression{SuppressionFacts{x.Address, x.Reason, x.Detail}, x.CreatedAt.UTC(), x.CreatedBy}
}
