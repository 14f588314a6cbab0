package subscribers

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"

	"github.com/google/uuid"

	"fairnotice/internal/secrets"
)

// Vault seals and opens the secrets of subscriptions: a webhook's signing secret, a Slack
// incoming-webhook URL, a Slack token. In the database they are only ever sealed.
type Vault struct{ box *secrets.Box }

// NewVault makes a vault with the keys of a ring.
func NewVault(ring *secrets.KeyRing) *Vault { return &Vault{box: ring.Box("subscription")} }

func (v *Vault) seal(subscription uuid.UUID, secret Secret) []byte {
	return v.box.Seal([]byte(secret), subscription[:])
}

// Open opens a sealed secret of a subscription. The error is secrets.ErrSealed where the key is
// gone from ENCRYPTION_KEYS.
func (v *Vault) Open(subscription uuid.UUID, sealed []byte) (string, error) {
	secret, err := v.box.Open(sealed, subscription[:])
	return string(secret), err
}

// Secret is a secret on its way in or out. It shows itself in no log and no message; whoever needs
// it converts it to a string.
type Secret string

// Format covers every verb, %v and %#v and %x included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// LogValue is for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText is for JSON and every other encoding that asks for text.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// newSigningSecret makes a webhook's secret as Standard Webhooks writes it.
func newSigningSecret() Secret {
	return Secret("whsec_" + base64.StdEncoding.EncodeToString(secrets.Bytes(32)))
}
