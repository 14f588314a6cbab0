package accounts

import (
	"context"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
)

// SetLanguage says in which language a person wants the console; everybody may choose their own.
func (s *Service) SetLanguage(ctx context.Context, who actor.Actor, id uuid.UUID, language string) error {
	if who.Kind != actor.Staff || who.ID != id {
		if err := who.Must(actor.EditStaff); err != nil {
			return err
		}
	}
	var c fault.Check
	input.Language(&c, "language", &language)
	if err := c.Err(); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(tx *database.Tx) error {
		before, err := lock(tx, id)
		if err != nil || before.Language == language {
			return err
		}
		after := *before
		after.Language = language
		return save(tx, who, "account.edited", before.Version, before, &after)
	})
}
