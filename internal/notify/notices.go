package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
)

// NoticeView is a notice with the reference of its change.
type NoticeView struct {
	Notice
	Reference string
}

// NoticeByID returns one notice.
func (s *Service) NoticeByID(ctx context.Context, id uuid.UUID) (*NoticeView, error) {
	list, err := database.Collect[NoticeView](ctx, s.db.Reader(ctx), `select n.id, n.change_id, n.kind, n.created_at, c.reference
		from notices n join changes c on c.id = n.change_id where n.id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read a notice: %w", err)
	}
	if len(list) == 0 {
		return nil, fault.Missing("notice")
	}
	return &list[0], nil
}

// Exported is a delivery with one of its attempts, or with none when Number is nil.
type Exported struct {
	ID             uuid.UUID
	CustomerName   string // "" for followers
	Basis          string
	Channel        string
	Address        string
	Addressee      string
	Language       string
	State          State
	Reason         string
	PossibleRepeat bool
	CreatedAt      time.Time
	DoneAt         *time.Time
	DueAt          *time.Time
	Number         *int
	StartedAt      *time.Time
	DurationUS     *int64 `db:"duration_us"` // microseconds
	Outcome        *string
	Stage          *string
	Code           *int
	Answer         *string
	Digest         []byte
}

// ShownAddress is the address without what would let a reader use it.
func (e *Exported) ShownAddress() string { return shownAddress(e.Channel, e.Address) }

// ShownAddressee is the recipient's name, or else the address as it may be shown.
func (e *Exported) ShownAddressee() string { return shownAddressee(e.Channel, e.Address, e.Addressee) }

const exportQuery = `
	select d.id, coalesce(k.name, '') as customer_name, s.basis, d.channel, d.address, d.addressee, r.language, d.state, d.reason,
	       d.possible_repeat, d.created_at, d.done_at, d.due_at, a.number, a.started_at, a.duration_us, a.outcome, a.stage, a.code, a.answer, a.digest
	  from deliveries d
	  join subscriptions s on s.id = d.subscription_id
	  join renderings r on r.id = d.rendering_id
	  left join windows w on w.id = d.window_id
	  left join customers k on k.id = w.customer_id
	  left join attempts a on a.delivery_id = d.id
	 where d.notice_id = $1 and ($2::uuid is null or d.id > $2)
	   and d.id <= coalesce((select e.id from deliveries e where e.notice_id = $1 and ($2::uuid is null or e.id > $2) order by e.id offset $3 limit 1), d.id)
	 order by d.id, a.number`

// exportPage is how many deliveries are read at a time: nothing is held open for a slow reader.
const exportPage = 1000

// Export hands every delivery of a notice, with every attempt, to each, in the order of their IDs,
// and records that it was asked for. It ends with the first error of each.
func (s *Service) Export(ctx context.Context, who actor.Actor, notice uuid.UUID, each func(*Exported) error) error {
	if err := who.Must(actor.ReadConsole); err != nil {
		return err
	}
	err := s.db.Transact(ctx, func(tx *database.Tx) error {
		return ledger.Append(tx, ledger.Entry{Kind: "deliveries.exported", Actor: who, Subject: ledger.SubjectOf("notice", notice)})
	})
	if err != nil {
		return err
	}
	var after *uuid.UUID
	for {
		rows, err := database.Collect[Exported](ctx, s.db.Reader(ctx), exportQuery, notice, after, exportPage-1)
		if err != nil {
			return fmt.Errorf("export deliveries: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
		after = &rows[len(rows)-1].ID
	}
}
