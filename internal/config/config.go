// Package config is the whole configuration: one struct, filled from the environment.
//
// Every setting has a default, or its absence is told with the variable's name and the mend; all
// faults are told at once. The struct's tags are also the source of the README's table.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config holds every setting. The tag doc is what the README's table says; shown is the default
// where it isn't a plain value.
type Config struct {
	ListenAddr string `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080" doc:"Address and port that the pages and the API are served on."`
	PublicURL  string `env:"PUBLIC_URL" shown:"http:// and LISTEN_ADDR" doc:"Where readers reach this server; links in notices begin with it. An https address switches on secure cookies."`
	DataDir    string `env:"DATA_DIR" envDefault:"./data" doc:"Folder of the embedded database and of the key made with it."`

	DatabaseURL Secret `env:"DATABASE_URL" shown:"embedded" doc:"PostgreSQL to use (postgres://user:password@host/name). Unset, api runs a PostgreSQL of its own in DATA_DIR, and the worker inside."`
	PGBinDir    string `env:"PG_BIN_DIR" shown:"searched for" doc:"Folder of the programs postgres and initdb, for the embedded database."`

	EncryptionKeys Secret `env:"ENCRYPTION_KEYS" shown:"made once, in DATA_DIR/keys" doc:"Keys for signed links and for secrets in the database, as id:key,id:key: 32 bytes in base64 each, the first in use, the others still accepted. Must be set when DATABASE_URL is, the same for api and every worker."`

	SMTPURL         Secret  `env:"SMTP_URL" shown:"none: email waits" doc:"Relay for email: smtp://user:password@host:587 (STARTTLS required; ?tls=off switches it off) or smtps://user:password@host:465."`
	SMTPConnections int     `env:"SMTP_CONNECTIONS" envDefault:"8" doc:"Connections to the relay for messages that it answers promptly, in each process; as many again at most for those that it lets wait."`
	MailFrom        string  `env:"MAIL_FROM" shown:"none" doc:"Sender's address of notices. Must be set when SMTP_URL is."`
	MailFromName    string  `env:"MAIL_FROM_NAME" shown:"none" doc:"Sender's name of notices."`
	DKIMDomain      string  `env:"DKIM_DOMAIN" shown:"not signed" doc:"Domain that signs email (DKIM). Needs the next two."`
	DKIMSelector    string  `env:"DKIM_SELECTOR" shown:"not signed" doc:"Selector of the DKIM key: its public half stands in DNS at <selector>._domainkey.<domain>."`
	DKIMKeyFile     string  `env:"DKIM_KEY_FILE" shown:"not signed" doc:"File of the DKIM private key, in PEM."`
	EmailDomainConc int     `env:"EMAIL_DOMAIN_CONCURRENCY" envDefault:"4" doc:"Messages under way at once to one recipient domain; 0 for no limit."`
	EmailDomainRate float64 `env:"EMAIL_DOMAIN_RATE" envDefault:"0" doc:"Messages a second to one recipient domain; 0 for no limit."`

	WebhookConc   int      `env:"WEBHOOK_CONCURRENCY" envDefault:"64" doc:"Webhooks under way at once, in each process, while they are answered promptly."`
	OutboundAllow []string `env:"OUTBOUND_ALLOW" shown:"none" doc:"Networks (CIDR) that webhooks and Slack messages may reach although they are private, loopback or otherwise special, separated by commas. Plain http is accepted there too."`
	OutboundProxy Secret   `env:"OUTBOUND_PROXY" shown:"none" doc:"Proxy that webhooks and Slack messages go through: http://user:password@host:port or https://…"`
	SlackHosts    []string `env:"SLACK_HOSTS" shown:"none" doc:"Hosts besides hooks.slack.com and hooks.slack-gov.com that Slack's incoming-webhook URLs may have, with the port where it isn't the usual one, separated by commas."`
	SlackAPIURL   string   `env:"SLACK_API_URL" envDefault:"https://slack.com/api/" doc:"Where Slack's Web API is, for subscriptions with a bot token."`

	TrustedProxies  []string      `env:"TRUSTED_PROXIES" shown:"none" doc:"Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed, separated by commas."`
	LogLevel        slog.Level    `env:"LOG_LEVEL" envDefault:"info" doc:"The least that is logged: debug, info, warn or error."`
	LogFormat       string        `env:"LOG_FORMAT" envDefault:"text" doc:"Form of the log: text or json."`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"20s" doc:"How long requests and jobs under way may take to finish when the program is told to stop."`
}

// Program says what the configuration is for: not every program needs every setting.
type Program int

const (
	// API serves pages; it brings its own database when none is named.
	API Program = iota
	// Worker runs jobs on a database that is named.
	Worker
	// Tool is a command that works on the database and ends: migrate, admin.
	Tool
)

// FromEnvironment reads the process's environment.
func FromEnvironment(p Program) (*Config, error) { return Load(env.ToMap(os.Environ()), p) }

// Load reads an environment. A variable that is set to nothing counts as unset, since that is what
// compose files make of an optional one. The error names every fault, one a line.
func Load(environment map[string]string, p Program) (*Config, error) {
	given := make(map[string]string, len(environment))
	for name, value := range environment {
		if value = strings.TrimSpace(value); value != "" {
			given[name] = value
		}
	}
	var c Config
	var found faults
	broken := map[string]bool{}
	for _, err := range parse(&c, given) {
		var wrong env.ParseError
		if !errors.As(err, &wrong) {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
		name := variable(wrong.Name)
		broken[name] = true
		found.add(name, "%q is not %s", given[name], form(wrong.Type))
	}
	c.check(&found, broken, p)
	if len(found) > 0 {
		return nil, found
	}
	return &c, nil
}

func parse(c *Config, given map[string]string) []error {
	err := env.ParseWithOptions(c, env.Options{Environment: given})
	var all env.AggregateError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &all):
		return all.Errors
	default:
		return []error{err}
	}
}

// variable is the name in the environment of a field of Config.
func variable(field string) string {
	f, ok := reflect.TypeFor[Config]().FieldByName(field)
	if !ok {
		return field
	}
	return f.Tag.Get("env")
}

// form says how a value of this type is written.
func form(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration: write it like 20s or 1m30s"
	case reflect.TypeFor[slog.Level]():
		return "a level: write debug, info, warn or error"
	case reflect.TypeFor[float64]():
		return "a number: write it like 5 or 0.5"
	default:
		return "a whole number: write it like 8"
	}
}

// Embedded says whether the program runs a PostgreSQL of its own.
func (c *Config) Embedded() bool { return !c.DatabaseURL.IsSet() }

// Table is the README's configuration table, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| variable | default | what it sets |\n|---|---|---|\n")
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		shown := f.Tag.Get("shown")
		if def, ok := f.Tag.Lookup("envDefault"); ok {
			shown = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Tag.Get("env"), shown, strings.ReplaceAll(f.Tag.Get("doc"), "|", `\|`))
	}
	return b.String()
}
