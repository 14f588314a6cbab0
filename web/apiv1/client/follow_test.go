package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// between plays what stands between: a server whose events don't come through, or not to the end.
func between(t *testing.T, watch http.HandlerFunc, progress ...NoticeProgress) *follower {
	t.Helper()
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/notices/{id}/events", watch)
	mux.HandleFunc("/api/v1/notices/{id}/progress", func(w http.ResponseWriter, _ *http.Request) {
		p := progress[min(asked, len(progress)-1)]
		asked++
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(p); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, err := New(server.URL, "fn_key", WithRetries(1, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return &follower{c: c, notice: uuid.New(), silence: 50 * time.Millisecond, every: time.Millisecond, pause: time.Millisecond, comeBack: time.Millisecond}
}

// done are the counts that a follower is told.
func (f *follower) done(t *testing.T) (got []int) {
	t.Helper()
	f.yield = func(p NoticeProgress, err error) bool {
		if err != nil {
			t.Error(err)
		}
		got = append(got, p.Done)
		return true
	}
	if err := f.run(t.Context()); err != nil {
		t.Error(err)
	}
	return got
}

func TestEventsThatDontComeThroughAreAskedFor(t *testing.T) {
	for name, watch := range map[string]http.HandlerFunc{
		"held back": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"never answered": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"something else": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>welcome</h1>") },
		"too many": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := between(t, watch, NoticeProgress{Total: 2}, NoticeProgress{Total: 2}, NoticeProgress{Total: 2, Done: 2})
			if got := f.done(t); !cmp.Equal(got, []int{0, 2}) {
				t.Errorf("told of %v", got)
			}
		})
	}
}

func TestAStreamThatIsCutIsTakenUpAgain(t *testing.T) {
	streams := 0
	f := between(t, func(w http.ResponseWriter, _ *http.Request) {
		streams++
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "retry: 1\nid: x\nevent: progress\ndata: {\"total\":3,\"done\":%d}\n\n: still here\n\n", (streams+1)/2)
		if streams == 5 {
			fmt.Fprint(w, "event: done\ndata: {\"total\":3,\ndata: \"done\":3}\n\n")
		}
	}, NoticeProgress{Total: 9})
	if got := f.done(t); !cmp.Equal(got, []int{1, 2, 3}) || streams != 5 {
		t.Errorf("over %d streams told of %v", streams, got)
	}
}

func TestANoticeThatIsNotThereIsNotAskedForAgain(t *testing.T) {
	f := between(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, NoticeProgress{})
	f.yield = func(NoticeProgress, error) bool { t.Error("told of something"); return true }
	if err := f.run(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
}
