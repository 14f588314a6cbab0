package notify

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/locale"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// Reach is whom an announcement would go to, if it went out now, over the channels that this
// deployment has.
type Reach struct {
	Customers map[uuid.UUID]int // contract recipients of each customer; who isn't in it gets nothing
	Contract  int               // contract recipients in all
	Followers int
}

// Recipients is how many messages would go out.
func (r *Reach) Recipients() int { return r.Contract + r.Followers }

// reachQuery counts what fan-out would make deliveries of; $1 to $4 as in subscribers.RecipientsSQL,
// $5 the channels.
var reachQuery = `select case basis when 'contract' then customer_id end as customer_id, count(*)
	from (` + subscribers.RecipientsSQL + `) r where channel = any($5) group by 1`

// ReachOf counts the recipients of a change's announcement; customers are those affected.
func (s *Service) ReachOf(ctx context.Context, c *changes.Change, customers []uuid.UUID) (*Reach, error) {
	r := &Reach{Customers: map[uuid.UUID]int{}}
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		aim, err := changes.AimOf(tx, c)
		if err != nil {
			return err
		}
		rows, err := database.Rows[struct {
			CustomerID *uuid.UUID
			Count      int
		}](tx, reachQuery, database.OrEmpty(customers), aim.Kind, database.OrEmpty(aim.Regions), database.OrEmpty(aim.ProductIDs), s.options.Channels)
		if err != nil {
			return fmt.Errorf("count recipients: %w", err)
		}
		for _, row := range rows {
			if row.CustomerID == nil {
				r.Followers = row.Count
				continue
			}
			r.Customers[*row.CustomerID] = row.Count
			r.Contract += row.Count
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Fact is one line of what a notice tells about an engagement, in the notice's words.
type Fact struct {
	Label  string
	Values []string
}

// FactsOf tells an engagement as a notice does, for pages that show what is about to be announced.
func FactsOf(l locale.Lang, e *vendors.Entry) []Fact {
	lines := (&content{}).facts(l, e)
	out := make([]Fact, len(lines))
	for i, f := range lines {
		out[i] = Fact(f)
	}
	return out
}
