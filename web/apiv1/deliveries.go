package apiv1

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/notify"
)

// DeliveryQuery narrows a list of deliveries.
type DeliveryQuery struct {
	Customer uuid.UUID    `query:"customer" doc:"ID of the customer whose recipients they are."`
	State    notify.State `query:"state" enum:"queued,sending,sent,received,failed,suppressed,cancelled"`
	Retrying bool         `query:"retrying" doc:"true: only those that wait for another try after one that failed."`
	Channel  string       `query:"channel" enum:"email,webhook,slack"`
	Query    string       `query:"query" maxLength:"200" doc:"Part of the address as it is shown, of the addressee's or the customer's name, however capitalized."`
}

func (q *DeliveryQuery) filter(notice uuid.UUID, p PageQuery) notify.DeliveryFilter {
	return notify.DeliveryFilter{NoticeID: notice, CustomerID: q.Customer, State: q.State, Channel: q.Channel, Retrying: q.Retrying,
		Query: q.Query, After: p.After, Limit: p.Limit}
}

// DeliveryPath names a delivery.
type DeliveryPath struct {
	ID uuid.UUID `path:"id" doc:"Of the delivery; a webhook's webhook-id."`
}

// AttemptPath names an attempt of a delivery.
type AttemptPath struct {
	DeliveryPath
	Number int `path:"number" minimum:"1" maximum:"1000" doc:"Of the attempt, from 1."`
}

func (s *Site) deliveryOperations() {
	handle(s, op{id: "listNoticeDeliveries", method: http.MethodGet, path: "/notices/{id}/deliveries", tag: tagNotices, act: actor.ReadConsole,
		summary: "The deliveries of a notice, the oldest first"}, s.listNoticeDeliveries)
	handle(s, op{id: "listDeliveries", method: http.MethodGet, path: "/deliveries", tag: tagNotices, act: actor.ReadConsole,
		summary: "The deliveries of all notices, the oldest first"}, s.listDeliveries)
	handle(s, op{id: "getDelivery", method: http.MethodGet, path: "/deliveries/{id}", tag: tagNotices, act: actor.ReadConsole,
		summary: "A delivery with its attempts"}, s.getDelivery)
	handle(s, op{id: "getMessage", method: http.MethodGet, path: "/deliveries/{id}/attempts/{number}/message", tag: tagNotices, act: actor.ReadConsole,
		summary: "A message as it was sent", answers: []int{http.StatusConflict},
		text: "It is built again from what is stored, byte by byte; proven says that its digest is the one recorded when it was sent. An attempt that failed before a message was written has none."}, s.getMessage)
	handle(s, op{id: "retryDelivery", method: http.MethodPost, path: "/deliveries/{id}/retry", tag: tagNotices, act: actor.RetryDelivery,
		summary: "Try a delivery again", text: "One that failed is queued again; one that waits is due now."}, s.retryDelivery)
}

func (s *Site) listNoticeDeliveries(ctx context.Context, _ actor.Actor, in *struct {
	NoticePath
	PageQuery
	FieldsQuery
	DeliveryQuery
}) (*Page[Part[Delivery]], error) {
	if _, err := s.Notify.NoticeByID(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.deliveries(ctx, in.filter(in.ID, in.PageQuery), in.FieldsQuery)
}

func (s *Site) listDeliveries(ctx context.Context, _ actor.Actor, in *struct {
	PageQuery
	FieldsQuery
	DeliveryQuery
}) (*Page[Part[Delivery]], error) {
	return s.deliveries(ctx, in.filter(uuid.Nil, in.PageQuery), in.FieldsQuery)
}

func (s *Site) deliveries(ctx context.Context, f notify.DeliveryFilter, fields FieldsQuery) (*Page[Part[Delivery]], error) {
	list, next, err := s.Notify.Deliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(ctx, fields, mapped(list, deliveryOf), next)
}

func (s *Site) getDelivery(ctx context.Context, _ actor.Actor, in *DeliveryPath) (*Plain[DeliveryDetail], error) {
	d, attempts, err := s.Notify.Delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return plain(DeliveryDetail{deliveryOf(d), mapped(attempts, attemptOf)}), nil
}

func (s *Site) retryDelivery(ctx context.Context, who actor.Actor, in *DeliveryPath) (*Plain[DeliveryDetail], error) {
	if _, _, err := s.Notify.Delivery(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := s.Notify.Retry(ctx, who, in.ID); err != nil {
		return nil, err
	}
	return s.getDelivery(ctx, who, in)
}

func (s *Site) getMessage(ctx context.Context, _ actor.Actor, in *AttemptPath) (*Plain[Message], error) {
	d, attempts, err := s.Notify.Delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(attempts, func(a notify.Attempt) bool { return a.Number == in.Number })
	if i < 0 || len(attempts[i].Digest) == 0 {
		return nil, fault.Missing("attempt")
	}
	built, err := s.Notify.Rebuild(ctx, s.Composer, in.ID, in.Number)
	if err != nil {
		return nil, err
	}
	return plain(messageOf(d, &attempts[i], built)), nil
}

func messageOf(d *notify.Delivery, a *notify.Attempt, m *notify.AsSent) Message {
	out := Message{DeliveryID: d.ID, Number: a.Number, Channel: d.Channel, Proven: m.Proven, SHA256: hex.EncodeToString(a.Digest),
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, MediaType: "application/json", Source: m.Raw, Headers: []Header{}}
	switch d.Channel {
	case notify.ChannelEmail:
		out.MediaType = "message/rfc822"
	case notify.ChannelWebhook:
		out.Headers = []Header{{"webhook-id", d.ID.String()}, {"webhook-timestamp", strconv.FormatInt(a.StartedAt.Unix(), 10)}}
	}
	if d.Channel != notify.ChannelEmail {
		out.JSON = string(m.Raw)
	}
	return out
}
