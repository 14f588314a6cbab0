package public

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/shapes"
)

// publicStates are those of changes that were announced.
var publicStates = []changes.State{changes.Announced, changes.Effective, changes.Withdrawn}

// sendChanges answers /changes.json: what the pages of changes show, for programs.
func (s *Site) sendChanges(c *gin.Context, pub *publisher.Settings) error {
	ctx, form := c.Request.Context(), s.web.Query(c)
	f := changes.Filter{Announced: true, After: form.Text(web.AfterParam), State: changes.State(form.Text("state"))}
	if f.State != "" {
		var check fault.Check
		if input.Choice(&check, "state", f.State, publicStates...); check.Err() != nil {
			return check.Err()
		}
	}
	list, next, err := s.Changes.List(ctx, f)
	if err != nil {
		return err
	}
	doc := &shapes.PublishedChanges{Publisher: companyOf(pub), TimeZone: pub.TimeZone, Changes: []shapes.PublishedChange{}, Next: next}
	modified, err := s.fillChanges(ctx, doc, list, pub)
	if err != nil {
		return err
	}
	lasting, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if s.web.Unchanged(c, lasting, modified) {
		return nil
	}
	doc.GeneratedAt = s.web.Now().UTC().Truncate(time.Second)
	return sendIndented(c, doc)
}

// fillChanges puts changes into their published shape, and says when what they are made of was last
// written.
func (s *Site) fillChanges(ctx context.Context, doc *shapes.PublishedChanges, list []changes.View, pub *publisher.Settings) (modified time.Time, err error) {
	modified = pub.UpdatedAt
	register, err := s.Vendors.LastUpdated(ctx)
	if err != nil {
		return modified, err
	}
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	dates, err := s.Changes.DatesOf(ctx, ids)
	if err != nil {
		return modified, err
	}
	entries, err := s.sides(ctx, list, pub)
	if err != nil {
		return modified, err
	}
	var last time.Time
	for i := range list {
		v := &list[i]
		change := changeOf(v, dates[v.ID], pub)
		change.URL = s.web.URL("/changes/" + v.Reference)
		of := entries[pub.Today(*v.AnnouncedAt)]
		change.Before, change.After = sideOf(of, v.BeforeVersionID), sideOf(of, v.AfterVersionID)
		doc.Changes = append(doc.Changes, change)
		last, modified = latest(last, told(&v.Change)), latest(modified, dates[v.ID].UpdatedAt)
	}
	if !last.IsZero() {
		at := last.UTC().Truncate(time.Second)
		doc.LastUpdated = &at
	}
	return latest(modified, latest(register, last)), nil
}

func changeOf(v *changes.View, dates changes.PublicDates, pub *publisher.Settings) shapes.PublishedChange {
	zone := pub.Zone()
	out := shapes.PublishedChange{Reference: v.Reference, Kind: string(v.Kind), State: string(v.State), EngagementID: v.EngagementID.String(),
		Vendor: v.VendorName, Replaces: v.ReplacedName, Reason: v.Reason, Safeguards: v.Safeguards, AnnouncedAt: v.AnnouncedAt.UTC(),
		NoticeOn: calendar.DateOf(*v.AnnouncedAt, zone), EffectiveOn: v.EffectiveOn, EffectiveAt: utc(v.EffectiveAt),
		WithdrawnAt: utc(v.WithdrawnAt), WithdrawnReason: v.WithdrawnReason}
	// Without a period of its own for somebody, the earliest end says nothing about the others.
	if ends := dates.ObjectionEndsAt; ends != nil && ends.After(*v.AnnouncedAt) {
		out.ObjectionEndsAt, out.ObjectionUntil = utc(ends), calendar.DateOf(ends.Add(-time.Nanosecond), zone)
	}
	if last := dates.LastEffectiveOn; last != nil && last.After(v.EffectiveOn) {
		out.LastEffectiveOn = *last
	}
	return out
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	t := at.UTC()
	return &t
}

// sides are the engagements before and after the changes by the day of the announcement, with the
// vendors' facts of that day: one query a day.
func (s *Site) sides(ctx context.Context, list []changes.View, pub *publisher.Settings) (map[calendar.Date]map[uuid.UUID]vendors.Entry, error) {
	wanted := map[calendar.Date][]uuid.UUID{}
	for i := range list {
		day := pub.Today(*list[i].AnnouncedAt)
		for _, id := range []*uuid.UUID{list[i].BeforeVersionID, list[i].AfterVersionID} {
			if id != nil {
				wanted[day] = append(wanted[day], *id)
			}
		}
	}
	out := map[calendar.Date]map[uuid.UUID]vendors.Entry{}
	for day, ids := range wanted {
		entries, err := s.Vendors.EntriesOfVersions(ctx, day, ids...)
		if err != nil {
			return nil, err
		}
		out[day] = entries
	}
	return out, nil
}

func sideOf(entries map[uuid.UUID]vendors.Entry, version *uuid.UUID) *shapes.PublishedFacts {
	if version == nil {
		return nil
	}
	e, ok := entries[*version]
	if !ok {
		return nil
	}
	facts := factsOf(&e)
	return &facts
}
