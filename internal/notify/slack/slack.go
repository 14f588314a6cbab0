package slack

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// DefaultAPIURL is where Slack's Web API is.
const DefaultAPIURL = slack.APIURL

// hosts are Slack's own hosts of incoming webhooks, of the commercial and the government cloud.
var hosts = map[string]bool{"hooks.slack.com": true, "hooks.slack-gov.com": true}

// Target is where a message goes: to an incoming webhook, or to a channel with a bot's token.
type Target struct {
	URL            string // of the incoming webhook; all of it is a secret
	Token, Channel string // used when there is no URL
}

// Options of a [Client].
type Options struct {
	// HTTP is the guarded client, with its own transport. It decides which addresses may be reached.
	HTTP *http.Client
	// Hosts that incoming webhooks may have besides Slack's own, "host" or "host:port", over plain http too.
	Hosts []string
	// APIURL ends with a slash; empty: [DefaultAPIURL].
	APIURL string
}

// Client posts messages. It may be used from many goroutines.
type Client struct {
	http   *http.Client
	extra  map[string]bool
	apiURL string
}

// NewClient makes a client on o.HTTP's transport, so that all targets share its connections. It
// follows no redirect and keeps no cookies, whatever o.HTTP does.
func NewClient(o Options) *Client {
	c := &Client{extra: map[string]bool{}, apiURL: o.APIURL}
	if c.apiURL == "" {
		c.apiURL = DefaultAPIURL
	}
	for _, host := range o.Hosts {
		c.extra[strings.ToLower(host)] = true
	}
	c.http = &http.Client{Transport: recorder{next: o.HTTP.Transport}, Timeout: o.HTTP.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c
}

// Send posts m once. It returns when Slack has answered or ctx has ended. It never repeats by itself:
// slack-go's retries stay off, since Slack would post a repeat twice.
func (c *Client) Send(ctx context.Context, t Target, m Message) Result {
	w, err := compose(m)
	if err != nil {
		return refused(StageCompose, t, err.Error())
	}
	if r, ok := c.permits(t); !ok {
		return r
	}
	x := &exchange{}
	ctx = x.watch(ctx)
	if t.URL != "" {
		err = slack.PostWebhookCustomHTTPContext(ctx, t.URL, c.http, w)
	} else {
		api := slack.New(t.Token, slack.OptionHTTPClient(c.http), slack.OptionAPIURL(c.apiURL))
		_, _, err = api.PostMessageContext(ctx, t.Channel, options(m, w)...)
	}
	if x.answer != nil {
		return x.answer.result(t)
	}
	return x.failure(err, t)
}

// permits refuses targets that nothing may be sent to.
func (c *Client) permits(t Target) (Result, bool) {
	if t.URL == "" {
		if t.Token == "" || t.Channel == "" {
			return refused(StageCompose, t, "A post needs an incoming-webhook URL, or a token and a channel"), false
		}
		return Result{}, true
	}
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil: // the error would repeat the URL
		return refused(StageCompose, t, "The incoming webhook's URL can't be read"), false
	case !c.known(u):
		return refused(StageGuard, t, "Incoming webhooks are at https://hooks.slack.com; SLACK_HOSTS can name other hosts"), false
	}
	return Result{}, true
}

func (c *Client) known(u *url.URL) bool {
	host := strings.ToLower(u.Host)
	var bare string
	switch u.Scheme {
	case "https":
		bare = strings.TrimSuffix(host, ":443")
	case "http":
		bare = strings.TrimSuffix(host, ":80")
	default:
		return false
	}
	return c.extra[host] || c.extra[bare] || u.Scheme == "https" && hosts[bare]
}
