package changes

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
	"fairnotice/internal/vendors"
)

// JobInserter enqueues a job inside a transaction.
type JobInserter interface {
	Insert(tx *database.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Service holds the operations on changes. Each owns its transaction.
type Service struct {
	db   *database.DB
	jobs JobInserter
}

// New makes the service.
func New(db *database.DB, jobs JobInserter) *Service { return &Service{db: db, jobs: jobs} }

func subject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("change", id) }

// Draft stores a new change. key, when not empty, is the request's own: the same key again returns
// the change that it drafted the first time, so a form sent twice drafts once.
func (s *Service) Draft(ctx context.Context, who actor.Actor, key string, p *Proposal) (change *Change, err error) {
	if err := who.Must(actor.DraftChange); err != nil {
		return nil, err
	}
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		change, err = draft(tx, who, key, p)
		return err
	})
	return change, err
}

func draft(tx *database.Tx, who actor.Actor, key string, p *Proposal) (*Change, error) {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return nil, err
	}
	if key != "" {
		// Two that hold the same key are taken one after the other.
		if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 7301201828))", key); err != nil {
			return nil, fmt.Errorf("draft a change: %w", err)
		}
		if done, err := byKey(tx, key); done != nil || err != nil {
			return done, err
		}
	}
	today := settings.Today(tx.Now())
	if err := p.Validate(today); err != nil {
		return nil, err
	}
	c := &Change{ID: secrets.ID(), Kind: p.Kind, State: Draft, CreatedAt: tx.Now(), CreatedBy: by(who), Version: 1}
	if key != "" {
		c.RequestKey = &key
	}
	if err := fill(tx, who, c, p); err != nil {
		return nil, err
	}
	if c.Reference, err = nextReference(tx, today.Year); err != nil {
		return nil, err
	}
	if err := tx.Gorm().Create(c).Error; err != nil {
		return nil, explain(err, "draft a change")
	}
	return c, ledger.Append(tx, ledger.Entry{Kind: "change.drafted", Actor: who, Subject: subject(c.ID),
		Body: map[string]any{"reference": c.Reference, "version": c.Version, "proposal": p}})
}

func byKey(tx *database.Tx, key string) (*Change, error) {
	var c Change
	err := tx.Gorm().Take(&c, "request_key = ?", key).Error
	if database.NotFound(err) {
		return nil, nil //nolint:nilnil // "not drafted yet" is no error here
	}
	if err != nil {
		return nil, fmt.Errorf("find a change by its request: %w", err)
	}
	return &c, nil
}

// by is the account to keep in a column; nil for the system.
func by(who actor.Actor) *uuid.UUID {
	if who.Kind != actor.Staff {
		return nil
	}
	id := who.ID
	return &id
}

// nextReference counts changes by the publisher's year: SP-2026-014.
func nextReference(tx *database.Tx, year int) (string, error) {
	n, err := database.Scalar[int](tx, `insert into change_references (year, last) values ($1, 1)
		on conflict (year) do update set last = change_references.last + 1 returning last`, year)
	if err != nil {
		return "", fmt.Errorf("count a change: %w", err)
	}
	return fmt.Sprintf("SP-%d-%03d", year, n), nil
}

// fill puts the proposal's content into the change, storing the engagement that is to come as a
// version that isn't in effect.
func fill(tx *database.Tx, who actor.Actor, c *Change, p *Proposal) error {
	if err := refuseBusy(tx, c.ID, p); err != nil {
		return err
	}
	c.Kind, c.Reason, c.Safeguards, c.EffectiveOn, c.UpdatedAt = p.Kind, p.Reason, p.Safeguards, p.EffectiveOn, tx.Now()
	switch p.Kind {
	case Removal:
		current, err := inEffect(tx, "engagement_id", p.EngagementID)
		if err != nil {
			return err
		}
		c.VendorID, c.EngagementID, c.BeforeVersionID = current.VendorID, p.EngagementID, &current.VersionID
		return nil
	case Replacement:
		replaced, err := inEffect(tx, "replaced_engagement_id", p.ReplacedEngagementID)
		if err != nil {
			return err
		}
		c.ReplacedEngagementID, c.BeforeVersionID = &p.ReplacedEngagementID, &replaced.VersionID
	}
	if err := vendorExists(tx, p.VendorID); err != nil {
		return err
	}
	engagement, version, err := vendors.DraftEngagement(tx, who, p.VendorID, p.Facts)
	if err != nil {
		return err
	}
	c.VendorID, c.EngagementID, c.AfterVersionID = p.VendorID, engagement, &version
	return nil
}

// refuseBusy refuses a proposal to end an engagement that another open change ends, changes or
// replaces: the two would not know each other. The engagement is locked, so that two drafts at once
// are taken one after the other.
func refuseBusy(tx *database.Tx, change uuid.UUID, p *Proposal) error {
	field, id := "engagement_id", p.EngagementID
	if p.Kind == Replacement {
		field, id = "replaced_engagement_id", p.ReplacedEngagementID
	}
	if p.Kind == Addition {
		return nil
	}
	if _, err := tx.Exec("select from engagements where id = $1 for no key update", id); err != nil {
		return fmt.Errorf("lock an engagement: %w", err)
	}
	busy, err := database.Scalars[string](tx, `select reference from changes where id <> $1 and state in ('draft', 'in_review', 'approved', 'announced')
		and (engagement_id = $2 or replaced_engagement_id = $2) limit 1`, change, id)
	if err != nil {
		return fmt.Errorf("find changes of an engagement: %w", err)
	}
	if len(busy) > 0 {
		return &fault.Error{Kind: fault.Conflict, Code: "change.engagement_has_one", Field: field, Args: fault.Args{"Reference": busy[0]}}
	}
	return nil
}

