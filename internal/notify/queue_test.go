package notify

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// Whatever happens in whatever order: no endpoint has more in flight than it may, nothing is lost,
// nothing is handed out twice, and while anything can be sent, something is.
func TestTheQueueKeepsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perProven := rapid.IntRange(1, 5).Draw(t, "per endpoint")
		q := newQueue(perProven)
		ids := []uuid.UUID{{1}, {2}, {3}}
		inFlight, proven, out := map[uuid.UUID]int{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
		pushed, n := 0, byte(0)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			id := rapid.SampledFrom(ids).Draw(t, "endpoint")
			switch rapid.SampledFrom([]string{"push", "push", "next", "next", "done", "slow"}).Draw(t, "do") {
			case "push":
				if q.reserve(id) {
					n++
					q.push([]*Outgoing{{ID: uuid.UUID{n, byte(pushed >> 8)}, EndpointID: id}})
					pushed++
				}
			case "next":
				if len(q.turns) == 0 {
					continue // it would wait
				}
				if !anyReady(q) {
					continue
				}
				o, ok := q.next()
				if !ok || out[o.ID] {
					t.Fatalf("handed out %v, %v: again?", o, ok)
				}
				out[o.ID] = true
				inFlight[o.EndpointID]++
				limit := 1
				if proven[o.EndpointID] {
					limit = perProven
				}
				if inFlight[o.EndpointID] > limit {
					t.Fatalf("%d in flight to an endpoint that may have %d", inFlight[o.EndpointID], limit)
				}
			case "done":
				if inFlight[id] > 0 {
					inFlight[id]--
					proven[id] = rapid.Bool().Draw(t, "prompt")
					q.done(id, proven[id])
				}
			case "slow":
				q.unproven(id)
				proven[id] = false
			}
			for _, id := range ids {
				e := q.of(id)
				if len(e.waiting) > 0 && e.inFlight < q.cap(e) && !e.inTurns {
					t.Fatalf("an endpoint with work and room stands in no line")
				}
			}
		}
		if left := q.drain(); len(left)+len(out) != pushed {
			t.Fatalf("%d pushed, %d handed out, %d left", pushed, len(out), len(left))
		}
	})
}

func anyReady(q *queue) bool {
	for _, e := range q.turns {
		if len(e.waiting) > 0 && e.inFlight < q.cap(e) {
			return true
		}
	}
	return false
}

func TestARelaysRest(t *testing.T) {
	now := time.Unix(1000, 0)
	var r rest
	if got := r.allows(now, 250); got != 250 || r.resting(now) {
		t.Fatalf("a relay that never failed allows %d", got)
	}
	r.note(Unreachable, now)
	if got := r.allows(now.Add(time.Second), 250); got != 0 || !r.resting(now) {
		t.Errorf("just after a failure it allows %d", got)
	}
	probe := now.Add(shortestRest + shortestRest)
	if got := r.allows(probe, 250); got != 1 || r.resting(probe) {
		t.Errorf("after the rest it allows %d, want one probe", got)
	}
	if got := r.allows(probe, 250); got != 0 {
		t.Errorf("while the probe is out it allows %d", got)
	}
	for range 20 {
		r.note(Unreachable, probe)
	}
	if left := r.left(probe); left > longestRest+shortestRest {
		t.Errorf("it rests for %v", left)
	}
	r.note(Temporary, probe) // any answer will do
	if got := r.allows(probe, 250); got != 250 {
		t.Errorf("after an answer it allows %d", got)
	}
}

func TestWhatComesAfterAnAttempt(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		n      int
		result Result
		age    time.Duration
		state  State
		wait   time.Duration
	}{
		"accepted":                {1, Result{Outcome: Accepted}, 0, Sent, 0},
		"proven received":         {1, Result{Outcome: Accepted, Received: true}, 0, Received, 0},
		"refused":                 {1, Result{Outcome: Permanent}, 0, Failed, 0},
		"first refusal for now":   {1, Result{Outcome: Temporary}, 0, Queued, 5 * time.Second},
		"broken in the middle":    {2, Result{Outcome: Ambiguous}, 0, Queued, 5 * time.Minute},
		"ninth refusal":           {9, Result{Outcome: Temporary}, 0, Queued, 24 * time.Hour},
		"tenth refusal":           {10, Result{Outcome: Temporary}, 0, Failed, 0},
		"asked to wait an hour":   {1, Result{Outcome: Temporary, Rest: time.Hour}, 0, Queued, time.Hour},
		"no relay for the first":  {1, Result{Outcome: Unreachable}, 0, Queued, 5 * time.Second},
		"no relay for long":       {40, Result{Outcome: Unreachable}, 50 * time.Hour, Queued, 5 * time.Minute},
		"no relay for three days": {900, Result{Outcome: Unreachable}, 80 * time.Hour, Failed, 0},
	} {
		p := next(c.n, now.Add(-c.age), now, c.result, 0)
		if p.state != c.state {
			t.Errorf("%s: %s, want %s", name, p.state, c.state)
		}
		if (p.dueAt == nil) != (c.state != Queued) {
			t.Errorf("%s: due at %v", name, p.dueAt)
		} else if p.dueAt != nil && p.dueAt.Sub(now) != c.wait {
			t.Errorf("%s: waits %v, want %v", name, p.dueAt.Sub(now), c.wait)
		}
	}
}

func TestAHoleInANoticeIsAnError(t *testing.T) {
	if out, err := fill("a "+mark("x")+" b", map[string]string{"x": "<1>"}, escapeHTML); err != nil || out != "a &lt;1&gt; b" {
		t.Errorf("%q, %v", out, err)
	}
	for _, text := range []string{"a " + mark("y"), "a \x02x", "\x02"} {
		if out, err := fill(text, map[string]string{"x": "1"}, plain); err == nil {
			t.Errorf("%q became %q", text, out)
		}
	}
}
