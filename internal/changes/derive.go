package changes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
)

// toldQuery finds the open windows of which a fact of service is known, a page of them.
const toldQuery = `
	select w.id from windows w join changes c on c.id = w.change_id
	 where w.state = 'open' and w.served_at is null and c.state = 'announced' and w.id > $1
	   and exists (select from deliveries d join services s on s.delivery_id = d.id where d.window_id = w.id)
	 order by w.id limit $2 for no key update of w`

// servedQuery finds those of the windows $1 whose notice has been served as every contract of the
// customer counts it, and when under each: over a channel that counts, proven as far as the clock asks,
// to the first recipient or to all of them. What was received was sent. One row a contract.
const servedQuery = `
	with facts as (
	  select r.id, x.contract_id, x.terms_version_id,
	         case t.sheet->>'served' when 'all' then case when y.served = y.told then y.latest end else y.earliest end as at
	    from unnest($1::uuid[]) r (id)
	    join window_terms x on x.window_id = r.id
	    join terms_versions t on t.id = x.terms_version_id
	   cross join lateral (
	          select count(*) as told, count(z.at) as served, min(z.at) as earliest, max(z.at) as latest
	            from (select min(s.at) as at
	                    from deliveries d
	                    left join services s on s.delivery_id = d.id and (s.kind = 'received' or t.sheet->>'clock_starts' = 'sent')
	                   where d.window_id = r.id
	                     and (coalesce(jsonb_array_length(t.sheet->'channels'), 0) = 0 or t.sheet->'channels' ? d.channel)
	                   group by d.id) z) y
	)
	select f.id, w.change_id, c.kind, k.signed_on, t.sheet, f.at as served_at
	  from facts f
	  join windows w on w.id = f.id
	  join changes c on c.id = w.change_id
	  join contracts k on k.id = f.contract_id
	  join terms_versions t on t.id = f.terms_version_id
	 where not exists (select from facts o where o.id = f.id and o.at is null)
	 order by f.id`

// derivePage is how many windows are looked at in one transaction.
var derivePage = 1000

// servedTerms is a served window under one of its contracts.
type servedTerms struct {
	ID       uuid.UUID
	ChangeID uuid.UUID
	Kind     string
	SignedOn calendar.Date
	Sheet    json.RawMessage
	ServedAt time.Time
}

// DeriveWindows starts the clock of every window whose notice was served since the last time, and
// computes its dates anew from that instant. It returns how many windows it started. Windows that were
// told but don't count as served yet, of which there may be many for long, keep nobody back.
func (s *Service) DeriveWindows(ctx context.Context) (started int, err error) {
	for after := uuid.Nil; ; {
		n, last := 0, uuid.Nil
		err := s.db.Transact(ctx, func(tx *database.Tx) (err error) {
			n, last, err = derive(tx, after)
			return err
		})
		if err != nil {
			return started, err
		}
		started += n
		if last == uuid.Nil {
			return started, nil
		}
		after = last
	}
}

// derive starts the windows of one page, and says with which window that ended; with the zero ID when
// it was the last page.
func derive(tx *database.Tx, after uuid.UUID) (started int, last uuid.UUID, err error) {
	settings, err := publisher.InTx(tx)
	if fault.Is(err, fault.NotFound) {
		return 0, last, nil // nothing is set up yet
	}
	if err != nil {
		return 0, last, err
	}
	// Two workers that derive at once would record the same thing twice.
	if _, err := tx.Exec("select pg_advisory_xact_lock(7301201829)"); err != nil {
		return 0, last, fmt.Errorf("derive windows: %w", err)
	}
	if _, err := tx.Exec(database.ByIndex); err != nil {
		return 0, last, fmt.Errorf("derive windows: %w", err)
	}
	told, err := database.Scalars[uuid.UUID](tx, toldQuery, after, derivePage)
	if err != nil {
		return 0, last, fmt.Errorf("find windows that were told: %w", err)
	}
	if len(told) == derivePage {
		last = told[derivePage-1]
	}
	if len(told) == 0 {
		return 0, last, nil
	}
	served, err := database.Rows[servedTerms](tx, servedQuery, told)
	if err != nil {
		return 0, last, fmt.Errorf("find served windows: %w", err)
	}
	started, err = startWindows(tx, settings, served)
	return started, last, err
}

// startWindows starts windows of which each contract has a row, one after the other.
func startWindows(tx *database.Tx, settings *publisher.Settings, served []servedTerms) (int, error) {
	if len(served) == 0 {
		return 0, nil
	}
	batch := &pgx.Batch{}
	for rest := served; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].ID == rest[0].ID {
			n++
		}
		if err := startWindow(tx, settings, rest[:n], batch); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	err := tx.Pgx(func(ptx pgx.Tx) error { return ptx.SendBatch(tx.Context(), batch).Close() })
	if err != nil {
		return 0, fmt.Errorf("start windows: %w", err)
	}
	return batch.Len(), nil
}

// startWindow recomputes one window from the instants at which its notice was served under each of
// the customer's contracts; the latest of all counts. No date becomes earlier than the one that was
// announced.
func startWindow(tx *database.Tx, settings *publisher.Settings, terms []servedTerms, batch *pgx.Batch) error {
	var all subscribers.Dates
	var servedAt time.Time
	for i := range terms {
		dates, err := terms[i].dates(settings)
		if err != nil {
			return err
		}
		servedAt = later(servedAt, terms[i].ServedAt)
		all.NoticeEnds, all.ObjectionEnds = later(all.NoticeEnds, dates.NoticeEnds), later(all.ObjectionEnds, dates.ObjectionEnds)
		all.Earliest = later(all.Earliest, dates.Earliest)
		if dates.EarliestDay.After(all.EarliestDay) {
			all.EarliestDay = dates.EarliestDay
		}
	}
	batch.Queue(`update windows set served_at = $2, counted_from = $2, notice_ends_at = greatest(notice_ends_at, $3), objection_ends_at = greatest(objection_ends_at, $4),
		earliest_at = greatest(earliest_at, $5), effective_on = greatest(effective_on, $6::date), version = version + 1, updated_at = $7 where id = $1`,
		terms[0].ID, servedAt, all.NoticeEnds, all.ObjectionEnds, all.Earliest, all.EarliestDay.String(), tx.Now())
	return ledger.Append(tx, ledger.Entry{Kind: "window.served", Actor: actor.ForSystem(), Subject: ledger.SubjectOf("window", terms[0].ID),
		Body: map[string]any{"change": terms[0].ChangeID, "served_at": servedAt, "contracts": len(terms), "notice_ends_at": all.NoticeEnds,
			"objection_ends_at": all.ObjectionEnds, "earliest_at": all.Earliest}})
}

func (t *servedTerms) dates(settings *publisher.Settings) (dates subscribers.Dates, err error) {
	var sheet subscribers.TermSheet
	if err := json.Unmarshal(t.Sheet, &sheet); err != nil {
		return dates, fmt.Errorf("terms of window %s: %w", t.ID, err)
	}
	dates, err = subscribers.ComputeDates(sheet, t.Kind, t.ServedAt, optionsFor(settings, t.SignedOn))
	if err != nil {
		return dates, fmt.Errorf("dates of window %s: %w", t.ID, err)
	}
	return dates, nil
}
