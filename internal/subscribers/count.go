package subscribers

import (
	"context"
	"math"

	"github.com/google/uuid"
)

// CountMatching says how many customers Customers would list in all.
func (s *Service) CountMatching(ctx context.Context, f CustomerFilter) (n int, err error) {
	if err := f.Validate(); err != nil {
		return 0, err
	}
	today, err := s.today(ctx)
	if err != nil {
		return 0, err
	}
	err = s.db.Reader(ctx).QueryRow(ctx, "select count(*) from ("+listCustomers+") counted", today, pattern(f.Query), f.Product,
		string(f.Region), string(f.Role), f.Template, string(f.State), false, "", uuid.Nil, math.MaxInt32, uuid.Nil).Scan(&n)
	return n, wrap("count customers", err)
}
