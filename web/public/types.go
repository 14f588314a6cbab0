package public

import (
	"strings"

	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
	"fairnotice/web/shapes"
)

// entryOf is an engagement as it is published, on a day.
func entryOf(e *vendors.Entry, certs []vendors.Certification, on calendar.Date) shapes.PublishedEntry {
	out := shapes.PublishedEntry{ID: e.EngagementID.String(), Slug: e.Slug, PublishedFacts: factsOf(e), Since: e.Since,
		Certifications: []shapes.PublishedCertification{}}
	for i := range certs {
		if !certs[i].IssuedOn.After(on) {
			out.Certifications = append(out.Certifications, certificationOf(&certs[i], on))
		}
	}
	return out
}

// factsOf names every fact that is published, one by one: a fact that the register learns later
// stays inside until somebody writes it here.
func factsOf(e *vendors.Entry) shapes.PublishedFacts {
	out := shapes.PublishedFacts{LegalName: e.LegalName, TradeName: e.TradeName,
		RegistrationNumber: e.RegistrationNumber, Address: e.Address, Country: e.Country, Website: e.Website, Parent: e.ParentName,
		PrivacyContact: shapes.PublishedContact{Name: e.ContactName, Position: e.ContactPosition, Email: e.ContactEmail},
		Purpose:        e.Purpose, Nature: e.Nature, Optional: e.Optional, Excludable: e.Excludable,
		Regions: codes(e.Regions), DataCategories: codes(e.DataCategories), SpecialCategories: codes(e.SpecialCategories),
		DataSubjects: codes(e.DataSubjects), HostedOn: e.HostedOn, Measures: e.Measures, Retention: e.Retention,
		Products: []shapes.PublishedProduct{}, Locations: []shapes.PublishedLocation{}}
	for _, p := range e.Products {
		out.Products = append(out.Products, shapes.PublishedProduct{Slug: p.Slug, Name: p.Name, Plan: p.Plan})
	}
	for _, l := range e.Locations {
		place := shapes.PublishedLocation{Country: l.Country, Kind: string(l.Kind), Transfers: []shapes.PublishedTransfer{}}
		for _, t := range l.Transfers {
			place.Transfers = append(place.Transfers, shapes.PublishedTransfer{Regime: string(t.Regime), Mechanism: string(t.Mechanism), AssessedOn: t.AssessedOn})
		}
		out.Locations = append(out.Locations, place)
	}
	return out
}

func certificationOf(c *vendors.Certification, on calendar.Date) shapes.PublishedCertification {
	status := c.Status(on)
	out := shapes.PublishedCertification{Scheme: c.Scheme, Edition: c.Edition, ReportType: c.ReportType, Level: c.Level, Issuer: c.Issuer, Number: c.Number,
		Scope: c.Scope, IssuedOn: c.IssuedOn, PeriodStart: c.PeriodStart, PeriodEnd: c.PeriodEnd, ExpiresOn: c.ExpiresOn,
		BridgeUntil: c.BridgeUntil, InheritedFrom: c.InheritedVendor,
		Status: shapes.PublishedState{State: string(status.State), Reason: status.Reason, Since: status.Since, Until: status.Until}}
	if c.EvidenceFor == vendors.ForPublic {
		out.EvidenceURL = c.EvidenceURL
	}
	return out
}

func codes[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// mechanisms are those of one regime, each with the countries that it leads to.
func mechanisms(e *shapes.PublishedEntry, regime vendors.Regime) string {
	var order []string
	to := map[string][]string{}
	for _, l := range e.Locations {
		for _, t := range l.Transfers {
			if t.Regime != string(regime) {
				continue
			}
			if _, known := to[t.Mechanism]; !known {
				order = append(order, t.Mechanism)
			}
			to[t.Mechanism] = append(to[t.Mechanism], l.Country)
		}
	}
	return each(order, func(m string) string { return m + " (" + strings.Join(to[m], ", ") + ")" })
}
