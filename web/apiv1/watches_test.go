package apiv1

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/housetest"
)

// event is one that was streamed.
type event struct {
	id, name string
	data     NoticeProgress
}

// stream is what a program follows.
type stream struct {
	t      testing.TB
	events chan event // closed at the stream's end
	hangUp context.CancelFunc
	header http.Header
}

// follow opens a stream and reads it as it comes.
func (p *program) follow(path string) *stream {
	p.d.t.Helper()
	ctx, cancel := context.WithCancel(p.d.t.Context())
	p.d.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.d.server.URL+Prefix+path, nil)
	p.d.ok(err)
	r.Header.Set("Authorization", "Bearer "+p.key)
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := p.d.server.Client().Do(r)
	p.d.ok(err)
	if response.StatusCode != http.StatusOK {
		p.d.t.Fatalf("answered %d", response.StatusCode)
	}
	st := &stream{t: p.d.t, events: make(chan event, 100), hangUp: cancel, header: response.Header}
	go func() {
		defer close(st.events)
		defer func() { _ = response.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				if json.Unmarshal([]byte(value), &e.data) != nil {
					e.name = "broken"
				}
			case "":
				if e.name != "" {
					st.events <- e
				}
				e = event{}
			}
		}
	}()
	return st
}

// next waits for an event; ok is false at the stream's end.
func (s *stream) next() (e event, ok bool) {
	s.t.Helper()
	select {
	case e, ok = <-s.events:
	case <-time.After(time.Minute):
		s.t.Fatal("waited a minute in vain for an event")
	}
	return e, ok
}

// following is a desk whose watches look often.
func following(t testing.TB) *desk {
	d := newDesk(t)
	d.site.watches.pause = 5 * time.Millisecond
	return d
}

// nobody waits until no stream and no reader is left.
func (d *desk) nobody() {
	d.t.Helper()
	w := d.site.watches
	d.until("every stream has left", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.streams == 0 && len(w.notices) == 0 && len(w.keys) == 0
	})
	w.running.Wait()
}

func TestAStreamTellsHowANoticeGoes(t *testing.T) {
	d := following(t)
	d.server.Close()
	d.server = httptest.NewUnstartedServer(d.kit.Handler())
	d.server.Config.WriteTimeout = 300 * time.Millisecond // streams are not held to it
	d.server.Start()
	t.Cleanup(d.server.Close)
	d.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	d.Follower("fan@follower.example", "en")
	_, notice := d.announced()
	relay, hold := housetest.StartRelay(t), make(chan struct{})
	relay.Hold(hold)
	st := d.as(d.Editor).follow(notice + "/events")
	first, _ := st.next()
	if first.name != "progress" || first.id == "" || first.data.Total != 2 || first.data.Done != 0 {
		t.Errorf("first came %+v", first)
	}
	if st.header.Get("Content-Type") != "text/event-stream" || st.header.Get("Content-Encoding") != "" || st.header.Get("ETag") != "" {
		t.Errorf("headers %v", st.header)
	}
	time.Sleep(d.server.Config.WriteTimeout)
	d.sending(d.mailer(relay))
	for {
		if e, ok := st.next(); !ok || e.data.Counts.Sending > 0 {
			break
		}
	}
	close(hold)
	names, last := []string{}, event{}
	for e, ok := st.next(); ok; e, ok = st.next() {
		names, last = append(names, e.name), e
	}
	if last.name != "done" || last.data.Done != 2 || last.data.Counts.Sent != 2 || names[0] != "progress" {
		t.Errorf("at last %+v, after %q", last, names)
	}
	d.nobody()
	again := d.as(d.Editor).follow(notice + "/events")
	if e, _ := again.next(); e.data.Done != 2 || e.id != last.id {
		t.Errorf("afterwards it begins with %+v, want what it ended with, %+v", e, last)
	}
	if e, _ := again.next(); e.name != "done" {
		t.Errorf("then comes %q", e.name)
	}
}

func TestAStreamEndsWhenTheProgramStops(t *testing.T) {
	d := following(t)
	stop := make(chan struct{})
	d.site.Stopping = stop
	d.Follower("fan@follower.example", "en")
	_, notice := d.announced()
	st := d.as(d.Editor).follow(notice + "/events")
	st.next()
	close(stop)
	if e, ok := st.next(); ok {
		t.Errorf("%+v came, want the end", e)
	}
	d.nobody()
}

func TestStreamsShareOneReader(t *testing.T) {
	d := following(t)
	d.Follower("fan@follower.example", "en")
	_, notice := d.announced()
	d.site.watches.perKey = 2
	p := d.as(d.Editor)
	first, second := p.follow(notice+"/events"), p.follow(notice+"/events")
	other := d.as(d.Editor).follow(notice + "/events")
	for _, st := range []*stream{first, second, other} {
		if e, _ := st.next(); e.data.Total != 1 {
			t.Errorf("%+v came", e)
		}
	}
	d.site.watches.mu.Lock()
	if n := len(d.site.watches.notices); n != 1 || d.site.watches.streams != 3 {
		t.Errorf("%d readers for %d streams, want one for three", n, d.site.watches.streams)
	}
	d.site.watches.mu.Unlock()
	refused := p.get(notice + "/events")
	refused.problem(429, "streams.key")
	if refused.Header.Get("Retry-After") != "10" {
		t.Errorf("headers %v", refused.Header)
	}
	if head := p.send(http.MethodHead, notice+"/progress", nil).want(200); len(head.Body) > 0 {
		t.Errorf("a head with %d bytes", len(head.Body))
	}
	first.hangUp()
	d.until("one has left", func() bool {
		d.site.watches.mu.Lock()
		defer d.site.watches.mu.Unlock()
		return d.site.watches.streams == 2
	})
	if head := p.send(http.MethodHead, notice+"/events", nil).want(200); len(head.Body) > 0 {
		t.Errorf("a head with %d bytes", len(head.Body))
	}
	second.hangUp()
	other.hangUp()
	d.nobody()
}

func TestAWatchThatFailsTellsSo(t *testing.T) {
	t.Parallel()
	reads, gone := 0, errors.New("gone")
	w := newWatches(func(context.Context, uuid.UUID) (*NoticeProgress, error) {
		if reads++; reads > 1 {
			return nil, gone
		}
		return &NoticeProgress{Total: 1}, nil
	})
	w.pause = time.Millisecond
	sub, err := w.join(exampleID(1), exampleID(2))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := sub.first(t.Context()); err != nil || p.Total != 1 {
		t.Errorf("first %+v, %v", p, err)
	}
	if _, err := sub.first(t.Context()); !errors.Is(err, gone) {
		t.Errorf("then %v", err)
	}
	sub.leave()
	w.running.Wait()
	if len(w.notices)+len(w.keys)+w.streams != 0 {
		t.Errorf("left are %v, %v", w.notices, w.keys)
	}
}
