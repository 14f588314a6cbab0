package changes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
)

// View is a change as pages show it: with the names of what it refers to.
type View struct {
	Change
	VendorName    string
	VendorSlug    string
	ReplacedName  string // the vendor that a replacement replaces
	CreatedName   string
	SubmittedName string
	ApprovedName  string
	AnnouncedName string
	WithdrawnName string
}

// The vendor's name is the one of the publisher's day, or the latest there was.
const viewQuery = `
	select c.*, v.slug as vendor_slug, coalesce(nullif(vv.trade_name, ''), vv.legal_name) as vendor_name,
	       coalesce(rn.name, '') as replaced_name,
	       coalesce(a1.name, '') as created_name, coalesce(a2.name, '') as submitted_name, coalesce(a3.name, '') as approved_name,
	       coalesce(a4.name, '') as announced_name, coalesce(a5.name, '') as withdrawn_name
	  from changes c
	  join vendors v on v.id = c.vendor_id
	  join lateral (select trade_name, legal_name from vendor_versions x where x.vendor_id = v.id and not isempty(x.valid)
	                order by upper_inf(x.valid) desc, upper(x.valid) desc limit 1) vv on true
	  left join lateral (select coalesce(nullif(x.trade_name, ''), x.legal_name) as name
	                from engagements e join vendor_versions x on x.vendor_id = e.vendor_id
	                where e.id = c.replaced_engagement_id and not isempty(x.valid)
	                order by upper_inf(x.valid) desc, upper(x.valid) desc limit 1) rn on true
	  left join accounts a1 on a1.id = c.created_by
	  left join accounts a2 on a2.id = c.submitted_by
	  left join accounts a3 on a3.id = c.approved_by
	  left join accounts a4 on a4.id = c.announced_by
	  left join accounts a5 on a5.id = c.withdrawn_by `

// Get returns the change with this reference or ID.
func (s *Service) Get(ctx context.Context, reference string) (*View, error) {
	where, arg := "where c.reference = $1", any(strings.ToUpper(reference))
	if id, err := uuid.Parse(reference); err == nil {
		where, arg = "where c.id = $1", id
	}
	list, err := database.Collect[View](ctx, s.db.Reader(ctx), viewQuery+where, arg)
	if err != nil {
		return nil, fmt.Errorf("read a change: %w", err)
	}
	if len(list) == 0 {
		return nil, fault.Missing("change")
	}
	return &list[0], nil
}

// Filter narrows a list of changes; zero values narrow nothing.
type Filter struct {
	State State
	Kind  Kind
	Query string // in the reference or the vendor's name
	// Announced leaves out what the public was never told of: drafts, and what was withdrawn before
	// its announcement.
	Announced bool
	After     string // the cursor that the page before ended with
	Limit     int    // at most 200; 0: 50
}

// List returns changes, the newest first, and the cursor of the next page, "" on the last.
func (s *Service) List(ctx context.Context, f Filter) (list []View, next string, err error) {
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 50
	}
	after, err := database.ReadCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	list, err = database.Collect[View](ctx, s.db.Reader(ctx), viewQuery+`
		where ($1 = '' or c.state = $1) and ($2 = '' or c.kind = $2)
		  and ($3 = '' or c.reference ilike '%' || $3 || '%' or vv.legal_name ilike '%' || $3 || '%' or vv.trade_name ilike '%' || $3 || '%')
		  and ($4::uuid is null or c.id < $4)
		  and (not $6 or c.announced_at is not null)
		order by c.id desc limit $5`, string(f.State), string(f.Kind), database.EscapeLike(f.Query), after, f.Limit+1, f.Announced)
	if err != nil {
		return nil, "", fmt.Errorf("list changes: %w", err)
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = database.WriteCursor(list[f.Limit-1].ID)
	}
	return list, next, nil
}

// Public lists the announced changes that are still to come, by effective day: what the public
// list shows on top.
func (s *Service) Public(ctx context.Context) ([]View, error) {
	list, err := database.Collect[View](ctx, s.db.Reader(ctx), viewQuery+"where c.state = 'announced' order by c.effective_on, c.id")
	if err != nil {
		return nil, fmt.Errorf("list upcoming changes: %w", err)
	}
	return list, nil
}

// PublicDates are the dates of a change that hold for everybody who reads of it: a customer's own
// are in its notice.
type PublicDates struct {
	ChangeID        uuid.UUID
	ObjectionEndsAt *time.Time // the earliest objection deadline of any customer; nil when nobody is affected
	LastEffectiveOn *calendar.Date
	UpdatedAt       time.Time // when one of them, or another of a customer's dates, was last written
}

