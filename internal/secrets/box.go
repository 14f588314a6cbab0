package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrSealed is returned for a sealed secret that can't be opened: it was altered, belongs to
// something else, or was sealed with a key that is no longer in ENCRYPTION_KEYS.
var ErrSealed = errors.New("secrets: this can't be opened with the keys of ENCRYPTION_KEYS")

// Box seals secrets of one purpose for the database (AES-256-GCM). It is safe for concurrent use.
type Box struct {
	current string
	keys    map[string]cipher.AEAD
}

// Box derives a box for a purpose, such as "subscription". What is sealed for one purpose can't be
// opened for another.
func (r *KeyRing) Box(purpose string) *Box {
	b := &Box{current: r.ids[0], keys: map[string]cipher.AEAD{}}
	for id, key := range r.keys {
		derived, err := hkdf.Key(sha256.New, key, nil, "fairnotice sealed secret: "+purpose, 32)
		if err != nil { // only for impossible lengths
			panic(err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			panic(err)
		}
		// The nonce is random: AES-GCM bears 2^32 of them under one key, far more than there are secrets.
		if b.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			panic(err)
		}
	}
	return b
}

// Seal encrypts a secret with the key in use, bound to whose it is: the owner must be given again to
// open it, so that a sealed secret is worthless in another row.
func (b *Box) Seal(secret, owner []byte) []byte {
	head := append([]byte{byte(len(b.current))}, b.current...)
	return b.keys[b.current].Seal(head, nil, secret, owner)
}

// Open decrypts what Seal made, with whichever key of the ring it was sealed.
func (b *Box) Open(sealed, owner []byte) ([]byte, error) {
	id, body, ok := b.split(sealed)
	if !ok {
		return nil, ErrSealed
	}
	key, known := b.keys[id]
	if !known {
		return nil, fmt.Errorf("%w: the key %q is missing", ErrSealed, id)
	}
	secret, err := key.Open(nil, nil, body, owner)
	if err != nil {
		return nil, ErrSealed
	}
	return secret, nil
}

// Current says whether it was sealed with the key in use; what was not must be sealed anew before
// its key can leave the ring.
func (b *Box) Current(sealed []byte) bool {
	id, _, ok := b.split(sealed)
	return ok && id == b.current
}

func (b *Box) split(sealed []byte) (id string, body []byte, ok bool) {
	if len(sealed) == 0 || len(sealed) <= int(sealed[0]) {
		return "", nil, false
	}
	n := 1 + int(sealed[0])
	id = string(sealed[1:n])
	return id, sealed[n:], keyID.MatchString(id)
}
