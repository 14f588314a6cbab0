package pgserver

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
)

const (
	logLimit  = 10 << 20 // bytes, after which a start begins a new file
	tailLines = 15
)

// serverLog is the part of the log file written since a start.
type serverLog struct {
	path string
	from int64
}

// openServerLog opens the file to append to. One that has grown is moved to
// path.1 first, in place of an older one.
func openServerLog(path string, acc account) (*os.File, serverLog, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, serverLog{}, fmt.Errorf("move the database's old log away: %w", err)
		}
	}
	f, err := acc.openBeside(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, serverLog{}, fmt.Errorf("open the database's log: %w", err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, serverLog{}, fmt.Errorf("find the end of the database's log: %w", err)
	}
	return f, serverLog{path: path, from: end}, nil
}

// tail is the last lines since the start, or the reason why there are none.
func (l serverLog) tail() string {
	f, err := os.OpenFile(l.path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(l.from, end-64<<10), 64<<10))
	if err != nil {
		return err.Error()
	}
	return lastLines(text, tailLines)
}

func lastLines(text []byte, n int) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
