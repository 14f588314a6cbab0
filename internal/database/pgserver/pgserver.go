// Package pgserver runs the PostgreSQL that is installed on this machine as a
// child of the program, for people who don't want to look after a database
// server: one folder holds the data, nothing listens on the network, and the
// server goes when the program goes.
//
// It starts the real server binaries (14 or newer); it brings none along.
//
// Beside a data folder D lie D.lock, held while a program uses D, and D.log,
// what the server says. The server's socket is in a folder of its own below the
// system's temporary folder.
//
// The server isn't tied to the life of its parent by Linux's parent-death
// signal: that signal follows the thread that started the child, not the
// process, so it would need a thread set aside for life, and macOS has nothing
// like it. Instead, a server that outlives a killed parent is recognised and
// stopped by the next Start on the same data; until then it idles.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser = "postgres"
	port      = "5432" // names the socket file, nothing more
	// quitGrace is how long a server may take over an immediate shutdown
	// before it is killed.
	quitGrace = 10 * time.Second
)

// Options say where the data are and how the server runs.
type Options struct {
	// DataDir is the folder of the cluster. It is created when missing. When we
	// are root and the server's user can't reach it, it becomes a link to a
	// folder below /var/lib/fairnotice.
	DataDir string
	// Log gets what a person should know; nil discards it.
	Log *slog.Logger
	// Settings are more of the server's settings, by name. They win over this
	// package's, except those that keep the server off the network.
	Settings map[string]string
	// LogFile gets the server's own log; empty means DataDir + ".log".
	LogFile string
	// NoSync creates a new cluster without flushing it to disk. For tests: a
	// power cut shortly after would lose the data.
	NoSync bool
}

// Server is a running PostgreSQL. Stop must be called to end it and to let go
// of its data folder, even after it ended by itself.
type Server struct {
	log       *slog.Logger
	lock      *os.File
	output    serverLog
	socketDir string
	cmd       *exec.Cmd

	done chan struct{}
	err  error // why the server ended; written before done is closed

	stopping atomic.Bool
	stopOnce sync.Once
	stopErr  error
}

// Start makes the data folder ready, starts the server on it and returns when
// it accepts connections. ctx bounds the start, not the server's life.
//
// It refuses, with an error that says what to do, when no server is installed,
// when another program uses the data folder, when the folder holds something
// else or data of another major version, and when the server doesn't come up;
// then the error carries the end of the server's log.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, acc, err := settle(o.Log, o.DataDir)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(dir, acc)
	if err != nil {
		return nil, err
	}
	s := &Server{log: o.Log, lock: lock, done: make(chan struct{})}
	if err := s.start(ctx, o, dir, acc); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// start does what needs the lock held.
func (s *Server) start(ctx context.Context, o Options, dir string, acc account) error {
	bin, err := prepare(ctx, o, dir, acc)
	if err != nil {
		return err
	}
	if s.socketDir, err = makeSocketDir(acc); err != nil {
		return err
	}
	if err := s.launch(o, bin, dir, acc); err != nil {
		return err
	}
	go s.watch()
	if err := s.waitReady(ctx); err != nil {
		_ = s.Stop(ctx) // at most, that it had to be quick
		return err
	}
	s.log.Info("embedded PostgreSQL is running", "major", bin.major, "binaries", bin.dir,
		"data", dir, "socket", s.socketDir, "pid", s.cmd.Process.Pid)
	return nil
}

// launch starts the postmaster; it doesn't wait for it.
func (s *Server) launch(o Options, bin binaries, dir string, acc account) error {
	path := o.LogFile
	if path == "" {
		path = dir + ".log"
	}
	f, out, err := openServerLog(path, acc)
	if err != nil {
		return err
	}
	defer f.Close() // the server has its own copy
	s.output = out
	s.cmd = acc.command(context.Background(), bin.path("postgres"), serverArgs(o.Settings, dir, s.socketDir)...)
	s.cmd.Stdout, s.cmd.Stderr = f, f
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.cmd.Path, err)
	}
	return nil
}

