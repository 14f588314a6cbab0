package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"fairnotice/internal/secrets"
)

const (
	secretPrefix = "whsec_"
	// Standard Webhooks asks for 24 to 64 bytes. Ours have 24, which base64 writes without the
	// padding that gets lost in copying.
	minSecret, maxSecret = 24, 64
)

// ErrSecret is returned for what can't be a webhook's secret. It never shows the secret.
var ErrSecret = errors.New("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")

// NewSecret makes a random secret.
func NewSecret() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secrets.Bytes(minSecret))
}

// CheckSecret says whether s is a secret that receivers' libraries can read, or ErrSecret.
func CheckSecret(s string) error {
	_, err := key(s)
	return err
}

// key decodes a secret. The decoder forgives line breaks, which other decoders refuse.
func key(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || strings.ContainsAny(encoded, "\r\n") {
		return nil, ErrSecret
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(decoded) < minSecret || len(decoded) > maxSecret {
		return nil, ErrSecret
	}
	return decoded, nil
}

// signed is the two headers that a try's time and secrets decide.
type signed struct{ timestamp, signature string }

// sign signs a body with each secret, in their order.
func sign(id string, at time.Time, body []byte, secrets []string) (signed, error) {
	if len(secrets) == 0 {
		return signed{}, ErrSecret
	}
	out := signed{timestamp: strconv.FormatInt(at.Unix(), 10)}
	head := []byte(id + "." + out.timestamp + ".")
	var signature []byte
	for i, secret := range secrets {
		k, err := key(secret)
		if err != nil {
			return signed{}, err
		}
		if i > 0 {
			signature = append(signature, ' ')
		}
		mac := hmac.New(sha256.New, k)
		mac.Write(head)
		mac.Write(body)
		signature = base64.StdEncoding.AppendEncode(append(signature, "v1,"...), mac.Sum(nil))
	}
	out.signature = string(signature)
	return out, nil
}
