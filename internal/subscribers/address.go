package subscribers

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"fairnotice/internal/fault"
	"fairnotice/internal/input"
)

// AddressRules are the installation's own.
type AddressRules struct {
	// SlackHosts may have incoming-webhook URLs besides hooks.slack.com and hooks.slack-gov.com;
	// with the port where the URL has one.
	SlackHosts []string
	// PlainHTTP says of a host without its port whether http will do. Without it, https is needed.
	PlainHTTP func(host string) bool
}

var (
	slackHosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}
	slackHook  = regexp.MustCompile(`^/services/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+$`)
	// A channel is named by its ID: a name can pass to another channel.
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{8,20}$`)
	slackToken   = regexp.MustCompile(`^xoxb-[A-Za-z0-9-]{8,250}$`)
)

// checkAddress tidies the address and, for a Slack channel, the token that opens it.
func (r *AddressRules) checkAddress(c *fault.Check, in *Subscription) {
	in.Token = Secret(strings.TrimSpace(string(in.Token)))
	switch {
	case in.Channel == Email:
		input.Email(c, "address", &in.Address)
	case in.Channel == Webhook:
		r.checkURL(c, &in.Address)
	case in.Channel == Slack && in.BySlackURL():
		r.checkHook(c, &in.Address)
	case in.Channel == Slack:
		checkSlackChannel(c, in)
		return
	default: // the channel has its fault already
		input.OptionalLine(c, "address", &in.Address)
	}
	if in.Token != "" {
		c.Add("token", "slack.token_unneeded", nil)
	}
}

// BySlackURL tells a subscription by an incoming-webhook URL of Slack from one by channel and token.
func (s *Subscription) BySlackURL() bool {
	return s.Channel == Slack && strings.Contains(s.Address, "://")
}

func checkSlackChannel(c *fault.Check, in *Subscription) {
	input.OptionalLine(c, "address", &in.Address)
	input.Required(c, "address", in.Address)
	if !c.Has("address") && !slackChannel.MatchString(in.Address) {
		c.Add("address", "slack.malformed", nil)
	}
	checkToken(c, in.Token)
}

func checkToken(c *fault.Check, token Secret) {
	switch {
	case token == "":
		c.Add("token", "slack.token_needed", nil)
	case !slackToken.MatchString(string(token)):
		c.Add("token", "slack.token_malformed", nil)
	}
}

// checkURL requires an https address without a fragment: what is posted there names customers.
func (r *AddressRules) checkURL(c *fault.Check, address *string) {
	input.URL(c, "address", address)
	if c.Has("address") {
		return
	}
	u, err := url.Parse(*address)
	switch {
	case err != nil:
		c.Add("address", "url.malformed", nil)
	case u.Scheme != "https" && (r.PlainHTTP == nil || !r.PlainHTTP(u.Hostname())):
		c.Add("address", "url.https_needed", nil)
	case u.Fragment != "":
		c.Add("address", "url.malformed", nil)
	}
}

// checkHook requires a Slack incoming-webhook URL, whose last segment is what must be hidden.
func (r *AddressRules) checkHook(c *fault.Check, address *string) {
	r.checkURL(c, address)
	if c.Has("address") {
		return
	}
	u, err := url.Parse(*address)
	if err != nil || u.RawQuery != "" || !slackHook.MatchString(u.Path) {
		c.Add("address", "slack.malformed", nil)
		return
	}
	if host := strings.ToLower(u.Host); !slices.Contains(slackHosts, host) && !slices.Contains(r.SlackHosts, host) {
		c.Add("address", "slack.host", fault.Args{"Allowed": strings.Join(append(slices.Clone(slackHosts), r.SlackHosts...), ", ")})
	}
}

// hiddenHook is an incoming-webhook URL with its secret part replaced by what tells it from others:
// the first 32 bits of a digest of the whole. Migration 7 writes the same form.
func hiddenHook(address string) string {
	sum := sha256.Sum256([]byte(address))
	return address[:strings.LastIndexByte(address, '/')+1] + hiddenMark + hex.EncodeToString(sum[:4])
}

const hiddenMark = "…"

// ShownAddress is the address without what would let a reader use it: of a webhook's URL, which
// may carry a key, the host only; of a Slack incoming-webhook URL all but its secret.
func (s Subscription) ShownAddress() string {
	u, err := url.Parse(s.Address)
	if s.Channel == Email || err != nil || u.Host == "" {
		return s.Address
	}
	if s.Channel == Slack {
		if at := strings.LastIndexByte(s.Address, '/'); strings.HasPrefix(s.Address[at+1:], hiddenMark) {
			return s.Address
		}
	}
	return u.Scheme + "://" + u.Host + "/…"
}
