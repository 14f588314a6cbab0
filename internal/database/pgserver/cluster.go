package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// prepare leaves a cluster in dir that a server can be started on, and says
// with what. The lock must be held.
func prepare(ctx context.Context, o Options, dir string, acc account) (binaries, error) {
	major, err := clusterMajor(dir)
	if err != nil {
		return binaries{}, err
	}
	bin, err := systemSearch().find(acc, dir, major)
	if err != nil {
		return binaries{}, err
	}
	if major == 0 {
		o.Log.Info("making a new database cluster", "data", dir, "major", bin.major)
		return bin, createCluster(ctx, acc, bin, dir, o.NoSync)
	}
	if err := acc.checkOwner(dir); err != nil {
		return binaries{}, err
	}
	return bin, clearOrphan(ctx, o.Log, dir)
}

// clusterMajor is the major version of the data in dir, 0 when dir is missing
// or empty. Anything else in it is refused.
func clusterMajor(dir string) (int, error) {
	full, err := occupied(dir)
	if err != nil {
		return 0, fmt.Errorf("read the data folder: %w", err)
	}
	if !full {
		return 0, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("the folder %s isn't empty and holds no PostgreSQL data: choose another DATA_DIR, or empty the folder", dir)
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	number, _, _ := strings.Cut(strings.TrimSpace(string(text)), ".") // 9.6 had a dot
	major, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("%s doesn't hold a version number: %w", filepath.Join(dir, "PG_VERSION"), err)
	}
	return major, nil
}

const newPrefix = ".new-" // after the data folder's name: a cluster in the making

// createCluster makes an empty cluster. It is made beside its place and renamed
// when complete, so that whatever ends the program leaves all of it or nothing.
func createCluster(ctx context.Context, acc account, bin binaries, dir string, noSync bool) error {
	removeUnfinished(dir)
	var err error
	for _, locale := range locales(bin.major) {
		err = initCluster(ctx, acc, bin, dir, noSync, locale)
		if err == nil || !strings.Contains(err.Error(), "invalid locale") {
			return err
		}
	}
	return err
}

// removeUnfinished clears what a killed start left; the lock says that nobody
// works on it. What an initdb that survived it still writes, goes next time.
func removeUnfinished(dir string) {
	leftovers, _ := filepath.Glob(globQuote.Replace(dir) + newPrefix + "*")
	for _, leftover := range leftovers {
		_ = os.RemoveAll(leftover)
	}
}

var globQuote = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// locales are initdb's options, the first that works is taken. All sort by code
// point, so the order of texts is the same on every machine; they differ in how
// many letters have an upper case.
func locales(major int) [][]string {
	if major >= 17 { // brought along by the server
		return [][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}
	}
	return [][]string{
		{"--locale=C.UTF-8"},                     // Linux
		{"--locale=C", "--lc-ctype=en_US.UTF-8"}, // macOS
		{"--locale=C"},
	}
}

func initCluster(ctx context.Context, acc account, bin binaries, dir string, noSync bool, locale []string) error {
	making, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+newPrefix)
	if err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(making) }() // gone already when all went well
	if err := acc.own(making); err != nil {
		return fmt.Errorf("hand the data folder to user %s: %w", acc.name, err)
	}
	args := append([]string{"-D", making, "--username=" + superuser, "--encoding=UTF8", "--data-checksums",
		// Whoever can connect is trusted. That is acceptable only because the
		// one way in is a socket in a folder of mode 0700; see makeSocketDir.
		"--auth-local=trust", "--auth-host=reject", "--no-instructions"}, locale...)
	if noSync {
		args = append(args, "--no-sync")
	}
	out, err := acc.command(ctx, bin.path("initdb"), args...).CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("making the data folder was interrupted: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("initdb could not make the data folder (%w):\n%s", err, lastLines(bytes.TrimSpace(out), tailLines))
	}
	return moveIntoPlace(making, dir)
}

func moveIntoPlace(making, dir string) error {
	// Not os.Rename, which doesn't replace an empty folder.
	err := syscall.Rename(making, dir)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%s is a mount point: choose a folder below it as DATA_DIR: %w", dir, err)
	}
	if err != nil {
		return fmt.Errorf("move the new data folder to %s: %w", dir, err)
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return fmt.Errorf("flush the new data folder's name: %w", err)
	}
	defer parent.Close()
	if err := parent.Sync(); err != nil {
		return fmt.Errorf("flush the new data folder's name: %w", err)
	}
	return nil
}
