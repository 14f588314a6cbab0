package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
	"fairnotice/internal/ledger"
)

const (
	apiKills      = 10 // every other one while a write is being committed
	writesPerKill = 20
	senders       = 8 // at once; fewer than a server has connections to its database
)

// Two servers of one database are killed ten times while programs write. A program that repeats what
// got no answer, under the same idempotency key and at whichever server, has it done exactly once: also
// what was committed when the server died before it could say so.
func TestKilledServersDoEachWriteOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var all []*write
	for i := range apiKills {
		round := p.writes(t, i, writesPerKill)
		if i%2 == 0 {
			sent := p.sendAll(t, round)
			p.killAtWork(t, p.servers[i/2%2], sent)
			sent.wait()
		} else {
			letCommit := p.holdCommits(t)
			sent := p.sendAll(t, round)
			p.killAtCommit(t, letCommit)
			sent.wait()
		}
		all = append(all, round...)
	}
	t.Logf("%d writes at two servers, %d kills: %d sends found no server, %d were cut off, of which %d were done",
		len(all), apiKills, p.refused.Load(), p.cut.Load(), p.lost.Load())
	if p.cut.Load() < apiKills/2 || p.lost.Load() < apiKills/2 {
		t.Error("the kills at a commit must each cut off a send, and lose the answer to what was done")
	}
	if !t.Failed() {
		p.replayed(t, all)
		p.doneOnce(t, all)
	}
	p.stop(t)
}

// pair is an installation of two servers, real processes, and a program that writes by both.
type pair struct {
	house   *housetest.House
	db      *database.DB
	program string
	env     []string
	key     string // an administrator's
	since   int64  // the last entry of the record before the writes
	client  *http.Client
	servers [2]*server

	refused atomic.Int64 // sends to a server that was not there
	cut     atomic.Int64 // sends that a server took and never answered
	lost    atomic.Int64 // writes that were done by a send that was cut
}

