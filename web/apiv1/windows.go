package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
)

// Window is what an announced change means for one customer.
type Window struct {
	ID                 uuid.UUID           `json:"id"`
	ChangeID           uuid.UUID           `json:"change_id"`
	ChangeReference    string              `json:"change_reference"`
	CustomerID         uuid.UUID           `json:"customer_id"`
	CustomerName       string              `json:"customer_name"`
	CustomerExternalID string              `json:"customer_external_id"`
	ContractID         uuid.UUID           `json:"contract_id" doc:"The strictest of the customer's contracts: clause and zone are its."`
	ContractReference  string              `json:"contract_reference"`
	TermsVersionID     uuid.UUID           `json:"terms_version_id" doc:"The terms that the window was computed from."`
	Authorisation      string              `json:"authorisation" enum:"general,specific" doc:"GDPR Art. 28(2). specific: silence is no consent."`
	Clause             string              `json:"clause"`
	TimeZone           string              `json:"time_zone" doc:"IANA name; in which the days of the terms are counted and effective_on begins."`
	CountedFrom        time.Time           `json:"counted_from" doc:"When the notice was served; until it is, when it was announced."`
	NoticeEndsAt       time.Time           `json:"notice_ends_at" doc:"The first instant after the notice period."`
	ObjectionEndsAt    time.Time           `json:"objection_ends_at" doc:"The first instant after the objection period."`
	EarliestAt         time.Time           `json:"earliest_at" doc:"The change doesn't take effect for this customer before."`
	EffectiveOn        Day                 `json:"effective_on" doc:"This customer's own day; it begins at 00:00 in time_zone."`
	ServedAt           *time.Time          `json:"served_at,omitempty" doc:"When the notice had reached the customer as its terms count it."`
	State              changes.WindowState `json:"state" enum:"open,effective,withdrawn"`
	EffectiveAt        *time.Time          `json:"effective_at,omitempty"`
	HeldAt             *time.Time          `json:"held_at,omitempty" doc:"Since when staff keep the change back for this customer."`
	HeldBy             *uuid.UUID          `json:"held_by,omitempty"`
	HeldByName         string              `json:"held_by_name,omitempty"`
	HeldReason         string              `json:"held_reason,omitempty"`
	Blockers           []changes.Blocker   `json:"blockers" enum:"not_served,notice_runs,objection_runs,date_to_come,consent_owed,held" doc:"Every reason why the change doesn't take effect for this customer now; empty once the window isn't open."`
	Version            int                 `json:"version"`
	UpdatedAt          time.Time           `json:"updated_at"`
}

// Example is a window whose periods run.
func (Window) Example() any {
	end := time.Date(2026, time.December, 22, 23, 0, 0, 0, time.UTC)
	served := exampleTime.Add(3 * time.Hour)
	return Window{ID: exampleID(30), ChangeID: exampleID(20), ChangeReference: "SP-2026-014", CustomerID: exampleID(31), CustomerName: "Ahornblatt AG",
		CustomerExternalID: "C-1042", ContractID: exampleID(32), ContractReference: "DPA-2026-7", TermsVersionID: exampleID(33), Authorisation: "general",
		Clause: "DPA § 7(2)", TimeZone: "Europe/Berlin", CountedFrom: served, NoticeEndsAt: end, ObjectionEndsAt: end, EarliestAt: end,
		EffectiveOn: Day{exampleDay}, ServedAt: &served, State: changes.WindowOpen,
		Blockers: []changes.Blocker{changes.NoticeRuns, changes.ObjectionRuns, changes.DateToCome}, Version: 2, UpdatedAt: served}
}

func (s *Site) windowOperations() {
	handle(s, op{id: "listChangeWindows", method: http.MethodGet, path: "/changes/{id}/windows", tag: tagChanges, act: actor.ReadConsole,
		summary: "The windows of an announced change", text: "One for each affected customer, in the order in which they were opened. Before the announcement there are none: see its audience."}, s.listChangeWindows)
	handle(s, op{id: "listCustomerWindows", method: http.MethodGet, path: "/customers/{id}/windows", tag: tagChanges, act: actor.ReadConsole,
		summary: "A customer's windows, the newest first"}, s.listCustomerWindows)
	handle(s, op{id: "getWindow", method: http.MethodGet, path: "/windows/{id}", tag: tagChanges, act: actor.ReadConsole,
		summary: "A window"}, s.getWindow)
	handle(s, op{id: "holdWindow", method: http.MethodPost, path: "/windows/{id}/hold", tag: tagChanges, act: actor.HoldWindow,
		summary: "Keep a change from taking effect for one customer", text: "An objection came by letter, say. A window that is held already stays as it is, with its first reason."}, s.holdWindow)
	handle(s, op{id: "releaseWindow", method: http.MethodPost, path: "/windows/{id}/release", tag: tagChanges, act: actor.ReleaseWindow,
		summary: "End a hold", text: "The reason says what settled it. A window that isn't held stays as it is."}, s.releaseWindow)
}

