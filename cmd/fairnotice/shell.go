package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fairnotice/web/apiv1/client"
)

// shell is what a command is run from.
type shell struct {
	in        io.Reader
	out, errs io.Writer
	env       func(string) string
	options   []client.Option // of tests
	person    bool            // somebody is there to answer, whatever in is
}

func (sh *shell) interactive() bool { return sh.person || isTerminal(sh.in) }

// command line flags that all commands have.
type common struct {
	*flag.FlagSet
	keyFile string
	json    bool
}

func (sh *shell) flags(name, args, about string) *common {
	c := &common{FlagSet: flag.NewFlagSet("fairnotice "+name, flag.ContinueOnError)}
	c.SetOutput(sh.errs)
	c.StringVar(&c.keyFile, "key-file", "", "read the API key from this file instead of FAIRNOTICE_API_KEY")
	c.Usage = func() {
		fmt.Fprintf(sh.errs, "Usage: fairnotice %s [flags] %s\n\n%s\n\nFlags:\n", name, args, about)
		c.PrintDefaults()
	}
	return c
}

// parse reads flags before, between and after the arguments, of which there must be so many.
func (c *common) parse(args []string, want int) ([]string, error) {
	var plain []string
	for {
		if err := c.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		if c.NArg() == 0 {
			break
		}
		plain, args = append(plain, c.Arg(0)), c.Args()[1:]
	}
	if len(plain) != want {
		c.Usage()
		return nil, wrong("%s takes %d argument(s), not %d", c.Name(), want, len(plain))
	}
	return plain, nil
}

// connect makes the client of the installation that the environment names.
func (sh *shell) connect(c *common) (*client.Client, error) {
	address := sh.env("FAIRNOTICE_URL")
	if address == "" {
		return nil, wrong("set FAIRNOTICE_URL to the address of the installation, such as https://trust.example.com")
	}
	key := sh.env("FAIRNOTICE_API_KEY")
	if c.keyFile != "" {
		raw, err := os.ReadFile(c.keyFile)
		if err != nil {
			return nil, wrong("--key-file: %w", err)
		}
		key = string(raw)
	}
	if strings.TrimSpace(key) == "" {
		return nil, wrong("set FAIRNOTICE_API_KEY to an API key, made in the console under Account, or give --key-file")
	}
	api, err := client.New(address, key, append([]client.Option{client.WithUserAgent("fairnotice")}, sh.options...)...)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return api, nil
}

// isTerminal says whether a person looks at, or types at, the other end.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (sh *shell) printJSON(v any) error {
	e := json.NewEncoder(sh.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func me(ctx context.Context, args []string, sh *shell) error {
	c := sh.flags("me", "", "Says who the key is, what it may do, and until when.")
	c.BoolVar(&c.json, "json", false, "as JSON")
	if _, err := c.parse(args, 0); err != nil {
		return err
	}
	api, err := sh.connect(c)
	if err != nil {
		return err
	}
	answer, err := api.GetMe(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return sh.printJSON(answer.Body)
	}
	m := answer.Body
	_, err = fmt.Fprintf(sh.out, "%s, as %s, by the key %q, until %s\n", m.Name, m.Role, m.KeyName, m.ExpiresAt.UTC().Format(time.RFC3339))
	return err
}
