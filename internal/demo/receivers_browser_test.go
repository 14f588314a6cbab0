package demo

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fairnotice/web/browsertest"
)

const shownSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The receivers' pages in a real browser, with scripts and without.
func TestReceiversInABrowser(t *testing.T) {
	empty, stopEmpty, emptyURL := openSite(t, t.TempDir())
	defer stopEmpty()
	to, stop, url := openSite(t, t.TempDir())
	defer stop()
	if empty.Hooks.Knows("kunde") {
		t.Fatal("two receivers share their secrets")
	}
	if err := to.Hooks.Learn("kunde", shownSecret); err != nil {
		t.Fatal(err)
	}
	hook(t, to.Hooks.Address("kunde"), "one", "")
	hook(t, to.Hooks.Address("kunde"), "one", "")
	hook(t, to.Hooks.Address("kunde"), "two", "forged")
	for address, body := range map[string]string{
		to.Slack.Hook("T0KUNDE00", "B0PRIVACY"): `{"text":"For notifications","blocks":[{"type":"header","text":{"type":"plain_text","text":"Advance notice"}},
			{"type":"section","text":{"type":"mrkdwn","text":"*What changes*\nA <https://a.example/x|sub-processor>"},"fields":[{"type":"mrkdwn","text":"*Why*\nx"}]},{"type":"divider"},
			{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"},"url":"https://a.example/open","style":"primary"},{"type":"button","text":{"type":"plain_text","text":"Idle"}}]},
			{"type":"context","elements":[{"type":"mrkdwn","text":"_fictitious_"}]}]}`,
		to.Slack.Hook("T0KUNDE00", "B0REFUSED"): `{"blocks":[{"type":"section"}]}`,
	} {
		answer, err := http.Post(address, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	browsertest.Run(t, "receivers.spec.js", map[string]string{"BASE_URL": url, "EMPTY": emptyURL, "SECRET": shownSecret})
}

// hook posts a webhook; more goes into the body after it was signed.
func hook(t *testing.T, address, id, more string) {
	t.Helper()
	body := `{"type":"change.announced","data":{"reference":"SP-2026-001","url":"https://a.example/changes/SP-2026-001"}}`
	signer, err := standardwebhooks.NewWebhook(shownSecret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := signer.Sign(id, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body+more))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	request.Header.Set("webhook-signature", signature)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}
