package notify_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
)

// A database that goes away at a commit, again and again, having committed or not, for each of two
// workers: what was claimed, recorded or handed back in such a commit is neither lost, nor sent twice,
// nor in the ledger twice.
func TestCommitsOfWhichNothingIsHeard(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 100, "a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example", "h.example")
	wires := []*wire{w.wired(t), w.wired(t)}
	for _, wire := range wires {
		wire.every.Store(3)
		w.startBehind(t, wire)
	}
	w.await(t, "some messages", func() bool { return w.sink.Count() > w.n/2 })
	var commits, undone, lost int64
	for _, wire := range wires {
		wire.every.Store(0)
		commits, undone, lost = commits+wire.commits.Load(), undone+wire.undone.Load(), lost+wire.lost.Load()
	}
	w.start(t)
	w.allTold(t)
	a := w.audited(t)
	t.Logf("of %d commits %d did not happen and %d got no answer: %s", commits, undone, lost, a)
	if undone+lost == 0 || a.Repeated > 0 {
		t.Errorf("%d commits were lost, %d messages repeated, although no worker died", undone+lost, a.Repeated)
	}
}

// A worker's claim comes to nothing, and before it can say so another has claimed the same: that claim
// is not taken away.
func TestWhatWasNeverClaimedIsNotGivenBack(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 2, "a.example", "b.example", "c.example", "d.example")
	w.sink.Trouble(func(string) housetest.MailTrouble { return housetest.StallsAfterData })
	wire := w.wired(t)
	wire.every.Store(1)
	wire.goes.Store(true)
	w.startBehind(t, wire)
	w.await(t, "a claim that came to nothing", func() bool { return wire.undone.Load() == 1 })
	w.Clock.Add(time.Second)
	w.start(t)
	w.await(t, "another's claim", func() bool { return w.count(t, "select count(*) from deliveries where state = 'sending'") >= 4 })
	w.await(t, "its sends", func() bool { return w.sink.Waiting("a.example")+w.sink.Waiting("d.example") == 2 })
	before := wire.commits.Load()
	wire.every.Store(0)
	wire.down.Store(false)
	w.await(t, "the first one's next work", func() bool { return wire.commits.Load() >= before+3 })
	w.sink.Release()
	w.allTold(t)
	if a := w.audited(t); a.Repeated+a.Marked != 0 {
		t.Errorf("%d repeated, %d marked, although no worker died", a.Repeated, a.Marked)
	}
}

// wired is a wire to the world's database.
func (w *mailWorld) wired(t *testing.T) *wire {
	t.Helper()
	return newWire(t, w.DB.Pool().Config().ConnString())
}

// startBehind starts a sender that has the database behind the wire.
func (w *mailWorld) startBehind(t *testing.T, wire *wire) {
	t.Helper()
	db, err := database.Open(t.Context(), wire.address, database.Options{Now: w.Clock.Now, Log: w.log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := notify.StartSender(db, w.Jobs, w.log, w.email)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Stop(ctx)
	})
}

// wire lies between a sender and PostgreSQL. It cuts the connection at each so many-th commit: by turns
// instead of passing it on, and instead of passing on the answer to it.
type wire struct {
	network, to                  string      // where the server listens
	address                      string      // the database's, behind the wire
	goes                         atomic.Bool // it goes down, with a commit that does not happen
	down                         atomic.Bool
	every, commits, lost, undone atomic.Int64
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgconn.ParseConfig(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	w.network, w.to = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	var conns sync.WaitGroup
	conns.Go(func() { w.accept(l, &conns) })
	t.Cleanup(func() { _ = l.Close(); conns.Wait() })
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	w.address = u.String()
	return w
}

func (w *wire) accept(l net.Listener, conns *sync.WaitGroup) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(w.network, w.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		cut := new(atomic.Bool) // the next answer is lost
		conns.Go(func() { defer closeBoth(client, server); w.forward(server, client, cut) })
		conns.Go(func() { defer closeBoth(client, server); w.answer(client, server, cut) })
	}
}

func closeBoth(a, b net.Conn) { _, _ = a.Close(), b.Close() }

// forward passes the program's messages on: after the first, each is a letter, a length and the rest.
func (w *wire) forward(server io.Writer, client io.Reader, cut *atomic.Bool) {
	for header := 4; ; header = 5 {
		head := make([]byte, header)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head[header-4:])-4)
		if _, err := io.ReadFull(client, rest); err != nil {
			return
		}
		if w.down.Load() {
			return
		}
		if head[0] == 'Q' && bytes.EqualFold(rest, []byte("commit\x00")) {
			n, every := w.commits.Add(1), w.every.Load()
			if every > 0 && (w.goes.Load() || n%(2*every) == 0) {
				w.down.Store(w.goes.Load())
				w.undone.Add(1)
				return
			}
			cut.Store(every > 0 && n%every == 0)
		}
		if _, err := server.Write(append(head, rest...)); err != nil {
			return
		}
	}
}

// answer passes the server's bytes on, until it has answered the commit whose answer is to be lost.
func (w *wire) answer(client io.Writer, server io.Reader, cut *atomic.Bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if cut.Load() {
			w.lost.Add(1)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
