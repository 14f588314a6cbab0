package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

func record(t *testing.T, db *database.DB, body any) error {
	t.Helper()
	return db.Transact(t.Context(), func(tx *database.Tx) error {
		return ledger.Append(tx, ledger.Entry{Kind: "test.happened", Actor: actor.ForSystem(),
			Subject: ledger.SubjectOf("thing", secrets.ID()), Body: body})
	})
}

func TestTheChainHoldsUnderConcurrency(t *testing.T) {
	db, _ := databasetest.New(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 10 {
				if err := record(t, db, map[string]any{"writer": i, "n": j, "text": "ü \u2028 <&>"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n, err := ledger.Verify(t.Context(), db); n != 40 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestARolledBackThingLeavesNoEntry(t *testing.T) {
	db, _ := databasetest.New(t)
	stop := errors.New("stop")
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := ledger.Append(tx, ledger.Entry{Kind: "test.happened", Actor: actor.ForSystem()}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if n, err := ledger.Verify(t.Context(), db); n != 0 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestTheLedgerIsAppendOnly(t *testing.T) {
	db, _ := databasetest.New(t)
	if err := record(t, db, map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"update ledger_entries set kind = 'x'", "delete from ledger_entries", "truncate ledger_entries cascade",
		"update ledger_bodies set body = '{}'"} {
		if _, err := db.Pool().Exec(t.Context(), s); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// Somebody with the superuser's power can switch the triggers off; the chain still tells.
func TestTamperingIsFoundAtTheFirstEntryThatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		seq  int64
		want string
	}{
		"facts changed":  {"update ledger_entries set kind = 'forged' where seq = 3", 3, "facts"},
		"time changed":   {"update ledger_entries set at = at + interval '1 microsecond' where seq = 2", 2, "facts"},
		"body changed":   {`update ledger_bodies set body = '{"n":9}' where seq = 4`, 4, "body"},
		"entry removed":  {"delete from ledger_bodies where seq = 2; delete from ledger_entries where seq = 2", 3, "entry 2 is missing"},
		"resealed alone": {"update ledger_entries set kind = 'forged', hash = ledger_seal(prev, seq, at, 'forged', actor_kind, actor_id, subject_kind, subject_id, leaf) where seq = 3", 4, "chained"},
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := databasetest.New(t)
			for n := range 5 {
				if err := record(t, db, map[string]int{"n": n}); err != nil {
					t.Fatal(err)
				}
			}
			sql := "begin; set local session_replication_role = replica; " + c.sql + "; commit"
			if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			_, err := ledger.Verify(t.Context(), db)
			var broken *ledger.Broken
			if !errors.As(err, &broken) || broken.Seq != c.seq || !strings.Contains(broken.Why, c.want) {
				t.Errorf("got %v, want entry %d: %s", err, c.seq, c.want)
			}
		})
	}
}

func TestErasingABodyLeavesTheChainWhole(t *testing.T) {
	db, _ := databasetest.New(t)
	for n := range 3 {
		if err := record(t, db, map[string]string{"name": fmt.Sprint("person ", n)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Pool().Exec(t.Context(), "delete from ledger_bodies where seq = 2"); err != nil {
		t.Fatal(err)
	}
	if n, err := ledger.Verify(t.Context(), db); n != 3 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}
