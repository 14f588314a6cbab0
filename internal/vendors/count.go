package vendors

import (
	"context"
	"fmt"
	"strings"
)

// CountVendors says how many vendors ListVendors would list in all.
func (s *Service) CountVendors(ctx context.Context, f Filter) (n int, err error) {
	day, err := s.Today(ctx)
	if err != nil {
		return 0, err
	}
	err = s.db.Reader(ctx).QueryRow(ctx, "select count(*) from ("+browseSQL+") counted",
		day, strings.TrimSpace(f.Query), strings.ToUpper(strings.TrimSpace(f.Country)), f.Engaged, f.ReviewDueBefore).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count vendors: %w", err)
	}
	return n, nil
}
