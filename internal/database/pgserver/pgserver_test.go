package pgserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// holdEnv makes the test binary a program that starts the server on the folder
// it names, says so, and waits to be killed.
const holdEnv = "PGSERVER_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		if _, err := Start(context.Background(), quick(dir)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("running")
		select {}
	}
	syscall.Umask(0o022) // a stricter one would close our folders to the server's user
	os.Exit(m.Run())
}

func quick(dir string) Options {
	return Options{DataDir: dir, NoSync: true, Settings: map[string]string{"fsync": "off"}}
}

// newDataDir names a data folder that the server's user can get to, which
// isn't so for t.TempDir's when that user isn't ours.
func newDataDir(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("/tmp", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	base, err = filepath.EvalSymlinks(base)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "data", "postgres")
}

func mustStart(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func mustStop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// newCluster leaves a stopped cluster with one remembered row.
func newCluster(t *testing.T) string {
	t.Helper()
	dir := newDataDir(t)
	s := mustStart(t, quick(dir))
	run(t, s, "CREATE TABLE remembered (what text); INSERT INTO remembered VALUES ('Hetzner')")
	mustStop(t, s)
	return dir
}

func connect(t *testing.T, s *Server, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, s *Server, sql string) {
	t.Helper()
	if _, err := connect(t, s, "postgres").Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func wantRemembered(t *testing.T, s *Server) {
	t.Helper()
	var got []string
	if err := connect(t, s, "postgres").QueryRow(t.Context(), "SELECT array_agg(what) FROM remembered").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Hetzner"}, got); diff != "" {
		t.Errorf("remembered (-want +got)\n%s", diff)
	}
}

// wantRefused checks that a start fails with an error that says all the words.
func wantRefused(t *testing.T, o Options, words ...string) {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err == nil {
		s.Stop(t.Context())
		t.Fatal("started, want it refused")
	}
	t.Log(err)
	wantWords(t, err.Error(), words...)
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in: %s", w, text)
		}
	}
}

func wantGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", path, err)
	}
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	s := mustStart(t, quick(dir))
	if err := s.EnsureDatabase(t.Context(), "fairnotice"); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), s.URL("fairnotice"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "CREATE TABLE vendors AS SELECT 'Größe' AS name"); err != nil {
		t.Fatal(err)
	}
	pool.Close()
	mustStop(t, s)

	s = mustStart(t, quick(dir))
	if err := s.EnsureDatabase(t.Context(), "fairnotice"); err != nil {
		t.Fatalf("a database that exists: %v", err)
	}
	var name string
	if err := connect(t, s, "fairnotice").QueryRow(t.Context(), "SELECT name FROM vendors").Scan(&name); err != nil {
		t.Fatal(err)
	}
	if name != "Größe" {
		t.Errorf("got %q, want Größe", name)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	s := mustStart(t, quick(dir))
	connect(t, s, "postgres") // an open connection doesn't hold it up
	if s.Err() != nil {
		t.Errorf("Err of a running server: %v", s.Err())
	}
	mustStop(t, s)
	<-s.Done()
	if s.Err() != nil {
		t.Errorf("Err after Stop: %v", s.Err())
	}
	if err := syscall.Kill(s.cmd.Process.Pid, 0); err != syscall.ESRCH {
		t.Errorf("the process is still there (%v)", err)
	}
	wantGone(t, s.socketDir)
	wantGone(t, filepath.Join(dir, "postmaster.pid"))
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

func TestHowItRuns(t *testing.T) {
	t.Parallel()
	o := quick(newDataDir(t))
	o.Settings = map[string]string{"listen_addresses": "*", "port": "6543", "work_mem": "5MB", "fsync": "off"}
	s := mustStart(t, o)

	conn := connect(t, s, "postgres")
	got := map[string]string{}
	want := map[string]string{
		"listen_addresses": "", "port": "5432", "work_mem": "5MB", "fsync": "off", "synchronous_commit": "on",
		"server_encoding": "UTF8", "data_checksums": "on", "max_connections": "100", "TimeZone": "UTC",
	}
	for name := range want {
		var value string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		got[name] = value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got)\n%s", diff)
	}

	if pgid, err := syscall.Getpgid(s.cmd.Process.Pid); err != nil || pgid == syscall.Getpgrp() {
		t.Errorf("the server is in our process group, Ctrl-C would reach it (%v)", err)
	}
	info, err := os.Stat(s.socketDir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the socket folder %o, want 700", info.Mode().Perm())
	}
}

