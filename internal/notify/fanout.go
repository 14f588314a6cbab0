package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// errGone says that a change is no longer in the state that its notice is about.
var errGone = errors.New("notify: the change moved on")

// FanOut makes the notice of a change and one delivery for each recipient, all in one transaction:
// after a crash there is either nothing or everything. Calling it again changes nothing.
func (s *Service) FanOut(ctx context.Context, change uuid.UUID, kind Kind) error {
	c, err := s.contentOf(ctx, change, kind)
	if err != nil {
		return err
	}
	windows, err := s.changes.WindowsOf(ctx, change)
	if err != nil {
		return err
	}
	err = s.db.Transact(ctx, func(tx *database.Tx) error { return s.fanOut(tx, c, windows) })
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

func (s *Service) fanOut(tx *database.Tx, c *content, windows []changes.WindowView) error {
	notice := &Notice{ID: secrets.ID(), ChangeID: c.change.ID, Kind: c.kind, CreatedAt: tx.Now()}
	fresh, err := insertNotice(tx, notice)
	if err != nil || !fresh {
		return err
	}
	if err := s.insertRenderings(tx, c, notice); err != nil {
		return err
	}
	if err := insertMerges(tx, notice, c, windows); err != nil {
		return err
	}
	count, err := s.insertDeliveries(tx, c, notice, windows)
	if err != nil {
		return err
	}
	if err := s.jobs.Insert(tx, Wake{Channel: ChannelEmail}, nil); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{Kind: "notice.fanned_out", Actor: actor.ForSystem(), Subject: ledger.SubjectOf("notice", notice.ID),
		Body: map[string]any{"change": c.change.ID, "reference": c.change.Reference, "kind": c.kind, "deliveries": count, "template": templateVersion}})
}

// insertNotice makes the notice unless the change has one of this kind, and only while the change
// is in the state that the notice tells of: a withdrawal that came first stops the announcement.
func insertNotice(tx *database.Tx, n *Notice) (fresh bool, err error) {
	state, err := database.Scalar[string](tx, "select state from changes where id = $1 for share", n.ChangeID)
	if database.NotFound(err) {
		return false, fault.Missing("change")
	}
	if err != nil {
		return false, fmt.Errorf("fan out: %w", err)
	}
	if (n.Kind == Announcement) == (state == string(changes.Withdrawn)) {
		return false, errGone
	}
	rows, err := tx.Exec("insert into notices (id, change_id, kind, created_at) values ($1, $2, $3, $4) on conflict do nothing",
		n.ID, n.ChangeID, n.Kind, n.CreatedAt)
	if err != nil {
		return false, fmt.Errorf("fan out: %w", err)
	}
	return rows == 1, nil
}

