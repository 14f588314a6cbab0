package vendors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// Entry is one row of the published list: an engagement in effect on a day, with the facts of that
// day. Some of the vendor's facts are for staff only; see Published.
type Entry struct {
	EngagementID uuid.UUID     `json:"engagement_id"`
	VersionID    uuid.UUID     `json:"version_id"` // of the engagement's facts
	VendorID     uuid.UUID     `json:"vendor_id"`
	Slug         string        `json:"slug"`      // the vendor's
	Since        calendar.Date `json:"since"`     // the engagement's first day, in the publisher's zone; zero: a draft
	HostedOn     string        `json:"hosted_on"` // the hosting vendor's name on that day
	HostedOnSlug string        `json:"hosted_on_slug"`
	VendorFacts
	EngagementFacts
}

// ListFilter narrows the list; the zero value doesn't.
type ListFilter struct {
	Query   string           // part of a name, the parent's name or the purpose, however capitalized
	Product string           // a product's slug: engagements that serve it
	Region  publisher.Region // engagements that serve its customers
	Scheme  string           // vendors with a certification under this scheme
}

const entryFrom = ` select e.id as engagement_id, ev.id as version_id, v.slug, e.vendor_id, ` + sinceColumn + `,
	coalesce(nullif(hv.trade_name, ''), hv.legal_name, '') as hosted_on, coalesce(h.slug, '') as hosted_on_slug,
	` + vendorFactColumns + `, ` + engagementColumns + `
	from engagement_versions ev
	join engagements e on e.id = ev.engagement_id
	join vendors v on v.id = e.vendor_id
	join vendor_versions vv on vv.vendor_id = v.id and vv.valid @> $1::date
	left join vendors h on h.id = ev.hosting_vendor_id
	left join vendor_versions hv on hv.vendor_id = h.id and hv.valid @> $1::date `

const entryOrder = ` order by lower(vv.legal_name), ev.purpose, e.id`

const listWhere = ` where ev.valid @> $1::date
	and ($2 = '' or position(lower($2) in lower(concat_ws(' ', vv.legal_name, vv.trade_name, vv.parent_name, ev.purpose))) > 0)
	and ($3 = '' or not exists (select from engagement_products ep where ep.engagement_version_id = ev.id)
		or exists (select from engagement_products ep join products p on p.id = ep.product_id
			where ep.engagement_version_id = ev.id and p.slug = $3))
	and ($4 = '' or ev.regions = '{}' or $4 = any(ev.regions))
	and ($5 = '' or exists (select from certifications c
		where c.vendor_id = v.id and c.removed_at is null and lower(c.scheme) = lower($5)))`

// List returns the list as of a day in the publisher's zone, past or future, sorted by legal name. A
// day that is no sensible one is a fault at on.
func (s *Service) List(ctx context.Context, on calendar.Date, f ListFilter) ([]Entry, error) {
	return list(ctx, s.db.Reader(ctx), on, f)
}

func list(ctx context.Context, q database.Querier, on calendar.Date, f ListFilter) ([]Entry, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	out, err := database.Collect[Entry](ctx, q, entryFrom+listWhere+entryOrder,
		on, plain(f.Query), plain(f.Product), plain(string(f.Region)), plain(f.Scheme))
	if err != nil {
		return nil, fmt.Errorf("list of %s: %w", on, err)
	}
	return out, nil
}

// Entries returns a vendor's entries in the list as of a day: one for each of its engagements.
// A NotFound fault when the vendor isn't in the list that day.
func (s *Service) Entries(ctx context.Context, slug string, on calendar.Date) ([]Entry, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	out, err := database.Collect[Entry](ctx, s.db.Reader(ctx), entryFrom+" where ev.valid @> $1::date and v.slug = $2"+entryOrder, on, plain(slug))
	if err != nil {
		return nil, fmt.Errorf("entries of %s: %w", on, err)
	}
	if len(out) == 0 {
		return nil, fault.Missing("entry")
	}
	return out, nil
}

// EntriesOfVersions returns versions of engagements, drafts included, as entries, with the vendors'
// facts of a day: what a notice says of a change, before and after. By version; unknown IDs are
// left out.
func (s *Service) EntriesOfVersions(ctx context.Context, on calendar.Date, versionIDs ...uuid.UUID) (map[uuid.UUID]Entry, error) {
	return entriesOfVersions(database.Collect[Entry](ctx, s.db.Reader(ctx), entryFrom+" where ev.id = any($2)", on, versionIDs))
}

// EntriesOfVersions is Service.EntriesOfVersions inside the caller's transaction.
func EntriesOfVersions(tx *database.Tx, on calendar.Date, versionIDs ...uuid.UUID) (map[uuid.UUID]Entry, error) {
	return entriesOfVersions(database.Rows[Entry](tx, entryFrom+" where ev.id = any($2)", on, versionIDs))
}

