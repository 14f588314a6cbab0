package changes

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/database"
)

// WindowFilter names a change or a customer and narrows its windows; other zero values narrow
// nothing.
type WindowFilter struct {
	Change   uuid.UUID // its windows, in the order in which they were opened
	Customer uuid.UUID // where no change is named: its windows, the newest first
	State    WindowState
	Blocker  Blocker // NotServed, Held or ConsentOwed: open windows that wait for this
	Query    string  // in the customer's name
	After    string  // the cursor that the page before ended with
	Limit    int     // at most 200; 0: 50
}

// waiting are the conditions for what open windows wait for besides time. Blockers tells the same of
// one window.
var waiting = map[Blocker]string{
	NotServed:   "w.state = 'open' and w.served_at is null",
	Held:        "w.state = 'open' and w.held_at is not null",
	ConsentOwed: "w.state = 'open' and w.authorisation <> 'general'",
}

// Windows returns windows and the cursor of the next page, "" on the last.
func (s *Service) Windows(ctx context.Context, f WindowFilter) (list []WindowView, next string, err error) {
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	after, err := database.ReadCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	where, of := "where w.change_id = $1 and ($5::uuid is null or w.id > $5)", f.Change
	order := " order by w.id limit $4"
	if f.Change == uuid.Nil {
		where, of = "where w.customer_id = $1 and ($5::uuid is null or w.id < $5)", f.Customer
		order = " order by w.id desc limit $4"
	}
	if condition, ok := waiting[f.Blocker]; ok {
		where += " and " + condition
	}
	list, err = database.Collect[WindowView](ctx, s.db.Reader(ctx), windowQuery+where+
		" and ($2 = '' or w.state = $2) and ($3 = '' or c.name ilike '%' || $3 || '%')"+order,
		of, string(f.State), database.EscapeLike(f.Query), f.Limit+1, after)
	if err != nil {
		return nil, "", fmt.Errorf("list windows: %w", err)
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = database.WriteCursor(list[f.Limit-1].ID)
	}
	return list, next, nil
}
