package apiv1

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/notify"
)

// Delivery is one recipient's copy of a notice.
type Delivery struct {
	ID             uuid.UUID      `json:"id"`
	NoticeID       uuid.UUID      `json:"notice_id"`
	NoticeKind     notify.Kind    `json:"notice_kind" enum:"announcement,withdrawal"`
	ChangeID       uuid.UUID      `json:"change_id"`
	Reference      string         `json:"reference" doc:"Of the change."`
	SubscriptionID uuid.UUID      `json:"subscription_id"`
	WindowID       *uuid.UUID     `json:"window_id" nullable:"true" doc:"Of the customer whose contract names the recipient; null for followers."`
	CustomerID     *uuid.UUID     `json:"customer_id" nullable:"true" doc:"null for followers."`
	CustomerName   string         `json:"customer_name" doc:"Empty for followers."`
	Basis          string         `json:"basis" enum:"contract,follower" doc:"contract: a customer's contract names the recipient; follower: they asked to be told."`
	Channel        string         `json:"channel" enum:"email,webhook,slack"`
	Language       string         `json:"language" enum:"en,de"`
	Address        string         `json:"address" doc:"Of a webhook or in Slack only what lets nobody else write there."`
	Addressee      string         `json:"addressee" doc:"The recipient's name, or else the address."`
	State          notify.State   `json:"state" enum:"queued,sending,sent,received,failed,suppressed,cancelled" doc:"sent: the relay took it; received: the far side proved that it has it; suppressed: the address must not be written to; cancelled: the change was withdrawn before."`
	Retrying       bool           `json:"retrying" doc:"It waits for another try after one that failed."`
	AttemptCount   int            `json:"attempt_count" doc:"Tries so far."`
	DueAt          *time.Time     `json:"due_at" doc:"When the next try is due; null when none is."`
	PossibleRepeat bool           `json:"possible_repeat" doc:"The recipient may have got it twice: a server stopped between sending it and writing that down."`
	Reason         string         `json:"reason" doc:"A word for why it came to an end that is no success; else empty."`
	CreatedAt      time.Time      `json:"created_at"`
	DoneAt         *time.Time     `json:"done_at" doc:"When it came to an end; null while it hasn't."`
	LastOutcome    notify.Outcome `json:"last_outcome" enum:",accepted,temporary,permanent,unreachable,ambiguous" doc:"Of the latest try; empty before the first."`
	LastCode       int            `json:"last_code" doc:"The far side's code at the latest try; 0 where it gave none."`
	LastAnswer     string         `json:"last_answer" doc:"What the far side said at the latest try."`
}

// Example is a mail that was taken at the second try.
func (Delivery) Example() any { return exampleDelivery() }

func exampleDelivery() Delivery {
	window, customer, done := exampleID(43), exampleID(10), exampleTime.Add(5*time.Minute)
	return Delivery{ID: exampleID(41), NoticeID: exampleID(40), NoticeKind: notify.Announcement, ChangeID: exampleID(30), Reference: "SP-2026-014",
		SubscriptionID: exampleID(42), WindowID: &window, CustomerID: &customer, CustomerName: "Hansa Klinik gGmbH", Basis: "contract",
		Channel: notify.ChannelEmail, Language: "de", Address: "datenschutz@hansa.example", Addressee: "Dr. Inge Hansen", State: notify.Sent,
		AttemptCount: 1, CreatedAt: exampleTime, DoneAt: &done, LastOutcome: notify.Accepted, LastCode: 250, LastAnswer: "250 2.0.0 queued"}
}

// Attempt is one try of a delivery, kept for ever as it went.
type Attempt struct {
	Number     int            `json:"number" doc:"From 1."`
	StartedAt  time.Time      `json:"started_at"`
	DurationUS int64          `json:"duration_us" doc:"Microseconds."`
	Outcome    notify.Outcome `json:"outcome" enum:"accepted,temporary,permanent,unreachable,ambiguous" doc:"temporary: refused for now; permanent: refused for good; unreachable: the way there failed; ambiguous: it broke after the whole message went out."`
	Stage      string         `json:"stage" doc:"How far it came."`
	Code       int            `json:"code" doc:"The far side's; 0 where it gave none."`
	Answer     string         `json:"answer" doc:"What the far side said, its first 4 KiB."`
	SHA256     string         `json:"sha256" doc:"Of the message's bytes, in hex; empty when no message was written."`
	NextAt     *time.Time     `json:"next_at" doc:"When the next try was planned; null: none."`
}