func TestSortsByCodePoint(t *testing.T) {
	t.Parallel()
	s := mustStart(t, quick(newDataDir(t)))
	var got []string
	err := connect(t, s, "postgres").QueryRow(t.Context(),
		"SELECT array_agg(w ORDER BY w) FROM unnest(ARRAY['b', 'Ä', 'a', 'B']) AS w").Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"B", "a", "b", "Ä"}, got); diff != "" {
		t.Errorf("order (-want +got)\n%s", diff)
	}
}

func TestEnsureDatabaseByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := mustStart(t, quick(newDataDir(t)))
	const name = `odd "name" & co`
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.EnsureDatabase(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var got string
	if err := connect(t, s, name).QueryRow(t.Context(), "SELECT current_database()").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != name {
		t.Errorf("connected to %q, want %q", got, name)
	}
}

func TestServersLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	o := quick(newDataDir(t))
	o.LogFile = filepath.Join(filepath.Dir(filepath.Dir(o.DataDir)), "elsewhere.log")
	s := mustStart(t, o)
	conn := connect(t, s, "postgres")
	for _, failing := range []string{
		"CREATE TABLE a (email text UNIQUE); INSERT INTO a VALUES ('jo@example.com'), ('jo@example.com')",
		"SELECT 'jo@example.com'::uuid",
	} {
		if _, err := conn.Exec(t.Context(), failing); err == nil {
			t.Fatalf("%s should have failed", failing)
		}
	}
	mustStop(t, s)
	text, err := os.ReadFile(o.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	wantWords(t, string(text), "ready to accept connections")
	if bytes.Contains(text, []byte("jo@example.com")) {
		t.Errorf("an address in the server's log:\n%s", text)
	}
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	s := mustStart(t, quick(dir))
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{dir, link} {
		wantRefused(t, quick(way), dir+" is in use by another Fairnotice (pid "+strconv.Itoa(os.Getpid())+")",
			"stop it or choose another DATA_DIR")
	}
	if err := s.ping(t.Context()); err != nil {
		t.Errorf("the first server was disturbed: %v", err)
	}
}

func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), holdEnv+"="+dir)
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer program.Wait()
	defer program.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "running\n" {
		t.Fatalf("the other program says %q (%v)", line, err)
	}
	wantRefused(t, quick(dir), fmt.Sprintf("(pid %d)", program.Process.Pid))

	program.Process.Kill()
	program.Wait()
	pid, socketDir, err := readPidFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if !runsOn(pid, dir) {
		t.Fatalf("no server with pid %d outlived its program: nothing is tested", pid)
	}

	var logged bytes.Buffer
	o := quick(dir)
	o.Log = slog.New(slog.NewTextHandler(&logged, nil))
	s := mustStart(t, o)
	wantRemembered(t, s)
	if runsOn(pid, dir) {
		t.Errorf("the orphan (pid %d) still runs", pid)
	}
	wantGone(t, socketDir)
	wantWords(t, logged.String(), "outlived its program", fmt.Sprintf("pid=%d", pid))
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	acc, err := chooseAccount(dir)
	if err != nil {
		t.Fatal(err)
	}
	// A process of the server's own user is what PostgreSQL mistakes for a server.
	stranger := acc.command(t.Context(), "/bin/sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()
	left := filepath.Join(os.TempDir(), socketPrefix+"left-"+strconv.Itoa(stranger.Process.Pid))
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(left)
	for what, text := range map[string]string{
		"a stranger's pid": fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n", stranger.Process.Pid, dir, left),
		"cut off":          "",
	} {
		pidFile := filepath.Join(dir, "postmaster.pid")
		if err := os.WriteFile(pidFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := acc.own(pidFile); err != nil {
			t.Fatal(err)
		}
		s, err := Start(t.Context(), quick(dir))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		wantRemembered(t, s)
		mustStop(t, s)
	}
	wantGone(t, left)
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger was ended: %v", err)
	}
}

