package vendors

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

func engagementSubject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("engagement", id) }

// RecordEngagement records an engagement that exists already, since a day in the past or today
// (the publisher's zone): how a publisher loads its present list. A new sub-processor is never
// recorded so, it needs a change with its notices; a later day is therefore refused at since.
func (s *Service) RecordEngagement(ctx context.Context, who actor.Actor, vendorID uuid.UUID, since calendar.Date, facts EngagementFacts) (*Engagement, error) {
	if err := who.Must(actor.EditRegister); err != nil {
		return nil, err
	}
	if err := facts.Validate(); err != nil {
		return nil, err
	}
	var id uuid.UUID
	err := s.db.Transact(ctx, func(tx *database.Tx) (err error) {
		id, err = recordEngagement(tx, who, vendorID, since, facts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Engagement(ctx, id)
}

func recordEngagement(tx *database.Tx, who actor.Actor, vendorID uuid.UUID, since calendar.Date, facts EngagementFacts) (uuid.UUID, error) {
	day, err := today(tx)
	if err != nil {
		return uuid.Nil, err
	}
	switch {
	case since.IsZero() || !isPlausible(since):
		return uuid.Nil, asked("since", since)
	case since.After(day):
		return uuid.Nil, fault.Field("since", "engagement.needs_change", nil)
	}
	id, err := insertEngagement(tx, vendorID)
	if err != nil {
		return uuid.Nil, err
	}
	if _, err := insertEngagementVersion(tx, who, id, calendar.Since(since), facts); err != nil {
		return uuid.Nil, err
	}
	return id, ledger.AppendEdit(tx, who, "engagement.recorded", engagementSubject(id), 1, struct{}{}, recorded{facts, vendorID, since}, facts.Note)
}

// recorded is what the ledger keeps of an engagement that begins.
type recorded struct {
	EngagementFacts
	VendorID uuid.UUID     `json:"vendor_id"`
	Since    calendar.Date `json:"since"`
}

// CorrectEngagement records that the facts of an engagement in effect are other than the register
// says, from today (the publisher's zone) on; what was published before stays as it was. It is for
// the record only: what changes in fact is a change, with its notices. The note, which is required,
// says why. basedOn is the engagement's version that the editor saw; see EditVendor.
func (s *Service) CorrectEngagement(ctx context.Context, who actor.Actor, engagementID uuid.UUID, basedOn int, facts EngagementFacts, note string) error {
	if err := who.Must(actor.EditRegister); err != nil {
		return err
	}
	var c fault.Check
	facts.Note = note
	if err := c.Join("", facts.Validate()); err != nil {
		return err
	}
	input.Required(&c, "note", facts.Note)
	if err := c.Err(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error { return correctEngagement(tx, who, engagementID, basedOn, facts) })
}

func correctEngagement(tx *database.Tx, who actor.Actor, id uuid.UUID, basedOn int, facts EngagementFacts) error {
	if err := advance(tx, "engagements", engagementSubject(id), basedOn); err != nil {
		return err
	}
	day, err := today(tx)
	if err != nil {
		return err
	}
	before, err := InEffect(tx, id, day)
	if err != nil {
		return err
	}
	valid, err := closeVersions(tx, engagementVersions, id, before.Valid, day)
	if err != nil {
		return err
	}
	if _, err := insertEngagementVersion(tx, who, id, valid, facts); err != nil {
		return err
	}
	return ledger.AppendEdit(tx, who, "engagement.corrected", engagementSubject(id), basedOn+1, before.bare(), facts, facts.Note)
}

// Engagement returns an engagement with its facts of today or, when it is not in effect, of the
// version that was the last or will be the next.
func (s *Service) Engagement(ctx context.Context, id uuid.UUID) (*Engagement, error) {
	day, err := s.Today(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := database.Collect[Engagement](ctx, s.db.Reader(ctx), "select * from ("+engagementSQL+" where e.id = $1) x order by "+nearest+" limit 1", id, day)
	return one(rows, err)
}

// Engagements lists a vendor's engagements as Engagement returns them, the latest begun first;
// drafts and ended ones are among them.
func (s *Service) Engagements(ctx context.Context, vendorID uuid.UUID) ([]Engagement, error) {
	day, err := s.Today(ctx)
	if err != nil {
		return nil, err
	}
	out, err := database.Collect[Engagement](ctx, s.db.Reader(ctx), `select * from (select distinct on (id) * from (`+
		engagementSQL+` where e.vendor_id = $1) x order by id, `+nearest+`) y order by since desc nulls first, id`, vendorID, day)
	if err != nil {
		return nil, fmt.Errorf("read a vendor's engagements: %w", err)
	}
	return out, nil
}

// EngagementHistory returns every version of an engagement's facts, the latest recorded first.
// Those with the empty range are drafts, or were replaced on the day they began.
func (s *Service) EngagementHistory(ctx context.Context, id uuid.UUID) ([]Engagement, error) {
	out, err := database.Collect[Engagement](ctx, s.db.Reader(ctx), engagementSQL+" where e.id = $1 order by ev.recorded_at desc, ev.id desc", id)
	if err != nil {
		return nil, fmt.Errorf("history of an engagement: %w", err)
	}
	if len(out) == 0 {
		return nil, fault.Missing("engagement")
	}
	return out, nil
}

// Facts returns the facts of versions, drafts included, by their IDs; unknown IDs are left out.
func (s *Service) Facts(ctx context.Context, versionIDs ...uuid.UUID) (map[uuid.UUID]EngagementFacts, error) {
	rows, err := database.Collect[Engagement](ctx, s.db.Reader(ctx), engagementSQL+" where ev.id = any($1)", versionIDs)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	out := make(map[uuid.UUID]EngagementFacts, len(rows))
	for i := range rows {
		out[rows[i].VersionID] = rows[i].EngagementFacts
	}
	return out, nil
}

func one(rows []Engagement, err error) (*Engagement, error) {
	if err != nil {
		return nil, fmt.Errorf("read an engagement: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("engagement")
	}
	return &rows[0], nil
}

func insertEngagement(tx *database.Tx, vendorID uuid.UUID) (uuid.UUID, error) {
	id := secrets.ID()
	_, err := tx.Exec("insert into engagements (id, vendor_id, version, created_at) values ($1, $2, 1, $3)", id, vendorID, tx.Now())
	if constraint, _ := database.Violates(err); constraint == "engagements_vendor_id_fkey" {
		return uuid.Nil, fault.Field("vendor_id", "vendor.unknown", nil)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("add an engagement: %w", err)
	}
	return id, nil
}
