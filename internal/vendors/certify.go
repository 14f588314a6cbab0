package vendors

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

func certificationSubject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("certification", id) }

// AddCertification records a certification of a vendor; nobody has checked it yet. One that is
// inherited must come from a vendor below in the chain today, or one that hosts an engagement of
// the vendor, and must be that vendor's own (fault at inherited_from).
func (s *Service) AddCertification(ctx context.Context, who actor.Actor, vendorID uuid.UUID, facts CertificationFacts) (*Certification, error) {
	if err := who.Must(actor.EditCertifications); err != nil {
		return nil, err
	}
	if err := facts.Validate(); err != nil {
		return nil, err
	}
	id := secrets.ID()
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := heritage(tx, id, vendorID, facts.InheritedFrom); err != nil {
			return err
		}
		if err := insertCertification(tx, id, vendorID, facts); err != nil {
			return err
		}
		return ledger.AppendEdit(tx, who, "certification.added", certificationSubject(id), 1, struct{}{}, struct {
			CertificationFacts
			VendorID uuid.UUID `json:"vendor_id"`
		}{facts, vendorID}, facts.Note)
	})
	if err != nil {
		return nil, err
	}
	return s.Certification(ctx, id)
}

// EditCertification gives a certification other facts. What was checked no longer stands there, so
// it counts as unchecked again. basedOn as in EditVendor.
func (s *Service) EditCertification(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, facts CertificationFacts) error {
	if err := who.Must(actor.EditCertifications); err != nil {
		return err
	}
	if err := facts.Validate(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		before, err := claimCertification(tx, id, basedOn)
		if err != nil {
			return err
		}
		if err := heritage(tx, id, before.VendorID, facts.InheritedFrom); err != nil {
			return err
		}
		if err := updateCertification(tx, id, facts); err != nil {
			return err
		}
		return ledger.AppendEdit(tx, who, "certification.edited", certificationSubject(id), basedOn+1, before.CertificationFacts, facts, facts.Note)
	})
}

// CheckCertification records that somebody compared the certification with its evidence now.
// basedOn as in EditVendor: what was checked is what the checker saw.
func (s *Service) CheckCertification(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.touchCertification(ctx, who, id, basedOn, "certification.checked", "checked_at", "checked_by = $3")
}

// RemoveCertification takes a certification off the register, with those inherited from it; the
// row stays for the record. basedOn as in EditVendor.
func (s *Service) RemoveCertification(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int) error {
	return s.touchCertification(ctx, who, id, basedOn, "certification.removed", "removed_at", "")
}

// touchCertification sets a time, and what else belongs to it, in a certification.
func (s *Service) touchCertification(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, kind, column, also string) error {
	if err := who.Must(actor.EditCertifications); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		if _, err := claimCertification(tx, id, basedOn); err != nil {
			return err
		}
		set, args := column+" = $2, updated_at = $2", []any{id, tx.Now()}
		if also != "" {
			set, args = set+", "+also, append(args, accountOf(who))
		}
		if _, err := tx.Exec("update certifications set "+set+" where id = $1", args...); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		return ledger.AppendEdit(tx, who, kind, certificationSubject(id), basedOn+1, struct{}{}, map[string]any{column: tx.Now()}, "")
	})
}

// Certification returns a certification; a NotFound fault when it was removed.
func (s *Service) Certification(ctx context.Context, id uuid.UUID) (*Certification, error) {
	rows, err := database.Collect[Certification](ctx, s.db.Reader(ctx), certificationSQL+" and c.id = $1", id)
	if err != nil {
		return nil, fmt.Errorf("read a certification: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("certification")
	}
	return &rows[0], nil
}

// Certifications returns the certifications of vendors, inherited ones included, by vendor; sorted
// by scheme. A vendor that has none is left out.
func (s *Service) Certifications(ctx context.Context, vendorIDs ...uuid.UUID) (map[uuid.UUID][]Certification, error) {
	rows, err := database.Collect[Certification](ctx, s.db.Reader(ctx),
		certificationSQL+" and c.vendor_id = any($1) order by lower(c.scheme), c.edition, c.created_at, c.id", vendorIDs)
	if err != nil {
		return nil, fmt.Errorf("read certifications: %w", err)
	}
	out := map[uuid.UUID][]Certification{}
	for _, c := range rows {
		out[c.VendorID] = append(out[c.VendorID], c)
	}
	return out, nil
}
