package config

import (
	"encoding/pem"
	"fmt"
	"math"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fairnotice/internal/secrets"
)

// faults are told together, so that a person mends them in one go.
type faults []string

// Error has one line for each fault.
func (f faults) Error() string { return "configuration:\n  " + strings.Join(f, "\n  ") }

// add notes a fault: the variable, what is wrong, and the mend. Values of secrets never get in.
func (f *faults) add(name, message string, args ...any) {
	*f = append(*f, name+": "+fmt.Sprintf(message, args...))
}

// check validates what was parsed and fills in what depends on other settings. broken names the
// variables that could not even be parsed: nothing more is said about those.
func (c *Config) check(f *faults, broken map[string]bool, p Program) {
	c.checkAddresses(f)
	c.checkDatabase(f, p)
	c.checkKeys(f, p)
	c.checkMail(f)
	c.checkDKIM(f)
	c.checkProxies(f)
	c.checkOutbound(f)
	between := func(name string, value, low, high int) {
		if !broken[name] && (value < low || value > high) {
			f.add(name, "%d is out of range: write a whole number from %d to %d", value, low, high)
		}
	}
	between("SMTP_CONNECTIONS", c.SMTPConnections, 1, 200)
	between("WEBHOOK_CONCURRENCY", c.WebhookConc, 1, 2000)
	between("EMAIL_DOMAIN_CONCURRENCY", c.EmailDomainConc, 0, 1000)
	if r := c.EmailDomainRate; math.IsNaN(r) || r < 0 || r > 100000 {
		f.add("EMAIL_DOMAIN_RATE", "%v is out of range: write messages a second from 0 (no limit) to 100000", r)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		f.add("LOG_FORMAT", "%q is no form of log: write text or json", c.LogFormat)
	}
	if d := c.ShutdownTimeout; !broken["SHUTDOWN_TIMEOUT"] && (d < time.Second || d > time.Hour) {
		f.add("SHUTDOWN_TIMEOUT", "%s is out of range: write a duration from 1s to 1h", d)
	}
}

func (c *Config) checkAddresses(f *faults) {
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		f.add("LISTEN_ADDR", "%q is not an address to listen on: write host:port, like 127.0.0.1:8080, or :8080 for every interface", c.ListenAddr)
	} else if c.PublicURL == "" {
		c.PublicURL = "http://" + net.JoinHostPort(reachable(host), port)
	}
	if c.PublicURL == "" {
		return
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https"):
		f.add("PUBLIC_URL", "%q is not a web address: write https://host, without a path", shorn(c.PublicURL))
	case u.User != nil:
		f.add("PUBLIC_URL", "it holds a user or a password, which every reader would see: remove them")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		f.add("PUBLIC_URL", "%q has something after the host: Fairnotice needs a host name of its own, write %s://%s", c.PublicURL, u.Scheme, u.Host)
	default:
		c.PublicURL = u.Scheme + "://" + u.Host
	}
}

// reachable is a name for a host to listen on that a browser on this machine can open.
func reachable(host string) string {
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		return "localhost"
	}
	return host
}

// shorn takes out what may be a password before a value that isn't a URL is shown.
func shorn(raw string) string {
	if at := strings.LastIndexByte(raw, '@'); at >= 0 {
		return "…" + raw[at:]
	}
	return raw
}

func (c *Config) checkDatabase(f *faults, p Program) {
	if !c.DatabaseURL.IsSet() {
		if p == Worker {
			f.add("DATABASE_URL", "a worker needs it: write the database that api uses, as postgres://user:password@host/name "+
				"(without one, api runs the worker inside and no other is needed)")
		}
		return
	}
	raw := c.DatabaseURL.Reveal()
	if u, err := url.Parse(raw); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		f.add("DATABASE_URL", "it is not the address of a PostgreSQL database: write postgres://user:password@host:5432/name, "+
			"with special characters of the password percent-encoded (@ is %%40, / is %%2F)")
	} else if strings.Trim(u.Path, "/") == "" && !u.Query().Has("dbname") {
		f.add("DATABASE_URL", "it names no database: write postgres://user:password@host:5432/name")
	}
}

