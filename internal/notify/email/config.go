package email

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// TLSPolicy says whether a conversation that begins in the clear must turn to TLS.
type TLSPolicy int

const (
	// TLSRequired sends nothing before STARTTLS has succeeded with a certificate valid for the host.
	// It is the zero value, so that a forgotten field is the safe one.
	TLSRequired TLSPolicy = iota
	// TLSOff never asks for STARTTLS. A password still never leaves the machine in the clear.
	TLSOff
)

// Timeouts bound the parts of a conversation; a zero field takes its default.
type Timeouts struct {
	Connect time.Duration // TCP connection, and each TLS handshake; 10 s
	Reply   time.Duration // each reply, and each write; 60 s
	Idle    time.Duration // how long an unused connection is kept; 30 s
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Connect: cmp.Or(t.Connect, 10*time.Second),
		Reply:   cmp.Or(t.Reply, 60*time.Second),
		Idle:    cmp.Or(t.Idle, 30*time.Second),
	}
}

// Config names the relay and how to speak to it. [ParseURL] makes one from SMTP_URL.
type Config struct {
	Host        string
	Port        int
	ImplicitTLS bool // TLS from the first byte (smtps, RFC 8314)
	TLSPolicy   TLSPolicy
	User        string // no authentication when empty
	Password    string
	LocalName   string         // our name in EHLO; the connection's own address when empty
	RootCAs     *x509.CertPool // the system's when nil
	Timeouts    Timeouts
}

// String is the relay's address, without user and password.
func (c Config) String() string {
	scheme := "smtp"
	if c.ImplicitTLS {
		scheme = "smtps"
	}
	return scheme + "://" + c.address()
}

// LogValue keeps the credentials out of every log record.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// GoString keeps the credentials out of %#v.
func (c Config) GoString() string { return "email.Config(" + c.String() + ")" }

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// ParseURL reads SMTP_URL:
//
//	smtp://user:password@relay.example:587     STARTTLS required, except on loopback
//	smtps://user:password@relay.example:465    TLS from the first byte
//	smtp://mailcatcher:1025?tls=off            in the clear
//
// The port defaults to 587 and 465. ?tls=required asks for STARTTLS on loopback too; ?name= sets the
// name given in EHLO. Errors name SMTP_URL and the mend, and never repeat user or password.
func ParseURL(raw string) (Config, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats its input, and with it the password.
		return Config{}, errors.New("SMTP_URL is not a URL: write smtp://user:password@host:587, " +
			"with special characters of the password percent-encoded (@ is %40, / is %2F, % is %25)")
	}
	c := Config{Host: u.Hostname(), User: u.User.Username()}
	c.Password, _ = u.User.Password()
	if err := c.setScheme(u); err != nil {
		return Config{}, err
	}
	if err := c.setPort(u); err != nil {
		return Config{}, err
	}
	if err := c.setOptions(u); err != nil {
		return Config{}, err
	}
	return c, c.checkCredentials()
}

func (c *Config) setScheme(u *url.URL) error {
	switch u.Scheme {
	case "smtp":
	case "smtps":
		c.ImplicitTLS = true
	default:
		return errors.New("SMTP_URL must begin with smtp:// or smtps://")
	}
	if c.Host == "" || strings.ContainsFunc(c.Host, isControlOrSpace) {
		return errors.New("SMTP_URL names no host: write smtp://host:587")
	}
	if (u.Path != "" && u.Path != "/") || u.Fragment != "" || u.Opaque != "" {
		return errors.New("SMTP_URL has something after the host and port: remove it, or percent-encode " +
			"/, ? and # in the password as %2F, %3F and %23")
	}
	return nil
}

func (c *Config) setPort(u *url.URL) error {
	if u.Port() == "" {
		c.Port = 587
		if c.ImplicitTLS {
			c.Port = 465
		}
		return nil
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1 || port > 65535 {
		return errors.New("SMTP_URL has a port that is not a number from 1 to 65535")
	}
	c.Port = port
	return nil
}

func (c *Config) setOptions(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("SMTP_URL has a malformed part after its question mark: write ?tls=off or ?tls=required")
	}
	for name := range query {
		if name != "tls" && name != "name" {
			return fmt.Errorf("SMTP_URL has the unknown setting %q: tls and name are the known ones", name)
		}
	}
	if c.LocalName = query.Get("name"); c.LocalName != "" && !isDomain(c.LocalName) {
		return errors.New("SMTP_URL has a name= that is not a host name: write name=mail.example.com")
	}
	if isLoopbackName(c.Host) {
		c.TLSPolicy = TLSOff
	}
	switch query.Get("tls") {
	case "":
	case "required":
		c.TLSPolicy = TLSRequired
	case "off":
		if c.ImplicitTLS {
			return errors.New("SMTP_URL says smtps and tls=off at once: write smtp:// to send in the clear")
		}
		c.TLSPolicy = TLSOff
	default:
		return errors.New("SMTP_URL has a tls= that is neither required nor off")
	}
	return nil
}

func (c *Config) checkCredentials() error {
	switch {
	case c.User == "" && c.Password != "":
		return errors.New("SMTP_URL has a password without a user: write smtp://user:password@host")
	case c.User != "" && c.Password == "":
		return errors.New("SMTP_URL has a user without a password: write smtp://user:password@host")
	case strings.Contains(c.User+c.Password, "\x00"):
		return errors.New("SMTP_URL has a NUL character in user or password: remove it")
	case c.User != "" && !c.ImplicitTLS && c.TLSPolicy == TLSOff && !isLoopbackName(c.Host):
		return errors.New("SMTP_URL has a password and tls=off, which would send the password in the clear: " +
			"remove tls=off, or remove the user and password")
	}
	return nil
}

// isLoopbackName judges a host as it is written; the connection's real address is judged again before a password is sent.
func isLoopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
