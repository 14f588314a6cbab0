package notify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/subscribers"
)

// mailWorld is a world whose relay is a sink that can misbehave, with n recipients spread evenly
// over the domains, and their notice.
type mailWorld struct {
	*world
	customer *subscribers.Customer
	sink     *housetest.MailSink
	sender   *notify.Sender
	n        int
	perName  int
}

const mailConnections = 8

func newMailWorld(t *testing.T, reply time.Duration, perDomain int, domains ...string) *mailWorld {
	t.Helper()
	sink := housetest.StartMailSink(t)
	w := &mailWorld{world: worldOn(t, housetest.New(t), &housetest.Relay{Address: sink.Address}), sink: sink,
		n: perDomain * len(domains), perName: perDomain}
	cfg, err := email.ParseURL("smtp://" + sink.Address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Timeouts.Reply = reply
	pool := email.NewPool(cfg, 2*mailConnections, w.log) // as the program has them
	t.Cleanup(func() { _ = pool.Close() })
	w.email = notify.NewEmail(email.NewComposer(nil), pool, w.links, notify.EmailLimits{Connections: mailConnections, PerDomain: 4})
	w.customer = w.Customer("Big", "", housetest.Sheet(14))
	w.recipients(t, domains...)
	w.announce(t, "Errata Ltd")
	return w
}

// recipients adds recipients at each of the domains.
func (w *mailWorld) recipients(t *testing.T, domains ...string) {
	t.Helper()
	_, err := w.DB.Pool().Exec(t.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), $1, 'contract', 'email', 'c' || i || '@' || d, 'en', 'active', now(), 'test', now(), now(), now()
		  from generate_series(1, $2::int) i, unnest($3::text[]) d`, w.customer.ID, w.perName, domains)
	if err != nil {
		t.Fatal(err)
	}
}

func (w *mailWorld) announce(t *testing.T, vendor string) {
	t.Helper()
	w.fanOut(t, w.Announced(w.Addition(w.Vendor(vendor), 40)))
}

// start starts the sender until the test ends.
func (w *mailWorld) start(t *testing.T) {
	t.Helper()
	w.sender = notify.StartSender(w.DB, w.Jobs, w.log, w.email)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		w.sender.Stop(ctx)
	})
	w.sender.Wake(notify.ChannelEmail)
}

// pass lets a second go by where nothing is under way, and looks whether all are served.
func (w *mailWorld) pass(t *testing.T) bool {
	t.Helper()
	if w.count(t, "select count(*) from deliveries where state = 'sending'") == 0 {
		w.Clock.Add(time.Second)
	}
	return w.count(t, "select count(*) from deliveries where due_at is not null") == 0
}

// allTold lets time go by until all are served. A relay that failed rests for up to a minute of the
// machine's time.
func (w *mailWorld) allTold(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !w.pass(t); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited three minutes in vain: everybody told")
		}
	}
}

// refused counts the attempts that were not accepted.
func (w *mailWorld) refused(t *testing.T) int {
	t.Helper()
	return w.count(t, "select count(*) from attempts where outcome <> 'accepted'")
}

// Whatever the relay does to everybody for a while: nobody is lost, nobody is told twice without a
// mark, no status is untrue, and when it behaves again all are told.
func TestATroubledRelayLosesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trouble  housetest.MailTrouble
		greeting bool
		outcome  string // of the attempts that failed
		repeats  bool   // it takes messages whose taking it doesn't tell
	}{
		{housetest.Stalls, true, "unreachable", false},
		{housetest.Garbage, true, "unreachable", false},
		{housetest.RefusesForNow, false, "temporary", false},
		{housetest.Stalls, false, "unreachable", false},
		{housetest.Garbage, false, "unreachable", false},
		{housetest.StallsAfterData, false, "ambiguous", false},
		{housetest.ClosesInData, false, "ambiguous", false},
		{housetest.ClosesAfterData, false, "ambiguous", true},
	} {
		name := string(c.trouble)
		if c.greeting {
			name = "at the greeting it " + name
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newMailWorld(t, 500*time.Millisecond, 10, "a.example", "b.example", "c.example", "d.example")
			if c.greeting {
				w.sink.Greeting(c.trouble)
			} else {
				w.sink.Trouble(func(string) housetest.MailTrouble { return c.trouble })
			}
			w.start(t)
			w.await(t, "failures", func() bool { return w.refused(t) >= 4 })
			w.sink.Release()
			w.allTold(t)
			w.check(t, c.outcome, c.repeats)
		})
	}
}

// check audits the record after the trouble, in which attempts had the outcome.
func (w *mailWorld) check(t *testing.T, outcome string, repeats bool) {
	t.Helper()
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	failed := w.refused(t)
	t.Logf("%s; %d attempts failed, as %s", a, failed, outcome)
	if a.Deliveries != w.n || a.Lost+a.Unknown != 0 || (a.Repeated > 0) != repeats {
		t.Errorf("of %d deliveries %d were lost, %d repeated (some: %v)", w.n, a.Lost, a.Repeated, repeats)
	}
	if n := w.count(t, "select count(*) from attempts where outcome <> 'accepted' and outcome <> $1", outcome); n != 0 {
		t.Errorf("%d failures are something else than %s", n, outcome)
	}
	ambiguous := w.count(t, "select count(distinct delivery_id) from attempts where outcome = 'ambiguous'")
	if a.Marked != ambiguous {
		t.Errorf("%d are marked, %d sends were ambiguous", a.Marked, ambiguous)
	}
}

// A relay that is gone for a while: connections are refused, and those that were open are cut in
// the middle of their work.
func TestARelayThatGoesAndComesBack(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, 5*time.Second, 100, "a.example", "b.example", "c.example", "d.example")
	w.start(t)
	w.await(t, "some messages", func() bool { return w.sink.Count() > 50 })
	w.sink.Down()
	w.await(t, "a refused connection", func() bool {
		return w.count(t, "select count(*) from attempts where outcome = 'unreachable' and stage = 'connect'") > 0
	})
	before := w.sink.Count()
	w.sink.Up(t)
	w.allTold(t)
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	t.Logf("gone after %d messages: %s; %d attempts failed", before, a, w.refused(t))
	if a.Deliveries != w.n || a.Lost+a.Unknown != 0 {
		t.Errorf("%d lost", a.Lost)
	}
	if n := w.count(t, "select max(attempts) from deliveries"); n > 4 {
		t.Errorf("the outage cost somebody %d tries", n)
	}
}

// Trouble with one recipient domain holds up no other: the others have all been told while that
// domain's messages still fail, or still wait for their answers.
func TestOneDomainsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	healthy := []string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"}
	for _, trouble := range []housetest.MailTrouble{housetest.RefusesForNow, housetest.Stalls, housetest.StallsAfterData,
		housetest.ClosesInData, housetest.ClosesAfterData} {
		t.Run(string(trouble), func(t *testing.T) {
			t.Parallel()
			w := newMailWorld(t, time.Minute, 30, append([]string{"bad.example"}, healthy...)...)
			w.sink.Trouble(func(domain string) housetest.MailTrouble {
				if domain == "bad.example" {
					return trouble
				}
				return housetest.TakesMail
			})
			w.start(t)
			w.await(t, "the healthy domains told", func() bool { return w.sent(t, "%.example", "bad.example") == w.n-w.perName })
			stalls := trouble == housetest.Stalls || trouble == housetest.StallsAfterData
			if waiting := w.sink.Waiting("bad.example"); stalls && waiting == 0 {
				t.Error("nobody waits for an answer any more: the others may have waited for that")
			}
			if n := w.sent(t, "bad.example", ""); n != 0 {
				t.Errorf("%d to the bad domain are recorded as sent", n)
			}
			t.Logf("all %d to the healthy domains were sent while %d to the bad one waited and %d had failed",
				w.n-w.perName, w.sink.Waiting("bad.example"), w.refused(t))
			w.sink.Release()
			w.allTold(t)
			if a := housetest.AuditRecord(t, w.DB, w.sink.Arrived()); a.Lost+a.Unknown != 0 {
				t.Errorf("after all: %s", a)
			}
		})
	}
}

// sent counts what is recorded as sent to domains like one, except another.
func (w *mailWorld) sent(t *testing.T, like, except string) int {
	t.Helper()
	return w.count(t, `select count(*) from deliveries d join endpoints e on e.id = d.endpoint_id
		where d.state = 'sent' and e.key like $1 and e.key <> $2`, like, except)
}

// More domains stall, at first acquaintance, than there are connections; who is known to answer is
// told all the same.
func TestManyDomainsStall(t *testing.T) {
	t.Parallel()
	w := newMailWorld(t, time.Minute, 20, "a.example", "b.example")
	w.start(t)
	w.allTold(t)
	var stalling []string
	for i := range 3 * mailConnections {
		stalling = append(stalling, fmt.Sprintf("stalls%d.example", i))
	}
	w.recipients(t, stalling...)
	w.sink.Trouble(func(domain string) housetest.MailTrouble {
		if strings.HasPrefix(domain, "stalls") {
			return housetest.Stalls
		}
		return housetest.TakesMail
	})
	w.announce(t, "Second Ltd")
	w.sender.Wake(notify.ChannelEmail)
	w.await(t, "the healthy domains told", func() bool { return w.sent(t, "_.example", "") == 2*w.n })
	waiting := 0
	for _, domain := range stalling {
		waiting += w.sink.Waiting(domain)
	}
	w.sink.Release()
	w.allTold(t)
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	t.Logf("%d domains stalled, %d sends waited when the others were told: %s", len(stalling), waiting, a)
	if a.Lost+a.Unknown != 0 || waiting == 0 {
		t.Errorf("%d lost, %d waited", a.Lost, waiting)
	}
}
