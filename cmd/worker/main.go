// Command worker runs Fairnotice's jobs: it fans notices out, sends them and activates changes. As
// many as wanted may run on one database. It also brings the database's schema up to date.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"fairnotice/internal/app"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/migrations"
)

const usage = `Usage:
  worker                       run jobs until told to stop
  worker migrate               bring the database's schema up to this program's version
  worker migrate --down-to N   take it back to version N (0 removes everything)
  worker health                say by the exit code whether the database can be worked with

Configured by the environment; DATABASE_URL is needed. See README.md.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:], os.Stdout)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// command chooses what to do.
func command(ctx context.Context, args []string, out io.Writer) error {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		cfg, err := config.FromEnvironment(config.Worker)
		if err != nil {
			return err
		}
		return run(ctx, cfg)
	case "migrate":
		return migrate(ctx, args, out)
	case "health":
		return withDatabase(ctx, func(db *database.DB) error { return db.CheckSchema(ctx) })
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	default:
		return fmt.Errorf("there is no command %q\n%s", name, usage)
	}
}

// run works jobs until ctx ends, then finishes those under way or hands them back.
func run(ctx context.Context, cfg *config.Config) error {
	log := app.NewLog(cfg, os.Stderr)
	slog.SetDefault(log)
	a, err := app.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	err = a.StartWorkers(ctx)
	if err == nil {
		log.Info("working")
		<-ctx.Done()
		log.Info("stopping; a second signal stops at once")
	}
	stopCtx, cancel := app.StopContext(cfg)
	defer cancel()
	return errors.Join(err, a.Close(stopCtx))
}

func migrate(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("worker migrate", flag.ContinueOnError)
	flags.SetOutput(out)
	target := flags.Int64("down-to", migrations.Version, "version to take the schema back to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *target < 0 || *target > migrations.Version {
		return fmt.Errorf("migrate takes --down-to N, N being a version from 0 to %d, and nothing else", int64(migrations.Version))
	}
	return withDatabase(ctx, func(db *database.DB) error {
		if err := db.MigrateDown(ctx, *target); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "The schema is at version %d.\n", *target)
		return err
	})
}

// withDatabase runs a command that needs the database, whatever its schema.
func withDatabase(ctx context.Context, fn func(*database.DB) error) error {
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		return err
	}
	if cfg.Embedded() {
		return errors.New("DATABASE_URL: a worker needs it: write postgres://user:password@host/name " +
			"(the embedded database is migrated by api itself)")
	}
	db, err := database.Open(ctx, cfg.DatabaseURL.Reveal(), database.Options{MaxConns: 2, Log: app.NewLog(cfg, os.Stderr)})
	if err != nil {
		return err
	}
	defer db.Close()
	return fn(db)
}
