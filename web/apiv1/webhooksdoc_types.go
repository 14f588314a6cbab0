package apiv1

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fairnotice/internal/notify"
)

// The types of a webhook's body are for the document only: internal/notify writes the bodies, and a
// test holds what it writes against these.

// WebhookBody is what a webhook says. Fields, codes and types that you don't know may come: ignore them.
type WebhookBody struct {
	_         struct{}    `additionalProperties:"true"`
	Type      string      `json:"type" doc:"subprocessor.change.announced or subprocessor.change.withdrawn; others may come."`
	Version   string      `json:"version" doc:"Of this form. It changes when a field is removed, renamed or gets another meaning."`
	Timestamp time.Time   `json:"timestamp" doc:"When the notice was made."`
	Data      WebhookData `json:"data"`
}

// WebhookData is the notice. What a machine should read is a code, a date or an instant; words beside it
// are for people, in the subscription's language. Texts that are not known are empty.
type WebhookData struct {
	_               struct{}                  `additionalProperties:"true"`
	Reference       string                    `json:"reference" doc:"Of the change."`
	Title           string                    `json:"title" doc:"The notice's heading."`
	Kind            WebhookTerm               `json:"kind" doc:"addition, replacement or removal."`
	Summary         string                    `json:"summary" doc:"What is intended, or withdrawn, in one sentence."`
	Audience        notify.Audience           `json:"audience" enum:"contract,follower" doc:"contract: a contract names the recipient; follower: they asked to be told."`
	Addressee       string                    `json:"addressee" doc:"Empty for a follower without a name."`
	Customer        orNull[WebhookCustomer]   `json:"customer" doc:"Whose contract it is; null for followers."`
	Publisher       WebhookPublisher          `json:"publisher"`
	NoticeOn        string                    `json:"notice_on" format:"date" doc:"The day of the notice, of the publisher's zone."`
	PlannedOn       string                    `json:"planned_on" format:"date" doc:"The planned day of the change, of the publisher's zone."`
	TimeZone        string                    `json:"time_zone" doc:"The publisher's."`
	Reason          string                    `json:"reason"`
	Safeguards      string                    `json:"safeguards"`
	Before          orNull[WebhookEngagement] `json:"before" doc:"The engagement that ends; null where there is none."`
	After           orNull[WebhookEngagement] `json:"after" doc:"The engagement that begins; null where there is none."`
	Window          orNull[WebhookWindow]     `json:"window" doc:"What the change means under the recipient's terms; null for followers and in withdrawals."`
	Withdrawal      orNull[WebhookWithdrawal] `json:"withdrawal" doc:"null in announcements."`
	Respond         orNull[WebhookRespond]    `json:"respond" doc:"How to object, consent or ask; null where there is no window."`
	Links           WebhookLinks              `json:"links"`
	Language        string                    `json:"language" enum:"en,de"`
	TemplateVersion string                    `json:"template_version" doc:"Of the wording."`
	Demonstration   bool                      `json:"demonstration" doc:"A demonstration made it up."`
	Truncated       orNull[WebhookTruncated]  `json:"truncated" doc:"What had to be cut for the body's limit of 20,000 bytes; null where nothing was."`
}

// WebhookTerm is a code with its words.
type WebhookTerm struct {
	_     struct{} `additionalProperties:"true"`
	Code  string   `json:"code"`
	Words string   `json:"words"`
}

// WebhookCustomer is whose contract it is.
type WebhookCustomer struct {
	_          struct{} `additionalProperties:"true"`
	Name       string   `json:"name"`
	ExternalID string   `json:"external_id" doc:"The publisher's number for the customer."`
	Contract   string   `json:"contract"`
}

// WebhookContact is whom to write to.
type WebhookContact struct {
	_        struct{} `additionalProperties:"true"`
	Name     string   `json:"name"`
	Position string   `json:"position"`
	Email    string   `json:"email"`
}

// WebhookPublisher is who sends the notice.
type WebhookPublisher struct {
	_         struct{}       `additionalProperties:"true"`
	LegalName string         `json:"legal_name"`
	Address   string         `json:"address"`
	Contact   WebhookContact `json:"contact"`
}

// WebhookWindow is what the change means under the recipient's terms. Its dates are those planned when
// the notice was made: should it reach you later, you have correspondingly longer.
type WebhookWindow struct {
	_             struct{}         `additionalProperties:"true"`
	Clause        string           `json:"clause"`
	Authorisation WebhookTerm      `json:"authorisation" doc:"general: you may object; specific: your consent is needed."`
	Objection     WebhookObjection `json:"objection"`
	Effective     WebhookEffective `json:"effective"`
	Silence       WebhookTerm      `json:"silence" doc:"What it means not to answer: accepted, refused or nothing_asked."`
	TimeZone      string           `json:"time_zone" doc:"Of these days."`
	Note          string           `json:"note" doc:"What the deadline is counted from."`
}

// WebhookObjection is until when to object.
type WebhookObjection struct {
	_       struct{}   `additionalProperties:"true"`
	EndsAt  *time.Time `json:"ends_at" doc:"The first instant that is too late; null where the terms give no period."`
	LastDay *string    `json:"last_day" format:"date" doc:"The last day that counts; null likewise."`
	Words   string     `json:"words"`
}

