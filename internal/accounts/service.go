package accounts

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// Service keeps accounts and sessions.
type Service struct {
	db      *database.DB
	hasher  *hasher
	unknown *guesses
}

// New makes the service.
func New(db *database.DB) *Service {
	return &Service{db: db, hasher: newHasher(), unknown: newGuesses()}
}

// List returns every account, disabled ones too, by name.
func (s *Service) List(ctx context.Context, who actor.Actor) ([]Account, error) {
	if err := who.Must(actor.EditStaff); err != nil {
		return nil, err
	}
	var out []Account
	if err := s.db.Gorm(ctx).Order("lower(name), id").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return out, nil
}

// Get returns one account; everybody may see their own.
func (s *Service) Get(ctx context.Context, who actor.Actor, id uuid.UUID) (*Account, error) {
	if who.Kind != actor.Staff || who.ID != id {
		if err := who.Must(actor.EditStaff); err != nil {
			return nil, err
		}
	}
	return take(s.db.Gorm(ctx), id)
}

// HasAdmin says whether an enabled administrator exists: without one nobody can begin.
func (s *Service) HasAdmin(ctx context.Context) (yes bool, err error) {
	err = s.db.Reader(ctx).QueryRow(ctx,
		"select exists (select from accounts where role = 'admin' and disabled_at is null)").Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("look for an administrator: %w", err)
	}
	return yes, nil
}

// Create stores a new account with its first password. The account's ID, version and times are
// filled in.
func (s *Service) Create(ctx context.Context, who actor.Actor, a *Account, password string) error {
	if err := who.Must(actor.EditStaff); err != nil {
		return err
	}
	var c fault.Check
	a.check(&c)
	checkPassword(&c, password, a)
	if err := c.Err(); err != nil {
		return err
	}
	if err := byKey(who, a); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		a.ID, a.PasswordHash, a.Version = secrets.ID(), hash, 1
		a.CreatedAt, a.UpdatedAt = tx.Now(), tx.Now()
		if err := tx.Gorm().Create(a).Error; err != nil {
			return stored("create an account", a, err)
		}
		return ledger.Append(tx, ledger.Entry{Kind: "account.created", Actor: who, Subject: subject(a.ID), Body: a})
	})
}

// FirstAdmin makes an administrator for the operator's command. Without a password it makes one
// up. Either way it returns the password in force, to be shown once.
func (s *Service) FirstAdmin(ctx context.Context, email, name, password string) (string, error) {
	if password == "" {
		password = secrets.Token()[:24] // 144 bits
	}
	a := &Account{Email: email, Name: name, Role: actor.Admin}
	return password, s.Create(ctx, actor.ForSystem(), a, password)
}

// Edit changes an account's address, name, role and language. Version must be the one that was
// read. Disabled accounts can be edited; nothing else of the account is touched.
func (s *Service) Edit(ctx context.Context, who actor.Actor, in *Account) error {
	if err := who.Must(actor.EditStaff); err != nil {
		return err
	}
	if err := in.Validate(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		before, err := lock(tx, in.ID)
		if err != nil {
			return err
		}
		after := *before
		after.Email, after.Name, after.Role, after.Language = in.Email, in.Name, in.Role, in.Language
		if err := byKey(who, before, &after); err != nil {
			return err
		}
		if err := save(tx, who, "account.edited", in.Version, before, &after); err != nil {
			return err
		}
		*in = after
		return nil
	})
}

// Disable keeps a person out from now on and ends their sessions.
func (s *Service) Disable(ctx context.Context, who actor.Actor, id uuid.UUID, version int) error {
	if who.Kind == actor.Staff && who.ID == id {
		return fault.New(fault.Conflict, "account.disable_self", nil)
	}
	return s.change(ctx, who, "account.disabled", id, version, func(tx *database.Tx, a *Account) error {
		now := tx.Now()
		a.DisabledAt = &now
		return endSessions(tx, id)
	})
}

// Enable lets a person sign in again, with the password they had.
func (s *Service) Enable(ctx context.Context, who actor.Actor, id uuid.UUID, version int) error {
	return s.change(ctx, who, "account.enabled", id, version, func(_ *database.Tx, a *Account) error {
		a.DisabledAt = nil
		return nil
	})
}

// change applies one act of an administrator to an account.
func (s *Service) change(ctx context.Context, who actor.Actor, kind string, id uuid.UUID, version int, fn func(*database.Tx, *Account) error) error {
	if err := who.Must(actor.EditStaff); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		before, err := lock(tx, id)
		if err != nil {
			return err
		}
		if err := byKey(who, before); err != nil {
			return err
		}
		after := *before
		if err := fn(tx, &after); err != nil {
			return err
		}
		return save(tx, who, kind, version, before, &after)
	})
}

// byKey keeps what an API key does from outlasting it: by a key nobody makes, changes or takes over an
// administrator, so whatever a stolen one did, the administrators can sign in and undo it.
func byKey(who actor.Actor, touched ...*Account) error {
	if who.Key == uuid.Nil {
		return nil
	}
	if slices.ContainsFunc(touched, func(a *Account) bool { return a.Role == actor.Admin }) {
		return fault.New(fault.Forbidden, "key.administrators", nil)
	}
	return nil
}

// SetPassword gives an account a new password and ends all its sessions. Whoever changes their own
// must know the current one, so that an unattended screen isn't enough; administrators, and the
// operator's command, need no current one for the others. By an API key nobody changes the password of
// the account that it acts for, nor an administrator's.
func (s *Service) SetPassword(ctx context.Context, who actor.Actor, id uuid.UUID, current, password string) error {
	own := who.Kind == actor.Staff && who.ID == id
	if !own {
		if err := who.Must(actor.EditStaff); err != nil {
			return err
		}
	}
	if own && who.Key != uuid.Nil {
		return fault.New(fault.Forbidden, "key.own_password", nil)
	}
	a, err := take(s.db.Gorm(ctx), id)
	if err != nil {
		return err
	}
	if err := byKey(who, a); err != nil {
		return err
	}
	var c fault.Check
	checkPassword(&c, password, a)
	if err := c.Err(); err != nil {
		return err
	}
	if own {
		if err := s.confirm(ctx, a, current); err != nil {
			return err
		}
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error { return setPassword(tx, who, id, hash) })
}

// confirm checks the current password, counting wrong ones as at sign-in.
func (s *Service) confirm(ctx context.Context, a *Account, current string) error {
	hash, err := s.attempt(ctx, a.Email)
	if err != nil {
		return err
	}
	ok, err := s.hasher.matches(ctx, current, hash)
	if err != nil {
		return err
	}
	if !ok {
		return fault.Field("current_password", "password.wrong", nil)
	}
	return nil
}

// ResetPassword is SetPassword for the operator's command, which knows an address.
func (s *Service) ResetPassword(ctx context.Context, email, password string) (string, error) {
	if password == "" {
		password = secrets.Token()[:24]
	}
	a, err := byEmail(s.db.Gorm(ctx), email)
	if err != nil {
		return "", err
	}
	return password, s.SetPassword(ctx, actor.ForSystem(), a.ID, "", password)
}
