// Package secrets is the one place of randomness, and the key ring from which keys for signed
// links (and, with the channels that need it, encryption at rest) are derived.
package secrets

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// ID makes a new identifier: a UUID of version 7, so that what is made together lies together
// in an index.
func ID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: the program ends when the system has no randomness
	return b
}

// Token returns a random token of 256 bits, safe in URLs and cookies.
func Token() string { return base64.RawURLEncoding.EncodeToString(Bytes(32)) }

// Digest is how a token is stored: SHA-256, enough for a secret of 256 random bits.
func Digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// ErrBadToken is returned for a token that is altered, cut, or signed with a key that is gone.
var ErrBadToken = errors.New("secrets: not a token of ours")

// KeyRing holds the keys of ENCRYPTION_KEYS. The first signs and encrypts; all of them verify
// and decrypt, so keys can be rotated without breaking links already sent.
type KeyRing struct {
	ids  []string
	keys map[string][]byte
}

var keyID = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// ParseKeyRing reads "id:base64,id:base64": each key 32 bytes, the first one the key in use.
// Errors never show key material.
func ParseKeyRing(raw string) (*KeyRing, error) {
	ring := &KeyRing{keys: map[string][]byte{}}
	for i, part := range strings.Split(raw, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok || !keyID.MatchString(id) {
			return nil, fmt.Errorf("ENCRYPTION_KEYS: entry %d must read id:key, the id being 1 to 16 of a-z and 0-9", i+1)
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) != 32 {
			return nil, fmt.Errorf("ENCRYPTION_KEYS: the key %q must be 32 bytes in base64 (make one with: openssl rand -base64 32)", id)
		}
		if ring.keys[id] != nil {
			return nil, fmt.Errorf("ENCRYPTION_KEYS: the id %q stands twice", id)
		}
		ring.ids = append(ring.ids, id)
		ring.keys[id] = key
	}
	return ring, nil
}

// NewKey makes the text of a fresh entry for ENCRYPTION_KEYS.
func NewKey(id string) string {
	return id + ":" + base64.StdEncoding.EncodeToString(Bytes(32))
}

// String hides the keys from logs.
func (r *KeyRing) String() string { return "keys " + strings.Join(r.ids, ",") }

// Current is the ID of the key in use.
func (r *KeyRing) Current() string { return r.ids[0] }

// Signer signs and checks tokens of one purpose. A token of one purpose is worthless for another.
type Signer struct {
	current string
	keys    map[string][]byte
}

// Signer derives a signer for a purpose, such as "unsubscribe".
func (r *KeyRing) Signer(purpose string) *Signer {
	s := &Signer{current: r.ids[0], keys: map[string][]byte{}}
	for id, key := range r.keys {
		derived, err := hkdf.Key(sha256.New, key, nil, "fairnotice signed link: "+purpose, 32)
		if err != nil { // only for impossible lengths
			panic(err)
		}
		s.keys[id] = derived
	}
	return s
}

// Current is the ID of the key that Sign uses when none is named.
func (s *Signer) Current() string { return s.current }

// macSize is the length of a token's seal: 128 bits can't be guessed and keep links short.
const macSize = 16

// Sign makes a token over the payload with the key named, or with the one in use when key is "".
// The same payload and key give the same token, so a message can be rebuilt byte by byte.
func (s *Signer) Sign(key string, payload []byte) (string, error) {
	if key == "" {
		key = s.current
	}
	secret, ok := s.keys[key]
	if !ok {
		return "", fmt.Errorf("secrets: no key %q in ENCRYPTION_KEYS", key)
	}
	return key + "." + base64.RawURLEncoding.EncodeToString(append(seal(secret, payload), payload...)), nil
}

// Verify returns the payload of a token made by Sign, or ErrBadToken.
func (s *Signer) Verify(token string) ([]byte, error) {
	key, body, ok := strings.Cut(token, ".")
	secret := s.keys[key]
	if !ok || secret == nil {
		return nil, ErrBadToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(raw) < macSize {
		return nil, ErrBadToken
	}
	if !hmac.Equal(raw[:macSize], seal(secret, raw[macSize:])) {
		return nil, ErrBadToken
	}
	return raw[macSize:], nil
}

func seal(secret, payload []byte) []byte {
	return keyed(secret, payload)[:macSize]
}

// Digest is a digest of the payload, 32 bytes made with the key in use: unlike a bare one it can't be
// used to try out what the payload may be, such as a password.
func (s *Signer) Digest(payload []byte) []byte { return keyed(s.keys[s.current], payload) }

// Digests says whether the digest is the payload's, made with any key of the ring.
func (s *Signer) Digests(digest, payload []byte) bool {
	for _, secret := range s.keys {
		if hmac.Equal(digest, keyed(secret, payload)) {
			return true
		}
	}
	return false
}

func keyed(secret, payload []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(payload)
	return mac.Sum(nil)
}
