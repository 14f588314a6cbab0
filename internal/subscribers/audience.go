package subscribers

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/publisher"
)

// Aim is what a change touches: its kind, and the regions and products of its engagement, empty
// ones meaning all. The zero Aim meets every scope.
type Aim struct {
	Kind       string
	Regions    []string
	ProductIDs []uuid.UUID
}

func (a Aim) regions() []string {
	return database.OrEmpty(a.Regions)
}

func (a Aim) products() []uuid.UUID {
	return database.OrEmpty(a.ProductIDs)
}

// AffectedContract is one contract in force of a customer that a change affects.
type AffectedContract struct {
	CustomerID     uuid.UUID
	Name           string
	ExternalID     string
	Role           Role
	Region         publisher.Region
	Country        string
	TimeZone       string // the customer's own; deadlines are in Sheet.TimeZone
	Language       string
	ContractID     uuid.UUID // zero: the customer has no contract in force, and Sheet is nil
	Reference      string
	SignedOn       calendar.Date
	TermsVersionID uuid.UUID
	TermsNumber    int
	Sheet          *TermSheet
}

// Affected lists the customers on a day whose region and products meet those of an engagement
// (empty: all), each with all of its contracts in force on that day and their terms as they
// stand; ordered by customer's name and ID, then by signing day. A customer without a contract in
// force is listed too, once, with no Sheet: it must be seen, not lost.
func Affected(tx *database.Tx, aim Aim, on calendar.Date) ([]AffectedContract, error) {
	out, err := database.Rows[AffectedContract](tx, `
		select c.id as customer_id, c.name, c.external_id, c.role, c.region, c.country, c.time_zone, c.language,
			coalesce(k.id, '00000000-0000-0000-0000-000000000000') as contract_id, coalesce(k.reference, '') as reference, k.signed_on,
			coalesce(v.id, '00000000-0000-0000-0000-000000000000') as terms_version_id, coalesce(v.number, 0) as terms_number, v.sheet
		from customers c
		left join contracts k on k.customer_id = c.id and k.signed_on <= $3 and (k.ended_on is null or k.ended_on > $3)
		left join lateral (select id, number, sheet from terms_versions where contract_id = k.id order by number desc limit 1) v on true
		where (c.left_on is null or c.left_on > $3)
		  and (cardinality($1::text[]) = 0 or c.region = any($1))
		  and (cardinality($2::uuid[]) = 0 or exists (select from customer_products p where p.customer_id = c.id and p.product_id = any($2)))
		order by lower(c.name), c.id, k.signed_on, k.id`, aim.regions(), aim.products(), on)
	if err != nil {
		return nil, fmt.Errorf("list affected customers: %w", err)
	}
	return out, nil
}

// Reach says how a customer can be told.
type Reach struct {
	CustomerID uuid.UUID
	Notices    bool // an active, unsuppressed subscription of a contact with the role notices, or of no contact
	Fallback   bool // one of a contact with the role fallback
}

// OK says whether a notice would reach somebody.
func (r Reach) OK() bool { return r.Notices || r.Fallback }

// Reachable says for each of the customers how a change can be told to it; a customer that isn't
// in the map has nobody at all.
func Reachable(tx *database.Tx, customerIDs []uuid.UUID, aim Aim) (map[uuid.UUID]Reach, error) {
	rows, err := database.Rows[Reach](tx, reachSQL("select unnest($1::uuid[])", "and "+scoped("$2", "$3", "$4")),
		customerIDs, aim.Kind, aim.regions(), aim.products())
	if err != nil {
		return nil, fmt.Errorf("see who is reachable: %w", err)
	}
	out := make(map[uuid.UUID]Reach, len(rows))
	for _, r := range rows {
		out[r.CustomerID] = r
	}
	return out, nil
}
