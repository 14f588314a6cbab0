package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"fairnotice/internal/egress"
)

// verdict is what an error code of Slack's means for us.
type verdict struct {
	outcome Outcome
	gone    bool
	why     string
}

// The kinds of verdict.
func gone(why string) verdict  { return verdict{Permanent, true, why} }
func ours(why string) verdict  { return verdict{Permanent, false, why} }
func later(why string) verdict { return verdict{Temporary, false, why} }
func maybe(why string) verdict { return verdict{Ambiguous, false, why} }

// verdicts are Slack's error codes, of incoming webhooks (docs.slack.dev: messaging/sending-messages-using-incoming-webhooks)
// and of chat.postMessage (docs.slack.dev: reference/methods/chat.postMessage). Gone is what only the subscription's
// owner can mend, by another URL, token, channel or right; ours is what is wrong with this message alone;
// later is what passes by itself or when our operator has acted. A code that isn't here is later: it is
// better to ask again than to give a subscription up for a word that we don't know.
var verdicts = map[string]verdict{
	// The incoming webhook itself
	"no_service":      gone("the webhook is disabled, removed or wrong"),
	"no_service_id":   gone("the URL lacks the webhook's ID"),
	"no_active_hooks": gone("the webhook is disabled"),
	"no_team":         gone("the workspace in the URL doesn't exist"),
	"team_disabled":   gone("the workspace is no longer active"),
	"invalid_token":   gone("the URL's secret is expired or wrong"),
	"user_not_found":  gone("the webhook posts to a user who doesn't exist"),

	// The token
	"not_authed":                     gone("the token is blank to Slack"),
	"invalid_auth":                   gone("the token is wrong, or its workspace refuses our network"),
	"account_inactive":               gone("the bot's user or its workspace is deleted"),
	"token_revoked":                  gone("the app was removed or its token revoked"),
	"token_expired":                  gone("the token rotates, and only its owner can renew it"),
	"not_allowed_token_type":         gone("it isn't a bot's token"),
	"missing_scope":                  gone("the app lacks chat:write"),
	"no_permission":                  gone("the app may not post there"),
	"access_denied":                  gone("the app may not post there"),
	"team_access_not_granted":        gone("the token isn't granted this workspace"),
	"enterprise_is_restricted":       gone("the token is an organisation's, which can't post"),
	"two_factor_setup_required":      gone("the token's account must set up a second factor first"),
	"metadata_must_be_sent_from_app": gone("a legacy bot's token can't carry the delivery's ID"),

	// The channel
	"channel_is_archived":                   gone("the webhook's channel is archived"),
	"is_archived":                           gone("the channel is archived"),
	"channel_not_found":                     gone("the channel doesn't exist, or the app can't see it"),
	"not_in_channel":                        gone("the bot must be invited to the channel"),
	"messages_tab_disabled":                 gone("the app takes no direct messages"),
	"action_prohibited":                     gone("an administrator forbids posting there"),
	"restricted_action":                     gone("an administrator forbids posting there"),
	"posting_to_general_channel_denied":     gone("an administrator forbids posting to #general"),
	"restricted_action_read_only_channel":   gone("the channel is read-only"),
	"restricted_action_thread_only_channel": gone("the channel takes replies only"),

	// This message
	"invalid_payload":       ours("not the JSON that Slack expects"),
	"invalid_blocks":        ours("a block isn't what Slack expects"),
	"invalid_blocks_format": ours("the blocks aren't JSON"),
	"msg_blocks_too_long":   ours("the blocks are too long together"),
	"msg_too_long":          ours("the text is too long"),
	"too_long":              ours("the text is too long"),
	"no_text":               ours("the text is missing"),
	"missing_text_or_fallback_or_attachments": ours("the text is missing"),
	"too_many_attachments":                    ours("we send none"),
	"attachment_payload_limit_exceeded":       ours("we send none"),
	"metadata_too_large":                      ours("the metadata is too large"),
	"invalid_metadata_format":                 ours("the metadata isn't what Slack expects"),
	"invalid_metadata_schema":                 ours("the metadata isn't what Slack expects"),
	"invalid_arguments":                       ours("the request isn't what Slack expects"),
	"invalid_arg_name":                        ours("the request isn't what Slack expects"),
	"invalid_array_arg":                       ours("the request isn't what Slack expects"),
	"invalid_charset":                         ours("the request isn't what Slack expects"),
	"invalid_form_data":                       ours("the request isn't what Slack expects"),
	"invalid_post_type":                       ours("the request isn't what Slack expects"),
	"missing_post_type":                       ours("the request isn't what Slack expects"),
	"as_user_not_supported":                   ours("we don't ask for it"),
	"method_deprecated":                       ours("we must learn another method"),
	"deprecated_endpoint":                     ours("we must learn another method"),

	// The moment
	"ratelimited":            later("too many posts"),
	"rate_limited":           later("too many posts"),
	"message_limit_exceeded": later("the workspace sends too many messages"),
	"service_unavailable":    later("Slack is down"),
	"rollup_error":           later("Slack's own fault"),
	"request_timeout":        later("the request reached Slack in part"),
	"team_added_to_org":      later("the workspace is being moved into an organisation"),
	"org_login_required":     later("the workspace is being moved into an organisation"),
	"ekm_access_denied":      later("the workspace's keys are suspended, which administrators lift again"),
	"accesslimited":          later("the workspace refuses our network, which our operator can mend"),
	"upgrade_required":       later("Slack wants another protocol, which our operator can mend"),
	// Slack's documentation of both: some of the operation may have succeeded before the error.
	"internal_error": maybe("Slack failed, and may have posted before"),
	"fatal_error":    maybe("Slack failed, and may have posted before"),
}

