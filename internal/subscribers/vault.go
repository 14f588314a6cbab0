package subscribers

import (
	"github.com/google/uuid"

	"fairnotice/internal/secrets"
)

// Vault seals and opens the secrets of subscriptions: a webhook's signing secret, a Slack
// incoming-webhook URL, a Slack token. In the database they are only ever sealed.
type Vault struct{ box *secrets.Box }

// NewVault makes a vault with the keys of a ring.
func NewVault(ring *secrets.KeyRing) *Vault { return &Vault{box: ring.Box("subscription")} }

func (v *Vault) seal(subscription uuid.UUID, secret string) []byte {
	return v.box.Seal([]byte(secret), subscription[:])
}

// Open opens a sealed secret of a subscription. The error is secrets.ErrSealed where the key is
// gone from ENCRYPTION_KEYS.
func (v *Vault) Open(subscription uuid.UUID, sealed []byte) (string, error) {
	secret, err := v.box.Open(sealed, subscription[:])
	return string(secret), err
}
