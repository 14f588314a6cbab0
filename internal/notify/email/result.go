package email

import (
	"cmp"
	"fmt"
	"strings"
)

// Outcome is what became of a send.
type Outcome string

const (
	// Accepted: the relay took responsibility for the message (a 2xx answer to its last line).
	Accepted Outcome = "accepted"
	// Temporary: the relay refused this message or recipient for now. Try again later.
	Temporary Outcome = "temporary"
	// Permanent: the relay refused this message or recipient for good.
	Permanent Outcome = "permanent"
	// Unreachable: the relay could not be spoken to, or not by us: connection, TLS, authentication,
	// a protocol it does not keep. It says nothing about the recipient. Try again later.
	Unreachable Outcome = "unreachable"
)

// Stage is the part of the conversation that an answer belongs to.
type Stage string

// The stages, in the order of the conversation.
const (
	StageConnect Stage = "connect" // TCP, greeting, EHLO
	StageTLS     Stage = "tls"
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data"
)

// Result is what the relay said to one send.
type Result struct {
	Outcome  Outcome
	Stage    Stage  // where it was decided
	Code     int    // the reply's code, 0 when the relay gave none
	Enhanced string // "5.1.1" (RFC 3463), empty when the relay gave none
	// Answer is the relay's reply, or our own words when Code is 0: one line of printable text, at most 1 KiB.
	Answer string
	// MaybeDelivered: the connection broke after the whole message had been sent and before an answer
	// came, so the relay may have taken it. A repeat carries the same Message-ID.
	MaybeDelivered bool
}

// String is for logs: it leaves out the answer, which may repeat an address.
func (r Result) String() string {
	return strings.TrimRight(fmt.Sprintf("%s at %s: %d %s", r.Outcome, r.Stage, r.Code, r.Enhanced), " ")
}

// refused is the result for a reply that refuses this message.
func refused(stage Stage, r reply) Result {
	res := Result{Outcome: Temporary, Stage: stage, Code: r.code, Enhanced: r.enhanced, Answer: r.answer()}
	switch {
	case aboutSession(stage, r.code):
		res.Outcome = Unreachable
	case r.code >= 500 && !mayClear(stage, r):
		res.Outcome = Permanent
	}
	return res
}

// aboutSession reports codes that speak of the session and not of the message: a closing server,
// missing authentication, commands unknown or out of order, our own sender's syntax, or a reply that
// has no meaning here. They are the relay's trouble or our configuration's; no recipient is given up for them.
func aboutSession(stage Stage, code int) bool {
	switch code {
	case 421, 500, 502, 503, 504, 521, 530, 534, 535, 538:
		return true
	case 501, 555:
		return stage == StageMail
	}
	return code < 400
}

// mayClear reports a 552 that is a full mailbox and not a message that is too big. Mailboxes are
// emptied again; RFC 5321 section 4.5.3.1.10 has clients treat a bare 552 to RCPT as a 452.
func mayClear(stage Stage, r reply) bool {
	return r.code == 552 && (r.enhanced == "5.2.2" || r.enhanced == "" && stage == StageRcpt)
}

// failure is a Result on its way up as an error.
type failure struct {
	Result
	// lost: the server ended the connection (end of file, reset, 421), as opposed to stalling or
	// answering nonsense. On a kept connection that is no news about the message.
	lost bool
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s: %s", f.Stage, cmp.Or(f.Answer, string(f.Outcome)))
}

// unreachable wraps trouble that no reply describes.
func unreachable(stage Stage, err error) *failure {
	return &failure{
		Result: Result{Outcome: Unreachable, Stage: stage, Answer: sanitize(explain(err).Error())},
		lost:   isLost(err),
	}
}

// badReply is a reply that ends the session.
func badReply(stage Stage, r reply) *failure {
	return &failure{
		Result: Result{Outcome: Unreachable, Stage: stage, Code: r.code, Enhanced: r.enhanced, Answer: r.answer()},
		lost:   r.code == 421,
	}
}
