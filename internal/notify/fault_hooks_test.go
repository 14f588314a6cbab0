package notify_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"fairnotice/internal/egress"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/webhook"
)

// hookWorld is a world whose recipients are webhooks at a sink that can misbehave.
type hookWorld struct {
	*world
	sink    *housetest.HookSink
	sender  *notify.Sender
	stop    func()
	timeout time.Duration
}

// hooks is the webhooks' channel with a time-out of the test's.
type hooks struct {
	*notify.Webhook
	timeout time.Duration
}

func (h *hooks) Limits() notify.Limits {
	l := h.Webhook.Limits()
	l.Timeout = h.timeout
	return l
}

// newHookWorld has so many customers with a webhook each at every path, and their notice.
func newHookWorld(t *testing.T, timeout time.Duration, customers int, paths ...string) *hookWorld {
	t.Helper()
	w := &hookWorld{world: newWorld(t), timeout: timeout}
	w.sink = housetest.StartHookSink(t, w.Clock.Now)
	addresses := make([]string, len(paths))
	for i, path := range paths {
		addresses[i] = w.sink.URL + path
	}
	for i := range customers {
		w.Hooks(w.Customer(fmt.Sprintf("Customer %d", i), "", housetest.Sheet(14)), addresses)
	}
	w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	return w
}

// start starts a sender until the test ends or stop is called.
func (w *hookWorld) start(t *testing.T) {
	t.Helper()
	client := egress.NewClient(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	channel := notify.NewWebhook(webhook.NewClient(client), w.Vault, w.links, notify.WebhookLimits{Concurrency: 16})
	w.sender = notify.StartSender(w.DB, w.Jobs, w.log, &hooks{channel, w.timeout})
	w.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		w.sender.Stop(ctx)
		client.CloseIdleConnections()
	})
	t.Cleanup(w.stop)
	w.sender.Wake(notify.ChannelWebhook)
}

// restart puts another sender, which knows nothing but what is stored, in the place of the present one.
func (w *hookWorld) restart(t *testing.T) {
	t.Helper()
	w.stop()
	w.start(t)
}

// pass lets time go by until the condition holds, step by step, whenever nothing is under way but what
// hangs.
func (w *hookWorld) pass(t *testing.T, step time.Duration, what string, ok func() bool) {
	t.Helper()
	began := w.Clock.Now()
	defer func() {
		if t.Failed() {
			t.Logf("%s: %v went by; %d deliveries are open, %d being sent", what, w.Clock.Now().Sub(began), w.open(t), w.count(t, "select count(*) from deliveries where state = 'sending'"))
		}
	}()
	w.await(t, what, func() bool {
		if w.count(t, "select count(*) from deliveries d join endpoints e on e.id = d.endpoint_id where d.state = 'sending' and e.key <> all($1)", w.hanging()) == 0 {
			w.Clock.Add(step)
			w.sender.Wake(notify.ChannelWebhook)
		}
		return ok()
	})
}

// hanging are the addresses at which a request hangs at this moment.
func (w *hookWorld) hanging() []string {
	out := []string{}
	for _, path := range w.sink.Hanging() {
		out = append(out, w.sink.URL+path)
	}
	return out
}

func (w *hookWorld) open(t *testing.T) int {
	t.Helper()
	return w.count(t, "select count(*) from deliveries where due_at is not null")
}

// at counts deliveries to a path in a state.
func (w *hookWorld) at(t *testing.T, path, states string) int {
	t.Helper()
	return w.count(t, `select count(*) from deliveries d join endpoints e on e.id = d.endpoint_id
		where e.key = $1 and d.state = any(string_to_array($2, ' '))`, w.sink.URL+path, states)
}

