package databasetest_test

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fairnotice/internal/database/databasetest"
)

var quietLog = slog.New(slog.DiscardHandler)

// TestMain is also the process that TestTheServerGoesWithItsProcess kills.
func TestMain(m *testing.M) {
	if os.Getenv("DATABASETEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	s, err := databasetest.Serve(context.Background(), quietLog)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(s.URL() + "\n")
	select {}
}

func TestTheServerGoesWithItsProcess(t *testing.T) {
	tmp, err := os.MkdirTemp("/tmp", "fn") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "DATABASETEST_CHILD=1", "TMPDIR="+tmp)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(url))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
	pid := postmaster(t, tmp)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // says "killed"
	waitFor(t, "the server to end", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	waitFor(t, "its folders to go", func() bool { return len(entries(t, tmp)) == 0 })
}

func postmaster(t *testing.T, tmp string) int {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(tmp, "fairnotice-test-*", "data", "postmaster.pid"))
	if len(found) != 1 {
		t.Fatalf("no server below %s: %v", tmp, entries(t, tmp))
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestStopLeavesNothing(t *testing.T) {
	s, err := databasetest.Serve(t.Context(), quietLog)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Error("the server still answers")
	}
}

// withpg's server is there for the command and gone after it; the command's code comes through.
func TestWithpg(t *testing.T) {
	program := filepath.Join(t.TempDir(), "withpg")
	if out, err := exec.Command("go", "build", "-o", program, "./withpg").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "--", "sh", "-c", `echo "$TEST_DATABASE_URL"; exit 7`)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, databasetest.EnvURL+"=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("want exit code 7, got %v", err)
	}
	url := strings.TrimSpace(string(out))
	if !strings.HasPrefix(url, "postgres://") {
		t.Fatalf("the command was given the address %q", url)
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("the server outlived the command")
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 1500 {
		if done() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}
