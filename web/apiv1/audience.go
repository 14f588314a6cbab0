package apiv1

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/notify"
	"fairnotice/web"
)

// Audience sums up whom a change concerns, as if its notice were served now.
type Audience struct {
	Included    int              `json:"included" doc:"Affected customers."`
	LeftOut     int              `json:"left_out" doc:"Customers that the change doesn't concern."`
	Later       int              `json:"later" doc:"Affected customers for whom the change takes effect after the planned day, because their terms ask for it."`
	Unreachable int              `json:"unreachable" doc:"Affected customers that nobody can tell: their clocks don't start until somebody reaches them."`
	Troubled    int              `json:"troubled" doc:"Affected customers whose dates can't be computed: the change can't be announced before that is mended."`
	Recipients  int              `json:"recipients" doc:"That contracts name: messages that go to affected customers."`
	Followers   int              `json:"followers" doc:"Messages that go to followers of the list."`
	PlannedOn   Day              `json:"planned_on" doc:"effective_on of the change."`
	LastOn      Day              `json:"last_on" doc:"The day on which the change takes effect for the last customer."`
	FloorOn     Day              `json:"floor_on" doc:"The first day that the publisher's public promise allows; null: there is none."`
	First       *PlannedCustomer `json:"first,omitempty" doc:"The customer whose terms allow the change first; absent: nobody is affected."`
	Binding     *PlannedCustomer `json:"binding,omitempty" doc:"The customer whose terms allow the change last: it binds a common date."`
}

// Example is a change that concerns most customers.
func (Audience) Example() any {
	first, binding := examplePlanned(), examplePlanned()
	return Audience{Included: 340, LeftOut: 12, Later: 5, Unreachable: 2, Recipients: 412, Followers: 87, PlannedOn: Day{exampleDay},
		LastOn: Day{exampleDay}, FloorOn: Day{exampleDay}, First: &first, Binding: &binding}
}

// PlannedCustomer is what a change would mean for one customer if its notice were served now.
type PlannedCustomer struct {
	CustomerID        uuid.UUID        `json:"customer_id"`
	CustomerName      string           `json:"customer_name"`
	Included          bool             `json:"included" doc:"The change concerns it. What follows but reason is of these only."`
	Reason            string           `json:"reason,omitempty" enum:"product,region" doc:"Why it is left out: it uses none of the products, or isn't in a region that is served."`
	ExternalID        string           `json:"external_id,omitempty"`
	Language          string           `json:"language,omitempty"`
	Recipients        int              `json:"recipients" doc:"Contract recipients that the notice would go to. 0: nobody can be told, and the clock can't start."`
	ContractID        *uuid.UUID       `json:"contract_id,omitempty" doc:"The strictest of its contracts: clause and zone are its."`
	ContractReference string           `json:"contract_reference,omitempty"`
	TermsVersionID    *uuid.UUID       `json:"terms_version_id,omitempty"`
	Authorisation     string           `json:"authorisation,omitempty" enum:"general,specific" doc:"GDPR Art. 28(2). specific: silence is no consent."`
	Clause            string           `json:"clause,omitempty"`
	TimeZone          string           `json:"time_zone,omitempty" doc:"IANA name; of the days."`
	NoticeEndsAt      *time.Time       `json:"notice_ends_at,omitempty" doc:"The first instant after the notice period."`
	ObjectionEndsAt   *time.Time       `json:"objection_ends_at,omitempty" doc:"The first instant after the objection period."`
	EarliestAt        *time.Time       `json:"earliest_at,omitempty" doc:"The change can't take effect for this customer before."`
	EarliestOn        Day              `json:"earliest_on" doc:"The first day that begins at or after earliest_at."`
	EffectiveOn       Day              `json:"effective_on" doc:"This customer's own day: the planned one, or earliest_on where that is later."`
	Later             bool             `json:"later" doc:"effective_on is after the planned day."`
	Trouble           *web.ProblemPart `json:"trouble,omitempty" doc:"Why its dates can't be computed."`
}

