package slack

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/slack-go/slack"
)

// Message is what is posted.
type Message struct {
	// ID is the delivery's. With a bot token it goes into the message's metadata, so that a repeat can
	// be told from a second notice. Incoming webhooks take no metadata.
	ID string
	// Text is the plain fallback for notifications and screen readers. It is escaped when it is sent.
	Text string
	// Blocks is an array of Block Kit's blocks; none: the text is the message.
	Blocks json.RawMessage
}

// eventType names our messages in Slack's metadata.
const eventType = "fairnotice_notice"

// block is one block as it was rendered; slack-go's own types would drop what they don't know.
type block struct{ json.RawMessage }

func (b block) head() (h struct {
	Type string `json:"type"`
	ID   string `json:"block_id"`
}) {
	_ = json.Unmarshal(b.RawMessage, &h) // Fit has read it before
	return h
}

func (b block) BlockType() slack.MessageBlockType { return slack.MessageBlockType(b.head().Type) }
func (b block) ID() string                        { return b.head().ID }

// Payload is the JSON of what is posted, without ID and secrets: for an incoming webhook exactly the
// bytes of the request's body; with a bot token its text and blocks are the form's. Texts that are too
// long for Slack are shortened; what else breaks a limit is an error.
func Payload(m Message) ([]byte, error) {
	w, err := compose(m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(w)
}

// compose is the message as slack-go marshals it for an incoming webhook.
func compose(m Message) (*slack.WebhookMessage, error) {
	if m.Text == "" {
		return nil, errors.New("a message needs its text, for notifications and screen readers")
	}
	no := false
	w := &slack.WebhookMessage{Text: shorten(Escape(m.Text), MaxText, true), UnfurlLinks: &no, UnfurlMedia: &no}
	if len(m.Blocks) == 0 {
		return w, nil
	}
	fitted, err := Fit(m.Blocks)
	if err != nil {
		return nil, err
	}
	var blocks []block
	if err := json.Unmarshal(fitted, &blocks); err != nil {
		return nil, fmt.Errorf("blocks: %w", err)
	}
	w.Blocks = &slack.Blocks{}
	for _, b := range blocks {
		w.Blocks.BlockSet = append(w.Blocks.BlockSet, b)
	}
	return w, nil
}

// options are the same message for chat.postMessage, with the metadata.
func options(m Message, w *slack.WebhookMessage) []slack.MsgOption {
	out := []slack.MsgOption{
		slack.MsgOptionText(w.Text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
	if w.Blocks != nil {
		out = append(out, slack.MsgOptionBlocks(w.Blocks.BlockSet...))
	}
	if m.ID != "" {
		out = append(out, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"delivery": m.ID}}))
	}
	return out
}
