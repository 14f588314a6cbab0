package changes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm/clause"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// servedQuery finds the open windows whose notice has been served as their terms count it, and
// when: over a channel that counts, proven as far as the clock asks, to the first recipient or to
// all of them.
const servedQuery = `
	select w.id, w.change_id, c.kind, k.signed_on, t.sheet, f.at as served_at
	  from windows w
	  join changes c on c.id = w.change_id
	  join contracts k on k.id = w.contract_id
	  join terms_versions t on t.id = w.terms_version_id
	  cross join lateral (
	    select case t.sheet->>'served'
	             when 'all' then case when count(s.at) = count(*) then max(s.at) end
	             else min(s.at) end as at
	      from deliveries d
	      left join services s on s.delivery_id = d.id
	       and s.kind = case t.sheet->>'clock_starts' when 'sent' then 'sent' else 'received' end
	     where d.window_id = w.id
	       and (coalesce(jsonb_array_length(t.sheet->'channels'), 0) = 0 or t.sheet->'channels' ? d.channel)
	  ) f
	 where w.state = 'open' and w.served_at is null and f.at is not null and c.state = 'announced'
	 order by w.id limit 1000`

type servedWindow struct {
	ID       uuid.UUID
	ChangeID uuid.UUID
	Kind     string
	SignedOn calendar.Date
	Sheet    json.RawMessage
	ServedAt time.Time
}

// DeriveWindows starts the clock of every window whose notice was served since the last time, and
// computes its dates anew from that instant. It returns how many windows it started.
func (s *Service) DeriveWindows(ctx context.Context) (started int, err error) {
	for {
		n := 0
		err := s.db.Transact(ctx, func(tx *database.Tx) error {
			n, err = derive(tx)
			return err
		})
		started += n
		if err != nil || n == 0 {
			return started, err
		}
	}
}

func derive(tx *database.Tx) (int, error) {
	settings, err := publisher.InTx(tx)
	if fault.Is(err, fault.NotFound) {
		return 0, nil // nothing is set up yet
	}
	if err != nil {
		return 0, err
	}
	// Two workers that derive at once would record the same thing twice.
	if _, err := tx.Exec("select pg_advisory_xact_lock(7301201829)"); err != nil {
		return 0, fmt.Errorf("derive windows: %w", err)
	}
	served, err := database.Rows[servedWindow](tx, servedQuery)
	if err != nil {
		return 0, fmt.Errorf("find served windows: %w", err)
	}
	if len(served) == 0 {
		return 0, nil
	}
	batch := &pgx.Batch{}
	for i := range served {
		if err := served[i].start(tx, settings, batch); err != nil {
			return 0, err
		}
	}
	err = tx.Pgx(func(ptx pgx.Tx) error { return ptx.SendBatch(tx.Context(), batch).Close() })
	if err != nil {
		return 0, fmt.Errorf("start windows: %w", err)
	}
	return len(served), nil
}

// start recomputes one window from the instant at which its notice was served. Its effective day
// never becomes earlier than the one that was announced.
func (w *servedWindow) start(tx *database.Tx, settings *publisher.Settings, batch *pgx.Batch) error {
	var sheet subscribers.TermSheet
	if err := json.Unmarshal(w.Sheet, &sheet); err != nil {
		return fmt.Errorf("terms of window %s: %w", w.ID, err)
	}
	dates, err := subscribers.ComputeDates(sheet, w.Kind, w.ServedAt, optionsFor(settings, w.SignedOn))
	if err != nil {
		return fmt.Errorf("dates of window %s: %w", w.ID, err)
	}
	batch.Queue(`update windows set served_at = $2, counted_from = $2, notice_ends_at = $3, objection_ends_at = $4, earliest_at = $5,
		effective_on = greatest(effective_on, $6::date), version = version + 1, updated_at = $7 where id = $1`,
		w.ID, w.ServedAt, dates.NoticeEnds, dates.ObjectionEnds, dates.Earliest, dates.EarliestDay.String(), tx.Now())
	return ledger.Append(tx, ledger.Entry{Kind: "window.served", Actor: actor.ForSystem(), Subject: ledger.SubjectOf("window", w.ID),
		Body: map[string]any{"change": w.ChangeID, "served_at": w.ServedAt, "notice_ends_at": dates.NoticeEnds,
			"objection_ends_at": dates.ObjectionEnds, "earliest_at": dates.Earliest}})
}

// ActivateDue lets every announced change take effect for each customer whose gate is open, and
// returns for how many windows it did.
func (s *Service) ActivateDue(ctx context.Context) (int, error) {
	ids, err := database.Collect[struct{ ID uuid.UUID }](ctx, s.db.Pool(), "select id from changes where state = 'announced' order by effective_on, id")
	if err != nil {
		return 0, fmt.Errorf("find announced changes: %w", err)
	}
	total := 0
	list := make([]uuid.UUID, len(ids))
	for i := range ids {
		list[i] = ids[i].ID
	}
	_, err = s.each(ctx, list, func(tx *database.Tx, id uuid.UUID) (bool, error) {
		n, err := activate(tx, id)
		total += n
		return n > 0, err
	})
	return total, err
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
	windows, err := lockOpenWindows(tx, id)
	if err != nil {
		return 0, err
	}
	through, err := letThrough(tx, c, windows)
	if err != nil {
		return 0, err
	}
	last := through == len(windows)
	if len(windows) == 0 { // nobody is affected, or everybody was through before
		last = !tx.Now().Before(c.EffectiveOn.Start(settings.Zone()))
	}
	if through > 0 || last {
		if err := takeEffect(tx, c, settings.Today(tx.Now()), last); err != nil {
			return 0, err
		}
	}
	return through, nil
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
	_, err = tx.Exec("update windows set state = 'effective', effective_at = $2, updated_at = $2, version = version + 1 where id = any($1)", orEmpty(ids), tx.Now())
	if err != nil {
		return 0, fmt.Errorf("let windows through: %w", err)
	}
	return len(ids), nil
}

// takeEffect changes the register. What comes is listed from the day on which it takes effect for
// the first customer; what goes is listed until it has ended for the last.
func takeEffect(tx *database.Tx, c *Change, today calendar.Date, last bool) error {
	if c.AfterVersionID != nil {
		begun, err := database.Scalar[bool](tx, "select not isempty(valid) from engagement_versions where id = $1", *c.AfterVersionID)
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
	ends := c.ReplacedEngagementID
	if c.Kind == Removal {
		ends = &c.EngagementID
	}
	if ends != nil {
		if err := vendors.End(tx, actor.ForSystem(), *ends, today); err != nil {
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
	return vendors.End(tx, who, c.EngagementID, settings.Today(tx.Now()))
}

// sound returns the contradictions that must be mended before a change goes any further.
func sound(tx *database.Tx, c *Change) error {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return err
	}
	var check fault.Check
	checkDay(&check, c.EffectiveOn, settings.Today(tx.Now()))
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

func lockOpenWindows(tx *database.Tx, change uuid.UUID) ([]Window, error) {
	var list []Window
	err := tx.Gorm().Clauses(clause.Locking{Strength: "UPDATE"}).Where("change_id = ? and state = ?", change, WindowOpen).
		Order("id").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("read windows: %w", err)
	}
	return list, nil
}

func lockWindow(tx *database.Tx, id uuid.UUID) (*Window, error) {
	var w Window
	err := tx.Gorm().Clauses(clause.Locking{Strength: "UPDATE"}).Take(&w, "id = ?", id).Error
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
