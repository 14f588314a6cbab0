package pgserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNoBinaries(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PG_BIN_DIR", empty)
	wantRefused(t, quick(newDataDir(t)), "PG_BIN_DIR "+empty, "apt install postgresql", "brew install postgresql@17", "DATABASE_URL")
}

func TestNothingInstalled(t *testing.T) {
	t.Parallel()
	_, err := search{path: t.TempDir(), patterns: []string{t.TempDir() + "/*/bin"}}.find(account{}, "/data", 0)
	if err == nil {
		t.Fatal("found something")
	}
	wantWords(t, err.Error(), "no PostgreSQL server found: on Debian", "apt install postgresql", "DATABASE_URL")
}

func TestWhereItLooks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	install := func(dir string, programs ...string) string {
		t.Helper()
		dir = filepath.Join(root, dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, p := range programs {
			if err := os.WriteFile(filepath.Join(dir, p), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	onPath := install("bin", "postgres", "initdb")
	client := install("client", "psql", "postgres")
	nine := install("lib/9/bin", "postgres", "initdb")
	fifteen := install("lib/15/bin", "postgres", "initdb")
	seventeen := install("lib/17/bin", "postgres", "initdb")
	install("lib/18/bin", "initdb")

	s := search{
		path:     "relative" + string(os.PathListSeparator) + client + string(os.PathListSeparator) + onPath,
		patterns: []string{root + "/lib/*/bin", root + "/lib/15/bin"},
	}
	if diff := cmp.Diff([]string{onPath, seventeen, fifteen, nine}, s.dirs()); diff != "" {
		t.Errorf("folders (-want +got)\n%s", diff)
	}
	s.override = nine
	if diff := cmp.Diff([]string{nine}, s.dirs()); diff != "" {
		t.Errorf("folders with PG_BIN_DIR (-want +got)\n%s", diff)
	}
}

func TestPrefersTheMajorOfTheData(t *testing.T) {
	t.Parallel()
	acc := mustAccount(t, "")
	bin, err := systemSearch().find(acc, "/data", 0)
	if err != nil {
		t.Fatal(err)
	}
	same, err := systemSearch().find(acc, "/data", bin.major)
	if err != nil || same.major != bin.major {
		t.Errorf("asked for %d, got %v (%v)", bin.major, same, err)
	}
	if _, err := systemSearch().find(acc, "/data", bin.major+50); err == nil {
		t.Error("found a version that doesn't exist")
	}
}
