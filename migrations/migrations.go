// Package migrations is the one number line of the schema: numbered SQL files, and one Go
// migration that brings River's own tables to a pinned version.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// SQL holds the numbered files.
//
//go:embed *.sql
var SQL embed.FS

// Version is the schema's version that this program needs.
const Version = 8

// riverVersion pins River's tables. A newer River that needs more gets its own migration here.
const riverVersion = 8

// Go lists the migrations that are written in Go; they run on the pool, not on goose's connection.
func Go(pool *pgxpool.Pool) []*goose.Migration {
	return []*goose.Migration{
		goose.NewGoMigration(2,
			&goose.GoFunc{RunDB: river(pool, rivermigrate.DirectionUp, riverVersion)},
			&goose.GoFunc{RunDB: river(pool, rivermigrate.DirectionDown, -1)}),
	}
}

// river runs River's own migrations. Each commits by itself, because PostgreSQL doesn't let a
// transaction use an enum value that it has just added; a run that is cut off goes on where it
// stopped, since River keeps its own number line.
func river(pool *pgxpool.Pool, direction rivermigrate.Direction, target int) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, _ *sql.DB) error {
		migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		if _, err = migrator.Migrate(ctx, direction, &rivermigrate.MigrateOpts{TargetVersion: target}); err != nil {
			return fmt.Errorf("river's tables: %w", err)
		}
		return nil
	}
}
