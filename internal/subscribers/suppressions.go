package subscribers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
)

// Suppress keeps an address from being written to. One that is suppressed already is a Conflict
// at "address".
func (s *Service) Suppress(ctx context.Context, who actor.Actor, address, reason, detail string) error {
	if err := who.Must(actor.EditSuppression); err != nil {
		return err
	}
	var c fault.Check
	input.Email(&c, "address", &address)
	input.Choice(&c, "reason", reason, SuppressionReasons...)
	input.OptionalLine(&c, "detail", &detail)
	if err := c.Err(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		added, err := SuppressInTx(tx, who, address, reason, detail)
		if err == nil && !added {
			return duplicate("address", address)
		}
		return err
	})
}

// SuppressInTx keeps an address from being written to, and says whether it wasn't already. detail
// may be a server's answer: what can't stand on a line of ours is dropped.
func SuppressInTx(tx *database.Tx, who actor.Actor, address, reason, detail string) (bool, error) {
	address = strings.ToLower(address)
	n, err := tx.Exec(`insert into suppressions (address, reason, detail, created_at, created_by)
		values ($1, $2, $3, $4, $5) on conflict do nothing`, address, reason, oneLine(detail), tx.Now(), account(who))
	if err != nil {
		return false, fmt.Errorf("suppress an address: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, ledger.Append(tx, ledger.Entry{Kind: "suppression.added", Actor: who, Subject: ledger.Subject{Kind: "suppression"},
		Body: map[string]string{"address": address, "reason": reason, "detail": oneLine(detail)}})
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > input.Line {
		s = string(runes[:input.Line])
	}
	return strings.TrimSpace(s)
}

// Unsuppress lets an address be written to again.
func (s *Service) Unsuppress(ctx context.Context, who actor.Actor, address string) error {
	if err := who.Must(actor.EditSuppression); err != nil {
		return err
	}
	var c fault.Check
	if input.OptionalLine(&c, "address", &address); !c.OK() { // no address of ours can be that
		return fault.Missing("suppression")
	}
	if normal, ok := input.NormalEmail(address); ok {
		address = normal
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		n, err := tx.Exec("delete from suppressions where address = lower($1)", address)
		if err != nil {
			return fmt.Errorf("lift a suppression: %w", err)
		}
		if n == 0 {
			return fault.Missing("suppression")
		}
		return ledger.Append(tx, ledger.Entry{Kind: "suppression.lifted", Actor: who, Subject: ledger.Subject{Kind: "suppression"},
			Body: map[string]string{"address": strings.ToLower(address)}})
	})
}

// Suppression returns what is known of a suppressed address.
func (s *Service) Suppression(ctx context.Context, address string) (*Suppression, error) {
	var c fault.Check
	if input.Email(&c, "address", &address); !c.OK() {
		return nil, fault.Missing("suppression")
	}
	rows, err := database.Collect[Suppression](ctx, s.db.Reader(ctx),
		"select address, reason, detail, created_at, created_by from suppressions where address = lower($1)", address)
	if err != nil {
		return nil, fmt.Errorf("read a suppression: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("suppression")
	}
	return &rows[0], nil
}

// Suppressions lists suppressed addresses that contain the query, the latest first.
func (s *Service) Suppressions(ctx context.Context, query, after string, size int) (Page[Suppression], error) {
	none := Page[Suppression]{}
	var c fault.Check
	input.OptionalName(&c, "query", &query)
	if err := c.Err(); err != nil {
		return none, err
	}
	parts, err := decodeCursor(after, 2)
	if err != nil {
		return none, err
	}
	var at time.Time
	if after != "" {
		if at, err = time.Parse(time.RFC3339Nano, parts[0]); err != nil {
			return none, fault.Field("after", "cursor.malformed", nil)
		}
	}
	n := limit(size)
	rows, err := database.Collect[Suppression](ctx, s.db.Reader(ctx), `
		select address, reason, detail, created_at, created_by from suppressions
		where ($1 = '' or address ilike $1) and (not $2 or (created_at, address) < ($3, $4))
		order by created_at desc, address desc limit $5`, pattern(query), after != "", at, parts[1], n+1)
	if err != nil {
		return none, fmt.Errorf("list suppressions: %w", err)
	}
	return pageOf(rows, n, func(r Suppression) []string {
		return []string{r.CreatedAt.UTC().Format(time.RFC3339Nano), r.Address}
	}), nil
}

// idList is ids, never nil: a nil list would be NULL to PostgreSQL.
func idList(ids []uuid.UUID) []uuid.UUID {
	if ids == nil {
		return []uuid.UUID{}
	}
	return ids
}
