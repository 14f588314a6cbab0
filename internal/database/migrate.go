package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"fairnotice/migrations"
)

// ErrWrongSchema is returned by CheckSchema; its message says what to run.
var ErrWrongSchema = errors.New("the database's schema is not this program's")

func (db *DB) provider() (*goose.Provider, *sql.DB, error) {
	// A lock, so that of several processes that migrate at once one does it and the rest wait.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return nil, nil, err
	}
	// A pool view of its own: the provider's Close would close the shared one.
	view := stdlib.OpenDBFromPool(db.pool)
	p, err := goose.NewProvider(goose.DialectPostgres, view, migrations.SQL,
		goose.WithSessionLocker(locker),
		goose.WithGoMigrations(migrations.Go(db.pool)...),
		goose.WithDisableGlobalRegistry(true))
	return p, view, err
}

// Migrate brings the schema up to this program's version; several may call it at once.
func (db *DB) Migrate(ctx context.Context) error { return db.migrateTo(ctx, migrations.Version) }

// MigrateDown takes the schema back to a version; 0 leaves nothing of ours.
func (db *DB) MigrateDown(ctx context.Context, version int64) error {
	return db.migrateTo(ctx, version)
}

func (db *DB) migrateTo(ctx context.Context, version int64) error {
	p, view, err := db.provider()
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	defer func() { _ = view.Close() }()
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > migrations.Version {
		return fmt.Errorf("%w: it is at version %d, this program knows %d; use the newer program",
			ErrWrongSchema, current, migrations.Version)
	}
	if version >= current {
		_, err = p.UpTo(ctx, version)
	} else {
		_, err = p.DownTo(ctx, version)
	}
	if err != nil {
		return fmt.Errorf("migrate from version %d to %d: %w", current, version, err)
	}
	return nil
}

// CheckSchema returns ErrWrongSchema unless the schema is exactly this program's.
func (db *DB) CheckSchema(ctx context.Context) error {
	var exists bool
	err := db.pool.QueryRow(ctx, `select to_regclass('goose_db_version') is not null`).Scan(&exists)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	var version int64
	if exists {
		err = db.pool.QueryRow(ctx, `select coalesce(max(version_id), 0) from goose_db_version where is_applied`).Scan(&version)
		if err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
	}
	switch {
	case version < migrations.Version:
		return fmt.Errorf("%w: it is at version %d and must be at %d; run: worker migrate", ErrWrongSchema, version, migrations.Version)
	case version > migrations.Version:
		return fmt.Errorf("%w: it is at version %d, newer than this program's %d; use the newer program", ErrWrongSchema, version, migrations.Version)
	}
	return nil
}
