package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"fairnotice/internal/accounts"
	"fairnotice/internal/app"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

// admin is the operator's way to accounts and keys: whoever may run it has the database anyway.
func admin(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	act := ""
	if len(args) > 0 {
		act = args[0]
	}
	switch act {
	case "create", "password":
		return adminAccount(ctx, args, in, out)
	case "key":
		return adminKey(ctx, args[1:], out)
	case "rotate-keys":
		return rotateKeys(ctx, args[1:], out)
	default:
		return fmt.Errorf("admin needs create, password, key or rotate-keys\n%s", usage)
	}
}

// adminAccount makes an administrator or gives an account a new password.
func adminAccount(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	act := args[0]
	flags := flag.NewFlagSet("api admin "+act, flag.ContinueOnError)
	flags.SetOutput(out)
	email := flags.String("email", "", "address to sign in with")
	name := new(string)
	if act == "create" {
		name = flags.String("name", "", "the person's name")
	}
	given := flags.Bool("password-stdin", false, "take the password from the first line of the input")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("admin %s doesn't take %q\n%s", act, flags.Arg(0), usage)
	}
	password, err := readPassword(in, *given)
	if err != nil {
		return err
	}
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		return err
	}
	return withAccounts(ctx, cfg, func(s *accounts.Service) error {
		if act == "create" {
			password, err = s.FirstAdmin(ctx, *email, *name, password)
		} else {
			password, err = s.ResetPassword(ctx, *email, password)
		}
		if err != nil {
			return inWords(cfg, err)
		}
		if *given {
			password = "as given"
		}
		_, err = fmt.Fprintf(out, "Sign in at %s/console\n  email:    %s\n  password: %s\n", cfg.PublicURL, *email, password)
		return err
	})
}

func readPassword(in io.Reader, given bool) (string, error) {
	if !given {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("--password-stdin: the input's first line is empty; put the password there")
	}
	return line, nil
}

func withAccounts(ctx context.Context, cfg *config.Config, fn func(*accounts.Service) error) error {
	return withDatabase(ctx, cfg, func(db *database.DB) error { return fn(accounts.New(db)) })
}

// withDatabase opens the database for a command. The embedded one runs for as long as that takes.
func withDatabase(ctx context.Context, cfg *config.Config, fn func(*database.DB) error) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := app.Connect(ctx, cfg, log)
	if err != nil {
		return err
	}
	err = fn(store.DB)
	stopCtx, cancel := app.StopContext(cfg)
	defer cancel()
	return errors.Join(err, store.Close(stopCtx))
}

// inWords writes faults as the pages do, one a line.
func inWords(cfg *config.Config, err error) error {
	list := fault.All(err)
	if len(list) == 0 {
		return err
	}
	public, urlErr := url.Parse(cfg.PublicURL)
	if urlErr != nil {
		return urlErr
	}
	kit, kitErr := web.New(web.Options{PublicURL: public, Logger: slog.New(slog.DiscardHandler)})
	if kitErr != nil {
		return kitErr
	}
	sentences := make([]string, len(list))
	for i, f := range list {
		sentences[i] = kit.Sentence(locale.Default, f)
	}
	return errors.New(strings.Join(sentences, "\n  "))
}
