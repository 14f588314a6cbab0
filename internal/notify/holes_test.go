package notify_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/subscribers"
)

// Holes that a reader found in the first version of the sender; each test fell into its hole then.

// scripted is a channel whose answers the test writes: the far side is not what is tested here.
type scripted struct {
	sends  atomic.Int64
	answer func(n int64) notify.Result
}

func (*scripted) Name() string { return notify.ChannelEmail }
func (*scripted) Limits() notify.Limits {
	return notify.Limits{Timeout: 5 * time.Second, Concurrency: 8, Slow: 8, PerEndpoint: 100}
}

func (s *scripted) Send(context.Context, *notify.Outgoing) notify.Result {
	return s.answer(s.sends.Add(1))
}

func accepted(int64) notify.Result { return notify.Result{Outcome: notify.Accepted, Code: 250} }

func stopWithin(t *testing.T, s *notify.Sender, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	done := make(chan struct{})
	go func() { s.Stop(ctx); close(done) }()
	select {
	case <-done:
	case <-time.After(d + 30*time.Second):
		t.Fatal("Stop hangs")
	}
}

func TestADatabaseThatTakesNothingDoesNotHangTheStop(t *testing.T) {
	w := newWorld(t)
	c := w.Customer("Anna", "a@one.example", housetest.Sheet(14))
	addMany(t, w, c.ID.String(), 900)
	w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	far := &scripted{answer: accepted}
	if _, err := w.DB.Pool().Exec(t.Context(), `create function refuses() returns trigger language plpgsql as $$ begin raise exception 'the database takes nothing'; end $$;
		create trigger refuses before insert on attempts for each statement execute function refuses()`); err != nil {
		t.Fatal(err)
	}
	s := notify.StartSender(w.DB, w.Jobs, w.log, far)
	s.Wake(notify.ChannelEmail)
	w.await(t, "sends", func() bool { return far.sends.Load() > 250 })
	time.Sleep(300 * time.Millisecond)
	// What runs ahead of the record is bounded: two groups, a few that wait, and what is in flight.
	if n := far.sends.Load(); n > 2*250+50+2*16+1 {
		t.Errorf("%d sends, none of them recorded", n)
	}
	stopWithin(t, s, time.Second)
}

func TestAFailedClaimGivesItsPlacesUp(t *testing.T) {
	w := newWorld(t)
	for i := range 70 {
		w.Follower(fmt.Sprintf("f%d@big.example", i), "en")
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	exec := func(sql string) {
		t.Helper()
		if _, err := w.DB.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`create function fails() returns trigger language plpgsql as $$ begin if new.state = 'sending' then raise exception 'a passing fault'; end if; return new; end $$;
		create trigger fails before update on deliveries for each row execute function fails()`)
	s := notify.StartSender(w.DB, w.Jobs, w.log, &scripted{answer: accepted})
	s.Wake(notify.ChannelEmail)
	time.Sleep(1500 * time.Millisecond) // several claims fail
	exec("drop trigger fails on deliveries")
	w.await(t, "all sent by the same process", func() bool {
		w.Clock.Add(time.Second)
		return w.states(t, n) == "sent:70"
	})
	stopWithin(t, s, 10*time.Second)
}

func TestAnAmbiguousSendIsRepeatedAndMarked(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna", "a@one.example", housetest.Sheet(14))
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	s := notify.StartSender(w.DB, w.Jobs, w.log, &scripted{answer: func(n int64) notify.Result {
		if n == 1 {
			return notify.Result{Outcome: notify.Ambiguous}
		}
		return accepted(n)
	}})
	w.await(t, "two sends", func() bool { w.Clock.Add(time.Second); return w.states(t, n) == "sent:1" })
	stopWithin(t, s, 10*time.Second)
	if w.count(t, "select count(*) from deliveries where possible_repeat") != 1 {
		t.Error("the repeat is not marked")
	}
}

// A claim that has read "announced" while the withdrawal commits: who is being written to must
// hear of the withdrawal too.
func TestWhoIsBeingToldHearsOfTheWithdrawal(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna", "a@one.example", housetest.Sheet(14))
	ch := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	w.fanOut(t, ch)
	w.email = notify.NewEmail(email.NewComposer(nil), w.pool, w.links, notify.EmailLimits{Connections: 4, PerDomain: 4})
	other, err := w.DB.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const lock = "pg_advisory_xact_lock(4711)" // the claim waits here, having read the change
	if _, err := w.DB.Pool().Exec(t.Context(), `create function waits() returns trigger language plpgsql as $$ begin perform `+lock+`; return new; end $$;
		create trigger waits before update on deliveries for each row when (new.state = 'sending') execute function waits()`); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "select "+lock); err != nil {
		t.Fatal(err)
	}
	s := notify.StartSender(w.DB, w.Jobs, w.log, w.email)
	s.Wake(notify.ChannelEmail)
	w.await(t, "a claim that waits", func() bool {
		return w.count(t, "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") > 0
	})
	if err := w.Changes.Withdraw(t.Context(), w.Approver, ch.ID, "Breached"); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() { told <- w.notify.FanOut(t.Context(), ch.ID, notify.Withdrawal) }()
	time.Sleep(200 * time.Millisecond)
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	w.await(t, "both notices", func() bool { w.Clock.Add(time.Second); return len(w.relay.To("a@one.example")) == 2 })
	stopWithin(t, s, 10*time.Second)
	subjects := ""
	for _, m := range w.relay.To("a@one.example") {
		_, rest, _ := strings.Cut(m.Raw, "Subject: ")
		subjects += rest[:9] + " "
	}
	if subjects != "Advance n Withdrawn " {
		t.Errorf("got %q", subjects)
	}
}

