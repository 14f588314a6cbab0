package accounts

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/alexedwards/argon2id"

	"fairnotice/internal/secrets"
)

// params are OWASP's first choice for argon2id (Password Storage Cheat Sheet): 46 MiB, one pass,
// one lane.
var params = &argon2id.Params{Memory: 46 * 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher bounds how many passwords are hashed at once: each takes 46 MiB, and sign-ins come from
// strangers.
type hasher struct {
	slots chan struct{}
	decoy func() (string, error)
}

func newHasher() *hasher {
	return &hasher{
		slots: make(chan struct{}, max(2, runtime.NumCPU())),
		decoy: sync.OnceValues(func() (string, error) { return argon2id.CreateHash(secrets.Token(), params) }),
	}
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) leave() { <-h.slots }

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	out, err := argon2id.CreateHash(normal(password), params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return out, nil
}

// matches compares in constant time. Without a hash, for an address that nobody has, it does the
// same work on a decoy, so that the time taken doesn't tell who has an account.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > 4*MaxPassword { // no password of ours; hashing it would be work for nothing
		password = ""
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	known := hash != ""
	if !known {
		decoy, err := h.decoy()
		if err != nil {
			return false, fmt.Errorf("hash a password: %w", err)
		}
		hash = decoy
	}
	ok, err := argon2id.ComparePasswordAndHash(normal(password), hash)
	if err != nil {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return ok && known, nil
}
