package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
)

// Period is a length of time as a contract writes it.
type Period struct {
	Count int    `json:"count" minimum:"0" maximum:"3660"`
	Unit  string `json:"unit" enum:"calendar_days,business_days,weeks,months"`
}

// KindPeriods are the periods for one kind of change.
type KindPeriods struct {
	Notice    *Period `json:"notice,omitempty" doc:"Absent: the general notice period."`
	Objection *Period `json:"objection,omitempty" doc:"Absent: the general objection period."`
}

// PeriodsByKind are the kinds of change that have periods of their own.
type PeriodsByKind struct {
	Addition    *KindPeriods `json:"addition,omitempty"`
	Replacement *KindPeriods `json:"replacement,omitempty"`
	LikeForLike *KindPeriods `json:"like_for_like,omitempty" doc:"A replacement by a vendor that does the same in the same place; absent: as replacement."`
	Removal     *KindPeriods `json:"removal,omitempty"`
	Relocation  *KindPeriods `json:"relocation,omitempty"`
	Scope       *KindPeriods `json:"scope,omitempty"`
}

// EmergencyClause lets a change take effect before its notice.
type EmergencyClause struct {
	ToldWithin Period  `json:"told_within" doc:"After the fact."`
	Objection  *Period `json:"objection,omitempty" doc:"Absent: the general objection period."`
}

// EarlierTerms are the periods for contracts that were signed before the present version of the terms.
type EarlierTerms struct {
	SignedBefore Day            `json:"signed_before" doc:"A contract signed on the day itself has the present periods."`
	Notice       Period         `json:"notice"`
	Objection    Period         `json:"objection"`
	ByKind       *PeriodsByKind `json:"by_kind,omitempty" doc:"They stand alone: nothing of the sheet's own by_kind applies to such a contract."`
}

// RollOver says which periods move past a last day that is no working day, under plain counting.
type RollOver struct {
	Notice    bool `json:"notice" required:"false"`
	Objection bool `json:"objection" required:"false"`
}

// HolidayCalendar names public holidays.
type HolidayCalendar struct {
	Country     string `json:"country" maxLength:"200" doc:"ISO 3166-1 alpha-2."`
	Subdivision string `json:"subdivision,omitempty" maxLength:"200" doc:"Where holidays differ inside the country: the second part of an ISO 3166-2 code, such as BY."`
}

// TermSheet is what a contract says about changes of sub-processors, in full.
type TermSheet struct {
	Authorisation      string           `json:"authorisation" enum:"general,specific" doc:"For engaging sub-processors (GDPR Art. 28(2)). general: silence after the objection period is acceptance; specific: only a consent authorises."`
	Notice             Period           `json:"notice"`
	Objection          Period           `json:"objection" doc:"Under specific authorisation: the time to consent."`
	ObjectionRuns      string           `json:"objection_runs" enum:"from_notice,after_notice_period"`
	ActivationWaitsFor string           `json:"activation_waits_for" required:"false" enum:"notice,objection,later" doc:"The end of which period a change must wait for; absent: later, the later of the two."`
	Direction          string           `json:"direction" enum:"forward,backward" doc:"Whether periods count from the notice, or back from the effective day."`
	ClockStarts        string           `json:"clock_starts" enum:"sent,accepted,deemed,published,proof" doc:"When the message was sent; when the recipient's server took it (a later bounce revokes that); when it is deemed received; when the list was published; when a person proves it."`
	DeemedCutoffHour   *int             `json:"deemed_cutoff_hour,omitempty" minimum:"0" maximum:"24" doc:"For deemed receipt, and required there: what comes at this hour of the time zone or later counts as of the next business day."`
	Channels           []string         `json:"channels,omitempty" enum:"email,webhook,slack" maxItems:"100" doc:"That count as service; absent or empty: any."`
	Served             string           `json:"served" enum:"first,all" doc:"Whether the clock starts with the first recipient or with the last."`
	ByKind             *PeriodsByKind   `json:"by_kind,omitempty"`
	Emergency          *EmergencyClause `json:"emergency,omitempty" doc:"Absent: the contract has no such clause."`
	BeforeSigning      *EarlierTerms    `json:"before_signing,omitempty"`
	GroundsRequired    bool             `json:"grounds_required" required:"false" doc:"An objection must give its grounds."`
	Counting           string           `json:"counting" enum:"plain,regulation_1182_71" doc:"plain: the day of the event is not counted, a period ends with its last day, whatever day that is. Or by Regulation (EEC, Euratom) No 1182/71."`
	RollOver           RollOver         `json:"roll_over" required:"false"`
	Holidays           *HolidayCalendar `json:"holidays,omitempty" doc:"Required where business days or a last day that moves are counted."`
	TimeZone           string           `json:"time_zone" maxLength:"200" doc:"IANA name: the periods' days are days of this zone."`
	Clause             string           `json:"clause" required:"false" maxLength:"200" doc:"Where the contract says all this."`
	Recipients         []string         `json:"recipients,omitempty" maxItems:"1000" doc:"Email addresses that the contract names, 100 at most."`
}

