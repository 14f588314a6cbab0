package vendors

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
	"fairnotice/internal/secrets"
)

// Service reads and writes the register.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// Today is the present day in the publisher's zone; a NotFound fault until the publisher is set.
func (s *Service) Today(ctx context.Context) (calendar.Date, error) {
	settings, err := publisher.New(s.db).Get(ctx)
	if err != nil {
		return calendar.Date{}, err
	}
	return settings.Today(s.db.Now()), nil
}

// today is the transaction's day in the publisher's zone.
func today(tx *database.Tx) (calendar.Date, error) {
	settings, err := publisher.InTx(tx)
	if err != nil {
		return calendar.Date{}, err
	}
	return settings.Today(tx.Now()), nil
}

func vendorSubject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("vendor", id) }

// accountOf is the account to name as the one who recorded something; nil for the system.
func accountOf(who actor.Actor) *uuid.UUID {
	if who.Kind != actor.Staff || who.ID == uuid.Nil {
		return nil
	}
	return &who.ID
}

// CreateVendor records a vendor. The facts as first recorded hold for all the time before, too.
// Faults: every one of VendorFacts.Validate; a Conflict at legal_name when a vendor has this legal
// name now, however capitalized.
func (s *Service) CreateVendor(ctx context.Context, who actor.Actor, facts VendorFacts) (*Vendor, error) {
	if err := who.Must(actor.EditRegister); err != nil {
		return nil, err
	}
	if err := facts.Validate(); err != nil {
		return nil, err
	}
	var out *Vendor
	err := s.db.Transact(ctx, func(tx *database.Tx) (err error) {
		out, err = createVendor(tx, who, facts)
		return err
	})
	return out, err
}

func createVendor(tx *database.Tx, who actor.Actor, facts VendorFacts) (*Vendor, error) {
	v := &Vendor{ID: secrets.ID(), Version: 1, CreatedAt: tx.Now(), VendorFacts: facts}
	if err := claimName(tx, v.ID, facts.LegalName); err != nil {
		return nil, err
	}
	if err := insertVendor(tx, v); err != nil {
		return nil, err
	}
	if err := insertVendorVersion(tx, who, v.ID, calendar.Range{}, facts, ""); err != nil {
		return nil, err
	}
	return v, ledger.AppendEdit(tx, who, "vendor.created", vendorSubject(v.ID), 1, struct{}{}, facts, "")
}

// EditVendor records new facts that hold from today (the publisher's zone) on; those before stay
// as they were. An edit on the day the present facts began replaces them for that day. basedOn is
// the vendor's version that the editor saw: when it is no longer the present one, nothing is
// written and the Conflict fault says who changed what meanwhile.
func (s *Service) EditVendor(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, facts VendorFacts, note string) error {
	if err := who.Must(actor.EditRegister); err != nil {
		return err
	}
	var c fault.Check
	input.OptionalText(&c, "note", &note)
	if err := c.Join("", facts.Validate()); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error { return editVendor(tx, who, id, basedOn, facts, note) })
}

func editVendor(tx *database.Tx, who actor.Actor, id uuid.UUID, basedOn int, facts VendorFacts, note string) error {
	if err := advance(tx, "vendors", vendorSubject(id), basedOn); err != nil {
		return err
	}
	if err := claimName(tx, id, facts.LegalName); err != nil {
		return err
	}
	day, err := today(tx)
	if err != nil {
		return err
	}
	before, err := latestVendorVersion(tx, id)
	if err != nil {
		return err
	}
	valid, err := closeVersions(tx, vendorVersions, id, before.Valid, day)
	if err != nil {
		return err
	}
	if err := insertVendorVersion(tx, who, id, valid, facts, note); err != nil {
		return err
	}
	return ledger.AppendEdit(tx, who, "vendor.edited", vendorSubject(id), basedOn+1, before.VendorFacts, facts, note)
}

// Vendor returns a vendor by its ID or slug, with its facts of today.
func (s *Service) Vendor(ctx context.Context, idOrSlug string) (*Vendor, error) {
	if id, err := uuid.Parse(idOrSlug); err == nil {
		return oneVendor(ctx, s.db.Reader(ctx), "v.id = $1 and upper_inf(vv.valid)", id)
	}
	return oneVendor(ctx, s.db.Reader(ctx), "v.slug = $1 and upper_inf(vv.valid)", strings.ToLower(plain(idOrSlug)))
}

// VendorAsOf returns a vendor with its facts of a day.
func (s *Service) VendorAsOf(ctx context.Context, id uuid.UUID, on calendar.Date) (*Vendor, error) {
	if err := asked("on", on); err != nil {
		return nil, err
	}
	return oneVendor(ctx, s.db.Reader(ctx), "v.id = $1 and vv.valid @> $2::date", id, on)
}

// VendorHistory returns every version of a vendor's facts, the latest recorded first.
func (s *Service) VendorHistory(ctx context.Context, id uuid.UUID) ([]VendorVersion, error) {
	out, err := database.Collect[VendorVersion](ctx, s.db.Reader(ctx),
		vendorVersionSQL+" where vv.vendor_id = $1 order by vv.recorded_at desc, vv.id desc", id)
	if err != nil {
		return nil, fmt.Errorf("history of a vendor: %w", err)
	}
	if len(out) == 0 {
		return nil, fault.Missing("vendor")
	}
	return out, nil
}
