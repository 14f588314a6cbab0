package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/app"
	"fairnotice/internal/changes"
	"fairnotice/internal/demo"
	"fairnotice/internal/notify"
	"fairnotice/internal/vendors/sample"
)

// screen is what the demo writes, read while it still writes.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a demo that was started.
type running struct {
	*app.App
	screen *screen
	inbox  string // its page's address, without a slash at its end
	stop   func() error
}

var inboxAddress = regexp.MustCompile(`Demo inbox +(http://127\.0\.0\.1:\d+)/`)

func startDemo(t *testing.T, dir string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	opened, done := make(chan *app.App, 1), make(chan error, 1)
	r := &running{screen: &screen{}, stop: func() error { cancel(); return <-done }}
	t.Cleanup(cancel)
	given := map[string]string{"DATA_DIR": dir, "LISTEN_ADDR": freeAddr(t), "NO_BROWSER": "1",
		"DATABASE_URL": "postgres://somebody@real.example/database", "SMTP_URL": "smtps://u:p@relay.example"}
	go func() {
		done <- runDemo(ctx, given, r.screen, func(a *app.App) { opened <- a })
	}()
	select {
	case err := <-done:
		t.Fatalf("it ended before it was ready: %v\n%s", err, r.screen)
	case r.App = <-opened:
	}
	if status, body := get(t, r.Config, "/readyz"); status != http.StatusOK {
		t.Fatalf("not ready: %d %s", status, body)
	}
	found := inboxAddress.FindStringSubmatch(r.screen.String())
	if found == nil {
		t.Fatalf("it doesn't say where the inbox is:\n%s", r.screen)
	}
	r.inbox = found[1]
	return r
}

