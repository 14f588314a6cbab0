package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// The worker is killed, again and again, while it fans out and while it sends. After the last
// restart every delivery is sent; a message is repeated only where a kill fell between the
// relay's answer and our record, under the same Message-ID, and is marked as a possible repeat.
func TestKilledWorkersLoseNothing(t *testing.T) {
	url := databasetest.NewURL(t)
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	clock := &databasetest.Clock{}
	clock.Set(time.Now())
	h := housetest.On(t, db, clock)
	relay := housetest.StartRelay(t)
	const deliveries = 2000
	cust := h.Customer("Big", "first@big.example", housetest.Sheet(14))
	addMany(t, h, cust, deliveries-1)
	worker := build(t)
	env := append(os.Environ(), "DATABASE_URL="+url, "SMTP_URL=smtp://"+relay.Address, "MAIL_FROM=notices@nordlicht.example",
		"ENCRYPTION_KEYS="+secrets.NewKey("k1"), "EMAIL_DOMAIN_CONCURRENCY=0", "LOG_LEVEL=warn")

	h.Announced(h.Addition(h.Vendor("Errata Ltd"), 40))
	kills, marks := 0, []int{0, 1, 300, 900}
	for _, mark := range marks {
		p := start(t, worker, env)
		waitFor(t, p, fmt.Sprintf("%d messages", mark), func() bool { return mark == 0 || len(relay.Received()) >= mark })
		if mark == 0 {
			time.Sleep(150 * time.Millisecond) // somewhere in start-up or fan-out
		}
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait()
		kills++
		// Nobody waits for the dead worker's leases in a test.
		exec1(t, db, "update deliveries set due_at = now() where state = 'sending'")
		exec1(t, db, "update river_job set attempted_at = now() - interval '1 hour' where state = 'running'")
	}
	p := start(t, worker, env)
	waitFor(t, p, "every delivery sent", func() bool {
		return count(t, db, "select count(*) from deliveries where state = 'sent'") == deliveries
	})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the last worker ended with %v\n%s", err, p.log.String())
	}
	report(t, db, relay, kills, deliveries)
}

// report counts what arrived, prints it, and checks it against what is recorded.
func report(t *testing.T, db *database.DB, relay *housetest.Relay, kills, deliveries int) {
	t.Helper()
	arrived := map[string]int{}
	for _, m := range relay.Received() {
		arrived[messageID(m.Raw)]++
	}
	repeats := 0
	for id, times := range arrived {
		if times == 1 {
			continue
		}
		repeats += times - 1
		delivery, _, _ := strings.Cut(id, "@")
		if n := count(t, db, "select count(*) from deliveries where id = $1 and possible_repeat", delivery); n != 1 {
			t.Errorf("%s arrived %d times and is not marked", id, times)
		}
	}
	lost := deliveries - len(arrived)
	marked := count(t, db, "select count(*) from deliveries where possible_repeat")
	notices := count(t, db, "select count(*) from notices")
	t.Logf("%d kills, %d deliveries: %d lost, %d repeated, %d marked as possible repeats, %d notices", kills, deliveries, lost, repeats, marked, notices)
	if lost != 0 || notices != 1 || repeats > marked {
		t.Errorf("%d lost, %d notices, %d repeats of which %d are marked", lost, notices, repeats, marked)
	}
}

func messageID(raw string) string {
	_, rest, _ := strings.Cut(strings.ReplaceAll(raw, "\r\n ", " "), "Message-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return strings.Trim(strings.TrimSpace(id), "<>")
}

// addMany adds subscriptions with one statement: adding contacts one by one would take the test's
// time.
func addMany(t *testing.T, h *housetest.House, c *subscribers.Customer, n int) {
	t.Helper()
	_, err := h.DB.Pool().Exec(t.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), $1, 'contract', 'email', 'c' || i || '@d' || i % 50 || '.example', 'en', 'active', now(), 'test', now(), now(), now() from generate_series(1, $2::int) i`, c.ID, n)
	if err != nil {
		t.Fatal(err)
	}
}

type process struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build the worker: %v\n%s", err, out)
	}
	return path
}

func start(t *testing.T, path string, env []string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path), log: &bytes.Buffer{}}
	p.cmd.Env, p.cmd.Stderr = env, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

func waitFor(t *testing.T, p *process, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s; the worker said:\n%s", what, p.log.String())
		}
	}
}

func exec1(t *testing.T, db *database.DB, sql string) {
	t.Helper()
	if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
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
