package database_test

import (
	"context"
	"errors"
	"testing"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
)

type word struct{ Word string }

func words(t *testing.T, db *database.DB) int {
	t.Helper()
	return count(t, context.Background(), db)
}

func count(t *testing.T, ctx context.Context, db *database.DB) (n int) {
	t.Helper()
	if err := db.Reader(ctx).QueryRow(ctx, "select count(*) from words").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func say(db *database.DB, text string) func(context.Context) error {
	return func(ctx context.Context) error {
		return db.Transact(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec("insert into words values ($1)", text)
			return err
		})
	}
}

func newWords(t *testing.T) *database.DB {
	t.Helper()
	db, _ := databasetest.New(t)
	if _, err := db.Pool().Exec(t.Context(), "create table words (word text primary key)"); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestOperationsTogetherCommitTogether(t *testing.T) {
	db := newWords(t)
	err := db.Together(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := errors.Join(say(db, "one")(ctx), say(db, "two")(ctx)); err != nil {
			return err
		}
		if got := count(t, ctx, db); got != 2 {
			t.Errorf("inside, %d words are seen; want 2", got)
		}
		got, err := database.Collect[word](ctx, db.Reader(ctx), "select word from words")
		if err != nil || len(got) != 2 {
			t.Errorf("inside, a set reads %v, %v", got, err)
		}
		var by int64
		if err := db.Gorm(ctx).Table("words").Count(&by).Error; err != nil || by != 2 {
			t.Errorf("inside, gorm counts %d, %v", by, err)
		}
		if got := words(t, db); got != 0 {
			t.Errorf("outside, %d words are seen before the commit", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := words(t, db); got != 2 {
		t.Errorf("%d words were committed; want 2", got)
	}
}

func TestOneFailureUndoesAll(t *testing.T) {
	db := newWords(t)
	wrong := errors.New("wrong")
	err := db.Together(t.Context(), func(ctx context.Context, _ *database.Tx) error {
		if err := say(db, "one")(ctx); err != nil {
			return err
		}
		return wrong
	})
	if !errors.Is(err, wrong) || words(t, db) != 0 {
		t.Errorf("after %v, %d words are left", err, words(t, db))
	}
}

// Half of an operation is never committed because somebody forgot an error.
func TestAFailureCanNotBePassedOver(t *testing.T) {
	db := newWords(t)
	wrong := errors.New("wrong")
	err := db.Together(t.Context(), func(ctx context.Context, _ *database.Tx) error {
		_ = db.Transact(ctx, func(tx *database.Tx) error {
			_, _ = tx.Exec("insert into words values ('half')")
			return wrong
		})
		return nil
	})
	if !errors.Is(err, wrong) || words(t, db) != 0 {
		t.Errorf("after %v, %d words are left", err, words(t, db))
	}
}

// Another database's operations are none of ours.
func TestTogetherIsOfOneDatabase(t *testing.T) {
	db, other := newWords(t), newWords(t)
	wrong := errors.New("wrong")
	err := db.Together(t.Context(), func(ctx context.Context, _ *database.Tx) error {
		if err := say(other, "there")(ctx); err != nil {
			return err
		}
		return wrong
	})
	if !errors.Is(err, wrong) || words(t, other) != 1 {
		t.Errorf("after %v, the other has %d words", err, words(t, other))
	}
}
