package database

import "context"

// MigrateTo takes the schema to any version, for the tests of each step.
func MigrateTo(ctx context.Context, db *DB, version int64) error { return db.migrateTo(ctx, version) }
