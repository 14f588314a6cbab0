package subscribers

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/publisher"
)

// Service reads and writes customers and all that is theirs.
type Service struct {
	db    *database.DB
	vault *Vault
	rules AddressRules
}

// New makes the service. The vault keeps the secrets of webhooks and Slack.
func New(db *database.DB, vault *Vault, rules AddressRules) *Service {
	return &Service{db: db, vault: vault, rules: rules}
}

// write runs fn in a transaction when the actor may edit customers.
func (s *Service) write(ctx context.Context, who actor.Actor, fn func(tx *database.Tx) error) error {
	if err := who.Must(actor.EditCustomers); err != nil {
		return err
	}
	return s.db.Transact(ctx, fn)
}

// today is the day in the publisher's zone; in UTC until there is a publisher.
func (s *Service) today(ctx context.Context) (calendar.Date, error) {
	settings, err := publisher.New(s.db).Get(ctx)
	if fault.Is(err, fault.NotFound) {
		return calendar.DateOf(s.db.Now(), time.UTC), nil
	}
	if err != nil {
		return calendar.Date{}, err
	}
	return settings.Today(s.db.Now()), nil
}

// versioned is a row with an optimistic lock, and its place in the ledger.
type versioned interface {
	TableName() string
	subject() ledger.Subject
}

// update writes all of a row that was read at version basedOn. When somebody was faster, it says
// who and what changed, and writes nothing.
func update(tx *database.Tx, row versioned, basedOn int) error {
	done := tx.Gorm().Model(row).Where("version = ?", basedOn).Select("*").Omit("id", "created_at").UpdateColumns(row)
	if done.Error != nil {
		return done.Error
	}
	if done.RowsAffected == 0 {
		return ledger.Overtaken(tx, row.subject(), basedOn)
	}
	return nil
}

// keepVersion puts back the version that an edit was based on when the edit failed: a form that is
// shown again must not claim to have read a version that never was.
func keepVersion(err error, version *int, basedOn int) {
	if err != nil {
		*version = basedOn
	}
}

// take reads one row by its ID and locks it until the transaction ends; thing names it in the
// fault for one that doesn't exist.
func take[T any](tx *database.Tx, thing string, id uuid.UUID) (*T, error) {
	var out T
	err := tx.Gorm().Clauses(forUpdate).Take(&out, "id = ?", id).Error
	if database.NotFound(err) {
		return nil, fault.Missing(thing)
	}
	if err != nil {
		return nil, fmt.Errorf("read a %s: %w", thing, err)
	}
	return &out, nil
}

// mustBe refuses an edit that was based on another version than the present one.
func mustBe(tx *database.Tx, row versioned, present, basedOn int) error {
	if present == basedOn {
		return nil
	}
	return ledger.Overtaken(tx, row.subject(), basedOn)
}

// lockCustomer makes whoever changes a customer's contacts or subscriptions wait for each other:
// two removals at once must not each see the other's contact as the one that is left.
func lockCustomer(tx *database.Tx, id uuid.UUID) error {
	_, err := take[Customer](tx, "customer", id)
	return err
}

func duplicate(field, value string) error {
	return &fault.Error{Kind: fault.Conflict, Code: "duplicate", Field: field, Args: fault.Args{"Value": value}}
}

// knownProducts is a fault at field unless each of the IDs is one of the publisher's products.
func knownProducts(tx *database.Tx, field string, ids []uuid.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	unknown, err := database.Scalars[uuid.UUID](tx,
		"select wanted from unnest($1::uuid[]) wanted where not exists (select from products where id = wanted)", ids)
	if err != nil {
		return fmt.Errorf("look up products: %w", err)
	}
	if len(unknown) > 0 {
		return fault.Field(field, "product.unknown", fault.Args{"Value": unknown[0].String()})
	}
	return nil
}
