package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/app"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/secrets"
)

// freeAddr is an address that nobody listens on at the moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// dataDir is a folder that the database's user can reach when the tests run as root.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fairnotice-api-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T, environment map[string]string) *config.Config {
	t.Helper()
	if environment["LISTEN_ADDR"] == "" {
		environment["LISTEN_ADDR"] = freeAddr(t)
	}
	cfg, err := config.Load(environment, config.API)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func named(t *testing.T, url string) *config.Config {
	t.Helper()
	return load(t, map[string]string{"DATABASE_URL": url, "ENCRYPTION_KEYS": secrets.NewKey("k1"), "DATA_DIR": dataDir(t)})
}

var quiet = slog.New(slog.DiscardHandler)

// start runs the program until stop, which returns what run did.
func start(t *testing.T, cfg *config.Config) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, cfg, quiet) }()
	t.Cleanup(cancel)
	for range 600 {
		select {
		case err := <-done:
			t.Fatalf("it ended before it was ready: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if status, _ := get(t, cfg, "/readyz"); status == http.StatusOK {
			return func() error { cancel(); return <-done }
		}
	}
	t.Fatal("it is not ready after 30 seconds")
	return nil
}

func get(t *testing.T, cfg *config.Config, path string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(cfg.PublicURL + path)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestServesOnANamedDatabase(t *testing.T) {
	cfg := named(t, databasetest.NewURL(t))
	stop := start(t, cfg)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/no-such-page": 404} {
		if status, body := get(t, cfg, path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if status, _ := get(t, cfg, "/livez"); status != 0 {
		t.Errorf("after stopping it still answers %d", status)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "postgres")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made an embedded database beside the named one: %v", err)
	}
}

func TestNotReadyWithoutItsSchema(t *testing.T) {
	url := databasetest.NewURL(t)
	cfg := named(t, url)
	stop := start(t, cfg)
	db, err := database.Open(t.Context(), url, database.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.MigrateDown(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, cfg, "/readyz"); status != http.StatusServiceUnavailable || strings.Contains(body, "postgres://") {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, _ := get(t, cfg, "/livez"); status != http.StatusOK {
		t.Errorf("livez: %d, want 200: restarting the process would not help", status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	taken := named(t, databasetest.NewURL(t))
	l, err := net.Listen("tcp", taken.ListenAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for name, c := range map[string]struct {
		cfg  *config.Config
		want string
	}{
		"no schema":     {named(t, databasetest.NewBlankURL(t)), "run: worker migrate"},
		"no database":   {named(t, "postgres://postgres@"+freeAddr(t)+"/x"), "the database does not answer"},
		"address taken": {taken, "LISTEN_ADDR"},
	} {
		if err := run(t.Context(), c.cfg, quiet); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want a message with %q, got: %v", name, c.want, err)
		}
	}
}

// One command: the database is made, an administrator added, and all of it is there after a restart.
func TestTheEmbeddedDatabaseKeepsItsData(t *testing.T) {
	cfg := load(t, map[string]string{"DATA_DIR": dataDir(t)})
	t.Setenv("DATA_DIR", cfg.DataDir)
	t.Setenv("LISTEN_ADDR", cfg.ListenAddr)
	t.Setenv("DATABASE_URL", "")
	var out bytes.Buffer
	err := command(t.Context(), []string{"admin", "create", "--email", "ada@nordlicht.example", "--name", "Ada", "--password-stdin"},
		strings.NewReader("correct horse battery\nnot this\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "correct horse") || !strings.Contains(out.String(), cfg.PublicURL+"/console") {
		t.Errorf("it said %q", out.String())
	}
	for range 2 {
		stop := start(t, cfg)
		if err := health(t.Context()); err != nil {
			t.Errorf("health: %v", err)
		}
		if err := stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "postgres", "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the database still runs: %v", err)
		}
	}
	if err := health(t.Context()); err == nil {
		t.Error("health says that a stopped server is ready")
	}
	err = withAccounts(t.Context(), cfg, func(s *accounts.Service) error {
		_, _, err := s.Authenticate(t.Context(), "ada@nordlicht.example", "correct horse battery")
		return err
	})
	if err != nil {
		t.Errorf("the administrator can't sign in: %v", err)
	}
}

func TestAdminSaysWhatIsWrong(t *testing.T) {
	t.Setenv("DATABASE_URL", databasetest.NewURL(t))
	for _, c := range []struct {
		args  string
		input string
		wants []string
	}{
		{"admin", "", []string{"create, password, key or rotate-keys"}},
		{"admin create", "", []string{"email is missing", "name is missing"}},
		{"admin create --email ada --name Ada", "", []string{"name@example.com"}},
		{"admin create --email ada@nordlicht.example --name Ada --password-stdin", "short\n", []string{"12 characters"}},
		{"admin create --email ada@nordlicht.example --name Ada --password-stdin", "\n", []string{"first line is empty"}},
		{"admin password --email nobody@nordlicht.example", "", []string{"no such account"}},
		{"admin create now", "", []string{`"now"`}},
		{"admin rotate-keys now", "", []string{`"now"`}},
		{"admin rotate-keys", "", []string{"ENCRYPTION_KEYS"}},
		{"serve", "", []string{`no command "serve"`}},
	} {
		err := command(t.Context(), strings.Fields(c.args), strings.NewReader(c.input), io.Discard)
		for _, want := range c.wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("api %s: want a message with %q, got: %v", c.args, want, err)
			}
		}
	}
}

func TestAdminPasswordReplacesTheOldOne(t *testing.T) {
	url := databasetest.NewURL(t)
	t.Setenv("DATABASE_URL", url)
	passwords := map[string]bool{}
	for _, args := range []string{"admin create --email ada@nordlicht.example --name Ada", "admin password --email ada@nordlicht.example"} {
		var out bytes.Buffer
		if err := command(t.Context(), strings.Fields(args), nil, &out); err != nil {
			t.Fatal(err)
		}
		_, password, _ := strings.Cut(out.String(), "password: ")
		passwords[strings.TrimSpace(password)] = true
	}
	if len(passwords) != 2 || passwords[""] {
		t.Errorf("the passwords shown: %d different ones, want 2", len(passwords))
	}
}

// A request that is under way when the program is told to stop gets its answer.
func TestRequestsUnderWayAreAnswered(t *testing.T) {
	cfg := named(t, databasetest.NewURL(t))
	a, err := app.Open(t.Context(), cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close(context.WithoutCancel(t.Context())) }()
	begun := make(chan struct{})
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-a.Stopping()
		_, _ = io.WriteString(w, "the answer")
	}), quiet)
	l, err := net.Listen("tcp", cfg.ListenAddr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-begun; stop() }()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if err := serve(ctx, a, server, l); err != nil {
			t.Error(err)
		}
		a.BeginStop()
		drain(context.WithoutCancel(ctx), a, server)
	}()
	if status, body := get(t, cfg, "/"); status != http.StatusOK || body != "the answer" {
		t.Errorf("got %d %q", status, body)
	}
	<-drained
}

// The program itself: it stops at SIGTERM, says success, and leaves no process behind.
func TestTheProgramStopsAtASignal(t *testing.T) {
	program := filepath.Join(t.TempDir(), "api")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cfg := load(t, map[string]string{"DATA_DIR": dataDir(t)})
	cmd := exec.Command(program)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DATA_DIR=" + cfg.DataDir, "LISTEN_ADDR=" + cfg.ListenAddr, "LOG_FORMAT=json"}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := false
	for i := 0; i < 600 && !ready; i++ {
		time.Sleep(50 * time.Millisecond)
		status, _ := get(t, cfg, "/readyz")
		ready = status == http.StatusOK
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !ready {
		t.Fatalf("ready: %v; it ended with %v\n%s", ready, err, log.String())
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "postgres", "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database still runs: %v", err)
	}
	if !strings.Contains(log.String(), `"msg":"serving"`) || !strings.Contains(log.String(), "api admin create") {
		t.Errorf("the log lacks where to go and what to do first:\n%s", log.String())
	}
}
