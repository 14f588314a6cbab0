package accounts

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// KeyPrefix begins every API key, so that people and scanners for leaked secrets know one when they
// see it.
const KeyPrefix = "fnk_"

// Limits of API keys.
const (
	DefaultKeyLife   = 90 * 24 * time.Hour
	LongestKeyLife   = 366 * 24 * time.Hour
	DefaultKeyRate   = 600    // requests a minute
	HighestKeyRate   = 60_000 // requests a minute
	MostKeyNetworks  = 50
	MostKeysOfOne    = 50 // that are neither revoked nor expired, of one account
	keyHintLength    = len(KeyPrefix) + 6
	keyTouchedEvery  = time.Minute // how exact last_used_at is
	shortestKeyChars = len(KeyPrefix) + 43
)

// Key is an API key: a program's way to act for the account that made it. The key itself is shown
// once and stored nowhere.
type Key struct {
	ID         uuid.UUID      `json:"-"`
	AccountID  uuid.UUID      `json:"-"`
	Name       string         `json:"name"`
	Role       actor.Role     `json:"role"` // worth no more than the account's role at the time of use
	Hint       string         `json:"hint"` // the first characters of the key
	Networks   []netip.Prefix `json:"networks"`
	PerMinute  int            `json:"per_minute"` // requests, in each server
	ExpiresAt  time.Time      `json:"expires_at"` // UTC; it opens nothing from then on
	LastUsedAt *time.Time     `json:"-"`          // to the minute
	RevokedAt  *time.Time     `json:"-"`
	RevokedBy  *uuid.UUID     `json:"-"`
	Version    int            `json:"-"`
	CreatedAt  time.Time      `json:"-"`
	UpdatedAt  time.Time      `json:"-"`

	AccountName string `json:"-"`
}

// Usable says whether the key opens anything at this instant.
func (k *Key) Usable(now time.Time) bool { return k.RevokedAt == nil && now.Before(k.ExpiresAt) }

// Validate tidies the key and returns every fault in it. now is the present: a key must expire, within
// LongestKeyLife.
func (k *Key) Validate(now time.Time) error {
	var c fault.Check
	input.Name(&c, "name", &k.Name)
	input.Choice(&c, "role", k.Role, actor.Roles...)
	if k.PerMinute == 0 {
		k.PerMinute = DefaultKeyRate
	}
	input.Between(&c, "per_minute", k.PerMinute, 1, HighestKeyRate)
	if k.ExpiresAt.IsZero() {
		k.ExpiresAt = now.Add(DefaultKeyLife)
	}
	k.ExpiresAt = k.ExpiresAt.UTC().Truncate(time.Microsecond)
	switch {
	case !k.ExpiresAt.After(now):
		c.Add("expires_at", "key.expires_past", nil)
	case k.ExpiresAt.After(now.Add(LongestKeyLife)):
		c.Add("expires_at", "key.expires_late", fault.Args{"Max": int(LongestKeyLife.Hours() / 24)})
	}
	k.checkNetworks(&c)
	return c.Err()
}

func (k *Key) checkNetworks(c *fault.Check) {
	if len(k.Networks) > MostKeyNetworks {
		c.Add("networks", "key.networks", fault.Args{"Max": MostKeyNetworks})
	}
	for i, n := range k.Networks {
		if !n.IsValid() {
			c.Add(fmt.Sprintf("networks.%d", i), "network.malformed", nil)
			continue
		}
		k.Networks[i] = n.Masked()
	}
	slices.SortFunc(k.Networks, netip.Prefix.Compare)
	k.Networks = slices.Compact(k.Networks)
	if k.Networks == nil {
		k.Networks = []netip.Prefix{}
	}
}

// allows says whether the key may be used from this address; one without networks may from anywhere.
func (k *Key) allows(from netip.Addr) bool {
	from = from.Unmap().WithZone("")
	return len(k.Networks) == 0 || slices.ContainsFunc(k.Networks, func(n netip.Prefix) bool { return n.Contains(from) })
}

// lesser is the weaker of two roles: actor.Roles lists the most powerful first.
func lesser(a, b actor.Role) actor.Role {
	if slices.Index(actor.Roles, a) < slices.Index(actor.Roles, b) {
		return b
	}
	return a
}

func newKeyText() string { return KeyPrefix + secrets.Token() }

// looksLikeKey spares the database a question about what can't be one.
func looksLikeKey(text string) bool {
	return strings.HasPrefix(text, KeyPrefix) && len(text) == shortestKeyChars
}

func keySubject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("api_key", id) }
