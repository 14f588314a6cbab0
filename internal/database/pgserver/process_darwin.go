package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
)

// runsOn tells whether the process is a PostgreSQL server on the data folder.
// We start servers as "…/postgres -D <folder> -c …"; ps joins that with spaces.
func runsOn(pid int, dir string) bool {
	out, err := exec.Command("/bin/ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false // no such process
	}
	program, rest, found := strings.Cut(strings.TrimSpace(string(out)), " -D ")
	return found && isServer(program) && strings.HasPrefix(rest+" ", dir+" ")
}
