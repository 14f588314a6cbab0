// Package arch keeps the law of the house (docs/architecture.md, "The floors") by reading every
// package's imports.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "fairnotice/"

// floors lists every package, the lowest floor first: a package imports only from floors below its
// own. Where one number of docs/architecture.md has several lines here, its packages lean on one
// another, in this order. A new package gets its place here and there in the same commit. Tests
// (_test.go) may import what they like.
var floors = [][]string{
	/* 0 */ {"internal/fault", "internal/secrets", "internal/locale", "migrations"},
	/* 0 */ {"internal/actor", "internal/input", "internal/config"},
	/* 1 */ {"internal/database/pgserver", "internal/calendar", "internal/egress"},
	/* 1 */ {"internal/database"},
	/* 1 */ {"internal/database/databasetest"},
	/* 1 */ {"internal/database/databasetest/withpg"},
	/* 2 */ {"internal/ledger", "internal/jobs"},
	/* 2 */ {"internal/idempotency"},
	/* 3 */ {"internal/publisher"},
	/* 4 */ {"internal/vendors", "internal/subscribers", "internal/accounts"},
	/* 4 */ {"internal/vendors/sample"},
	/* 5 */ {"internal/changes", "internal/notify/email", "internal/notify/webhook", "internal/notify/slack"},
	/* 6 */ {"internal/notify", "internal/housetest"},
	/* 7 */ {"web", "web/shapes"},
	/* 7 */ {"web/webtest", "web/browsertest", "internal/app"},
	/* 8 */ {"web/public", "web/portal", "web/console", "web/apiv1", "internal/demo/site"},
	/* 8 */ {"web/apiv1/apiv1test"},
	/* 8 */ {"web/apiv1/client"}, // stands alone: others' programs import it
	/* 8 */ {"internal/demo/inbox", "internal/demo/hooks", "internal/demo/workspace"},
	/* 8 */ {"internal/demo"},
	/* 9 */ {"cmd/api", "cmd/worker", "cmd/fairnotice"},
	/* any */ {"internal/arch", "internal/bench"},
}

// ceilings are for packages that may not lean on all that is below them: the highest line of
// floors, by one of its packages, from which they import.
var ceilings = map[string]string{
	"web":                     "internal/input",    // the kit knows no domain
	"web/webtest":             "web",               //
	"internal/notify/email":   "internal/database", // a channel sends; it doesn't know what
	"internal/notify/webhook": "internal/database", //
	"internal/notify/slack":   "internal/database", //
	"migrations":              "",                  // libraries only
	"internal/config":         "internal/secrets",  //
	"internal/fault":          "",                  //
	"web/apiv1/client":        "",                  //
}

// domain packages know no HTTP: no server, no status codes, no forms.
var domain = []string{"internal/publisher", "internal/vendors", "internal/subscribers", "internal/accounts",
	"internal/changes", "internal/notify", "internal/ledger", "internal/jobs", "internal/calendar"}

// clients may speak HTTP to others.
var clients = []string{"internal/notify/webhook", "internal/notify/slack"}

type listed struct {
	ImportPath string
	Imports    []string
	Error      *struct{ Err string }
}

// list asks the go command for packages of the module and what their non-test files import.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Imports,Error"}, args...)...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// floor is the line of floors that a package is on, or -1.
func floor(pkg string) int {
	return slices.IndexFunc(floors, func(line []string) bool { return slices.Contains(line, pkg) })
}

// highest is the last line that a package may import from.
func highest(pkg string) int {
	ceiling, ok := ceilings[pkg]
	switch {
	case !ok:
		return floor(pkg) - 1
	case ceiling == "":
		return -1
	default:
		return floor(ceiling)
	}
}

// breaches says what is unlawful about one package's imports.
func breaches(pkg string, imports []string) []string {
	if floor(pkg) < 0 {
		return []string{fmt.Sprintf("%s has no floor: give it its place in internal/arch/arch_test.go and docs/architecture.md", pkg)}
	}
	var out []string
	for _, imported := range imports {
		ours, isOurs := strings.CutPrefix(imported, module)
		switch {
		case isOurs && floor(ours) < 0:
			out = append(out, fmt.Sprintf("%s imports %s, which has no floor", pkg, ours))
		case isOurs && floor(ours) > highest(pkg):
			out = append(out, fmt.Sprintf("%s (line %d) may not import %s (line %d): a package imports only lower floors, and siblings never meet",
				pkg, floor(pkg), ours, floor(ours)))
		case isOurs:
		case isDomain(pkg) && isHTTP(imported) && !slices.Contains(clients, pkg):
			out = append(out, fmt.Sprintf("%s may not import %s: the domain knows no HTTP", pkg, imported))
		}
	}
	return out
}

