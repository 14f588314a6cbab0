package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// account is the system's user that the server runs as.
type account struct {
	name     string
	uid, gid uint32
	other    bool // we are root, which PostgreSQL refuses, and this is somebody else
}

// chooseAccount is our own user, or, when that is root, the owner of the data
// that are there, or else a user made for such things.
func chooseAccount(dataDir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "this user", uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	if info, err := os.Stat(filepath.Join(dataDir, "PG_VERSION")); err == nil {
		if uid, gid := owner(info); uid != 0 {
			return account{name: userName(uid), uid: uid, gid: gid, other: true}, nil
		}
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if acc, err := lookUp(name); err == nil {
			return acc, nil
		}
	}
	return account{}, errors.New("PostgreSQL doesn't run as root, and this machine has neither a user postgres nor nobody: " +
		"start Fairnotice as an ordinary user, or set DATABASE_URL")
}

func lookUp(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return account{}, err
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	return account{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, errors.Join(errUID, errGID)
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func owner(info fs.FileInfo) (uid, gid uint32) {
	st := info.Sys().(*syscall.Stat_t)
	return st.Uid, st.Gid
}

// command prepares a program to run as the account, in a process group of its
// own, so that Ctrl-C on the terminal reaches us and not the database beneath
// us, and from a folder that everybody can enter. When ctx ends the whole group
// is asked to stop, and killed if it doesn't.
func (a account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.other {
		// No Groups: root's supplementary groups are dropped.
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// canEnter tries whether the account can work in the folder, by entering it:
// modes alone don't tell, there are access lists and security modules.
// Our own user finds out soon enough.
func (a account) canEnter(dir string) error {
	if !a.other {
		return nil
	}
	cmd := a.command(context.Background(), "/bin/sh", "-c", "test -x .")
	cmd.Dir = dir
	err := cmd.Run()
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		err = pathErr.Err // it speaks of the shell, but means the folder or the change of user
	}
	if err != nil {
		return fmt.Errorf("user %s cannot enter %s: %w", a.name, dir, err)
	}
	return nil
}

// own gives a file or folder that we made to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// openBeside opens or creates a file beside the data. As root it doesn't follow
// a link, which the folder's owner could have pointed at any file of the system.
func (a account) openBeside(path string, flags int, mode fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flags|os.O_CREATE|syscall.O_NOFOLLOW, mode)
	if err != nil || !a.other {
		return f, err
	}
	if err := f.Chown(int(a.uid), int(a.gid)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkOwner makes sure that the server will be let at a cluster that exists:
// PostgreSQL insists on owning it. Root's (data copied or restored by root) is
// handed over.
func (a account) checkOwner(dataDir string) error {
	info, err := os.Stat(dataDir)
	if err != nil {
		return err
	}
	uid, _ := owner(info)
	if uid == a.uid {
		return nil
	}
	if !a.other || uid != 0 {
		return fmt.Errorf("the data folder %s belongs to user %s: start Fairnotice as that user, or choose another DATA_DIR",
			dataDir, userName(uid))
	}
	return filepath.WalkDir(dataDir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return a.own(path)
	})
}

// checkRuns makes sure that the system lets us run programs as the account:
// in some containers root may not change its user.
func (a account) checkRuns() error {
	if err := a.canEnter("/"); err != nil {
		return fmt.Errorf("PostgreSQL doesn't run as root, and the system doesn't let us run it as user %s: "+
			"start Fairnotice as an ordinary user, or set DATABASE_URL: %w", a.name, err)
	}
	return nil
}
