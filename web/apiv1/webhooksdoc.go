package apiv1

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// The examples are bodies that internal/notify composed: a test compares them.
var (
	//go:embed webhooks/announced.json
	announcedWebhook []byte
	//go:embed webhooks/withdrawn.json
	withdrawnWebhook []byte
)

const aboutWebhooks = "POSTed to each endpoint that subscribed, signed by the Standard Webhooks scheme (https://www.standardwebhooks.com) with the " +
	"endpoint's secret: verify webhook-signature over the bytes of the body as they came, before anything parses them. Answer within 15 seconds, " +
	"and work later. What isn't answered with 2xx is tried again: ten tries in three days. The same delivery may come twice, under the same webhook-id. " +
	"Redirects are not followed."

// describeWebhooks adds what Fairnotice itself sends to others' systems.
func describeWebhooks(d *huma.OpenAPI) {
	d.Webhooks = map[string]*huma.PathItem{
		"subprocessor.change.announced": webhookOf(d, "changeAnnounced", "A change of the list is intended", announcedWebhook),
		"subprocessor.change.withdrawn": webhookOf(d, "changeWithdrawn", "An announced change will not happen", withdrawnWebhook),
	}
}

func webhookOf(d *huma.OpenAPI, id, summary string, example []byte) *huma.PathItem {
	body := d.Components.Schemas.Schema(reflect.TypeFor[WebhookBody](), true, "WebhookBody")
	return &huma.PathItem{Post: &huma.Operation{
		OperationID: id, Tags: []string{tagNotices}, Summary: summary, Description: aboutWebhooks, Security: []map[string][]string{{}},
		Parameters: webhookHeaders(),
		RequestBody: &huma.RequestBody{Required: true, Description: "Less than 20,000 bytes.",
			Content: map[string]*huma.MediaType{"application/json": {Schema: body, Example: json.RawMessage(example)}}},
		Responses: map[string]*huma.Response{
			"2XX":     {Description: "It is received: the proof of service that a contract's clock may start from."},
			"410":     {Description: http.StatusText(http.StatusGone) + ": the subscription is disabled, and the customer's fallback contacts are told instead."},
			"429":     {Description: http.StatusText(http.StatusTooManyRequests) + ": tried again; Retry-After is heeded, up to 24 hours."},
			"503":     {Description: http.StatusText(http.StatusServiceUnavailable) + ": tried again; Retry-After is heeded, up to 24 hours."},
			"default": {Description: "Tried again."},
		},
	}}
}

func webhookHeaders() []*huma.Param {
	header := func(name, text string, schema *huma.Schema, example any) *huma.Param {
		return &huma.Param{Name: name, In: "header", Required: true, Description: text, Schema: schema, Example: example}
	}
	text := &huma.Schema{Type: huma.TypeString}
	return []*huma.Param{
		header("webhook-id", "The delivery's ID, the same for every try of it: drop what comes again.", &huma.Schema{Type: huma.TypeString, Format: "uuid"}, exampleID(41).String()),
		header("webhook-timestamp", "Unix seconds of this try. Refuse what is more than five minutes off your clock.", &huma.Schema{Type: huma.TypeInteger, Format: "int64"}, exampleTime.Unix()),
		header("webhook-signature", "v1, and the base64 of the HMAC-SHA256 of id, timestamp and body, joined by full stops; two, separated by a space, while a secret is being replaced.",
			text, "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
	}
}
