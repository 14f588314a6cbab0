package databasetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/database/pgserver"
)

// server is the address of the PostgreSQL that the tests use: the run's, or else this process's
// own, which is started by the first test that asks.
func server(t testing.TB) string {
	t.Helper()
	if url := os.Getenv(EnvURL); url != "" {
		return url
	}
	url, err := ownServer()
	if err != nil {
		t.Fatalf("start a PostgreSQL for these tests (or name one in %s): %v", EnvURL, err)
	}
	return url
}

// ownServer lives until the process ends. Nobody stops it from within: a test binary can end by
// os.Exit, a panic or a signal, and in a package of parallel tests none is known to be the last.
var ownServer = sync.OnceValues(func() (string, error) {
	var err error
	if own, err = Serve(context.Background(), quiet); err != nil {
		return "", err
	}
	return own.URL(), nil
})

var own *Server // kept: when the collector closes its pipe, the server goes

// Server is a PostgreSQL for tests: empty, quick, and gone with the process that started it.
type Server struct {
	pg    *pgserver.Server
	dir   string
	guard *os.File
	ended func() error
}

// Serve starts a server in a temporary folder. Whatever ends this process ends the server too and
// removes the folder; Stop does it sooner.
func Serve(ctx context.Context, log *slog.Logger) (*Server, error) { return serve(ctx, log, quick) }

// ServeDurable is Serve with a server that flushes every commit to the disk, as one in production
// does: what is measured on it holds there.
func ServeDurable(ctx context.Context, log *slog.Logger) (*Server, error) {
	return serve(ctx, log, durable)
}

var (
	// Nothing of a test outlives the run, so nothing need survive a power cut.
	quick   = map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300", "shared_buffers": "256MB"}
	durable = map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "300", "shared_buffers": "256MB"}
)

func serve(ctx context.Context, log *slog.Logger, settings map[string]string) (*Server, error) {
	dir, err := os.MkdirTemp("", "fairnotice-test-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	s := &Server{dir: dir}
	if err := s.begin(ctx, log, settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// begin makes the server's folder ready and starts it for the first time.
func (s *Server) begin(ctx context.Context, log *slog.Logger, settings map[string]string) error {
	if err := os.Chmod(s.dir, 0o755); err != nil { // the server may run as another user
		return fmt.Errorf("open the server's folder: %w", err)
	}
	if err := s.watch(); err != nil {
		return err
	}
	if err := s.start(ctx, log, settings); err != nil {
		_ = s.guard.Close()
		return err
	}
	return nil
}

func (s *Server) start(ctx context.Context, log *slog.Logger, settings map[string]string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s.pg, err = pgserver.Start(ctx, pgserver.Options{DataDir: filepath.Join(s.dir, "data"), Log: log, NoSync: true, Settings: settings})
	return err
}

// watch starts a guard that waits for this process to end, however that happens: the system then
// closes the pipe between them. The guard is in a process group of its own, out of Ctrl-C's reach,
// and has none of our outputs, for which `go test` would wait.
func (s *Server) watch() error {
	const script = `read -r _
		file="$1/data/postmaster.pid"
		pid=$(head -n 1 "$file" 2>/dev/null) || pid=
		socket=$(sed -n 5p "$file" 2>/dev/null)
		if [ -n "$pid" ]; then
			kill -INT "$pid" 2>/dev/null
			for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
			kill -QUIT "$pid" 2>/dev/null
		fi
		case "$socket" in */fairnotice-pg-*) rm -rf "$socket" ;; esac
		rm -rf "$1"`
	cmd := exec.Command("/bin/sh", "-c", script, "guard", s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("guard the server: %w", err)
	}
	cmd.Stdin = read
	err = cmd.Start()
	_ = read.Close()
	if err != nil {
		return errors.Join(fmt.Errorf("guard the server: %w", err), write.Close())
	}
	s.guard, s.ended = write, cmd.Wait
	return nil
}

// URL is the address of the server's own database.
func (s *Server) URL() string { return s.pg.URL("postgres") }

// Stop ends the server and removes its folder.
func (s *Server) Stop(ctx context.Context) error {
	err := s.pg.Stop(ctx)
	_, _ = io.WriteString(s.guard, "\n")
	return errors.Join(err, s.guard.Close(), s.ended())
}
