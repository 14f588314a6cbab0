package app

import (
	"fmt"
	"os"

	"fairnotice/internal/accounts"
	"fairnotice/internal/changes"
	"fairnotice/internal/config"
	"fairnotice/internal/egress"
	"fairnotice/internal/jobs"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
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
	Email       *notify.Email // composes even where no relay is set

	pool *email.Pool // nil where no relay is set
}

// newServices makes the services, lower floors first: a.DB, a.Keys, a.Config and a.Log are there.
func newServices(a *App) (s Services, err error) {
	if s.Jobs, err = jobs.NewInserter(a.DB, a.Log); err != nil {
		return s, err
	}
	s.Publisher, s.Accounts = publisher.New(a.DB), accounts.New(a.DB)
	s.Vendors, s.Subscribers = vendors.New(a.DB), subscribers.New(a.DB, subscribers.NewVault(a.Keys), addressRules(a.Config))
	s.Links = subscribers.NewLinks(a.DB, a.Keys)
	s.Changes = changes.New(a.DB, s.Jobs)
	s.Notify, err = notify.New(a.DB, s.Jobs, s.Changes, s.Vendors, s.Publisher, s.Links, notify.Options{
		PublicURL: a.Config.PublicURL, MailFrom: a.Config.MailFrom, MailFromName: a.Config.MailFromName,
		Channels: []string{notify.ChannelEmail}})
	if err != nil {
		return s, err
	}
	return s, s.addEmail(a)
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
		s.pool = email.NewPool(relay, cfg.SMTPConnections, a.Log)
	}
	s.Email = notify.NewEmail(email.NewComposer(dkim), s.pool, s.Links, notify.EmailLimits{
		Connections: cfg.SMTPConnections, PerDomain: cfg.EmailDomainConc, Rate: cfg.EmailDomainRate})
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
