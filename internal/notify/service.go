package notify

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// Options of the service.
type Options struct {
	PublicURL    string // without a slash at its end
	MailFrom     string
	MailFromName string
	Channels     []string // that this deployment sends over; fan-out makes deliveries for these only
}

// Service renders notices, fans them out, and answers what became of them.
type Service struct {
	db        *database.DB
	jobs      JobInserter
	changes   *changes.Service
	vendors   *vendors.Service
	publisher *publisher.Service
	links     *subscribers.Links
	options   Options
	templates *templates
}

// New makes the service.
func New(db *database.DB, jobs JobInserter, c *changes.Service, v *vendors.Service, p *publisher.Service, links *subscribers.Links, o Options) (*Service, error) {
	t, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	return &Service{db: db, jobs: jobs, changes: c, vendors: v, publisher: p, links: links, options: o, templates: t}, nil
}

// Preview is a notice as one recipient would get it.
type Preview struct {
	Subject string
	Text    string
	HTML    string
	JSON    string // a webhook's body; the blocks of a Slack message
}

// PreviewAnnouncement renders the notice of a change by email as it would go out now, to an affected
// customer when to is its planned window, else to a follower.
func (s *Service) PreviewAnnouncement(ctx context.Context, change uuid.UUID, l locale.Lang, to *changes.Planned) (*Preview, error) {
	return s.PreviewOn(ctx, ChannelEmail, change, Announcement, l, to)
}

// PreviewOn renders a notice of a change for any channel, as PreviewAnnouncement does.
func (s *Service) PreviewOn(ctx context.Context, channel string, change uuid.UUID, kind Kind, l locale.Lang, to *changes.Planned) (*Preview, error) {
	c, err := s.contentOf(ctx, change, kind)
	if err != nil {
		return nil, err
	}
	audience, fields := FollowerAudience, map[string]string{"addressee": wordsOf(l).follower}
	if to != nil {
		audience = ContractAudience
		fields = windowFields(l, &changes.WindowView{CustomerName: to.Name, ExternalID: to.ExternalID, Reference: to.Reference, Window: changes.Window{
			Clause: to.Clause, Authorisation: to.Authorisation, TimeZone: to.TimeZone, EffectiveOn: to.EffectiveOn,
			CountedFrom: s.db.Now(), ObjectionEndsAt: to.Dates.ObjectionEnds}}, c.change.Reference, c.publisher)
		fields["addressee"] = to.Name
	}
	r, err := s.rendering(c, channel, l, audience)
	if err != nil {
		return nil, err
	}
	return r.preview(fields)
}

// rendering writes the notice for one channel, language and audience.
func (s *Service) rendering(c *content, channel string, l locale.Lang, audience Audience) (r *Rendering, err error) {
	r = &Rendering{Channel: channel, Language: string(l), Audience: audience, TemplateVersion: templateVersion, Meta: Meta{PublicURL: s.options.PublicURL}}
	switch channel {
	case ChannelEmail:
		r.Subject, r.BodyText, r.BodyHTML, err = s.templates.render(c, l, audience)
		r.Meta = s.meta(c)
	case ChannelWebhook:
		r.Subject = c.view(l, audience).Title
		r.BodyJSON, err = c.webhookJSON(l, audience)
	case ChannelSlack:
		r.Subject, r.BodyText = c.view(l, audience).Title, c.slackText(l, audience)
		r.BodyJSON, err = writeJSON(c.slackBlocks(l, audience))
	default:
		err = fmt.Errorf("notify: no notices are written for the channel %q", channel)
	}
	return r, err
}

func (s *Service) meta(c *content) Meta {
	m := Meta{From: s.options.MailFrom, FromName: s.options.MailFromName, ReplyTo: c.publisher.PrivacyEmail, PublicURL: s.options.PublicURL}
	if m.From == "" { // no relay is set yet; notices wait for one
		m.From = c.publisher.PrivacyEmail
	}
	if m.FromName == "" {
		m.FromName = c.publisher.LegalName
	}
	return m
}

// NoticesOf lists the notices of a change, the oldest first.
func (s *Service) NoticesOf(ctx context.Context, change uuid.UUID) ([]Notice, error) {
	list, err := database.Collect[Notice](ctx, s.db.Reader(ctx), "select id, change_id, kind, created_at from notices where change_id = $1 order by created_at", change)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}