func exampleSheet() TermSheet {
	return TermSheet{Authorisation: "general", Notice: Period{30, "calendar_days"}, Objection: Period{14, "calendar_days"}, ObjectionRuns: "from_notice",
		ActivationWaitsFor: "later", Direction: "forward", ClockStarts: "sent", Served: "first", Counting: "plain", TimeZone: "Europe/Berlin", Clause: "DPA § 7(2)",
		ByKind: &PeriodsByKind{Removal: &KindPeriods{Notice: &Period{7, "calendar_days"}}}}
}

// TermsWarning says that dates can't be computed for a kind of change.
type TermsWarning struct {
	Kind   string `json:"kind" enum:"addition,replacement,like_for_like,removal,relocation,scope"`
	Code   string `json:"code" doc:"What of the terms can't be computed yet, for a program, such as business_days."`
	Detail string `json:"detail" doc:"The same for a person, in the language asked for, with the mend."`
}

// TermTemplate is a set of terms that many customers share.
type TermTemplate struct {
	ID        uuid.UUID           `json:"id"`
	Name      string              `json:"name"`
	Latest    TermTemplateVersion `json:"latest"`
	Version   int                 `json:"version" doc:"For If-Match, in quotes; not the number of the latest version."`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

// Example is a template.
func (TermTemplate) Example() any {
	return TermTemplate{ID: exampleID(12), Name: "Standard DPA v4", Latest: exampleVersion(), Version: 1, CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

// TermTemplateVersion is one edition of a template. It never changes; contracts keep theirs until they
// are amended.
type TermTemplateVersion struct {
	ID         uuid.UUID      `json:"id" doc:"template_version_id of contracts."`
	TemplateID uuid.UUID      `json:"template_id"`
	Number     int            `json:"number" doc:"1 for the first."`
	Sheet      TermSheet      `json:"sheet"`
	Note       string         `json:"note"`
	Warnings   []TermsWarning `json:"warnings" doc:"Kinds of change for which no dates can be computed under this sheet; empty: none."`
	CreatedAt  time.Time      `json:"created_at"`
	CreatedBy  *uuid.UUID     `json:"created_by,omitempty" doc:"The account; absent: Fairnotice itself."`
}

// Example is a template's first version.
func (TermTemplateVersion) Example() any { return exampleVersion() }

func exampleVersion() TermTemplateVersion {
	by := exampleID(1)
	return TermTemplateVersion{ID: exampleID(13), TemplateID: exampleID(12), Number: 1, Sheet: exampleSheet(), Note: "As negotiated with the associations",
		Warnings: []TermsWarning{}, CreatedAt: exampleTime, CreatedBy: &by}
}

// TermTemplateInput is a new template.
type TermTemplateInput struct {
	Name string `json:"name" maxLength:"200" doc:"No two templates have the same."`
	TermTemplateVersionInput
}

// Example is a new template.
func (TermTemplateInput) Example() any {
	return TermTemplateInput{"Standard DPA v4", TermTemplateVersionInput{Sheet: exampleSheet(), Note: "As negotiated with the associations"}}
}

// TermTemplateVersionInput is a new version of a template.
type TermTemplateVersionInput struct {
	Sheet TermSheet `json:"sheet"`
	Note  string    `json:"note,omitempty" maxLength:"500" doc:"Why there is this version."`
}

// Example is a template's next version.
func (TermTemplateVersionInput) Example() any {
	return TermTemplateVersionInput{Sheet: exampleSheet(), Note: "Shorter notice of removals"}
}

// ContractFacts are what is known of a contract besides its terms.
type ContractFacts struct {
	Reference string `json:"reference" maxLength:"200" doc:"No two contracts of a customer have the same."`
	SignedOn  Day    `json:"signed_on"`
}

// TermsInput says what a contract's terms are made of.
type TermsInput struct {
	TemplateVersionID *uuid.UUID `json:"template_version_id,omitempty" doc:"The template's version that the contract follows; absent: none."`
	Deviations        Deviations `json:"deviations,omitempty" doc:"What the contract says otherwise, as a JSON merge patch (RFC 7396) of the template's sheet: null takes a part away. Without a template, the whole sheet."`
}

// Example is a template with one deviation.
func (TermsInput) Example() any { return exampleTermsInput() }

func exampleTermsInput() TermsInput {
	id := exampleID(13)
	return TermsInput{&id, Deviations(exampleDeviations)}
}

const exampleDeviations = `{"notice":{"count":45},"by_kind":{"removal":null}}`

// ContractInput is a new contract.
type ContractInput struct {
	ContractFacts
	TermsInput
}

// Example is a new contract.
func (ContractInput) Example() any {
	return ContractInput{exampleContract().ContractFacts, exampleTermsInput()}
}

// Contract is one contract with a customer.
type Contract struct {
	ID         uuid.UUID `json:"id"`
	CustomerID uuid.UUID `json:"customer_id"`
	ContractFacts
	EndedOn   Day            `json:"ended_on" doc:"Not in force any more from this day of the publisher's; null: no end is known."`
	HasEnded  bool           `json:"has_ended" doc:"That day has come."`
	Terms     Terms          `json:"terms" doc:"As they stand."`
	Warnings  []TermsWarning `json:"warnings" doc:"Kinds of change for which no dates can be computed under these terms; empty: none."`
	Version   int            `json:"version" doc:"For If-Match, in quotes; not the number of the terms."`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
}

// Example is a contract on a template with one deviation.
func (Contract) Example() any { return exampleContract() }

func exampleContract() Contract {
	return Contract{ID: exampleID(14), CustomerID: exampleID(10), ContractFacts: ContractFacts{"DPA-2026-17", Day{calendar.Date{Year: 2026, Month: 1, Day: 15}}},
		Terms: exampleTerms(), Warnings: []TermsWarning{}, Version: 1, CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

// Terms are one version of a contract's terms. They never change; a window keeps the version that it
// was computed from.
type Terms struct {
	ID                uuid.UUID  `json:"id"`
	ContractID        uuid.UUID  `json:"contract_id"`
	Number            int        `json:"number" doc:"1 for those that the contract was made with."`
	TemplateVersionID *uuid.UUID `json:"template_version_id,omitempty"`
	TemplateName      string     `json:"template_name,omitempty"`
	TemplateNumber    int        `json:"template_number,omitempty" doc:"Of the template's version."`
	Deviations        Deviations `json:"deviations" doc:"From the template, as a JSON merge patch (RFC 7396); without one, the whole sheet."`
	Sheet             TermSheet  `json:"sheet" doc:"What results."`
	CreatedAt         time.Time  `json:"created_at"`
	CreatedBy         *uuid.UUID `json:"created_by,omitempty" doc:"The account; absent: Fairnotice itself."`
}

// Example is terms with one deviation.
func (Terms) Example() any { return exampleTerms() }

func exampleTerms() Terms {
	template, by, sheet := exampleID(13), exampleID(1), exampleSheet()
	sheet.Notice.Count, sheet.ByKind = 45, nil
	return Terms{ID: exampleID(15), ContractID: exampleID(14), Number: 1, TemplateVersionID: &template, TemplateName: "Standard DPA v4", TemplateNumber: 1,
		Deviations: Deviations(exampleDeviations), Sheet: sheet, CreatedAt: exampleTime, CreatedBy: &by}
}

// EndInput says from when on a contract isn't in force.
type EndInput struct {
	EndedOn Day `json:"ended_on" doc:"Not in force any more from this day of the publisher's; null takes it back."`
}

// Example is a contract's end with the year.
func (EndInput) Example() any { return EndInput{Day{calendar.Date{Year: 2027, Month: 1, Day: 1}}} }