func TestOtherMajorVersion(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	version := filepath.Join(dir, "PG_VERSION")
	original, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	bin, err := systemSearch().find(mustAccount(t, dir), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(version, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte("99\n"))
	wantRefused(t, quick(dir), "data in "+dir+" are of PostgreSQL 99", bin.String(), "install version 99", "pg_dumpall")
	write([]byte("9.6\n"))
	wantRefused(t, quick(dir), "are of PostgreSQL 9,", "needs 14 or newer", "pg_dumpall")
	write([]byte("soon\n"))
	wantRefused(t, quick(dir), "PG_VERSION doesn't hold a version number")
	write(original)
	wantRemembered(t, mustStart(t, quick(dir)))
}

func mustAccount(t *testing.T, dir string) account {
	t.Helper()
	acc, err := chooseAccount(dir)
	if err != nil {
		t.Fatal(err)
	}
	return acc
}

func TestForeignFolder(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, quick(dir), dir+" isn't empty and holds no PostgreSQL data", "choose another DATA_DIR")
	if text, err := os.ReadFile(letter); string(text) != "mine" {
		t.Errorf("the letter reads %q (%v)", text, err)
	}
	if err := os.Remove(letter); err != nil {
		t.Fatal(err)
	}
	mustStart(t, quick(dir)) // an empty folder will do
}

func TestUnusableFolders(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/no/such/disk", dir); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, quick(dir), "is a link to /no/such/disk, which is not there")
	wantRefused(t, quick(""), "set DATA_DIR")
}

func TestBadSetting(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	o := quick(dir)
	o.Settings = map[string]string{"shared_buffers": "plenty"}
	wantRefused(t, o, `invalid value for parameter "shared_buffers": "plenty"`, dir+".log")
	wantRemembered(t, mustStart(t, quick(dir))) // nothing is left in the way
}

func TestServerDies(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	s := mustStart(t, quick(dir))
	if err := syscall.Kill(s.cmd.Process.Pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if s.Err() == nil {
		t.Fatal("no reason given")
	}
	wantWords(t, s.Err().Error(), "ended by itself", "received immediate shutdown request")
	mustStop(t, s)
	wantGone(t, s.socketDir)
	wantRemembered(t, mustStart(t, quick(dir)))
}

func TestStopOutOfTime(t *testing.T) {
	t.Parallel()
	dir := newCluster(t)
	s := mustStart(t, quick(dir))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Stop(ctx)
	if err == nil {
		t.Fatal("Stop didn't say that it had to hurry")
	}
	wantWords(t, err.Error(), "recover at its next start")
	wantGone(t, s.socketDir)
	wantRemembered(t, mustStart(t, quick(dir)))
}

func TestInterruptedWhileMakingTheCluster(t *testing.T) {
	t.Parallel()
	dir := newDataDir(t)
	leftover := dir + newPrefix + "1"
	if err := os.MkdirAll(filepath.Join(leftover, "base"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := Start(ctx, quick(dir))
		ended <- err
	}()
	for half := dir + newPrefix + "*/PG_VERSION"; ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(half); len(found) > 0 {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("ended before it could be interrupted: %v", err)
		default:
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want context.Canceled", err)
	}
	wantGone(t, dir)
	wantGone(t, leftover)
	if left, _ := filepath.Glob(dir + newPrefix + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	mustStart(t, quick(dir))
}

func TestEnvironmentKeepsSecrets(t *testing.T) {
	t.Setenv("ENCRYPTION_KEYS", "secret")
	t.Setenv("PGPORT", "1")
	t.Setenv("PATH", "/usr/bin")
	for _, entry := range serverEnv() {
		if name, _, _ := strings.Cut(entry, "="); name == "ENCRYPTION_KEYS" || strings.HasPrefix(name, "PG") {
			t.Errorf("%s reaches the server", name)
		}
	}
	wantWords(t, strings.Join(serverEnv(), " "), "PATH=/usr/bin", "LC_ALL=C")
}

func TestLogIsRotated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgres.log")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), logLimit+1), 0o600); err != nil {
		t.Fatal(err)
	}
	f, out, err := openServerLog(path, account{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range tailLines + 2 {
		fmt.Fprintf(f, "line %d\n", i)
	}
	if lines := strings.Split(out.tail(), "\n"); len(lines) != tailLines || lines[0] != "line 2" {
		t.Errorf("the tail has %d lines from %q, want %d from line 2", len(lines), lines[0], tailLines)
	}
	if info, err := os.Stat(path + ".1"); err != nil || info.Size() != logLimit+1 {
		t.Errorf("the old log was not kept (%v)", err)
	}
}
