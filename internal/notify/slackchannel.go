package notify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"fairnotice/internal/notify/slack"
	"fairnotice/internal/subscribers"
)

// ChannelSlack is the name of the Slack channel.
const ChannelSlack = "slack"

// Slack sends notices to Slack, to incoming webhooks or with a bot's token.
type Slack struct {
	client *slack.Client
	vault  *subscribers.Vault
	links  *subscribers.Links
}

// NewSlack makes the channel.
func NewSlack(c *slack.Client, v *subscribers.Vault, links *subscribers.Links) *Slack {
	return &Slack{client: c, vault: v, links: links}
}

// Name is "slack".
func (s *Slack) Name() string { return ChannelSlack }

// Limits keep to what Slack allows: one message a second in a channel.
func (s *Slack) Limits() Limits {
	return Limits{Timeout: 15 * time.Second, Concurrency: 16, Slow: 64, PerEndpoint: 1, Rate: 1}
}

// Send makes one try. Slack's acceptance proves that the message stands in the channel.
func (s *Slack) Send(ctx context.Context, out *Outgoing) Result {
	m, err := s.message(out)
	if err != nil {
		return Result{Outcome: Temporary, Stage: StageCompose, Answer: err.Error()}
	}
	payload, err := slack.Payload(m)
	if err != nil {
		return Result{Outcome: Permanent, Stage: StageCompose, Answer: err.Error()}
	}
	sum := sha256.Sum256(payload)
	secret, err := s.vault.Open(out.SubscriptionID, out.Secret)
	if err != nil {
		return Result{Outcome: Temporary, Stage: StageCompose, Answer: noSecret, Digest: sum[:]}
	}
	r := s.client.Send(ctx, targetOf(secret, out.Address), m)
	result := Result{Outcome: Outcome(r.Outcome), Stage: string(r.Stage), Code: r.Code, Answer: r.Answer, Digest: sum[:],
		Received: r.Outcome == slack.Accepted, Rest: r.RetryAfter}
	if r.Gone {
		result.Outcome, result.Disable = Permanent, "gone"
	}
	return result
}

// targetOf tells an incoming webhook's URL, which is a secret as a whole, from a bot's token with
// the channel as address.
func targetOf(secret, address string) slack.Target {
	if strings.Contains(secret, "://") {
		return slack.Target{URL: secret}
	}
	return slack.Target{Token: secret, Channel: address}
}

// Compose builds what is posted, without secrets, from what is stored.
func (s *Slack) Compose(out *Outgoing) ([]byte, error) {
	m, err := s.message(out)
	if err != nil {
		return nil, err
	}
	return slack.Payload(m)
}

func (s *Slack) message(out *Outgoing) (slack.Message, error) {
	texts, err := mergeFor(out, s.links)
	if err != nil {
		return slack.Message{}, err
	}
	return slack.Message{ID: out.ID.String(), Text: texts.text, Blocks: json.RawMessage(texts.json)}, nil
}
