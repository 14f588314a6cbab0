package apiv1

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/web"
)

const (
	heartbeat    = 10 * time.Second // proxies close what is silent for longer
	longestWatch = 10 * time.Minute // then the key is looked at again
	stalled      = 30 * time.Second // that a reader may take nothing
	comeBack     = 2 * time.Second  // after which a reader that was cut off asks again
)

// eventWriter writes server-sent events.
type eventWriter struct{ c *gin.Context }

func newEventWriter(c *gin.Context) *eventWriter {
	c.Header("Content-Type", "text/event-stream")
	c.Header("Cache-Control", "no-store")
	c.Header("X-Accel-Buffering", "no") // proxies, too, pass each line on
	c.Status(http.StatusOK)
	return &eventWriter{c}
}

// follow writes what a subscription brings, until nothing is left to happen, the reader has gone, the
// server stops, or it has gone on for long enough.
func (w *eventWriter) follow(ctx context.Context, s *Site, sub *subscription, p *NoticeProgress) {
	enough := time.NewTimer(longestWatch)
	defer enough.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	if !w.write(fmt.Sprintf("retry: %d\n", comeBack.Milliseconds()) + eventOf("progress", p)) {
		return
	}
	for p.Done < p.Total && !web.WithoutBody(ctx) {
		ok := true
		select {
		case p, ok = <-sub.news:
			ok = ok && w.write(eventOf("progress", p))
			beat.Reset(heartbeat)
		case <-beat.C:
			ok = w.write(": still here\n\n")
		case <-enough.C:
			ok = false
		case <-s.Stopping:
			ok = false
		case <-ctx.Done():
			ok = false
		}
		if !ok {
			return
		}
	}
	if p.Done == p.Total {
		w.write(eventOf("done", p))
	}
}

// write sends text at once, and says whether the reader is still there.
func (w *eventWriter) write(text string) bool {
	web.GiveTime(w.c, stalled)
	if _, err := w.c.Writer.WriteString(text); err != nil {
		return false
	}
	w.c.Writer.Flush()
	return w.c.Request.Context().Err() == nil
}

// eventOf writes an event. Its ID is a digest of its data.
func eventOf(name string, p *NoticeProgress) string {
	data, _ := json.Marshal(p) // of numbers and times: it can't fail
	sum := sha256.Sum256(data)
	return fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", hex.EncodeToString(sum[:8]), name, data)
}

func exampleEvents() string {
	p := exampleProgress()
	under := eventOf("progress", &p)
	p.Done, p.Retrying, p.NextAt = p.Total, 0, nil
	p.Counts.Sent, p.Counts.Queued = p.Counts.Sent+p.Counts.Queued, 0
	for i := range p.Channels {
		p.Channels[i].Done = p.Channels[i].Total
	}
	return strings.Join([]string{"retry: 2000\n" + under, ": still here\n\n", eventOf("progress", &p), eventOf("done", &p)}, "")
}
