// Command withpg runs a command with one PostgreSQL for tests:
//
//	withpg go test ./...
//
// With -durable the server flushes every commit to the disk, for what is measured; else it doesn't.
//
// The server's address is in TEST_DATABASE_URL. The server and its data go when the command ends,
// also by Ctrl-C, and the command's exit code is withpg's.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"fairnotice/internal/database/databasetest"
)

func main() {
	code, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpg:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	serve := databasetest.Serve
	if len(args) > 0 && args[0] == "-durable" {
		serve, args = databasetest.ServeDurable, args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("name a command to run: withpg go test ./...")
	}
	if os.Getenv(databasetest.EnvURL) != "" { // there is a server already
		return command(args)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := serve(ctx, log)
	if err != nil {
		return 1, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err = errors.Join(err, s.Stop(ctx))
	}()
	if err := os.Setenv(databasetest.EnvURL, s.URL()); err != nil {
		return 1, err
	}
	return command(args)
}

// command runs until the command ends. Ctrl-C reaches it by itself, as it is in our process group;
// a SIGTERM is for us alone and is passed on.
func command(args []string) (int, error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s)
			}
		case err := <-done:
			return exitCode(err)
		}
	}
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			return 1, err
		}
		return 0, nil
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