// WebhookEffective is from when the change holds at the earliest.
type WebhookEffective struct {
	_     struct{}  `additionalProperties:"true"`
	On    string    `json:"on" format:"date"`
	At    time.Time `json:"at" doc:"The day's first instant."`
	Words string    `json:"words"`
}

// WebhookWithdrawal is why the change will not happen.
type WebhookWithdrawal struct {
	_      struct{} `additionalProperties:"true"`
	Reason string   `json:"reason"`
	Words  string   `json:"words" doc:"What it means for the recipient."`
}

// WebhookRespond is how to answer.
type WebhookRespond struct {
	_             struct{} `additionalProperties:"true"`
	Title         string   `json:"title"`
	Words         string   `json:"words"`
	URL           string   `json:"url"`
	Email         string   `json:"email"`
	WhatCanFollow string   `json:"what_can_follow"`
}

// WebhookLinks are pages.
type WebhookLinks struct {
	_           struct{} `additionalProperties:"true"`
	Change      string   `json:"change"`
	List        string   `json:"list" doc:"Today's."`
	ListOn      string   `json:"list_on_planned_day"`
	Unsubscribe string   `json:"unsubscribe,omitempty" doc:"For followers only."`
}

// WebhookTruncated is what had to be cut.
type WebhookTruncated struct {
	_      struct{} `additionalProperties:"true"`
	Fields []string `json:"fields"`
	URL    string   `json:"url" doc:"Where all of it is."`
}

// WebhookEngagement is what a sub-processor is engaged for.
type WebhookEngagement struct {
	_                 struct{}          `additionalProperties:"true"`
	Vendor            WebhookVendor     `json:"vendor"`
	Purpose           string            `json:"purpose" doc:"Of the processing."`
	Nature            string            `json:"nature" doc:"Of the processing."`
	Products          []WebhookProduct  `json:"products" doc:"The products concerned; empty: all."`
	Regions           []WebhookTerm     `json:"regions" doc:"The customers' regions concerned; empty: all."`
	DataCategories    []string          `json:"data_categories"`
	SpecialCategories []WebhookTerm     `json:"special_categories" doc:"Of GDPR Art. 9 and 10."`
	DataSubjects      []string          `json:"data_subjects"`
	Locations         []WebhookLocation `json:"locations"`
	HostedOn          string            `json:"hosted_on" doc:"The hosting vendor."`
	Optional          bool              `json:"optional" doc:"You can do without it."`
	Excludable        bool              `json:"excludable" doc:"You can technically be excluded from it."`
	Chain             []WebhookFourth   `json:"chain" doc:"Its own sub-processors, to any depth."`
}

// WebhookVendor is the sub-processor.
type WebhookVendor struct {
	_                  struct{}       `additionalProperties:"true"`
	LegalName          string         `json:"legal_name"`
	TradeName          string         `json:"trade_name"`
	RegistrationNumber string         `json:"registration_number"`
	Address            string         `json:"address"`
	Country            WebhookTerm    `json:"country" doc:"ISO 3166-1 alpha-2."`
	Website            string         `json:"website"`
	Parent             string         `json:"parent"`
	Contact            WebhookContact `json:"privacy_contact"`
	DPASignedOn        *string        `json:"dpa_signed_on" format:"date" doc:"The day of the contract under Art. 28(4) GDPR; null where it isn't known."`
	Measures           string         `json:"measures"`
	Retention          string         `json:"retention"`
	Delimitation       string         `json:"delimitation"`
}

// WebhookProduct is one of the publisher's products.
type WebhookProduct struct {
	_    struct{} `additionalProperties:"true"`
	Slug string   `json:"slug"`
	Name string   `json:"name"`
	Plan string   `json:"plan" doc:"Empty: every plan."`
}

// WebhookLocation is where data are, and how they get there lawfully.
type WebhookLocation struct {
	_         struct{}          `additionalProperties:"true"`
	Country   WebhookTerm       `json:"country" doc:"ISO 3166-1 alpha-2."`
	Kind      WebhookTerm       `json:"kind" doc:"stored or accessed."`
	Transfers []WebhookTransfer `json:"transfers"`
}

// WebhookTransfer is a transfer's mechanism.
type WebhookTransfer struct {
	_          struct{}    `additionalProperties:"true"`
	Regime     WebhookTerm `json:"regime" doc:"Of the exporter: eea, gb or ch."`
	Mechanism  WebhookTerm `json:"mechanism" doc:"none_needed, adequacy, dpf, dpf_uk, dpf_swiss, scc_2, scc_3, uk_idta, uk_addendum or bcr."`
	AssessedOn *string     `json:"assessed_on" format:"date" doc:"The day of the transfer impact assessment; null where there is none."`
}

// WebhookFourth is a sub-processor of the sub-processor.
type WebhookFourth struct {
	_         struct{}       `additionalProperties:"true"`
	Depth     int            `json:"depth" doc:"1: engaged by the sub-processor itself."`
	LegalName string         `json:"legal_name"`
	Address   string         `json:"address"`
	Country   WebhookTerm    `json:"country" doc:"ISO 3166-1 alpha-2."`
	Contact   WebhookContact `json:"privacy_contact"`
	Purpose   string         `json:"purpose"`
}

// orNull describes an object that may be null.
type orNull[T any] struct{}

// Schema is that of T, or null.
func (orNull[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(t, true, t.Name()), {Type: "null"}}}
}
