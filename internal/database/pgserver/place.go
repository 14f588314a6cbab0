package pgserver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// fallbackRoot holds the data of those whose own folder the server's user
// cannot reach.
const fallbackRoot = "/var/lib/fairnotice"

// settle turns the wanted data folder into the one to use, free of links, and
// chooses who runs the server on it. The folder's parent exists afterwards.
func settle(log *slog.Logger, wanted string) (string, account, error) {
	if wanted == "" {
		return "", account{}, errors.New("no data folder given for the embedded PostgreSQL: set DATA_DIR")
	}
	dir, err := resolve(wanted)
	if err != nil {
		return "", account{}, err
	}
	acc, err := chooseAccount(dir)
	if err != nil {
		return "", account{}, err
	}
	if err := acc.checkRuns(); err != nil {
		return "", account{}, err
	}
	cannot := acc.canEnter(filepath.Dir(dir))
	if cannot == nil {
		return dir, acc, nil
	}
	reachable, err := fallBack(acc, dir)
	if err != nil {
		return "", account{}, fmt.Errorf("PostgreSQL doesn't run as root but as user %s, who can't get to the data folder %s (%v), and no other folder took its place: %w; "+
			"choose a DATA_DIR that this user can reach, start Fairnotice as an ordinary user, or set DATABASE_URL", acc.name, dir, cannot, err)
	}
	log.Warn("PostgreSQL runs as another user than root, who cannot reach the data folder; the data are elsewhere",
		"user", acc.name, "wanted", dir, "data", reachable)
	return reachable, acc, nil
}

// resolve makes the path absolute and follows links, so that the lock, which
// lies beside the data, is one whichever way somebody came.
func resolve(wanted string) (string, error) {
	dir, err := filepath.Abs(wanted)
	if err != nil {
		return "", fmt.Errorf("find the data folder %s: %w", wanted, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("no room for the data folder; choose a DATA_DIR that you may write to: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err == nil {
		return resolved, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("find the data folder %s: %w", dir, err)
	}
	if target, err := os.Readlink(dir); err == nil {
		// Perhaps a disk isn't mounted: starting with no data would be worse.
		return "", fmt.Errorf("the data folder %s is a link to %s, which is not there: bring it back, or remove the link to begin anew", dir, target)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return "", fmt.Errorf("find the data folder %s: %w", dir, err)
	}
	return filepath.Join(parent, filepath.Base(dir)), nil
}

// fallBack makes a data folder that the account can reach and leaves a link to
// it in the wanted place: there people look for their data, and so a moved or
// renamed project still finds them.
func fallBack(acc account, wanted string) (string, error) {
	switch occupied, err := occupied(wanted); {
	case err != nil:
		return "", err
	case occupied:
		return "", errors.New("it isn't empty")
	}
	home := fallbackHome(wanted)
	dir := filepath.Join(home, "postgres")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, open := range []string{fallbackRoot, home} { // whatever the umask
		if err := os.Chmod(open, 0o755); err != nil {
			return "", err
		}
	}
	if err := acc.canEnter(home); err != nil {
		return "", err
	}
	if err := os.Remove(wanted); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return dir, os.Symlink(dir, wanted)
}

// fallbackHome is where the data folder, its lock and its log lie instead.
func fallbackHome(wanted string) string {
	sum := sha256.Sum256([]byte(wanted))
	return filepath.Join(fallbackRoot, fmt.Sprintf("%x", sum[:8]))
}

// occupied tells whether there is anything in the folder; a missing one has
// nothing.
func occupied(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return len(entries) > 0, err
}
