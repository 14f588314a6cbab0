package app_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/app"
	"fairnotice/internal/config"
)

// After the first signal, which the program has taken, a second one ends the stop's patience.
func TestASecondSignalEndsTheWait(t *testing.T) {
	ctx, cancel := app.StopContext(&config.Config{ShutdownTimeout: time.Hour})
	defer cancel()
	if err := ctx.Err(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

func TestTheStopIsBounded(t *testing.T) {
	ctx, cancel := app.StopContext(&config.Config{ShutdownTimeout: time.Millisecond})
	defer cancel()
	<-ctx.Done()
}

func TestLogIsAsConfigured(t *testing.T) {
	var out bytes.Buffer
	log := app.NewLog(&config.Config{LogFormat: "json", LogLevel: slog.LevelWarn}, &out)
	log.Info("not this")
	log.Warn("this", "secret", config.NewSecret("hunter2"))
	if got := out.String(); !strings.Contains(got, `"msg":"this"`) || strings.Contains(got, "not this") || strings.Contains(got, "hunter2") {
		t.Errorf("the log says %s", got)
	}
	out.Reset()
	app.NewLog(&config.Config{LogFormat: "text"}, &out).Info("plain")
	if !strings.Contains(out.String(), "msg=plain") {
		t.Errorf("the log says %s", out.String())
	}
}
