package apiv1

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

// KeyFacts are what can be edited of an API key.
type KeyFacts struct {
	Name      string   `json:"name" maxLength:"200" doc:"What the key is for."`
	Networks  []string `json:"networks,omitempty" maxItems:"50" doc:"From which the key may be used, such as 198.51.100.0/24, 2001:db8::/32 or a single address; none: from anywhere."`
	PerMinute int      `json:"per_minute,omitempty" minimum:"0" maximum:"60000" doc:"Requests that the key may make in a minute, in each server; absent: 600."`
}

// Example is a pipeline's.
func (KeyFacts) Example() any {
	return KeyFacts{Name: "deploy pipeline", Networks: []string{"198.51.100.0/24"}, PerMinute: 600}
}

// NewKey is a key to be made.
type NewKey struct {
	KeyFacts
	Role      actor.Role `json:"role" enum:"admin,approver,editor,reviewer" doc:"What the key may do: no more than the account at any time, nor than the key by which it is made."`
	ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"From then on the key opens nothing: within 366 days. Absent: 90 days ahead."`
}

// Example is a pipeline's.
func (NewKey) Example() any {
	ends := exampleTime.AddDate(0, 3, 0)
	return NewKey{KeyFacts{}.Example().(KeyFacts), actor.Editor, &ends}
}

// Key is an API key, without its text, which is nowhere.
type Key struct {
	ID          uuid.UUID         `json:"id"`
	AccountID   uuid.UUID         `json:"account_id" doc:"For whom the key acts."`
	AccountName string            `json:"account_name"`
	Name        string            `json:"name" doc:"What the key is for."`
	Hint        string            `json:"hint" doc:"The first characters of the key, to tell keys apart."`
	State       accounts.KeyState `json:"state" enum:"active,revoked,expired,disabled" doc:"disabled: its account is."`
	Role        actor.Role        `json:"role" enum:"admin,approver,editor,reviewer"`
	RoleNow     actor.Role        `json:"role_now" enum:"admin,approver,editor,reviewer" doc:"What the key may do now: the lesser of its own role and the account's."`
	Networks    []netip.Prefix    `json:"networks" doc:"From which the key may be used; empty: from anywhere."`
	PerMinute   int               `json:"per_minute" doc:"Requests that the key may make in a minute, in each server."`
	ExpiresAt   time.Time         `json:"expires_at" doc:"From then on the key opens nothing."`
	MadeBy      *uuid.UUID        `json:"made_by,omitempty" doc:"The key by which a program made this one; absent: a person made it."`
	LastUsedAt  *time.Time        `json:"last_used_at,omitempty" doc:"To the minute; absent: never."`
	RevokedAt   *time.Time        `json:"revoked_at,omitempty"`
	RevokedBy   *uuid.UUID        `json:"revoked_by,omitempty" doc:"The account that revoked it."`
	CreatedAt   time.Time         `json:"created_at"`
}

// Example is a pipeline's.
func (Key) Example() any {
	return Key{ID: exampleID(2), AccountID: exampleID(1), AccountName: "Ada Lovelace", Name: "deploy pipeline", Hint: "fnk_Q2hvcm", State: accounts.KeyActive,
		Role: actor.Editor, RoleNow: actor.Editor, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, PerMinute: 600,
		ExpiresAt: exampleTime.AddDate(0, 3, 0), CreatedAt: exampleTime}
}

// MadeKey is a key that was made, with its text.
type MadeKey struct {
	Key
	Text string `json:"key" doc:"The key itself. It is told here, this once: keep it where secrets are kept."`
}

// Example is a pipeline's.
func (MadeKey) Example() any {
	return MadeKey{Key{}.Example().(Key), "fnk_Q2hvcm9iYXRlcyBhcmUgaHVuZ3J5IHRvZGF5LCB0b28"}
}

const keyReach = "By a key only such keys can be made or edited as reach no further than itself: in role, networks, rate and life."

func (s *Site) keyOperations() {
	handle(s, op{id: "listMyKeys", method: http.MethodGet, path: "/me/keys", tag: tagStaff, act: actor.HoldKeys,
		summary: "The API keys of one's own account", text: "The newest first."}, s.listMyKeys)
	handle(s, op{id: "createKey", method: http.MethodPost, path: "/me/keys", tag: tagStaff, act: actor.HoldKeys,
		summary: "Make an API key",
		text: "It acts for the same account as the key that makes it: nobody makes keys for others. " + keyReach +
			" It goes with the key that made it when that one is revoked, and makes none itself."}, s.createKey)
	handle(s, op{id: "listKeys", method: http.MethodGet, path: "/keys", tag: tagStaff, act: actor.EditStaff,
		summary: "Everybody's API keys", text: "The newest first."}, s.listKeys)
	handle(s, op{id: "getKey", method: http.MethodGet, path: "/keys/{id}", tag: tagStaff, act: actor.HoldKeys,
		summary: "One API key", text: "Who is no administrator reads their own only."}, s.getKey)
	handle(s, op{id: "editKey", method: http.MethodPut, path: "/keys/{id}", tag: tagStaff, act: actor.HoldKeys,
		summary: "Change the name, networks and rate of a key of one's own", text: keyReach}, s.editKey)
	handle(s, op{id: "revokeKey", method: http.MethodDelete, path: "/keys/{id}", tag: tagStaff, act: actor.HoldKeys,
		summary: "Revoke an API key", text: "For good, with the keys that it made; one that is revoked already stays so. One's own or, for administrators, " +
			"anybody's. A key revokes keys whose role is not above its own, itself among them."}, s.revokeKey)
}

func (s *Site) keyOf(k *accounts.Key) Key {
	return Key{ID: k.ID, AccountID: k.AccountID, AccountName: k.AccountName, Name: k.Name, Hint: k.Hint, State: k.State(s.now()), Role: k.Role, RoleNow: k.RoleNow(),
		Networks: listOf(k.Networks), PerMinute: k.PerMinute, ExpiresAt: k.ExpiresAt, MadeBy: k.MadeBy, LastUsedAt: k.LastUsedAt,
		RevokedAt: k.RevokedAt, RevokedBy: k.RevokedBy, CreatedAt: k.CreatedAt}
}

func (f *KeyFacts) key() (*accounts.Key, error) {
	networks, err := accounts.ParseNetworks(f.Networks)
	if err != nil {
		return nil, err
	}
	return &accounts.Key{Name: f.Name, Networks: networks, PerMinute: f.PerMinute}, nil
}

func (s *Site) keyPage(ctx context.Context, who actor.Actor, q PageQuery, f accounts.KeyFilter) (*Page[Key], error) {
	f.After, f.Limit = q.After, q.Limit
	page, err := s.Accounts.Keys(ctx, who, f)
	if err != nil {
		return nil, err
	}
	return pageOf(ctx, mapped(page.Keys, s.keyOf), page.Next), nil
}

func (s *Site) listMyKeys(ctx context.Context, who actor.Actor, in *struct {
	PageQuery
	Active bool `query:"active" doc:"Only those that open something now."`
}) (*Page[Key], error) {
	return s.keyPage(ctx, who, in.PageQuery, accounts.KeyFilter{Account: who.ID, Active: in.Active})
}

func (s *Site) listKeys(ctx context.Context, who actor.Actor, in *struct {
	PageQuery
	Account uuid.UUID `query:"account" doc:"Only of this account."`
	Active  bool      `query:"active" doc:"Only those that open something now."`
}) (*Page[Key], error) {
	return s.keyPage(ctx, who, in.PageQuery, accounts.KeyFilter{Account: in.Account, Active: in.Active})
}

func (s *Site) createKey(ctx context.Context, who actor.Actor, in *struct{ Body NewKey }) (*Created[MadeKey], error) {
	k, err := in.Body.key()
	if err != nil {
		return nil, err
	}
	k.Role = in.Body.Role
	if in.Body.ExpiresAt != nil {
		k.ExpiresAt = *in.Body.ExpiresAt
	}
	text, err := s.Accounts.CreateKey(ctx, who, k)
	if err != nil {
		return nil, err
	}
	return made("/keys/"+k.ID.String(), k.Version, MadeKey{s.keyOf(k), text}), nil
}

func (s *Site) getKey(ctx context.Context, who actor.Actor, in *Named) (*One[Key], error) {
	k, err := s.Accounts.Key(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return one(k.Version, s.keyOf(k)), nil
}

func (s *Site) editKey(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body KeyFacts
}) (*One[Key], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	k, err := in.Body.key()
	if err != nil {
		return nil, err
	}
	k.ID, k.Version = in.ID, version
	if err := s.Accounts.EditKey(ctx, who, k); err != nil {
		return nil, err
	}
	return one(k.Version, s.keyOf(k)), nil
}

func (s *Site) revokeKey(ctx context.Context, who actor.Actor, in *Named) (*Done, error) {
	return &Done{}, s.Accounts.RevokeKey(ctx, who, in.ID)
}
