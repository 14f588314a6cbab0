package demo

import (
	"context"
	"fmt"

	"fairnotice/internal/actor"
	"fairnotice/internal/demo/hooks"
	"fairnotice/internal/demo/workspace"
	"fairnotice/internal/subscribers"
)

// Receivers are where the demo's webhooks and Slack messages go.
type Receivers struct {
	Hooks *hooks.Receiver
	Slack *workspace.Workspace
}

// outlet is a webhook or a Slack channel, of a customer's besides its mail, or of a follower's.
type outlet struct {
	customer string // whose contract names it; "": a follower's
	name     string
	language string
	products string
	endpoint string // of the webhook receiver
	team     string // of an incoming webhook in Slack, with its hook
	hook     string
	channel  string // in Slack, for the bot
}

var outlets = []outlet{
	{customer: "C-1001", name: "Ticketsystem", language: "de", endpoint: "beispielwerke"},
	{customer: "C-1001", name: "Datenschutz in Slack", language: "de", team: "T0BEISPIELWERKE", hook: "B0DATENSCHUTZ"},
	{customer: "C-1009", name: "Compliance tool", language: "en", endpoint: hooks.Slow},
	{customer: "C-1014", name: "Vendor risk in Slack", language: "en", channel: "C0SAMPLARISK"},
	{customer: "C-1029", name: "Former compliance tool", language: "en", endpoint: hooks.Gone},
	{customer: "C-1032", name: "Contract register", language: "en", endpoint: hooks.Down},
	{name: "Data Watch (fictitious)", language: "en", endpoint: "data-watch"},
	{name: "Chat Partner (fictitious)", language: "en", products: "chat", team: "T0CHATPARTNER", hook: "B0VENDORNEWS"},
}

// address is where the receivers take what is for the outlet; Slack's bot needs a token too.
func (o *outlet) address(to *Receivers) (channel, address string, token subscribers.Secret) {
	switch {
	case o.endpoint != "":
		return subscribers.Webhook, to.Hooks.Address(o.endpoint), ""
	case o.hook != "":
		return subscribers.Slack, to.Slack.Hook(o.team, o.hook), ""
	default:
		return subscribers.Slack, o.channel, workspace.Token
	}
}

func (l *loader) addOutlets(ctx context.Context) error {
	for i := range outlets {
		if err := l.addOutlet(ctx, &outlets[i]); err != nil {
			return fmt.Errorf("%s: %w", outlets[i].name, err)
		}
	}
	return nil
}

func (l *loader) addOutlet(ctx context.Context, o *outlet) error {
	s := &subscribers.Subscription{Basis: subscribers.ByFollowing, Name: o.name, Language: o.language, ProductIDs: l.productIDs(o.products),
		ConsentHow: "the form on the public list (fictitious)"}
	if o.customer != "" {
		id, err := l.customerID(ctx, o.customer)
		if err != nil {
			return err
		}
		s.CustomerID, s.Basis, s.ConsentHow = &id, subscribers.ByContract, "named by the customer (fictitious)"
	}
	s.Channel, s.Address, s.Token = o.address(l.to)
	err := l.Subscribers.Subscribe(ctx, l.editor(), s)
	if err == nil && s.Channel == subscribers.Webhook {
		return l.to.Hooks.Learn(o.endpoint, string(s.SigningSecret))
	}
	return unlessThere(err)
}

// mendSecrets gives an endpoint whose secret the receiver doesn't know a new one: a run was cut off
// between making it and handing it over, or the receiver's folder was removed.
func (l *loader) mendSecrets(ctx context.Context) error {
	for i := range outlets {
		o := &outlets[i]
		if o.endpoint == "" || l.to.Hooks.Knows(o.endpoint) {
			continue
		}
		_, address, _ := o.address(l.to)
		page, err := l.Subscribers.Subscriptions(ctx, subscribers.SubscriptionFilter{Channel: subscribers.Webhook, Query: o.name})
		if err != nil {
			return err
		}
		for j := range page.Rows {
			s := &page.Rows[j].Subscription
			if s.Address != address || s.State == subscribers.Unsubscribed {
				continue
			}
			if err := l.renewSecret(ctx, o, s); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
	}
	return nil
}

func (l *loader) renewSecret(ctx context.Context, o *outlet, s *subscribers.Subscription) error {
	fresh, err := l.Subscribers.RotateSecret(ctx, actor.ForSystem(), s.ID, s.Version)
	if err != nil {
		return err
	}
	return l.to.Hooks.Learn(o.endpoint, string(fresh))
}