// said is what the Web API answers, without the message that it repeats.
type said struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error,omitempty"`
	Channel  string `json:"channel,omitempty"`
	TS       string `json:"ts,omitempty"`
	Warning  string `json:"warning,omitempty"`
	Needed   string `json:"needed,omitempty"`
	Provided string `json:"provided,omitempty"`
	Metadata *struct {
		Messages []string `json:"messages,omitempty"`
	} `json:"response_metadata,omitempty"`
}

// read takes an answer's body for what it is: JSON of the Web API's form (incoming webhooks answer
// with it at times), or a word. code is the error's, "" for none; posted is Slack's own yes.
func (a *answer) read(t Target) (shown, code string, posted bool) {
	body := bytes.TrimSpace(a.body)
	var s struct {
		said
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(body, &s) == nil && s.OK != nil {
		s.said.OK = *s.OK
		short, err := marshal(s.said)
		if err == nil {
			return string(short), s.Error, *s.OK
		}
	}
	return string(body), string(body), t.URL != "" && string(body) == "ok" && !a.broken
}

// result is what the answer means.
func (a *answer) result(t Target) Result {
	shown, code, posted := a.read(t)
	r := Result{Outcome: Temporary, Stage: StageResponse, Code: a.code}
	v, known := verdicts[code]
	success := a.code >= 200 && a.code < 300
	switch {
	case a.code == http.StatusTooManyRequests || a.code >= 500:
	case success && posted:
		r.Outcome = Accepted
	case known:
		r.Outcome, r.Gone, r.Why = v.outcome, v.gone, v.why
	case success && (code == "" || code == shown): // not Slack's words, but what it answered came with success
		r.Outcome = Ambiguous
	case a.code == http.StatusGone:
		r.Outcome, r.Gone, r.Why = Permanent, true, "the webhook is gone"
	case a.code == http.StatusRequestEntityTooLarge:
		r.Outcome, r.Why = Permanent, "the message is too large"
	}
	if r.Outcome == Temporary {
		r.RetryAfter = retryAfter(a.header)
	}
	if a.code >= 300 && a.code < 400 {
		shown = "A redirect, which is not followed"
	}
	r.Answer = clean(cmp.Or(shown, http.StatusText(a.code)), t)
	return r
}

const longestWait = 24 * time.Hour

// retryAfter reads the header (RFC 9110, 10.2.3): seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(longestWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	from, err := http.ParseTime(h.Get("Date")) // by the clock that wrote the other
	if err != nil {
		from = time.Now()
	}
	return min(max(at.Sub(from), 0), longestWait)
}

// failure is the result of a post that was not answered.
func (x *exchange) failure(err error, t Target) Result {
	r := Result{Outcome: Temporary, Stage: x.stage(), Answer: clean(words(err), t)}
	var forbidden *egress.ForbiddenError
	var proxy *egress.ProxyError
	switch {
	case errors.As(err, &forbidden):
		r.Outcome, r.Stage = Permanent, StageGuard
		r.Answer = fmt.Sprintf("This address leads to %s, which is not on the public internet. If it is meant, "+
			"whoever runs Fairnotice can allow its network with OUTBOUND_ALLOW.", forbidden.Addr)
	case x.mayBeOut():
		r.Outcome, r.Stage = Ambiguous, StageResponse
	case errors.As(err, &proxy):
		r.Outcome, r.Stage, r.Code = Unreachable, StageProxy, proxy.Code
	}
	return r
}

// words tells an error without the URL, which a *url.Error holds.
func words(err error) string {
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err
	}
	switch {
	case err == nil:
		return "No answer"
	case errors.Is(err, context.Canceled):
		return "Stopped before an answer came"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "No answer within the time allowed"
	}
	return err.Error()
}
