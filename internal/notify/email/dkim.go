package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// DKIM signs messages for a domain (RFC 6376). Make one with [ParseDKIM].
type DKIM struct {
	domain, selector string
	key              crypto.Signer
}

// The fields that are signed, where a message has them. RFC 8058 section 4 asks for the two List- ones. The once-only
// fields are named a second time, so that nobody on the way can add another (RFC 6376 section 8.15).
var (
	signedHeaders = []string{"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version",
		"Content-Type", "Auto-Submitted", "Content-Language", "List-Unsubscribe", "List-Unsubscribe-Post"}
	oversignedHeaders = []string{"From", "To", "Reply-To", "Subject", "Date", "Content-Type"}
)

// ParseDKIM takes the signing domain, the selector under it and the private key in PEM: RSA of at
// least 1024 bits (RFC 8301; take 2048) in PKCS #1 or #8, or Ed25519 (RFC 8463) in PKCS #8.
// Errors say what is wrong with which of the three and never repeat the key.
func ParseDKIM(domain, selector string, keyPEM []byte) (*DKIM, error) {
	if !strings.Contains(domain, ".") || !isDomain(domain) {
		return nil, errors.New("the DKIM domain is not a domain name such as example.com")
	}
	if !isDomain(selector) {
		return nil, errors.New("the DKIM selector is not a name such as notices2026: letters, digits, hyphens, dots")
	}
	if len(selector)+len("._domainkey.")+len(domain) > 253 {
		return nil, errors.New("the DKIM selector and domain together are too long for a DNS name")
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("the DKIM key cannot be used: %w", err)
	}
	return &DKIM{domain: domain, selector: selector, key: key}, nil
}

func parseKey(keyPEM []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(keyPEM)
	switch {
	case block == nil:
		return nil, errors.New("it is not in PEM form (-----BEGIN PRIVATE KEY----- and so on, with its line breaks)")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("something follows the first PEM block: give only the private key")
	case strings.Contains(block.Type, "PUBLIC") || block.Type == "CERTIFICATE":
		return nil, errors.New("it is the public half: give the private key")
	case strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
		return nil, errors.New("it is protected by a passphrase: give it without one")
	}
	key, err := mail.PrivKeyFromPEM(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("it is neither an RSA key (PKCS #1 or #8) nor an Ed25519 key (PKCS #8): %w", err)
	}
	if rsaKey, ok := key.(*rsa.PrivateKey); ok && rsaKey.N.BitLen() < 1024 {
		return nil, fmt.Errorf("an RSA key of %d bits is too short: make one of 2048", rsaKey.N.BitLen())
	}
	return key, nil
}

// Record is what must stand in the DNS for the signatures to verify: the name of a TXT record and its
// value. DNS wants values over 255 bytes in pieces; most tools cut them on their own.
func (d *DKIM) Record() (name, value string, err error) {
	name = d.selector + "._domainkey." + d.domain
	if public, ok := d.key.Public().(ed25519.PublicKey); ok {
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	der, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		return "", "", fmt.Errorf("encode DKIM public key: %w", err)
	}
	return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
}

// sign returns msg with a DKIM-Signature in front, as of date.
func (d *DKIM) sign(msg []byte, date time.Time) ([]byte, error) {
	head, body, found := bytes.Cut(msg, []byte("\r\n\r\n"))
	if !found {
		return nil, errors.New("sign message: it has no body")
	}
	// One signer a message: go-mail's signer writes to itself when it signs, and the time is the message's.
	signer := mail.NewDKIMSigner(d.domain, d.selector, d.key)
	signer.SignHeaders(presentHeaders(head)...)
	signer.OversignHeaders(oversignedHeaders...)
	// Relaxed bodies cost a buffer a line. They forgive changed white space, of which quoted-printable leaves none bare.
	signer.BodyCanonicalization(mail.CanonicalizationSimple)
	signer.NowFunc = func() time.Time { return date }
	signature, err := signer.Sign(msg[:len(head)+2], body)
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	signature = joinTags(signature)
	signed := make([]byte, 0, len(signature)+len(msg))
	return append(append(signed, signature...), msg...), nil
}

// presentHeaders is the part of signedHeaders that head has, and always From.
func presentHeaders(head []byte) []string {
	lower := "\r\n" + strings.ToLower(string(head))
	var present []string
	for _, name := range signedHeaders {
		if strings.Contains(lower, "\r\n"+strings.ToLower(name)+":") {
			present = append(present, name)
		}
	}
	return present
}

// joinTags mends a signature as go-mail v0.8.1 writes it: it hashes the tags unfolded but then folds
// them wherever a line reaches 76 columns, also in the middle of a name in h=, and what was
// hashed is not what arrives. Folds after a tag's semicolon are harmless, and so are those within the
// value of b=, which a verifier takes out.
func joinTags(signature string) string {
	tags, value, found := strings.Cut(signature, " b=")
	if !found {
		return signature
	}
	const fold, kept = "\r\n ", "; \r\n "
	parts := strings.Split(tags, kept)
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], fold, "")
	}
	return strings.Join(parts, kept) + " b=" + value
}
