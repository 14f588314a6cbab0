// Package database holds the one pool of connections, the transaction in which gorm, pgx and
// River commit together, and the runner of migrations.
package database

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	gormlogger "gorm.io/gorm/logger"
)

// Options of Open; the zero value is right for production.
type Options struct {
	MaxConns int32            // 0: the URL's pool_max_conns, else 10
	Now      func() time.Time // the clock that rides in transactions; nil: the system's
	Log      *slog.Logger     // for statements that are slow or fail; nil: slog.Default
}

// DB is the database: one pool, seen as pgx's for sets and as gorm's for single entities.
type DB struct {
	pool *pgxpool.Pool
	sql  *sql.DB
	gorm *gorm.DB
	now  func() time.Time
}

// Open connects to the database and checks that it answers.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx hides the password in its message.
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if o.MaxConns > 0 {
		cfg.MaxConns = o.MaxConns
	} else if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = 10
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "fairnotice"
	}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // as 16 bytes, not by way of text
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database does not answer: %w", err)
	}
	return wrap(pool, o)
}

func wrap(pool *pgxpool.Pool, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	// PostgreSQL keeps microseconds: a time that was written must equal the time read back.
	now := func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }
	sqlDB := stdlib.OpenDBFromPool(pool)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: sqlDB}), &gorm.Config{
		NowFunc:        now,
		TranslateError: false, // constraint names are needed to name the field
		Logger: gormlogger.NewSlogLogger(o.Log, gormlogger.Config{
			SlowThreshold:             time.Second,
			LogLevel:                  gormlogger.Warn,
			IgnoreRecordNotFoundError: true,
			ParameterizedQueries:      true, // values may be personal data
		}),
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open gorm: %w", err)
	}
	return &DB{pool: pool, sql: sqlDB, gorm: g, now: now}, nil
}

// Pool is for River, and for what must not become part of a transaction; Reader is for reads of sets.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Gorm is for reads of single entities outside a transaction's own function. Writes belong in Transact.
func (db *DB) Gorm(ctx context.Context) *gorm.DB {
	if t := db.belongs(ctx); t != nil {
		return t.tx.gorm.WithContext(ctx)
	}
	return db.gorm.WithContext(ctx)
}

// Now is the present, in UTC with microseconds, by the clock that transactions carry.
func (db *DB) Now() time.Time { return db.now() }

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// Close waits for the connections in use and closes the pool.
func (db *DB) Close() {
	_ = db.sql.Close()
	db.pool.Close()
}
