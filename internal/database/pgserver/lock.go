package pgserver

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// acquire takes the lock beside the data. The system lets go of it when the
// program dies, however it dies; the server doesn't inherit it.
func acquire(dataDir string, acc account) (*os.File, error) {
	f, err := acc.openBeside(dataDir+".lock", os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder (start Fairnotice as the user whom it belongs to, or choose another DATA_DIR): %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		return nil, fmt.Errorf("the data folder %s is in use by another Fairnotice%s: stop it or choose another DATA_DIR",
			dataDir, holder(f))
	}
	if err == nil {
		err = writeHolder(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the data folder %s: %w", dataDir, err)
	}
	return f, nil
}

// holder names the process that wrote itself into the lock. It may not have
// come to that yet.
func holder(f *os.File) string {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