func newPair(t *testing.T) *pair {
	t.Helper()
	url := databasetest.NewURL(t)
	db, err := database.Open(t.Context(), url, database.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	clock := &databasetest.Clock{}
	clock.Set(time.Now())
	p := &pair{house: housetest.On(t, db, clock), db: db, program: filepath.Join(t.TempDir(), "api")}
	// On a new connection each: on one that it has used, net/http repeats such a request by itself.
	p.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	who := p.house.Staff("Ada Admin", actor.Admin)
	p.key, err = accounts.New(db).CreateKey(t.Context(), who, &accounts.Key{Name: "pipeline", Role: who.Role, PerMinute: accounts.HighestKeyRate})
	if err != nil {
		t.Fatal(err)
	}
	// A commit of the API waits while the test holds this lock.
	if _, err := db.Pool().Exec(t.Context(), `create function wait_for_test() returns trigger language plpgsql as
			$$ begin perform pg_advisory_xact_lock_shared(1); return null; end $$;
		create constraint trigger wait_for_test after insert on idempotency_keys deferrable initially deferred
			for each row execute function wait_for_test()`); err != nil {
		t.Fatal(err)
	}
	if p.since, _, err = ledger.Head(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	p.env = append(os.Environ(), "DATABASE_URL="+url, "ENCRYPTION_KEYS="+p.house.Keys, "PUBLIC_URL=https://trust.nordlicht.example",
		"LOG_LEVEL=error", "DATA_DIR="+t.TempDir(), "SMTP_URL=")
	for i := range p.servers {
		p.servers[i] = &server{pair: p, name: fmt.Sprintf("api-%d", i+1), addr: freeAddr(t)}
		p.servers[i].start(t)
	}
	return p
}

// server is one of the two. It keeps its name, by which PostgreSQL knows it, and its address.
type server struct {
	*pair
	name, addr string
	cmd        *exec.Cmd
	log        bytes.Buffer
}

// start starts the server and waits until it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.program)
	s.cmd.Env, s.cmd.Stderr = append(s.env, "LISTEN_ADDR="+s.addr, "PGAPPNAME="+s.name), &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process := s.cmd.Process
	t.Cleanup(func() { _ = process.Kill() })
	s.until(t, s.name+" to be ready", func() bool {
		answer, err := s.client.Get("http://" + s.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// kill ends the server at once.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
}

// stop ends both as an operator does, and looks at what they said in all their lives.
func (p *pair) stop(t *testing.T) {
	t.Helper()
	for _, s := range p.servers {
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", s.name, err)
		}
		if s.log.Len() > 0 {
			t.Errorf("%s logged:\n%s", s.name, s.log.String())
		}
	}
}

// until waits for a condition; how long it may take is no assertion, only an end to waiting.
func (p *pair) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// killAtWork kills a server when some of the writes are answered and the others are not.
func (p *pair) killAtWork(t *testing.T, s *server, sent *sending) {
	t.Helper()
	for range 1 + rand.IntN(writesPerKill/2) {
		<-sent.answered
	}
	s.kill(t)
	s.start(t)
}

// killAtCommit kills whichever server is just committing a write, and lets PostgreSQL finish that when
// the same write waits for it at the other server.
func (p *pair) killAtCommit(t *testing.T, letCommit func()) {
	t.Helper()
	var dying, other *server
	commit := 0
	p.until(t, "a commit", func() bool {
		for i, s := range p.servers {
			if commit = p.waiting(t, s, "commit", 0); commit != 0 {
				dying, other = s, p.servers[1-i]
				break
			}
		}
		return commit != 0
	})
	dying.kill(t)
	p.until(t, "the write to come again", func() bool { return p.waiting(t, other, "insert into idempotency_keys", commit) != 0 })
	letCommit()
	dying.start(t)
}

// waiting is a connection of the server that waits for a lock in such a statement, 0 when none does: for
// a lock that another connection holds, when that is not 0.
func (p *pair) waiting(t *testing.T, s *server, statement string, holder int) (pid int) {
	t.Helper()
	err := p.db.Pool().QueryRow(t.Context(), `select coalesce(min(pid), 0) from pg_stat_activity
		where datname = current_database() and application_name = $1 and wait_event_type = 'Lock' and starts_with(lower(query), $2)
		  and ($3 = 0 or $3 = any(pg_blocking_pids(pid)))`, s.name, statement, holder).Scan(&pid)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// holdCommits has the commits of writes wait until the returned function is called.
func (p *pair) holdCommits(t *testing.T) (let func()) {
	t.Helper()
	tx, err := p.db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	let = func() { _ = tx.Rollback(context.Background()) }
	t.Cleanup(let)
	if _, err := tx.Exec(t.Context(), "select pg_advisory_xact_lock(1)"); err != nil {
		t.Fatal(err)
	}
	return let
}

// write is one that is to be done once, and how it was answered first.
type write struct {
	key, kind, path, name string
	in                    []byte
	tries                 int
	body                  []byte
	location              string
}

// writes makes n that no other round makes.
func (p *pair) writes(t *testing.T, round, n int) []*write {
	t.Helper()
	list := make([]*write, n)
	for i := range list {
		w := &write{key: uuid.NewString(), name: fmt.Sprintf("Number %d of %d", i, round)}
		var in map[string]any
		switch i % 3 {
		case 0:
			w.kind, w.path, in = "vendor.created", "/vendors", map[string]any{"legal_name": w.name, "country": "IE"}
		case 1:
			w.kind, w.path, in = "customer.created", "/customers", map[string]any{"name": w.name, "external_id": w.key, "role": "controller",
				"region": "eea", "country": "DE", "time_zone": "Europe/Berlin", "language": "de", "products": []uuid.UUID{p.house.Product.ID}}
		default:
			w.kind, w.path, in = "product.added", "/products", map[string]any{"slug": fmt.Sprintf("p-%d-%d", round, i), "name": w.name}
		}
		var err error
		if w.in, err = json.Marshal(in); err != nil {
			t.Fatal(err)
		}
		list[i] = w
	}
	return list
}

// sending is a round of writes under way.
type sending struct {
	answered chan struct{} // receives one for each write
	wait     func()
}

// sendAll sends writes from several goroutines, each until it is answered.
func (p *pair) sendAll(t *testing.T, list []*write) *sending {
	t.Helper()
	var wg sync.WaitGroup
	todo, answered := make(chan *write, len(list)), make(chan struct{}, len(list))
	for _, w := range list {
		todo <- w
	}
	close(todo)
	for range senders {
		wg.Go(func() {
			for w := range todo {
				p.insist(t, w)
				answered <- struct{}{}
			}
		})
	}
	t.Cleanup(wg.Wait) // the context has ended by then
	return &sending{answered, wg.Wait}
}

// insist sends a write, under its key and to either server, until it is answered with success.
func (p *pair) insist(t *testing.T, w *write) {
	for ; t.Context().Err() == nil; time.Sleep(5 * time.Millisecond) {
		w.tries++
		status, header, body, err := p.send(t, w)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			p.refused.Add(1)
		case err != nil:
			p.cut.Add(1)
		case status == http.StatusCreated:
			w.body, w.location = body, header.Get("Location")
			if header.Get("Idempotency-Replayed") != "" {
				p.lost.Add(1)
				if w.tries == 1 {
					t.Errorf("%s %s was answered as a repetition at the first try", w.path, w.in)
				}
			}
			return
		case header.Get("Retry-After") == "":
			t.Errorf("%s %s at try %d: %d %s", w.path, w.in, w.tries, status, body)
			return
		}
	}
}

// send sends a write to one of the servers. An error means that no whole answer came.
func (p *pair) send(t *testing.T, w *write) (status int, header http.Header, body []byte, err error) {
	s := p.servers[rand.IntN(len(p.servers))]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/api/v1"+w.path, bytes.NewReader(w.in))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+p.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", w.key)
	answer, err := p.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, body, err
}

// replayed sends each write once more.
func (p *pair) replayed(t *testing.T, list []*write) {
	t.Helper()
	for _, w := range list {
		status, header, body, err := p.send(t, w)
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusCreated || header.Get("Idempotency-Replayed") != "true" || header.Get("Location") != w.location || !bytes.Equal(body, w.body) {
			t.Errorf("%s was answered %s, and repeated %d %v %s", w.name, w.body, status, header, body)
		}
	}
}

// doneOnce compares what is in the tables and in the record with the answers.
func (p *pair) doneOnce(t *testing.T, list []*write) {
	t.Helper()
	type row struct{ Kind, ID, Name string }
	want, entries := map[row]int{}, map[row]int{}
	for _, w := range list {
		var out struct{ ID string }
		if err := json.Unmarshal(w.body, &out); err != nil {
			t.Fatal(err)
		}
		want[row{w.kind, out.ID, w.name}]++
		entries[row{w.kind, out.ID, ""}]++
	}
	counted := func(query string, args ...any) map[row]int {
		rows, err := database.Collect[row](t.Context(), p.db.Pool(), query, args...)
		if err != nil {
			t.Fatal(err)
		}
		out := map[row]int{}
		for _, r := range rows {
			out[r]++
		}
		return out
	}
	got := counted(`select 'vendor.created' as kind, vendor_id::text as id, legal_name as name from vendor_versions
		union all select 'customer.created', id::text, name from customers
		union all select 'product.added', id::text, name from products where id <> $1`, p.house.Product.ID)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-as answered +there):\n%s", d)
	}
	got = counted("select kind, subject_id::text as id, '' as name from ledger_entries where seq > $1", p.since)
	if d := cmp.Diff(entries, got); d != "" {
		t.Errorf("entries of the record (-as answered +there):\n%s", d)
	}
	if n, err := ledger.Verify(t.Context(), p.db); err != nil || n != p.since+int64(len(list)) {
		t.Errorf("the record: %d entries, %v", n, err)
	}
}
