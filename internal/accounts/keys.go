package accounts

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

// CreateKey makes an API key for whoever asks, and returns its text, this once. A key acts for the
// account that made it, so nobody makes one for somebody else: an approver's key in an editor's hand
// would be a second person that isn't one. Its role is the account's at most (fault at role). A key that
// is made by a key reaches no further than that one (faults at role, expires_at, per_minute and
// networks), goes with it when it is revoked, and makes none itself.
func (s *Service) CreateKey(ctx context.Context, who actor.Actor, k *Key) (text string, err error) {
	if err := who.Must(actor.HoldKeys); err != nil {
		return "", err
	}
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		text, err = createKey(tx, who, who.ID, k)
		return err
	})
	return text, err
}

// KeyFor is CreateKey for the operator's command, which knows an address. Without a role the key has
// the account's.
func (s *Service) KeyFor(ctx context.Context, email string, k *Key) (text string, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		a, err := byEmail(tx.Gorm(), email)
		if err != nil {
			return err
		}
		if k.Role == "" {
			k.Role = a.Role
		}
		text, err = createKey(tx, actor.ForSystem(), a.ID, k)
		return err
	})
	return text, err
}

func createKey(tx *database.Tx, who actor.Actor, account uuid.UUID, k *Key) (string, error) {
	h, err := lockHolder(tx, account)
	if err != nil {
		return "", err
	}
	k.AccountID, k.AccountName, k.AccountRole, k.AccountDisabled = account, h.Name, h.Role, false
	if err := k.bound(tx, who); err != nil {
		return "", err
	}
	if h.Keys >= MostKeysOfOne {
		return "", fault.New(fault.Conflict, "key.many", fault.Args{"Max": MostKeysOfOne})
	}
	text := newKeyText()
	k.ID, k.Hint, k.Version, k.CreatedAt, k.UpdatedAt = secrets.ID(), text[:keyHintLength], 1, tx.Now(), tx.Now()
	_, err = tx.Exec(`insert into api_keys (id, account_id, name, role, digest, hint, networks, per_minute, expires_at, made_by, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		k.ID, k.AccountID, k.Name, k.Role, secrets.Digest(text), k.Hint, k.Networks, k.PerMinute, k.ExpiresAt, k.MadeBy, tx.Now())
	if err != nil {
		return "", fmt.Errorf("store a key: %w", err)
	}
	return text, ledger.Append(tx, ledger.Entry{Kind: "api_key.created", Actor: who, Subject: keySubject(k.ID), Body: k})
}

// bound checks a new key, also against the account's role and the key by which it is made.
func (k *Key) bound(tx *database.Tx, who actor.Actor) error {
	by, err := actingKey(tx, who)
	if err != nil {
		return err
	}
	k.MadeBy = nil
	if by != nil {
		if by.MadeBy != nil {
			return fault.New(fault.Forbidden, "key.made_by_key", nil)
		}
		k.inherit(by, tx.Now())
		k.MadeBy = &by.ID
	}
	if err := k.Validate(tx.Now()); err != nil {
		return err
	}
	var c fault.Check
	switch {
	case by != nil:
		k.within(&c, by)
	case k.RoleNow() != k.Role:
		c.Add("role", "key.role", fault.Args{"Role": string(k.AccountRole)})
	}
	return c.Err()
}

// holder is an account as far as its keys go.
type holder struct {
	Name     string
	Role     actor.Role
	Disabled bool
	Keys     int // that are neither revoked nor expired
}

// lockHolder locks the account of keys: what is done to them at once happens one after the other.
func lockHolder(tx *database.Tx, account uuid.UUID) (*holder, error) {
	if _, err := tx.Exec("select 1 from accounts where id = $1 for no key update", account); err != nil {
		return nil, fmt.Errorf("lock a key's account: %w", err)
	}
	rows, err := database.Rows[holder](tx, `select a.name, a.role, a.disabled_at is not null as disabled,
			(select count(*) from api_keys k where k.account_id = a.id and k.revoked_at is null and k.expires_at > $2) as keys
		from accounts a where a.id = $1`, account, tx.Now())
	switch {
	case err != nil:
		return nil, fmt.Errorf("read a key's account: %w", err)
	case len(rows) == 0:
		return nil, fault.Missing("account")
	case rows[0].Disabled:
		return nil, fault.New(fault.Conflict, "key.account_disabled", nil)
	}
	return &rows[0], nil
}

// actingKey is the key by which a program acts, nil where a person does; one that was revoked meanwhile
// is Unauthenticated "key.invalid".
func actingKey(tx *database.Tx, who actor.Actor) (*Key, error) {
	if who.Key == uuid.Nil {
		return nil, nil //nolint:nilnil // a person acts by no key
	}
	rows, err := database.Rows[Key](tx, "select "+keyColumns+keyTables+" where k.id = $1 and k.account_id = $2", who.Key, who.ID)
	if err != nil {
		return nil, fmt.Errorf("read the key that acts: %w", err)
	}
	if len(rows) == 0 || rows[0].State(tx.Now()) != KeyActive {
		return nil, fault.New(fault.Unauthenticated, "key.invalid", nil)
	}
	return &rows[0], nil
}

// EditKey changes the name, networks and rate of one's own key. Version must be the one that was read.
// By a key only such keys are edited as reach no further than itself, before and after.
func (s *Service) EditKey(ctx context.Context, who actor.Actor, in *Key) error {
	if err := who.Must(actor.HoldKeys); err != nil {
		return err
	}
	var c fault.Check
	if in.checkFacts(&c); c.Err() != nil {
		return c.Err()
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		before, err := lockKey(tx, in.ID)
		if err != nil {
			return err
		}
		if before.AccountID != who.ID {
			return fault.Missing("key")
		}
		if before.RevokedAt != nil {
			return fault.New(fault.Conflict, "key.revoked", nil)
		}
		if before.Version != in.Version {
			return ledger.Overtaken(tx, keySubject(before.ID), in.Version)
		}
		after := *before
		after.Name, after.Networks, after.PerMinute, after.Version, after.UpdatedAt = in.Name, in.Networks, in.PerMinute, in.Version+1, tx.Now()
		if err := mayEditKey(tx, who, before, &after); err != nil {
			return err
		}
		if err := storeKey(tx, &after); err != nil {
			return err
		}
		*in = after
		return ledger.AppendEdit(tx, who, "api_key.edited", keySubject(after.ID), after.Version, before, &after, "")
	})
}

// mayEditKey keeps a key from widening itself, or taking others of its account away.
func mayEditKey(tx *database.Tx, who actor.Actor, before, after *Key) error {
	by, err := actingKey(tx, who)
	if err != nil || by == nil {
		return err
	}
	var was, is fault.Check
	if before.within(&was, by); was.Err() != nil {
		return fault.New(fault.Forbidden, "key.stronger", nil)
	}
	after.within(&is, by)
	return is.Err()
}

func storeKey(tx *database.Tx, k *Key) error {
	_, err := tx.Exec("update api_keys set name = $2, networks = $3, per_minute = $4, version = $5, updated_at = $6 where id = $1",
		k.ID, k.Name, k.Networks, k.PerMinute, k.Version, k.UpdatedAt)
	if err != nil {
		return fmt.Errorf("edit a key: %w", err)
	}
	return nil
}

// lockKey reads a key for an edit.
func lockKey(tx *database.Tx, id uuid.UUID) (*Key, error) {
	rows, err := database.Rows[Key](tx, "select "+keyColumns+keyTables+" where k.id = $1 for update of k", id)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("key")
	}
	return &rows[0], nil
}

// RevokeKey ends a key, and those that were made by it, for good: one's own, or anybody's for
// administrators. One that is revoked already stays as it is. A key revokes keys whose role is not
// above its own (Forbidden "key.stronger").
func (s *Service) RevokeKey(ctx context.Context, who actor.Actor, id uuid.UUID) error {
	if err := who.Must(actor.HoldKeys); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		owners, err := database.Scalars[uuid.UUID](tx, "select account_id from api_keys where id = $1", id)
		if err != nil {
			return fmt.Errorf("read a key's account: %w", err)
		}
		if len(owners) == 0 || owners[0] != who.ID && !who.May(actor.EditStaff) {
			return fault.Missing("key")
		}
		// As in createKey: of two at once, a key made by this one is either seen here, or not made.
		both := []uuid.UUID{owners[0], who.ID}
		if _, err := tx.Exec("select 1 from accounts where id = any($1) order by id for no key update", both); err != nil {
			return fmt.Errorf("lock a key's account: %w", err)
		}
		k, err := lockKey(tx, id)
		if err != nil {
			return err
		}
		if who.Key != uuid.Nil && lesser(k.Role, who.Role) != k.Role {
			return fault.New(fault.Forbidden, "key.stronger", nil)
		}
		return revokeKeys(tx, who, id)
	})
}

func revokeKeys(tx *database.Tx, who actor.Actor, id uuid.UUID) error {
	gone, err := database.Scalars[uuid.UUID](tx, `update api_keys set revoked_at = $2, revoked_by = $3, version = version + 1, updated_at = $2
		where (id = $1 or made_by = $1) and revoked_at is null returning id`, id, tx.Now(), orNull(who.ID))
	if err != nil {
		return fmt.Errorf("revoke a key: %w", err)
	}
	for _, one := range gone {
		if err := ledger.Append(tx, ledger.Entry{Kind: "api_key.revoked", Actor: who, Subject: keySubject(one)}); err != nil {
			return err
		}
	}
	return nil
}
