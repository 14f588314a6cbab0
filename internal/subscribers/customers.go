package subscribers

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

var forUpdate = clause.Locking{Strength: clause.LockingStrengthUpdate}

// CreateCustomer stores a new customer and sets its ID and version. An external ID that is taken
// is a Conflict at "external_id".
func (s *Service) CreateCustomer(ctx context.Context, who actor.Actor, in *Customer) error {
	if err := in.Validate(); err != nil {
		return err
	}
	return s.write(ctx, who, func(tx *database.Tx) error {
		if err := knownProducts(tx, "products", in.ProductIDs); err != nil {
			return err
		}
		in.ID, in.Version, in.CreatedAt, in.UpdatedAt = secrets.ID(), 1, tx.Now(), tx.Now()
		if err := customerFault(in, tx.Gorm().Create(in).Error); err != nil {
			return err
		}
		if err := setProducts(tx, in); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: "customer.created", Actor: who, Subject: in.subject(), Body: in})
	})
}

// EditCustomer stores what changed about a customer. Version must be the one that was read; when
// somebody was faster, the fault names who and which fields. LeftOn is left alone: see Leave.
func (s *Service) EditCustomer(ctx context.Context, who actor.Actor, in *Customer) (err error) {
	basedOn := in.Version
	defer func() { keepVersion(err, &in.Version, basedOn) }()
	if err := in.Validate(); err != nil {
		return err
	}
	return s.write(ctx, who, func(tx *database.Tx) error {
		before, err := customerForUpdate(tx, in.ID)
		if err != nil {
			return err
		}
		if err := knownProducts(tx, "products", in.ProductIDs); err != nil {
			return err
		}
		in.LeftOn, in.CreatedAt = before.LeftOn, before.CreatedAt
		return saveCustomer(tx, who, "customer.edited", before, in)
	})
}

// Leave says from which day on the customer is none any more; the zero day takes that back. The
// customer must have been read at version basedOn.
func (s *Service) Leave(ctx context.Context, who actor.Actor, id uuid.UUID, basedOn int, on calendar.Date) error {
	return s.write(ctx, who, func(tx *database.Tx) error {
		before, err := customerForUpdate(tx, id)
		if err != nil {
			return err
		}
		after := *before
		after.LeftOn, after.Version = on, basedOn
		kind := "customer.left"
		if on.IsZero() {
			kind = "customer.stayed"
		}
		return saveCustomer(tx, who, kind, before, &after)
	})
}

func saveCustomer(tx *database.Tx, who actor.Actor, kind string, before, in *Customer) error {
	basedOn := in.Version
	in.Version, in.UpdatedAt = basedOn+1, tx.Now()
	if err := customerFault(in, update(tx, in, basedOn)); err != nil {
		return err
	}
	if err := setProducts(tx, in); err != nil {
		return err
	}
	return ledger.AppendEdit(tx, who, kind, in.subject(), in.Version, before, in, "")
}

func customerFault(in *Customer, err error) error {
	if constraint, _ := database.Violates(err); constraint == "customers_external_id_key" {
		return duplicate("external_id", in.ExternalID)
	}
	return wrap("save a customer", err)
}

