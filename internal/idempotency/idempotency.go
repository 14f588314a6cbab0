// Package idempotency lets a program repeat a write whose answer it never got: under the same key the
// answer of the first time is given again, and nothing is done twice.
//
// The claim of a key and the answer kept under it are written in the transaction of the write itself
// (database.Together). So after a crash there is both or neither; and of two servers that get the
// same request at once, the second waits for the first and then gives its answer. Only what succeeded is
// kept: what was refused did nothing, and may be sent again under the same key when it is mended.
package idempotency

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
)

// KeptFor is how long an answer is kept, and so how late a write may be repeated.
const KeptFor = 24 * time.Hour

// LongestKey is how many characters a key may have.
const LongestKey = 255

// Request identifies a write.
type Request struct {
	Owner  uuid.UUID // the API key: keys of one owner are nothing to another
	Key    string
	Digest []byte // SHA-256 of all that makes the request what it is; stored keyed, as a password may be in it
}

// Answer is what was answered the first time.
type Answer struct {
	Status  int
	Headers map[string]string
	Body    []byte
}

// Store keeps answers, sealed: they may hold secrets that are told once, and personal data.
type Store struct {
	db  *database.DB
	box *secrets.Box
	mac *secrets.Signer
}

// New makes the store. ring seals what is kept.
func New(db *database.DB, ring *secrets.KeyRing) *Store {
	return &Store{db: db, box: ring.Box("idempotency"), mac: ring.Signer("idempotency")}
}

// Check says whether a key can be one: printable ASCII, LongestKey characters at most.
func Check(key string) error {
	if len(key) > LongestKey {
		return fault.Field("Idempotency-Key", "idempotency.long", fault.Args{"Max": LongestKey})
	}
	for _, c := range []byte(key) {
		if c < 0x21 || c > 0x7e {
			return fault.Field("Idempotency-Key", "idempotency.characters", nil)
		}
	}
	return nil
}

// Claim takes a key for a write that this transaction is going to do. When it was done before, the
// answer is what was answered then, and nothing may be done. Faults: Conflict "idempotency.other" when
// the key belongs to another request, "idempotency.busy" when the first one is still under way after
// ten seconds.
func (s *Store) Claim(tx *database.Tx, r Request) (answer *Answer, found bool, err error) {
	if err := Check(r.Key); err != nil {
		return nil, false, err
	}
	claimed, err := s.claim(tx, r)
	if err != nil || claimed {
		return nil, false, err
	}
	answer, err = s.kept(tx, r)
	return answer, err == nil, err
}

// claim inserts the row; while another transaction has it inserted and not committed, this one waits.
// A row whose time has run out is taken over.
func (s *Store) claim(tx *database.Tx, r Request) (bool, error) {
	if _, err := tx.Exec("set local lock_timeout = '10s'"); err != nil {
		return false, fmt.Errorf("claim an idempotency key: %w", err)
	}
	rows, err := tx.Exec(`insert into idempotency_keys as k (owner_id, key, digest, created_at) values ($1, $2, $3, $4)
		on conflict (owner_id, key) do update set digest = excluded.digest, created_at = excluded.created_at, status = 0, headers = '', body = ''
		where k.created_at <= $5`, r.Owner, r.Key, s.mac.Digest(r.Digest), tx.Now(), tx.Now().Add(-KeptFor))
	if database.TimedOut(err) {
		return false, fault.New(fault.Conflict, "idempotency.busy", nil)
	}
	if err != nil {
		return false, fmt.Errorf("claim an idempotency key: %w", err)
	}
	_, err = tx.Exec("set local lock_timeout = 0")
	return rows == 1, err
}

func (s *Store) kept(tx *database.Tx, r Request) (*Answer, error) {
	var digest, headers, body []byte
	a := &Answer{}
	err := tx.Pgx(func(ptx pgx.Tx) error {
		return ptx.QueryRow(tx.Context(), "select digest, status, headers, body from idempotency_keys where owner_id = $1 and key = $2",
			r.Owner, r.Key).Scan(&digest, &a.Status, &headers, &body)
	})
	if err != nil {
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	if !s.mac.Digests(digest, r.Digest) {
		return nil, fault.New(fault.Conflict, "idempotency.other", nil)
	}
	headers, err1 := s.box.Open(headers, owner(r, "headers"))
	a.Body, err = s.box.Open(body, owner(r, "body"))
	if err = errors.Join(err1, err); err != nil {
		return nil, fmt.Errorf("open a kept answer: %w", err)
	}
	if err := json.Unmarshal(headers, &a.Headers); err != nil {
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	return a, nil
}

// Keep stores the answer to a write that this transaction has claimed and done.
func (s *Store) Keep(tx *database.Tx, r Request, a Answer) error {
	canonical := make(map[string]string, len(a.Headers))
	for name, value := range a.Headers {
		canonical[textproto.CanonicalMIMEHeaderKey(name)] = value
	}
	headers, err := json.Marshal(canonical)
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	_, err = tx.Exec("update idempotency_keys set status = $3, headers = $4, body = $5 where owner_id = $1 and key = $2",
		r.Owner, r.Key, a.Status, s.box.Seal(headers, owner(r, "headers")), s.box.Seal(a.Body, owner(r, "body")))
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// owner binds what is sealed to its row and column.
func owner(r Request, column string) []byte {
	return []byte(r.Owner.String() + "/" + column + "/" + r.Key)
}