func (s *Server) watch() {
	_ = s.cmd.Wait() // what it says is in ProcessState
	if !s.stopping.Load() {
		s.err = fmt.Errorf("the embedded PostgreSQL ended by itself (%s); the end of its log %s:\n%s",
			s.cmd.ProcessState, s.output.path, s.output.tail())
	}
	close(s.done)
}

// waitReady tries to connect until it works, the server ends or ctx does. A
// server that recovers from a crash can take its time, so there is no limit of
// its own.
func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // cannot_connect_now: still starting
			return fmt.Errorf("the embedded PostgreSQL refuses connections: %w", err)
		}
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("the embedded PostgreSQL was not ready in time (its log: %s): %w", s.output.path, ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// URL is the address of a database of this server, for pgx and pgxpool. It
// doesn't say whether the database exists: see EnsureDatabase.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.socketDir}, "port": {port}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

// EnsureDatabase creates the database unless it exists.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the embedded PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "42P04" || pgErr.Code == "23505") {
		return nil // somebody else created it since we looked
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended: nil while it runs and after Stop.
func (s *Server) Err() error {
	if !s.ended() {
		return nil
	}
	return s.err
}

func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Stop ends the server: open transactions are rolled back, everything committed
// is written out. When ctx ends first, the server is made to quit at once; the
// data are safe, the next start recovers them, and Stop says so in its error.
// When it returns, no process is left, the socket folder is gone and the data
// folder is free. Calling it again waits for the first call and returns the
// same.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopping.Store(true)
		s.stopErr = s.shutDown(ctx)
		s.release()
	})
	return s.stopErr
}

// shutDown signals the postmaster alone: it sees to its own children.
func (s *Server) shutDown(ctx context.Context) error {
	if s.ended() {
		return nil
	}
	s.signal(syscall.SIGINT) // PostgreSQL's "fast"
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.log.Warn("embedded PostgreSQL did not stop in time; making it quit", "pid", s.cmd.Process.Pid)
	s.signal(syscall.SIGQUIT) // "immediate"
	select {
	case <-s.done:
	case <-time.After(quitGrace):
		// The children are in the postmaster's process group, some of them in
		// groups of their own; those notice that it died and leave.
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
	return fmt.Errorf("the embedded PostgreSQL was made to quit and will recover at its next start: %w", ctx.Err())
}

// signal leaves out a server that has ended: its error is "done already".
func (s *Server) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// release gives back what Start took. The lock's file stays: removing it could
// pull it from under a program that has just opened it.
func (s *Server) release() {
	if s.socketDir != "" {
		if err := os.RemoveAll(s.socketDir); err != nil {
			s.log.Warn("cannot remove the socket folder", "folder", s.socketDir, "error", err)
		}
	}
	s.lock.Close()
}

// socketPrefix begins the name of every socket folder, so that one left behind
// can be told from a stranger's.
const socketPrefix = "fairnotice-pg-"

// makeSocketDir makes the folder of the server's socket. It is open to the
// server's user alone: that, and no TCP, is what makes it acceptable that the
// server trusts whoever connects.
func makeSocketDir(acc account) (string, error) {
	const room = 103 // bytes of a socket's path on macOS; Linux has 107
	var problems []error
	for _, base := range []string{os.TempDir(), "/tmp"} {
		if len(base)+len("/"+socketPrefix+"1234567890/.s.PGSQL."+port) > room {
			problems = append(problems, fmt.Errorf("the path %s is too long for a socket", base))
			continue
		}
		if err := acc.canEnter(base); err != nil {
			problems = append(problems, err)
			continue
		}
		dir, err := os.MkdirTemp(base, socketPrefix)
		if err == nil {
			return dir, acc.own(dir)
		}
		problems = append(problems, err)
	}
	return "", fmt.Errorf("no temporary folder for the database's socket; set TMPDIR to a short path that every user can enter: %w",
		errors.Join(problems...))
}

// removeSocketDir removes what a server that was not stopped by us left.
func removeSocketDir(dir string) {
	if filepath.IsAbs(dir) && strings.HasPrefix(filepath.Base(dir), socketPrefix) {
		_ = os.RemoveAll(dir)
	}
}