// DatesOf returns the public dates of several changes, with one query.
func (s *Service) DatesOf(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]PublicDates, error) {
	rows, err := database.Collect[PublicDates](ctx, s.db.Reader(ctx), `select change_id, min(objection_ends_at) as objection_ends_at,
		max(effective_on) as last_effective_on, max(updated_at) as updated_at from windows where change_id = any($1) group by change_id`, database.OrEmpty(ids))
	if err != nil {
		return nil, fmt.Errorf("read dates of changes: %w", err)
	}
	out := make(map[uuid.UUID]PublicDates, len(rows))
	for _, r := range rows {
		out[r.ChangeID] = r
	}
	return out, nil
}

// Facts returns the engagement before and after the change; nil where there is none.
func (s *Service) Facts(ctx context.Context, c *Change) (before, after *vendors.EngagementFacts, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		before, after, err = FactsIn(tx, c)
		return err
	})
	return before, after, err
}

// FactsIn is Facts inside a transaction.
func FactsIn(tx *database.Tx, c *Change) (before, after *vendors.EngagementFacts, err error) {
	if c.BeforeVersionID != nil {
		if before, err = vendors.FactsOf(tx, *c.BeforeVersionID); err != nil {
			return nil, nil, err
		}
	}
	if c.AfterVersionID != nil {
		after, err = vendors.FactsOf(tx, *c.AfterVersionID)
	}
	return before, after, err
}

// WindowView is a window with the names of what it refers to.
type WindowView struct {
	Window
	CustomerName string
	ExternalID   string // of the customer
	Reference    string // of the contract
	HeldByName   string

	ChangeReference string
}

// WindowsOf lists the windows of a change by the customer's name.
func (s *Service) WindowsOf(ctx context.Context, change uuid.UUID) ([]WindowView, error) {
	list, err := database.Collect[WindowView](ctx, s.db.Reader(ctx), windowQuery+"where w.change_id = $1 order by lower(c.name), w.id", change)
	if err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	return list, nil
}

// WindowByID returns one window.
func (s *Service) WindowByID(ctx context.Context, id uuid.UUID) (*WindowView, error) {
	list, err := database.Collect[WindowView](ctx, s.db.Reader(ctx), windowQuery+"where w.id = $1", id)
	if err != nil {
		return nil, fmt.Errorf("read a window: %w", err)
	}
	if len(list) == 0 {
		return nil, fault.Missing("window")
	}
	return &list[0], nil
}

// WindowsOfCustomer lists a customer's windows, the newest first.
func (s *Service) WindowsOfCustomer(ctx context.Context, customer uuid.UUID) ([]WindowView, error) {
	list, err := database.Collect[WindowView](ctx, s.db.Reader(ctx), windowQuery+"where w.customer_id = $1 order by w.id desc limit 100", customer)
	if err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	return list, nil
}

const windowQuery = `
	select w.*, c.name as customer_name, c.external_id, k.reference, h.reference as change_reference, coalesce(a.name, '') as held_by_name
	  from windows w join customers c on c.id = w.customer_id join contracts k on k.id = w.contract_id join changes h on h.id = w.change_id
	  left join accounts a on a.id = w.held_by `

// Home is what the console's first page counts.
type Home struct {
	ByState     map[State]int
	Unserved    int        // open windows of announced changes whose notice has not been served
	Held        int        // open windows that staff keep back
	ConsentOwed int        // open windows under specific authorisation
	NextEndsAt  *time.Time // the next objection deadline ahead
	NextEffect  *calendar.Date
}

// Home counts what needs somebody's eyes.
func (s *Service) Home(ctx context.Context) (*Home, error) {
	h := &Home{ByState: map[State]int{}}
	rows, err := database.Collect[struct {
		State State
		Count int
	}](ctx, s.db.Reader(ctx), "select state, count(*) from changes group by state")
	if err != nil {
		return nil, fmt.Errorf("count changes: %w", err)
	}
	for _, r := range rows {
		h.ByState[r.State] = r.Count
	}
	err = s.db.Reader(ctx).QueryRow(ctx, `
		select count(*) filter (where w.served_at is null), count(*) filter (where w.held_at is not null),
		       count(*) filter (where w.authorisation = 'specific'),
		       min(w.objection_ends_at) filter (where w.objection_ends_at > $1), min(w.effective_on)
		  from windows w join changes c on c.id = w.change_id
		 where w.state = 'open' and c.state = 'announced'`, s.db.Now()).
		Scan(&h.Unserved, &h.Held, &h.ConsentOwed, &h.NextEndsAt, &h.NextEffect)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("count windows: %w", err)
	}
	return h, nil
}
