package demo

import (
	"fairnotice/internal/actor"
	"fairnotice/internal/publisher"
)

// MailFrom is the address that the demo's notices come from.
const MailFrom = "notices@nordlicht.example"

// settings are those of a company that does not exist.
func settings() *publisher.Settings {
	floor, received := 30, 1
	return &publisher.Settings{
		LegalName: "Nordlicht Software GmbH (fictitious)", Address: "Beispielstraße 1\n10115 Berlin", Country: "DE",
		Website: "https://nordlicht.example", PrivacyName: "Privacy team of Nordlicht", PrivacyEmail: "privacy@nordlicht.example",
		TimeZone: "Europe/Berlin", Language: "en",
		FloorDays: &floor, // "thirty days for everyone"
		// An hour, so that whoever tries the demo sees the clocks start that ask for receipt.
		ReceivedAfterHours: &received,
		FourEyes:           true, Fictitious: true,
	}
}

// SignIn is a person of the demo's staff.
type SignIn struct {
	Email string
	Name  string
	Role  actor.Role
	Does  string // what to sign in as this person for
}

// Password is everybody's in the demo, printed at its start: it keeps nobody out.
const Password = "fairnotice-demo"

// The demo's staff.
var (
	Editor   = SignIn{"editor@nordlicht.example", "Emil Muster", actor.Editor, "keeps the books, drafts changes"}
	Approver = SignIn{"approver@nordlicht.example", "Paula Probe", actor.Approver, "approves changes and announces them"}
	Admin    = SignIn{"admin@nordlicht.example", "Ada Beispiel", actor.Admin, "may do everything"}
	Reviewer = SignIn{"reviewer@nordlicht.example", "Rosa Vorlage", actor.Reviewer, "reads everything, keeps certifications"}
)

// SignIns lists the demo's staff.
var SignIns = []SignIn{Editor, Approver, Admin, Reviewer}
