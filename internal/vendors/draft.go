package vendors

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

// What follows works inside a transaction that the caller owns, for the package above that knows
// what a change is. None of it asks for permission: the caller has. After an error, a fault
// included, the transaction must be rolled back.

// DraftEngagement adds an engagement whose facts are not in effect: the "after" of an addition or
// a replacement. The facts are validated and tidied.
func DraftEngagement(tx *database.Tx, who actor.Actor, vendorID uuid.UUID, facts EngagementFacts) (engagementID, versionID uuid.UUID, err error) {
	if err := facts.Validate(); err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	if engagementID, err = insertEngagement(tx, vendorID); err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	versionID, err = insertEngagementVersion(tx, who, engagementID, calendar.NoDays(), facts)
	if err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	return engagementID, versionID, ledger.Append(tx, ledger.Entry{Kind: "engagement.drafted", Actor: who,
		Subject: engagementSubject(engagementID), Body: draft{versionID, &vendorID, facts}})
}

// draft is what the ledger keeps of facts that are not in effect.
type draft struct {
	VersionID uuid.UUID       `json:"version_id"`
	VendorID  *uuid.UUID      `json:"vendor_id,omitempty"`
	Facts     EngagementFacts `json:"facts"`
}

// DraftVersion adds a version that is not in effect to an engagement: the "after" of a change to it.
func DraftVersion(tx *database.Tx, who actor.Actor, engagementID uuid.UUID, facts EngagementFacts) (versionID uuid.UUID, err error) {
	if err := facts.Validate(); err != nil {
		return uuid.Nil, err
	}
	if err := lockEngagement(tx, engagementID); err != nil {
		return uuid.Nil, err
	}
	if versionID, err = insertEngagementVersion(tx, who, engagementID, calendar.NoDays(), facts); err != nil {
		return uuid.Nil, err
	}
	return versionID, ledger.Append(tx, ledger.Entry{Kind: "engagement.drafted", Actor: who,
		Subject: engagementSubject(engagementID), Body: draft{versionID, nil, facts}})
}

// ReplaceDraft gives a draft other facts. A version that is, was or will be in effect is refused
// (Conflict "draft.in_effect").
func ReplaceDraft(tx *database.Tx, who actor.Actor, versionID uuid.UUID, facts EngagementFacts) error {
	if err := facts.Validate(); err != nil {
		return err
	}
	engagementID, err := lockDraft(tx, versionID)
	if err != nil {
		return err
	}
	if err := updateEngagementVersion(tx, who, versionID, facts); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "engagement.drafted", Actor: who,
		Subject: engagementSubject(engagementID), Body: draft{versionID, nil, facts}})
}

// DropDraft removes a draft and, when nothing else is known of it, its engagement. Whatever refers
// to them must be gone before.
func DropDraft(tx *database.Tx, who actor.Actor, versionID uuid.UUID) error {
	engagementID, err := lockDraft(tx, versionID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("delete from engagement_versions where id = $1", versionID); err != nil {
		return fmt.Errorf("drop a draft: %w", err)
	}
	_, err = tx.Exec(`delete from engagements e where e.id = $1
		and not exists (select from engagement_versions ev where ev.engagement_id = e.id)`, engagementID)
	if err != nil {
		return fmt.Errorf("drop a draft's engagement: %w", err)
	}
	return ledger.Append(tx, ledger.Entry{Kind: "engagement.draft_dropped", Actor: who, Subject: engagementSubject(engagementID),
		Body: map[string]uuid.UUID{"version_id": versionID}})
}

// FactsOf returns the facts of a version, draft or not.
func FactsOf(tx *database.Tx, versionID uuid.UUID) (*EngagementFacts, error) {
	e, err := one(database.Rows[Engagement](tx, engagementSQL+" where ev.id = $1", versionID))
	if err != nil {
		return nil, err
	}
	return &e.EngagementFacts, nil
}

// InEffect returns an engagement with the version that is in effect on a day in the publisher's
// zone; a Conflict fault "engagement.not_in_effect" when none is.
func InEffect(tx *database.Tx, engagementID uuid.UUID, on calendar.Date) (*Engagement, error) {
	e, err := one(database.Rows[Engagement](tx, engagementSQL+" where e.id = $1 and ev.valid @> $2::date", engagementID, on))
	if !fault.Is(err, fault.NotFound) {
		return e, err
	}
	if err := lockEngagement(tx, engagementID); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Conflict, "engagement.not_in_effect", nil)
}

