package changes

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// step runs one step of a change's life: permission, lock, the step itself, the record.
func (s *Service) step(ctx context.Context, who actor.Actor, act actor.Act, id uuid.UUID, do func(tx *database.Tx, c *Change) (ledger.Entry, error)) error {
	if err := who.Must(act); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		c, err := lock(tx, id)
		if err != nil {
			return err
		}
		from := c.State
		entry, err := do(tx, c)
		if err != nil {
			return err
		}
		c.Version++
		if err := save(tx, c); err != nil {
			return err
		}
		entry.Actor, entry.Subject = who, subject(c.ID)
		entry.Body = map[string]any{"version": c.Version, "reference": c.Reference,
			"changed": map[string]any{"state": [2]any{from, c.State}}, "detail": entry.Body}
		return ledger.Append(tx, entry)
	})
}

// reasoned is nil when the actor may do this and gives a reason.
func reasoned(who actor.Actor, act actor.Act, reason *string) error {
	if err := who.Must(act); err != nil {
		return err
	}
	var check fault.Check
	input.Text(&check, "reason", reason)
	return check.Err()
}

// Submit puts a draft up for approval.
func (s *Service) Submit(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	return s.step(ctx, who, actor.SubmitChange, id, func(tx *database.Tx, c *Change) (ledger.Entry, error) {
		if err := c.must(Draft); err != nil {
			return ledger.Entry{}, err
		}
		if err := sound(tx, c); err != nil {
			return ledger.Entry{}, err
		}
		now := tx.Now()
		c.State, c.SubmittedAt, c.SubmittedBy = InReview, &now, by(who)
		return ledger.Entry{Kind: "change.submitted"}, nil
	})
}

// SendBack makes a change in review, or an approved one, a draft again, with what is to be mended.
func (s *Service) SendBack(ctx context.Context, who actor.Actor, id uuid.UUID, why string) error {
	if err := reasoned(who, actor.SubmitChange, &why); err != nil {
		return err
	}
	return s.step(ctx, who, actor.SubmitChange, id, func(_ *database.Tx, c *Change) (ledger.Entry, error) {
		if c.State == Approved { // an approval is undone only by who may give one
			if err := who.Must(actor.ApproveChange); err != nil {
				return ledger.Entry{}, err
			}
		} else if err := c.must(InReview); err != nil {
			return ledger.Entry{}, err
		}
		c.State, c.SubmittedAt, c.SubmittedBy, c.ApprovedAt, c.ApprovedBy = Draft, nil, nil, nil, nil
		return ledger.Entry{Kind: "change.sent_back", Body: map[string]any{"reason": why}}, nil
	})
}

// Approve is the second person's agreement. Unless the publisher has switched four eyes off, it
// can't be given by whoever drafted, edited or submitted the change. basedOn is the version that the
// second person read: what was changed since is not approved. 0 approves what there is.
func (s *Service) Approve(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.step(ctx, who, actor.ApproveChange, id, func(tx *database.Tx, c *Change) (ledger.Entry, error) {
		if basedOn != 0 && basedOn != c.Version {
			return ledger.Entry{}, ledger.Overtaken(tx, subject(id), basedOn)
		}
		if err := c.must(InReview); err != nil {
			return ledger.Entry{}, err
		}
		settings, err := publisher.InTx(tx)
		if err != nil {
			return ledger.Entry{}, err
		}
		if settings.FourEyes {
			if err := secondPerson(tx, who, c); err != nil {
				return ledger.Entry{}, err
			}
		}
		if err := sound(tx, c); err != nil {
			return ledger.Entry{}, err
		}
		now := tx.Now()
		c.State, c.ApprovedAt, c.ApprovedBy = Approved, &now, by(who)
		return ledger.Entry{Kind: "change.approved", Body: map[string]any{"four_eyes": settings.FourEyes}}, nil
	})
}

// secondPerson refuses whoever drafted, edited or submitted the change.
func secondPerson(tx *database.Tx, who actor.Actor, c *Change) error {
	me := by(who)
	if me == nil {
		return nil // the operator's own command
	}
	wrote, err := database.Scalar[bool](tx, `select exists (select from ledger_entries where subject_id = $1 and actor_id = $2
		and kind in ('change.drafted', 'change.edited', 'change.submitted'))`, c.ID, *me)
	if err != nil {
		return fmt.Errorf("see who wrote a change: %w", err)
	}
	if wrote {
		return fault.New(fault.Forbidden, "change.four_eyes", nil)
	}
	return nil
}

