package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest major version of PostgreSQL that Fairnotice works with.
const minMajor = 14

// binaries are one installation of the server.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

func (b binaries) String() string { return fmt.Sprintf("%d in %s", b.major, b.dir) }

// search says where installations may be.
type search struct {
	override string   // the only folder to look in, when set
	path     string   // a PATH
	patterns []string // of folders, in order; of one pattern the newest goes first
}

func systemSearch() search {
	return search{
		override: os.Getenv("PG_BIN_DIR"),
		path:     os.Getenv("PATH"),
		patterns: []string{
			"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin", // Homebrew on Intel
			"/opt/homebrew/opt/postgresql/bin",
			"/usr/local/opt/postgresql/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
	}
}

// dirs are the folders with both programs that are needed, the preferred first.
func (s search) dirs() []string {
	if s.override != "" {
		return []string{absolute(s.override)}
	}
	candidates := filepath.SplitList(s.path)
	for _, pattern := range s.patterns {
		matches, _ := filepath.Glob(pattern) // fails on a malformed pattern only
		slices.SortFunc(matches, newestFirst)
		candidates = append(candidates, matches...)
	}
	var dirs []string
	for _, dir := range candidates {
		if filepath.IsAbs(dir) && hasPrograms(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// absolute is for a folder that a person gave: programs are run from "/".
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

func hasPrograms(dir string) bool {
	for _, program := range []string{"postgres", "initdb"} {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`\d+`)

// newestFirst orders folders by the last number in their paths: 17 before 9.
func newestFirst(a, b string) int {
	return cmp.Or(cmp.Compare(versionIn(b), versionIn(a)), cmp.Compare(a, b))
}

func versionIn(dir string) int {
	numbers := digits.FindAllString(dir, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1])
	return n
}

// find is the first installation of the major version, or of any that will do
// when major is 0 because there are no data yet.
func (s search) find(acc account, dataDir string, major int) (binaries, error) {
	var others []string
	var broken error
	for _, dir := range s.dirs() {
		b, err := readVersion(acc, dir)
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		if b.major >= minMajor && (major == 0 || b.major == major) {
			return b, nil
		}
		others = append(others, b.String())
	}
	if len(others) == 0 {
		return binaries{}, notInstalled(s.override, broken)
	}
	if major == 0 {
		return binaries{}, fmt.Errorf("PostgreSQL %d or newer is needed, found only %s: %s", minMajor, strings.Join(others, ", "), howToInstall)
	}
	return binaries{}, otherMajor(dataDir, major, others)
}

const howToInstall = `on Debian and Ubuntu run "apt install postgresql", on macOS "brew install postgresql@17"; ` +
	`or set PG_BIN_DIR to the folder of the programs postgres and initdb; or set DATABASE_URL to use a server that runs already`

func notInstalled(override string, broken error) error {
	var why string
	if override != "" {
		why = fmt.Sprintf(" in PG_BIN_DIR %s", override)
	}
	if broken != nil {
		return fmt.Errorf("no usable PostgreSQL server found%s: %s (%w)", why, howToInstall, broken)
	}
	return fmt.Errorf("no PostgreSQL server found%s: %s", why, howToInstall)
}

func otherMajor(dataDir string, major int, found []string) error {
	there := strings.Join(found, ", ")
	if major < minMajor {
		return fmt.Errorf("the data in %s are of PostgreSQL %d, and Fairnotice needs %d or newer (found: %s): "+
			"dump them with PostgreSQL %d's pg_dumpall, choose another DATA_DIR, start Fairnotice and restore them there",
			dataDir, major, minMajor, there, major)
	}
	return fmt.Errorf("the data in %[1]s are of PostgreSQL %[2]d, but found was PostgreSQL %[3]s: "+
		`install version %[2]d ("apt install postgresql-%[2]d", "brew install postgresql@%[2]d", or PG_BIN_DIR set to its programs); `+
		"or, to change versions, dump the data with PostgreSQL %[2]d's pg_dumpall, move the folder away, start Fairnotice and restore them",
		dataDir, major, there)
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// readVersion asks the server itself, as the user who will run it: it may be
// in a folder where only we can go.
func readVersion(acc account, dir string) (binaries, error) {
	out, err := acc.command(context.Background(), filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("%s cannot run %s/postgres: %w", acc.name, dir, err)
	}
	m := versionText.FindSubmatch(out)
	if m == nil || !hasPrograms(dir) {
		return binaries{}, fmt.Errorf("%s doesn't hold PostgreSQL's programs postgres and initdb", dir)
	}
	major, err := strconv.Atoi(string(m[1]))
	return binaries{dir: dir, major: major}, err
}
