package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/pgserver"
)

// databaseName is the database's name on the embedded server.
const databaseName = "fairnotice"

// Store is the database and, when it is embedded, its server.
type Store struct {
	DB     *database.DB
	Log    *slog.Logger
	server *pgserver.Server // nil when the database is named
}

// Connect opens the database that the configuration names, which must have this program's schema;
// without one it starts the embedded server and brings its schema up to date.
func Connect(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Store, error) {
	s := &Store{Log: log}
	url := cfg.DatabaseURL.Reveal()
	if cfg.Embedded() {
		var err error
		if url, err = s.startServer(ctx, cfg); err != nil {
			return nil, err
		}
	}
	if err := s.open(ctx, url); err != nil {
		// The server must go even when ctx is what ended the start.
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Store) startServer(ctx context.Context, cfg *config.Config) (url string, err error) {
	s.server, err = pgserver.Start(ctx, pgserver.Options{DataDir: filepath.Join(cfg.DataDir, "postgres"), Log: s.Log})
	if err != nil {
		return "", err
	}
	if err := s.server.EnsureDatabase(ctx, databaseName); err != nil {
		return "", errors.Join(err, s.server.Stop(context.WithoutCancel(ctx)))
	}
	return s.server.URL(databaseName), nil
}

func (s *Store) open(ctx context.Context, url string) (err error) {
	if s.DB, err = database.Open(ctx, url, database.Options{Log: s.Log}); err != nil {
		return err
	}
	if s.server != nil {
		return s.DB.Migrate(ctx)
	}
	return s.DB.CheckSchema(ctx)
}

// Failed is closed when the embedded server has ended by itself; Err says why. It is nil, and never
// ready, for a database that is named.
func (s *Store) Failed() <-chan struct{} {
	if s.server == nil {
		return nil
	}
	return s.server.Done()
}

// Err is why the embedded server ended by itself.
func (s *Store) Err() error {
	if s.server == nil {
		return nil
	}
	return s.server.Err()
}

// Close closes the pool and then stops the embedded server. When ctx ends first, connections still
// in use are cut.
func (s *Store) Close(ctx context.Context) error {
	if s.DB != nil {
		closed := make(chan struct{})
		go func() { s.DB.Close(); close(closed) }()
		poolCtx, cancel := share(ctx, 1, 2)
		defer cancel()
		select {
		case <-closed:
		case <-poolCtx.Done():
			s.Log.Warn("connections to the database are still in use; cutting them")
		}
	}
	if s.server == nil {
		return nil
	}
	if err := s.server.Stop(ctx); err != nil {
		return fmt.Errorf("stop the database: %w", err)
	}
	return nil
}

// share gives a part of the time that is left, so that a slow step leaves some to the next.
func share(ctx context.Context, part, of int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*time.Duration(part)/time.Duration(of))
}