// Of fifty endpoints eighteen are bad, each in its way. The healthy ones get everything while every
// request that hangs is still the first of its endpoint; a redirect is not followed; of a gigabyte next
// to nothing is taken; who is gone is given up. When the bad ones mend, they get everything too.
func TestBadEndpointsHoldUpNobody(t *testing.T) {
	t.Parallel()
	bad := map[string]housetest.HookTrouble{}
	byTrouble := map[housetest.HookTrouble][]string{}
	var paths, healthy []string
	kinds := []housetest.HookTrouble{housetest.Hangs, housetest.Resets, housetest.AnswersError, housetest.Throttles, housetest.Redirects,
		housetest.AnswersGarbage, housetest.Floods, housetest.FloodsHeaders, housetest.Gone}
	for i := range 50 {
		path := fmt.Sprintf("/e/%d", i)
		paths = append(paths, path)
		if i%5 < 2 && i/5 < len(kinds) {
			bad[path] = kinds[i/5]
			byTrouble[kinds[i/5]] = append(byTrouble[kinds[i/5]], path)
		} else {
			healthy = append(healthy, path)
		}
	}
	const customers = 10
	w := newHookWorld(t, 80*time.Second, customers, paths...)
	w.sink.Trouble(func(path string) housetest.HookTrouble { return bad[path] })
	w.start(t)
	w.await(t, "the healthy endpoints have everything", func() bool {
		for _, path := range healthy {
			if w.at(t, path, "received") < customers {
				return false
			}
		}
		return true
	})
	hanging := 0
	for _, path := range byTrouble[housetest.Hangs] {
		if asked, open := len(w.sink.Asked(path)), w.sink.Open(path); asked != open || open == 0 {
			t.Errorf("%s was asked %d times, %d requests hang: the others may have waited for one that ended", path, asked, open)
		} else {
			hanging += open
		}
	}
	t.Logf("%d deliveries to %d healthy endpoints were received while %d requests hung", w.sink.Count(), len(healthy), hanging)

	begin := w.Clock.Now()
	w.pass(t, 20*time.Second, "retries", func() bool { return w.Clock.Now().Sub(begin) > 10*time.Minute })
	w.sink.Release()
	w.restart(t) // a rest is kept by the machine's clock, too, where it was asked for
	w.pass(t, 20*time.Second, "everything is over", func() bool { return w.open(t) == 0 })
	w.checkBad(t, byTrouble)
}

// checkBad looks at what the bad endpoints were asked, in the end.
func (w *hookWorld) checkBad(t *testing.T, byTrouble map[housetest.HookTrouble][]string) {
	t.Helper()
	gone := 0
	for kind, paths := range byTrouble {
		for _, path := range paths {
			asked := w.sink.Asked(path)
			t.Logf("%s, which %s: asked %d times, %d received, %d given up, %d bytes taken of its flood",
				path, kind, len(asked), w.at(t, path, "received"), w.at(t, path, "failed suppressed"), w.sink.Flooded(path))
			switch kind {
			case housetest.Gone:
				gone += w.at(t, path, "failed suppressed")
			case housetest.Floods, housetest.FloodsHeaders:
				// What the machine's sockets hold is out of our hands.
				if each := w.sink.Flooded(path) / int64(max(1, len(asked))); each > 16<<20 || each == 0 {
					t.Errorf("%s got rid of %d bytes a request", path, each)
				}
			}
		}
	}
	if n := len(w.sink.Asked("/elsewhere")); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	t.Logf("in the end: %s; %d attempts failed", a, w.count(t, "select count(*) from attempts where outcome <> 'accepted'"))
	received := w.count(t, "select count(*) from deliveries where state = 'received'")
	if a.Lost+a.Unknown != 0 || received+gone != a.Deliveries {
		t.Errorf("of %d deliveries %d were received, %d given up as their endpoint was gone, %d lost", a.Deliveries, received, gone, a.Lost)
	}
}

// An endpoint that hangs until the time-out: the attempt is kept as what it was, and the delivery
// tried again, marked: the endpoint may have it.
func TestAnEndpointHangsUntilTheTimeOut(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t, 500*time.Millisecond, 3, "/hangs")
	w.sink.Trouble(func(string) housetest.HookTrouble { return housetest.Hangs })
	w.start(t)
	w.pass(t, time.Second, "three time-outs", func() bool {
		return w.count(t, "select count(*) from attempts where outcome = 'ambiguous' and stage = 'response' and code = 0") >= 3
	})
	w.sink.Release()
	w.pass(t, time.Second, "everything is over", func() bool { return w.open(t) == 0 })
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	t.Logf("%s", a)
	if a.Deliveries != 3 || a.Lost+a.Unknown != 0 || a.Marked != 3 {
		t.Errorf("%d lost, %d marked", a.Lost, a.Marked)
	}
}
