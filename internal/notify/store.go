package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/jobs"
	"fairnotice/internal/ledger"
	"fairnotice/internal/subscribers"
)

// store keeps every attempt and applies its outcome to the delivery, and says how many facts of
// service are new. The outcome is fenced by the attempt's number: a late answer to an attempt whose
// lease ran out does not undo what a later attempt found, but the attempt itself is kept. A repeated
// commit of the same group is harmless.
func (r *recorder) store(tx *database.Tx, group []finished) (served int64, err error) {
	// Everybody who locks several deliveries does so in the order of their IDs: a withdrawal locks all.
	slices.SortFunc(group, func(a, b finished) int { return bytes.Compare(a.out.ID[:], b.out.ID[:]) })
	former, err := tries(tx, group)
	if err != nil {
		return 0, err
	}
	for i := range group {
		f := &group[i]
		f.plan = next(f.out.Number, former[f.id()]+1, f.out.CreatedAt, tx.Now(), f.result, jitter())
	}
	fresh := map[attemptID]bool{}
	batch := &pgx.Batch{}
	batch.Queue(database.ByIndex)
	queueAttempts(batch, group, fresh)
	queueOutcomes(batch, group, tx.Now())
	queueServices(batch, group, &served)
	if slices.ContainsFunc(group, func(f finished) bool { return f.result.Disable != "" }) {
		// Before the endpoints: a fan-out holds subscriptions when it comes for these.
		if err := send(tx, batch, "store attempts"); err != nil {
			return 0, err
		}
		if err := disable(tx, group); err != nil {
			return 0, err
		}
		batch = &pgx.Batch{}
	}
	batch.Queue(endpointNews, newsOf(group, tx.Now()).args(tx.Now())...) // last: others wait for these rows
	if err := send(tx, batch, "store attempts"); err != nil {
		return 0, err
	}
	if stranded(group) {
		if err := r.jobs.Insert(tx, LookAfter{}, jobs.Once(jobs.QueueWindows)); err != nil {
			return 0, err
		}
	}
	return served, appendGroup(tx, slices.DeleteFunc(slices.Clone(group), func(f finished) bool { return !fresh[f.id()] }))
}

// tries counts, for those that may be tried again, the attempts before this one that somebody could
// answer: an hour without our relay must not use up what is meant for the recipient's side.
func tries(tx *database.Tx, group []finished) (map[attemptID]int, error) {
	var ids []uuid.UUID
	var numbers []int
	for _, f := range group {
		if f.out.Number > 1 && (f.result.Outcome == Temporary || f.result.Outcome == Ambiguous) {
			ids, numbers = append(ids, f.out.ID), append(numbers, f.out.Number)
		}
	}
	if len(ids) == 0 {
		return map[attemptID]int{}, nil
	}
	if _, err := tx.Exec(database.ByIndex); err != nil {
		return nil, fmt.Errorf("count tries: %w", err)
	}
	rows, err := database.Rows[struct {
		DeliveryID    uuid.UUID
		Number, Tries int
	}](tx, `select a.delivery_id, t.number, count(*) as tries from unnest($1::uuid[], $2::int[]) t (id, number)
		  join attempts a on a.delivery_id = t.id and a.number < t.number
		 where a.outcome <> 'unreachable' group by 1, 2`, ids, numbers)
	if err != nil {
		return nil, fmt.Errorf("count tries: %w", err)
	}
	out := make(map[attemptID]int, len(rows))
	for _, r := range rows {
		out[attemptID{r.DeliveryID, r.Number}] = r.Tries
	}
	return out, nil
}

// attemptID names an attempt.
type attemptID struct {
	DeliveryID uuid.UUID
	Number     int
}

func (f *finished) id() attemptID { return attemptID{f.out.ID, f.out.Number} }

// queueAttempts notes which attempts are new: after a commit whose answer was lost there are none.
func queueAttempts(batch *pgx.Batch, group []finished, fresh map[attemptID]bool) {
	n := len(group)
	ids, numbers, codes, took := make([]uuid.UUID, n), make([]int, n), make([]int, n), make([]int64, n)
	started, nexts, digests := make([]time.Time, n), make([]*time.Time, n), make([][]byte, n)
	outcomes, stages, answers := make([]string, n), make([]string, n), make([]string, n)
	addresses, epochs := make([]string, n), make([]int, n)
	for i, f := range group {
		ids[i], numbers[i], codes[i], took[i] = f.out.ID, f.out.Number, f.result.Code, f.took.Microseconds()
		started[i], nexts[i], digests[i] = f.out.StartedAt, f.plan.dueAt, f.result.Digest
		outcomes[i], stages[i], answers[i] = string(f.result.Outcome), f.result.Stage, f.result.Answer
		addresses[i], epochs[i] = f.out.Address, f.out.LinkEpoch
	}
	batch.Queue(`insert into attempts (delivery_id, number, started_at, duration_us, outcome, stage, code, answer, digest, next_at, address, link_epoch)
		select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::text[], $9::bytea[], $10::timestamptz[], $11::text[], $12::int[])
		on conflict do nothing returning delivery_id, number`,
		ids, numbers, started, took, outcomes, stages, codes, answers, digests, nexts, addresses, epochs).
		Query(func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[attemptID])
			for _, id := range list {
				fresh[id] = true
			}
			return err
		})
}

