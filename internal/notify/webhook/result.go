package webhook

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Outcome is what became of a send.
type Outcome string

const (
	// Accepted: the endpoint answered with a 2xx.
	Accepted Outcome = "accepted"
	// Temporary: no 2xx. Try again later, as Standard Webhooks asks for every other answer: who
	// answers 404 today has often mended it tomorrow.
	Temporary Outcome = "temporary"
	// Permanent: the endpoint is gone (410), or its address is none that we send to.
	Permanent Outcome = "permanent"
	// Unreachable: it failed at our own proxy, which costs the endpoint nothing. The stage says
	// whether all endpoints are concerned (StageProxy) or perhaps this one only (StageTunnel).
	Unreachable Outcome = "unreachable"
	// Ambiguous is never the outcome of a webhook: its ID makes a repeat harmless, so a time-out
	// after the request went out is Temporary.
	Ambiguous Outcome = "ambiguous"
)

// The stages of a send, where it can end.
const (
	StageCompose  = "compose"  // nobody was asked: the request can't be made
	StageGuard    = "guard"    // the address is special, or none
	StageProxy    = "proxy"    // our proxy is down, or does not let us in
	StageTunnel   = "tunnel"   // our proxy did not get through to this endpoint, or does not want to
	StageDNS      = "dns"      // the host's name
	StageConnect  = "connect"  // TCP
	StageTLS      = "tls"      //
	StageRequest  = "request"  // it did not go out whole
	StageResponse = "response" // it went out whole: the endpoint may have taken it
)

// Result is what the endpoint said to one send.
type Result struct {
	Outcome Outcome
	Stage   string // where it was decided
	Code    int    // the HTTP status, the proxy's at StageProxy and StageTunnel; 0 when there was none
	// Answer is the status line and the beginning of the body, or our own words when Code is 0: one
	// line of printable text, at most 4 KiB.
	Answer string
	// RetryAfter is how long the endpoint asks to be left alone, at most 24 h; 0 when it does not ask.
	RetryAfter time.Duration
	Gone       bool // 410: the endpoint wants nothing anymore
}

// String is for logs: it leaves out the answer, which may hold anything.
func (r Result) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s at %s: %d", r.Outcome, r.Stage, r.Code), ": 0")
}

// maxAnswer bounds what is kept of an answer.
const maxAnswer = 4 << 10

// sanitize makes foreign text safe to log, store and show: valid UTF-8, no control or invisible
// formatting characters, at most maxAnswer bytes.
func sanitize(s string) string {
	if len(s) > maxAnswer {
		s = s[:maxAnswer]
	}
	if !isPlain(s) {
		s = strings.Map(printable, strings.ToValidUTF8(s, "\uFFFD"))
	}
	s = strings.TrimSpace(s)
	for len(s) > maxAnswer { // replacements are longer than what they replace
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// isPlain reports the common case: nothing but printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func printable(r rune) rune {
	if r == utf8.RuneError || unicode.IsGraphic(r) {
		return r
	}
	return ' '
}
