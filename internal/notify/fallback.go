package notify

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/publisher"
)

// strandedRecipients are the contacts, over the channels $1, of customers for whom no delivery is
// left that reached, or may still reach, anybody.
const strandedRecipients = `
	select n.id as notice_id, s.id as subscription_id, s.customer_id, s.basis, s.channel, s.address, k.name as addressee, s.language, w.id as window_id
	  from windows w join notices n on n.change_id = w.change_id and n.kind = 'announcement'
	  join changes c on c.id = w.change_id
	  join subscriptions s on s.customer_id = w.customer_id and s.basis = 'contract' and s.state = 'active' and s.channel = any($1)
	  join contacts k on k.id = s.contact_id and k.removed_at is null
	  left join suppressions p on p.address = lower(s.address)
	 where w.state = 'open' and w.served_at is null and c.state = 'announced' and p.address is null
	   and not exists (select from deliveries d where d.window_id = w.id and d.notice_id = n.id
	                    and d.state in ('queued', 'sending', 'sent', 'received'))
	   and not exists (select from deliveries d where d.notice_id = n.id and d.subscription_id = s.id)`

// turnToFallback adds deliveries to the fallback contacts of customers for whom no delivery is
// left that reached, or may still reach, anybody: a suppressed or dead recipient goes to the
// fallback, never to nobody.
func (s *Service) turnToFallback(tx *database.Tx, settings *publisher.Settings) error {
	stranded, err := database.Scalar[bool](tx, "select exists ("+strandedRecipients+")", s.options.Channels)
	if err != nil {
		return fmt.Errorf("look for stranded customers: %w", err)
	}
	if !stranded {
		return nil
	}
	_, err = tx.Exec("create temporary table told on commit drop as select t.notice_id, "+toldColumns+", t.window_id from ("+strandedRecipients+") t", s.options.Channels)
	if err != nil {
		return fmt.Errorf("turn to fallback contacts: %w", err)
	}
	notices, err := database.Rows[struct {
		ID        uuid.UUID
		Reference string
	}](tx, `select n.id, c.reference from notices n join changes c on c.id = n.change_id
		where n.id in (select notice_id from told) order by n.id`)
	if err != nil {
		return fmt.Errorf("turn to fallback contacts: %w", err)
	}
	for _, n := range notices {
		if err := writeMerges(tx, n.ID, n.Reference, settings); err != nil {
			return err
		}
		if _, err := insertDeliveries(tx, n.ID, s.links.CurrentKey()); err != nil {
			return err
		}
	}
	ids, err := database.Scalars[uuid.UUID](tx, `select d.id from told t join deliveries d on d.notice_id = t.notice_id and d.subscription_id = t.subscription_id order by d.id`)
	if err != nil {
		return fmt.Errorf("turn to fallback contacts: %w", err)
	}
	if err := record(tx, "deliveries.turned_to_fallback", ids, map[string]any{}); err != nil {
		return err
	}
	return s.wakeTold(tx)
}
