package database

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// together is the transaction that a context belongs to.
type together struct {
	db   *DB
	tx   *Tx
	lost error // of an operation that failed inside
}

type togetherKey struct{}

// errLost keeps half of an operation from being committed.
var errLost = errors.New("database: an operation inside the transaction failed, but its caller went on")

// Together runs fn with a context in which every Transact, Reader and Gorm of this database is part of
// one transaction: several operations, each of which owns its transaction otherwise, commit together
// with what fn itself writes, or not at all. They see what was written before them. It isn't to be
// shared among goroutines. An operation that failed inside can't be passed over: then nothing is
// committed, whatever fn says.
func (db *DB) Together(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.transact(ctx, func(tx *Tx) error {
		t := &together{db: db, tx: tx}
		if err := fn(context.WithValue(ctx, togetherKey{}, t), tx); err != nil {
			return err
		}
		if t.lost != nil {
			return errors.Join(errLost, t.lost)
		}
		return nil
	})
}

func (db *DB) belongs(ctx context.Context) *together {
	if t, ok := ctx.Value(togetherKey{}).(*together); ok && t.db == db {
		return t
	}
	return nil
}

// join runs an operation inside the transaction.
func (t *together) join(fn func(tx *Tx) error) error {
	err := fn(t.tx)
	if err != nil && t.lost == nil {
		t.lost = err
	}
	return err
}

// Querier is what both a pool and a transaction can do: read.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// Reader reads sets with pgx: over the pool or, inside Together, in that transaction.
type Reader struct {
	pool *pgxpool.Pool
	tx   *Tx // nil: over the pool
}

// Reader is for reads of sets outside a transaction's own function.
func (db *DB) Reader(ctx context.Context) Reader {
	if t := db.belongs(ctx); t != nil {
		return Reader{tx: t.tx}
	}
	return Reader{pool: db.pool}
}

// Query starts a query. Its rows must be read to their end before anything else is asked.
func (r Reader) Query(ctx context.Context, query string, args ...any) (rows pgx.Rows, err error) {
	if r.tx == nil {
		return r.pool.Query(ctx, query, args...) //nolint:sqlclosecheck // the rows are the caller's to close
	}
	err = r.tx.Pgx(func(ptx pgx.Tx) error {
		rows, err = ptx.Query(ctx, query, args...) //nolint:sqlclosecheck // the rows are the caller's to close
		return err
	})
	return rows, err
}

// QueryRow asks for one row; Scan runs the query.
func (r Reader) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return row(func(dest []any) error {
		if r.tx == nil {
			return r.pool.QueryRow(ctx, query, args...).Scan(dest...)
		}
		return r.tx.Pgx(func(ptx pgx.Tx) error { return ptx.QueryRow(ctx, query, args...).Scan(dest...) })
	})
}

type row func(dest []any) error

func (scan row) Scan(dest ...any) error { return scan(dest) }

// Rows reads a set inside the transaction, each row by the names of its columns.
func Rows[T any](tx *Tx, query string, args ...any) (out []T, err error) {
	err = tx.Pgx(func(ptx pgx.Tx) error {
		out, err = collect[T](tx.ctx, ptx, query, args...)
		return err
	})
	return out, err
}

// Collect reads a set outside a transaction's own function, each row by the names of its columns.
func Collect[T any](ctx context.Context, q Querier, query string, args ...any) (out []T, err error) {
	r, ok := q.(Reader)
	if !ok || r.tx == nil {
		return collect[T](ctx, q, query, args...)
	}
	err = r.tx.Pgx(func(ptx pgx.Tx) error { // the connection is the transaction's alone until all is read
		out, err = collect[T](ctx, ptx, query, args...)
		return err
	})
	return out, err
}

func collect[T any](ctx context.Context, q Querier, query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByNameLax[T])
}