// WindowQuery narrows a list of windows.
type WindowQuery struct {
	PageQuery
	FieldsQuery
	State   changes.WindowState `query:"state" enum:"open,effective,withdrawn"`
	Blocker changes.Blocker     `query:"blocker" enum:"not_served,consent_owed,held" doc:"Open windows that wait for this. Only a person can move them on."`
}

func (q *WindowQuery) filter() changes.WindowFilter {
	return changes.WindowFilter{State: q.State, Blocker: q.Blocker, After: q.After, Limit: q.Limit}
}

func (s *Site) listChangeWindows(ctx context.Context, _ actor.Actor, in *struct {
	ChangePath
	WindowQuery
	Query string `query:"query" maxLength:"200" doc:"Part of the customer's name, however capitalized."`
}) (*Page[Part[Window]], error) {
	v, err := s.change(ctx, in.ChangePath)
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.Change, f.Query = v.ID, in.Query
	return s.windowPage(ctx, f, in.FieldsQuery)
}

func (s *Site) listCustomerWindows(ctx context.Context, _ actor.Actor, in *struct {
	Named
	WindowQuery
}) (*Page[Part[Window]], error) {
	c, err := s.Subscribers.Customer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.Customer = c.ID
	return s.windowPage(ctx, f, in.FieldsQuery)
}

func (s *Site) windowPage(ctx context.Context, f changes.WindowFilter, fields FieldsQuery) (*Page[Part[Window]], error) {
	list, next, err := s.Changes.Windows(ctx, f)
	if err != nil {
		return nil, err
	}
	return page(ctx, fields, mapped(list, s.windowOf), next)
}

func (s *Site) windowOf(w *changes.WindowView) Window {
	out := Window{ID: w.ID, ChangeID: w.ChangeID, ChangeReference: w.ChangeReference, CustomerID: w.CustomerID, CustomerName: w.CustomerName,
		CustomerExternalID: w.ExternalID, ContractID: w.ContractID, ContractReference: w.Reference, TermsVersionID: w.TermsVersionID,
		Authorisation: w.Authorisation, Clause: w.Clause, TimeZone: w.TimeZone, CountedFrom: w.CountedFrom.UTC(), NoticeEndsAt: w.NoticeEndsAt.UTC(),
		ObjectionEndsAt: w.ObjectionEndsAt.UTC(), EarliestAt: w.EarliestAt.UTC(), EffectiveOn: Day{w.EffectiveOn}, ServedAt: utcOf(w.ServedAt),
		State: w.State, EffectiveAt: utcOf(w.EffectiveAt), HeldAt: utcOf(w.HeldAt), HeldBy: w.HeldBy, HeldByName: w.HeldByName, HeldReason: w.HeldReason,
		Blockers: []changes.Blocker{}, Version: w.Version, UpdatedAt: w.UpdatedAt.UTC()}
	if w.State == changes.WindowOpen {
		out.Blockers = listOf(w.Blockers(s.now()))
	}
	return out
}

func (s *Site) getWindow(ctx context.Context, _ actor.Actor, in *Named) (*One[Window], error) {
	w, err := s.Changes.WindowByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return one(w.Version, s.windowOf(w)), nil
}

// windowStep is the input of a step with one window.
type windowStep struct {
	Named
	Body Reasoned
}

func (s *Site) holdWindow(ctx context.Context, who actor.Actor, in *windowStep) (*One[Window], error) {
	if err := s.Changes.Hold(ctx, who, in.ID, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getWindow(ctx, who, &in.Named)
}

func (s *Site) releaseWindow(ctx context.Context, who actor.Actor, in *windowStep) (*One[Window], error) {
	if err := s.Changes.Release(ctx, who, in.ID, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getWindow(ctx, who, &in.Named)
}
