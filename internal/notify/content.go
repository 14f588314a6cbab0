package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
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
