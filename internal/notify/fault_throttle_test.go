package notify_test

import (
	"testing"
	"time"

	"fairnotice/internal/housetest"
)

// An endpoint that asks to be left alone for an hour is, at first acquaintance and when it was known
// to answer: nothing is sent to it but what was under way, and no delivery loses more than one try.
func TestAThrottledEndpointIsLeftAlone(t *testing.T) {
	t.Parallel()
	const customers = 100
	w := newHookWorld(t, 15*time.Second, customers, "/e")
	throttled := func(string) housetest.HookTrouble { return housetest.Throttles }
	w.sink.Trouble(throttled)
	w.start(t)
	w.leftAlone(t, 1)
	w.sink.Release()
	w.pass(t, 20*time.Second, "some are received", func() bool { return w.sink.Count() > 20 })
	w.sink.Trouble(throttled)
	w.leftAlone(t, 4) // as many as may be under way at once
	w.sink.Release()
	w.pass(t, 20*time.Second, "everything is over", func() bool { return w.open(t) == 0 })
	a := housetest.AuditRecord(t, w.DB, w.sink.Arrived())
	t.Logf("in the end: %s", a)
	if a.Lost+a.Unknown+a.Repeated+a.Marked != 0 {
		t.Errorf("%d lost, %d repeated", a.Lost, a.Repeated)
	}
	if n := w.count(t, "select max(attempts) from deliveries"); n > 3 {
		t.Errorf("the rests cost somebody %d tries", n)
	}
}

// leftAlone waits for a 429 and then an hour less a minute: the endpoint was asked at most so often
// by those who couldn't know yet, and not once afterwards.
// Both the process that heard it and one that started since keep to it.
func (w *hookWorld) leftAlone(t *testing.T, underWay int) {
	t.Helper()
	refused := func() int { return w.count(t, "select count(*) from attempts where code = 429") }
	before := refused()
	w.await(t, "a 429", func() bool { return refused() > before })
	begin := w.Clock.Now()
	w.pass(t, 20*time.Second, "half an hour", func() bool { return w.Clock.Now().Sub(begin) > housetest.RetryAfter/2 })
	w.restart(t)
	w.pass(t, 20*time.Second, "almost an hour", func() bool { return w.Clock.Now().Sub(begin) > housetest.RetryAfter-time.Minute })
	times := w.sink.Asked("/e")
	asked := refused() - before
	t.Logf("asked %d times, the last time %v after the hour began", asked, times[len(times)-1].Sub(begin))
	if asked > underWay || times[len(times)-1].After(begin) {
		t.Errorf("it was asked %d times in the hour in which it wanted to be left alone, the last time after %v", asked, times[len(times)-1].Sub(begin))
	}
}