func entriesOfVersions(rows []Entry, err error) (map[uuid.UUID]Entry, error) {
	if err != nil {
		return nil, fmt.Errorf("entries of versions: %w", err)
	}
	out := make(map[uuid.UUID]Entry, len(rows))
	for _, e := range rows {
		out[e.VersionID] = e
	}
	return out, nil
}

// Difference is what differs between the lists of two days, each part sorted by legal name.
type Difference struct {
	Added   []Entry   `json:"added"`
	Removed []Entry   `json:"removed"`
	Changed []Changed `json:"changed"`
}

// Changed is an engagement in both lists with other published facts.
type Changed struct {
	Before Entry    `json:"before"`
	After  Entry    `json:"after"`
	Fields []string `json:"fields"` // JSON names of the published facts that differ, sorted
}

// unpublished are facts for staff: they make no difference to the list.
var unpublished = []string{"owner_id", "dpa_signed_on", "dpa_url", "flow_down_confirmed", "delimitation",
	"last_review_on", "next_review_on", "note", "version_id", "since"}

// Published says whether a fact, by its JSON name, belongs to the published list. The rest is the
// publisher's own: who looks after the vendor, the agreement, reviews, notes.
func Published(field string) bool { return !slices.Contains(unpublished, field) }

// Compare returns what differs in the list between two days in the publisher's zone.
func (s *Service) Compare(ctx context.Context, from, to calendar.Date) (*Difference, error) {
	var c fault.Check
	if err := errors.Join(c.Join("", asked("from", from)), c.Join("", asked("to", to)), c.Err()); err != nil {
		return nil, err
	}
	before, err := s.List(ctx, from, ListFilter{})
	if err != nil {
		return nil, err
	}
	after, err := s.List(ctx, to, ListFilter{})
	if err != nil {
		return nil, err
	}
	return compare(before, after)
}

func compare(before, after []Entry) (*Difference, error) {
	was := make(map[uuid.UUID]Entry, len(before))
	for _, e := range before {
		was[e.EngagementID] = e
	}
	out := &Difference{Added: []Entry{}, Removed: []Entry{}, Changed: []Changed{}}
	for _, e := range after {
		b, known := was[e.EngagementID]
		delete(was, e.EngagementID)
		if !known {
			out.Added = append(out.Added, e)
			continue
		}
		fields, err := differing(b, e)
		if err != nil {
			return nil, err
		}
		if len(fields) > 0 {
			out.Changed = append(out.Changed, Changed{Before: b, After: e, Fields: fields})
		}
	}
	for _, e := range before {
		if _, gone := was[e.EngagementID]; gone {
			out.Removed = append(out.Removed, e)
		}
	}
	return out, nil
}

func differing(before, after Entry) ([]string, error) {
	before.EngagementFacts, after.EngagementFacts = before.bare(), after.bare()
	changed, err := ledger.Diff(before, after)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for field := range changed {
		if Published(field) {
			out = append(out, field)
		}
	}
	slices.Sort(out)
	return out, nil
}

// LastUpdated is when the published list, or a certification or chain on it, was last written; the
// zero time when it never was.
func (s *Service) LastUpdated(ctx context.Context) (time.Time, error) {
	var at *time.Time
	err := s.db.Reader(ctx).QueryRow(ctx, `
		select max(l.at) from (
			select id from vendors union all select id from engagements union all
			select id from certifications union all select id from chain_links) subjects,
		lateral (select e.at from ledger_entries e where e.subject_id = subjects.id
			and e.kind not in ('engagement.drafted', 'engagement.draft_dropped') order by e.seq desc limit 1) l`).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("when the list was last updated: %w", err)
	}
	if at == nil {
		return time.Time{}, nil
	}
	return at.UTC(), nil
}

// Schemes lists the schemes of certifications on the list as of a day, sorted: the choices of
// ListFilter.Scheme. A day that is no sensible one is a fault at on.
func (s *Service) Schemes(ctx context.Context, on calendar.Date) ([]string, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	type row struct{ Scheme string }
	rows, err := database.Collect[row](ctx, s.db.Reader(ctx), `
		select min(c.scheme) as scheme from certifications c where c.removed_at is null and exists (
			select from engagements e join engagement_versions ev on ev.engagement_id = e.id
			where e.vendor_id = c.vendor_id and ev.valid @> $1::date)
		group by lower(c.scheme) order by 1`, on)
	if err != nil {
		return nil, fmt.Errorf("schemes on the list: %w", err)
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Scheme
	}
	return out, nil
}
