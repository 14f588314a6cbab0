package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long an orphan may take to write out its data, and then to quit.
const (
	orphanGrace = 30 * time.Second
	orphanQuit  = 10 * time.Second
)

// clearOrphan stops a server that still runs on the data. As we hold the lock,
// its program is gone: it was killed, and the server outlived it.
func clearOrphan(ctx context.Context, log *slog.Logger, dir string) error {
	pidFile := filepath.Join(dir, "postmaster.pid")
	pid, socketDir, err := readPidFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read who runs on the data: %w", err)
	}
	if pid < 0 {
		return nil // a repair session without a server: PostgreSQL itself refuses
	}
	if pid > 0 && runsOn(pid, dir) {
		log.Warn("a database server outlived its program; stopping it", "pid", pid, "data", dir)
		if err := stopOrphan(ctx, log, pid, dir); err != nil {
			return err
		}
	}
	// What is left of the file names a dead process or, after a restart of the
	// machine, some other that happens to have its number. PostgreSQL takes the
	// latter for a server and refuses to start. (That no backend of the old
	// server lives on, it checks by its shared memory too.)
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the stale %s: %w", pidFile, err)
	}
	removeSocketDir(socketDir)
	return nil
}

// readPidFile reads the server's number (first line) and the folder of its
// socket (fifth; empty while it starts) from its postmaster.pid.
func readPidFile(path string) (pid int, socketDir string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, "", err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) > 4 {
		socketDir = strings.TrimSpace(lines[4])
	}
	// Not a number: the file was cut off in a crash. It names nobody.
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, socketDir, nil
}

func stopOrphan(ctx context.Context, log *slog.Logger, pid int, dir string) error {
	for _, step := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGINT, orphanGrace}, {syscall.SIGQUIT, orphanQuit}} {
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the database server (pid %d) that still runs on %s: %w", pid, dir, err)
		}
		gone, err := waitGone(ctx, pid, dir, step.grace)
		if gone || err != nil {
			return err
		}
		log.Warn("the left-over database server takes long to stop", "pid", pid)
	}
	return fmt.Errorf("a database server (pid %d) still runs on %s and doesn't stop: end it, then start again", pid, dir)
}

// waitGone looks at intervals: the server isn't our child, so nobody tells us.
func waitGone(ctx context.Context, pid int, dir string, grace time.Duration) (bool, error) {
	deadline := time.After(grace)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for runsOn(pid, dir) {
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("a database server (pid %d) still runs on %s: %w", pid, dir, ctx.Err())
		case <-deadline:
			return false, nil
		case <-tick.C:
		}
	}
	return true, nil
}

// isServer tells a server by its program's name. Its children call themselves
// "postgres: …".
func isServer(program string) bool {
	name := filepath.Base(program)
	return name == "postgres" || name == "postmaster"
}

func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
