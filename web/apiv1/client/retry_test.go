package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// spent runs tries that end with these errors, in a time that passes only while all wait.
func spent(t *testing.T, r retries, errs ...error) (took time.Duration, tries int, last error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		last = r.run(t.Context(), func() error {
			tries++
			return errs[tries-1]
		})
		took = time.Since(began)
	})
	return took, tries, last
}

func TestAServerSaysWhenToComeBack(t *testing.T) {
	busy := &Problem{Status: 429, RetryAfter: 7 * time.Second}
	took, tries, err := spent(t, retries{5, time.Second}, busy, busy, nil)
	if err != nil || tries != 3 || took < 14*time.Second || took > 18*time.Second {
		t.Errorf("%d tries in %s: %v", tries, took, err)
	}
	long := &Problem{Status: 503, RetryAfter: 2 * LongestWait}
	if took, tries, err := spent(t, retries{5, time.Second}, long); !errors.Is(err, error(long)) || tries != 1 || took != 0 {
		t.Errorf("a server that is away for long: %d tries in %s: %v", tries, took, err)
	}
}

func TestPausesGrowAndEnd(t *testing.T) {
	away := &connectionError{errors.New("refused")}
	took, tries, err := spent(t, retries{4, time.Second}, away, away, away, away, nil)
	if !errors.Is(err, error(away)) || tries != 4 || took < 3500*time.Millisecond || took > 7*time.Second {
		t.Errorf("%d tries in %s: %v", tries, took, err)
	}
}

func TestWhatTryingAgainCannotMend(t *testing.T) {
	for _, err := range []error{&Problem{Status: 422}, &Problem{Status: 412}, &Problem{Status: 500}, &Problem{Status: 409, Code: "idempotency.other"},
		ErrNotModified, context.Canceled} {
		if _, tries, got := spent(t, retries{5, time.Second}, err, nil); tries != 1 || !errors.Is(got, err) {
			t.Errorf("%v: %d tries, %v", err, tries, got)
		}
	}
	for _, err := range []error{&Problem{Status: 409, Code: codeBusy}, &Problem{Status: 502}, &Problem{Status: 504}} {
		if _, tries, got := spent(t, retries{5, time.Second}, err, nil); tries != 2 || got != nil {
			t.Errorf("%v: %d tries, %v", err, tries, got)
		}
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		away := &Problem{Status: 503, RetryAfter: 30 * time.Second}
		if err := (retries{5, time.Second}).run(ctx, func() error { return away }); !errors.Is(err, error(away)) || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for text, want := range map[string]time.Duration{"": 0, "12": 12 * time.Second, "-3": 0, "soon": 0, "Sat, 01 Jan 2000 00:01:30 GMT": 90 * time.Second} {
			if got := retryAfter(text); got != want {
				t.Errorf("%q is %s, want %s", text, got, want)
			}
		}
	})
}

func TestParametersAreWritten(t *testing.T) {
	var r request
	r.ask("none", (*string)(nil))
	r.ask("empty", []string{})
	r.ask("list", []string{"a,b", "c"})
	r.ask("day", &Day{2026, 2, 3})
	r.ask("flag", new(false))
	r.ask("region", new(RegionEea))
	if got, want := r.query.Encode(), "day=2026-02-03&flag=false&list=a%2Cb%2Cc&region=eea"; got != want {
		t.Errorf("the query is %s, want %s", got, want)
	}
	if got, want := path("/changes/{id}/x/{n}", "id", "a/b ?{n}", "n", 3), "/changes/a%2Fb%20%3F%7Bn%7D/x/3"; got != want {
		t.Errorf("the path is %s, want %s", got, want)
	}
}
