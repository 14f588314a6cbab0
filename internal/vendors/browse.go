package vendors

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// Filter narrows the list of vendors; the zero value doesn't.
type Filter struct {
	Query           string        // part of a name, the parent's name, the registration number or the slug, however capitalized
	Country         string        // ISO 3166-1 alpha-2
	Engaged         *bool         // with, or without, an engagement in effect today
	ReviewDueBefore calendar.Date // the next review is before this day
}

// Page asks for a part of a list: the first one, the one after a cursor or the one before. Cursors
// come from Listing; a row that is inserted meanwhile neither repeats nor hides another.
type Page struct {
	After, Before string
	Limit         int // 0: DefaultLimit; never more than MaxLimit
}

// How many rows a page has when it doesn't say, and at most.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Listing is one page of vendors, sorted by legal name.
type Listing struct {
	Items      []VendorItem `json:"items"`
	Next, Prev string       // cursors; "" where there is no such page
}

// cursor is the key of a row: what the list is sorted by, and the ID that tells ties apart.
type cursor struct {
	Name string    `json:"n"`
	ID   uuid.UUID `json:"i"`
}

func (c cursor) String() string {
	raw, _ := json.Marshal(c) // a string and an ID always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseCursor(field, s string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || strings.ContainsRune(c.Name, 0) {
		return c, fault.Field(field, "cursor.malformed", nil)
	}
	return c, nil
}

// ListVendors returns a page of vendors with their facts of today. A malformed cursor is a fault
// at after or before.
func (s *Service) ListVendors(ctx context.Context, f Filter, p Page) (*Listing, error) {
	day, err := s.Today(ctx)
	if err != nil {
		return nil, err
	}
	return listVendors(ctx, s.db.Reader(ctx), day, f, p)
}

const browseSQL = `
	select * from (
		select ` + vendorColumns + `, lower(vv.legal_name) as sort_name, (select count(distinct e.id)::int
			from engagements e join engagement_versions ev on ev.engagement_id = e.id
			where e.vendor_id = v.id and ev.valid @> $1::date) as engagements
		from vendors v join vendor_versions vv on vv.vendor_id = v.id and upper_inf(vv.valid)
		where ($2 = '' or position(lower($2) in lower(concat_ws(' ', vv.legal_name, vv.trade_name, vv.parent_name, vv.registration_number, v.slug))) > 0)
			and ($3 = '' or vv.country = $3)
			and ($5::date is null or vv.next_review_on < $5)
	) x
	where ($4::boolean is null or (engagements > 0) = $4)`

func listVendors(ctx context.Context, q database.Querier, day calendar.Date, f Filter, p Page) (*Listing, error) {
	limit := p.limit()
	args := []any{day, plain(f.Query), strings.ToUpper(plain(f.Country)), f.Engaged, f.ReviewDueBefore, limit + 1}
	where, order := "", "sort_name, id"
	field, at := "after", p.After
	if p.Before != "" {
		field, at = "before", p.Before
		order = "sort_name desc, id desc"
	}
	if at != "" {
		c, err := parseCursor(field, at)
		if err != nil {
			return nil, err
		}
		where = " and (sort_name, id) " + map[string]string{"after": ">", "before": "<"}[field] + " ($7, $8::uuid)"
		args = append(args, c.Name, c.ID)
	}
	rows, err := database.Collect[sortedItem](ctx, q, browseSQL+where+" order by "+order+" limit $6", args...)
	if err != nil {
		return nil, fmt.Errorf("list vendors: %w", err)
	}
	return pageOf(rows, p, limit), nil
}

// sortedItem carries the key as the database folded it, which is what the next page continues from.
type sortedItem struct {
	VendorItem
	SortName string
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return DefaultLimit
	}
	return min(p.Limit, MaxLimit)
}

// pageOf makes a page of rows that hold one more than the limit when there is a further page.
func pageOf(rows []sortedItem, p Page, limit int) *Listing {
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	back := p.Before != ""
	if back {
		slices.Reverse(rows)
	}
	out := &Listing{Items: make([]VendorItem, len(rows))}
	for i, r := range rows {
		out.Items[i] = r.VendorItem
	}
	if len(rows) == 0 {
		return out
	}
	first, last := rows[0], rows[len(rows)-1]
	if more || back {
		out.Next = cursor{last.SortName, last.ID}.String()
	}
	if back && more || !back && p.After != "" {
		out.Prev = cursor{first.SortName, first.ID}.String()
	}
	if back && !more {
		out.Prev = ""
	}
	return out
}