// wrap adds what was being done to an unknown error and leaves faults as they are.
func wrap(doing string, err error) error {
	if err == nil || len(fault.All(err)) > 0 {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func setProducts(tx *database.Tx, c *Customer) error {
	_, err := tx.Exec("delete from customer_products where customer_id = $1 and product_id <> all($2)", c.ID, c.ProductIDs)
	if err == nil {
		_, err = tx.Exec(`insert into customer_products (customer_id, product_id)
			select $1, unnest($2::uuid[]) on conflict do nothing`, c.ID, c.ProductIDs)
	}
	return wrap("save a customer's products", err)
}

func customerForUpdate(tx *database.Tx, id uuid.UUID) (*Customer, error) {
	c, err := take[Customer](tx, "customer", id)
	if err != nil {
		return nil, err
	}
	c.ProductIDs, err = database.Scalars[uuid.UUID](tx, productsOfCustomer, id)
	return c, wrap("read a customer's products", err)
}

const productsOfCustomer = "select product_id from customer_products where customer_id = $1 order by product_id"

// Customer returns one customer.
func (s *Service) Customer(ctx context.Context, id uuid.UUID) (*Customer, error) {
	var c Customer
	err := s.db.Gorm(ctx).Take(&c, "id = ?", id).Error
	if database.NotFound(err) {
		return nil, fault.Missing("customer")
	}
	if err != nil {
		return nil, fmt.Errorf("read a customer: %w", err)
	}
	rows, err := database.Collect[struct{ ProductID uuid.UUID }](ctx, s.db.Reader(ctx), productsOfCustomer, id)
	if err != nil {
		return nil, fmt.Errorf("read a customer's products: %w", err)
	}
	for _, r := range rows {
		c.ProductIDs = append(c.ProductIDs, r.ProductID)
	}
	return &c, nil
}

// Customers lists customers by name.
func (s *Service) Customers(ctx context.Context, f CustomerFilter) (Page[CustomerRow], error) {
	none := Page[CustomerRow]{}
	if err := f.Validate(); err != nil {
		return none, err
	}
	after, err := decodeCursor(f.After, 2)
	if err != nil {
		return none, err
	}
	afterID, err := cursorID(after[1])
	if err != nil {
		return none, err
	}
	today, err := s.today(ctx)
	if err != nil {
		return none, err
	}
	n := limit(f.Limit)
	rows, err := database.Collect[CustomerRow](ctx, s.db.Reader(ctx), listCustomers, today, pattern(f.Query), f.Product,
		string(f.Region), string(f.Role), f.Template, string(f.State), f.After != "", after[0], afterID, n+1, uuid.Nil)
	if err != nil {
		return none, fmt.Errorf("list customers: %w", err)
	}
	return pageOf(rows, n, func(r CustomerRow) []string { return []string{r.SortName, r.ID.String()} }), nil
}

// CustomerRow returns one customer as it stands in a list.
func (s *Service) CustomerRow(ctx context.Context, id uuid.UUID) (*CustomerRow, error) {
	today, err := s.today(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := database.Collect[CustomerRow](ctx, s.db.Reader(ctx), listCustomers, today, "", "", "", "", uuid.Nil, "", false, "", uuid.Nil, 1, id)
	if err != nil {
		return nil, fmt.Errorf("read a customer: %w", err)
	}
	if len(rows) == 0 || id == uuid.Nil {
		return nil, fault.Missing("customer")
	}
	return &rows[0], nil
}

// CountCustomers says how many customers there are today.
func (s *Service) CountCustomers(ctx context.Context) (int, error) {
	today, err := s.today(ctx)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.db.Reader(ctx).QueryRow(ctx, "select count(*) from customers where left_on is null or left_on > $1", today).Scan(&n)
	return n, wrap("count customers", err)
}

const noID = "'00000000-0000-0000-0000-000000000000'::uuid"

// Its parameter $12 is the one customer that is asked for, noID: any.
var listCustomers = `
	with reach as (` + reachSQL("select id from customers where $12 = "+noID+" or id = $12", "") + `),
	in_force as (
		select k.customer_id, t.id as template_id, t.name
		from contracts k
		join lateral (select template_version_id from terms_versions where contract_id = k.id order by number desc limit 1) v on true
		join term_template_versions tv on tv.id = v.template_version_id
		join term_templates t on t.id = tv.template_id
		where k.ended_on is null or k.ended_on > $1)
	select c.id, c.name, c.external_id, c.role, c.region, c.country, c.time_zone, c.language, c.left_on,
		c.affiliates, c.version, c.created_at, c.updated_at,
		array(select product_id from customer_products cp where cp.customer_id = c.id order by 1) as product_ids,
		coalesce(c.left_on <= $1, false) as has_left, lower(c.name) as sort_name,
		array(select p.name from customer_products cp join products p on p.id = cp.product_id
			where cp.customer_id = c.id order by p.name) as products,
		array(select distinct f.name from in_force f where f.customer_id = c.id order by 1) as templates,
		coalesce(r.notices or r.fallback, false) as reachable
	from customers c left join reach r on r.customer_id = c.id
	where ($12 = ` + noID + ` or c.id = $12)
	  and ($2 = '' or c.name ilike $2 or c.external_id ilike $2 or exists (select from unnest(c.affiliates) a where a ilike $2))
	  and ($3 = '' or exists (select from customer_products cp join products p on p.id = cp.product_id
		where cp.customer_id = c.id and p.slug = $3))
	  and ($4 = '' or c.region = $4)
	  and ($5 = '' or c.role = $5)
	  and ($6 = ` + noID + ` or exists (select from in_force f where f.customer_id = c.id and f.template_id = $6))
	  and case $7 when '' then true
		when 'left' then coalesce(c.left_on <= $1, false)
		when 'current' then not coalesce(c.left_on <= $1, false)
		else not coalesce(c.left_on <= $1, false) and not coalesce(r.notices or r.fallback, false) end
	  and (not $8 or (lower(c.name), c.id) > ($9, $10))
	order by lower(c.name), c.id limit $11`

// CustomerNames gives the names of customers by their IDs: for screens that list them.
func (s *Service) CustomerNames(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	rows, err := database.Collect[struct {
		ID   uuid.UUID
		Name string
	}](ctx, s.db.Reader(ctx), "select id, name from customers where id = any($1)", slices.Clone(ids))
	if err != nil {
		return nil, fmt.Errorf("read customers' names: %w", err)
	}
	out := make(map[uuid.UUID]string, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Name
	}
	return out, nil
}
