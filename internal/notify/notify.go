// Package notify turns a change into one notice, its deliveries and their attempts: it renders per
// channel and language, fans out to the subscribed, sends, and records what the receiving side
// said.
//
// The delivery row is the truth; a River job only wakes a worker. Whatever is due is claimed under
// a lease, sent, and recorded in groups, and a sweep hands out again what a crash left behind, so
// first sends, retries and recovery are one path. A crash between the server's answer and our
// commit repeats that one message, under the same Message-ID and marked as a possible repeat.
package notify

import (
	"time"

	"github.com/google/uuid"
)

// Kind says why a notice is sent.
type Kind string

const (
	// Announcement tells of a change before it takes effect.
	Announcement Kind = "announcement"
	// Withdrawal tells that an announced change will not happen.
	Withdrawal Kind = "withdrawal"
)

// Audience says in which capacity a recipient is told.
type Audience string

const (
	// ContractAudience are the recipients that a customer's contract names. They can move notices
	// to somebody else but never silence them.
	ContractAudience Audience = "contract"
	// FollowerAudience are those who asked to be told and may stop it with one click.
	FollowerAudience Audience = "follower"
)

// State of a delivery.
type State string

const (
	Queued     State = "queued"     // waits for its next try
	Sending    State = "sending"    // a worker has it, until its lease ends
	Sent       State = "sent"       // the relay took it: sent, not proven received
	Received   State = "received"   // the far side proved that it has it
	Failed     State = "failed"     // refused for good, or out of tries
	Suppressed State = "suppressed" // the address must not be written to, or its owner stopped it
	Cancelled  State = "cancelled"  // the change was withdrawn before this was sent
)

// States lists every state, in the order in which a page counts them.
var States = []State{Queued, Sending, Sent, Received, Failed, Suppressed, Cancelled}

// Notice is what is sent once, to many.
type Notice struct {
	ID        uuid.UUID
	ChangeID  uuid.UUID
	Kind      Kind
	CreatedAt time.Time
}

// Outcome of an attempt.
type Outcome string

const (
	Accepted    Outcome = "accepted"    // the far side took it
	Temporary   Outcome = "temporary"   // refused for now
	Permanent   Outcome = "permanent"   // refused for good
	Unreachable Outcome = "unreachable" // the relay or the way to it failed: not the recipient's fault
	Ambiguous   Outcome = "ambiguous"   // it broke after the whole message went out: it may have arrived
)

// Attempt is one try of a delivery, kept for ever as it went.
type Attempt struct {
	DeliveryID uuid.UUID
	Number     int
	StartedAt  time.Time
	DurationUS int64 // microseconds
	Outcome    Outcome
	Stage      string // how far it came: "connect", "rcpt", "data", …
	Code       int    // the server's code, 0 when it gave none
	Answer     string // what the server said, cut to 4 KiB
	Digest     []byte // SHA-256 of the message's bytes
	NextAt     *time.Time
}

// Duration is how long the attempt took.
func (a *Attempt) Duration() time.Duration { return time.Duration(a.DurationUS) * time.Microsecond }

// Result is what a channel says of one try.
type Result struct {
	Outcome  Outcome
	Stage    string
	Code     int
	Answer   string
	Digest   []byte
	Received bool          // proof that the far side has it, not only a relay
	Rest     time.Duration // how long the endpoint asked to be left alone
	Disable  string        // why nothing may be sent there any more, in a word; "": it may
}

// spoke says whether the far side itself said anything.
func (r *Result) spoke() bool { return r.Outcome == Accepted || r.Code != 0 }

// Outgoing is one claimed delivery with all that is needed to send it.
type Outgoing struct {
	ID             uuid.UUID
	Number         int // of this attempt, from 1
	NoticeID       uuid.UUID
	SubscriptionID uuid.UUID
	LinkEpoch      int
	LinkKey        string
	RenderingID    uuid.UUID
	WindowID       *uuid.UUID
	EndpointID     uuid.UUID
	Channel        string
	Address        string
	Addressee      string
	MergeID        uuid.UUID
	Fields         map[string]string // the merge values, shared with others: not to be changed
	CreatedAt      time.Time
	StartedAt      time.Time // of this attempt: set when the send starts
	LeaseEnds      time.Time
	Rendering      *Rendering

	Secret, FormerSecret []byte     // sealed; of the subscription
	FormerSecretUntil    *time.Time // from then on the former one signs nothing
}

// Rendering is a notice as written for one channel, language and audience, with marks where the
// recipient's own values go.
type Rendering struct {
	ID              uuid.UUID
	NoticeID        uuid.UUID
	Channel         string
	Language        string
	Audience        Audience
	TemplateVersion string
	Meta            Meta
	Subject         string
	BodyText        string
	BodyHTML        string `db:"body_html"`
	BodyJSON        string `db:"body_json"` // of a webhook the whole body, of Slack the blocks

	bodies *bodies // of an email, once it is to be sent
}

// Meta is what else the bytes of a message are made from; it is kept with the rendering so that
// they can be rebuilt after the configuration changed.
type Meta struct {
	From      string `json:"from"`
	FromName  string `json:"from_name"`
	ReplyTo   string `json:"reply_to"`
	PublicURL string `json:"public_url"`
}
