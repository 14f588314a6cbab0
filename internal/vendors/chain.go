package vendors

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// ChainLink says that a vendor uses another one as its own sub-processor.
type ChainLink struct {
	ID          uuid.UUID      `json:"id"`
	VendorID    uuid.UUID      `json:"vendor_id"`
	SubVendorID uuid.UUID      `json:"sub_vendor_id"`
	Purpose     string         `json:"purpose"`
	Valid       calendar.Range `json:"-"` // days in the publisher's zone
	RecordedAt  time.Time      `json:"-"`
}

// ChainNode is a vendor below another in the chain on a day, with the vendors below it.
type ChainNode struct {
	LinkID   uuid.UUID
	VendorID uuid.UUID
	Slug     string
	Purpose  string // of the link that leads to it
	VendorFacts
	Below []*ChainNode
	// Repeated is set where the vendor stands elsewhere in the chain too: what is below it is shown
	// in the first place only.
	Repeated bool
}

// AddLink records that a vendor uses another as its sub-processor since a day in the publisher's
// zone, the zero Date meaning today. Faults: since in the future; at sub_vendor_id an unknown
// vendor, a link that exists ("chain.twice", Conflict), or one that would lead the chain back to
// itself ("chain.cycle").
func (s *Service) AddLink(ctx context.Context, who actor.Actor, vendorID, subVendorID uuid.UUID, purpose string, since calendar.Date) (*ChainLink, error) {
	if err := who.Must(actor.EditRegister); err != nil {
		return nil, err
	}
	var c fault.Check
	input.OptionalLine(&c, "purpose", &purpose)
	if err := c.Err(); err != nil {
		return nil, err
	}
	link := &ChainLink{ID: secrets.ID(), VendorID: vendorID, SubVendorID: subVendorID, Purpose: purpose}
	err := s.db.Transact(ctx, func(tx *database.Tx) error { return addLink(tx, who, link, since) })
	if err != nil {
		return nil, err
	}
	return link, nil
}

func addLink(tx *database.Tx, who actor.Actor, link *ChainLink, since calendar.Date) error {
	day, err := today(tx)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = day
	}
	if err := asked("since", since); err != nil {
		return err
	}
	if since.After(day) {
		return fault.Field("since", "chain.since_future", nil)
	}
	link.Valid, link.RecordedAt = calendar.Since(since), tx.Now()
	_, err = tx.Exec(`insert into chain_links (id, vendor_id, sub_vendor_id, purpose, valid, recorded_at, recorded_by)
		values ($1, $2, $3, $4, $5, $6, $7)`, link.ID, link.VendorID, link.SubVendorID, link.Purpose, link.Valid, link.RecordedAt, accountOf(who))
	if err != nil {
		return linkFault(err)
	}
	return ledger.AppendEdit(tx, who, "chain_link.added", ledger.SubjectOf("chain_link", link.ID), 1, struct{}{}, struct {
		ChainLink
		Since calendar.Date `json:"since"`
	}{*link, since}, "")
}

func linkFault(err error) error {
	switch constraint, _ := database.Violates(err); constraint {
	case "chain_links_no_cycle", "chain_links_not_itself":
		return fault.Field("sub_vendor_id", "chain.cycle", nil)
	case "chain_links_no_overlap":
		return &fault.Error{Kind: fault.Conflict, Code: "chain.twice", Field: "sub_vendor_id"}
	case "chain_links_sub_vendor_id_fkey":
		return fault.Field("sub_vendor_id", "vendor.unknown", nil)
	case "chain_links_vendor_id_fkey":
		return fault.Missing("vendor")
	}
	return fmt.Errorf("add a link of the chain: %w", err)
}

// RemoveLink ends a link today (the publisher's zone); the days before keep it. A Conflict fault
// "chain.ended" when it has ended already.
func (s *Service) RemoveLink(ctx context.Context, who actor.Actor, linkID uuid.UUID) error {
	if err := who.Must(actor.EditRegister); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error { return removeLink(tx, who, linkID) })
}

func removeLink(tx *database.Tx, who actor.Actor, linkID uuid.UUID) error {
	day, err := today(tx)
	if err != nil {
		return err
	}
	running, err := database.Scalar[bool](tx, "select upper_inf(valid) from chain_links where id = $1 for update", linkID)
	if database.NotFound(err) {
		return fault.Missing("chain_link")
	}
	if err != nil {
		return fmt.Errorf("lock a link of the chain: %w", err)
	}
	if !running {
		return fault.New(fault.Conflict, "chain.ended", nil)
	}
	if _, err := tx.Exec("update chain_links set valid = valid * daterange(null, $2) where id = $1", linkID, day); err != nil {
		return fmt.Errorf("end a link of the chain: %w", err)
	}
	return ledger.AppendEdit(tx, who, "chain_link.removed", ledger.SubjectOf("chain_link", linkID), 2,
		struct{}{}, map[string]string{"ended_on": day.String()}, "")
}

type linkRow struct {
	LinkID   uuid.UUID
	AboveID  uuid.UUID
	VendorID uuid.UUID
	Slug     string
	Purpose  string
	VendorFacts
}

// The recursion is over vendors, not paths: a diamond is walked once.
const chainSQL = `
	with recursive reached(id) as (
		select unnest($1::uuid[])
		union
		select l.sub_vendor_id from chain_links l join reached r on l.vendor_id = r.id where l.valid @> $2::date
	)
	select l.id as link_id, l.vendor_id as above_id, v.id as vendor_id, v.slug, l.purpose, ` + vendorFactColumns + `
	from chain_links l join reached r on l.vendor_id = r.id
	join vendors v on v.id = l.sub_vendor_id
	join vendor_versions vv on vv.vendor_id = v.id and vv.valid @> $2::date
	where l.valid @> $2::date order by lower(vv.legal_name), v.id`

// Chain returns the vendors below a vendor on a day in the publisher's zone, to any depth, each
// level sorted by legal name.
func (s *Service) Chain(ctx context.Context, vendorID uuid.UUID, on calendar.Date) ([]*ChainNode, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	rows, err := database.Collect[linkRow](ctx, s.db.Reader(ctx), chainSQL, []uuid.UUID{vendorID}, on)
	if err != nil {
		return nil, fmt.Errorf("chain of a vendor: %w", err)
	}
	below := map[uuid.UUID][]linkRow{}
	for _, r := range rows {
		below[r.AboveID] = append(below[r.AboveID], r)
	}
	return tree(below, vendorID, map[uuid.UUID]bool{}), nil
}

func tree(below map[uuid.UUID][]linkRow, id uuid.UUID, seen map[uuid.UUID]bool) []*ChainNode {
	out := make([]*ChainNode, 0, len(below[id]))
	for _, r := range below[id] {
		n := &ChainNode{LinkID: r.LinkID, VendorID: r.VendorID, Slug: r.Slug, Purpose: r.Purpose, VendorFacts: r.VendorFacts}
		n.Repeated = seen[r.VendorID]
		seen[r.VendorID] = true
		if !n.Repeated {
			n.Below = tree(below, r.VendorID, seen)
		}
		out = append(out, n)
	}
	return out
}