// inEffect returns an engagement that a change is to end; the fault is at the field that names it.
func inEffect(tx *database.Tx, field string, id uuid.UUID) (*vendors.Engagement, error) {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return nil, err
	}
	e, err := vendors.InEffect(tx, id, settings.Today(tx.Now()))
	if fault.Is(err, fault.NotFound) || fault.Has(err, "engagement.not_in_effect") {
		return nil, fault.Field(field, "engagement.not_in_effect", nil)
	}
	return e, err
}

func vendorExists(tx *database.Tx, id uuid.UUID) error {
	found, err := database.Scalar[bool](tx, "select exists (select from vendors where id = $1)", id)
	if err != nil {
		return fmt.Errorf("find a vendor: %w", err)
	}
	if !found {
		return fault.Field("vendor_id", "vendor.not_found", nil)
	}
	return nil
}

// Edit replaces the content of a draft. basedOn is the version that the editor read.
func (s *Service) Edit(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, p *Proposal) error {
	if err := who.Must(actor.DraftChange); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		settings, err := publisher.InTx(tx)
		if err != nil {
			return err
		}
		if err := p.Validate(settings.Today(tx.Now())); err != nil {
			return err
		}
		c, err := lock(tx, id)
		if err != nil {
			return err
		}
		if c.Version != basedOn {
			return ledger.Overtaken(tx, subject(id), basedOn)
		}
		if err := c.must(Draft); err != nil {
			return err
		}
		return edit(tx, who, c, p)
	})
}

func edit(tx *database.Tx, who actor.Actor, c *Change, p *Proposal) error {
	before, err := proposalOf(tx, c)
	if err != nil {
		return err
	}
	old := *c
	c.BeforeVersionID, c.AfterVersionID, c.ReplacedEngagementID = nil, nil, nil
	if err := fill(tx, who, c, p); err != nil {
		return err
	}
	c.Version++
	if err := save(tx, c); err != nil {
		return err
	}
	if old.AfterVersionID != nil {
		if err := vendors.DropDraft(tx, who, *old.AfterVersionID); err != nil {
			return err
		}
	}
	return ledger.AppendEdit(tx, who, "change.edited", subject(c.ID), c.Version, before, p, "")
}

// ProposalOf returns the content of a change as it was written.
func (s *Service) ProposalOf(ctx context.Context, id uuid.UUID) (p *Proposal, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		var c Change
		if err := tx.Gorm().Take(&c, "id = ?", id).Error; err != nil {
			return missing(err)
		}
		p, err = proposalOf(tx, &c)
		return err
	})
	return p, err
}

func proposalOf(tx *database.Tx, c *Change) (*Proposal, error) {
	p := &Proposal{Kind: c.Kind, Reason: c.Reason, Safeguards: c.Safeguards, EffectiveOn: c.EffectiveOn}
	switch c.Kind {
	case Removal:
		p.EngagementID = c.EngagementID
	default:
		p.VendorID = c.VendorID
		if c.ReplacedEngagementID != nil {
			p.ReplacedEngagementID = *c.ReplacedEngagementID
		}
		facts, err := vendors.FactsOf(tx, *c.AfterVersionID)
		if err != nil {
			return nil, err
		}
		p.Facts = *facts
		for i := range p.Facts.Products { // names are filled in for readers; they are not content
			p.Facts.Products[i].Slug, p.Facts.Products[i].Name = "", ""
		}
	}
	return p, nil
}

// lock reads a change and keeps others from deciding on it until the transaction ends.
func lock(tx *database.Tx, id uuid.UUID) (*Change, error) {
	var c Change
	err := tx.Gorm().Clauses(noKeyUpdate).Take(&c, "id = ?", id).Error
	if err != nil {
		return nil, missing(err)
	}
	return &c, nil
}

func missing(err error) error {
	if database.NotFound(err) {
		return fault.Missing("change")
	}
	return fmt.Errorf("read a change: %w", err)
}

// save stores a change that lock has read.
func save(tx *database.Tx, c *Change) error {
	c.UpdatedAt = tx.Now()
	if err := tx.Gorm().Select("*").Updates(c).Error; err != nil {
		return explain(err, "save a change")
	}
	return nil
}

// explain names the field behind a constraint's refusal.
func explain(err error, doing string) error {
	switch constraint, _ := database.Violates(err); constraint {
	case "changes_one_open":
		return &fault.Error{Kind: fault.Conflict, Code: "change.engagement_has_one", Field: "engagement_id"}
	case "changes_one_open_replacing":
		return &fault.Error{Kind: fault.Conflict, Code: "change.engagement_has_one", Field: "replaced_engagement_id"}
	case "changes_replaces_another":
		return fault.Field("replaced_engagement_id", "change.replaces_itself", nil)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// must is nil when the change is in the state, else a fault that says in which it is.
func (c *Change) must(want State) error {
	if c.State == want {
		return nil
	}
	return fault.New(fault.Conflict, "change.state", fault.Args{"State": string(c.State), "Want": string(want), "Reference": c.Reference})
}