func (s *Service) insertRenderings(tx *database.Tx, c *content, n *Notice) error {
	batch := &pgx.Batch{}
	for _, l := range Languages {
		for _, audience := range []Audience{ContractAudience, FollowerAudience} {
			r, err := s.rendering(c, l, audience)
			if err != nil {
				return err
			}
			batch.Queue(`insert into renderings (id, notice_id, channel, language, audience, template_version, meta, subject, body_text, body_html, created_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
				secrets.ID(), n.ID, r.Channel, r.Language, r.Audience, r.TemplateVersion, r.Meta, r.Subject, r.BodyText, r.BodyHTML, tx.Now())
		}
	}
	return send(tx, batch, "store renderings")
}

// insertMerges stores the values of each window in each language, and those of followers.
func insertMerges(tx *database.Tx, n *Notice, c *content, windows []changes.WindowView) error {
	var ids []uuid.UUID
	var ofWindows []*uuid.UUID
	var languages, fields []string
	add := func(window *uuid.UUID, l locale.Lang, values map[string]string) error {
		raw, err := json.Marshal(values)
		ids, ofWindows = append(ids, secrets.ID()), append(ofWindows, window)
		languages, fields = append(languages, string(l)), append(fields, string(raw))
		return err
	}
	for _, l := range Languages {
		if err := add(nil, l, map[string]string{}); err != nil {
			return fmt.Errorf("merge values: %w", err)
		}
		for i := range windows {
			if err := add(&windows[i].ID, l, windowFields(l, &windows[i], c)); err != nil {
				return fmt.Errorf("merge values: %w", err)
			}
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`insert into merges (id, notice_id, window_id, language, fields)
		select id, $2, window_id, language, fields::jsonb from unnest($1::uuid[], $3::uuid[], $4::text[], $5::text[]) t (id, window_id, language, fields)`,
		ids, n.ID, ofWindows, languages, fields)
	return send(tx, batch, "store merge values")
}

// told is who gets an announcement: subscribers.RecipientsSQL with the window for whose sake, $1 to
// $4 as there; $5 the change, $6 the channels that this deployment has, $7 the notice, $8 now, $9 the
// key of links.
var told = `with chosen as (` + subscribers.RecipientsSQL + `), t as (
	select c.subscription_id, c.basis, c.channel, c.address, coalesce(nullif(c.addressee, ''), c.address) as addressee, c.language, w.id as window_id
	  from chosen c left join windows w on w.change_id = $5 and w.customer_id = c.customer_id and c.basis = 'contract'
	 where c.channel = any($6) and (c.basis = 'follower' or w.id is not null))`

// toldBefore is who gets a withdrawal: whoever an attempt was made to tell of the announcement, the
// notice $1; $6 to $9 as in told.
const toldBefore = `with t as (
	select s.id as subscription_id, s.basis, s.channel, s.address, d.addressee, s.language, d.window_id
	  from deliveries d join subscriptions s on s.id = d.subscription_id
	 where d.notice_id = $1 and d.attempts > 0 and s.channel = any($6)
	   and $2::text is not null and $3::text[] is not null and $4::uuid[] is not null and $5::uuid is not null)`

func (s *Service) insertDeliveries(tx *database.Tx, c *content, n *Notice, windows []changes.WindowView) (int64, error) {
	aim, err := changes.AimOf(tx, &c.change.Change)
	if err != nil {
		return 0, err
	}
	customers := make([]uuid.UUID, len(windows))
	for i := range windows {
		customers[i] = windows[i].CustomerID
	}
	with, first := told, any(customers)
	if n.Kind == Withdrawal {
		former, err := announcementOf(tx, n.ChangeID)
		if err != nil {
			return 0, err
		}
		if err := awaitClaims(tx, former); err != nil {
			return 0, err
		}
		with, first = toldBefore, former
	}
	args := []any{first, aim.Kind, database.OrEmpty(aim.Regions), database.OrEmpty(aim.ProductIDs), n.ChangeID, s.options.Channels, n.ID, tx.Now(), s.links.CurrentKey()}
	_, err = tx.Exec(with+`
		insert into endpoints (channel, key, created_at)
		select distinct t.channel, `+endpointKey+`, $8::timestamptz from t where $7::uuid is not null and $9::text is not null
		order by 1, 2 on conflict (channel, key) do nothing`, args...)
	if err != nil {
		return 0, fmt.Errorf("fan out: endpoints: %w", err)
	}
	count, err := tx.Exec(with+`
		insert into deliveries (notice_id, subscription_id, rendering_id, merge_id, window_id, endpoint_id, channel, address, addressee, link_key, due_at, created_at)
		select $7, t.subscription_id, r.id, m.id, t.window_id, e.id, t.channel, t.address, t.addressee, $9, $8, $8
		  from t
		  join renderings r on r.notice_id = $7 and r.channel = t.channel and r.language = t.language and r.audience = t.basis
		  join merges m on m.notice_id = $7 and m.window_id is not distinct from t.window_id and m.language = t.language
		  join endpoints e on e.channel = t.channel and e.key = `+endpointKey+`
		on conflict (notice_id, subscription_id) do nothing`, args...)
	if err != nil {
		return 0, fmt.Errorf("fan out: deliveries: %w", err)
	}
	return count, nil
}

// endpointKey is the far side of a recipient: its domain for email, else the address itself.
const endpointKey = `case t.channel when 'email' then lower(split_part(t.address, '@', -1)) else t.address end`

// announcementOf is the notice that a withdrawal withdraws; the zero ID when the change was
// withdrawn before its fan-out: nobody was told, so nobody is told.
func announcementOf(tx *database.Tx, change uuid.UUID) (uuid.UUID, error) {
	id, err := database.Scalar[uuid.UUID](tx, "select id from notices where change_id = $1 and kind = 'announcement'", change)
	if err != nil && !database.NotFound(err) {
		return uuid.Nil, fmt.Errorf("find the announcement: %w", err)
	}
	return id, nil
}

// awaitClaims waits for claims of the announcement's deliveries that are under way: who is being
// written to now must hear of the withdrawal too. Claims that begin later see the withdrawn change.
func awaitClaims(tx *database.Tx, announcement uuid.UUID) error {
	_, err := tx.Exec("select from deliveries where notice_id = $1 and due_at is not null order by id for no key update", announcement)
	if err != nil {
		return fmt.Errorf("wait for claims: %w", err)
	}
	return nil
}

func send(tx *database.Tx, batch *pgx.Batch, doing string) error {
	err := tx.Pgx(func(ptx pgx.Tx) error { return ptx.SendBatch(tx.Context(), batch).Close() })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
