package changes

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
)

// WindowState is the state of one customer's window.
type WindowState string

const (
	WindowOpen      WindowState = "open"
	WindowEffective WindowState = "effective"
	WindowWithdrawn WindowState = "withdrawn"
)

// Window is what a change means for one affected customer: the dates that its own contract gives.
// Instants are half-open: a period whose last day is 22 December ends at 00:00 on the 23rd in the
// window's zone.
type Window struct {
	ID              uuid.UUID
	ChangeID        uuid.UUID
	CustomerID      uuid.UUID
	ContractID      uuid.UUID
	TermsVersionID  uuid.UUID // the terms it was computed from
	Authorisation   string    // general or specific (GDPR Art. 28(2))
	Clause          string
	TimeZone        string
	CountedFrom     time.Time // the planned service until ServedAt is known, then that
	NoticeEndsAt    time.Time
	ObjectionEndsAt time.Time
	EarliestAt      time.Time
	EffectiveOn     calendar.Date // this customer's day, in its zone
	ServedAt        *time.Time
	State           WindowState
	EffectiveAt     *time.Time
	HeldAt          *time.Time
	HeldBy          *uuid.UUID
	HeldReason      string
	Version         int
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// TableName tells gorm the table.
func (Window) TableName() string { return "windows" }

// Zone is the zone that the window's days are days of.
func (w *Window) Zone() *time.Location {
	if known, ok := zones.Load(w.TimeZone); ok {
		return known.(*time.Location) //nolint:forcetypeassert // nothing else is stored
	}
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil { // checked when the terms were written; the machine may lack zone data
		return time.UTC
	}
	zones.Store(w.TimeZone, zone)
	return zone
}

// zones are those that were read: time.LoadLocation reads and parses a file each time, and a notice
// writes the dates of many thousand windows.
var zones sync.Map

// Blocker is a reason why a change does not take effect for a customer yet.
type Blocker string

const (
	// NotServed: no notice has reached the customer in the way its terms count.
	NotServed Blocker = "not_served"
	// NoticeRuns: the notice period has not run.
	NoticeRuns Blocker = "notice_runs"
	// ObjectionRuns: the objection period has not run.
	ObjectionRuns Blocker = "objection_runs"
	// DateToCome: the customer's effective date has not come.
	DateToCome Blocker = "date_to_come"
	// ConsentOwed: the terms ask for specific authorisation, which silence never gives.
	ConsentOwed Blocker = "consent_owed"
	// Held: staff keep it back, for an objection received by letter, say.
	Held Blocker = "held"
)

// Blockers are the gate: every reason why the change must not take effect for this customer at
// the instant now. None means that it may.
func (w *Window) Blockers(now time.Time) []Blocker {
	var out []Blocker
	add := func(blocked bool, b Blocker) {
		if blocked {
			out = append(out, b)
		}
	}
	add(w.ServedAt == nil, NotServed)
	add(w.Authorisation != "general", ConsentOwed)
	add(w.HeldAt != nil, Held)
	if w.ServedAt != nil {
		add(now.Before(w.EarliestAt) && now.Before(w.NoticeEndsAt), NoticeRuns)
		add(now.Before(w.EarliestAt) && now.Before(w.ObjectionEndsAt), ObjectionRuns)
	}
	add(now.Before(w.EarliestAt) || now.Before(w.EffectiveOn.Start(w.Zone())), DateToCome)
	return out
}
