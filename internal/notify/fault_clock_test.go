package notify_test

import (
	"context"
	"testing"
	"time"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
)

// jump is by how much clocks are wrong in these tests.
const jump = 3 * time.Hour

// passFast lets time go by, and the periodic look after it, until all are served, and says how much.
// Steps of a second go on whatever is under way; longer ones wait for what is.
func (w *mailWorld) passFast(t *testing.T, step time.Duration) (passed time.Duration) {
	t.Helper()
	began := w.Clock.Now()
	defer func() {
		if t.Failed() {
			t.Logf("%v went by; %d deliveries are open, %d being sent, %d were refused", w.Clock.Now().Sub(began),
				w.count(t, "select count(*) from deliveries where due_at is not null"), w.count(t, "select count(*) from deliveries where state = 'sending'"), w.refused(t))
		}
	}()
	w.await(t, "everybody told", func() bool {
		if step <= time.Second || w.count(t, "select count(*) from deliveries where state = 'sending' and leased_until <= $1", w.Clock.Now().Add(2*time.Minute)) == 0 {
			w.Clock.Add(step)
			if err := w.notify.LookAfter(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.sender.Wake(notify.ChannelEmail)
		}
		return w.count(t, "select count(*) from deliveries where due_at is not null") == 0
	})
	return w.Clock.Now().Sub(began)
}

// audited checks the record of a test in which nothing may be lost.
func (w *mailWorld) audited(t *testing.T) *housetest.Audit {
	t.Helper()
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	if a.Deliveries != w.n || a.Lost+a.Unknown != 0 {
		t.Errorf("of %d deliveries %d were lost", w.n, a.Lost)
	}
	return a
}

// The clock jumps by hours, ahead or back, while messages are on their way and one waits for its
// answer: nobody gets anything twice, and nobody is forgotten. Ahead, every lease seems to be over,
// but a process knows what it holds itself.
func TestTheClockJumps(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"ahead": jump, "back": -jump} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newMailWorld(t, time.Minute, 50, "slow.example", "a.example", "b.example", "c.example", "d.example")
			w.sink.Trouble(func(domain string) housetest.MailTrouble {
				if domain == "slow.example" {
					return housetest.StallsAfterData
				}
				return housetest.TakesMail
			})
			w.start(t)
			w.await(t, "some sent, one on its way", func() bool { return w.sink.Count() > 20 && w.sink.Waiting("slow.example") > 0 })
			w.Clock.Add(by)
			w.sender.Wake(notify.ChannelEmail)
			if by > 0 {
				w.await(t, "the others are told", func() bool { return w.sent(t, "_.example", "") == w.n-w.perName })
			}
			w.sink.Release()
			passed := w.passFast(t, time.Minute)
			a := w.audited(t)
			t.Logf("the clock jumped %s by %v; everybody was told %v later by it: %s", name, jump, passed, a)
			if a.Repeated+a.Marked+a.Unrecorded != 0 || passed > jump/2 {
				t.Errorf("%d repeated, %d marked, everybody told after %v", a.Repeated, a.Marked, passed)
			}
		})
	}
}

// A worker's clock is three hours ahead: to it, what another worker is sending seems left behind. It
// may take it over, but says so; and when its clock is put right, nothing waits for the hours to pass.
func TestAWorkerWithAWrongClock(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 1, "slow.example")
	w.sink.Trouble(func(domain string) housetest.MailTrouble {
		if domain == "slow.example" {
			return housetest.StallsAfterData
		}
		return housetest.TakesMail
	})
	w.start(t)
	w.await(t, "one on its way", func() bool { return w.sink.Waiting("slow.example") == 1 })
	ahead := w.wrongWorker(t, jump)
	w.await(t, "the wrong one takes over", func() bool { return w.sink.Waiting("slow.example") == 2 })
	w.perName = 50
	w.recipients(t, "a.example", "b.example", "c.example", "d.example")
	w.announce(t, "Second Ltd")
	w.await(t, "the others are told", func() bool { return w.sent(t, "_.example", "") >= 100 })
	ahead.Set(w.Clock.Now())
	w.sink.Release()
	passed := w.passFast(t, 15*time.Second)
	w.n = 1 + 1 + 4*w.perName
	a := w.audited(t)
	t.Logf("a worker's clock was %v ahead; everybody was told %v after it was put right: %s", jump, passed, a)
	if a.Repeated == 0 || passed > time.Hour {
		t.Errorf("%d repeated, one was taken over; everybody was told after %v", a.Repeated, passed)
	}
}

// wrongWorker starts a second worker whose clock differs.
func (w *mailWorld) wrongWorker(t *testing.T, by time.Duration) *databasetest.Clock {
	t.Helper()
	clock := &databasetest.Clock{}
	clock.Set(w.Clock.Now().Add(by))
	db, err := database.Open(t.Context(), w.DB.Pool().Config().ConnString(), database.Options{Now: clock.Now, Log: w.log})
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
	return clock
}

// A worker dies whose clock was hours ahead, with deliveries in flight under leases and rates that
// lie in the future. The others don't wait until then.
func TestWhatAWrongClockLeavesBehind(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 20, "a.example", "b.example", "c.example")
	cfg, err := email.ParseURL("smtp://" + w.sink.Address)
	if err != nil {
		t.Fatal(err)
	}
	pool := email.NewPool(cfg, 2*mailConnections, w.log)
	t.Cleanup(func() { _ = pool.Close() })
	w.email = notify.NewEmail(email.NewComposer(nil), pool, w.links, notify.EmailLimits{Connections: mailConnections, PerDomain: 4, Rate: 10})
	future := w.Clock.Now().Add(jump)
	for _, sql := range []string{ // as such a worker's claim leaves them
		"update deliveries set state = 'sending', attempts = 1, leased_until = $1::timestamptz + interval '100 seconds' where address like 'c1_@%'",
		"update endpoints set work_at = $1::timestamptz + interval '1 second', next_send_at = $1::timestamptz + interval '1 second'",
	} {
		if _, err := w.DB.Pool().Exec(t.Context(), sql, future); err != nil {
			t.Fatal(err)
		}
	}
	w.start(t)
	passed := w.passFast(t, time.Second)
	a := w.audited(t)
	t.Logf("everybody was told after %v: %s", passed, a)
	if passed > time.Hour || a.Marked != 30 || a.Repeated != 0 {
		t.Errorf("everybody was told after %v, %d marked, want the 30 that were in flight", passed, a.Marked)
	}
}

// The clock is hours ahead while the relay refuses for now, then it is put right: the retries that
// were planned by it come late, but no later than by its hours, and a rate does not stand still.
func TestRetriesPlannedByAWrongClock(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 20, "a.example", "b.example", "c.example")
	w.sink.Trouble(func(string) housetest.MailTrouble { return housetest.RefusesForNow })
	w.Clock.Add(jump)
	w.start(t)
	w.await(t, "all refused", func() bool { return w.refused(t) >= w.n })
	w.Clock.Add(-jump)
	w.sink.Release()
	passed := w.passFast(t, time.Minute)
	a := w.audited(t)
	t.Logf("everybody was told after %v: %s", passed, a)
	if passed > jump+10*time.Minute || a.Repeated+a.Marked != 0 {
		t.Errorf("everybody was told after %v, %d repeated, %d marked", passed, a.Repeated, a.Marked)
	}
	if n := w.count(t, "select max(attempts) from deliveries"); n > 3 {
		t.Errorf("it cost somebody %d tries", n)
	}
}
