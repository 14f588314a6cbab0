package site_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/demo/site"
)

func all(*string) bool { return true }

// texts are what is on a shelf, the newest first.
func texts(s *site.Shelf[string]) (out []string) {
	found, _, _ := s.Find(all, "", 100)
	for _, k := range found {
		out = append(out, k.What)
	}
	return out
}

// What was put on a shelf is there after a restart, but for the oldest; leftovers do no harm.
func TestShelf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shelf")
	open := func(keep int) *site.Shelf[string] {
		s, err := site.OpenShelf[string](dir, keep)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open(3)
	for _, text := range []string{"a", "b", "c", "d"} {
		if _, err := s.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"20260101T000000.000000Z.json.part": `{"what":"half"}`, "20260101T000001.000000Z.json": `{"wh`,
		"by-hand.json": `{"what":"by hand"}`, "secrets": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, again := range []*site.Shelf[string]{s, open(3)} {
		if d := cmp.Diff([]string{"d", "c", "b"}, texts(again)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	s = open(2)
	found, more, total := s.Find(all, "", 1)
	older, _, _ := s.Find(all, found[0].ID, 1)
	if !more || total != 2 || found[0].What != "d" || older[0].What != "c" {
		t.Errorf("%v, then %v; more %v of %d", found, older, more, total)
	}
	if k, err := s.Get(older[0].ID); err != nil || k.What != "c" {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := s.Get("20260101T000001.000000Z"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a broken one: %v", err)
	}
}

// Whom others send to stays where it was: a taken port is no error at first, and one later.
func TestListenAgain(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	listen := func() (*site.Server, error) {
		return site.ListenAgain("test", dir, taken.Addr().String(), http.NotFoundHandler(), log)
	}
	s, err := listen()
	if err != nil || s.Addr() == taken.Addr().String() {
		t.Fatal(s, err)
	}
	if _, err := listen(); err == nil || !strings.Contains(err.Error(), "start afresh") {
		t.Errorf("where it was is taken: %v", err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	again, err := listen()
	if err != nil || again.Addr() != s.Addr() {
		t.Fatal(again, err)
	}
	if err := again.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A page of another site can't press a button here.
func TestForeignPostsAreRefused(t *testing.T) {
	s, err := site.Open(site.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	s.Handle("POST /", func(http.ResponseWriter, *http.Request) {})
	s.Start()
	for from, want := range map[string]int{"cross-site": http.StatusForbidden, "same-origin": http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Sec-Fetch-Site", from)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s", from, answer.Status)
		}
	}
}
