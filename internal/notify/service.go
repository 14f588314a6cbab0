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
}

// PreviewAnnouncement renders the notice of a change as it would go out now, to an affected
// customer when for is its planned window, else to a follower.
func (s *Service) PreviewAnnouncement(ctx context.Context, change uuid.UUID, l locale.Lang, to *changes.Planned) (*Preview, error) {
	c, err := s.contentOf(ctx, change, Announcement)
	if err != nil {
		return nil, err
	}
	audience, fields := FollowerAudience, map[string]string{"addressee": wordsOf(l).follower}
	if to != nil {
		audience = ContractAudience
		fields = windowFields(l, &changes.WindowView{CustomerName: to.Name, Window: changes.Window{
			Clause: to.Clause, Authorisation: to.Authorisation, TimeZone: to.TimeZone, EffectiveOn: to.EffectiveOn,
			CountedFrom: s.db.Now(), ObjectionEndsAt: to.Dates.ObjectionEnds}}, c)
		fields["addressee"] = to.Name
	}
	r, err := s.rendering(c, l, audience)
	if err != nil {
		return nil, err
	}
	return previewOf(r, fields)
}

func previewOf(r *Rendering, fields map[string]string) (*Preview, error) {
	fields["unsubscribe_url"] = r.Meta.PublicURL + "/unsubscribe/…"
	var p Preview
	var err error
	if p.Subject, err = fill(r.Subject, fields, plain); err != nil {
		return nil, err
	}
	if p.Text, err = fill(r.BodyText, fields, plain); err != nil {
		return nil, err
	}
	p.HTML, err = fill(r.BodyHTML, fields, escapeHTML)
	return &p, err
}

// rendering writes the notice for one language and audience.
func (s *Service) rendering(c *content, l locale.Lang, audience Audience) (*Rendering, error) {
	subject, text, html, err := s.templates.render(c, l, audience)
	if err != nil {
		return nil, err
	}
	from, name := s.options.MailFrom, s.options.MailFromName
	if from == "" { // no relay is set yet; notices wait for one
		from = c.publisher.PrivacyEmail
	}
	if name == "" {
		name = c.publisher.LegalName
	}
	return &Rendering{Channel: ChannelEmail, Language: string(l), Audience: audience, TemplateVersion: templateVersion,
		Subject: subject, BodyText: text, BodyHTML: html,
		Meta: Meta{From: from, FromName: name, ReplyTo: c.publisher.PrivacyEmail, PublicURL: s.options.PublicURL}}, nil
}

// NoticesOf lists the notices of a change, the oldest first.
func (s *Service) NoticesOf(ctx context.Context, change uuid.UUID) ([]Notice, error) {
	list, err := database.Collect[Notice](ctx, s.db.Pool(), "select id, change_id, kind, created_at from notices where change_id = $1 order by created_at", change)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}
