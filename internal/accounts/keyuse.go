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
	"fairnotice/internal/secrets"
)

const (
	keyColumns = `k.id, k.account_id, k.name, k.role, k.hint, k.networks, k.per_minute, k.expires_at, k.last_used_at, k.revoked_at, k.revoked_by,
		k.made_by, k.version, k.created_at, k.updated_at, a.name as account_name, a.role as account_role, a.disabled_at is not null as account_disabled`
	keyTables = " from api_keys k join accounts a on a.id = k.account_id"
)

// KeyActor is who uses an API key from an address, and the key; the actor's role is the lesser of the
// key's and the account's. Whatever is wrong with a key (unknown, expired, revoked, its account
// disabled) gives one Unauthenticated fault "key.invalid"; a good one from outside its networks gives
// Forbidden "key.network".
func (s *Service) KeyActor(ctx context.Context, text string, from netip.Addr) (actor.Actor, *Key, error) {
	if !looksLikeKey(text) {
		return actor.Actor{}, nil, fault.New(fault.Unauthenticated, "key.invalid", nil)
	}
	now := s.db.Now()
	rows, err := database.Collect[Key](ctx, s.db.Reader(ctx), "select "+keyColumns+keyTables+" where k.digest = $1", secrets.Digest(text))
	if err != nil {
		return actor.Actor{}, nil, fmt.Errorf("read a key: %w", err)
	}
	if len(rows) == 0 || rows[0].State(now) != KeyActive {
		return actor.Actor{}, nil, fault.New(fault.Unauthenticated, "key.invalid", nil)
	}
	k := &rows[0]
	if !k.allows(from) {
		return actor.Actor{}, nil, fault.New(fault.Forbidden, "key.network", nil)
	}
	if err := s.touchKey(ctx, k, now); err != nil {
		return actor.Actor{}, nil, err
	}
	return actor.Actor{Kind: actor.Staff, ID: k.AccountID, Role: k.RoleNow(), Name: k.AccountName, Key: k.ID}, k, nil
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

// KeyFilter chooses among keys.
type KeyFilter struct {
	Account uuid.UUID // zero: everybody's, which only administrators see
	Active  bool      // only those that open something now
	After   string    // cursor of the page before
	Limit   int       // 0: MostKeysOfPage, which is the most
}

// KeyPage is a part of the list. Next is the cursor of the page after it, empty on the last.
type KeyPage struct {
	Keys []Key
	Next string
}

// MostKeysOfPage is the most that a page of keys holds.
const MostKeysOfPage = 200

// Keys lists API keys, the newest first; who is no administrator sees their own only.
func (s *Service) Keys(ctx context.Context, who actor.Actor, f KeyFilter) (*KeyPage, error) {
	act := actor.EditStaff
	if f.Account != uuid.Nil && f.Account == who.ID {
		act = actor.HoldKeys
	}
	if err := who.Must(act); err != nil {
		return nil, err
	}
	after, err := database.ReadCursor(f.After)
	if err != nil {
		return nil, err
	}
	if f.Limit <= 0 || f.Limit > MostKeysOfPage {
		f.Limit = MostKeysOfPage
	}
	rows, err := database.Collect[Key](ctx, s.db.Reader(ctx), "select "+keyColumns+keyTables+`
		where ($1::uuid is null or k.account_id = $1) and ($2::uuid is null or k.id < $2)
		  and (not $3 or k.revoked_at is null and k.expires_at > $4 and a.disabled_at is null)
		order by k.id desc limit $5`, orNull(f.Account), after, f.Active, s.db.Now(), f.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	page := &KeyPage{Keys: rows}
	if len(rows) > f.Limit {
		page.Keys = rows[:f.Limit]
		page.Next = database.WriteCursor(page.Keys[f.Limit-1].ID)
	}
	return page, nil
}

// Key returns one key: one's own or, for administrators, anybody's.
func (s *Service) Key(ctx context.Context, who actor.Actor, id uuid.UUID) (*Key, error) {
	if err := who.Must(actor.HoldKeys); err != nil {
		return nil, err
	}
	rows, err := database.Collect[Key](ctx, s.db.Reader(ctx), "select "+keyColumns+keyTables+" where k.id = $1", id)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	if len(rows) == 0 || rows[0].AccountID != who.ID && !who.May(actor.EditStaff) {
		return nil, fault.Missing("key")
	}
	return &rows[0], nil
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
