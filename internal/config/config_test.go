package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/config"
	"fairnotice/internal/secrets"
)

const password = "hunter2-hunter2"

func TestDefaultsAreEnoughForTheAPI(t *testing.T) {
	c, err := config.Load(map[string]string{"SMTP_URL": "", "MAIL_FROM": "  "}, config.API)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{ListenAddr: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080", DataDir: "./data", SMTPConnections: 8,
		EmailDomainConc: 4, WebhookConc: 64, SlackAPIURL: "https://slack.com/api/", LogLevel: slog.LevelInfo, LogFormat: "text", ShutdownTimeout: 20 * time.Second}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b config.Secret) bool { return a == b })); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if !c.Embedded() {
		t.Error("without DATABASE_URL the database is not embedded")
	}
}

func TestEverySettingIsRead(t *testing.T) {
	c, err := config.Load(map[string]string{
		"LISTEN_ADDR": "[::]:80", "PUBLIC_URL": "https://privacy.example.com/", "DATABASE_URL": "postgres://f:" + password + "@db/f",
		"ENCRYPTION_KEYS": secrets.NewKey("k1"), "SMTP_URL": "smtps://u:" + password + "@relay.example", "MAIL_FROM": "privacy@example.com",
		"TRUSTED_PROXIES": "10.0.0.1, 192.168.0.0/16", "LOG_LEVEL": "WARN", "EMAIL_DOMAIN_RATE": "0.5", "SHUTDOWN_TIMEOUT": "1m",
		"OUTBOUND_ALLOW": "10.0.0.1, fd00::/8", "SLACK_HOSTS": " slack.example.com,127.0.0.1:8030", "OUTBOUND_PROXY": "http://u:" + password + "@proxy:3128",
	}, config.Worker)
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "https://privacy.example.com" || c.LogLevel != slog.LevelWarn || c.EmailDomainRate != 0.5 || c.ShutdownTimeout != time.Minute {
		t.Errorf("got %+v", c)
	}
	if diff := cmp.Diff([]string{"10.0.0.1", "192.168.0.0/16"}, c.TrustedProxies); diff != "" {
		t.Errorf("proxies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"10.0.0.1/32", "fd00::/8"}, networks(c)); diff != "" {
		t.Errorf("allowed networks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"slack.example.com", "127.0.0.1:8030"}, c.SlackHosts); diff != "" {
		t.Errorf("Slack's hosts (-want +got):\n%s", diff)
	}
	if !strings.Contains(c.DatabaseURL.Reveal(), password) {
		t.Error("the database's address lost its password")
	}
}

func networks(c *config.Config) (out []string) {
	for _, p := range c.AllowedNetworks() {
		out = append(out, p.String())
	}
	return out
}

func TestPublicURLCanBeOpenedWhateverIsListenedOn(t *testing.T) {
	for listen, want := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:9": "http://localhost:9", "[::]:9": "http://localhost:9",
		"[::1]:9": "http://[::1]:9", "host.example:80": "http://host.example:80",
	} {
		c, err := config.Load(map[string]string{"LISTEN_ADDR": listen}, config.API)
		if err != nil || c.PublicURL != want {
			t.Errorf("%s: %+v, %v, want %s", listen, c, err, want)
		}
	}
}

// Each fault names the variable and the mend, and none shows a secret.
func TestFaults(t *testing.T) {
	dir := t.TempDir()
	noPEM := filepath.Join(dir, "dkim.pem")
	if err := os.WriteFile(noPEM, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := "postgres://u:" + password + "@db/x"
	for _, c := range []struct {
		name, value, mend string
		with              map[string]string
	}{
		{"LISTEN_ADDR", "8080", "127.0.0.1:8080", nil},
		{"LISTEN_ADDR", "localhost:http", "host:port", nil},
		{"LISTEN_ADDR", ":70000", "host:port", nil},
		{"PUBLIC_URL", "privacy.example.com", "write https://", nil},
		{"PUBLIC_URL", "ftp://privacy.example.com", "write https://", nil},
		{"PUBLIC_URL", "https://u:" + password + "@example.com", "remove them", nil},
		{"PUBLIC_URL", "u:" + password + "@example.com", "write https://", nil},
		{"PUBLIC_URL", "https://example.com/fair", "write https://example.com", nil},
		{"DATABASE_URL", "mysql://u:" + password + "@db/x", "postgres://", nil},
		{"DATABASE_URL", "postgres://u:%zz" + password + "@db/x", "percent-encoded", nil},
		{"DATABASE_URL", "postgres://u:" + password + "@db", "names no database", nil},
		{"ENCRYPTION_KEYS", password, "id:key", nil},
		{"ENCRYPTION_KEYS", "k1:" + password, "openssl rand", nil},
		{"ENCRYPTION_KEYS", "", "openssl rand -base64 32", map[string]string{"DATABASE_URL": secret}},
		{"SMTP_URL", "relay.example:587", "smtp://", nil},
		{"SMTP_URL", "smtp://u:" + password + "%zz@relay", "percent-encoded", nil},
		{"SMTP_CONNECTIONS", "many", "a whole number", nil},
		{"SMTP_CONNECTIONS", "0", "from 1 to 200", nil},
		{"MAIL_FROM", "Privacy <privacy@example.com>", "MAIL_FROM_NAME", nil},
		{"MAIL_FROM", "", "must be set when SMTP_URL is", map[string]string{"SMTP_URL": "smtp://localhost"}},
		{"MAIL_FROM_NAME", "Eve\r\nBcc: everybody@example.com", "remove it", nil},
		{"DKIM_SELECTOR", "", "needs DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE together", map[string]string{"DKIM_DOMAIN": "example.com"}},
		{"DKIM_DOMAIN", "exa mple", "name in DNS", nil},
		{"DKIM_KEY_FILE", filepath.Join(dir, "none"), "may read", nil},
		{"DKIM_KEY_FILE", noPEM, "openssl genpkey", nil},
		{"EMAIL_DOMAIN_CONCURRENCY", "-1", "from 0 to 1000", nil},
		{"EMAIL_DOMAIN_RATE", "NaN", "from 0", nil},
		{"EMAIL_DOMAIN_RATE", "fast", "like 5 or 0.5", nil},
		{"TRUSTED_PROXIES", "10.0.0.0/99", "10.0.0.0/8", nil},
		{"OUTBOUND_ALLOW", "internal", "10.0.0.0/8", nil},
		{"OUTBOUND_PROXY", "socks5://" + password + "@proxy", "http://user:password@host:port", nil},
		{"SLACK_HOSTS", "https://slack.example.com", "slack.example.com", nil},
		{"SLACK_API_URL", "https://slack.com/api", "with a slash at its end", nil},
		{"WEBHOOK_CONCURRENCY", "0", "from 1 to 2000", nil},
		{"PG_BIN_DIR", dir, "/usr/lib/postgresql", nil},
		{"LOG_LEVEL", "loud", "debug, info, warn or error", nil},
		{"LOG_FORMAT", "xml", "text or json", nil},
		{"SHUTDOWN_TIMEOUT", "20", "20s", nil},
		{"SHUTDOWN_TIMEOUT", "0s", "from 1s", nil},
	} {
		environment := map[string]string{c.name: c.value}
		for k, v := range c.with {
			environment[k] = v
		}
		_, err := config.Load(environment, config.API)
		if err == nil {
			t.Errorf("%s=%s was accepted", c.name, c.value)
			continue
		}
		line := ""
		for l := range strings.Lines(err.Error()) {
			if strings.HasPrefix(strings.TrimSpace(l), c.name+": ") {
				line = l
			}
		}
		if !strings.Contains(line, c.mend) {
			t.Errorf("%s=%s: the message lacks %q:\n%v", c.name, c.value, c.mend, err)
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: the message shows the secret:\n%v", c.name, err)
		}
	}
}

func TestFaultsAreToldTogether(t *testing.T) {
	_, err := config.Load(map[string]string{"LISTEN_ADDR": "x", "SMTP_CONNECTIONS": "x", "SHUTDOWN_TIMEOUT": "x", "LOG_FORMAT": "x"}, config.Worker)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"LISTEN_ADDR", "SMTP_CONNECTIONS", "SHUTDOWN_TIMEOUT", "LOG_FORMAT", "DATABASE_URL"} {
		if n := strings.Count(err.Error(), "\n  "+name+": "); n != 1 {
			t.Errorf("%s is told %d times:\n%v", name, n, err)
		}
	}
}

func TestToolsNeedNoKeys(t *testing.T) {
	environment := map[string]string{"DATABASE_URL": "postgres://f@db/f"}
	if _, err := config.Load(environment, config.Tool); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(environment, config.Worker); err == nil {
		t.Error("a worker without keys was accepted")
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	s := config.NewSecret(password)
	c := &config.Config{DatabaseURL: s, EncryptionKeys: s, SMTPURL: s}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("start", "secret", s, "config", c, "pointer", &s)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(encoded) + s.GoString() + fmt.Sprint(s, &s) +
		fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", s, s, s, s, s, s, s, c, *c, *c)
	for _, part := range []string{password, fmt.Sprintf("%x", password)} {
		if strings.Contains(shown, part) {
			t.Errorf("a secret was printed: %s", shown)
		}
	}
	if s.String() == config.NewSecret("").String() {
		t.Error("a missing secret looks like one that is set")
	}
}

func TestKeysAreMadeOnceAndKept(t *testing.T) {
	c := &config.Config{DataDir: filepath.Join(t.TempDir(), "data")}
	var tokens sync.Map
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			ring, err := c.KeyRing()
			if err != nil {
				t.Error(err)
				return
			}
			token, err := ring.Signer("test").Sign("", []byte("x"))
			if err != nil {
				t.Error(err)
			}
			tokens.Store(token, true)
		})
	}
	wait.Wait()
	n := 0
	tokens.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("eight starts at once made %d keys", n)
	}
	path := filepath.Join(c.DataDir, "keys")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of keys: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.KeyRing(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("keys that others can read: %v", err)
	}
}

