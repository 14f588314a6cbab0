package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
)

// Engagement is one use of a vendor, with one version of its facts.
type Engagement struct {
	ID             uuid.UUID `json:"id"`
	VendorID       uuid.UUID `json:"vendor_id"`
	Version        int       `json:"version" doc:"Of the engagement as it is now; each edit raises it by one."`
	CreatedAt      time.Time `json:"created_at"`
	VersionID      uuid.UUID `json:"version_id" doc:"Of these facts."`
	Since          Day       `json:"since" doc:"The engagement's first day; null: it never began."`
	RecordedAt     time.Time `json:"recorded_at" doc:"When these facts were recorded."`
	RecordedByName string    `json:"recorded_by_name" doc:"Who recorded them; empty: Fairnotice itself."`
	Validity
	EngagementFacts
}

// Example is an engagement in effect.
func (Engagement) Example() any {
	return Engagement{ID: exampleID(14), VendorID: exampleID(11), Version: 1, CreatedAt: exampleTime, VersionID: exampleID(15), Since: Day{exampleDay},
		RecordedAt: exampleTime, RecordedByName: "Ada Lovelace", Validity: Validity{Day{exampleDay}, Day{}, true},
		EngagementFacts: EngagementFacts{}.Example().(EngagementFacts)}
}

func engagementOf(e *vendors.Engagement, today calendar.Date) Engagement {
	return Engagement{ID: e.ID, VendorID: e.VendorID, Version: e.Version, CreatedAt: e.CreatedAt, VersionID: e.VersionID, Since: Day{e.Since},
		RecordedAt: e.RecordedAt, RecordedByName: e.RecordedByName, Validity: validityOf(e.Valid, today), EngagementFacts: engagementFactsOf(&e.EngagementFacts)}
}

// NewEngagement is an engagement that exists already.
type NewEngagement struct {
	Since Day `json:"since" doc:"Its first day, in the past or today, in the publisher's zone."`
	EngagementFacts
}

// Example is an engagement to record.
func (NewEngagement) Example() any {
	return NewEngagement{Day{calendar.Date{Year: 2025, Month: time.March, Day: 1}}, EngagementFacts{}.Example().(EngagementFacts)}
}

// ListEntry is an engagement in effect on a day, with the vendor's and its own facts of that day.
type ListEntry struct {
	EngagementID uuid.UUID `json:"engagement_id"`
	VersionID    uuid.UUID `json:"version_id" doc:"Of the engagement's facts."`
	VendorID     uuid.UUID `json:"vendor_id"`
	Slug         string    `json:"slug" doc:"The vendor's."`
	Since        Day       `json:"since" doc:"The engagement's first day."`
	HostedOn     string    `json:"hosted_on" doc:"The hosting vendor's name on that day; empty: none."`
	HostedOnSlug string    `json:"hosted_on_slug"`
	VendorFacts
	EngagementFacts
}

// Example is an entry.
func (ListEntry) Example() any {
	return ListEntry{EngagementID: exampleID(14), VersionID: exampleID(15), VendorID: exampleID(11), Slug: "brieftaube", Since: Day{exampleDay},
		HostedOn: "Wolke", HostedOnSlug: "wolke", VendorFacts: exampleFacts(), EngagementFacts: EngagementFacts{}.Example().(EngagementFacts)}
}

func listEntryOf(e *vendors.Entry) ListEntry {
	return ListEntry{EngagementID: e.EngagementID, VersionID: e.VersionID, VendorID: e.VendorID, Slug: e.Slug, Since: Day{e.Since},
		HostedOn: e.HostedOn, HostedOnSlug: e.HostedOnSlug, VendorFacts: vendorFactsOf(&e.VendorFacts), EngagementFacts: engagementFactsOf(&e.EngagementFacts)}
}

// Difference is what differs between the lists of two days, each part sorted by legal name.
type Difference struct {
	Added   []ListEntry    `json:"added" doc:"As they are on the later list."`
	Removed []ListEntry    `json:"removed" doc:"As they were on the earlier list."`
	Changed []ChangedEntry `json:"changed" doc:"On both lists, with other published facts."`
}

// ChangedEntry is an engagement on two lists with different facts.
type ChangedEntry struct {
	Before ListEntry `json:"before"`
	After  ListEntry `json:"after"`
	Fields []string  `json:"fields" doc:"Names of the published facts that differ."`
}

// Example is a move to another address.
func (Difference) Example() any {
	before, after := ListEntry{}.Example().(ListEntry), ListEntry{}.Example().(ListEntry)
	before.Address = "2 Former Street\nCork"
	return Difference{Added: []ListEntry{}, Removed: []ListEntry{}, Changed: []ChangedEntry{{before, after, []string{"address"}}}}
}

func differenceOf(d *vendors.Difference) Difference {
	return Difference{Added: mapped(d.Added, listEntryOf), Removed: mapped(d.Removed, listEntryOf),
		Changed: mapped(d.Changed, func(c *vendors.Changed) ChangedEntry {
			return ChangedEntry{listEntryOf(&c.Before), listEntryOf(&c.After), listOf(c.Fields)}
		})}
}