// Example is a customer with a notice period of 30 days.
func (PlannedCustomer) Example() any { return examplePlanned() }

func examplePlanned() PlannedCustomer {
	end, contract, terms := time.Date(2026, time.December, 22, 23, 0, 0, 0, time.UTC), exampleID(32), exampleID(33)
	return PlannedCustomer{CustomerID: exampleID(31), CustomerName: "Ahornblatt AG", Included: true, ExternalID: "C-1042", Language: "de", Recipients: 2,
		ContractID: &contract, ContractReference: "DPA-2026-7", TermsVersionID: &terms, Authorisation: "general", Clause: "DPA § 7(2)",
		TimeZone: "Europe/Berlin", NoticeEndsAt: &end, ObjectionEndsAt: &end, EarliestAt: &end,
		EarliestOn: Day{exampleDay.AddDays(-1)}, EffectiveOn: Day{exampleDay}}
}

func (s *Site) audienceOperations() {
	handle(s, op{id: "getAudience", method: http.MethodGet, path: "/changes/{id}/audience", tag: tagChanges, act: actor.ReadConsole, answers: []int{409},
		summary: "Whom a change would concern, in figures", text: "As if its notice were served now. Once it is announced its windows tell."}, s.getAudience)
	handle(s, op{id: "listAudience", method: http.MethodGet, path: "/changes/{id}/audience/customers", tag: tagChanges, act: actor.ReadConsole, answers: []int{409},
		summary: "Whom a change would concern, customer by customer", text: "Every customer: included with the dates that its terms give, or left out with the reason. In the order of IDs."}, s.listAudience)
	handle(s, op{id: "getReadiness", method: http.MethodGet, path: "/changes/{id}/readiness", tag: tagChanges, act: actor.ReadConsole, answers: []int{409},
		summary: "What would refuse the announcement of a change", text: "Whatever its state before the announcement."}, s.getReadiness)
	handle(s, op{id: "getChangeFacts", method: http.MethodGet, path: "/changes/{id}/facts", tag: tagChanges, act: actor.ReadConsole,
		summary: "The engagements before and after a change"}, s.getChangeFacts)
}

// planned is a change for which there still is something to plan.
func (s *Site) planned(ctx context.Context, in ChangePath) (*changes.View, error) {
	v, err := s.change(ctx, in)
	if err == nil && (v.AnnouncedAt != nil || !v.Open()) {
		err = fault.New(fault.Conflict, "change.plan_over", fault.Args{"Reference": v.Reference, "State": string(v.State)})
	}
	return v, err
}

// plan is a change with its audience and whom messages would reach.
type plan struct {
	change   *changes.View
	audience *changes.Audience
	reach    *notify.Reach
}

func (s *Site) planOf(ctx context.Context, in ChangePath) (*plan, error) {
	v, err := s.planned(ctx, in)
	if err != nil {
		return nil, err
	}
	p := &plan{change: v}
	if p.audience, err = s.Changes.Audience(ctx, v.ID); err != nil {
		return nil, err
	}
	p.reach, err = s.Notify.ReachOf(ctx, &v.Change, mapped(p.audience.Included, func(a *changes.Planned) uuid.UUID { return a.CustomerID }))
	return p, err
}

func (s *Site) getAudience(ctx context.Context, _ actor.Actor, in *ChangePath) (*Plain[Audience], error) {
	p, err := s.planOf(ctx, *in)
	if err != nil {
		return nil, err
	}
	planned := p.change.EffectiveOn
	out := Audience{Included: len(p.audience.Included), LeftOut: len(p.audience.LeftOut), Later: len(p.audience.Later(planned)),
		Recipients: p.reach.Contract, Followers: p.reach.Followers, PlannedOn: Day{planned}, LastOn: Day{planned}, FloorOn: Day{p.audience.FloorDay}}
	for i := range p.audience.Included {
		a := &p.audience.Included[i]
		if p.reach.Customers[a.CustomerID] == 0 {
			out.Unreachable++
		}
		if a.Trouble != nil {
			out.Troubled++
		}
		if a.EffectiveOn.After(out.LastOn.Date) {
			out.LastOn = Day{a.EffectiveOn}
		}
	}
	if first, binding := p.audience.First(), p.audience.Binding(); first != nil {
		a, b := s.plannedOf(ctx, p, first), s.plannedOf(ctx, p, binding)
		out.First, out.Binding = &a, &b
	}
	return plain(out), nil
}

