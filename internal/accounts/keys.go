package accounts

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// CreateKey makes an API key for whoever asks, and returns its text, this once. A key acts for the
// account that made it, so nobody makes one for somebody else: an approver's key in an editor's hand
// would be a second person that isn't one. Its role is the account's at most (fault at role).
func (s *Service) CreateKey(ctx context.Context, who actor.Actor, k *Key) (string, error) {
	if err := who.Must(actor.HoldKeys); err != nil {
		return "", err
	}
	return s.createKey(ctx, who, who.ID, k)
}

func (s *Service) createKey(ctx context.Context, who actor.Actor, account uuid.UUID, k *Key) (string, error) {
	text := newKeyText()
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		if err := k.Validate(tx.Now()); err != nil {
			return err
		}
		// Locked, so that keys made at once are counted one after the other.
		rows, err := database.Rows[struct {
			Role actor.Role
			Keys int
		}](tx, `select a.role, (select count(*) from api_keys k where k.account_id = a.id and k.revoked_at is null and k.expires_at > $2) as keys
			from accounts a where a.id = $1 and a.disabled_at is null for update`, account, tx.Now())
		if err != nil {
			return fmt.Errorf("read a key's account: %w", err)
		}
		if len(rows) == 0 {
			return fault.Missing("account")
		}
		if lesser(k.Role, rows[0].Role) != k.Role {
			return fault.Field("role", "key.role", fault.Args{"Role": string(rows[0].Role)})
		}
		if rows[0].Keys >= MostKeysOfOne {
			return fault.New(fault.Conflict, "key.many", fault.Args{"Max": MostKeysOfOne})
		}
		k.ID, k.AccountID, k.Hint, k.Version, k.CreatedAt, k.UpdatedAt = secrets.ID(), account, text[:keyHintLength], 1, tx.Now(), tx.Now()
		_, err = tx.Exec(`insert into api_keys (id, account_id, name, role, digest, hint, networks, per_minute, expires_at, created_at, updated_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			k.ID, k.AccountID, k.Name, k.Role, secrets.Digest(text), k.Hint, k.Networks, k.PerMinute, k.ExpiresAt, tx.Now())
		if err != nil {
			return fmt.Errorf("store a key: %w", err)
		}
		return ledger.Append(tx, ledger.Entry{Kind: "api_key.created", Actor: who, Subject: keySubject(k.ID), Body: k})
	})
	if err != nil {
		return "", err
	}
	return text, nil
}

// KeyActor is who uses an API key from an address, and the key; the actor's role is the lesser of the
// key's and the account's. Whatever is wrong with a key (unknown, expired, revoked, its account
// disabled) gives one Unauthenticated fault "key.invalid"; a good one from outside its networks gives
// Forbidden "key.network".
func (s *Service) KeyActor(ctx context.Context, text string, from netip.Addr) (actor.Actor, *Key, error) {
	if !looksLikeKey(text) {
		return actor.Actor{}, nil, fault.New(fault.Unauthenticated, "key.invalid", nil)
	}
	now := s.db.Now()
	rows, err := database.Collect[struct {
		Key
		AccountRole actor.Role
	}](ctx, s.db.Reader(ctx), `select k.id, k.account_id, k.name, k.role, k.hint, k.networks, k.per_minute, k.expires_at, k.last_used_at,
			a.name as account_name, a.role as account_role
		from api_keys k join accounts a on a.id = k.account_id
		where k.digest = $1 and k.expires_at > $2 and k.revoked_at is null and a.disabled_at is null`, secrets.Digest(text), now)
	if err != nil {
		return actor.Actor{}, nil, fmt.Errorf("read a key: %w", err)
	}
	if len(rows) == 0 {
		return actor.Actor{}, nil, fault.New(fault.Unauthenticated, "key.invalid", nil)
	}
	k := &rows[0].Key
	if !k.allows(from) {
		return actor.Actor{}, nil, fault.New(fault.Forbidden, "key.network", nil)
	}
	if err := s.touchKey(ctx, k, now); err != nil {
		return actor.Actor{}, nil, err
	}
	return actor.Actor{Kind: actor.Staff, ID: k.AccountID, Role: lesser(k.Role, rows[0].AccountRole), Name: k.AccountName, Key: k.ID}, k, nil
}

// touchKey notes a key's use, once a minute.
func (s *Service) touchKey(ctx context.Context, k *Key, now time.Time) error {
	if k.LastUsedAt != nil && now.Sub(*k.LastUsedAt) < keyTouchedEvery {
		return nil
	}
	_, err := s.db.Pool().Exec(ctx, "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2)", k.ID, now)
	if err != nil {
		return fmt.Errorf("note a key's use: %w", err)
	}
	return nil
}
