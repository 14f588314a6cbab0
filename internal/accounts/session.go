package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// How long a session lasts.
const (
	Idle     = 12 * time.Hour     // without a request
	Absolute = 7 * 24 * time.Hour // whatever happens
	// touchEvery is how often a request is noted: an idle session ends up to so much early, and a
	// page with twenty requests doesn't write twenty times.
	touchEvery = 5 * time.Minute
)

// Authenticate signs a person in and returns the session's token, always a new one, for a cookie.
// A wrong password, an unknown address and a disabled account get the same fault
// ("sign_in.failed"), after the same work; too many of them TooMany, with the seconds to wait.
func (s *Service) Authenticate(ctx context.Context, email, password string) (string, actor.Actor, error) {
	email = normalEmail(email)
	hash, err := s.attempt(ctx, email)
	if err != nil {
		return "", actor.Actor{}, err
	}
	ok, err := s.hasher.matches(ctx, password, hash)
	if err != nil {
		return "", actor.Actor{}, err
	}
	if !ok {
		return "", actor.Actor{}, s.refuse(ctx, email)
	}
	return s.start(ctx, email, hash)
}

// attempt counts a failure before the password is looked at, and start takes it back: so guesses
// that arrive at once are counted too. It returns the hash to compare with, "" for none.
func (s *Service) attempt(ctx context.Context, email string) (hash string, err error) {
	err = s.db.Transact(ctx, func(tx *database.Tx) error {
		type row struct {
			ID           uuid.UUID
			PasswordHash string
			FailedCount  int
			FailedAt     *time.Time
			Disabled     bool
		}
		rows, err := database.Rows[row](tx, `select id, password_hash, failed_count, failed_at, disabled_at is not null as disabled
			from accounts where lower(email) = lower($1) for update`, email)
		if err != nil {
			return fmt.Errorf("read an account: %w", err)
		}
		if len(rows) == 0 {
			return s.unknown.count(email, tx.Now())
		}
		a := rows[0]
		if a.FailedAt != nil {
			if err := throttle(a.FailedCount, *a.FailedAt, tx.Now()); err != nil {
				return err
			}
		}
		if !a.Disabled {
			hash = a.PasswordHash
		}
		_, err = tx.Exec("update accounts set failed_count = failed_count + 1, failed_at = $2 where id = $1", a.ID, tx.Now())
		return err
	})
	return hash, err
}

// refuse records a failed sign-in; the account's ID is all that is kept.
func (s *Service) refuse(ctx context.Context, email string) error {
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		ids, err := database.Scalars[uuid.UUID](tx, "select id from accounts where lower(email) = lower($1)", email)
		if err != nil || len(ids) == 0 {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Kind: "session.failed", Actor: actor.Actor{Kind: actor.Public}, Subject: subject(ids[0])})
	})
	if err != nil {
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	return fault.New(fault.Unauthenticated, "sign_in.failed", nil)
}

// start opens a session, unless the account was disabled or its password changed meanwhile.
func (s *Service) start(ctx context.Context, email, hash string) (string, actor.Actor, error) {
	token := secrets.Token()
	var who actor.Actor
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		a, err := one(tx.Gorm().Raw(`update accounts set failed_count = 0, failed_at = null
			where lower(email) = lower(?) and password_hash = ? and disabled_at is null returning *`, email, hash))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Unauthenticated, "sign_in.failed", nil)
		}
		if err != nil {
			return err
		}
		who = a.Actor()
		if _, err := tx.Exec("delete from sessions where account_id = $1 and expires_at <= $2", a.ID, tx.Now()); err != nil {
			return fmt.Errorf("clear old sessions: %w", err)
		}
		_, err = tx.Exec("insert into sessions (digest, account_id, created_at, seen_at, expires_at) values ($1, $2, $3, $3, $4)",
			secrets.Digest(token), a.ID, tx.Now(), tx.Now().Add(Absolute))
		if err != nil {
			return fmt.Errorf("open a session: %w", err)
		}
		return ledger.Append(tx, ledger.Entry{Kind: "session.started", Actor: who, Subject: subject(a.ID)})
	})
	if err != nil {
		return "", actor.Actor{}, err
	}
	return token, who, nil
}

// Actor is who holds the session, with the role they have now; an Unauthenticated fault when there
// is no such session, or it has run out.
func (s *Service) Actor(ctx context.Context, token string) (actor.Actor, error) {
	type row struct {
		ID     uuid.UUID
		Name   string
		Role   actor.Role
		SeenAt time.Time
	}
	now, digest := s.db.Now(), secrets.Digest(token)
	rows, err := database.Collect[row](ctx, s.db.Reader(ctx), `
		select a.id, a.name, a.role, s.seen_at from sessions s join accounts a on a.id = s.account_id
		where s.digest = $1 and s.expires_at > $2 and s.seen_at > $3 and a.disabled_at is null`, digest, now, now.Add(-Idle))
	if err != nil {
		return actor.Actor{}, fmt.Errorf("read a session: %w", err)
	}
	if len(rows) == 0 {
		return actor.Actor{}, fault.New(fault.Unauthenticated, "sign_in.needed", nil)
	}
	if r := rows[0]; now.Sub(r.SeenAt) >= touchEvery {
		if _, err := s.db.Pool().Exec(ctx, "update sessions set seen_at = $2 where digest = $1 and seen_at < $2", digest, now); err != nil {
			return actor.Actor{}, fmt.Errorf("note a session's use: %w", err)
		}
	}
	return actor.Actor{Kind: actor.Staff, ID: rows[0].ID, Role: rows[0].Role, Name: rows[0].Name}, nil
}

// SignOut ends a session. Ending one that is gone is fine.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		ids, err := database.Scalars[uuid.UUID](tx, "delete from sessions where digest = $1 returning account_id", secrets.Digest(token))
		if err != nil {
			return fmt.Errorf("end a session: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		who := actor.Actor{Kind: actor.Staff, ID: ids[0]}
		return ledger.Append(tx, ledger.Entry{Kind: "session.ended", Actor: who, Subject: subject(ids[0])})
	})
}
