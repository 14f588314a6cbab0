package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"fairnotice/internal/notify/email"
	"fairnotice/internal/subscribers"
)

// ChannelEmail is the name of the email channel.
const ChannelEmail = "email"

// Email sends notices by SMTP.
type Email struct {
	composer *email.Composer
	pool     *email.Pool
	links    *subscribers.Links
	limits   Limits
}

// EmailLimits are what an operator may set.
type EmailLimits struct {
	Connections int     // to the relay, at once
	PerDomain   int     // messages at once to one recipient domain; 0: as many as connections
	Rate        float64 // messages a second to one recipient domain, over all workers; 0: no limit
}

// NewEmail makes the channel. The pool is closed by whoever made it, after the sender has stopped.
func NewEmail(composer *email.Composer, pool *email.Pool, links *subscribers.Links, l EmailLimits) *Email {
	if l.PerDomain <= 0 {
		l.PerDomain = l.Connections
	}
	return &Email{composer: composer, pool: pool, links: links, limits: Limits{
		Timeout: 60 * time.Second, Concurrency: l.Connections, Slow: l.Connections, PerEndpoint: l.PerDomain, Rate: l.Rate}}
}

// Name is "email".
func (e *Email) Name() string { return ChannelEmail }

// Limits are those of the configuration.
func (e *Email) Limits() Limits { return e.limits }

// Send makes one try over the relay. A relay's acceptance proves that the message was sent, not
// that it was received.
func (e *Email) Send(ctx context.Context, out *Outgoing) Result {
	raw, err := e.Compose(out)
	if err != nil {
		return composeFailure(err)
	}
	sum := sha256.Sum256(raw)
	r := e.pool.Send(ctx, email.Envelope{From: out.Rendering.Meta.From, To: out.Address}, raw)
	return Result{Outcome: emailOutcome(r), Stage: string(r.Stage), Code: r.Code, Answer: r.Answer, Digest: sum[:]}
}

// composeFailure is final where an address or a text can't be sent as it is; a missing key, say,
// can be put back by the operator.
func composeFailure(err error) Result {
	r := Result{Outcome: Temporary, Stage: StageCompose, Answer: err.Error()}
	var field *email.FieldError
	if errors.As(err, &field) {
		r.Outcome = Permanent
	}
	return r
}

func emailOutcome(r email.Result) Outcome {
	switch {
	case r.MaybeDelivered:
		return Ambiguous
	case r.Outcome == email.Accepted:
		return Accepted
	case r.Outcome == email.Permanent:
		return Permanent
	case r.Outcome == email.Unreachable:
		return Unreachable
	default:
		return Temporary
	}
}

// Compose builds the message's bytes from what is stored, so that it can be shown, and proven,
// exactly as it was sent. Message-ID comes from the delivery alone: a receiver can drop the twin of
// a message that a crash made us repeat. Date and boundary come from the attempt.
func (e *Email) Compose(out *Outgoing) ([]byte, error) {
	r := out.Rendering
	own := map[string]string{"addressee": out.Addressee}
	m := email.Message{
		From: r.Meta.From, FromName: r.Meta.FromName, ReplyTo: r.Meta.ReplyTo, To: out.Address, ToName: out.Addressee,
		MessageID: out.ID.String() + "@" + domainOf(r.Meta.From), Date: out.StartedAt, Boundary: boundary(out),
		Headers: map[string]string{"Content-Language": r.Language},
	}
	if m.ToName == out.Address {
		m.ToName = ""
	}
	if r.Audience == FollowerAudience {
		token, err := e.links.UnsubscribeToken(out.LinkKey, out.SubscriptionID, out.LinkEpoch)
		if err != nil {
			return nil, err
		}
		m.ListUnsubscribe, m.OneClick = r.Meta.PublicURL+"/unsubscribe/"+token, true
		own["unsubscribe_url"] = m.ListUnsubscribe
	}
	values := mergeValues(out.Fields, own)
	var err error
	if m.Subject, err = fill(r.Subject, values, plain); err != nil {
		return nil, err
	}
	if m.TextEncoded, m.HTMLEncoded, err = r.bodies.fill(values); err != nil {
		return nil, err
	}
	return e.composer.Compose(m)
}

func domainOf(address string) string {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == '@' {
			return address[i+1:]
		}
	}
	return address
}

// boundary separates a message's parts. It is the same whenever this attempt is composed.
func boundary(out *Outgoing) string {
	sum := sha256.Sum256(append(out.ID[:], byte(out.Number), byte(out.Number>>8)))
	return "fn_" + hex.EncodeToString(sum[:12])
}
