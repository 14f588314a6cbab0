package vendors

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
)

// EntryPage is a part of the list.
type EntryPage struct {
	Items []Entry
	Next  string // cursor; "" on the last page
}

// sortedEntry carries the key as the database folded it.
type sortedEntry struct {
	Entry
	SortName string
}

const listPageSQL = "select x.*, lower(x.legal_name) as sort_name from (" + entryFrom + listWhere + `) x
	where ($6 = '' or (lower(x.legal_name), x.engagement_id) > ($6, $7::uuid))
	order by lower(x.legal_name), x.engagement_id limit $8`

// ListPage is List in parts, sorted by legal name and then in the order in which the engagements were
// recorded: for as long as it is one day that is asked for, what comes or goes meanwhile neither
// repeats nor hides another entry. A malformed cursor is a fault at after; Before is not looked at.
func (s *Service) ListPage(ctx context.Context, on calendar.Date, f ListFilter, p Page) (*EntryPage, error) {
	return listPage(ctx, s.db.Reader(ctx), on, f, p)
}

func listPage(ctx context.Context, q database.Querier, on calendar.Date, f ListFilter, p Page) (*EntryPage, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	behind, limit := cursor{ID: uuid.Nil}, p.limit()
	if p.After != "" {
		var err error
		if behind, err = parseCursor("after", p.After); err != nil {
			return nil, err
		}
	}
	rows, err := database.Collect[sortedEntry](ctx, q, listPageSQL,
		on, plain(f.Query), plain(f.Product), plain(string(f.Region)), plain(f.Scheme), behind.Name, behind.ID, limit+1)
	if err != nil {
		return nil, fmt.Errorf("page of the list of %s: %w", on, err)
	}
	out := &EntryPage{Items: make([]Entry, 0, min(len(rows), limit))}
	for i := range rows[:min(len(rows), limit)] {
		out.Items = append(out.Items, rows[i].Entry)
	}
	if len(rows) > limit {
		last := rows[limit-1]
		out.Next = cursor{last.SortName, last.EngagementID}.String()
	}
	return out, nil
}
