package changes

import (
	"context"
	"fmt"

	"fairnotice/internal/database"
)

// Waiting counts, for one announced change, the open windows that only a person can move on.
type Waiting struct {
	Reference   string
	VendorName  string
	Unserved    int
	Held        int
	ConsentOwed int
}

// Waiting lists the announced changes with open windows that are unserved, held or owe consent, the
// one with the earliest effective day first.
func (s *Service) Waiting(ctx context.Context) ([]Waiting, error) {
	list, err := database.Collect[Waiting](ctx, s.db.Reader(ctx), `
		select c.reference, coalesce(nullif(vv.trade_name, ''), vv.legal_name) as vendor_name,
		       count(*) filter (where w.served_at is null) as unserved, count(*) filter (where w.held_at is not null) as held,
		       count(*) filter (where w.authorisation = 'specific') as consent_owed
		  from windows w join changes c on c.id = w.change_id
		  join lateral (select trade_name, legal_name from vendor_versions x where x.vendor_id = c.vendor_id and not isempty(x.valid)
		                order by upper_inf(x.valid) desc, upper(x.valid) desc limit 1) vv on true
		 where w.state = 'open' and c.state = 'announced'
		   and (w.served_at is null or w.held_at is not null or w.authorisation = 'specific')
		 group by c.id, vv.trade_name, vv.legal_name order by c.effective_on, c.id`)
	if err != nil {
		return nil, fmt.Errorf("list what waits for a person: %w", err)
	}
	return list, nil
}