// Announce fixes the windows of all affected customers and starts the notice. It happens once,
// however often and from however many machines it is asked for: whoever comes second gets a
// Conflict that says who announced it and when.
func (s *Service) Announce(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	return s.step(ctx, who, actor.AnnounceChange, id, func(tx *database.Tx, c *Change) (ledger.Entry, error) {
		if c.AnnouncedAt != nil {
			return ledger.Entry{}, alreadyAnnounced(tx, c)
		}
		if err := c.must(Approved); err != nil {
			return ledger.Entry{}, err
		}
		if err := sound(tx, c); err != nil {
			return ledger.Entry{}, err
		}
		plan, err := planWindows(tx, c)
		if err != nil {
			return ledger.Entry{}, err
		}
		if err := plan.refuse(c); err != nil {
			return ledger.Entry{}, err
		}
		now := tx.Now()
		c.State, c.AnnouncedAt, c.AnnouncedBy = Announced, &now, by(who)
		if err := insertWindows(tx, c, plan.Included); err != nil {
			return ledger.Entry{}, err
		}
		if err := s.jobs.Insert(tx, AnnouncedFact{ChangeID: c.ID}, nil); err != nil {
			return ledger.Entry{}, err
		}
		return ledger.Entry{Kind: "change.announced", Body: map[string]any{"effective_on": c.EffectiveOn, "windows": plan.record()}}, nil
	})
}

func alreadyAnnounced(tx *database.Tx, c *Change) error {
	name := ""
	if c.AnnouncedBy != nil {
		var err error
		if name, err = database.Scalar[string](tx, "select name from accounts where id = $1", *c.AnnouncedBy); err != nil {
			return fmt.Errorf("read who announced: %w", err)
		}
	}
	return fault.New(fault.Conflict, "change.already_announced", fault.Args{"Reference": c.Reference, "Who": name, "At": *c.AnnouncedAt})
}

// Withdraw ends a change that has not taken full effect. An announced one is withdrawn with a
// notice to everyone who was told.
func (s *Service) Withdraw(ctx context.Context, who actor.Actor, id uuid.UUID, why string) error {
	if err := reasoned(who, actor.WithdrawChange, &why); err != nil {
		return err
	}
	return s.step(ctx, who, actor.WithdrawChange, id, func(tx *database.Tx, c *Change) (ledger.Entry, error) {
		if !c.Open() {
			return ledger.Entry{}, c.must(Announced)
		}
		now := tx.Now()
		wasAnnounced := c.State == Announced
		c.State, c.WithdrawnAt, c.WithdrawnBy, c.WithdrawnReason = Withdrawn, &now, by(who), why
		if wasAnnounced {
			if err := s.undo(tx, who, c, now); err != nil {
				return ledger.Entry{}, err
			}
		}
		return ledger.Entry{Kind: "change.withdrawn", Body: map[string]any{"reason": why, "announced": wasAnnounced}}, nil
	})
}

// undo takes an announced change back: its windows end, what had begun for the first customers
// ends with today, and the notice of it is enqueued.
func (s *Service) undo(tx *database.Tx, who actor.Actor, c *Change, now time.Time) error {
	begun, err := database.Scalar[bool](tx, "select exists (select from windows where change_id = $1 and state = 'effective')", c.ID)
	if err != nil {
		return fmt.Errorf("withdraw a change: %w", err)
	}
	// In the order of IDs, like everybody who locks several windows.
	if _, err := tx.Exec(`with w as (select id from windows where change_id = $1 and state = 'open' order by id for no key update)
		update windows set state = 'withdrawn', version = version + 1, updated_at = $2 from w where windows.id = w.id`, c.ID, now); err != nil {
		return fmt.Errorf("withdraw a change: %w", err)
	}
	if begun {
		if err := takeBack(tx, who, c); err != nil {
			return err
		}
	}
	return s.jobs.Insert(tx, WithdrawnFact{ChangeID: c.ID}, nil)
}

// Hold keeps a change from taking effect for one customer until Release: an objection came by
// letter, say. reason is shown to staff.
func (s *Service) Hold(ctx context.Context, who actor.Actor, window uuid.UUID, reason string) error {
	return s.hold(ctx, who, actor.HoldWindow, window, "window.held", reason)
}

// Release ends a hold. reason says what settled it.
func (s *Service) Release(ctx context.Context, who actor.Actor, window uuid.UUID, reason string) error {
	return s.hold(ctx, who, actor.ReleaseWindow, window, "window.released", reason)
}

func (s *Service) hold(ctx context.Context, who actor.Actor, act actor.Act, window uuid.UUID, kind, reason string) error {
	if err := reasoned(who, act, &reason); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		w, err := lockWindow(tx, window)
		if err != nil {
			return err
		}
		if w.State != WindowOpen {
			return fault.New(fault.Conflict, "window.closed", fault.Args{"State": string(w.State)})
		}
		if held := w.HeldAt != nil; held == (kind == "window.held") {
			return nil // as it should be already
		}
		if kind == "window.held" {
			now := tx.Now()
			w.HeldAt, w.HeldBy, w.HeldReason = &now, by(who), reason
		} else {
			w.HeldAt, w.HeldBy, w.HeldReason = nil, nil, ""
		}
		if err := saveWindow(tx, w); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: kind, Actor: who, Subject: ledger.SubjectOf("window", w.ID),
			Body: map[string]any{"reason": reason, "change": w.ChangeID, "customer": w.CustomerID}})
	})
}
