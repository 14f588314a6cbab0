package changes

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// ActivateDue lets every announced change take effect for each customer whose gate is open, and
// returns for how many windows it did. Each change has a transaction of its own, so that one that
// fails does not keep the others back; the first error is returned.
func (s *Service) ActivateDue(ctx context.Context) (total int, first error) {
	announced, err := database.Collect[struct{ ID uuid.UUID }](ctx, s.db.Reader(ctx), "select id from changes where state = 'announced' order by effective_on, id")
	if err != nil {
		return 0, fmt.Errorf("find announced changes: %w", err)
	}
	for _, c := range announced {
		through := 0
		err := s.db.Transact(ctx, func(tx *database.Tx) (err error) {
			through, err = activate(tx, c.ID)
			return err
		})
		switch {
		case err == nil:
			total += through // counted when committed, not before
		case first == nil:
			first = err
		}
	}
	return total, first
}

// activate opens the gate of one change for the customers it may open for, and ends the change's
// life when the last is through.
func activate(tx *database.Tx, id uuid.UUID) (int, error) {
	c, err := lock(tx, id)
	if err != nil {
		return 0, err
	}
	if c.State != Announced {
		return 0, nil // withdrawn meanwhile
	}
	settings, err := publisher.InTx(tx)
	if err != nil {
		return 0, err
	}
	if err := closeForLeavers(tx, c, settings.Today(tx.Now())); err != nil {
		return 0, err
	}
	ready, err := lockReadyWindows(tx, id)
	if err != nil {
		return 0, err
	}
	through, err := letThrough(tx, c, ready)
	if err != nil {
		return 0, err
	}
	last, err := isLast(tx, c, settings)
	if err != nil {
		return 0, err
	}
	if through > 0 || last {
		if err := takeEffect(tx, c, settings.Today(tx.Now()), last); err != nil {
			return 0, err
		}
	}
	return through, nil
}

// closeForLeavers ends the windows of those who are no longer customers: nothing is done with their
// data any more, and they must not keep the change open for ever.
func closeForLeavers(tx *database.Tx, c *Change, today calendar.Date) error {
	ids, err := database.Scalars[uuid.UUID](tx, `update windows w set state = 'withdrawn', version = w.version + 1, updated_at = $3
		from customers k where k.id = w.customer_id and w.change_id = $1 and w.state = 'open' and k.left_on <= $2 returning w.id`, c.ID, today, tx.Now())
	if err != nil {
		return fmt.Errorf("close windows of former customers: %w", err)
	}
	for _, id := range ids {
		err := ledger.Append(tx, ledger.Entry{Kind: "window.customer_left", Actor: actor.ForSystem(), Subject: ledger.SubjectOf("window", id),
			Body: map[string]any{"change": c.ID}})
		if err != nil {
			return err
		}
	}
	return nil
}

// isLast says whether the change has taken effect for everybody it concerns: no window is open any
// more and, where nobody was affected, the planned day has come.
func isLast(tx *database.Tx, c *Change, settings *publisher.Settings) (bool, error) {
	type tally struct{ Open, Effective int }
	counts, err := database.Rows[tally](tx, `select count(*) filter (where state = 'open') as open, count(*) filter (where state = 'effective') as effective
		from windows where change_id = $1`, c.ID)
	if err != nil {
		return false, fmt.Errorf("count windows: %w", err)
	}
	if counts[0].Effective == 0 && tx.Now().Before(c.EffectiveOn.Start(settings.Zone())) {
		return false, nil
	}
	return counts[0].Open == 0, nil
}

