package notify_test

import (
	"fmt"
	"testing"
	"time"

	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
)

// An endpoint that our outgoing proxy does not get through to is tried again without being charged
// for it, as with a proxy that is down; but unlike then, nobody else waits.
func TestWhatTheProxyDoesNotGetThroughToHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	for i := range 30 {
		w.Customer(fmt.Sprint("Customer ", i), fmt.Sprintf("dpo@c%d.example", i), housetest.Sheet(14))
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	s := notify.StartSender(w.DB, w.Jobs, w.log, &scripted{answer: func(n int64) notify.Result {
		if n <= 20 {
			return notify.Result{Outcome: notify.Unreachable, Stage: notify.StageTunnel, Code: 503}
		}
		return accepted(n)
	}})
	s.Wake(notify.ChannelEmail)
	w.await(t, "the others", func() bool { return w.states(t, n) == "queued:20 sent:10" })
	stopWithin(t, s, 10*time.Second)
}
