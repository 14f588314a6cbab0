package pgserver

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("is about being root")
	}
}

// ownerOf names who owns the socket folder: who the server runs as.
func ownerOf(t *testing.T, s *Server) uint32 {
	t.Helper()
	info, err := os.Stat(s.socketDir)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := owner(info)
	return uid
}

func TestRootsFolderFallsBack(t *testing.T) {
	needRoot(t)
	t.Parallel()
	closed := t.TempDir() // its parent is root's alone
	wanted := filepath.Join(closed, "project", "data", "postgres")
	var logged bytes.Buffer
	o := quick(wanted)
	o.Log = slog.New(slog.NewTextHandler(&logged, nil))
	place := filepath.Join(fallbackHome(wanted), "postgres")
	t.Cleanup(func() {
		os.RemoveAll(fallbackHome(wanted))
		os.Remove(fallbackRoot) // unless somebody uses it
	})
	s := mustStart(t, o)
	if link, err := os.Readlink(wanted); link != place {
		t.Errorf("in the wanted place is a link to %q, want %s (%v)", link, place, err)
	}
	if _, err := os.Stat(filepath.Join(place, "PG_VERSION")); err != nil {
		t.Error(err)
	}
	wantWords(t, logged.String(), "the data are elsewhere", "wanted="+wanted, "data="+place)
	run(t, s, "CREATE TABLE remembered (what text); INSERT INTO remembered VALUES ('Hetzner')")
	mustStop(t, s)

	moved := filepath.Join(closed, "renamed")
	if err := os.Rename(filepath.Join(closed, "project"), moved); err != nil {
		t.Fatal(err)
	}
	s = mustStart(t, quick(filepath.Join(moved, "data", "postgres")))
	wantRemembered(t, s)
	mustStop(t, s)

	// With the link gone the path alone leads back to the data.
	s = mustStart(t, quick(wanted))
	wantRemembered(t, s)
}

func TestRootsFolderWithDataIsNotReplaced(t *testing.T) {
	needRoot(t)
	t.Parallel()
	wanted := t.TempDir()
	if err := os.WriteFile(filepath.Join(wanted, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, quick(wanted), "can't get to the data folder "+wanted, "choose a DATA_DIR")
}

func TestRunsAsTheOwnerOfTheData(t *testing.T) {
	needRoot(t)
	t.Parallel()
	dir := newCluster(t)
	acc, err := lookUp("nobody")
	if err != nil {
		t.Fatal(err)
	}
	handOver(t, dir, acc)
	s := mustStart(t, quick(dir))
	wantRemembered(t, s)
	if got := ownerOf(t, s); got != acc.uid {
		t.Errorf("runs as user %d, want the data's owner %d", got, acc.uid)
	}
}

func TestTakesOverRootsData(t *testing.T) {
	needRoot(t)
	t.Parallel()
	dir := newCluster(t)
	handOver(t, dir, account{other: true}) // as a restored backup might be
	s := mustStart(t, quick(dir))
	wantRemembered(t, s)
	if ownerOf(t, s) == 0 {
		t.Error("the server runs as root?")
	}
	if runtime.GOOS == "linux" {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, groups, _ := strings.Cut(string(text), "\nGroups:")
		groups, _, _ = strings.Cut(groups, "\n")
		if strings.TrimSpace(groups) != "" {
			t.Errorf("supplementary groups of the server: %s", groups)
		}
	}
}

func handOver(t *testing.T, dir string, acc account) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return acc.own(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}