// DeliveryDetail is a delivery with every attempt.
type DeliveryDetail struct {
	Delivery
	Attempts []Attempt `json:"attempts" doc:"The first first."`
}

// Example is a mail that was taken at once.
func (DeliveryDetail) Example() any {
	return DeliveryDetail{exampleDelivery(), []Attempt{{Number: 1, StartedAt: exampleTime, DurationUS: 182_340, Outcome: notify.Accepted, Stage: "data",
		Code: 250, Answer: "250 2.0.0 queued", SHA256: exampleDigest}}}
}

const exampleDigest = "5d41402abc4b2a76b9719d911017c592ae2f8b1d1c9f0b7d6c2b8b1f4f3e2d1c"

// Header is one that a webhook was sent with.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Message is a message as it was sent.
type Message struct {
	DeliveryID uuid.UUID `json:"delivery_id"`
	Number     int       `json:"number" doc:"Of the attempt."`
	Channel    string    `json:"channel" enum:"email,webhook,slack"`
	Proven     bool      `json:"proven" doc:"It was built again, and its digest is the one recorded when it was sent."`
	SHA256     string    `json:"sha256" doc:"The digest recorded when it was sent, in hex."`
	Subject    string    `json:"subject" doc:"Of a mail; else empty."`
	Text       string    `json:"text" doc:"For reading; links of the recipient's own are cut short in it."`
	HTML       string    `json:"html" doc:"Of a mail; likewise. Else empty."`
	JSON       string    `json:"json" doc:"What was posted, as text; empty for a mail."`
	MediaType  string    `json:"media_type" doc:"Of source." enum:"message/rfc822,application/json"`
	Source     []byte    `json:"source" doc:"All that was sent, byte by byte, in base64."`
	Headers    []Header  `json:"headers" doc:"Those of a webhook that differ by attempt. The signature isn't kept: it follows from the rest and the secret of that time."`
}

// Example is a webhook.
func (Message) Example() any {
	body := `{"type":"subprocessor.change.announced","version":"2026-11-1"}`
	return Message{DeliveryID: exampleID(41), Number: 1, Channel: notify.ChannelWebhook, Proven: true, SHA256: exampleDigest, JSON: body,
		MediaType: "application/json", Source: []byte(body), Headers: []Header{{"webhook-id", exampleID(41).String()}, {"webhook-timestamp", "1795339800"}}}
}

func deliveryOf(d *notify.Delivery) Delivery {
	return Delivery{ID: d.ID, NoticeID: d.NoticeID, NoticeKind: d.NoticeKind, ChangeID: d.ChangeID, Reference: d.Reference, SubscriptionID: d.SubscriptionID,
		WindowID: d.WindowID, CustomerID: d.CustomerID, CustomerName: d.CustomerName, Basis: d.Basis, Channel: d.Channel, Language: d.Language,
		Address: d.ShownAddress(), Addressee: d.ShownAddressee(), State: d.State, Retrying: d.State == notify.Queued && d.Attempts > 0,
		AttemptCount: d.Attempts, DueAt: inUTC(d.DueAt), PossibleRepeat: d.PossibleRepeat, Reason: d.Reason, CreatedAt: d.CreatedAt.UTC(),
		DoneAt: inUTC(d.DoneAt), LastOutcome: d.LastOutcome, LastCode: d.LastCode, LastAnswer: d.LastAnswer}
}

func attemptOf(a *notify.Attempt) Attempt {
	return Attempt{Number: a.Number, StartedAt: a.StartedAt.UTC(), DurationUS: a.DurationUS, Outcome: a.Outcome, Stage: a.Stage, Code: a.Code,
		Answer: a.Answer, SHA256: hex.EncodeToString(a.Digest), NextAt: inUTC(a.NextAt)}
}
