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
	DefaultKeyLife  = 90 * 24 * time.Hour
	LongestKeyLife  = 366 * 24 * time.Hour
	DefaultKeyRate  = 600    // requests a minute
	HighestKeyRate  = 60_000 // requests a minute
	MostKeyNetworks = 50
	MostKeysOfOne   = 50 // that are neither revoked nor expired, of one account
	keyHintLength   = len(KeyPrefix) + 6
	keyLength       = len(KeyPrefix) + 43 // a token's 256 bits in base64url
	keyTouchedEvery = time.Minute         // how exact last_used_at is
)

// Key is an API key: a program's way to act for the account that made it. The key itself is shown
// once and stored nowhere.
type Key struct {
	ID         uuid.UUID      `json:"-"`
	AccountID  uuid.UUID      `json:"account_id"`
	Name       string         `json:"name"`
	Role       actor.Role     `json:"role"` // worth no more than the account's role at the time of use
	Hint       string         `json:"hint"` // the first characters of the key
	Networks   []netip.Prefix `json:"networks"`
	PerMinute  int            `json:"per_minute"`        // requests, in each server
	ExpiresAt  time.Time      `json:"expires_at"`        // UTC; it opens nothing from then on
	MadeBy     *uuid.UUID     `json:"made_by,omitempty"` // the key by which a program made this one
	LastUsedAt *time.Time     `json:"-"`                 // to the minute
	RevokedAt  *time.Time     `json:"-"`
	RevokedBy  *uuid.UUID     `json:"-"` // an account; nil where the operator's command did it
	Version    int            `json:"-"`
	CreatedAt  time.Time      `json:"-"`
	UpdatedAt  time.Time      `json:"-"`

	AccountName     string     `json:"-"`
	AccountRole     actor.Role `json:"-"`
	AccountDisabled bool       `json:"-"`
}

// KeyState is whether a key opens anything.
type KeyState string

// A key's states. What is revoked or expired stays so; a disabled account's keys come back with it.
const (
	KeyActive   KeyState = "active"
	KeyRevoked  KeyState = "revoked"
	KeyExpired  KeyState = "expired"
	KeyDisabled KeyState = "disabled" // its account is
)

// KeyStates lists them.
var KeyStates = []KeyState{KeyActive, KeyRevoked, KeyExpired, KeyDisabled}

// State says whether the key opens anything at this instant, and why not.
func (k *Key) State(now time.Time) KeyState {
	switch {
	case k.RevokedAt != nil:
		return KeyRevoked
	case !now.Before(k.ExpiresAt):
		return KeyExpired
	case k.AccountDisabled:
		return KeyDisabled
	default:
		return KeyActive
	}
}

// RoleNow is what the key is worth: the lesser of its own role and its account's.
func (k *Key) RoleNow() actor.Role { return lesser(k.Role, k.AccountRole) }

// Validate tidies the key and returns every fault in it. now is the present: a key must expire, within
// LongestKeyLife.
func (k *Key) Validate(now time.Time) error {
	var c fault.Check
	input.Choice(&c, "role", k.Role, actor.Roles...)
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
	k.checkFacts(&c)
	return c.Err()
}

// checkFacts looks at what can be edited.
func (k *Key) checkFacts(c *fault.Check) {
	input.Name(c, "name", &k.Name)
	if k.PerMinute == 0 {
		k.PerMinute = DefaultKeyRate
	}
	input.Between(c, "per_minute", k.PerMinute, 1, HighestKeyRate)
	k.checkNetworks(c)
}

func (k *Key) checkNetworks(c *fault.Check) {
	if len(k.Networks) > MostKeyNetworks {
		c.Add("networks", "key.networks", fault.Args{"Max": MostKeyNetworks})
		return
	}
	tidy := make([]netip.Prefix, 0, len(k.Networks))
	for i, n := range k.Networks {
		if !n.IsValid() {
			c.Add(fmt.Sprintf("networks.%d", i), "network.malformed", fault.Args{"Value": n.String()})
			continue
		}
		tidy = append(tidy, unmapped(n).Masked())
	}
	slices.SortFunc(tidy, netip.Prefix.Compare)
	k.Networks = slices.Compact(tidy)
}

// unmapped is an IPv4 network that was written as one of IPv6 (::ffff:198.51.100.0/120) in its own form,
// in which callers' addresses are compared.
func unmapped(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n
}

// ParseNetworks reads networks as people and programs write them, such as 198.51.100.0/24, 2001:db8::/32
// or a single address. Faults ("network.malformed") stand at networks.0 and so on.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	var c fault.Check
	out := make([]netip.Prefix, 0, len(list))
	for i, text := range list {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(text); err == nil && address.Zone() == "" {
				network = netip.PrefixFrom(address, address.BitLen())
			}
		}
		if !network.IsValid() {
			c.Add(fmt.Sprintf("networks.%d", i), "network.malformed", fault.Args{"Value": text})
			continue
		}
		out = append(out, network)
	}
	return out, c.Err()
}

// inherit fills what a key that is made by another leaves open.
func (k *Key) inherit(by *Key, now time.Time) {
	if k.ExpiresAt.IsZero() && by.ExpiresAt.Before(now.Add(DefaultKeyLife)) {
		k.ExpiresAt = by.ExpiresAt
	}
	if k.PerMinute == 0 {
		k.PerMinute = min(DefaultKeyRate, by.PerMinute)
	}
	if len(k.Networks) == 0 {
		k.Networks = slices.Clone(by.Networks)
	}
}

// within notes where the key would reach further than the one by which it is made or edited.
func (k *Key) within(c *fault.Check, by *Key) {
	if lesser(k.Role, by.RoleNow()) != k.Role {
		c.Add("role", "key.role", fault.Args{"Role": string(by.RoleNow())})
	}
	if k.ExpiresAt.After(by.ExpiresAt) {
		c.Add("expires_at", "key.expires_beyond", fault.Args{"Max": by.ExpiresAt.Format(time.RFC3339)})
	}
	if k.PerMinute > by.PerMinute {
		c.Add("per_minute", "key.rate_beyond", fault.Args{"Max": by.PerMinute})
	}
	if len(by.Networks) > 0 && (len(k.Networks) == 0 || slices.ContainsFunc(k.Networks, func(n netip.Prefix) bool { return !covered(n, by.Networks) })) {
		c.Add("networks", "key.networks_beyond", nil)
	}
}

// covered says whether one of the networks holds all of this one.
func covered(n netip.Prefix, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(wide netip.Prefix) bool { return wide.Bits() <= n.Bits() && wide.Contains(n.Addr()) })
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
	return strings.HasPrefix(text, KeyPrefix) && len(text) == keyLength
}

func keySubject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("api_key", id) }
