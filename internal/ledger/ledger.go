// Package ledger is the record: append-only, hash-chained, written in the same transaction as the
// thing it records.
//
// An entry holds IDs and a digest (its leaf); what happened stands in its body, which can be
// erased with its salt while the chain stays whole. A leaf is SHA-256(salt ‖ canonical JSON), the
// canonical form being RFC 8785's.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/gowebpki/jcs"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
)

// Subject is what an entry is about: a kind ("vendor", "change", …) and its ID.
type Subject struct {
	Kind string
	ID   uuid.UUID
}

// Entry is one thing that happened.
type Entry struct {
	Kind    string // "vendor.edited", "change.announced", …
	Actor   actor.Actor
	Subject Subject
	Body    any // anything that marshals to a JSON object; nil for none
}

type buffer struct{ entries []prepared }

type prepared struct {
	Entry
	leaf, salt []byte
	body       string
}

type bufferKey struct{}

// Append records an entry when the transaction commits. An entry that can't be written rolls the
// transaction back: nothing happens without its record.
func Append(tx *database.Tx, e Entry) error {
	p, err := prepare(e)
	if err != nil {
		return err
	}
	b, ok := tx.Local(bufferKey{}).(*buffer)
	if !ok {
		b = &buffer{}
		tx.SetLocal(bufferKey{}, b)
		tx.BeforeCommit(b.flush)
	}
	b.entries = append(b.entries, p)
	return nil
}

func prepare(e Entry) (prepared, error) {
	if e.Body == nil {
		e.Body = struct{}{}
	}
	raw, err := json.Marshal(e.Body)
	if err != nil {
		return prepared{}, fmt.Errorf("ledger: body of %s: %w", e.Kind, err)
	}
	if raw, err = withKey(raw, e.Actor.Key); err != nil {
		return prepared{}, fmt.Errorf("ledger: body of %s: %w", e.Kind, err)
	}
	body, err := jcs.Transform(raw)
	if err != nil {
		return prepared{}, fmt.Errorf("ledger: body of %s: %w", e.Kind, err)
	}
	salt := secrets.Bytes(16)
	return prepared{Entry: e, salt: salt, body: string(body), leaf: Leaf(salt, body)}, nil
}

// withKey notes in a body the API key by which a program acted, as "by_key": the actor is the account.
func withKey(raw []byte, key uuid.UUID) ([]byte, error) {
	if key == uuid.Nil {
		return raw, nil
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	if fields == nil { // the body is null
		fields = map[string]json.RawMessage{}
	}
	fields["by_key"] = json.RawMessage(`"` + key.String() + `"`)
	return json.Marshal(fields)
}

// Leaf is the digest of a body: SHA-256(salt ‖ canonical JSON).
func Leaf(salt, canonical []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(canonical)
	return h.Sum(nil)
}

// flush writes the entries as the transaction's last statement, so that the chain's lock is held
// for no longer than the commit takes.
func (b *buffer) flush(tx *database.Tx) error {
	n := len(b.entries)
	kinds, actorKinds, subjectKinds, bodies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	actors, subjects := make([]*uuid.UUID, n), make([]*uuid.UUID, n)
	leaves, salts := make([][]byte, n), make([][]byte, n)
	for i, e := range b.entries {
		kinds[i], actorKinds[i], subjectKinds[i] = e.Kind, string(e.Actor.Kind), e.Subject.Kind
		actors[i], subjects[i] = idOrNull(e.Actor.ID), idOrNull(e.Subject.ID)
		leaves[i], salts[i], bodies[i] = e.leaf, e.salt, e.body
	}
	b.entries = nil
	tx.SetLocal(bufferKey{}, nil) // an Append by a later hook registers anew
	if _, err := tx.Exec("set local lock_timeout = '10s'"); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	_, err := tx.Exec("select ledger_append($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		tx.Now(), kinds, actorKinds, actors, subjectKinds, subjects, leaves, salts, bodies)
	if err != nil {
		return fmt.Errorf("ledger: append %d entries: %w", n, err)
	}
	return nil
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Record is an entry as it was kept. Body is empty when it was erased.
type Record struct {
	Seq         int64
	At          time.Time
	Kind        string
	ActorKind   string
	ActorID     *uuid.UUID
	ActorName   string // of staff; "" for others
	SubjectKind string
	SubjectID   *uuid.UUID
	Body        json.RawMessage
}

const columns = `select e.seq, e.at, e.kind, e.actor_kind, e.actor_id, coalesce(a.name, '') as actor_name,
	e.subject_kind, e.subject_id, b.body
	from ledger_entries e left join ledger_bodies b using (seq) left join accounts a on a.id = e.actor_id `

// Latest lists entries from the newest to the oldest, those before seq when seq is above zero.
func Latest(ctx context.Context, db *database.DB, before int64, limit int) ([]Record, error) {
	return database.Collect[Record](ctx, db.Reader(ctx),
		columns+`where $1 = 0 or e.seq < $1 order by e.seq desc limit $2`, before, limit)
}

// About lists the entries on one subject, the newest first.
func About(ctx context.Context, db *database.DB, subject uuid.UUID, limit int) ([]Record, error) {
	return database.Collect[Record](ctx, db.Reader(ctx),
		columns+`where e.subject_id = $1 order by e.seq desc limit $2`, subject, limit)
}

// Filter narrows a list of entries; zero values narrow nothing.
type Filter struct {
	Subject uuid.UUID
	Before  int64 // entries older than this one
	Limit   int   // 50 when it is 0
}

// List lists entries, the newest first.
func List(ctx context.Context, db *database.DB, f Filter) ([]Record, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	where, args := "where ($1 = 0 or e.seq < $1)", []any{f.Before, f.Limit}
	if f.Subject != uuid.Nil { // by an index of its own
		where, args = where+" and e.subject_id = $3", append(args, f.Subject)
	}
	list, err := database.Collect[Record](ctx, db.Reader(ctx), columns+where+" order by e.seq desc limit $2", args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: list: %w", err)
	}
	return list, nil
}

// At returns one entry, or the NotFound fault "entry.not_found".
func At(ctx context.Context, db *database.DB, seq int64) (*Record, error) {
	list, err := database.Collect[Record](ctx, db.Reader(ctx), columns+"where e.seq = $1", seq)
	if err != nil {
		return nil, fmt.Errorf("ledger: read an entry: %w", err)
	}
	if len(list) == 0 {
		return nil, fault.Missing("entry")
	}
	return &list[0], nil
}

// News says how far the record reaches (0: it is empty), and whether anything was recorded after an
// entry besides attempts at deliveries, which are many and change nothing but deliveries. Entries are
// committed in their order, so what was read after an entry was seen is as good as new while there is
// no news since. A record that ends before the entry is another record, and news.
func News(ctx context.Context, db *database.DB, after int64) (last int64, some bool, err error) {
	err = db.Reader(ctx).QueryRow(ctx, `select l.last, l.last < $1
			or exists (select from ledger_entries where seq > $1 and kind <> 'deliveries.attempted')
		from (select coalesce(max(seq), 0) as last from ledger_entries) l`, after).Scan(&last, &some)
	if err != nil {
		return 0, false, fmt.Errorf("ledger: news: %w", err)
	}
	return last, some, nil
}
