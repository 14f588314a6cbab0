package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

// content is all that a notice tells, before it is put into a language. The domain's list of what
// a notice carries is the list of what is here.
type content struct {
	kind      Kind
	change    *changes.View
	publisher *publisher.Settings
	publicURL string
	at        time.Time      // when the notice is made
	noticeOn  calendar.Date  // in the publisher's zone
	entry     *vendors.Entry // the engagement that comes; for a removal, the one that goes
	replaced  *vendors.Entry // the engagement that a replacement ends
	chain     []fourthParty
}

type fourthParty struct {
	vendors.VendorFacts
	purpose string
	depth   int
}

// contentOf gathers what the notice of a change tells, as the register has it now.
func (s *Service) contentOf(ctx context.Context, change uuid.UUID, kind Kind) (*content, error) {
	c := &content{kind: kind, publicURL: s.options.PublicURL, at: s.db.Now()}
	var err error
	if c.change, err = s.changes.Get(ctx, change.String()); err != nil {
		return nil, err
	}
	if c.publisher, err = s.publisher.Get(ctx); err != nil {
		return nil, err
	}
	c.noticeOn = c.publisher.Today(c.at)
	if err := s.addEntries(ctx, c); err != nil {
		return nil, err
	}
	tree, err := s.vendors.Chain(ctx, c.change.VendorID, c.noticeOn)
	if err != nil {
		return nil, err
	}
	c.addChain(tree, 1)
	return c, nil
}

func (s *Service) addEntries(ctx context.Context, c *content) error {
	var versions []uuid.UUID
	for _, v := range []*uuid.UUID{c.change.BeforeVersionID, c.change.AfterVersionID} {
		if v != nil {
			versions = append(versions, *v)
		}
	}
	entries, err := s.vendors.EntriesOfVersions(ctx, c.noticeOn, versions...)
	if err != nil {
		return err
	}
	find := func(version *uuid.UUID) *vendors.Entry {
		if version == nil {
			return nil
		}
		if e, ok := entries[*version]; ok {
			return &e
		}
		return nil
	}
	c.entry = find(c.change.AfterVersionID)
	before := find(c.change.BeforeVersionID)
	if c.change.Kind == changes.Replacement {
		c.replaced = before
	}
	if c.entry == nil {
		c.entry = before
	}
	if c.entry == nil {
		return fmt.Errorf("notice of %s: its engagement is not in the register", c.change.Reference)
	}
	return nil
}

func (c *content) addChain(nodes []*vendors.ChainNode, depth int) {
	for _, n := range nodes {
		c.chain = append(c.chain, fourthParty{VendorFacts: n.VendorFacts, purpose: n.Purpose, depth: depth})
		c.addChain(n.Below, depth+1)
	}
}

// windowFields writes a customer's window in words, in its notice's language, and beside them for
// machines: the merge values by the names that templates mark.
func windowFields(l locale.Lang, w *changes.WindowView, reference string, p *publisher.Settings) map[string]string {
	words := wordsOf(l)
	zone := w.Zone()
	fields := map[string]string{
		"customer":           w.CustomerName,
		"external_id":        w.ExternalID,
		"contract":           w.Reference,
		"clause":             w.Clause,
		"authorisation":      words.authorisation[w.Authorisation],
		"authorisation_code": w.Authorisation,
		"silence":            wrap(words.silence[w.Authorisation]), // HTML folds the line breaks
		"silence_code":       silenceCodes[w.Authorisation],
		"answer":             words.answer[w.Authorisation],
		"how_title":          words.howTitle[w.Authorisation],
		"how":                wrap(fmt.Sprintf(words.how[w.Authorisation], p.PrivacyEmail, reference)),
		"effective":          fmt.Sprintf(words.effectiveFrom, locale.Date(l, w.EffectiveOn.UTC()), zone.String()),
		"effective_on":       w.EffectiveOn.String(),
		"effective_at":       w.EffectiveOn.Start(zone).Format(time.RFC3339),
		"zone":               zone.String(),
	}
	if w.Clause == "" {
		fields["clause"] = w.Reference
	}
	if !w.ObjectionEndsAt.After(w.CountedFrom) && w.Authorisation == "general" {
		fields["objection"], fields["silence"], fields["silence_code"] = words.noObjection, words.noObjectionSilence, "nothing_asked"
		fields["objection_ends_at"], fields["objection_last_day"] = "", ""
		return fields
	}
	// The deadline is half-open; people read the last day that still counts.
	last := w.ObjectionEndsAt.Add(-time.Nanosecond).In(zone)
	fields["objection"] = fmt.Sprintf(words.objectUntil, locale.Date(l, last), zone.String())
	fields["objection_ends_at"] = w.ObjectionEndsAt.In(zone).Format(time.RFC3339)
	fields["objection_last_day"] = calendar.DateOf(last, zone).String()
	return fields
}

// silenceCodes say by the kind of authorisation what silence until the deadline means.
var silenceCodes = map[string]string{"general": "accepted", "specific": "refused"}
