package notify

import (
	"math/rand/v2"
	"time"
)

// waits are the pauses before the second, third, … try.
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// patience is the sum of all waits: how long an unreachable relay is tried before giving up.
var patience = func() (sum time.Duration) {
	for _, w := range waits {
		sum += w
	}
	return sum
}()

// relayWait is the longest pause while our own relay is what fails: the recipients should not wait
// hours because of it.
const relayWait = 5 * time.Minute

// plan says what comes after an attempt.
type plan struct {
	state  State
	dueAt  *time.Time // the next try; nil when the state is final
	reason string
}

// next plans what follows the result of attempt number n at the time now, which was try number tries of
// those that reached anybody who could answer. Jitter (a share between 0 and 1 of a tenth of the wait)
// keeps retries of one fan-out from coming back all at once.
func next(n, tries int, createdAt, now time.Time, r Result, jitter float64) plan {
	switch r.Outcome {
	case Accepted:
		if r.Received {
			return plan{state: Received}
		}
		return plan{state: Sent}
	case Permanent:
		return plan{state: Failed, reason: "refused"}
	case Unreachable:
		if now.Sub(createdAt) > patience {
			return plan{state: Failed, reason: "unreachable"}
		}
		return retryAt(now, min(waits[min(n, len(waits))-1], relayWait), r.Rest, jitter)
	default: // Temporary, Ambiguous
		if tries > len(waits) {
			return plan{state: Failed, reason: "out_of_tries"}
		}
		return retryAt(now, waits[tries-1], r.Rest, jitter)
	}
}

func retryAt(now time.Time, wait, rest time.Duration, jitter float64) plan {
	wait = max(wait, rest)
	at := now.Add(wait + time.Duration(jitter*float64(wait)/10)).Truncate(time.Microsecond)
	return plan{state: Queued, dueAt: &at}
}

// jitter needs no cryptographic randomness: it only spreads retries.
func jitter() float64 { return rand.Float64() } //nolint:forbidigo // nobody gains by guessing it
