package client

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// retries say how often a call is tried, and how long the pauses are.
type retries struct {
	tries int
	first time.Duration
}

// longestPause bounds the doubling; a server may ask for longer ones.
const longestPause = 10 * time.Second

// run tries until it succeeds, until trying again can't help, or until ctx ends. The last error is
// returned.
func (r retries) run(ctx context.Context, try func() error) error {
	pause := r.first
	for n := 1; ; n++ {
		err := try()
		if err == nil || n >= r.tries || ctx.Err() != nil || !transient(err) {
			return err
		}
		wait := pause/2 + rand.N(pause/2+1) //nolint:gosec,forbidigo // jitter, so that many clients don't come back at once
		if asked := askedFor(err); asked > LongestWait {
			return err
		} else if asked > 0 {
			wait += asked
		}
		if !sleep(ctx, wait) {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// connectionError is a try that didn't bring an answer.
type connectionError struct{ error }

func (e *connectionError) Unwrap() error { return e.error }

// transient says whether the same request may do better later.
func transient(err error) bool {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return false
	}
	var lost *connectionError
	if errors.As(err, &lost) {
		return true
	}
	var p *Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return p.Code == codeBusy
	}
}

// codeBusy says that the same write, under the same idempotency key, is being done at this moment.
const codeBusy = "idempotency.busy"

func askedFor(err error) time.Duration {
	var p *Problem
	if errors.As(err, &p) {
		return p.RetryAfter
	}
	return 0
}
