package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database"
)

// Genesis is what the first entry's hash is chained to.
var Genesis = sha256.Sum256([]byte("fairnotice ledger"))

// Broken says which entry of the chain is the first that does not fit, and how.
type Broken struct {
	Seq int64
	Why string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("the ledger does not fit at entry %d: %s", b.Seq, b.Why)
}

// Verify walks the whole chain, recomputing every hash outside the database's own functions, and
// returns how many entries it read. A *Broken error names the first entry that does not fit.
func Verify(ctx context.Context, db *database.DB) (entries int64, err error) {
	rows, err := db.Reader(ctx).Query(ctx, `select e.seq, e.at, e.kind, e.actor_kind, e.actor_id, e.subject_kind, e.subject_id,
		e.leaf, e.prev, e.hash, b.salt, b.body::text
		from ledger_entries e left join ledger_bodies b using (seq) order by e.seq`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	prev := Genesis[:]
	for rows.Next() {
		var e sealed
		if err := rows.Scan(&e.seq, &e.at, &e.kind, &e.actorKind, &e.actorID, &e.subjectKind, &e.subjectID,
			&e.leaf, &e.prev, &e.hash, &e.salt, &e.body); err != nil {
			return entries, err
		}
		entries++
		if why := e.check(entries, prev); why != "" {
			return entries, &Broken{Seq: e.seq, Why: why}
		}
		prev = e.hash
	}
	return entries, rows.Err()
}

type sealed struct {
	seq                    int64
	at                     time.Time
	kind, actorKind        string
	actorID                *uuid.UUID
	subjectKind            string
	subjectID              *uuid.UUID
	leaf, prev, hash, salt []byte
	body                   *string
}

// check says what is wrong with the entry, "" when it fits.
func (e *sealed) check(wantSeq int64, prev []byte) string {
	switch {
	case e.seq != wantSeq:
		return fmt.Sprintf("entry %d is missing", wantSeq)
	case !bytes.Equal(e.prev, prev):
		return "it is not chained to the entry before"
	case !bytes.Equal(e.hash, e.seal()):
		return "its facts are not the ones that were sealed"
	case e.body != nil && !bytes.Equal(e.leaf, Leaf(e.salt, []byte(*e.body))):
		return "its body is not the one that was sealed"
	}
	return ""
}

func (e *sealed) seal() []byte {
	text := strings.Join([]string{
		strconv.FormatInt(e.seq, 10), e.at.UTC().Format("2006-01-02T15:04:05.000000Z"), e.kind, e.actorKind,
		idText(e.actorID), e.subjectKind, idText(e.subjectID), hex.EncodeToString(e.leaf)}, "|")
	sum := sha256.Sum256(append(bytes.Clone(e.prev), text...))
	return sum[:]
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return "-"
	}
	return id.String()
}

// Head is the chain's end: how many entries there are, and the hash that seals them all.
func Head(ctx context.Context, db *database.DB) (seq int64, hash []byte, err error) {
	err = db.Reader(ctx).QueryRow(ctx, "select seq, hash from ledger_entries order by seq desc limit 1").Scan(&seq, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, Genesis[:], nil
	}
	return seq, hash, err
}
