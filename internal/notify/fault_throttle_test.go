package notify_test

import (
	"sync/atomic"
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
	refused := w.refused(t)
	w.await(t, "a 429", func() bool { return w.refused(t) > refused })
	w.leftAlone(t, refused, 1)
	w.sink.Release()
	refused = w.refused(t)
	var asked atomic.Int64
	w.sink.Trouble(func(string) housetest.HookTrouble {
		if asked.Add(1) <= 20 {
			return housetest.TakesHooks
		}
		return housetest.Throttles
	})
	w.pass(t, 20*time.Second, "another 429", func() bool { return w.refused(t) > refused })
	w.leftAlone(t, refused, 4) // as many as may be under way at once
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

// refused counts the attempts that a 429 answered.
func (w *hookWorld) refused(t *testing.T) int {
	return w.count(t, "select count(*) from attempts where code = 429")
}

// leftAlone waits, after the first 429 since so many before, for an hour less a minute: the endpoint was
// asked at most so often by those who couldn't know yet, and not once afterwards.
// Both the process that heard it and one that started since keep to it.
func (w *hookWorld) leftAlone(t *testing.T, before, underWay int) {
	t.Helper()
	begin := w.Clock.Now()
	w.pass(t, 20*time.Second, "half an hour", func() bool { return w.Clock.Now().Sub(begin) > housetest.RetryAfter/2 })
	w.restart(t)
	w.pass(t, 20*time.Second, "almost an hour", func() bool { return w.Clock.Now().Sub(begin) > housetest.RetryAfter-time.Minute })
	times := w.sink.Asked("/e")
	asked := w.refused(t) - before
	t.Logf("asked %d times, the last time %v after the hour began", asked, times[len(times)-1].Sub(begin))
	if asked > underWay || times[len(times)-1].After(begin) {
		t.Errorf("it was asked %d times in the hour in which it wanted to be left alone, the last time after %v", asked, times[len(times)-1].Sub(begin))
	}
}
