package database_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/secrets"
)

type product struct {
	ID        string
	Slug      string
	Name      string
	CreatedAt time.Time
}

func aProduct(name string) *product {
	return &product{ID: secrets.ID().String(), Slug: name, Name: name}
}

func countProducts(t *testing.T, db *database.DB) (n int) {
	t.Helper()
	if err := db.Pool().QueryRow(context.Background(), "select count(*) from products").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var errStop = errors.New("stop")

// bothFaces writes one row by gorm and one by pgx.
func bothFaces(tx *database.Tx) error {
	if err := tx.Gorm().Create(aProduct("by-gorm")).Error; err != nil {
		return err
	}
	_, err := tx.Exec("insert into products (id, slug, name, created_at) values ($1, 'by-pgx', 'by-pgx', $2)", secrets.ID(), tx.Now())
	return err
}

func TestBothFacesCommitTogether(t *testing.T) {
	db, clock := databasetest.New(t)
	if err := db.Transact(t.Context(), bothFaces); err != nil {
		t.Fatal(err)
	}
	if n := countProducts(t, db); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	var made time.Time
	if err := db.Pool().QueryRow(t.Context(), "select created_at from products where slug = 'by-gorm'").Scan(&made); err != nil {
		t.Fatal(err)
	}
	if !made.Equal(clock.Now()) {
		t.Errorf("gorm's time is %v, want the transaction's %v", made, clock.Now())
	}
}

func TestACreateIsRolledBack(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := bothFaces(tx); err != nil {
			return err
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if n := countProducts(t, db); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestANestedTransactionIsRolledBackWithTheOuterOne(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		err := tx.Gorm().Transaction(func(inner *gorm.DB) error {
			return inner.Create(aProduct("inner")).Error
		})
		if err != nil {
			return err
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if n := countProducts(t, db); n != 0 {
		t.Errorf("%d rows are left: gorm committed the outer transaction", n)
	}
}

func TestANestedFailureLeavesTheOuterAlive(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		if err := tx.Gorm().Create(aProduct("outer")).Error; err != nil {
			return err
		}
		err := tx.Gorm().Transaction(func(inner *gorm.DB) error {
			if err := inner.Create(aProduct("inner")).Error; err != nil {
				return err
			}
			return inner.Create(aProduct("outer")).Error // violates the unique key
		})
		if constraint, ok := database.Violates(err); !ok || constraint != "products_slug_key" {
			t.Errorf("got %v, want the slug's key violated", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := countProducts(t, db); n != 1 {
		t.Errorf("%d rows, want the outer's one", n)
	}
}

func TestACancellationLeavesNothing(t *testing.T) {
	db, _ := databasetest.New(t)
	for range 20 { // a race, if there is one, needs several tries
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Transact(ctx, func(tx *database.Tx) error {
			if err := bothFaces(tx); err != nil {
				return err
			}
			time.AfterFunc(time.Millisecond, cancel)
			_, err := tx.Exec("select pg_sleep(5)")
			return err
		})
		cancel()
		if err == nil {
			t.Fatal("a cancelled transaction committed")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Transact(ctx, func(tx *database.Tx) error {
		err := bothFaces(tx)
		cancel() // between the last statement and the commit
		return err
	})
	if err == nil {
		t.Error("a transaction cancelled before its commit committed")
	}
	if n := countProducts(t, db); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("the pool is not usable any more: %v", err)
	}
}

func TestAPanicRollsBackAndGoesOn(t *testing.T) {
	db, _ := databasetest.New(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.Transact(t.Context(), func(tx *database.Tx) error {
			_ = bothFaces(tx)
			panic("defect")
		})
	}()
	if n := countProducts(t, db); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestAHookIsPartOfTheTransaction(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		tx.BeforeCommit(func(*database.Tx) error { return errStop })
		return bothFaces(tx)
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if n := countProducts(t, db); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestCommitBelongsToTransact(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		session := func() *gorm.DB { return tx.Gorm().Session(&gorm.Session{}) }
		if err := session().Commit().Error; err == nil {
			t.Error("gorm may commit")
		}
		if err := session().Rollback().Error; err == nil {
			t.Error("gorm may roll back")
		}
		return bothFaces(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// schema describes every table, column, index, constraint and function that is ours.
func schema(t *testing.T, url string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), `
		select 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(column_default, '')
		  from information_schema.columns where table_schema = 'public' and table_name not like 'goose%'
		union all select 'index ' || indexdef from pg_indexes where schemaname = 'public' and tablename not like 'goose%'
		union all select 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
		  where connamespace = 'public'::regnamespace and conrelid::regclass::text not like 'goose%'
		union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
		union all select 'type ' || typname from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'
		union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// The bones of a term sheet are checked by the database too: each of them missing is refused.
func TestATermSheetWithoutABoneIsRefused(t *testing.T) {
	db, _ := databasetest.New(t)
	const sheet = `{"authorisation":"general","notice":{"count":30,"unit":"calendar_days"},"objection":{"count":30,"unit":"calendar_days"},
		"objection_runs":"from_notice","activation_waits_for":"later","direction":"forward","clock_starts":"sent","counting":"plain","served":"first","time_zone":"UTC"}`
	sound := func(expr string) (ok bool) {
		t.Helper()
		if err := db.Pool().QueryRow(t.Context(), "select term_sheet_sound("+expr+")", sheet).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !sound("$1::jsonb") {
		t.Error("a sound sheet is refused")
	}
	for _, path := range []string{"{authorisation}", "{notice,count}", "{notice,unit}", "{notice}", "{objection,count}", "{objection_runs}", "{activation_waits_for}",
		"{direction}", "{clock_starts}", "{counting}", "{served}", "{time_zone}"} {
		if sound("$1::jsonb #- '" + path + "'") {
			t.Errorf("a sheet without %s is accepted", path)
		}
	}
}
