package app

import (
	"fmt"
	"os"

	"fairnotice/internal/accounts"
	"fairnotice/internal/changes"
	"fairnotice/internal/config"
	"fairnotice/internal/egress"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/jobs"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/notify/slack"
	"fairnotice/internal/notify/webhook"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// Services are the domain's packages, ready for use. A new one gets a field here, a line in
// newServices and, when it has jobs, a line in (*App).jobs.
type Services struct {
	Jobs        *jobs.Inserter
	Publisher   *publisher.Service
	Accounts    *accounts.Service
	Vendors     *vendors.Service
	Subscribers *subscribers.Service
	Links       *subscribers.Links
	Changes     *changes.Service
	Notify      *notify.Service
	Idempotency *idempotency.Store
	Composers   notify.Composers // of every channel, email too where no relay is set

	pool     *email.Pool      // nil where no relay is set
	channels []notify.Channel // that a worker here sends over
}

// newServices makes the services, lower floors first: a.DB, a.Keys, a.Config and a.Log are there.
func newServices(a *App) (s Services, err error) {
	if s.Jobs, err = jobs.NewInserter(a.DB, a.Log); err != nil {
		return s, err
	}
	s.Publisher, s.Accounts = publisher.New(a.DB), accounts.New(a.DB)
	s.Vendors, s.Subscribers = vendors.New(a.DB), subscribers.New(a.DB, subscribers.NewVault(a.Keys), addressRules(a.Config))
	s.Links, s.Idempotency = subscribers.NewLinks(a.DB, a.Keys), idempotency.New(a.DB, a.Keys)
	s.Changes = changes.New(a.DB, s.Jobs)
	s.Notify, err = notify.New(a.DB, s.Jobs, s.Changes, s.Vendors, s.Publisher, s.Links, notify.Options{
		PublicURL: a.Config.PublicURL, MailFrom: a.Config.MailFrom, MailFromName: a.Config.MailFromName,
		Channels: []string{notify.ChannelEmail, notify.ChannelWebhook, notify.ChannelSlack}})
	if err != nil {
		return s, err
	}
	s.Composers = notify.Composers{}
	s.addOutgoing(a)
	return s, s.addEmail(a)
}

// addOutgoing makes the channels that speak HTTP, over one guarded client.
func (s *Services) addOutgoing(a *App) {
	cfg, vault := a.Config, subscribers.NewVault(a.Keys)
	client := egress.NewClient(egress.Options{Allow: cfg.AllowedNetworks(), Proxy: cfg.Proxy(), PerHost: cfg.WebhookConc})
	webhooks := notify.NewWebhook(webhook.NewClient(client), vault, s.Links, notify.WebhookLimits{Concurrency: cfg.WebhookConc})
	messages := notify.NewSlack(slack.NewClient(slack.Options{HTTP: client, Hosts: cfg.SlackHosts, APIURL: cfg.SlackAPIURL}), vault, s.Links)
	s.channels = append(s.channels, webhooks, messages)
	s.Composers[notify.ChannelWebhook], s.Composers[notify.ChannelSlack] = webhooks, messages
}

// addressRules are what the configuration allows of addresses besides what is allowed everywhere.
func addressRules(cfg *config.Config) subscribers.AddressRules {
	nets := cfg.AllowedNetworks()
	return subscribers.AddressRules{SlackHosts: cfg.SlackHosts, PlainHTTP: func(host string) bool {
		return egress.Allowed(nets, host)
	}}
}

// addEmail makes the email channel: the composer always, connections to a relay where one is set.
func (s *Services) addEmail(a *App) error {
	cfg := a.Config
	dkim, err := readDKIM(cfg.DKIMDomain, cfg.DKIMSelector, cfg.DKIMKeyFile)
	if err != nil {
		return err
	}
	if cfg.SMTPURL.IsSet() {
		relay, err := email.ParseURL(cfg.SMTPURL.Reveal())
		if err != nil {
			return err
		}
		// As many again for sends that the relay lets wait: they must not keep the others from theirs.
		s.pool = email.NewPool(relay, 2*cfg.SMTPConnections, a.Log)
	}
	mail := notify.NewEmail(email.NewComposer(dkim), s.pool, s.Links, notify.EmailLimits{
		Connections: cfg.SMTPConnections, PerDomain: cfg.EmailDomainConc, Rate: cfg.EmailDomainRate})
	s.Composers[notify.ChannelEmail] = mail
	if s.pool != nil {
		s.channels = append(s.channels, mail)
	}
	return nil
}

// readDKIM reads the signing key; none when no domain is set.
func readDKIM(domain, selector, file string) (*email.DKIM, error) {
	if domain == "" {
		return nil, nil //nolint:nilnil // without a key, mail is not signed
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("DKIM_KEY_FILE: %w", err)
	}
	dkim, err := email.ParseDKIM(domain, selector, pem)
	if err != nil {
		return nil, fmt.Errorf("DKIM_KEY_FILE: %w", err)
	}
	return dkim, nil
}
