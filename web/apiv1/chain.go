package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
)

// ChainNode is a vendor below another in the chain, with the vendors below it.
type ChainNode struct {
	LinkID   uuid.UUID `json:"link_id" doc:"Of the link that leads here."`
	VendorID uuid.UUID `json:"vendor_id"`
	Slug     string    `json:"slug" doc:"The vendor's."`
	Purpose  string    `json:"purpose" doc:"What the vendor above uses it for."`
	VendorFacts
	Repeated bool        `json:"repeated" doc:"The vendor stands in the chain before, too: what is below it is shown there only."`
	Below    []ChainNode `json:"below" doc:"Its own sub-processors."`
}

// Example is a vendor that has none below it.
func (ChainNode) Example() any {
	facts := VendorFacts{LegalName: "Wolke Rechenzentren AG", TradeName: "Wolke", Country: "DE", ContactEmail: "datenschutz@wolke.example"}
	return ChainNode{LinkID: exampleID(16), VendorID: exampleID(12), Slug: "wolke", Purpose: "Hosting", VendorFacts: facts, Below: []ChainNode{}}
}

func chainNodeOf(n **vendors.ChainNode) ChainNode {
	return ChainNode{LinkID: (*n).LinkID, VendorID: (*n).VendorID, Slug: (*n).Slug, Purpose: (*n).Purpose,
		VendorFacts: vendorFactsOf(&(*n).VendorFacts), Repeated: (*n).Repeated, Below: mapped((*n).Below, chainNodeOf)}
}

// NewLink says that a vendor uses another as its sub-processor.
type NewLink struct {
	SubVendorID uuid.UUID `json:"sub_vendor_id" doc:"The vendor below."`
	Purpose     string    `json:"purpose" required:"false" maxLength:"500" doc:"What it is used for."`
	Since       Day       `json:"since" required:"false" doc:"The first day, in the past or today; absent: today in the publisher's zone."`
}

// Example is a link to a data center.
func (NewLink) Example() any { return NewLink{exampleID(12), "Hosting", Day{}} }

// ChainLink is one link of the chain.
type ChainLink struct {
	ID          uuid.UUID `json:"id"`
	VendorID    uuid.UUID `json:"vendor_id" doc:"The vendor above."`
	SubVendorID uuid.UUID `json:"sub_vendor_id" doc:"The vendor below."`
	Purpose     string    `json:"purpose"`
	Since       Day       `json:"since"`
}

// Example is a link to a data center.
func (ChainLink) Example() any {
	return ChainLink{exampleID(16), exampleID(11), exampleID(12), "Hosting", Day{exampleDay}}
}

func (s *Site) chainOperations() {
	handle(s, op{id: "getChain", method: http.MethodGet, path: "/vendors/{id}/chain", tag: tagVendors, act: actor.ReadConsole,
		summary: "A vendor's own sub-processors, to any depth, as of a day", text: "Each level is sorted by legal name."}, s.getChain)
	handle(s, op{id: "addLink", method: http.MethodPost, path: "/vendors/{id}/chain", tag: tagVendors, act: actor.EditRegister, status: http.StatusCreated,
		summary: "Record that a vendor uses another as its sub-processor"}, s.addLink)
	handle(s, op{id: "removeLink", method: http.MethodDelete, path: "/chain/{id}", tag: tagVendors, act: actor.EditRegister,
		summary: "End a link of the chain today", text: "The days before keep it."}, s.removeLink)
}

func (s *Site) getChain(ctx context.Context, _ actor.Actor, in *struct {
	AtVendor
	On QueryDay `query:"on" doc:"As of this day, past or future; absent: today in the publisher's zone."`
}) (*List[ChainNode], error) {
	id, err := s.vendorID(ctx, in.AtVendor)
	if err != nil {
		return nil, err
	}
	on, err := s.dayOr(ctx, in.On)
	if err != nil {
		return nil, err
	}
	chain, err := s.Vendors.Chain(ctx, id, on)
	if err != nil {
		return nil, err
	}
	return all(mapped(chain, chainNodeOf)), nil
}

func (s *Site) addLink(ctx context.Context, who actor.Actor, in *struct {
	AtVendor
	Body NewLink
}) (*Plain[ChainLink], error) {
	id, err := s.vendorID(ctx, in.AtVendor)
	if err != nil {
		return nil, err
	}
	link, err := s.Vendors.AddLink(ctx, who, id, in.Body.SubVendorID, in.Body.Purpose, in.Body.Since.Date)
	if err != nil {
		return nil, err
	}
	return plain(ChainLink{link.ID, link.VendorID, link.SubVendorID, link.Purpose, Day{link.Valid.From}}), nil
}

func (s *Site) removeLink(ctx context.Context, who actor.Actor, in *Named) (*Done, error) {
	return &Done{}, s.Vendors.RemoveLink(ctx, who, in.ID)
}