// Decisions that time brings about are in the ledger.
func TestWhatTimeBringsAboutIsRecorded(t *testing.T) {
	w := newWorld(t)
	c := w.Customer("Anna", "a@one.example", housetest.Sheet(14))
	w.Contact(c, "legal@one.example", "fallback")
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	if err := w.Subscribers.Suppress(t.Context(), w.Editor, "a@one.example", "hard_bounce", "550"); err != nil {
		t.Fatal(err)
	}
	w.send(t)
	if err := w.notify.LookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.send(t)
	if got := w.states(t, n); got != "sent:1 suppressed:1" {
		t.Fatalf("deliveries: %s", got)
	}
	for _, kind := range []string{"delivery.suppressed", "deliveries.turned_to_fallback"} {
		if w.count(t, "select count(*) from ledger_entries where kind = $1", kind) != 1 {
			t.Errorf("no entry %s", kind)
		}
	}
}

// What was sent stays provable when the recipient moves and when its links are revoked.
func TestTheProofOutlivesAMoveAndARevocation(t *testing.T) {
	w := newWorld(t)
	follower := w.Follower("fan@follower.example", "en")
	c := w.Customer("Anna", "", housetest.Sheet(14))
	contact := w.Contact(c, "old@anna.example", "notices")
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.send(t)
	if err := w.Subscribers.RevokeLinks(t.Context(), w.Editor, follower.ID); err != nil {
		t.Fatal(err)
	}
	contact.Email = "new@anna.example"
	if err := w.Subscribers.EditContact(t.Context(), w.Editor, contact, subscribers.Consent{How: "asked by mail"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.Pool().Exec(t.Context(), "update deliveries set address = 'new@anna.example' where address = 'old@anna.example'"); err != nil {
		t.Fatal(err) // as the claim of a retry would
	}
	list, _, err := w.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID})
	if err != nil || len(list) != 2 {
		t.Fatal(len(list), err)
	}
	for _, d := range list {
		again, err := w.notify.Rebuild(t.Context(), w.email, d.ID, 1)
		if err != nil || !again.Proven {
			t.Errorf("%s: no longer provable, %v", d.Address, err)
		}
	}
}

// An hour in which nobody who could answer was reached leaves the recipient's side all its tries: the
// first thing that many mail servers say is "later".
func TestAnOutageOnOurSideUsesUpNoTries(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna", "a@one.example", housetest.Sheet(14))
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	s := notify.StartSender(w.DB, w.Jobs, w.log, &scripted{answer: func(n int64) notify.Result {
		switch {
		case n <= 12:
			return notify.Result{Outcome: notify.Unreachable, Stage: notify.StageTunnel}
		case n == 13:
			return notify.Result{Outcome: notify.Temporary, Code: 451}
		}
		return accepted(n)
	}})
	w.await(t, "the end", func() bool {
		w.Clock.Add(time.Minute)
		s.Wake(notify.ChannelEmail)
		got := w.states(t, n)
		return got == "sent:1" || got == "failed:1"
	})
	stopWithin(t, s, 10*time.Second)
	if got := w.states(t, n); got != "sent:1" {
		t.Error(got)
	}
}
