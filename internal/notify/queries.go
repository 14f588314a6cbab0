package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/subscribers"
)

// Progress counts the deliveries of a notice by state.
type Progress struct {
	NoticeID uuid.UUID
	Counts   map[State]int
	Channels map[string]*ChannelProgress // by name; only those that have a delivery
	Retrying int                         // queued after an attempt that failed
	NextAt   *time.Time                  // when the next try is due; nil when none is
	LastAt   *time.Time                  // when the last one ended
}

// ChannelProgress counts what goes over one channel.
type ChannelProgress struct{ Total, Done, Failed int }

// Total is how many deliveries there are.
func (p *Progress) Total() (n int) {
	for _, c := range p.Counts {
		n += c
	}
	return n
}

// Done is how many have come to an end, well or not.
func (p *Progress) Done() int { return p.Total() - p.Counts[Queued] - p.Counts[Sending] }

// ProgressOf counts one notice's deliveries.
func (s *Service) ProgressOf(ctx context.Context, notice uuid.UUID) (*Progress, error) {
	rows, err := database.Collect[struct {
		Channel  string
		State    State
		Count    int
		Retrying int
		NextAt   *time.Time
		LastAt   *time.Time
	}](ctx, s.db.Reader(ctx), `select channel, state, count(*), count(*) filter (where state = 'queued' and attempts > 0) as retrying,
		min(due_at) filter (where state = 'queued') as next_at, max(done_at) as last_at from deliveries where notice_id = $1 group by channel, state`, notice)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	p := &Progress{NoticeID: notice, Counts: map[State]int{}, Channels: map[string]*ChannelProgress{}}
	for _, r := range rows {
		p.count(r.Channel, r.State, r.Count)
		p.Retrying += r.Retrying
		if r.NextAt != nil && (p.NextAt == nil || r.NextAt.Before(*p.NextAt)) {
			p.NextAt = r.NextAt
		}
		if r.LastAt != nil && (p.LastAt == nil || r.LastAt.After(*p.LastAt)) {
			p.LastAt = r.LastAt
		}
	}
	return p, nil
}

func (p *Progress) count(channel string, state State, n int) {
	p.Counts[state] += n
	of := p.Channels[channel]
	if of == nil {
		of = &ChannelProgress{}
		p.Channels[channel] = of
	}
	of.Total += n
	switch state {
	case Queued, Sending:
	case Failed:
		of.Failed += n
		of.Done += n
	default:
		of.Done += n
	}
}

// Delivery is one recipient's copy of a notice, as pages show it.
type Delivery struct {
	ID             uuid.UUID
	NoticeID       uuid.UUID
	NoticeKind     Kind
	ChangeID       uuid.UUID
	Reference      string // of the change
	SubscriptionID uuid.UUID
	WindowID       *uuid.UUID
	CustomerID     *uuid.UUID
	CustomerName   string // "" for followers
	Basis          string
	Channel        string
	Language       string
	Address        string
	Addressee      string
	State          State
	Attempts       int
	DueAt          *time.Time
	PossibleRepeat bool
	Reason         string
	CreatedAt      time.Time
	DoneAt         *time.Time
	LastOutcome    Outcome // of the latest attempt; "" before the first
	LastCode       int
	LastAnswer     string
}

// ShownAddress is the address without what would let a reader use it: see the subscription's.
func (d *Delivery) ShownAddress() string { return shownAddress(d.Channel, d.Address) }

// ShownAddressee is the recipient's name, or else the address as it may be shown.
func (d *Delivery) ShownAddressee() string { return shownAddressee(d.Channel, d.Address, d.Addressee) }

func shownAddress(channel, address string) string {
	s := subscribers.Subscription{Channel: channel, Address: address}
	return s.ShownAddress()
}

func shownAddressee(channel, address, addressee string) string {
	if addressee == address {
		return shownAddress(channel, address)
	}
	return addressee
}

