package housetest

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// HookSink is a receiver of webhooks for tests with many messages or with faults: of what it takes
// it keeps how often each webhook-id came, nothing else. Each path is an endpoint and misbehaves as
// told.
type HookSink struct {
	URL string // of the server, without a path

	mu      sync.Mutex
	trouble func(path string) HookTrouble
	now     func() time.Time
	arrived map[uuid.UUID]int
	taken   int
	asked   map[string][]time.Time // when each endpoint was asked, by the sink's clock
	open    map[string]int         // requests that get no answer now
	flooded map[string]int64       // bytes of answers that were taken off the sink's hands
	free    chan struct{}
}

// HookTrouble is what an endpoint does instead of taking a webhook.
type HookTrouble string

// The kinds of trouble.
const (
	TakesHooks     HookTrouble = ""
	Hangs          HookTrouble = "says nothing"
	Resets         HookTrouble = "resets the connection"
	AnswersError   HookTrouble = "answers 500"
	Throttles      HookTrouble = "answers 429 with a Retry-After of an hour"
	Redirects      HookTrouble = "answers 301"
	AnswersGarbage HookTrouble = "answers with garbage"
	Floods         HookTrouble = "answers 500 with a gigabyte"
	FloodsHeaders  HookTrouble = "answers with a gigabyte of headers"
	Gone           HookTrouble = "answers 410"
)

// RetryAfter is what an endpoint that Throttles asks for.
const RetryAfter = time.Hour

const gigabyte = 1 << 30

// StartHookSink starts a sink on a loopback port until the test ends. now is the clock that its
// record is kept by.
func StartHookSink(t testing.TB, now func() time.Time) *HookSink {
	t.Helper()
	s := &HookSink{trouble: func(string) HookTrouble { return TakesHooks }, now: now, arrived: map[uuid.UUID]int{},
		asked: map[string][]time.Time{}, open: map[string]int{}, flooded: map[string]int64{}, free: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = server.URL
	t.Cleanup(func() { s.Release(); server.CloseClientConnections(); server.Close() })
	return s
}

// Trouble makes endpoints misbehave, by their path.
func (s *HookSink) Trouble(fn func(path string) HookTrouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = fn
}

// Release ends all trouble; requests that hang are answered then, as taken.
func (s *HookSink) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = func(string) HookTrouble { return TakesHooks }
	close(s.free)
	s.free = make(chan struct{})
}

// Arrived says how often each delivery was taken.
func (s *HookSink) Arrived() map[uuid.UUID]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.arrived)
}

// Count is how many webhooks were taken, repeats included.
func (s *HookSink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Asked says when an endpoint was asked, by the sink's clock.
func (s *HookSink) Asked(path string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.asked[path]...)
}

// Open counts the requests of an endpoint that hang at this moment.
func (s *HookSink) Open(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[path]
}

// Hanging lists the endpoints at which a request hangs at this moment.
func (s *HookSink) Hanging() (paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, open := range s.open {
		if open > 0 {
			paths = append(paths, path)
		}
	}
	return paths
}

// Flooded is how many bytes of its answers an endpoint got rid of.
func (s *HookSink) Flooded(path string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flooded[path]
}

func (s *HookSink) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	_, _ = io.Copy(io.Discard, r.Body) // the server notices a client that goes away only then
	s.mu.Lock()
	trouble, free := s.trouble(path), s.free
	s.asked[path] = append(s.asked[path], s.now())
	s.mu.Unlock()
	switch trouble {
	case Hangs:
		if !s.hang(r, path, free) {
			return
		}
		s.take(w, r)
	case AnswersError:
		http.Error(w, "out of order", http.StatusInternalServerError)
	case Throttles:
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
		http.Error(w, "too much", http.StatusTooManyRequests)
	case Redirects:
		w.Header().Set("Location", s.URL+"/elsewhere")
		w.WriteHeader(http.StatusMovedPermanently)
	case Gone:
		http.Error(w, "no more", http.StatusGone)
	case Resets, AnswersGarbage, Floods, FloodsHeaders:
		s.talk(w, path, trouble)
	default:
		s.take(w, r)
	}
}

func (s *HookSink) take(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.Header.Get("webhook-id"))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "no webhook", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.arrived[id]++
	s.taken++
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// hang waits for Release; false when the client went away first.
func (s *HookSink) hang(r *http.Request, path string, free chan struct{}) bool {
	s.mu.Lock()
	s.open[path]++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open[path]--
		s.mu.Unlock()
	}()
	select {
	case <-free:
		return r.Context().Err() == nil
	case <-r.Context().Done():
		return false
	}
}

// talk answers with bytes that no server of the standard library would send.
func (s *HookSink) talk(w http.ResponseWriter, path string, trouble HookTrouble) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	switch trouble {
	case Resets:
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	case AnswersGarbage:
		_, _ = conn.Write([]byte("\x00\xff\x16 what do you mean?\r\n\x01\r\n\r\n"))
	case Floods:
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 500 Oh\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", gigabyte)
		s.flood(conn, path, "every word of this is noise. ")
	case FloodsHeaders:
		_, _ = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
		s.flood(conn, path, "X-Noise: every word of this is noise\r\n")
	}
}

// flood writes a gigabyte, or as much of it as the client takes, and counts it.
func (s *HookSink) flood(conn net.Conn, path, word string) {
	chunk := make([]byte, 0, 32<<10)
	for len(chunk)+len(word) <= cap(chunk) {
		chunk = append(chunk, word...)
	}
	for sent := 0; sent < gigabyte; {
		n, err := conn.Write(chunk)
		sent += n
		s.mu.Lock()
		s.flooded[path] += int64(n)
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}
