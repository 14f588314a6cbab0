package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"fairnotice/internal/app"
	"fairnotice/internal/config"
)

// run serves until ctx ends. Then, within SHUTDOWN_TIMEOUT: no new connections, requests under way
// are answered, workers finish or hand back, the pool is closed, the embedded database stopped.
func run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	return runWith(ctx, cfg, log, hooks{})
}

// hooks are what a special run, the demo's, does besides.
type hooks struct {
	load  func(context.Context, *app.App) error // before anything is served
	ready func(context.Context, *app.App) error // when all is ready; whoever asks meanwhile waits
}

func runWith(ctx context.Context, cfg *config.Config, log *slog.Logger, h hooks) error {
	listener, err := net.Listen("tcp", cfg.ListenAddr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w: stop what listens there, or choose another address", err)
	}
	a, err := app.Open(ctx, cfg, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server, err := prepare(ctx, a, h)
	if err == nil {
		err = serve(ctx, a, server, listener)
	}
	stopCtx, cancel := app.StopContext(cfg)
	defer cancel()
	a.BeginStop()
	if server != nil {
		drain(stopCtx, a, server)
	}
	_ = listener.Close() // when it never came to serving
	return errors.Join(err, a.Close(stopCtx))
}

// prepare makes the server, and starts the workers where this process is the only one.
func prepare(ctx context.Context, a *app.App, h hooks) (*http.Server, error) {
	if h.load != nil {
		if err := h.load(ctx, a); err != nil {
			return nil, err
		}
	}
	handler, err := routes(ctx, a)
	if err != nil {
		return nil, err
	}
	if a.Config.Embedded() {
		if err := a.StartWorkers(ctx); err != nil {
			return nil, err
		}
	}
	if err := greet(ctx, a); err != nil {
		return nil, err
	}
	if h.ready != nil {
		if err := h.ready(ctx, a); err != nil {
			return nil, err
		}
	}
	return newServer(handler, a.Log), nil
}

// serve answers requests until ctx ends, the server fails or the embedded database does.
func serve(ctx context.Context, a *app.App, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
		a.Log.Info("stopping; a second signal stops at once")
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-a.Failed():
		return a.Err()
	}
}

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute, // a handler that streams lifts it for itself
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that hang up
	}
}

// drain lets requests under way finish for half the time that there is, then cuts them.
func drain(stopCtx context.Context, a *app.App, server *http.Server) {
	ctx, cancel := context.WithTimeout(stopCtx, a.Config.ShutdownTimeout/2)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		a.Log.Warn("requests are still under way; cutting them")
		_ = server.Close()
	}
}

// greet says where to go.
func greet(ctx context.Context, a *app.App) error {
	some, err := a.Accounts.HasAdmin(ctx)
	if err != nil {
		return err
	}
	a.Log.Info("serving", "url", a.Config.PublicURL, "address", a.Config.ListenAddr)
	if !some {
		a.Log.Warn(`nobody can sign in yet: make an administrator with "api admin create --email ADDRESS --name NAME"`)
	}
	return nil
}
