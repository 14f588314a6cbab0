package vendors

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// Announceable looks, in the caller's transaction, for what must stop an announcement of these
// facts: err holds a fault for each contradiction, at the field where it can be mended (the
// vendor's fields begin with "vendor."). Warnings are faults in form only: they tell of fourth
// parties without address or contact, and of facts that a good notice would have.
//
// That name, address and contact of the whole chain should be at hand is the European Data
// Protection Board's view (Opinion 22/2024, §§ 31 and 32); transfers: GDPR Art. 44, UK GDPR Art.
// 44, Swiss FADP Art. 16.
func Announceable(tx *database.Tx, vendorID uuid.UUID, facts EngagementFacts) (warnings fault.List, err error) {
	day, err := today(tx)
	if err != nil {
		return nil, err
	}
	vendor, err := latestVendorVersion(tx, vendorID)
	if err != nil {
		return nil, err
	}
	var c fault.Check
	vendor.checkAnnounceable(&c)
	facts.checkAnnounceable(&c)
	roots := []uuid.UUID{vendorID}
	var warned fault.Check
	if facts.HostingVendorID != nil {
		roots = append(roots, *facts.HostingVendorID)
		host, err := latestVendorVersion(tx, *facts.HostingVendorID)
		if err != nil {
			return nil, err
		}
		host.warn(&warned, "hosting_vendor_id")
	}
	rows, err := database.Rows[linkRow](tx, chainSQL, roots, day)
	if err != nil {
		return nil, fmt.Errorf("chain of a vendor: %w", err)
	}
	seen := map[uuid.UUID]bool{}
	for _, r := range rows {
		if r.VendorID != vendorID && !seen[r.VendorID] && (facts.HostingVendorID == nil || r.VendorID != *facts.HostingVendorID) {
			r.warn(&warned, "chain")
		}
		seen[r.VendorID] = true
	}
	if len(facts.Locations) == 0 {
		warned.Add("locations", "announce.no_location", nil)
	}
	return fault.All(warned.Err()), c.Err()
}

func (f *VendorFacts) checkAnnounceable(c *fault.Check) {
	if f.LegalName == "" {
		c.Add("vendor.legal_name", "announce.vendor_without_name", nil)
	}
	if f.Address == "" {
		c.Add("vendor.address", "announce.vendor_without_address", fault.Args{"Vendor": f.Name()})
	}
	if !f.HasContact() {
		c.Add("vendor.contact_email", "announce.vendor_without_contact", fault.Args{"Vendor": f.Name()})
	}
}

func (f *EngagementFacts) checkAnnounceable(c *fault.Check) {
	if f.Purpose == "" {
		c.Add("purpose", "announce.without_purpose", nil)
	}
	for i := range f.Locations {
		l := &f.Locations[i]
		for _, r := range RegimesAmong(f.Regions) {
			if l.Mechanism(r) == "" {
				c.Add("locations."+strconv.Itoa(i)+".transfers."+string(r), "announce.without_mechanism",
					fault.Args{"Country": l.Country, "Regime": string(r)})
			}
		}
	}
}

func (f *VendorFacts) warn(c *fault.Check, field string) {
	if f.Address == "" {
		c.Add(field, "fourth_party.without_address", fault.Args{"Vendor": f.Name()})
	}
	if !f.HasContact() {
		c.Add(field, "fourth_party.without_contact", fault.Args{"Vendor": f.Name()})
	}
}