func (c *Config) checkKeys(f *faults, p Program) {
	if !c.EncryptionKeys.IsSet() {
		if p != Tool && c.DatabaseURL.IsSet() {
			f.add("ENCRYPTION_KEYS", `it must be set when DATABASE_URL is: make a key with "echo k1:$(openssl rand -base64 32)", `+
				"and give the same to api and every worker")
		}
		return
	}
	if _, err := secrets.ParseKeyRing(c.EncryptionKeys.Reveal()); err != nil {
		f.add("ENCRYPTION_KEYS", "%s", strings.TrimPrefix(err.Error(), "ENCRYPTION_KEYS: "))
	}
}

// checkMail looks at SMTP_URL only so far as to refuse what is no such thing; the channel, which
// speaks the protocol, reads its details.
func (c *Config) checkMail(f *faults) {
	if c.SMTPURL.IsSet() {
		u, err := url.Parse(c.SMTPURL.Reveal())
		if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
			f.add("SMTP_URL", "it is not the address of a relay: write smtp://user:password@host:587 or smtps://user:password@host:465, "+
				"with special characters of the password percent-encoded (@ is %%40, / is %%2F)")
		}
		if c.MailFrom == "" {
			f.add("MAIL_FROM", "it must be set when SMTP_URL is: write the address that notices come from, like privacy@example.com")
		}
	}
	if c.MailFrom != "" {
		if a, err := mail.ParseAddress(c.MailFrom); err != nil || a.Address != c.MailFrom || strings.ContainsAny(c.MailFrom, "\r\n") {
			f.add("MAIL_FROM", "%q is not a plain email address: write it like privacy@example.com (the name goes into MAIL_FROM_NAME)", c.MailFrom)
		}
	}
	if strings.ContainsFunc(c.MailFromName, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		f.add("MAIL_FROM_NAME", "it holds a line break or another control character: remove it")
	}
}

var domainForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)

func (c *Config) checkDKIM(f *faults) {
	three := []struct{ name, value, like string }{
		{"DKIM_DOMAIN", c.DKIMDomain, "example.com"},
		{"DKIM_SELECTOR", c.DKIMSelector, "fairnotice"},
		{"DKIM_KEY_FILE", c.DKIMKeyFile, "/run/secrets/dkim.pem"},
	}
	any := c.DKIMDomain != "" || c.DKIMSelector != "" || c.DKIMKeyFile != ""
	for i, s := range three {
		if any && s.value == "" {
			f.add(s.name, "it must be set for signing, which needs DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE together: write it like %s", s.like)
		} else if i < 2 && s.value != "" && !domainForm.MatchString(s.value) {
			f.add(s.name, "%q is not a name in DNS: write it like %s", s.value, s.like)
		}
	}
	if c.DKIMKeyFile == "" {
		return
	}
	text, err := os.ReadFile(c.DKIMKeyFile)
	if err != nil {
		f.add("DKIM_KEY_FILE", "the key can't be read (%v): name a file that this program may read", err)
	} else if block, _ := pem.Decode(text); block == nil {
		f.add("DKIM_KEY_FILE", `%s holds no key in PEM: make one with "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048"`, c.DKIMKeyFile)
	}
}

func (c *Config) checkProxies(f *faults) {
	kept := c.TrustedProxies[:0]
	for _, entry := range c.TrustedProxies {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		_, errAddr := netip.ParseAddr(entry)
		_, errNet := netip.ParsePrefix(entry)
		if errAddr != nil && errNet != nil {
			f.add("TRUSTED_PROXIES", "%q is neither an address nor a network: write it like 10.0.0.1 or 10.0.0.0/8", entry)
		}
		kept = append(kept, entry)
	}
	c.TrustedProxies = kept
	if c.PGBinDir != "" {
		if _, err := os.Stat(filepath.Join(c.PGBinDir, "postgres")); err != nil {
			f.add("PG_BIN_DIR", "there is no program postgres in %q: name the folder of PostgreSQL's programs, like /usr/lib/postgresql/17/bin", c.PGBinDir)
		}
	}
}
