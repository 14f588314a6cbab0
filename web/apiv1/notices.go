package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/notify"
)

// Notice is what is sent once, to many.
type Notice struct {
	ID        uuid.UUID   `json:"id"`
	ChangeID  uuid.UUID   `json:"change_id"`
	Reference string      `json:"reference" doc:"Of the change."`
	Kind      notify.Kind `json:"kind" enum:"announcement,withdrawal"`
	CreatedAt time.Time   `json:"created_at"`
}

// Example is an announcement.
func (Notice) Example() any {
	return Notice{ID: exampleID(40), ChangeID: exampleID(30), Reference: "SP-2026-014", Kind: notify.Announcement, CreatedAt: exampleTime}
}

// Retried says how much is tried again.
type Retried struct {
	Retried int64 `json:"retried" doc:"Deliveries that had failed and wait for their next try now."`
}

// Example is three deliveries.
func (Retried) Example() any { return Retried{3} }

// NoticePath names a notice.
type NoticePath struct {
	ID uuid.UUID `path:"id" doc:"Of the notice."`
}

func (s *Site) noticeOperations() {
	handle(s, op{id: "listNotices", method: http.MethodGet, path: "/changes/{id}/notices", tag: tagNotices, act: actor.ReadConsole,
		summary: "The notices of a change", text: "The announcement, and the withdrawal if there was one. There is none before the change is announced, and for a moment after."}, s.listNotices)
	handle(s, op{id: "getNotice", method: http.MethodGet, path: "/notices/{id}", tag: tagNotices, act: actor.ReadConsole,
		summary: "A notice"}, s.getNotice)
	handle(s, op{id: "retryNotice", method: http.MethodPost, path: "/notices/{id}/retry", tag: tagNotices, act: actor.RetryDelivery,
		summary: "Try all failed deliveries of a notice again", text: "Those of an announcement whose change was withdrawn stay as they are."}, s.retryNotice)
	s.progressOperations()
	s.deliveryOperations()
	s.exportOperations()
}

func (s *Site) listNotices(ctx context.Context, _ actor.Actor, in *ChangePath) (*List[Notice], error) {
	v, err := s.change(ctx, *in)
	if err != nil {
		return nil, err
	}
	list, err := s.Notify.NoticesOf(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, func(n *notify.Notice) Notice { return noticeOf(&notify.NoticeView{Notice: *n, Reference: v.Reference}) })), nil
}

func noticeOf(n *notify.NoticeView) Notice {
	return Notice{ID: n.ID, ChangeID: n.ChangeID, Reference: n.Reference, Kind: n.Kind, CreatedAt: n.CreatedAt.UTC()}
}

func (s *Site) getNotice(ctx context.Context, _ actor.Actor, in *NoticePath) (*Plain[Notice], error) {
	n, err := s.Notify.NoticeByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return plain(noticeOf(n)), nil
}

func (s *Site) retryNotice(ctx context.Context, who actor.Actor, in *NoticePath) (*Plain[Retried], error) {
	if _, err := s.Notify.NoticeByID(ctx, in.ID); err != nil {
		return nil, err
	}
	n, err := s.Notify.RetryFailed(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return plain(Retried{n}), nil
}
