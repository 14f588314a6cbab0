package accounts

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
)

func take(g *gorm.DB, id uuid.UUID) (*Account, error) { return one(g.Where("id = ?", id)) }

func byEmail(g *gorm.DB, email string) (*Account, error) {
	return one(g.Where("lower(email) = lower(?)", normalEmail(email)))
}

// normalEmail is the form in which addresses are stored. What is no address is simply not found,
// but mustn't break the query.
func normalEmail(email string) string {
	email = strings.TrimSpace(email)
	if normal, ok := input.NormalEmail(email); ok {
		return normal
	}
	return strings.ReplaceAll(strings.ToValidUTF8(email, "\uFFFD"), "\x00", "\uFFFD")
}

func one(g *gorm.DB) (*Account, error) {
	var out Account
	err := g.Take(&out).Error
	if database.NotFound(err) {
		return nil, fault.Missing("account")
	}
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	return &out, nil
}

// lock reads an account for an edit. All enabled administrators are locked first, always in the
// same order: of two demotions at once the second sees what the first has left.
func lock(tx *database.Tx, id uuid.UUID) (*Account, error) {
	_, err := tx.Exec(`select 1 from accounts where id = $1 or (role = 'admin' and disabled_at is null) order by id for update`, id)
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	return one(tx.Gorm().Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id))
}

// save writes an edit that was based on a version and records it.
func save(tx *database.Tx, who actor.Actor, kind string, basedOn int, before, after *Account) error {
	if before.Version != basedOn {
		return ledger.Overtaken(tx, subject(before.ID), basedOn)
	}
	if err := keepsAnAdmin(tx, before, after); err != nil {
		return err
	}
	after.Version, after.UpdatedAt = basedOn+1, tx.Now()
	done := tx.Gorm().Model(after).Where("version = ?", basedOn).
		Select("email", "name", "role", "language", "disabled_at", "version", "updated_at").Updates(after)
	if done.Error != nil {
		return stored("edit an account", after, done.Error)
	}
	if done.RowsAffected == 0 {
		return ledger.Overtaken(tx, subject(before.ID), basedOn)
	}
	return ledger.AppendEdit(tx, who, kind, subject(before.ID), after.Version, before, after, "")
}

// keepsAnAdmin refuses to take the last enabled administrator away; the caller holds lock.
func keepsAnAdmin(tx *database.Tx, before, after *Account) error {
	was := before.Role == actor.Admin && before.Enabled()
	stays := after.Role == actor.Admin && after.Enabled()
	if !was || stays {
		return nil
	}
	others, err := database.Scalar[int](tx,
		"select count(*) from accounts where role = 'admin' and disabled_at is null and id <> $1", before.ID)
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if others == 0 {
		return &fault.Error{Kind: fault.Conflict, Code: "account.last_admin", Field: "role"}
	}
	return nil
}

func setPassword(tx *database.Tx, who actor.Actor, id uuid.UUID, hash string) error {
	n, err := tx.Exec(`update accounts set password_hash = $2, failed_count = 0, failed_at = null, updated_at = $3 where id = $1`,
		id, hash, tx.Now())
	if err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	if n == 0 {
		return fault.Missing("account")
	}
	if err := endSessions(tx, id); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "account.password_set", Actor: who, Subject: subject(id)})
}

func endSessions(tx *database.Tx, account uuid.UUID) error {
	if _, err := tx.Exec("delete from sessions where account_id = $1", account); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// stored turns the database's refusal of a double address into a fault at the field.
func stored(what string, a *Account, err error) error {
	if constraint, _ := database.Violates(err); constraint == "accounts_email_key" {
		return &fault.Error{Kind: fault.Conflict, Code: "duplicate", Field: "email", Args: fault.Args{"Value": a.Email}}
	}
	return fmt.Errorf("%s: %w", what, err)
}