// Activate puts a draft into effect from a day in the publisher's zone on, and ends there whatever
// of its engagement was in effect. An engagement that ended before that day does not come back
// (Conflict "engagement.not_in_effect"): using the vendor again is an addition.
func Activate(tx *database.Tx, who actor.Actor, versionID uuid.UUID, from calendar.Date) error {
	id, err := lockDraft(tx, versionID)
	if err != nil {
		return err
	}
	ended, err := database.Scalar[bool](tx, `select coalesce(bool_or(true), false) and not coalesce(bool_or(upper(valid) >= $2 or upper_inf(valid)), false)
		from engagement_versions where engagement_id = $1 and not isempty(valid)`, id, from)
	if err != nil {
		return fmt.Errorf("activate a draft: %w", err)
	}
	if ended {
		return fault.New(fault.Conflict, "engagement.not_in_effect", nil)
	}
	before, err := cut(tx, id, from)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("update engagement_versions set valid = daterange($2, null) where id = $1", versionID, from); err != nil {
		return fmt.Errorf("activate a draft: %w", err)
	}
	facts, err := FactsOf(tx, versionID)
	if err != nil {
		return err
	}
	return recordTurn(tx, who, "engagement.activated", id, before, turn{EngagementFacts: ptr(facts.bare()), VersionID: &versionID, From: &from})
}

// End ends an engagement: the day, in the publisher's zone, is the first on which it is no longer in
// effect. A Conflict fault "engagement.not_in_effect" when it isn't in effect on that day anyway.
func End(tx *database.Tx, who actor.Actor, engagementID uuid.UUID, on calendar.Date) error {
	if err := lockEngagement(tx, engagementID); err != nil {
		return err
	}
	if _, err := InEffect(tx, engagementID, on); err != nil {
		return err
	}
	before, err := cut(tx, engagementID, on)
	if err != nil {
		return err
	}
	return recordTurn(tx, who, "engagement.ended", engagementID, before, turn{EndedOn: &on})
}

// turn is what the ledger keeps of an engagement that begins, changes or ends.
type turn struct {
	*EngagementFacts
	VersionID *uuid.UUID     `json:"version_id,omitempty"`
	From      *calendar.Date `json:"from,omitempty"`
	EndedOn   *calendar.Date `json:"ended_on,omitempty"`
}

// cut takes every day from the given one on away from an engagement, and returns the facts that
// were in effect on it.
func cut(tx *database.Tx, engagementID uuid.UUID, from calendar.Date) (turn, error) {
	rows, err := database.Rows[Engagement](tx, engagementSQL+" where e.id = $1 and ev.valid @> $2::date", engagementID, from)
	if err != nil {
		return turn{}, fmt.Errorf("close an engagement's facts: %w", err)
	}
	_, err = tx.Exec("update engagement_versions set valid = valid * daterange(null, $2) where engagement_id = $1 and valid && daterange($2, null)",
		engagementID, from)
	if err != nil {
		return turn{}, fmt.Errorf("close an engagement's facts: %w", err)
	}
	if len(rows) == 0 {
		return turn{}, nil
	}
	return turn{EngagementFacts: ptr(rows[0].bare()), VersionID: &rows[0].VersionID}, nil
}

// recordTurn raises the engagement's version, so that who edits it meanwhile is told.
func recordTurn(tx *database.Tx, who actor.Actor, kind string, id uuid.UUID, before, after turn) error {
	version, err := database.Scalar[int](tx, "update engagements set version = version + 1 where id = $1 returning version", id)
	if err != nil {
		return fmt.Errorf("raise an engagement's version: %w", err)
	}
	return ledger.AppendEdit(tx, who, kind, engagementSubject(id), version, before, after, "")
}

func lockEngagement(tx *database.Tx, id uuid.UUID) error {
	_, err := database.Scalar[uuid.UUID](tx, "select id from engagements where id = $1 for update", id)
	if database.NotFound(err) {
		return fault.Missing("engagement")
	}
	if err != nil {
		return fmt.Errorf("lock an engagement: %w", err)
	}
	return nil
}

// lockDraft locks a draft's engagement and returns its ID.
func lockDraft(tx *database.Tx, versionID uuid.UUID) (uuid.UUID, error) {
	id, err := database.Scalar[uuid.UUID](tx, `select e.id from engagements e join engagement_versions ev on ev.engagement_id = e.id
		where ev.id = $1 for update of e`, versionID)
	if database.NotFound(err) {
		return uuid.Nil, fault.Missing("engagement")
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("lock a draft: %w", err)
	}
	isDraft, err := database.Scalar[bool](tx, "select isempty(valid) from engagement_versions where id = $1", versionID)
	if err != nil {
		return uuid.Nil, fmt.Errorf("lock a draft: %w", err)
	}
	if !isDraft {
		return uuid.Nil, fault.New(fault.Conflict, "draft.in_effect", nil)
	}
	return id, nil
}

func ptr[T any](v T) *T { return &v }
