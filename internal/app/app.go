// Package app puts the parts together for the programs: the log, the database (named or embedded),
// the services and the job workers. It knows nothing of pages, so that a worker stays small.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	_ "time/tzdata" // publisher and customers have zones, and the machine may have no data on them

	"fairnotice/internal/config"
	"fairnotice/internal/jobs"
	"fairnotice/internal/notify"
	"fairnotice/internal/secrets"
)

// NewLog is the one log of a program, as LOG_FORMAT and LOG_LEVEL ask for.
func NewLog(cfg *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// App is an opened Fairnotice: what api and worker have in common.
type App struct {
	*Store
	Services
	Config *config.Config
	Keys   *secrets.KeyRing

	runner   *jobs.Runner
	sender   *notify.Sender
	stopping chan struct{}
	stopOnce sync.Once
}

// Open connects to the database and makes the services. A named database must have this program's
// schema; the embedded one is migrated. Close must be called when Open succeeded.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger) (*App, error) {
	keys, err := cfg.KeyRing()
	if err != nil {
		return nil, err
	}
	store, err := Connect(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	a := &App{Store: store, Config: cfg, Keys: keys, stopping: make(chan struct{})}
	if a.Services, err = newServices(a); err != nil {
		return nil, errors.Join(err, store.Close(ctx))
	}
	if !cfg.SMTPURL.IsSet() {
		log.Warn("SMTP_URL is not set: notices by email wait until it is")
	}
	return a, nil
}

// StartWorkers runs the job workers in this process until Close.
func (a *App) StartWorkers(ctx context.Context) error {
	a.sender = notify.StartSender(a.DB, a.Jobs, a.Log, a.channels...)
	runner, err := jobs.Start(ctx, a.DB, a.jobs(a.sender))
	if err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	a.runner = runner
	return nil
}

// Stopping is closed when the program begins to stop: answers that go on for long (streams of
// events) end then, or they would hold it up.
func (a *App) Stopping() <-chan struct{} { return a.stopping }

// BeginStop closes Stopping. It may be called again.
func (a *App) BeginStop() { a.stopOnce.Do(func() { close(a.stopping) }) }

// Close stops the workers, which finish what they do or hand it back, then closes the database.
// A third of the time that ctx leaves is kept for the latter.
func (a *App) Close(ctx context.Context) error {
	a.BeginStop()
	workCtx, cancel := share(ctx, 2, 3)
	defer cancel()
	var err error
	if a.runner != nil {
		err = a.runner.Stop(workCtx)
	}
	if a.sender != nil {
		a.sender.Stop(workCtx)
	}
	if a.pool != nil {
		err = errors.Join(err, a.pool.Close())
	}
	return errors.Join(err, a.Store.Close(ctx))
}

// StopContext bounds a stop: by SHUTDOWN_TIMEOUT, and by a second signal, which means at once.
func StopContext(cfg *config.Config) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.ShutdownTimeout)
	ctx, unnotify := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	return ctx, func() { unnotify(); cancel() }
}
