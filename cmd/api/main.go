// Command api serves Fairnotice's pages and its API. Without DATABASE_URL it runs a PostgreSQL of
// its own and the worker inside: one command, everything works.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"fairnotice/internal/app"
	"fairnotice/internal/config"
)

const usage = `Usage:
  api                                           serve until told to stop
  api demo                                      try it with a fictitious publisher and a demo inbox
  api admin create --email ADDRESS --name NAME  make an administrator
  api admin password --email ADDRESS            give an account a new password
  api admin key --email ADDRESS --name NAME     make an API key that acts for an account
      [--role ROLE] [--days N] [--network CIDR]... [--per-minute N]
  api admin rotate-keys                         seal stored secrets anew with the first key of ENCRYPTION_KEYS
  api openapi                                   write the API's OpenAPI document
  api health                                    say by the exit code whether this server is ready

admin create and admin password make up a password and print it once; with --password-stdin
they take the first line of their input instead. Configured by the environment: see README.md.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:], os.Stdin, os.Stdout)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// command chooses what to do.
func command(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		cfg, err := config.FromEnvironment(config.API)
		if err != nil {
			return err
		}
		log := app.NewLog(cfg, os.Stderr)
		slog.SetDefault(log)
		return run(ctx, cfg, log)
	case "demo":
		if len(args) > 0 {
			return fmt.Errorf("demo doesn't take %q\n%s", args[0], usage)
		}
		return runDemo(ctx, environment(), out, nil)
	case "admin":
		return admin(ctx, args, in, out)
	case "openapi":
		return openapi(args, out)
	case "health":
		return health(ctx)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	default:
		return fmt.Errorf("there is no command %q\n%s", name, usage)
	}
}
