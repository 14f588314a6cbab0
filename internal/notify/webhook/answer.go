package webhook

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// bodyWait is how long the rest of an answer is waited for after its status line.
	bodyWait = time.Second
	// maxDrain is how much is read beyond what is kept, so that the connection can be used again.
	// What is longer costs the connection.
	maxDrain = 64 << 10
	// maxRetryAfter is the longest rest an endpoint is granted.
	maxRetryAfter = 24 * time.Hour
)

// answered is the result of an answer, by its status.
func answered(at time.Time, resp *http.Response, body string) Result {
	res := Result{Outcome: Temporary, Stage: StageResponse, Code: resp.StatusCode}
	said := resp.Status
	switch {
	case resp.StatusCode/100 == 2:
		res.Outcome = Accepted
	case resp.StatusCode/100 == 3:
		if to := resp.Header.Get("Location"); to != "" {
			said += " (not followed: " + to + ")"
		}
	case resp.StatusCode == http.StatusGone:
		res.Outcome, res.Gone = Permanent, true
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode/100 == 5:
		res.RetryAfter = retryAfter(resp.Header, at)
	}
	if body != "" {
		said += ": " + body
	}
	res.Answer = sanitize(said)
	return res
}

var buffers = sync.Pool{New: func() any { return new([maxAnswer]byte) }}

// excerpt reads the beginning of the body, and a little more in the hope for its end, and closes it.
// Whatever fails here is left: the status has been said.
func excerpt(resp *http.Response) string {
	defer resp.Body.Close()
	if resp.ContentLength == 0 {
		return ""
	}
	// Closing the body ends a read that waits for it.
	watch := time.AfterFunc(bodyWait, func() { resp.Body.Close() })
	defer watch.Stop()
	kept := buffers.Get().(*[maxAnswer]byte)
	defer buffers.Put(kept)
	n, err := io.ReadFull(resp.Body, kept[:])
	if err == nil {
		io.CopyN(io.Discard, resp.Body, maxDrain) //nolint:errcheck // best effort: see above
	}
	return string(kept[:n])
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds, or a date, which is compared
// with the answer's own Date, since clocks differ, or else with the time of the try. What can't be
// read or lies behind is 0.
func retryAfter(h http.Header, at time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil { // more than 4,294,967,295
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		at = date
	}
	return min(max(until.Sub(at), 0), maxRetryAfter)
}