func TestDamagedKeysAreNotReplaced(t *testing.T) {
	c := &config.Config{DataDir: t.TempDir()}
	path := filepath.Join(c.DataDir, "keys")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.KeyRing(); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("an empty file of keys: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) != 0 {
		t.Errorf("the file was touched: %q, %v", text, err)
	}
}

func TestOnlyTheEmbeddedDatabaseMakesKeys(t *testing.T) {
	c := &config.Config{DataDir: t.TempDir(), DatabaseURL: config.NewSecret("postgres://f@db/f")}
	if _, err := c.KeyRing(); err == nil || !strings.Contains(err.Error(), "ENCRYPTION_KEYS") {
		t.Errorf("no keys: %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, "keys")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
}

// The README's table is Table's output between its markers; this test says so when they differ.
func TestREADMEHasTheTable(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(text), "<!-- config -->\n")
	got, _, ended := strings.Cut(rest, "<!-- /config -->")
	if !begun || !ended {
		t.Fatal("README.md lacks the lines <!-- config --> and <!-- /config -->, between which the configuration table stands")
	}
	want := config.Table()
	if os.Getenv("UPDATE") != "" {
		mended := strings.Replace(string(text), "<!-- config -->\n"+got, "<!-- config -->\n"+want, 1)
		if err := os.WriteFile("../../README.md", []byte(mended), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md's configuration table is not the struct's; run UPDATE=1 go test ./internal/config (-want +got):\n%s", diff)
	}
}
