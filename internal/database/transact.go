package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// Tx is one transaction with two faces: Gorm for single entities, Pgx for sets and for River.
// Both write to the same PostgreSQL transaction, so they commit together or not at all.
// A Tx belongs to one goroutine.
type Tx struct {
	ctx   context.Context
	conn  *sql.Conn
	pgx   pgx.Tx
	gorm  *gorm.DB
	now   time.Time
	local map[any]any
	hooks []func(*Tx) error
}

// Transact runs fn in a transaction, commits when it returns nil and rolls back otherwise, a
// panic included. No network call belongs in fn: the transaction holds a connection and locks.
// Inside Together it joins that transaction, which then commits for it.
func (db *DB) Transact(ctx context.Context, fn func(tx *Tx) error) error {
	if t := db.belongs(ctx); t != nil {
		return t.join(fn)
	}
	return db.transact(ctx, fn)
}

func (db *DB) transact(ctx context.Context, fn func(tx *Tx) error) (err error) {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer func() { err = errors.Join(err, ignoreDone(conn.Close())) }()
	tx := &Tx{ctx: ctx, conn: conn, now: db.now(), local: map[any]any{}}
	if err := tx.begin(db.gorm); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // an error or a panic
			err = errors.Join(err, tx.rollback())
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	for i := 0; i < len(tx.hooks); i++ { // a hook may register another
		if err := tx.hooks[i](tx); err != nil {
			return err
		}
	}
	if err := tx.Pgx(func(ptx pgx.Tx) error { return ptx.Commit(ctx) }); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

func (tx *Tx) begin(parent *gorm.DB) error {
	err := tx.conn.Raw(func(driverConn any) (err error) {
		tx.pgx, err = driverConn.(*stdlib.Conn).Conn().Begin(tx.ctx)
		return err
	})
	if err != nil {
		return err
	}
	// A clone: setting the ConnPool on the parent would put every other goroutine in here too.
	tx.gorm = parent.Session(&gorm.Session{NewDB: true, Context: tx.ctx})
	tx.gorm.Statement.ConnPool = &pinned{conn: tx.conn}
	return nil
}

// rollback must also work when the context is what ended the transaction.
func (tx *Tx) rollback() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tx.ctx), 5*time.Second)
	defer cancel()
	err := tx.conn.Raw(func(any) error { return tx.pgx.Rollback(ctx) })
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return ignoreDone(err)
}

// ignoreDone drops what a connection says that a cancellation has already closed: PostgreSQL
// rolls back by itself when the connection goes.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.Canceled) || isClosed(err) {
		return nil
	}
	return err
}

func isClosed(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == "conn closed" { // pgx has no value for it
			return true
		}
	}
	return false
}

// Context is the context that the transaction lives in.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now is the transaction's time, the same for everything that happens in it; UTC, microseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Gorm is the face for single entities. Its nested Transaction uses savepoints.
func (tx *Tx) Gorm() *gorm.DB { return tx.gorm }

// Pgx lends the face for sets. The connection is locked meanwhile, so rows must be read to their
// end inside fn and Gorm must not be used there.
func (tx *Tx) Pgx(fn func(pgx.Tx) error) error {
	return tx.conn.Raw(func(any) error { return fn(tx.pgx) })
}

// Exec runs one statement and says how many rows it touched.
func (tx *Tx) Exec(query string, args ...any) (rows int64, err error) {
	err = tx.Pgx(func(ptx pgx.Tx) error {
		tag, err := ptx.Exec(tx.ctx, query, args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// Local returns what SetLocal kept under the key for the length of the transaction.
func (tx *Tx) Local(key any) any { return tx.local[key] }

// SetLocal keeps a value for the length of the transaction.
func (tx *Tx) SetLocal(key, value any) { tx.local[key] = value }

// BeforeCommit registers what must be the transaction's last statements. An error there rolls
// everything back.
func (tx *Tx) BeforeCommit(fn func(*Tx) error) { tx.hooks = append(tx.hooks, fn) }

// Scalar reads one value inside the transaction; pgx.ErrNoRows when there is none.
func Scalar[T any](tx *Tx, query string, args ...any) (out T, err error) {
	err = tx.Pgx(func(ptx pgx.Tx) error { return ptx.QueryRow(tx.ctx, query, args...).Scan(&out) })
	return out, err
}

// Scalars reads one column inside the transaction.
func Scalars[T any](tx *Tx, query string, args ...any) (out []T, err error) {
	err = tx.Pgx(func(ptx pgx.Tx) error {
		rows, err := ptx.Query(tx.ctx, query, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[T])
		return err
	})
	return out, err
}

// pinned makes gorm believe that it is inside a transaction: it has a Commit, so gorm nests by
// savepoint, and no BeginTx, which would let gorm commit the outer transaction by itself.
type pinned struct{ conn *sql.Conn }

var errNotYours = errors.New("database: only Transact commits or rolls back its transaction")

func (p *pinned) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.conn.PrepareContext(ctx, query)
}

func (p *pinned) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.conn.ExecContext(ctx, query, args...)
}

func (p *pinned) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.conn.QueryContext(ctx, query, args...)
}

func (p *pinned) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.conn.QueryRowContext(ctx, query, args...)
}

func (p *pinned) Commit() error   { return errNotYours }
func (p *pinned) Rollback() error { return errNotYours }
