package housetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/ledger"
)

// Audit is what a house's record says of its deliveries, beside what really arrived.
type Audit struct {
	Deliveries int
	Lost       int // never arrived, although nothing refused them for good
	Untrue     int // recorded as sent or received, and never arrived
	Unknown    int // arrived, and recorded as still to be sent or as never sent
	Repeated   int // arrivals beyond the first
	Unmarked   int // deliveries that arrived more than once and don't say that they may have
	Marked     int // deliveries that say that they may have been repeated
	Attempts   int // recorded
	Unrecorded int // attempts that a crash left without a record
	Notices    int
}

func (a *Audit) String() string {
	return fmt.Sprintf("%d deliveries of %d notices: %d lost, %d repeated, %d marked as possible repeats, %d attempts recorded, %d cut off",
		a.Deliveries, a.Notices, a.Lost, a.Repeated, a.Marked, a.Attempts, a.Unrecorded)
}

// recorded is a delivery as the database has it.
type recorded struct {
	ID             uuid.UUID
	State          string
	PossibleRepeat bool
	Attempts       int
	Rows           int // of attempts
	Accepted       int // of them
	Later          int // attempts after the first that was accepted
	Served         int // facts of service that the first attempt accepted brought
	HasWindow      bool
}

const auditQuery = `
	select d.id, d.state, d.possible_repeat, d.attempts, d.window_id is not null as has_window,
	       count(a.number) as rows, count(*) filter (where a.outcome = 'accepted') as accepted,
	       count(*) filter (where a.number > f.first) as later,
	       (select count(*) from services s where s.delivery_id = d.id and s.kind = case d.channel when 'email' then 'sent' else 'received' end) as served
	  from deliveries d
	  left join attempts a on a.delivery_id = d.id
	  left join (select delivery_id, min(number) as first from attempts where outcome = 'accepted' group by 1) f on f.delivery_id = d.id
	 group by d.id, f.first`

// AuditRecord compares the record with how often each delivery arrived. Whatever must hold at any
// time, also between a crash and the recovery, it reports as an error of the test: no status is
// untrue, every repeat is marked, attempts and facts of service fit the states, and the ledger holds
// each attempt once. What may still be under way it only counts: Lost and Unknown.
func AuditRecord(t testing.TB, db *database.DB, arrived map[uuid.UUID]int) *Audit {
	t.Helper()
	ctx := context.Background()
	list, err := database.Collect[recorded](ctx, db.Pool(), auditQuery)
	if err != nil {
		t.Fatal(err)
	}
	a := &Audit{Deliveries: len(list)}
	for i := range list {
		if problem := a.add(&list[i], arrived[list[i].ID]); problem != "" {
			t.Errorf("%s, %s after %d attempts, arrived %d times: %s", list[i].ID, list[i].State, list[i].Attempts, arrived[list[i].ID], problem)
		}
	}
	a.checkLedger(t, db)
	if err := db.Pool().QueryRow(ctx, "select count(*) from notices").Scan(&a.Notices); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Audit) add(d *recorded, arrived int) (problem string) {
	served := d.State == "sent" || d.State == "received"
	a.Attempts += d.Rows
	a.Unrecorded += d.Attempts - d.Rows
	if d.PossibleRepeat {
		a.Marked++
	}
	if arrived > 1 {
		a.Repeated += arrived - 1
	}
	switch {
	case arrived == 0 && d.State != "failed" && d.State != "suppressed" && d.State != "cancelled":
		a.Lost++
	case arrived > 0 && !served:
		a.Unknown++
	}
	switch {
	case served && arrived == 0:
		a.Untrue++
		return "the status is untrue"
	case arrived > 1 && !d.PossibleRepeat:
		a.Unmarked++
		return "the repeat is not marked"
	case served != (d.Accepted > 0):
		return fmt.Sprintf("%d attempts were accepted", d.Accepted)
	case d.Later > 0 && !d.PossibleRepeat:
		return fmt.Sprintf("%d attempts after the one that was accepted", d.Later)
	case d.HasWindow && (d.Served == 1) != (d.Accepted > 0):
		return fmt.Sprintf("%d facts of service", d.Served)
	case d.Rows > d.Attempts:
		return fmt.Sprintf("%d attempts are recorded", d.Rows)
	}
	return ""
}

// checkLedger compares the ledger's groups with the attempts.
func (a *Audit) checkLedger(t testing.TB, db *database.DB) {
	t.Helper()
	var leaves, distinct int
	err := db.Pool().QueryRow(context.Background(), `select count(*), count(distinct l.leaf)
		from ledger_entries e join ledger_bodies b using (seq), json_array_elements_text(b.body->'attempts') l (leaf)
		where e.kind = 'deliveries.attempted'`).Scan(&leaves, &distinct)
	if err != nil {
		t.Fatal(err)
	}
	if leaves != a.Attempts || distinct != leaves {
		t.Errorf("the ledger holds %d attempts, %d of them different; %d are recorded", leaves, distinct, a.Attempts)
	}
	if _, err := ledger.Verify(context.Background(), db); err != nil {
		t.Error(err)
	}
}
