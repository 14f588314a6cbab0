// Package browsertest lets Go tests drive their pages in a real browser: Playwright's runner on
// the machine's own Chromium or Chrome, with axe and html-validate. A machine without a browser
// or without Node fails these tests; they are never skipped.
package browsertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// names are those under which a Chromium is installed; apps are where a Mac has it.
var (
	names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}
	apps  = []string{
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium",
	}
)

// Run drives the spec web/browsertest/specs/<spec>. The environment must hold BASE_URL, the address
// of the running application; whatever else it holds the spec reads from process.env.
func Run(t *testing.T, spec string, env map[string]string) {
	t.Helper()
	if env["BASE_URL"] == "" {
		t.Fatal("browsertest: BASE_URL is missing")
	}
	dir := home(t)
	browser, err := findChromium()
	if err != nil {
		t.Fatal(err)
	}
	node := install(t, dir)
	heed(t, dir, spec)
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("node_modules", "@playwright", "test", "cli.js"),
		"test", filepath.Join("specs", spec), "--output", t.TempDir())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CHROMIUM="+browser, "FORCE_COLOR=0")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// The runner starts browsers: when a test is stopped, all of them must go.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", spec, err, out)
		return
	}
	t.Logf("%s\n%s", spec, out)
}

// heed opens what the runner, another process, reads: else Go takes a test's earlier result for good
// after a spec has changed.
func heed(t *testing.T, dir, spec string) {
	t.Helper()
	for _, name := range []string{filepath.Join("specs", spec), "helpers.js", "playwright.config.js"} {
		if _, err := os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// home is the folder of this package, with the runner's files in it.
func home(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	dir := filepath.Dir(file)
	if _, err := os.Stat(filepath.Join(dir, "package-lock.json")); !ok || err != nil {
		t.Fatalf("browsertest: its sources are not at %s: run the tests from the repository, without -trimpath", dir)
	}
	return dir
}

func findChromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("browsertest: CHROMIUM=%s can't be run: %w", path, err)
		}
		return path, nil
	}
	for _, name := range append(names, apps...) {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("browsertest: no Chromium or Chrome found. Install one (Debian, Ubuntu: apt-get install chromium; " +
		"macOS: brew install --cask chromium or Google Chrome), or set CHROMIUM to its path")
}

// install brings node_modules in line with the lock file, once for however many test programs
// run at the same time, and returns the path of node.
func install(t *testing.T, dir string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("browsertest: no Node.js found. Install version 20 or later (Debian: apt-get install nodejs npm; macOS: brew install node)")
	}
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	want := []byte(hex.EncodeToString(sum[:]))
	marker := filepath.Join(dir, "node_modules", ".installed-from")

	unlock := hold(t, filepath.Join(os.TempDir(), "fairnotice-browsertest-"+string(want[:16])+".lock"))
	defer unlock()
	if have, err := os.ReadFile(marker); err == nil && bytes.Equal(have, want) {
		return node
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("browsertest: npm ci in web/browsertest failed (%v). It needs npm and its registry once:\n%s", err, out)
	}
	if err := os.WriteFile(marker, want, 0o644); err != nil {
		t.Fatal(err)
	}
	return node
}

// hold takes a lock between processes; the system lets go of it when a process dies.
func hold(t *testing.T, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}
