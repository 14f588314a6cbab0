package pgserver

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// runsOn tells whether the process is a PostgreSQL server on the data folder.
// One that has ended but isn't waited for by its parent has no command line.
func runsOn(pid int, dir string) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	args := strings.Split(string(text), "\x00")
	if !isServer(args[0]) {
		return false
	}
	// A server works in its data folder. Root in a container may not be allowed
	// to see that of another user's process; the command line is open to all.
	if sameFolder(fmt.Sprintf("/proc/%d/cwd", pid), dir) {
		return true
	}
	i := slices.Index(args, "-D")
	return i >= 0 && i+1 < len(args) && sameFolder(args[i+1], dir)
}
