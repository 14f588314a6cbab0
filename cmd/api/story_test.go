package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/changes"
	"fairnotice/internal/demo"
	"fairnotice/internal/notify"
	"fairnotice/web/browsertest"
)

// The main job from end to end, as people do it: a real browser on the demo, whose database, workers
// and mail server are real. The spec drives, with scripts and without; here is looked at what it left.
func TestTheStoryInABrowser(t *testing.T) {
	dir := dataDir(t)
	log := capturedLog(t)
	r := startDemo(t, dir)
	browsertest.Run(t, "story.spec.js", map[string]string{"BASE_URL": r.Config.PublicURL, "INBOX": r.inbox, "PASSWORD": demo.Password,
		"EDITOR": demo.Editor.Email, "APPROVER": demo.Approver.Email, "ADMIN": demo.Admin.Email, "REVIEWER": demo.Reviewer.Email})
	if !t.Failed() {
		checkAnnouncedOnce(t, r, dir)
		checkLeft(t, r)
	}
	checkStopped(t, r, dir)
	if said := log(); strings.Contains(said, "level=ERROR") {
		t.Errorf("the demo logged errors:\n%s", said)
	}
}

// capturedLog has the demo log to a file, and returns a way to read it.
func capturedLog(t *testing.T) (read func() string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	kept := os.Stderr
	os.Stderr = file
	t.Cleanup(func() { os.Stderr = kept; _ = file.Close() })
	return func() string {
		var b bytes.Buffer
		if _, err := io.Copy(&b, io.NewSectionReader(file, 0, 1<<20)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
}

// checkAnnouncedOnce compares what the record says was sent with what arrived: the buttons were
// pressed twice, and everybody got each notice once.
func checkAnnouncedOnce(t *testing.T, r *running, dir string) {
	t.Helper()
	announced, _, err := r.Changes.List(t.Context(), changes.Filter{State: changes.Announced})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	mails := arrived(t, dir) // fails on a Message-ID that came twice
	for i := range announced {
		c := &announced[i]
		notices, err := r.Notify.NoticesOf(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		got[c.VendorName] = len(notices)
		for _, n := range notices {
			checkArrived(t, r, n, mails)
		}
	}
	if d := cmp.Diff(map[string]int{"Bugsnag": 1, "Slack": 1}, got); d != "" {
		t.Errorf("notices of the announced changes (-want +got):\n%s", d)
	}
	if len(mails) > 0 {
		t.Errorf("%d messages arrived that no delivery accounts for", len(mails))
	}
	taken := map[string]int{}
	for _, a := range kept[hookArrival](t, dir, "demo-webhooks") {
		if a.Verdict != "verified" {
			t.Errorf("a webhook to %s: %s", a.Endpoint, a.Verdict)
		}
		if a.Status == http.StatusNoContent {
			taken[a.Endpoint+" "+a.MessageID]++
		}
	}
	for what, n := range taken {
		if n != 1 {
			t.Errorf("a webhook was taken %d times: %s", n, what)
		}
	}
}

// checkArrived takes a notice's messages out of those that arrived.
func checkArrived(t *testing.T, r *running, n notify.Notice, mails map[string][]byte) {
	t.Helper()
	list, _, err := r.Notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for i := range list {
		d := &list[i]
		if told[d.Address] {
			t.Errorf("%s is told twice", d.Address)
		}
		told[d.Address] = true
		if here := mails[d.ID.String()] != nil; here != (d.State == notify.Sent) {
			t.Errorf("%s: %s, arrived: %v", d.Address, d.State, here)
		}
		delete(mails, d.ID.String())
	}
	if len(list) == 0 {
		t.Errorf("the notice %s has no deliveries", n.ID)
	}
}

// checkLeft looks for those who left, by the page's button and by their mail program's.
func checkLeft(t *testing.T, r *running) {
	t.Helper()
	rows, err := r.DB.Pool().Query(t.Context(), "select address from subscriptions where state = 'unsubscribed' order by address")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var address string
		if err := rows.Scan(&address); err != nil {
			t.Fatal(err)
		}
		got = append(got, address)
	}
	want := []string{"alerts@chat-partner.example", "archive@goodbye-list.example", "ressort-netz@tagblatt-muster.example", "watch@data-watch.example"}
	if d := cmp.Diff(want, got); d != "" || rows.Err() != nil {
		t.Errorf("who unsubscribed (-want +got):\n%s%v", d, rows.Err())
	}
}
