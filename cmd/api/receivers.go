package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"fairnotice/internal/config"
	"fairnotice/internal/demo"
	webhooks "fairnotice/internal/demo/hooks"
	"fairnotice/internal/demo/inbox"
	"fairnotice/internal/demo/site"
	"fairnotice/internal/demo/workspace"
)

// receivers are where the demo's notices arrive, one for each channel, on one site.
type receivers struct {
	site  *site.Site
	inbox *inbox.Inbox
	hooks *webhooks.Receiver
	slack *workspace.Workspace
}

// openReceivers starts them all; each keeps what it got in a folder of its own.
func openReceivers(cfg *config.Config, log *slog.Logger) (r *receivers, err error) {
	r = &receivers{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(context.Background()))
		}
	}()
	if r.site, err = site.Open(site.Options{Addr: "127.0.0.1:8025", Fairnotice: cfg.PublicURL, Log: log}); err != nil {
		return r, err
	}
	folder := func(name string) string { return filepath.Join(cfg.DataDir, name) }
	if r.inbox, err = inbox.Open(r.site, inbox.Options{Dir: folder("demo-inbox"), SMTPAddr: "127.0.0.1:2525"}); err != nil {
		return r, err
	}
	if r.hooks, err = webhooks.Open(r.site, webhooks.Options{Dir: folder("demo-webhooks"), Addr: "127.0.0.1:8026"}); err != nil {
		return r, err
	}
	if r.slack, err = workspace.Open(r.site, workspace.Options{Dir: folder("demo-slack"), Addr: "127.0.0.1:8027"}); err != nil {
		return r, err
	}
	r.site.Start()
	return r, nil
}

// configure has the demo send to its receivers.
func (r *receivers) configure(cfg *config.Config) {
	cfg.SMTPURL, cfg.MailFrom = config.NewSecret(r.inbox.SMTPURL()), demo.MailFrom
	cfg.OutboundAllow = []string{"127.0.0.0/8", "::1/128"}
	cfg.SlackHosts, cfg.SlackAPIURL = []string{r.slack.Host()}, r.slack.APIURL()
}

func (r *receivers) receivers() *demo.Receivers {
	return &demo.Receivers{Hooks: r.hooks, Slack: r.slack}
}

// Close ends those that were started. Close those who send first.
func (r *receivers) Close(ctx context.Context) (err error) {
	if r.slack != nil {
		err = errors.Join(err, r.slack.Close(ctx))
	}
	if r.hooks != nil {
		err = errors.Join(err, r.hooks.Close(ctx))
	}
	if r.inbox != nil {
		err = errors.Join(err, r.inbox.Close())
	}
	if r.site != nil {
		err = errors.Join(err, r.site.Close(ctx))
	}
	return err
}