func isDomain(pkg string) bool {
	return slices.ContainsFunc(domain, func(d string) bool { return pkg == d || strings.HasPrefix(pkg, d+"/") })
}

func isHTTP(imported string) bool {
	return imported == "net/http" || strings.HasPrefix(imported, "net/http/") || strings.HasPrefix(imported, "github.com/gin-gonic/") ||
		strings.HasPrefix(imported, "github.com/danielgtaylor/huma")
}

func TestPackagesKeepToTheirFloors(t *testing.T) {
	seen := 0
	for _, p := range list(t, "./...") {
		seen++
		for _, breach := range breaches(strings.TrimPrefix(p.ImportPath, module), p.Imports) {
			t.Error(breach)
		}
	}
	if seen < 10 {
		t.Errorf("go list found %d packages only", seen)
	}
}

// A worker stays small, and what it does can't depend on a page.
func TestWorkerLinksNoPages(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/worker") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "web" || strings.HasPrefix(name, "web/") || strings.HasPrefix(name, "github.com/gin-gonic/gin") {
			t.Errorf("cmd/worker links %s", p.ImportPath)
		}
	}
}

// The demo's receivers judge what we send, so they share nothing with those who send it.
func TestReceiversShareNothingWithSenders(t *testing.T) {
	for _, p := range list(t, "-deps", "./internal/demo/inbox", "./internal/demo/hooks", "./internal/demo/workspace") {
		if name := strings.TrimPrefix(p.ImportPath, module); name != p.ImportPath && !strings.HasPrefix(name, "internal/demo/") {
			t.Errorf("a receiver of the demo's links %s", p.ImportPath)
		}
	}
}

// Tests' helpers stay out of the programs.
func TestProgramsLinkNoTestHelpers(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/...") {
		ours := strings.HasPrefix(p.ImportPath, module)
		if p.ImportPath == "testing" || ours && strings.HasSuffix(p.ImportPath, "test") {
			t.Errorf("a program links %s", p.ImportPath)
		}
	}
}

// The law's own test: it must notice each kind of breach.
func TestBreachesAreNoticed(t *testing.T) {
	for _, c := range []struct{ pkg, imported, want string }{
		{"internal/unknown", "fmt", "has no floor"},
		{"internal/vendors", module + "internal/unknown", "which has no floor"},
		{"internal/vendors", module + "internal/changes", "only lower floors"},
		{"internal/vendors", module + "internal/subscribers", "siblings never meet"},
		{"internal/changes", module + "internal/notify", "only lower floors"},
		{"internal/fault", module + "internal/secrets", "only lower floors"},
		{"internal/notify/email", module + "internal/ledger", "only lower floors"},
		{"migrations", module + "internal/fault", "only lower floors"},
		{"web", module + "internal/vendors", "only lower floors"},
		{"web/public", module + "web/console", "siblings never meet"},
		{"internal/vendors", "net/http", "knows no HTTP"},
		{"internal/notify/email", "net/http", "knows no HTTP"},
		{"internal/accounts", "github.com/gin-gonic/gin", "knows no HTTP"},
	} {
		got := breaches(c.pkg, []string{c.imported})
		if len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s importing %s: %q, want one with %q", c.pkg, c.imported, got, c.want)
		}
	}
	for _, c := range [][2]string{
		{"internal/changes", module + "internal/vendors"}, {"web/console", module + "internal/notify"},
		{"internal/notify/webhook", "net/http"}, {"web", "github.com/gin-gonic/gin"}, {"web", module + "internal/actor"},
	} {
		if got := breaches(c[0], []string{c[1]}); len(got) > 0 {
			t.Errorf("%s importing %s is lawful, but: %q", c[0], c[1], got)
		}
	}
}
