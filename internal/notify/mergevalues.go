package notify

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
)

// objectionEnds is, in SQL, windowTerms.ObjectionEndsAt of a window w.
const objectionEnds = `case when w.objection_ends_at > w.counted_from or w.authorisation <> 'general' then w.objection_ends_at end`

// sharedTerms reads what the windows told of have in common, for the notice $1.
const sharedTerms = `select distinct t.language, w.authorisation, w.time_zone, w.effective_on, ` + objectionEnds + ` as objection_ends_at
	  from told t join windows w on w.id = t.window_id and w.change_id = (select change_id from notices where id = $1)
	 where t.notice_id = $1`

// ownMerges puts what is a window's own to what it has in common with others. The names are those
// of ownFields.
const ownMerges = `insert into merges (id, notice_id, window_id, language, fields)
	select uuid_v7(), $1, t.window_id, t.language, s.fields || jsonb_build_object('customer', c.name, 'external_id', c.external_id,
	         'contract', k.reference, 'clause', coalesce(nullif(w.clause, ''), k.reference))
	  from (select distinct window_id, language from told where notice_id = $1 and window_id is not null) t
	  join windows w on w.id = t.window_id and w.change_id = (select change_id from notices where id = $1)
	  join shared s on s.language = t.language and s.authorisation = w.authorisation and s.time_zone = w.time_zone
	   and s.effective_on = w.effective_on and coalesce(s.objection_ends_at, 'epoch') = coalesce(` + objectionEnds + `, 'epoch')
	  join customers c on c.id = w.customer_id
	  join contracts k on k.id = w.contract_id
	on conflict do nothing`

// writeMerges stores, for each window and language that are told of in a notice, and for followers,
// the merge values that aren't there yet. Their words are written here once for all windows that
// have their terms in common, and put together in the database: neither time nor memory here
// grows with the number of customers.
func writeMerges(tx *database.Tx, notice uuid.UUID, reference string, p *publisher.Settings) error {
	_, err := tx.Exec(`insert into merges (id, notice_id, window_id, language, fields)
		select uuid_v7(), $1, null, language, '{}' from unnest($2::text[]) language on conflict do nothing`, notice, Languages)
	if err != nil {
		return fmt.Errorf("merge values of followers: %w", err)
	}
	_, err = tx.Exec(`create temporary table shared (language text, authorisation text, time_zone text, effective_on date,
		objection_ends_at timestamptz, fields jsonb) on commit drop`)
	if err != nil {
		return fmt.Errorf("merge values: %w", err)
	}
	if err := shareTerms(tx, notice, reference, p); err != nil {
		return err
	}
	for _, statement := range []string{"analyze shared", ownMerges, "drop table shared"} {
		var args []any
		if statement == ownMerges {
			args = []any{notice}
		}
		if _, err := tx.Exec(statement, args...); err != nil {
			return fmt.Errorf("merge values: %w", err)
		}
	}
	return nil
}

// termsPage is how many terms are written at a time.
const termsPage = 1000

// shareTerms fills shared.
func shareTerms(tx *database.Tx, notice uuid.UUID, reference string, p *publisher.Settings) error {
	if _, err := tx.Exec("declare terms no scroll cursor for "+sharedTerms, notice); err != nil {
		return fmt.Errorf("merge values: %w", err)
	}
	for {
		page, err := database.Rows[struct {
			Language locale.Lang
			windowTerms
		}](tx, fmt.Sprintf("fetch forward %d from terms", termsPage))
		if err != nil {
			return fmt.Errorf("merge values: %w", err)
		}
		if len(page) == 0 {
			break
		}
		rows := make([][]any, len(page))
		for i, t := range page {
			fields, err := json.Marshal(termFields(t.Language, t.windowTerms, reference, p))
			if err != nil {
				return fmt.Errorf("merge values: %w", err)
			}
			rows[i] = []any{string(t.Language), t.Authorisation, t.TimeZone, t.EffectiveOn.UTC(), t.ObjectionEndsAt, json.RawMessage(fields)}
		}
		err = tx.Pgx(func(ptx pgx.Tx) error {
			_, err := ptx.CopyFrom(tx.Context(), pgx.Identifier{"shared"}, []string{"language", "authorisation", "time_zone", "effective_on", "objection_ends_at", "fields"}, pgx.CopyFromRows(rows))
			return err
		})
		if err != nil {
			return fmt.Errorf("merge values: %w", err)
		}
	}
	_, err := tx.Exec("close terms")
	return err
}
