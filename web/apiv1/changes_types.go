package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
)

// Change is an intended change of the register.
type Change struct {
	ID                   uuid.UUID     `json:"id"`
	Reference            string        `json:"reference" doc:"What people call it. Addresses take it in the place of the ID."`
	Kind                 changes.Kind  `json:"kind" enum:"addition,replacement,removal"`
	State                changes.State `json:"state" enum:"draft,in_review,approved,announced,effective,withdrawn"`
	VendorID             uuid.UUID     `json:"vendor_id" doc:"Of the engagement that comes or, in a removal, goes."`
	VendorName           string        `json:"vendor_name"`
	VendorSlug           string        `json:"vendor_slug"`
	EngagementID         uuid.UUID     `json:"engagement_id" doc:"That comes or, in a removal, goes."`
	ReplacedEngagementID *uuid.UUID    `json:"replaced_engagement_id,omitempty" doc:"That a replacement ends."`
	ReplacedName         string        `json:"replaced_name,omitempty" doc:"Of the vendor that is replaced."`
	BeforeVersionID      *uuid.UUID    `json:"before_version_id,omitempty" doc:"The facts of the engagement that goes."`
	AfterVersionID       *uuid.UUID    `json:"after_version_id,omitempty" doc:"The facts of the engagement that comes."`
	Reason               string        `json:"reason"`
	Safeguards           string        `json:"safeguards"`
	EffectiveOn          Day           `json:"effective_on" doc:"The planned day. For a customer whose terms ask for more time it is later; its window tells."`
	CreatedAt            time.Time     `json:"created_at"`
	CreatedBy            *uuid.UUID    `json:"created_by,omitempty" doc:"The account; absent: the system. So with the other steps."`
	CreatedName          string        `json:"created_name,omitempty"`
	SubmittedAt          *time.Time    `json:"submitted_at,omitempty"`
	SubmittedBy          *uuid.UUID    `json:"submitted_by,omitempty"`
	SubmittedName        string        `json:"submitted_name,omitempty"`
	ApprovedAt           *time.Time    `json:"approved_at,omitempty"`
	ApprovedBy           *uuid.UUID    `json:"approved_by,omitempty"`
	ApprovedName         string        `json:"approved_name,omitempty"`
	AnnouncedAt          *time.Time    `json:"announced_at,omitempty"`
	AnnouncedBy          *uuid.UUID    `json:"announced_by,omitempty"`
	AnnouncedName        string        `json:"announced_name,omitempty"`
	EffectiveAt          *time.Time    `json:"effective_at,omitempty" doc:"When it had taken effect for the last customer."`
	WithdrawnAt          *time.Time    `json:"withdrawn_at,omitempty"`
	WithdrawnBy          *uuid.UUID    `json:"withdrawn_by,omitempty"`
	WithdrawnName        string        `json:"withdrawn_name,omitempty"`
	WithdrawnReason      string        `json:"withdrawn_reason,omitempty"`
	Version              int           `json:"version" doc:"Rises with each edit and each step. If-Match takes it, in quotes."`
	UpdatedAt            time.Time     `json:"updated_at"`
}

// Example is an addition under way.
func (Change) Example() any { return exampleChange() }

func exampleChange() Change {
	by, after, submitted := exampleID(1), exampleID(22), exampleTime.Add(time.Hour)
	return Change{ID: exampleID(20), Reference: "SP-2026-014", Kind: changes.Addition, State: changes.InReview, VendorID: exampleID(11),
		VendorName: "Papierkranich", VendorSlug: "papierkranich", EngagementID: exampleID(21), AfterVersionID: &after,
		Reason: "Messages reach their readers faster.", Safeguards: "Messages are encrypted in transit and at rest.",
		EffectiveOn: Day{exampleDay}, CreatedAt: exampleTime, CreatedBy: &by, CreatedName: "Ada Lovelace",
		SubmittedAt: &submitted, SubmittedBy: &by, SubmittedName: "Ada Lovelace", Version: 2, UpdatedAt: submitted}
}

// ChangeDetail is a change with what belongs to its state.
type ChangeDetail struct {
	Change
	SentBack *SentBack    `json:"sent_back,omitempty" doc:"Of a draft that came back: why."`
	Windows  *WindowCount `json:"windows,omitempty" doc:"Once it is announced: its customers' windows, counted."`
}

// Example is a change that was announced.
func (ChangeDetail) Example() any {
	c, by, at := exampleChange(), exampleID(4), exampleTime.Add(2*time.Hour)
	c.State, c.Version = changes.Announced, 4
	c.ApprovedAt, c.ApprovedBy, c.ApprovedName = &at, &by, "Grace Hopper"
	c.AnnouncedAt, c.AnnouncedBy, c.AnnouncedName, c.UpdatedAt = &at, &by, "Grace Hopper", at
	return ChangeDetail{Change: c, Windows: &WindowCount{Served: 311, All: 340}}
}

