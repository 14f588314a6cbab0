package apiv1

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

// Me is who a key acts for.
type Me struct {
	AccountID uuid.UUID      `json:"account_id"`
	Name      string         `json:"name" doc:"Of the account."`
	Role      actor.Role     `json:"role" enum:"admin,approver,editor,reviewer" doc:"What the key may do now: the lesser of its own role and the account's."`
	KeyID     uuid.UUID      `json:"key_id"`
	KeyName   string         `json:"key_name"`
	ExpiresAt time.Time      `json:"expires_at" doc:"From then on the key opens nothing."`
	PerMinute int            `json:"per_minute" doc:"Requests that this key may make in a minute, in each server."`
	Networks  []netip.Prefix `json:"networks" doc:"From which the key may be used; empty: from anywhere."`
}

// Example is a key of a program that publishes changes.
func (Me) Example() any {
	return Me{AccountID: exampleID(1), Name: "Ada Lovelace", Role: actor.Editor, KeyID: exampleID(2), KeyName: "deploy pipeline",
		ExpiresAt: exampleTime, PerMinute: 600, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
}

func (s *Site) metaOperations() {
	handle(s, op{id: "getMe", method: http.MethodGet, path: "/me", tag: tagMeta, summary: "Who this key is"}, s.getMe)
}

func (s *Site) getMe(ctx context.Context, who actor.Actor, _ *struct{}) (*Plain[Me], error) {
	k := ginOf(ctx).MustGet(keyKey).(*accounts.Key)
	return plain(Me{AccountID: who.ID, Name: who.Name, Role: who.Role, KeyID: k.ID, KeyName: k.Name, ExpiresAt: k.ExpiresAt,
		PerMinute: k.PerMinute, Networks: listOf(k.Networks)}), nil
}