func (r *running) as(t *testing.T, who demo.SignIn) actor.Actor {
	t.Helper()
	_, a, err := r.Accounts.Authenticate(t.Context(), who.Email, demo.Password)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// announce takes the sample's candidate all the way, as a visitor does.
func (r *running) announce(t *testing.T) uuid.UUID {
	t.Helper()
	list, err := r.Publisher.Products(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	products := map[string]uuid.UUID{}
	for _, p := range list {
		products[p.Slug] = p.ID
	}
	register, err := sample.Load(t.Context(), actor.ForSystem(), r.Vendors, products)
	if err != nil {
		t.Fatal(err)
	}
	today, err := r.Vendors.Today(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	editor, approver := r.as(t, demo.Editor), r.as(t, demo.Approver)
	c, err := r.Changes.Draft(t.Context(), editor, "", &changes.Proposal{Kind: changes.Addition, VendorID: register.Vendors[register.Candidate],
		Facts: register.CandidateFacts, Reason: "To find errors sooner.", EffectiveOn: today.AddDays(60)})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{r.Changes.Submit(t.Context(), editor, c.ID), r.Changes.Approve(t.Context(), approver, c.ID, 0),
		r.Changes.Announce(t.Context(), approver, c.ID)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c.ID
}

// deliveries waits until each has come to its end, the fallback's of a refused one included, and tries
// the one at the endpoint that is down again when it has been put off twice, as a visitor does.
func (r *running) deliveries(t *testing.T, change uuid.UUID, total int) []notify.Delivery {
	t.Helper()
	var list []notify.Delivery
	var triedAgain bool
	for range 1200 {
		notices, err := r.Notify.NoticesOf(t.Context(), change)
		if err != nil {
			t.Fatal(err)
		}
		if len(notices) == 1 {
			if list, _, err = r.Notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: notices[0].ID, Limit: 100}); err != nil {
				t.Fatal(err)
			}
			if len(list) == total && r.ended(t, list, &triedAgain) {
				return list
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, d := range list {
		if d.State == notify.Queued || d.State == notify.Sending {
			t.Errorf("%s %s is %s after %d attempts: %d %s", d.Channel, d.Address, d.State, d.Attempts, d.LastCode, d.LastAnswer)
		}
	}
	t.Fatalf("after a minute %d deliveries have not come to their end", len(list))
	return nil
}

func (r *running) ended(t *testing.T, list []notify.Delivery, triedAgain *bool) bool {
	t.Helper()
	left := 0
	for i := range list {
		d := &list[i]
		if d.State != notify.Queued && d.State != notify.Sending {
			continue
		}
		left++
		if !*triedAgain && d.State == notify.Queued && d.Attempts == 2 && strings.HasSuffix(d.Address, "/hooks/down") {
			*triedAgain = true
			if err := r.Notify.Retry(t.Context(), r.as(t, demo.Approver), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	return left == 0
}

var messageID = regexp.MustCompile(`(?mi)^Message-ID: <([0-9a-f-]{36})@nordlicht\.example>`)

// arrived are the messages in the inbox's folder by the delivery that they name.
func arrived(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "demo-inbox", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		id := messageID.FindSubmatch(raw)
		if id == nil || out[string(id[1])] != nil {
			t.Fatalf("%s has no Message-ID of ours, or another's:\n%s", name, raw)
		}
		out[string(id[1])] = raw
	}
	return out
}

// The whole story of the demo, from an empty folder to the mails, and again from what it left.
func TestTheDemo(t *testing.T) {
	dir := dataDir(t)
	r := startDemo(t, dir)
	for _, want := range []string{r.Config.PublicURL + "/console", demo.Editor.Email, demo.Approver.Email, demo.Password, dir, "40 customers"} {
		if !strings.Contains(r.screen.String(), want) {
			t.Errorf("it doesn't print %q:\n%s", want, r.screen)
		}
	}
	list := r.deliveries(t, r.announce(t), 47)
	checkDeliveries(t, list)
	checkOutlets(t, r, list)
	mails := arrived(t, dir)
	var sent []string
	for _, d := range list {
		if d.State != notify.Sent || d.Channel != notify.ChannelEmail {
			continue
		}
		sent = append(sent, d.ID.String())
		as, err := r.Notify.Rebuild(t.Context(), r.Composers, d.ID, d.Attempts)
		if err != nil {
			t.Fatal(err)
		}
		if raw := mails[d.ID.String()]; !as.Proven || sha256.Sum256(raw) != sha256.Sum256(as.Raw) {
			t.Errorf("%s: what arrived is not what the record says was sent", d.Address)
		}
		follower := d.Basis == "follower"
		if has := bytes.Contains(mails[d.ID.String()], []byte("List-Unsubscribe-Post:")); has != follower {
			t.Errorf("%s (%s): one-click unsubscribing %v", d.Address, d.Basis, has)
		}
	}
	var got []string
	for id := range mails {
		got = append(got, id)
	}
	slices.Sort(sent)
	slices.Sort(got)
	if d := cmp.Diff(sent, got); d != "" || len(got) != 39 {
		t.Errorf("%d messages (-sent +arrived):\n%s", len(got), d)
	}
	unsubscribe(t, r)
	checkStopped(t, r, dir)

	again := startDemo(t, dir)
	if !strings.Contains(again.screen.String(), "earlier run") || strings.Contains(again.screen.String(), "Loading") {
		t.Errorf("the second run says:\n%s", again.screen)
	}
	if n, err := again.Subscribers.CountCustomers(t.Context()); err != nil || n != 40 {
		t.Errorf("%d customers, %v", n, err)
	}
	if body := page(t, again.inbox+"/"); !strings.Contains(body, "39 messages") {
		t.Errorf("the inbox after a restart:\n%s", body)
	}
	// The next notice is signed with secrets that the receiver still knows, and nobody is told at the
	// endpoint that is gone.
	drafts, _, err := again.Changes.List(t.Context(), changes.Filter{State: changes.Draft})
	if err != nil || len(drafts) != 1 {
		t.Fatal(drafts, err)
	}
	approver := again.as(t, demo.Approver)
	for _, err := range []error{again.Changes.Submit(t.Context(), again.as(t, demo.Editor), drafts[0].ID),
		again.Changes.Approve(t.Context(), approver, drafts[0].ID, 0), again.Changes.Announce(t.Context(), approver, drafts[0].ID)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	checkSecondNotice(t, again, drafts[0].ID)
	checkStopped(t, again, dir)
}

// checkDeliveries looks at those that are there to be looked at.
func checkDeliveries(t *testing.T, list []notify.Delivery) {
	t.Helper()
	type end struct {
		State    notify.State
		Attempts int
		Code     int
	}
	got := map[string]end{}
	others := map[end]int{}
	named := []string{"bounce.privacy@placeholder.example", "office@placeholder.example", "greylist.privacy@lorem-ipsum.example",
		"legal@voorbeeld-bloemen.example", "datenschutz@beispielwerke.example", "einkauf@beispielwerke.example",
		"platform-team@beispielwerke.example", "watch@data-watch.example"}
	for _, d := range list {
		if d.Channel != notify.ChannelEmail {
			continue
		}
		e := end{d.State, d.Attempts, d.LastCode}
		if slices.Contains(named, d.Address) {
			got[d.Address] = e
		} else {
			others[e]++
		}
	}
	ok := end{notify.Sent, 1, 250}
	want := map[string]end{"bounce.privacy@placeholder.example": {notify.Failed, 1, 550}, "office@placeholder.example": ok,
		"greylist.privacy@lorem-ipsum.example": {notify.Sent, 2, 250}, "legal@voorbeeld-bloemen.example": ok,
		"datenschutz@beispielwerke.example": ok, "einkauf@beispielwerke.example": ok, "platform-team@beispielwerke.example": ok,
		"watch@data-watch.example": ok}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("deliveries (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[end]int{ok: 32}, others); d != "" {
		t.Errorf("the other deliveries (-want +got):\n%s", d)
	}
}

func page(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", address, answer.Status, err, body)
	}
	return string(body)
}

var messageLink = regexp.MustCompile(`/messages/[0-9TZ.]+`)

// unsubscribe presses a follower's button in the inbox.
func unsubscribe(t *testing.T, r *running) {
	t.Helper()
	path := messageLink.FindString(page(t, r.inbox+"/?q=watch%40data-watch.example"))
	answer, err := http.PostForm(r.inbox+path+"/unsubscribe", url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s %v\n%s", answer.Status, err, body)
	}
	var state string
	err = r.DB.Pool().QueryRow(t.Context(), "select state from subscriptions where address = 'watch@data-watch.example'").Scan(&state)
	if err != nil || state != "unsubscribed" {
		t.Errorf("the follower's subscription is %s, %v", state, err)
	}
}

// checkStopped stops the demo and looks for what it may have left.
func checkStopped(t *testing.T, r *running, dir string) {
	t.Helper()
	pid := postmaster(t, dir)
	if err := r.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("PostgreSQL still runs as %d: %v", pid, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("PostgreSQL has left its file: %v", err)
	}
	for _, address := range []string{r.Config.PublicURL, r.inbox} {
		if answer, err := http.Get(address); err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// The demo is not to touch anything real, whatever the environment names.
func TestTheDemosSettingsAreItsOwn(t *testing.T) {
	got := demoSettings(map[string]string{"DATABASE_URL": "postgres://real", "SMTP_URL": "smtp://real", "DKIM_DOMAIN": "real.example",
		"ENCRYPTION_KEYS": "k:v", "MAIL_FROM": "a@real.example", "PATH": "/bin", "LOG_LEVEL": "debug", "PG_BIN_DIR": " ", "LISTEN_ADDR": "127.0.0.1:1"})
	want := map[string]string{"DATA_DIR": "./data/demo", "LOG_LEVEL": "debug", "LISTEN_ADDR": "127.0.0.1:1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for addr, want := range map[string]bool{"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true, ":8080": false, "0.0.0.0:8080": false, "10.0.0.1:8080": false} {
		if got := onLoopback(addr); got != want {
			t.Errorf("onLoopback(%q) = %v", addr, got)
		}
	}
	if err := command(t.Context(), []string{"demo", "now"}, nil, io.Discard); err == nil || !strings.Contains(err.Error(), `"now"`) {
		t.Errorf("api demo now: %v", err)
	}
}
