package slack

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Outcome is what became of a post.
type Outcome string

const (
	// Accepted: Slack answered that the message is posted.
	Accepted Outcome = "accepted"
	// Temporary: it isn't posted. Try again later, not before RetryAfter.
	Temporary Outcome = "temporary"
	// Permanent: it isn't posted, and trying this message again can't help.
	Permanent Outcome = "permanent"
	// Unreachable: our own proxy failed. It says nothing about the subscription, but a proxy's 502, 503
	// or 504 (Result.Code) may be about Slack.
	Unreachable Outcome = "unreachable"
	// Ambiguous: the whole message went out and no answer says what became of it. Trying again may
	// post it twice.
	Ambiguous Outcome = "ambiguous"
)

// The stages of a post, where it can end.
const (
	StageCompose  = "compose"  // the message or the target can't be sent as it is; nobody was asked
	StageGuard    = "guard"    // the host or its address is not one we post to
	StageProxy    = "proxy"    // our proxy
	StageDNS      = "dns"      // the host's name
	StageConnect  = "connect"  // TCP
	StageTLS      = "tls"      //
	StageRequest  = "request"  // not all of the message was written
	StageResponse = "response" // all of it was written: Slack may have posted it
)

// Result is what became of one post.
type Result struct {
	Outcome Outcome
	Stage   string
	Code    int // the answer's HTTP status, the proxy's at StageProxy; 0 without an answer
	// Answer is what Slack answered, or our own words without one: one line of printable text of at
	// most 4 KiB, without the URL's secret part and the token. Of the Web API's answers it leaves out the
	// message, which Slack repeats with its personal links.
	Answer string
	// RetryAfter is how long Slack asked us to wait, 0 when it didn't, at most a day.
	RetryAfter time.Duration
	// Gone: no further message will pass until the subscription's owner has given another URL, token,
	// channel or right. The subscription should be disabled.
	Gone bool
	// Why is what Slack's code means, in a few words of ours; empty for codes that we don't know.
	Why string
}

// String is for logs: it leaves out the answer.
func (r Result) String() string {
	return fmt.Sprintf("%s at %s: %d", r.Outcome, r.Stage, r.Code)
}

// maxAnswer bounds what is kept of an answer.
const maxAnswer = 4 << 10

// clean makes foreign text safe to log, store and show.
func clean(s string, t Target) string {
	s = cut(redact(s, t), maxAnswer)
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return cut(strings.TrimSpace(s), maxAnswer) // a replacement character is longer than what it replaces
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// redact takes the target's secrets out of s, as far as an answer may repeat them: the URL, its path
// (in JSON with \/ too), its last segment, which is the secret, its query, and the token.
func redact(s string, t Target) string {
	secrets := []string{t.Token}
	if u, err := url.Parse(t.URL); err == nil && t.URL != "" {
		path := u.EscapedPath()
		last := path[strings.LastIndexByte(path, '/')+1:]
		secrets = append(secrets, t.URL, strings.ReplaceAll(t.URL, "/", `\/`), u.RawQuery)
		if len(path) > 1 {
			secrets = append(secrets, path, strings.ReplaceAll(path, "/", `\/`))
		}
		if len(last) >= 4 {
			secrets = append(secrets, last)
		}
	} else {
		secrets = append(secrets, t.URL)
	}
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	return s
}

// refused is the result of a message or target that was not sent.
func refused(stage string, t Target, words string) Result {
	return Result{Outcome: Permanent, Stage: stage, Answer: cmp.Or(clean(words, t), stage)}
}
