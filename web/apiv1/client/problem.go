package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is an answer that is no success (RFC 9457).
type Problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Code      string        `json:"code"`       // for programs: the same in every language
	Detail    string        `json:"detail"`     // what is wrong and how to mend it, for people
	Errors    []ProblemPart `json:"errors"`     // each thing that is wrong
	RequestID string        `json:"request_id"` // in the server's log

	RetryAfter time.Duration `json:"-"` // that the server asks for; 0: it doesn't
}

// Error tells of each thing that is wrong.
func (p *Problem) Error() string {
	var parts []string
	for _, e := range p.Errors {
		parts = append(parts, e.String())
	}
	if len(parts) == 0 {
		parts = append(parts, strings.TrimSpace(p.Title+" "+p.Detail))
	}
	said := strings.Join(parts, "; ")
	if p.RequestID != "" && p.Status >= http.StatusInternalServerError {
		said += " (request " + p.RequestID + ")"
	}
	return fmt.Sprintf("%d: %s", p.Status, said)
}

// String tells where, unless the sentence begins with it, and what is wrong.
func (p ProblemPart) String() string {
	if p.Field == "" || strings.HasPrefix(p.Detail, p.Field) {
		return p.Detail
	}
	return p.Field + ": " + p.Detail
}

// mostOfProblem bounds what is read of an answer that is no success.
const mostOfProblem = 1 << 20

// problemOf reads an answer. One that isn't ours, a proxy's for instance, is told by its status.
func problemOf(response *http.Response) *Problem {
	p := &Problem{}
	raw, _ := io.ReadAll(io.LimitReader(response.Body, mostOfProblem))
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if media != "application/problem+json" || json.Unmarshal(raw, p) != nil {
		p = &Problem{Title: http.StatusText(response.StatusCode), Detail: "(the answer isn't Fairnotice's: is the address right?)"}
	}
	p.Status = response.StatusCode
	p.RetryAfter = retryAfter(response.Header.Get("Retry-After"))
	return p
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(seconds, 1<<20))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
