package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
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
	err = s.db.Transact(ctx, func(tx *database.Tx) error { return s.fanOut(tx, c) })
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

func (s *Service) fanOut(tx *database.Tx, c *content) error {
	notice := &Notice{ID: secrets.ID(), ChangeID: c.change.ID, Kind: c.kind, CreatedAt: tx.Now()}
	fresh, err := insertNotice(tx, notice)
	if err != nil || !fresh {
		return err
	}
	c.at = notice.CreatedAt
	if err := s.insertRenderings(tx, c, notice); err != nil {
		return err
	}
	if err := s.chooseTold(tx, c, notice); err != nil {
		return err
	}
	if err := writeMerges(tx, notice.ID, c.change.Reference, c.publisher); err != nil {
		return err
	}
	count, err := insertDeliveries(tx, notice.ID, s.links.CurrentKey())
	if err != nil {
		return err
	}
	if err := s.wakeTold(tx); err != nil {
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
	for _, channel := range s.options.Channels {
		for _, l := range Languages {
			for _, audience := range []Audience{ContractAudience, FollowerAudience} {
				r, err := s.rendering(c, channel, l, audience)
				if err != nil {
					return err
				}
				batch.Queue(`insert into renderings (id, notice_id, channel, language, audience, template_version, meta, subject, body_text, body_html, body_json, created_at)
					values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
					secrets.ID(), n.ID, r.Channel, r.Language, r.Audience, r.TemplateVersion, r.Meta, r.Subject, r.BodyText, r.BodyHTML, r.BodyJSON, tx.Now())
			}
		}
	}
	return send(tx, batch, "store renderings")
}

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
