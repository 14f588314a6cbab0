package notify

import (
	"sync"
	"time"
)

// rest is how a lane treats the relay that all its sends go through: when it can't be reached, no
// further deliveries are thrown at it. The zero value is a relay that answers.
type rest struct {
	mu       sync.Mutex
	since    time.Time // when the rest began
	until    time.Time
	failures int
}

const (
	shortestRest = 2 * time.Second
	longestRest  = time.Minute
)

// allows says how many deliveries may be claimed now: all that are wanted, one as a probe after a
// rest, or none.
func (r *rest) allows(now time.Time, wanted int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failures == 0:
		return wanted
	case now.Before(r.until):
		return 0
	default:
		r.until = now.Add(shortestRest) // one probe at a time
		return 1
	}
}

func (r *rest) resting(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The probe itself is let through: its rest is the short one that allows has set.
	return r.failures > 0 && r.until.Sub(now) > shortestRest
}

// left is how long the relay still rests.
func (r *rest) left(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.until.Sub(now))
}

// note learns from the outcome of a send that began at a time. Sends that were under way when the
// rest began say nothing new when they fail too.
func (r *rest) note(o Outcome, began, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case o != Unreachable:
		r.failures, r.until = 0, time.Time{}
		return
	case r.failures > 0 && began.Before(r.since):
		return
	}
	wait := min(longestRest, shortestRest<<min(r.failures, 5))
	r.failures++
	r.since, r.until = now, now.Add(wait+shortestRest)
}
