package email

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	tests := map[string]Config{
		"smtp://relay.example":                                     {Host: "relay.example", Port: 587},
		"smtp://relay.example:25/":                                 {Host: "relay.example", Port: 25},
		"smtps://relay.example":                                    {Host: "relay.example", Port: 465, ImplicitTLS: true},
		"smtp://me%40x.example:p%40ss%2Fw%25@relay.example:587":    {Host: "relay.example", Port: 587, User: "me@x.example", Password: "p@ss/w%"},
		"smtp://mailpit:1025?tls=off":                              {Host: "mailpit", Port: 1025, TLSPolicy: TLSOff},
		"smtp://localhost:1025":                                    {Host: "localhost", Port: 1025, TLSPolicy: TLSOff},
		"smtp://u:p@127.0.0.1:1025":                                {Host: "127.0.0.1", Port: 1025, TLSPolicy: TLSOff, User: "u", Password: "p"},
		"smtp://[::1]:1025?tls=required&name=notices.acme.example": {Host: "::1", Port: 1025, LocalName: "notices.acme.example"},
	}
	for raw, want := range tests {
		got, err := ParseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	tests := map[string]string{
		"":                                         "smtp:// or smtps://",
		"relay.example:587":                        "smtp:// or smtps://",
		"http://relay.example":                     "smtp:// or smtps://",
		"smtp://":                                  "no host",
		"smtp://:587":                              "no host",
		"smtp://user:geheim@relay.example:0":       "port",
		"smtp://user:geheim@relay.example:99999":   "port",
		"smtp://user:geheim@relay.example:x":       "not a URL",
		"smtp://user:ge heim@relay.example":        "not a URL",
		"smtp://user:geheim%@relay.example":        "not a URL",
		"smtp://user:ge/heim@relay.example":        "not a URL",
		"smtp://relay.example/inbox":               "after the host",
		"smtp://relay.example#x":                   "after the host",
		"smtp://user:geheim@relay.example?tls=no":  "neither required nor off",
		"smtp://relay.example?starttls=off":        `unknown setting "starttls"`,
		"smtp://relay.example?name=a%0Db":          "name=",
		"smtp://relay.example?%zz":                 "question mark",
		"smtps://relay.example?tls=off":            "smtps and tls=off",
		"smtp://user:geheim@relay.example?tls=off": "in the clear",
		"smtp://user@relay.example":                "without a password",
		"smtp://:geheim@relay.example":             "without a user",
		"smtp://user:geheim%00@relay.example":      "NUL",
	}
	for raw, want := range tests {
		_, err := ParseURL(raw)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "SMTP_URL") {
			t.Errorf("%s: want an error about SMTP_URL with %q, got %v", raw, want, err)
		}
		if err != nil && strings.Contains(err.Error(), "heim") {
			t.Errorf("%s: the error repeats the password: %v", raw, err)
		}
	}
}

func TestConfigIsPrintedWithoutCredentials(t *testing.T) {
	c, err := ParseURL("smtp://nutzer:geheim@relay.example:587")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "relay", c)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "relay", c)
	fmt.Fprintf(&out, "%v %+v %#v %s", c, c, c, c)
	if s := out.String(); strings.Contains(s, "geheim") || strings.Contains(s, "nutzer") || !strings.Contains(s, "smtp://relay.example:587") {
		t.Errorf("printed as %s", s)
	}
}
