package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"fairnotice/internal/app"
	"fairnotice/internal/config"
	"fairnotice/internal/demo"
)

// heeded are the settings that the demo takes from the environment. The rest are its own: it must
// neither touch a real database nor write to anybody.
var heeded = []string{"LISTEN_ADDR", "PUBLIC_URL", "DATA_DIR", "PG_BIN_DIR", "TRUSTED_PROXIES", "LOG_LEVEL", "LOG_FORMAT", "SHUTDOWN_TIMEOUT"}

// environment is the process's.
func environment() map[string]string {
	out := map[string]string{}
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		out[name] = value
	}
	return out
}

// runDemo serves a fictitious publisher whose notices arrive at receivers of its own, until ctx ends. When it
// is ready, ready is called if it isn't nil.
func runDemo(ctx context.Context, given map[string]string, out io.Writer, ready func(*app.App)) error {
	cfg, err := config.Load(demoSettings(given), config.API)
	if err != nil {
		return err
	}
	log := app.NewLog(cfg, os.Stderr)
	to, err := openReceivers(cfg, log)
	if err != nil {
		return err
	}
	to.configure(cfg)
	defer context.AfterFunc(ctx, func() { _, _ = fmt.Fprintln(out, "\nStopping …") })()
	err = runWith(ctx, cfg, log, hooks{
		load: func(ctx context.Context, a *app.App) error {
			return demo.Load(ctx, a.DB, a.Services, to.receivers(), out)
		},
		ready: func(_ context.Context, a *app.App) error {
			openBrowser(given, cfg.PublicURL+"/console")
			if ready != nil {
				defer ready(a)
			}
			return introduce(out, cfg, to)
		},
	})
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, to.Close(stopCtx))
}

// demoSettings are the demo's, where the environment says nothing else.
func demoSettings(given map[string]string) map[string]string {
	out := map[string]string{"DATA_DIR": "./data/demo", "LOG_LEVEL": "warn"}
	for name, value := range given {
		if slices.Contains(heeded, name) && strings.TrimSpace(value) != "" {
			out[name] = value
		}
	}
	if out["LISTEN_ADDR"] == "" {
		out["LISTEN_ADDR"] = freeAddress("127.0.0.1", 8080)
	}
	return out
}

// freeAddress is the first port from the wanted one on that nobody listens on.
func freeAddress(host string, port int) string {
	for n := range 20 {
		addr := net.JoinHostPort(host, fmt.Sprint(port+n))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	return net.JoinHostPort(host, fmt.Sprint(port)) // whose refusal says what to do
}

const introduction = `
Fairnotice's demo runs. Its publisher and customers do not exist, and nothing leaves this machine.

  Public list	%[1]s/
  Console	%[1]s/console
  Demo inbox	%[2]s	(SMTP at %[3]s)
  Webhooks	%[2]swebhooks	(endpoints at %[4]s…)
  Slack	%[2]sslack	(a look-alike at %[5]s)

Sign in with the password %[6]s as

%[7]s
What to try
  1.	Sign in as %[8]s. Under Changes draft the addition of Bugsnag, the
	vendor that nothing engages yet: it watches for errors in Nordlicht Desk, its
	data are stored in the United States under contract clauses, in two months.
	See whom that concerns and from which day, read the notice, submit it.
  2.	Sign in as %[9]s, approve it and announce it: a second person must.
  3.	Read the notices in the demo inbox, and follow their links. A follower's
	has a button to unsubscribe.
  4.	Watch the deliveries: one address refuses (its customer's fallback is told
	instead), one puts off and is tried again after seconds.
  5.	See the webhooks arrive, verified, and the messages in Slack. The endpoint
	slow keeps Fairnotice waiting, and nobody else; down refuses twice, so try
	it again from its delivery's page, or wait five minutes; gone is no more,
	which disables its subscription. Enter a webhook of your own in the console:
	any name after %[4]s is an endpoint.

%[10]sCtrl-C stops everything. The data stay in %[11]s; remove that to start afresh.

`

// introduce says where everything is and what to do first.
func introduce(out io.Writer, cfg *config.Config, to *receivers) error {
	var people strings.Builder
	for _, s := range demo.SignIns {
		_, _ = fmt.Fprintf(&people, "  %s\t%s\n", s.Email, s.Does)
	}
	warning := ""
	if !onLoopback(cfg.ListenAddr) {
		warning = "Others can reach " + cfg.ListenAddr + " and sign in too: the password is everybody's.\n"
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintf(w, introduction, cfg.PublicURL, to.site.URL(), strings.TrimPrefix(to.inbox.SMTPURL(), "smtp://"),
		to.hooks.Address(""), to.slack.Host(), demo.Password, people.String(), demo.Editor.Email, demo.Approver.Email, warning, folders(cfg.DataDir))
	return errors.Join(err, w.Flush())
}

// folders are where the data are: in the folder, or in another too, when the database runs as a user
// who can't enter the first.
func folders(dataDir string) string {
	target, err := os.Readlink(filepath.Join(dataDir, "postgres"))
	if err != nil {
		return dataDir
	}
	return dataDir + " and " + filepath.Dir(target)
}

func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// openBrowser shows a page where there is a desktop. It's a courtesy: what fails is passed over.
func openBrowser(given map[string]string, page string) {
	opener := "xdg-open"
	switch {
	case given["NO_BROWSER"] != "" || given["CI"] != "":
		return
	case runtime.GOOS == "darwin":
		opener = "open"
	case given["DISPLAY"] == "" && given["WAYLAND_DISPLAY"] == "":
		return
	}
	cmd := exec.Command(opener, page)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C here is not for the browser
	if err := cmd.Start(); err == nil {
		go func() { _ = cmd.Wait() }()
	}
}
