package subscribers

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/secrets"
)

// resealBatch is how many subscriptions are read, and at most locked, at a time.
const resealBatch = 200

// LostError names the subscriptions of which a secret can't be opened: its key is gone from
// ENCRYPTION_KEYS, or it was altered.
type LostError struct{ Subscriptions []uuid.UUID }

func (e *LostError) Error() string {
	ids := make([]string, len(e.Subscriptions))
	for i, id := range e.Subscriptions {
		ids[i] = id.String()
	}
	return "subscriptions with a secret that can't be opened with the keys of ENCRYPTION_KEYS: " + strings.Join(ids, ", ")
}

// Unwrap makes it a secrets.ErrSealed.
func (e *LostError) Unwrap() error { return secrets.ErrSealed }

// sealedPair is what a subscription has of sealed secrets.
type sealedPair struct {
	ID           uuid.UUID
	Secret       []byte
	FormerSecret []byte
}

// ReSeal seals anew every secret that isn't sealed with the key in use, so that older keys can
// leave the ring, and says of how many subscriptions. It may run beside senders, edits and itself,
// and again after an error. progress, if any, is told the count so far after each batch. What can't
// be opened stays as it is: the others are done, and the error is a LostError.
func (s *Service) ReSeal(ctx context.Context, progress func(done int)) (done int, err error) {
	lost := &LostError{}
	for after := uuid.Nil; ; {
		page, err := database.Collect[sealedPair](ctx, s.db.Reader(ctx), `
			select id, secret, former_secret from subscriptions
			where id > $1 and (secret is not null or former_secret is not null) order by id limit $2`, after, resealBatch)
		if err != nil {
			return done, fmt.Errorf("read secrets: %w", err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].ID
		n, err := s.resealStale(ctx, page, lost)
		if done += n; err != nil {
			return done, err
		}
		if n > 0 && progress != nil {
			progress(done)
		}
	}
	if len(lost.Subscriptions) > 0 {
		return done, lost
	}
	return done, nil
}

// resealStale looks again, under their locks, at those of a page that aren't sealed with the key in
// use: they may have been rotated meanwhile.
func (s *Service) resealStale(ctx context.Context, page []sealedPair, lost *LostError) (done int, err error) {
	var stale []uuid.UUID
	for i := range page {
		if s.vault.stale(page[i].Secret) || s.vault.stale(page[i].FormerSecret) {
			stale = append(stale, page[i].ID)
		}
	}
	if len(stale) == 0 {
		return 0, nil
	}
	var unopened []uuid.UUID
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		rows, err := database.Rows[sealedPair](tx, `select id, secret, former_secret from subscriptions where id = any($1) order by id for update`, stale)
		if err != nil {
			return fmt.Errorf("lock secrets: %w", err)
		}
		var fresh []sealedPair
		fresh, unopened = s.vault.reseal(rows)
		done = len(fresh)
		return storeSealed(tx, fresh)
	})
	if err != nil {
		return 0, err
	}
	lost.Subscriptions = append(lost.Subscriptions, unopened...)
	return done, nil
}

func storeSealed(tx *database.Tx, fresh []sealedPair) error {
	ids, current, former := make([]uuid.UUID, len(fresh)), make([][]byte, len(fresh)), make([][]byte, len(fresh))
	for i, p := range fresh {
		ids[i], current[i], former[i] = p.ID, p.Secret, p.FormerSecret
	}
	_, err := tx.Exec(`update subscriptions s set secret = n.secret, former_secret = n.former
		from unnest($1::uuid[], $2::bytea[], $3::bytea[]) n(id, secret, former) where s.id = n.id`, ids, current, former)
	return wrap("store sealed secrets", err)
}

func (v *Vault) stale(sealed []byte) bool { return sealed != nil && !v.box.Current(sealed) }

// reseal returns those of rows that had something to seal anew, so sealed, and the IDs of those of
// which something can't be opened.
func (v *Vault) reseal(rows []sealedPair) (fresh []sealedPair, unopened []uuid.UUID) {
	for _, row := range rows {
		changed, failed := false, false
		for _, sealed := range []*[]byte{&row.Secret, &row.FormerSecret} {
			if !v.stale(*sealed) {
				continue
			}
			secret, err := v.Open(row.ID, *sealed)
			if err != nil {
				failed = true
				continue
			}
			*sealed, changed = v.seal(row.ID, Secret(secret)), true
		}
		if changed {
			fresh = append(fresh, row)
		}
		if failed {
			unopened = append(unopened, row.ID)
		}
	}
	return fresh, unopened
}
