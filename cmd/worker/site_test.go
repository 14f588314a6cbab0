package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
)

// site is a house whose workers are real processes, and who they send to.
type site struct {
	house *housetest.House
	db    *database.DB
	mail  *housetest.MailSink
	hooks *housetest.HookSink
	env   []string // of the workers
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, databasetest.NewURL(t))
}

func newSiteOn(t *testing.T, url string) *site {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	clock := &databasetest.Clock{}
	clock.Set(time.Now())
	s := &site{house: housetest.On(t, db, clock), db: db, mail: housetest.StartMailSink(t), hooks: housetest.StartHookSink(t, time.Now)}
	s.env = append(os.Environ(), "DATABASE_URL="+url, "PGAPPNAME=worker", "SMTP_URL=smtp://"+s.mail.Address, "MAIL_FROM=notices@nordlicht.example",
		"ENCRYPTION_KEYS="+s.house.Keys, "OUTBOUND_ALLOW=127.0.0.0/8", "EMAIL_DOMAIN_CONCURRENCY=0", "LOG_LEVEL=warn")
	return s
}

// customers is how many share the recipients.
const customers = 20

// recipients adds n recipients, half of them by email and half by webhook, made by one statement each
// since adding them one by one would take the test's time.
func (s *site) recipients(t *testing.T, n int) {
	t.Helper()
	var addresses []string
	for i := range n / customers / 2 {
		addresses = append(addresses, fmt.Sprintf("%s/e/%d", s.hooks.URL, i))
	}
	for i := range customers {
		c := s.house.Customer(fmt.Sprintf("Customer %d", i), "", housetest.Sheet(14))
		_, err := s.db.Pool().Exec(t.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
			select uuid_v7(), $1, 'contract', 'email', 'c' || i || '.' || $2::int || '@d' || i % 50 || '.example', 'en', 'active', now(), 'test', now(), now(), now()
			  from generate_series(1, $3::int) i`, c.ID, i, n/customers/2)
		if err != nil {
			t.Fatal(err)
		}
		s.house.Hooks(c, addresses)
	}
}

// arrived says how often each delivery arrived.
func (s *site) arrived() map[uuid.UUID]int {
	all := s.mail.Arrived()
	maps.Copy(all, s.hooks.Arrived())
	return all
}

// arrivals is how many messages and webhooks arrived, repeats included.
func (s *site) arrivals() int { return s.mail.Count() + s.hooks.Count() }

// allServed is the condition that n deliveries are sent or received.
func (s *site) allServed(t *testing.T, n int) func() bool {
	return func() bool {
		return count(t, s.db, "select count(*) from deliveries where state in ('sent', 'received')") == n
	}
}

// process is a program that runs.
type process struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

// programs are built once, into a folder that lasts as long as the tests.
var programs struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(programs.dir)
	os.Exit(code)
}

// program builds one of the module's programs.
func program(t *testing.T, name string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "fairnotice-worker-")
		if err != nil {
			t.Fatal(err)
		}
		programs.dir = dir
	}
	path := filepath.Join(programs.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// start starts a worker.
func (s *site) start(t *testing.T) *process {
	t.Helper()
	return launch(t, program(t, "worker"), s.env)
}

func launch(t *testing.T, path string, env []string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path), log: &bytes.Buffer{}}
	p.cmd.Env, p.cmd.Stderr = env, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// stop tells workers to stop, as an operator does.
func (s *site) stop(t *testing.T, list ...*process) {
	t.Helper()
	for _, p := range list {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range list {
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("a worker ended with %v\n%s", err, p.log.String())
		}
	}
}

// wait waits for a condition; how long it may take is no assertion, only an end to waiting.
func (p *process) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, 3*time.Minute, p, what, ok)
}

func within(t *testing.T, limit time.Duration, p *process, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			said := ""
			if p != nil {
				said = "; it said:\n" + p.log.String()
			}
			t.Fatalf("waited in vain for %s%s", what, said)
		}
	}
}

func (s *site) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := s.db.Pool().Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *database.DB, sql string, args ...any) (n int) {
	t.Helper()
	if err := db.Pool().QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
