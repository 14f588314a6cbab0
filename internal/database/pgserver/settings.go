package pgserver

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// serverArgs is the server's command line. Settings given there win over
// postgresql.conf, and later ones over earlier ones.
func serverArgs(more map[string]string, dataDir, socketDir string) []string {
	args := []string{"-D", dataDir}
	set := func(name, value string) { args = append(args, "-c", name+"="+value) }
	set("cluster_name", "fairnotice")
	set("max_connections", "100")
	set("timezone", "UTC")
	set("log_timezone", "UTC")
	set("logging_collector", "off")
	set("log_destination", "stderr")
	// A failed statement is the program's to report. The server's own line about
	// it quotes values ("Key (email)=(…) already exists"), and addresses don't
	// belong into logs. What the server says about itself ranks higher.
	set("log_min_messages", "log")
	for _, name := range slices.Sorted(maps.Keys(more)) {
		set(name, more[name])
	}
	// Last, so that nothing opens what the trust in local connections rests on.
	set("listen_addresses", "")
	set("unix_socket_directories", `"`+strings.ReplaceAll(socketDir, `"`, `""`)+`"`)
	set("port", port)
	return args
}

// serverEnv keeps the program's secrets, and PG* variables that would steer the
// server, out of the server's environment. The plain locale gives messages in
// English, and macOS builds refuse to start under one that loads threads.
func serverEnv() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
