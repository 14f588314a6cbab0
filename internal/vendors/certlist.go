package vendors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// States lists every state of a certification.
var States = []State{Current, Expiring, Expired, VoidEdition, Superseded, Invalid, Unverified}

// CertificationFilter narrows the list of all certifications; the zero value doesn't.
type CertificationFilter struct {
	Query         string        // part of the vendor's name or slug, the issuer or the number, however capitalized
	Scheme        string        // however capitalized
	ExpiresBefore calendar.Date // the printed expiry is before this day
	Engaged       *bool         // of vendors with, or without, an engagement in effect on the day
	States        []State       // one of these on the day; none: any
}

// CertificationItem is a certification in the list of all.
type CertificationItem struct {
	Certification
	VendorName string // what people call the vendor today
	VendorSlug string
}

// CertificationPage is a part of the list of all certifications.
type CertificationPage struct {
	Items []CertificationItem
	Next  string // cursor; "" on the last page
}

// certificationKey is as much of a certification as its status and its place in the list need.
type certificationKey struct {
	ID         uuid.UUID
	VendorName string
	VendorSlug string
	SortDay    string // the printed expiry, or "infinity"
	CheckedAt  *time.Time
	Scheme     string
	Edition    string
	IssuedOn   calendar.Date
	PeriodEnd  calendar.Date
	ExpiresOn  calendar.Date
}

func (k *certificationKey) status(on calendar.Date) Status {
	c := Certification{CheckedAt: k.CheckedAt, CertificationFacts: CertificationFacts{Scheme: k.Scheme, Edition: k.Edition,
		IssuedOn: k.IssuedOn, PeriodEnd: k.PeriodEnd, ExpiresOn: k.ExpiresOn}}
	return c.Status(on)
}

const certificationKeysSQL = `
	select c.id, coalesce(nullif(vv.trade_name, ''), vv.legal_name) as vendor_name, v.slug as vendor_slug,
		coalesce(s.expires_on, 'infinity')::text as sort_day, s.checked_at, s.scheme, s.edition, s.issued_on, s.period_end, s.expires_on
	from certifications c
	join certifications s on s.id = coalesce(c.inherited_from, c.id) and s.removed_at is null
	join vendors v on v.id = c.vendor_id
	join vendor_versions vv on vv.vendor_id = v.id and upper_inf(vv.valid)
	where c.removed_at is null
		and ($2 = '' or position(lower($2) in lower(concat_ws(' ', vv.legal_name, vv.trade_name, v.slug, s.issuer, s.number))) > 0)
		and ($3 = '' or lower(s.scheme) = lower($3))
		and ($4::date is null or s.expires_on < $4)
		and ($5::boolean is null or $5 = exists (select from engagements e join engagement_versions ev on ev.engagement_id = e.id
			where e.vendor_id = v.id and ev.valid @> $1::date))
		and (coalesce(s.expires_on, 'infinity'), c.id) > ($6::text::date, $7::uuid)
	order by coalesce(s.expires_on, 'infinity'), c.id limit $8`

// ListCertifications returns a page of all vendors' certifications, sorted by the expiry printed on
// them; those without one come last. The day, in the publisher's zone, is the one that states and
// engagements are asked for; everything else is as it is now. A malformed cursor is a fault at after;
// Before is not looked at.
func (s *Service) ListCertifications(ctx context.Context, on calendar.Date, f CertificationFilter, p Page) (*CertificationPage, error) {
	return listCertifications(ctx, s.db.Reader(ctx), on, f, p)
}

func listCertifications(ctx context.Context, q database.Querier, on calendar.Date, f CertificationFilter, p Page) (*CertificationPage, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	behind, err := certificationCursor(p.After)
	if err != nil {
		return nil, err
	}
	// Which state a certification is in only Status knows, so with states all keys are read: they are
	// short, and a register is no larger than a few thousand.
	limit := p.limit()
	atMost := new(limit + 1)
	if len(f.States) > 0 {
		atMost = nil
	}
	keys, err := database.Collect[certificationKey](ctx, q, certificationKeysSQL,
		on, plain(f.Query), plain(f.Scheme), f.ExpiresBefore, f.Engaged, behind.Name, behind.ID, atMost)
	if err != nil {
		return nil, fmt.Errorf("list certifications: %w", err)
	}
	if len(f.States) > 0 {
		keys = slices.DeleteFunc(keys, func(k certificationKey) bool { return !slices.Contains(f.States, k.status(on).State) })
	}
	out := &CertificationPage{}
	if len(keys) > limit {
		keys = keys[:limit]
		out.Next = cursor{keys[limit-1].SortDay, keys[limit-1].ID}.String()
	}
	out.Items, err = certificationItems(ctx, q, keys)
	return out, err
}

// certificationCursor is where a page begins: behind the first of all keys when there is none.
func certificationCursor(after string) (cursor, error) {
	if after == "" {
		return cursor{Name: "-infinity"}, nil
	}
	c, err := parseCursor("after", after)
	if err != nil {
		return c, err
	}
	if _, err := calendar.ParseDate(c.Name); err != nil && c.Name != "infinity" {
		return c, fault.Field("after", "cursor.malformed", nil)
	}
	return c, nil
}

// certificationItems reads certifications whole, in the keys' order.
func certificationItems(ctx context.Context, q database.Querier, keys []certificationKey) ([]CertificationItem, error) {
	ids := make([]uuid.UUID, len(keys))
	for i := range keys {
		ids[i] = keys[i].ID
	}
	rows, err := database.Collect[Certification](ctx, q, certificationSQL+" and c.id = any($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("read certifications: %w", err)
	}
	byID := make(map[uuid.UUID]Certification, len(rows))
	for _, c := range rows {
		byID[c.ID] = c
	}
	out := make([]CertificationItem, 0, len(keys))
	for _, k := range keys {
		if c, there := byID[k.ID]; there { // else it was removed in between
			out = append(out, CertificationItem{c, k.VendorName, k.VendorSlug})
		}
	}
	return out, nil
}
