// Package actor says who acts, and holds the one table of who may do what.
package actor

import (
	"slices"

	"github.com/google/uuid"

	"fairnotice/internal/fault"
)

// Kind is the class of actor.
type Kind string

const (
	// Staff is a signed-in person of the publisher.
	Staff Kind = "staff"
	// System is Fairnotice itself: a job, a command of the operator.
	System Kind = "system"
	// Recipient is whoever holds a signed link: a customer's contact or a follower.
	Recipient Kind = "recipient"
	// Public is anybody.
	Public Kind = "public"
)

// Role is what a staff account may do.
type Role string

const (
	// Admin looks after accounts and settings, and may do all that the others may.
	Admin Role = "admin"
	// Approver decides: approves, announces, withdraws.
	Approver Role = "approver"
	// Editor keeps the register and the customers, and drafts changes.
	Editor Role = "editor"
	// Reviewer reads everything and keeps certifications up to date.
	Reviewer Role = "reviewer"
)

// Roles lists every role, the most powerful first.
var Roles = []Role{Admin, Approver, Editor, Reviewer}

// Actor is who acts.
type Actor struct {
	Kind Kind
	ID   uuid.UUID // the account, or the subscription of a recipient; zero for the others
	Role Role      // staff only
	Name string    // for greeting the person; never logged
	Key  uuid.UUID // the API key by which a program acts for the account; zero: the person itself
}

// ForSystem is the actor of jobs and commands.
func ForSystem() Actor { return Actor{Kind: System} }

// Act is something that needs permission.
type Act string

const (
	ReadConsole        Act = "console.read"
	EditRegister       Act = "register.edit"       // vendors, engagements, chain
	EditCertifications Act = "certifications.edit" //
	EditCustomers      Act = "customers.edit"      // customers, terms, contacts, subscriptions
	DraftChange        Act = "change.draft"
	SubmitChange       Act = "change.submit"
	ApproveChange      Act = "change.approve"
	AnnounceChange     Act = "change.announce"
	WithdrawChange     Act = "change.withdraw"
	HoldWindow         Act = "window.hold"    // keep one customer's activation back
	ReleaseWindow      Act = "window.release" // let it go on
	RetryDelivery      Act = "delivery.retry"
	EditSuppression    Act = "suppression.edit"
	ReadLedger         Act = "ledger.read"
	EditStaff          Act = "staff.edit"
	EditPublisher      Act = "publisher.edit"
	HoldKeys           Act = "keys.hold" // make API keys that act for oneself
)

// may is the one table of who may do what.
var may = map[Act][]Role{
	ReadConsole:        {Admin, Approver, Editor, Reviewer},
	EditRegister:       {Admin, Approver, Editor},
	EditCertifications: {Admin, Approver, Editor, Reviewer},
	EditCustomers:      {Admin, Approver, Editor},
	DraftChange:        {Admin, Approver, Editor},
	SubmitChange:       {Admin, Approver, Editor},
	ApproveChange:      {Admin, Approver},
	AnnounceChange:     {Admin, Approver},
	WithdrawChange:     {Admin, Approver},
	HoldWindow:         {Admin, Approver, Editor},
	ReleaseWindow:      {Admin, Approver},
	RetryDelivery:      {Admin, Approver, Editor},
	EditSuppression:    {Admin, Approver, Editor},
	ReadLedger:         {Admin, Approver, Editor, Reviewer},
	EditStaff:          {Admin},
	EditPublisher:      {Admin},
	HoldKeys:           {Admin, Approver, Editor, Reviewer},
}

// May says whether the actor may do this. The system may do everything: what a job does was
// allowed to whoever caused it.
func (a Actor) May(act Act) bool {
	if a.Kind == System {
		return true
	}
	return a.Kind == Staff && slices.Contains(may[act], a.Role)
}

// Must is nil when the actor may do this, else a Forbidden fault that names the roles that may,
// or an Unauthenticated one when nobody is signed in.
func (a Actor) Must(act Act) error {
	switch {
	case a.May(act):
		return nil
	case a.Kind != Staff:
		return fault.New(fault.Unauthenticated, "sign_in.needed", nil)
	default:
		return fault.New(fault.Forbidden, "role.missing", fault.Args{"Act": string(act), "Roles": RolesFor(act)})
	}
}

// RolesFor lists the roles that may do this.
func RolesFor(act Act) []string {
	roles := make([]string, 0, len(may[act]))
	for _, r := range may[act] {
		roles = append(roles, string(r))
	}
	return roles
}
