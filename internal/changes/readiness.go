package changes

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/vendors"
)

// Readiness is what a person must know before a change goes any further: whom it concerns, what
// would refuse its announcement, and what a good notice would have besides.
type Readiness struct {
	Audience *Audience
	Faults   fault.List // each would refuse the announcement; its field says where it is mended
	Warnings fault.List // none of these would
}

// Readiness looks, as if the notice were served now, for everything that Announce would refuse, so
// that it is mended before anybody presses the button.
func (s *Service) Readiness(ctx context.Context, id uuid.UUID) (r *Readiness, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		var c Change
		if err := tx.Gorm().Take(&c, "id = ?", id).Error; err != nil {
			return missing(err)
		}
		r, err = readiness(tx, &c)
		return err
	})
	return r, err
}

func readiness(tx *database.Tx, c *Change) (*Readiness, error) {
	plan, err := planWindows(tx, c)
	if err != nil {
		return nil, err
	}
	r := &Readiness{Audience: plan}
	for _, err := range []error{sound(tx, c), plan.refuse(c)} {
		found := fault.All(err)
		if err != nil && len(found) == 0 {
			return nil, err
		}
		r.Faults = append(r.Faults, found...)
	}
	r.Warnings, err = warnings(tx, c)
	return r, err
}

func warnings(tx *database.Tx, c *Change) (fault.List, error) {
	if c.AfterVersionID == nil {
		return nil, nil
	}
	facts, err := vendors.FactsOf(tx, *c.AfterVersionID)
	if err != nil {
		return nil, err
	}
	list, err := vendors.Announceable(tx, c.VendorID, *facts)
	if err != nil && len(fault.All(err)) == 0 {
		return nil, err
	}
	return list, nil
}

// Served says how many windows of a change have been served as their terms count it, of how many.
func (s *Service) Served(ctx context.Context, change uuid.UUID) (served, all int, err error) {
	err = s.db.Reader(ctx).QueryRow(ctx, "select count(*) filter (where served_at is not null), count(*) from windows where change_id = $1", change).
		Scan(&served, &all)
	if err != nil {
		return 0, 0, fmt.Errorf("count served windows: %w", err)
	}
	return served, all, nil
}
