package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

// NoticePreview is a notice as somebody would get it now.
type NoticePreview struct {
	Channel  string          `json:"channel" enum:"email,webhook,slack"`
	Kind     notify.Kind     `json:"kind" enum:"announcement,withdrawal"`
	Language string          `json:"language" enum:"en,de"`
	Audience notify.Audience `json:"audience" enum:"contract,follower" doc:"contract: as the customer asked for gets it; follower: as anybody who follows the list does."`
	Subject  string          `json:"subject"`
	Text     string          `json:"text" doc:"Of an email the plain text, of a Slack message what notifications show; else empty."`
	HTML     string          `json:"html" doc:"Of an email; else empty."`
	JSON     string          `json:"json" doc:"Of a webhook its body, of a Slack message its blocks, as a text of JSON; else empty."`
}

// Example is the beginning of an email.
func (NoticePreview) Example() any {
	return NoticePreview{Channel: notify.ChannelEmail, Kind: notify.Announcement, Language: "en", Audience: notify.ContractAudience,
		Subject: "SP-2026-014: a new sub-processor, Papierkranich", Text: "Dear Ahornblatt AG, …", HTML: "<!doctype html>…"}
}

func (s *Site) previewOperations() {
	handle(s, op{id: "previewNotice", method: http.MethodGet, path: "/changes/{id}/preview", tag: tagChanges, act: actor.ReadConsole, answers: []int{409},
		summary: "A notice of a change, as it would go out now", text: "Links in it that belong to one recipient lead nowhere."}, s.previewNotice)
}

func (s *Site) previewNotice(ctx context.Context, _ actor.Actor, in *struct {
	ChangePath
	Channel  string      `query:"channel" enum:"email,webhook,slack" default:"email"`
	Kind     notify.Kind `query:"kind" enum:"announcement,withdrawal" default:"announcement"`
	Language string      `query:"language" enum:"en,de" doc:"Absent: the one that Accept-Language asks for."`
	Customer string      `query:"customer" format:"uuid" doc:"ID of an affected customer; absent: as a follower gets it."`
}) (*Plain[NoticePreview], error) {
	v, err := s.change(ctx, in.ChangePath)
	if err != nil {
		return nil, err
	}
	to, err := s.previewed(ctx, v, in.Customer)
	if err != nil {
		return nil, err
	}
	lang, ok := locale.Parse(in.Language)
	if !ok {
		lang = web.Lang(ginOf(ctx))
	}
	p, err := s.Notify.PreviewOn(ctx, in.Channel, v.ID, in.Kind, lang, to)
	if err != nil {
		return nil, err
	}
	out := NoticePreview{Channel: in.Channel, Kind: in.Kind, Language: string(lang), Audience: notify.FollowerAudience,
		Subject: p.Subject, Text: p.Text, HTML: p.HTML, JSON: p.JSON}
	if to != nil {
		out.Audience = notify.ContractAudience
	}
	return plain(out), nil
}

// previewed is what the change means for the customer now; nil for a follower.
func (s *Site) previewed(ctx context.Context, v *changes.View, customer string) (*changes.Planned, error) {
	if customer == "" {
		return nil, nil //nolint:nilnil // a follower
	}
	id, err := uuid.Parse(customer)
	if err != nil {
		return nil, fault.Field("customer", "json.uuid", nil)
	}
	audience, err := s.Changes.Audience(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	for i := range audience.Included {
		p := &audience.Included[i]
		switch {
		case p.CustomerID != id:
		case p.Trouble != nil:
			return nil, p.Trouble
		default:
			return p, nil
		}
	}
	return nil, fault.Field("customer", "preview.not_affected", fault.Args{"Reference": v.Reference})
}