func (s *Site) plannedOf(ctx context.Context, p *plan, a *changes.Planned) PlannedCustomer {
	out := PlannedCustomer{CustomerID: a.CustomerID, CustomerName: a.Name, Included: true, ExternalID: a.ExternalID, Language: a.Language,
		Recipients: p.reach.Customers[a.CustomerID], ContractID: idOf(a.ContractID), ContractReference: a.Reference, TermsVersionID: idOf(a.TermsVersionID),
		Authorisation: a.Authorisation, Clause: a.Clause, TimeZone: a.TimeZone}
	if a.Trouble != nil {
		out.Trouble = &s.kit.ProblemParts(ginOf(ctx), fault.List{a.Trouble})[0]
		return out
	}
	out.NoticeEndsAt, out.ObjectionEndsAt, out.EarliestAt = utcOf(&a.Dates.NoticeEnds), utcOf(&a.Dates.ObjectionEnds), utcOf(&a.Dates.Earliest)
	out.EarliestOn, out.EffectiveOn, out.Later = Day{a.Dates.EarliestDay}, Day{a.EffectiveOn}, a.EffectiveOn.After(p.change.EffectiveOn)
	return out
}

// fits says whether the customer belongs to a part of the audience.
func (c *PlannedCustomer) fits(show string) bool {
	switch show {
	case "included":
		return c.Included
	case "left_out":
		return !c.Included
	case "later":
		return c.Later
	case "unreachable":
		return c.Included && c.Recipients == 0
	case "trouble":
		return c.Trouble != nil
	default:
		return true
	}
}

func (s *Site) listAudience(ctx context.Context, _ actor.Actor, in *struct {
	ChangePath
	PageQuery
	FieldsQuery
	Show  string `query:"show" enum:"included,left_out,later,unreachable,trouble" doc:"Only these; absent: every customer."`
	Query string `query:"query" maxLength:"200" doc:"Part of the customer's name, however capitalized."`
}) (*Page[Part[PlannedCustomer]], error) {
	after, err := database.ReadCursor(in.After)
	if err != nil {
		return nil, err
	}
	p, err := s.planOf(ctx, in.ChangePath)
	if err != nil {
		return nil, err
	}
	words := strings.ToLower(strings.TrimSpace(in.Query))
	list := slices.DeleteFunc(s.everybody(ctx, p), func(c PlannedCustomer) bool {
		return after != nil && bytes.Compare(c.CustomerID[:], after[:]) <= 0 || !c.fits(in.Show) || !strings.Contains(strings.ToLower(c.CustomerName), words)
	})
	next := ""
	if len(list) > in.Limit {
		list = list[:in.Limit]
		next = database.WriteCursor(list[in.Limit-1].CustomerID)
	}
	return page(ctx, in.FieldsQuery, list, next)
}

// everybody is the audience, customer by customer, in the order of IDs: names may change between two
// pages.
func (s *Site) everybody(ctx context.Context, p *plan) []PlannedCustomer {
	out := make([]PlannedCustomer, 0, len(p.audience.Included)+len(p.audience.LeftOut))
	for i := range p.audience.Included {
		out = append(out, s.plannedOf(ctx, p, &p.audience.Included[i]))
	}
	for _, l := range p.audience.LeftOut {
		out = append(out, PlannedCustomer{CustomerID: l.CustomerID, CustomerName: l.Name, Reason: l.Reason})
	}
	slices.SortFunc(out, func(a, b PlannedCustomer) int { return bytes.Compare(a.CustomerID[:], b.CustomerID[:]) })
	return out
}