func queueOutcomes(batch *pgx.Batch, group []finished, now time.Time) {
	n := len(group)
	ids, numbers, digests := make([]uuid.UUID, n), make([]int, n), make([][]byte, n)
	states, reasons, outcomes := make([]string, n), make([]string, n), make([]string, n)
	nexts, dones := make([]*time.Time, n), make([]*time.Time, n)
	for i, f := range group {
		ids[i], numbers[i], digests[i] = f.out.ID, f.out.Number, f.result.Digest
		states[i], reasons[i], outcomes[i] = string(f.plan.state), f.plan.reason, string(f.result.Outcome)
		if nexts[i] = f.plan.dueAt; f.plan.dueAt == nil {
			dones[i] = &now
		}
	}
	batch.Queue(`update deliveries d set state = t.state, due_at = t.due_at, leased_until = null, done_at = t.done_at, reason = t.reason, digest = coalesce(t.digest, d.digest),
		possible_repeat = d.possible_repeat or (t.outcome = 'ambiguous' and t.due_at is not null)
		from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bytea[], $8::text[]) t (id, number, state, due_at, done_at, reason, digest, outcome)
		where d.id = t.id and d.attempts = t.number and d.state = 'sending'`,
		ids, numbers, states, nexts, dones, reasons, digests, outcomes)
}

// queueServices appends the facts of service of what was accepted, and counts those that are new.
func queueServices(batch *pgx.Batch, group []finished, served *int64) {
	var deliveries []uuid.UUID
	var kinds, proofs []string
	var ats []time.Time
	for _, f := range group {
		if f.out.WindowID == nil || f.result.Outcome != Accepted {
			continue
		}
		kind := "sent"
		if f.result.Received { // and so sent
			kind = "received"
		}
		deliveries = append(deliveries, f.out.ID)
		kinds, ats = append(kinds, kind), append(ats, f.out.StartedAt.Add(f.took).Truncate(time.Microsecond))
		proofs = append(proofs, fmt.Sprintf("%s: %d %s", f.out.Channel, f.result.Code, f.result.Answer))
	}
	if len(deliveries) == 0 {
		return
	}
	batch.Queue(`insert into services (delivery_id, kind, at, proof)
		select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) on conflict do nothing`,
		deliveries, kinds, ats, proofs).
		Exec(func(tag pgconn.CommandTag) error {
			*served = tag.RowsAffected()
			return nil
		})
}

// stranded says whether a contract recipient was refused for good: its customer's fallback should
// not wait for the clock to be told.
func stranded(group []finished) bool {
	return slices.ContainsFunc(group, func(f finished) bool { return f.plan.state == Failed && f.out.WindowID != nil })
}

// appendGroup records the attempts, one entry for each notice in the group.
func appendGroup(tx *database.Tx, group []finished) error {
	byNotice := map[uuid.UUID][]finished{}
	var order []uuid.UUID
	for _, f := range group {
		id := f.out.NoticeID
		if byNotice[id] == nil {
			order = append(order, id)
		}
		byNotice[id] = append(byNotice[id], f)
	}
	for _, id := range order {
		err := ledger.Append(tx, ledger.Entry{Kind: "deliveries.attempted", Actor: actor.ForSystem(),
			Subject: ledger.SubjectOf("notice", id), Body: groupBody(byNotice[id])})
		if err != nil {
			return err
		}
	}
	return nil
}

// disable ends the subscriptions whose far side said that nothing may be sent there any more.
func disable(tx *database.Tx, group []finished) error {
	for _, f := range group {
		if f.result.Disable == "" {
			continue
		}
		if err := subscribers.DisableInTx(tx, actor.ForSystem(), f.out.SubscriptionID, f.result.Disable); err != nil {
			return fmt.Errorf("disable a subscription: %w", err)
		}
	}
	return nil
}

// groupBody is the ledger's view of a group: one leaf per attempt, in order.
func groupBody(group []finished) any {
	leaves := make([]string, len(group))
	for i, f := range group {
		leaves[i] = hex.EncodeToString(attemptLeaf(&Attempt{DeliveryID: f.out.ID, Number: f.out.Number, StartedAt: f.out.StartedAt,
			DurationUS: f.took.Microseconds(), Outcome: f.result.Outcome, Code: f.result.Code, Answer: f.result.Answer, Digest: f.result.Digest}))
	}
	return map[string]any{"attempts": leaves}
}

// attemptLeaf is the digest by which an attempt is in the ledger: SHA-256 over its facts, each
// preceded by its length.
func attemptLeaf(a *Attempt) []byte {
	h := sha256.New()
	write := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	write(a.DeliveryID[:])
	write(binary.BigEndian.AppendUint64(nil, uint64(a.Number)))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.StartedAt.UnixMicro())))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.DurationUS)))
	write([]byte(a.Outcome))
	write(binary.BigEndian.AppendUint64(nil, uint64(a.Code)))
	write([]byte(a.Answer))
	write(a.Digest)
	return h.Sum(nil)
}