// SentBack is why a change became a draft again.
type SentBack struct {
	Reason string    `json:"reason" doc:"What is to be mended. Empty once the record's text was erased."`
	At     time.Time `json:"at"`
	Name   string    `json:"name" doc:"Whose step it was."`
}

// WindowCount counts the windows of a change.
type WindowCount struct {
	Served int `json:"served" doc:"Whose notice has reached the customer as its terms count it."`
	All    int `json:"all"`
}

// ChangeProposal is what a change is to be.
type ChangeProposal struct {
	Kind                 changes.Kind     `json:"kind" enum:"addition,replacement,removal"`
	VendorID             *uuid.UUID       `json:"vendor_id,omitempty" doc:"Of an addition or a replacement: the vendor that comes."`
	EngagementID         *uuid.UUID       `json:"engagement_id,omitempty" doc:"Of a removal: the engagement that ends."`
	ReplacedEngagementID *uuid.UUID       `json:"replaced_engagement_id,omitempty" doc:"Of a replacement: the engagement that ends."`
	Facts                *EngagementFacts `json:"facts,omitempty" doc:"Of an addition or a replacement: the engagement that comes."`
	Reason               string           `json:"reason" maxLength:"10000" doc:"Why; it stands in the notice."`
	Safeguards           string           `json:"safeguards" required:"false" maxLength:"10000" doc:"What protects the data; it stands in the notice."`
	EffectiveOn          Day              `json:"effective_on" doc:"The planned day, today or later, in the publisher's zone. For a customer it begins at 00:00 in the zone of its terms."`
}

// Example is an addition.
func (ChangeProposal) Example() any {
	vendor := exampleID(11)
	facts, _ := EngagementFacts{}.Example().(EngagementFacts)
	return ChangeProposal{Kind: changes.Addition, VendorID: &vendor, Facts: &facts, Reason: "Messages reach their readers faster.",
		Safeguards: "Messages are encrypted in transit and at rest.", EffectiveOn: Day{calendar.Date{Year: 2027, Month: time.January, Day: 15}}}
}

// Reasoned is a step that needs a reason.
type Reasoned struct {
	Reason string `json:"reason" maxLength:"10000"`
}

// Example is a reason.
func (Reasoned) Example() any {
	return Reasoned{Reason: "The customer objected by letter of 20 November."}
}

func changeOf(v *changes.View) Change {
	return Change{ID: v.ID, Reference: v.Reference, Kind: v.Kind, State: v.State, VendorID: v.VendorID, VendorName: v.VendorName, VendorSlug: v.VendorSlug,
		EngagementID: v.EngagementID, ReplacedEngagementID: v.ReplacedEngagementID, ReplacedName: v.ReplacedName,
		BeforeVersionID: v.BeforeVersionID, AfterVersionID: v.AfterVersionID, Reason: v.Reason, Safeguards: v.Safeguards, EffectiveOn: Day{v.EffectiveOn},
		CreatedAt: v.CreatedAt.UTC(), CreatedBy: v.CreatedBy, CreatedName: v.CreatedName,
		SubmittedAt: utcOf(v.SubmittedAt), SubmittedBy: v.SubmittedBy, SubmittedName: v.SubmittedName,
		ApprovedAt: utcOf(v.ApprovedAt), ApprovedBy: v.ApprovedBy, ApprovedName: v.ApprovedName,
		AnnouncedAt: utcOf(v.AnnouncedAt), AnnouncedBy: v.AnnouncedBy, AnnouncedName: v.AnnouncedName, EffectiveAt: utcOf(v.EffectiveAt),
		WithdrawnAt: utcOf(v.WithdrawnAt), WithdrawnBy: v.WithdrawnBy, WithdrawnName: v.WithdrawnName, WithdrawnReason: v.WithdrawnReason,
		Version: v.Version, UpdatedAt: v.UpdatedAt.UTC()}
}

func proposalOf(p *changes.Proposal) ChangeProposal {
	out := ChangeProposal{Kind: p.Kind, VendorID: idOf(p.VendorID), EngagementID: idOf(p.EngagementID), ReplacedEngagementID: idOf(p.ReplacedEngagementID),
		Reason: p.Reason, Safeguards: p.Safeguards, EffectiveOn: Day{p.EffectiveOn}}
	if p.Kind != changes.Removal {
		facts := engagementFactsOf(&p.Facts)
		out.Facts = &facts
	}
	return out
}

// proposal is the domain's, not yet tidied.
func (p *ChangeProposal) proposal() *changes.Proposal {
	out := &changes.Proposal{Kind: p.Kind, VendorID: given(p.VendorID), EngagementID: given(p.EngagementID), ReplacedEngagementID: given(p.ReplacedEngagementID),
		Reason: p.Reason, Safeguards: p.Safeguards, EffectiveOn: p.EffectiveOn.Date}
	if p.Facts != nil {
		out.Facts = p.Facts.facts()
	}
	return out
}

// idOf is an ID, nil where it is none.
func idOf(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func given(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// utcOf is an instant in UTC: the database gives them in the machine's zone.
func utcOf(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
