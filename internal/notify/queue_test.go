package notify

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// Whatever happens in whatever order: no endpoint has more in flight than it may, no kind of slot
// is overdrawn, nothing is lost, nothing is handed out twice, and while anything can be sent,
// something is.
func TestTheQueueKeepsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Concurrency: rapid.IntRange(1, 6).Draw(t, "fast"), Slow: rapid.IntRange(1, 6).Draw(t, "slow"),
			PerEndpoint: rapid.IntRange(1, 5).Draw(t, "per endpoint")}
		m := &queueModel{q: newQueue(limits), limits: limits, out: map[uuid.UUID]bool{}}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			m.step(t)
			m.check(t)
		}
		if left := m.q.drain(); len(left)+len(m.out) != m.pushed {
			t.Fatalf("%d pushed, %d handed out, %d left", m.pushed, len(m.out), len(left))
		}
		if m.q.waiting != 0 || m.q.suspected != 0 {
			t.Fatalf("an empty queue counts %d and %d", m.q.waiting, m.q.suspected)
		}
	})
}

// queueModel drives a queue at random.
type queueModel struct {
	q       *queue
	limits  Limits
	running []*slot
	out     map[uuid.UUID]bool
	pushed  int
}

func (m *queueModel) step(t *rapid.T) {
	id := uuid.UUID{byte(rapid.IntRange(1, 8).Draw(t, "endpoint"))}
	switch rapid.SampledFrom([]string{"claim", "claim", "next", "next", "next", "end", "slow"}).Draw(t, "do") {
	case "claim":
		var answered *bool
		if rapid.Bool().Draw(t, "known") {
			ok := rapid.Bool().Draw(t, "answered")
			answered = &ok
		}
		for range min(3, m.q.take(id, answered)) {
			m.pushed++
			m.q.push([]*Outgoing{{ID: uuid.UUID{1, byte(m.pushed >> 8), byte(m.pushed)}, EndpointID: id}})
		}
	case "next":
		if !m.ready() {
			return // it would wait
		}
		s := m.q.next()
		if s == nil || m.out[s.out.ID] {
			t.Fatalf("handed out %v: again?", s)
		}
		m.out[s.out.ID] = true
		m.running = append(m.running, s)
	case "end":
		if len(m.running) == 0 {
			return
		}
		s := m.running[0]
		m.running = m.running[1:]
		if rapid.Bool().Draw(t, "learnt") {
			s.answered(rapid.Bool().Draw(t, "promptly"), 0)
		} else {
			s.untaught()
		}
		s.release()
	case "slow":
		if len(m.running) > 0 {
			rapid.SampledFrom(m.running).Draw(t, "which").slowDown()
		}
	}
}

// ready says whether some endpoint in line may be sent to.
func (m *queueModel) ready() bool {
	for s := range standings {
		if _, free := m.q.free(s); !free {
			continue
		}
		for _, e := range m.q.endpoints {
			if e.standing == s && len(e.waiting) > 0 && e.inFlight < m.most(e) {
				return true
			}
		}
	}
	return false
}

func (m *queueModel) most(e *endpointQueue) int {
	if e.proven {
		return m.limits.PerEndpoint
	}
	return 1
}

func (m *queueModel) check(t *rapid.T) {
	q, waiting := m.q, 0
	for _, e := range q.endpoints {
		waiting += len(e.waiting)
		if e.inFlight > m.limits.PerEndpoint {
			t.Fatalf("%d in flight to an endpoint that may have %d", e.inFlight, m.limits.PerEndpoint)
		}
		if len(e.waiting) > 0 && e.inFlight < m.most(e) && !e.inTurns {
			t.Fatal("an endpoint with work and room stands in no line")
		}
	}
	if waiting != q.waiting+q.suspected {
		t.Fatalf("%d wait, but %d and %d are counted", waiting, q.waiting, q.suspected)
	}
	if q.used[fastSlot]+q.used[trialSlot] > m.limits.Concurrency || q.used[slowSlot] > m.limits.Slow {
		t.Fatalf("slots are overdrawn: %v of %+v", q.used, m.limits)
	}
	for _, n := range q.used {
		if n < 0 {
			t.Fatalf("slots were given back twice: %v", q.used)
		}
	}
}

// However many endpoints hang, those that answer keep slots of their own.
func TestTheDeadLeaveRoomForTheLiving(t *testing.T) {
	limits := Limits{Concurrency: 8, Slow: 16, PerEndpoint: 4}
	q := newQueue(limits)
	hang := func(n int) {
		for i := range n {
			id := uuid.UUID{2, byte(i)}
			if q.take(id, nil) > 0 {
				q.push([]*Outgoing{{ID: uuid.UUID{3, byte(i)}, EndpointID: id}})
			}
		}
	}
	hang(100)
	stuck := 0
	for range 100 {
		if s := q.start(untried); s != nil {
			s.slowDown() // and never ends
			stuck++
		}
	}
	for q.start(suspect) != nil {
		stuck++
	}
	if stuck < limits.Slow {
		t.Fatalf("only %d hang: the test shows nothing", stuck)
	}
	alive, ok := uuid.UUID{9}, true
	for range q.take(alive, &ok) {
		q.push([]*Outgoing{{ID: uuid.UUID{4}, EndpointID: alive}})
	}
	s := q.start(reliable)
	if s == nil {
		t.Fatal("an endpoint that answers has to wait for those that don't")
	}
	s.answered(true, 0)
	s.release()
	if got := q.take(alive, nil); got < limits.PerEndpoint {
		t.Errorf("an endpoint that has proven itself may have %d", got)
	}
}

// An endpoint that asks to be left alone is asked no more, from that answer on.
func TestWhoAsksForRestGetsIt(t *testing.T) {
	q := newQueue(Limits{Concurrency: 8, Slow: 8, PerEndpoint: 4})
	id, ok := uuid.UUID{1}, true
	for i := range q.take(id, &ok) {
		q.push([]*Outgoing{{ID: uuid.UUID{2, byte(i)}, EndpointID: id}})
	}
	s := q.start(reliable)
	if back := s.answered(true, time.Hour); len(back) != 1 {
		t.Errorf("%d waiting deliveries are given back, want 1", len(back))
	}
	s.release()
	if q.start(reliable) != nil || q.take(id, &ok) != 0 {
		t.Error("it is asked again")
	}
	if _, _, busy := q.wants(); len(busy) != 1 {
		t.Error("a claim would take more for it")
	}
}

func TestARelaysRest(t *testing.T) {
	now := time.Unix(1000, 0)
	var r rest
	if got := r.allows(now, 250); got != 250 || r.resting(now) {
		t.Fatalf("a relay that never failed allows %d", got)
	}
	r.note(Unreachable, now, now)
	for range 8 {
		r.note(Unreachable, now.Add(-time.Second), now.Add(time.Millisecond)) // they were under way: one fault
	}
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
		r.note(Unreachable, probe, probe)
	}
	if left := r.left(probe); left > longestRest+shortestRest {
		t.Errorf("it rests for %v", left)
	}
	r.note(Temporary, probe, probe) // any answer will do
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
		p := next(c.n, c.n, now.Add(-c.age), now, c.result, 0)
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