// letThrough marks the windows without a blocker as effective.
func letThrough(tx *database.Tx, c *Change, windows []Window) (through int, err error) {
	var ids []uuid.UUID
	for i := range windows {
		if len(windows[i].Blockers(tx.Now())) > 0 {
			continue
		}
		ids = append(ids, windows[i].ID)
		err := ledger.Append(tx, ledger.Entry{Kind: "window.effective", Actor: actor.ForSystem(), Subject: ledger.SubjectOf("window", windows[i].ID),
			Body: map[string]any{"change": c.ID, "customer": windows[i].CustomerID, "effective_at": tx.Now()}})
		if err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec("update windows set state = 'effective', effective_at = $2, updated_at = $2, version = version + 1 where id = any($1)", database.OrEmpty(ids), tx.Now())
	if err != nil {
		return 0, fmt.Errorf("let windows through: %w", err)
	}
	return len(ids), nil
}

// takeEffect changes the register. What comes is listed from the day on which it takes effect for
// the first customer; what goes is listed until it has ended for the last.
func takeEffect(tx *database.Tx, c *Change, today calendar.Date, last bool) error {
	if c.AfterVersionID != nil {
		// By the engagement, not by this version: a correction on its first day empties the version.
		begun, err := database.Scalar[bool](tx, "select exists (select from engagement_versions where engagement_id = $1 and not isempty(valid))", c.EngagementID)
		if err != nil {
			return fmt.Errorf("see whether an engagement has begun: %w", err)
		}
		if !begun {
			if err := vendors.Activate(tx, actor.ForSystem(), *c.AfterVersionID, today); err != nil {
				return err
			}
		}
	}
	if !last {
		return nil
	}
	if ends := c.ends(); ends != nil {
		if err := endEngagement(tx, actor.ForSystem(), *ends, today); err != nil {
			return err
		}
	}
	now := tx.Now()
	c.State, c.EffectiveAt = Effective, &now
	c.Version++
	if err := save(tx, c); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "change.effective", Actor: actor.ForSystem(), Subject: subject(c.ID),
		Body: map[string]any{"reference": c.Reference, "version": c.Version, "changed": map[string]any{"state": [2]any{Announced, Effective}}}})
}

// takeBack ends an engagement that had begun for the first customers when its change is withdrawn.
func takeBack(tx *database.Tx, who actor.Actor, c *Change) error {
	settings, err := publisher.InTx(tx)
	if err != nil || c.AfterVersionID == nil {
		return err
	}
	return endEngagement(tx, who, c.EngagementID, settings.Today(tx.Now()))
}

// endEngagement ends an engagement; one that has ended already is as it should be.
func endEngagement(tx *database.Tx, who actor.Actor, id uuid.UUID, on calendar.Date) error {
	err := vendors.End(tx, who, id, on)
	if fault.Has(err, "engagement.not_in_effect") {
		return nil
	}
	return err
}

// sound returns the contradictions that must be mended before a change goes any further.
func sound(tx *database.Tx, c *Change) error {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return err
	}
	var check fault.Check
	checkDay(&check, c.EffectiveOn, settings.Today(tx.Now()))
	if err := soundBefore(tx, c, settings.Today(tx.Now())); err != nil {
		return err
	}
	if c.AfterVersionID != nil {
		facts, err := vendors.FactsOf(tx, *c.AfterVersionID)
		if err != nil {
			return err
		}
		_, err = vendors.Announceable(tx, c.VendorID, *facts)
		if err := check.Join("", err); err != nil {
			return err
		}
	}
	return check.Err()
}

// soundBefore refuses a change whose "before" is not what is in effect any more: what was drafted
// and approved would not be what happens.
func soundBefore(tx *database.Tx, c *Change, today calendar.Date) error {
	ends := c.ends()
	if ends == nil || c.BeforeVersionID == nil {
		return nil
	}
	now, err := vendors.InEffect(tx, *ends, today)
	if err != nil {
		return err
	}
	if now.VersionID != *c.BeforeVersionID {
		return fault.New(fault.Conflict, "change.before_is_stale", fault.Args{"Reference": c.Reference})
	}
	return nil
}

// lockReadyWindows reads the open windows whose gate may be open; Blockers has the last word.
func lockReadyWindows(tx *database.Tx, change uuid.UUID) ([]Window, error) {
	var list []Window
	err := tx.Gorm().Clauses(noKeyUpdate).Where("change_id = ? and state = ? and served_at is not null and held_at is null and authorisation = ? and earliest_at <= ?",
		change, WindowOpen, "general", tx.Now()).Order("id").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read windows: %w", err)
	}
	return list, nil
}

// noKeyUpdate locks a row against other decisions, but not against rows that refer to it: facts of
// service arrive while windows are decided on.
var noKeyUpdate = clause.Locking{Strength: "NO KEY UPDATE"}

func lockWindow(tx *database.Tx, id uuid.UUID) (*Window, error) {
	var w Window
	err := tx.Gorm().Clauses(noKeyUpdate).Take(&w, "id = ?", id).Error
	if database.NotFound(err) {
		return nil, fault.Missing("window")
	}
	if err != nil {
		return nil, fmt.Errorf("read a window: %w", err)
	}
	return &w, nil
}

func saveWindow(tx *database.Tx, w *Window) error {
	w.Version++
	w.UpdatedAt = tx.Now()
	if err := tx.Gorm().Select("*").Updates(w).Error; err != nil {
		return fmt.Errorf("save a window: %w", err)
	}
	return nil
}
