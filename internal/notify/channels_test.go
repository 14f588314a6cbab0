package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fairnotice/internal/egress"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/notify/webhook"
	"fairnotice/internal/subscribers"
)

const (
	botToken   = "xoxb-1234-5678-AbCdEf"
	botChannel = "C0123456789"
	hookPath   = "/services/T000/B000/SecretPart"
)

// outside is a world with receivers of webhooks and of Slack messages.
type outside struct {
	*world
	composers notify.Composers
	subs      *subscribers.Service // that takes the receivers' addresses
	url       string

	mu     sync.Mutex
	hooks  map[string][]arrived // by path
	posts  []url.Values         // by a bot
	inputs [][]byte             // to the incoming webhook
	answer func(w http.ResponseWriter, path string, n int) bool
}

type arrived struct {
	header http.Header
	body   []byte
}

func newOutside(t testing.TB) *outside {
	t.Helper()
	o := &outside{world: newWorld(t), hooks: map[string][]arrived{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/", o.hook)
	mux.HandleFunc("POST "+hookPath, o.incoming)
	mux.HandleFunc("POST /api/chat.postMessage", o.post)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o.url = server.URL
	host := strings.TrimPrefix(server.URL, "http://")
	client := egress.NewClient(egress.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.CloseIdleConnections)
	w := notify.NewWebhook(webhook.NewClient(client), o.Vault, o.links, notify.WebhookLimits{Concurrency: 8})
	s := notify.NewSlack(slack.NewClient(slack.Options{HTTP: client, Hosts: []string{host}, APIURL: server.URL + "/api/"}), o.Vault, o.links)
	o.others = []notify.Channel{w, s}
	o.composers = notify.Composers{notify.ChannelEmail: o.email, notify.ChannelWebhook: w, notify.ChannelSlack: s}
	o.subs = subscribers.New(o.DB, o.Vault, subscribers.AddressRules{SlackHosts: []string{host}, PlainHTTP: func(string) bool { return true }})
	return o
}

func (o *outside) hook(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.hooks[r.URL.Path] = append(o.hooks[r.URL.Path], arrived{r.Header.Clone(), body})
	n, answer := len(o.hooks[r.URL.Path]), o.answer
	o.mu.Unlock()
	if answer != nil && answer(w, r.URL.Path, n) {
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (o *outside) incoming(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	o.inputs = append(o.inputs, body)
	o.mu.Unlock()
	_, _ = io.WriteString(w, "ok")
}

func (o *outside) post(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	o.mu.Lock()
	o.posts = append(o.posts, r.PostForm)
	o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1.2"}`, r.PostForm.Get("channel"))
}

// subscribe adds a subscription over any channel, of a customer or, with none, of a follower.
func (o *outside) subscribe(t testing.TB, c *subscribers.Customer, channel, address, language string) *subscribers.Subscription {
	t.Helper()
	s := &subscribers.Subscription{Basis: subscribers.ByFollowing, Channel: channel, Address: address, Language: language, ConsentHow: "test"}
	if c != nil {
		s.Basis, s.CustomerID = subscribers.ByContract, &c.ID
	}
	if channel == subscribers.Slack && address == botChannel {
		s.Token = botToken
	}
	if err := o.subs.Subscribe(t.Context(), o.Editor, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// read is a webhook's body as a receiver reads it who knows nothing of our types.
type read struct {
	Type, Version, Timestamp string
	Data                     struct {
		Reference, Audience, Language, Addressee string
		Customer                                 *struct {
			Name       string
			ExternalID string `json:"external_id"`
		}
		Window *struct {
			Objection struct {
				EndsAt  *time.Time `json:"ends_at"`
				LastDay *string    `json:"last_day"`
			}
		}
		Links struct{ Unsubscribe string }
	}
}

// one is the only webhook that came to a path, its signature verified by the scheme's own library.
func (o *outside) one(t *testing.T, path string, secrets ...subscribers.Secret) (arrived, read) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.hooks[path]
	if len(got) != 1 {
		t.Fatalf("%s got %d webhooks, want 1", path, len(got))
	}
	for _, secret := range secrets {
		verifier, err := standardwebhooks.NewWebhook(string(secret))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.VerifyIgnoringTimestamp(got[0].body, got[0].header); err != nil { // the test's clock is not the machine's
			t.Errorf("%s: %v", path, err)
		}
	}
	var body read
	if err := json.Unmarshal(got[0].body, &body); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, got[0].body)
	}
	return got[0], body
}

func TestANoticeGoesOutOverEveryChannel(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna \"Quote\" & Söhne\\GmbH", "dpo@anna.example", housetest.Sheet(14))
	bert := o.CustomerIn("Bert AG", "", "de", housetest.Sheet(30))
	hook := o.subscribe(t, anna, "webhook", o.url+"/hooks/anna", "en")
	o.subscribe(t, bert, "slack", o.url+hookPath, "de")
	fan := o.subscribe(t, nil, "webhook", o.url+"/hooks/fan", "de")
	o.subscribe(t, nil, "slack", botChannel, "en")
	o.Follower("fan@follower.example", "en")
	c := o.Announced(o.Addition(o.Vendor("Errata Ltd"), 40))
	n := o.fanOut(t, c)
	if got := o.count(t, "select count(*) from endpoints where work_at = $1", o.Clock.Now()); got != 6 {
		t.Errorf("%d endpoints are due, want 6", got)
	}
	if got := o.count(t, "select count(*) from river_job where kind = 'sender_wake' and queue = args->>'channel'"); got != 3 {
		t.Errorf("%d jobs wake senders, each in its channel's queue, want 3", got)
	}
	o.send(t)
	if got := o.states(t, n); got != "sent:2 received:4" {
		t.Fatalf("deliveries are %s", got)
	}

	first, body := o.one(t, "/hooks/anna", hook.SigningSecret)
	if body.Type != "subprocessor.change.announced" || body.Data.Audience != "contract" || body.Data.Customer == nil || body.Data.Customer.Name != anna.Name ||
		body.Data.Customer.ExternalID != anna.ExternalID || body.Data.Window == nil || body.Data.Window.Objection.LastDay == nil || *body.Data.Window.Objection.LastDay != "2026-12-06" {
		t.Errorf("the customer reads %s", first.body)
	}
	followed, body := o.one(t, "/hooks/fan", fan.SigningSecret)
	if body.Data.Customer != nil || body.Data.Window != nil || body.Data.Language != "de" || !strings.Contains(body.Data.Links.Unsubscribe, "/unsubscribe/") {
		t.Errorf("the follower reads %s", followed.body)
	}
	if strings.Contains(string(first.body), "/unsubscribe/") || strings.Contains(string(o.inputs[0]), "/unsubscribe/") {
		t.Error("a contract recipient is offered to unsubscribe")
	}
	if d := o.count(t, "select count(*) from deliveries where id::text = any(regexp_split_to_array($1, '[^0-9a-f-]+')) and channel = 'slack'", o.posts[0].Get("metadata")); d != 1 {
		t.Errorf("the bot's message names no delivery in its metadata: %v", o.posts[0])
	}
	if len(o.inputs) != 1 || len(o.posts) != 1 || !strings.Contains(string(o.inputs[0]), "Bert AG") || o.posts[0].Get("channel") != botChannel {
		t.Errorf("Slack got %d and %d messages", len(o.inputs), len(o.posts))
	}
	o.provenOnEveryChannel(t, n, first, followed)
	if started, err := o.Changes.DeriveWindows(t.Context()); started != 2 || err != nil {
		t.Errorf("%d windows started, %v; want 2: by mail or webhook, and by Slack", started, err)
	}
}

// provenOnEveryChannel builds each message again from what is stored, and compares webhooks with
// what arrived.
func (o *outside) provenOnEveryChannel(t *testing.T, n notify.Notice, hooks ...arrived) {
	t.Helper()
	arrivedAs := map[string]string{}
	for _, h := range hooks {
		arrivedAs[h.header.Get("webhook-id")] = string(h.body)
	}
	list, _, err := o.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		again, err := o.notify.Rebuild(t.Context(), o.composers, d.ID, 1)
		if err != nil || !again.Proven {
			t.Errorf("%s by %s is not proven: %v", d.Address, d.Channel, err)
			continue
		}
		if d.Channel == notify.ChannelWebhook && arrivedAs[d.ID.String()] != string(again.Raw) {
			t.Errorf("%s: what arrived under webhook-id %s is not what is rebuilt", d.Address, d.ID)
		}
		if d.Channel == notify.ChannelSlack && slack.Check(json.RawMessage(again.JSON)) != nil {
			t.Errorf("%s: Slack would refuse %s", d.Address, again.Raw)
		}
	}
}

func TestAWithdrawalGoesOutOverEveryChannel(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	hook := o.subscribe(t, anna, "webhook", o.url+"/hooks/anna", "en")
	o.subscribe(t, anna, "slack", o.url+hookPath, "de")
	c := o.Announced(o.Addition(o.Vendor("Errata Ltd"), 40))
	o.fanOut(t, c)
	o.send(t)
	if err := o.Changes.Withdraw(t.Context(), o.Approver, c.ID, "The vendor was breached"); err != nil {
		t.Fatal(err)
	}
	if err := o.notify.FanOut(t.Context(), c.ID, notify.Withdrawal); err != nil {
		t.Fatal(err)
	}
	o.hooks = map[string][]arrived{}
	o.Clock.Add(2 * time.Second) // Slack's second
	o.send(t)
	got, body := o.one(t, "/hooks/anna", hook.SigningSecret)
	if body.Type != "subprocessor.change.withdrawn" || body.Data.Window != nil || !strings.Contains(string(got.body), "The vendor was breached") {
		t.Errorf("the withdrawal reads %s", got.body)
	}
	if len(o.inputs) != 2 || !strings.Contains(string(o.inputs[1]), "Zurückgezogen") {
		t.Errorf("Slack got %d messages", len(o.inputs))
	}
}

func TestBothSecretsSignWhileTheFormerOneMay(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna GmbH", "", housetest.Sheet(14))
	hook := o.subscribe(t, anna, "webhook", o.url+"/hooks/anna", "en")
	fresh, err := o.subs.RotateSecret(t.Context(), o.Editor, hook.ID, hook.Version)
	if err != nil {
		t.Fatal(err)
	}
	v := o.Vendor("Errata Ltd")
	o.fanOut(t, o.Announced(o.Addition(v, 40)))
	o.send(t)
	o.one(t, "/hooks/anna", fresh, hook.SigningSecret)
	o.Clock.Add(25 * time.Hour)
	o.hooks = map[string][]arrived{}
	o.fanOut(t, o.Announced(o.Addition(v, 40)))
	o.send(t)
	late, _ := o.one(t, "/hooks/anna", fresh)
	if got := len(strings.Fields(late.header.Get("webhook-signature"))); got != 1 {
		t.Errorf("%d signatures after the former secret's time", got)
	}
}

func TestAnEndpointThatIsGoneIsDisabled(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna GmbH", "", housetest.Sheet(14))
	hook := o.subscribe(t, anna, "webhook", o.url+"/hooks/gone", "en")
	o.Contact(anna, "fallback@anna.example", subscribers.RoleFallback)
	o.answer = func(w http.ResponseWriter, _ string, _ int) bool { w.WriteHeader(http.StatusGone); return true }
	n := o.fanOut(t, o.Announced(o.Addition(o.Vendor("Errata Ltd"), 40)))
	o.send(t)
	if got := o.states(t, n); got != "failed:1" {
		t.Fatalf("deliveries are %s", got)
	}
	sub, err := o.subs.Subscription(t.Context(), hook.ID)
	if err != nil || sub.State != subscribers.Disabled {
		t.Errorf("the subscription is %s, %v; want disabled", sub.State, err)
	}
	if err := o.notify.LookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.send(t)
	if got := o.states(t, n); got != "sent:1 failed:1" || len(o.relay.To("fallback@anna.example")) != 1 {
		t.Errorf("the fallback contact was not told: %s", got)
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna GmbH", "", housetest.Sheet(14))
	o.subscribe(t, anna, "webhook", o.url+"/hooks/busy", "en")
	o.answer = func(w http.ResponseWriter, _ string, n int) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	n := o.fanOut(t, o.Announced(o.Addition(o.Vendor("Errata Ltd"), 40)))
	o.send(t)
	o.Clock.Add(9 * time.Minute)
	o.send(t)
	if got := o.states(t, n); got != "queued:1" || len(o.hooks["/hooks/busy"]) != 1 {
		t.Fatalf("after nine of ten minutes: %s, %d requests", got, len(o.hooks["/hooks/busy"]))
	}
	o.Clock.Add(3 * time.Minute)
	o.send(t)
	if got := o.states(t, n); got != "received:1" {
		t.Errorf("after the rest: %s", got)
	}
	first, second := o.hooks["/hooks/busy"][0], o.hooks["/hooks/busy"][1]
	if first.header.Get("webhook-id") != second.header.Get("webhook-id") || first.header.Get("webhook-timestamp") == second.header.Get("webhook-timestamp") {
		t.Error("the second try must have the first one's ID, and its own timestamp")
	}
}

// A secret that can't be opened is no fault of the endpoint's: nobody is asked, and it is sent when
// the key is back.
func TestASecretThatCannotBeReadWaits(t *testing.T) {
	o := newOutside(t)
	anna := o.Customer("Anna GmbH", "", housetest.Sheet(14))
	hook := o.subscribe(t, anna, "webhook", o.url+"/hooks/anna", "en")
	var sealed []byte
	if err := o.DB.Pool().QueryRow(t.Context(), "select secret from subscriptions where id = $1", hook.ID).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	n := o.fanOut(t, o.Announced(o.Addition(o.Vendor("Errata Ltd"), 40)))
	set := func(secret []byte) {
		t.Helper()
		if _, err := o.DB.Pool().Exec(t.Context(), "update subscriptions set secret = $2 where id = $1", hook.ID, secret); err != nil {
			t.Fatal(err)
		}
	}
	set(append([]byte("other"), sealed...))
	o.send(t)
	if got := o.states(t, n); got != "queued:1" || len(o.hooks) != 0 {
		t.Fatalf("without a key: %s, %d paths asked", got, len(o.hooks))
	}
	if got := o.count(t, "select count(*) from attempts where stage = 'compose' and answer like '%ENCRYPTION_KEYS%'"); got != 1 {
		t.Error("the attempt does not say what to mend")
	}
	set(sealed)
	o.Clock.Add(time.Minute)
	o.send(t)
	if got := o.states(t, n); got != "received:1" {
		t.Errorf("with the key back: %s", got)
	}
}
