package notify

import (
	"context"
	"crypto/sha256"
	"time"

	"fairnotice/internal/notify/webhook"
	"fairnotice/internal/subscribers"
)

// ChannelWebhook is the name of the webhook channel.
const ChannelWebhook = "webhook"

// Webhook sends notices as signed JSON, by Standard Webhooks.
type Webhook struct {
	client *webhook.Client
	vault  *subscribers.Vault
	links  *subscribers.Links
	limits Limits
}

// WebhookLimits are what an operator may set.
type WebhookLimits struct {
	Concurrency int // webhooks at once that are answered promptly
}

// NewWebhook makes the channel.
func NewWebhook(c *webhook.Client, v *subscribers.Vault, links *subscribers.Links, l WebhookLimits) *Webhook {
	return &Webhook{client: c, vault: v, links: links,
		limits: Limits{Timeout: 15 * time.Second, Concurrency: l.Concurrency, Slow: 512, PerEndpoint: 4}}
}

// Name is "webhook".
func (w *Webhook) Name() string { return ChannelWebhook }

// Limits are those of the configuration.
func (w *Webhook) Limits() Limits { return w.limits }

// Send makes one try. A 2xx proves that the endpoint has it. The webhook-id is the delivery's: a
// receiver can drop the twin of one that a crash made us repeat.
func (w *Webhook) Send(ctx context.Context, out *Outgoing) Result {
	body, err := w.Compose(out)
	if err != nil {
		return Result{Outcome: Temporary, Stage: StageCompose, Answer: err.Error()}
	}
	sum := sha256.Sum256(body)
	secrets, err := w.secrets(out)
	if err != nil {
		return Result{Outcome: Temporary, Stage: StageCompose, Answer: noSecret, Digest: sum[:]}
	}
	r := w.client.Send(ctx, webhook.Request{ID: out.ID.String(), URL: out.Address, At: out.StartedAt, Body: body, Secrets: secrets})
	result := Result{Outcome: Outcome(r.Outcome), Stage: r.Stage, Code: r.Code, Answer: r.Answer, Digest: sum[:],
		Received: r.Outcome == webhook.Accepted, Rest: r.RetryAfter}
	if r.Outcome == webhook.Temporary && r.Stage == webhook.StageResponse && r.Code == 0 {
		result.Outcome = Ambiguous // it went out whole and may have arrived: the next try is marked
	}
	if r.Gone {
		result.Outcome, result.Disable = Permanent, "gone"
	}
	return result
}

// noSecret is the answer of an attempt whose secret can't be read.
const noSecret = "This subscription's secret can't be read: put the key that sealed it back into ENCRYPTION_KEYS, or enter the secret again."

// secrets are the present one and, while its time runs, the former one.
func (w *Webhook) secrets(out *Outgoing) ([]string, error) {
	present, err := w.vault.Open(out.SubscriptionID, out.Secret)
	if err != nil {
		return nil, err
	}
	list := []string{present}
	if len(out.FormerSecret) > 0 && out.FormerSecretUntil != nil && out.FormerSecretUntil.After(out.StartedAt) {
		// One whose key is gone signs no more; the present one still does.
		if former, err := w.vault.Open(out.SubscriptionID, out.FormerSecret); err == nil {
			list = append(list, former)
		}
	}
	return list, nil
}

// Compose builds the body from what is stored, so that it can be shown, and proven, exactly as it
// was sent.
func (w *Webhook) Compose(out *Outgoing) ([]byte, error) {
	texts, err := mergeFor(out, w.links)
	if err != nil {
		return nil, err
	}
	return []byte(texts.json), nil
}

// mergeFor fills a delivery's rendering; followers get their own link to stop.
func mergeFor(out *Outgoing, links *subscribers.Links) (merged, error) {
	own := map[string]string{"addressee": out.Addressee}
	if out.Rendering.Audience == FollowerAudience {
		token, err := links.UnsubscribeToken(out.LinkKey, out.SubscriptionID, out.LinkEpoch)
		if err != nil {
			return merged{}, err
		}
		own["unsubscribe_url"] = out.Rendering.Meta.PublicURL + "/unsubscribe/" + token
	}
	return out.Rendering.merge(out.Fields, own)
}
