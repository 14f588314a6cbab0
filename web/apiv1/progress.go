package apiv1

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/notify"
)

// NoticeProgress counts a notice's deliveries.
type NoticeProgress struct {
	NoticeID uuid.UUID         `json:"notice_id"`
	Total    int               `json:"total"`
	Done     int               `json:"done" doc:"How many have come to an end, well or not."`
	Counts   StateCounts       `json:"counts" doc:"By state."`
	Channels []ChannelProgress `json:"channels" doc:"By channel; only those that have a delivery."`
	Retrying int               `json:"retrying" doc:"How many of the queued wait for another try after one that failed."`
	NextAt   *time.Time        `json:"next_at" doc:"When the next try is due; null when none is."`
	LastAt   *time.Time        `json:"last_at" doc:"When the latest delivery came to an end; null when none has."`
}

// StateCounts are numbers of deliveries.
type StateCounts struct {
	Queued     int `json:"queued"`
	Sending    int `json:"sending"`
	Sent       int `json:"sent"`
	Received   int `json:"received"`
	Failed     int `json:"failed"`
	Suppressed int `json:"suppressed"`
	Cancelled  int `json:"cancelled"`
}

// ChannelProgress counts what goes over one channel.
type ChannelProgress struct {
	Channel string `json:"channel" enum:"email,webhook,slack"`
	Total   int    `json:"total"`
	Done    int    `json:"done"`
	Failed  int    `json:"failed"`
}

// Example is a notice under way.
func (NoticeProgress) Example() any { return exampleProgress() }

func exampleProgress() NoticeProgress {
	next, last := exampleTime.Add(5*time.Minute), exampleTime.Add(42*time.Second)
	return NoticeProgress{NoticeID: exampleID(40), Total: 1204, Done: 1201, Counts: StateCounts{Queued: 3, Sent: 1180, Received: 20, Suppressed: 1},
		Channels: []ChannelProgress{{notify.ChannelEmail, 1183, 1181, 0}, {notify.ChannelWebhook, 21, 20, 0}}, Retrying: 3, NextAt: &next, LastAt: &last}
}

func progressOf(p *notify.Progress) *NoticeProgress {
	n := p.Counts
	out := &NoticeProgress{NoticeID: p.NoticeID, Total: p.Total(), Done: p.Done(), Retrying: p.Retrying, NextAt: inUTC(p.NextAt), LastAt: inUTC(p.LastAt),
		Counts: StateCounts{Queued: n[notify.Queued], Sending: n[notify.Sending], Sent: n[notify.Sent], Received: n[notify.Received],
			Failed: n[notify.Failed], Suppressed: n[notify.Suppressed], Cancelled: n[notify.Cancelled]},
		Channels: []ChannelProgress{}}
	for name, c := range p.Channels {
		out.Channels = append(out.Channels, ChannelProgress{name, c.Total, c.Done, c.Failed})
	}
	slices.SortFunc(out.Channels, func(a, b ChannelProgress) int { return strings.Compare(a.Channel, b.Channel) })
	return out
}

func (s *Site) progressOperations() {
	handle(s, op{id: "getProgress", method: http.MethodGet, path: "/notices/{id}/progress", tag: tagNotices, act: actor.ReadConsole,
		summary: "How far a notice has come"}, s.getProgress)
	watch := op{id: "watchProgress", method: http.MethodGet, path: "/notices/{id}/events", tag: tagNotices, act: actor.ReadConsole, stream: true,
		summary: "How far a notice has come, as it goes on", text: watchText}
	handle(s, watch, s.watchProgress)
	s.streamed(&watch, "text/event-stream", &huma.Schema{Type: huma.TypeString,
		Description: "Server-sent events; data is a NoticeProgress in JSON."}, exampleEvents())
}

const watchText = "Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). `event: progress` comes at once and " +
	"then whenever something has changed, with a NoticeProgress as its data; states that follow one another within a second may be told as one. When nothing is left to happen, " +
	"`event: done` comes with the same data, and the stream ends: close your side. A retry, or a customer's fallback contact, may bring " +
	"more to do later.\n\n" +
	"A line that begins with a colon comes every 10 seconds when nothing else does. The stream ends after 10 minutes, and when the server stops: " +
	"ask again, as the retry field says. An event's ID stays the same as long as the numbers do; nothing is missed between " +
	"two streams, as each begins with the present numbers. A key may hold 10 streams open at once in each server."

// streamed describes the answer of an operation that writes as it goes.
func (s *Site) streamed(o *op, media string, schema *huma.Schema, example any) {
	r := s.described(o).Responses["200"]
	if r == nil {
		r = &huma.Response{Description: http.StatusText(http.StatusOK)}
		s.described(o).Responses["200"] = r
	}
	r.Content = map[string]*huma.MediaType{media: {Schema: schema, Example: example}}
}

func (s *Site) getProgress(ctx context.Context, _ actor.Actor, in *NoticePath) (*Plain[NoticeProgress], error) {
	if _, err := s.Notify.NoticeByID(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.readProgress(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return plain(*p), nil
}

func (s *Site) readProgress(ctx context.Context, notice uuid.UUID) (*NoticeProgress, error) {
	p, err := s.Notify.ProgressOf(ctx, notice)
	if err != nil {
		return nil, err
	}
	return progressOf(p), nil
}

// watchProgress waits for the first numbers before it answers: what goes wrong until then is a problem as
// anywhere else.
func (s *Site) watchProgress(ctx context.Context, _ actor.Actor, in *NoticePath) (*huma.StreamResponse, error) {
	if _, err := s.Notify.NoticeByID(ctx, in.ID); err != nil {
		return nil, err
	}
	c := ginOf(ctx)
	key := c.MustGet(keyKey).(*accounts.Key).ID
	sub, err := s.watches.join(in.ID, key)
	if err != nil {
		return nil, err
	}
	first, err := sub.first(ctx)
	if err != nil {
		sub.leave()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		defer sub.leave()
		newEventWriter(c).follow(ctx, s, sub, first)
	}}, nil
}