const deliveryQuery = `
	select d.id, d.notice_id, n.kind as notice_kind, n.change_id, c.reference, d.subscription_id, d.window_id, w.customer_id,
	       coalesce(k.name, '') as customer_name, s.basis, d.channel, r.language, d.address, d.addressee, d.state, d.attempts, d.due_at,
	       d.possible_repeat, d.reason, d.created_at, d.done_at,
	       coalesce(a.outcome, '') as last_outcome, coalesce(a.code, 0) as last_code, coalesce(a.answer, '') as last_answer
	  from deliveries d
	  join notices n on n.id = d.notice_id
	  join changes c on c.id = n.change_id
	  join subscriptions s on s.id = d.subscription_id
	  join renderings r on r.id = d.rendering_id
	  left join windows w on w.id = d.window_id
	  left join customers k on k.id = w.customer_id
	  left join attempts a on a.delivery_id = d.id and a.number = (select max(number) from attempts x where x.delivery_id = d.id) `

// searchable is what may be searched of a delivery's address: not more than is shown of it, or whoever searches could find out the rest letter by letter.
const searchable = `case when d.channel = 'webhook' then substring(d.address from '^[^:]*://[^/?#]*') else d.address end`

// DeliveryFilter narrows a list of deliveries; zero values narrow nothing.
type DeliveryFilter struct {
	NoticeID   uuid.UUID
	CustomerID uuid.UUID
	State      State
	Channel    string
	Retrying   bool   // only those queued after an attempt that failed
	Query      string // in the address, the addressee's or the customer's name
	After      string // the cursor that the page before ended with
	Limit      int    // at most 500; 0: 50
}

// Deliveries lists deliveries in the order of their IDs, and the cursor of the next page, "" on the
// last.
func (s *Service) Deliveries(ctx context.Context, f DeliveryFilter) (list []Delivery, next string, err error) {
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	after, err := database.ReadCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	list, err = database.Collect[Delivery](ctx, s.db.Reader(ctx), deliveryQuery+`
		where ($1::uuid is null or d.notice_id = $1) and ($2::uuid is null or w.customer_id = $2)
		  and ($3 = '' or d.state = $3) and (not $4 or (d.state = 'queued' and d.attempts > 0))
		  and ($5 = '' or `+searchable+` ilike '%' || $5 || '%' or (d.addressee <> d.address and d.addressee ilike '%' || $5 || '%') or k.name ilike '%' || $5 || '%')
		  and ($6::uuid is null or d.id > $6) and ($8 = '' or d.channel = $8)
		order by d.id limit $7`, idOrNull(f.NoticeID), idOrNull(f.CustomerID), string(f.State), f.Retrying, database.EscapeLike(f.Query), after, f.Limit+1, f.Channel)
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = database.WriteCursor(list[f.Limit-1].ID)
	}
	return list, next, nil
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// Delivery returns one delivery and its attempts, the first first.
func (s *Service) Delivery(ctx context.Context, id uuid.UUID) (*Delivery, []Attempt, error) {
	list, err := database.Collect[Delivery](ctx, s.db.Reader(ctx), deliveryQuery+"where d.id = $1", id)
	if err != nil {
		return nil, nil, fmt.Errorf("read a delivery: %w", err)
	}
	if len(list) == 0 {
		return nil, nil, fault.Missing("delivery")
	}
	attempts, err := database.Collect[Attempt](ctx, s.db.Reader(ctx), `select delivery_id, number, started_at, duration_us, outcome, stage, code, answer, digest, next_at
		from attempts where delivery_id = $1 order by number`, id)
	if err != nil {
		return nil, nil, fmt.Errorf("list attempts: %w", err)
	}
	return &list[0], attempts, nil
}

// Failing counts the deliveries that failed, or are being retried, for changes still announced:
// what the console's first page warns of.
func (s *Service) Failing(ctx context.Context) (failed, retrying int, err error) {
	err = s.db.Reader(ctx).QueryRow(ctx, `select count(*) filter (where d.state = 'failed'), count(*) filter (where d.state = 'queued' and d.attempts > 0)
		from deliveries d join notices n on n.id = d.notice_id join changes c on c.id = n.change_id where c.state = 'announced'`).Scan(&failed, &retrying)
	if err != nil {
		return 0, 0, fmt.Errorf("count failing deliveries: %w", err)
	}
	return failed, retrying, nil
}
