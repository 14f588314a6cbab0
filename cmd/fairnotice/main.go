// Command fairnotice is for people at a shell and for scripts: it asks an installation through its
// API, with a key from the environment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Usage:
  fairnotice me                          say who the key is
  fairnotice import vendors FILE         record vendors and what they are engaged for
  fairnotice import customers FILE       record customers, their contacts and contracts
  fairnotice announce REFERENCE          announce an approved change to whom it concerns
  fairnotice watch REFERENCE|NOTICE      follow a change's notices until every delivery has ended

Each command tells more with -h. Configured by the environment:
  FAIRNOTICE_URL       where the installation is, such as https://trust.example.com
  FAIRNOTICE_API_KEY   an API key, made in the console under Account, or with api admin key;
                       --key-file FILE reads it from a file instead

Exit codes:
  0  done
  1  it failed; what failed is told
  2  wrong use: flags, settings, or a file that can't be read as it is
  3  done in part: rows were refused, or deliveries failed for good
`

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
	exitPart   = 3
)

// exitError ends the program with a code.
type exitError struct {
	code int
	error
}

func (e *exitError) Unwrap() error { return e.error }

func wrong(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}
func partly(format string, args ...any) error {
	return &exitError{exitPart, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], &shell{in: os.Stdin, out: os.Stdout, errs: os.Stderr, env: os.Getenv})
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

// exitCode tells an error, and gives the code that goes with it.
func exitCode(err error, errs io.Writer) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "fairnotice: interrupted")
		return exitFailed
	}
	fmt.Fprintln(errs, "fairnotice:", err)
	if e := (*exitError)(nil); errors.As(err, &e) {
		return e.code
	}
	return exitFailed
}

// command chooses what to do.
func command(ctx context.Context, args []string, sh *shell) error {
	if len(args) == 0 {
		return wrong("no command\n%s", usage)
	}
	switch name, args := args[0], args[1:]; name {
	case "me":
		return me(ctx, args, sh)
	case "import":
		return importFile(ctx, args, sh)
	case "announce":
		return announce(ctx, args, sh)
	case "watch":
		return watch(ctx, args, sh)
	case "help", "-h", "-help", "--help":
		_, err := io.WriteString(sh.out, usage)
		return err
	default:
		return wrong("there is no command %q\n%s", name, usage)
	}
}
