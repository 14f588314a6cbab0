package database_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/migrations"
)

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Each down must undo exactly its up: the schema at version n-1 looks the same before and after.
func TestEachMigrationGoesDownAgain(t *testing.T) {
	url := databasetest.NewBlankURL(t)
	db := open(t, url)
	steps := []string{schema(t, url)}
	for v := int64(1); v <= migrations.Version; v++ {
		if err := database.MigrateTo(t.Context(), db, v); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, schema(t, url))
		if steps[v] == steps[v-1] {
			t.Errorf("migration %d changes nothing", v)
		}
	}
	for v := int64(migrations.Version) - 1; v >= 0; v-- {
		if err := db.MigrateDown(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(steps[v], "\n"), strings.Split(schema(t, url), "\n")); diff != "" {
			t.Errorf("down to %d (-before +after):\n%s", v, diff)
		}
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
}

func TestAWrongSchemaIsRefused(t *testing.T) {
	url := databasetest.NewBlankURL(t)
	db := open(t, url)
	check := func(want string) {
		t.Helper()
		err := db.CheckSchema(t.Context())
		if !errors.Is(err, database.ErrWrongSchema) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a refusal with %q", err, want)
		}
	}
	check("run: worker migrate")
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.CheckSchema(t.Context()); err != nil {
		t.Errorf("after migrating: %v", err)
	}
	if err := db.MigrateDown(t.Context(), migrations.Version-1); err != nil {
		t.Fatal(err)
	}
	check("run: worker migrate")
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool().Exec(t.Context(), "insert into goose_db_version (version_id, is_applied) values (9999, true)"); err != nil {
		t.Fatal(err)
	}
	check("newer")
	if err := db.Migrate(t.Context()); !errors.Is(err, database.ErrWrongSchema) {
		t.Errorf("migrating a newer schema: %v", err)
	}
}

func TestSeveralMigrateAtOnce(t *testing.T) {
	url := databasetest.NewBlankURL(t)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		db := open(t, url)
		wg.Go(func() { errs[i] = db.Migrate(t.Context()) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if err := open(t, url).CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}
