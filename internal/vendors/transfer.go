package vendors

import (
	"slices"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/publisher"
)

// Regime is a legal order that restricts exports of personal data. Its codes are also regions of
// customers (publisher.Region).
type Regime string

const (
	EEA         Regime = "eea" // GDPR, Chapter V
	UK          Regime = "gb"  // UK GDPR, Chapter V
	Switzerland Regime = "ch"  // Federal Act on Data Protection, Arts 16 and 17
)

// Regimes lists every regime.
var Regimes = []Regime{EEA, UK, Switzerland}

// Mechanism is what allows a transfer out of a regime.
type Mechanism string

const (
	NoneNeeded Mechanism = "none_needed" // the location is inside the regime
	Adequacy   Mechanism = "adequacy"    // a decision that the country protects data adequately
	DPF        Mechanism = "dpf"         // EU-US Data Privacy Framework, of the certified legal entity
	DPFUK      Mechanism = "dpf_uk"      // its UK Extension
	DPFSwiss   Mechanism = "dpf_swiss"   // Swiss-US Data Privacy Framework
	SCC2       Mechanism = "scc_2"       // standard contractual clauses (EU) 2021/914, module 2
	SCC3       Mechanism = "scc_3"       // the same, module 3
	UKIDTA     Mechanism = "uk_idta"     // the UK's International Data Transfer Agreement
	UKAddendum Mechanism = "uk_addendum" // the UK's Addendum to the EU's clauses
	BCR        Mechanism = "bcr"         // binding corporate rules
)

// mechanismsFor says which mechanisms a regime knows, in the order a form offers them. The EU's
// clauses alone do not carry a transfer out of the United Kingdom (only the IDTA or the Addendum
// does); Switzerland's commissioner recognized them, with adaptations, on 27 August 2021.
var mechanismsFor = map[Regime][]Mechanism{
	EEA:         {NoneNeeded, Adequacy, DPF, SCC2, SCC3, BCR},
	UK:          {NoneNeeded, Adequacy, DPFUK, UKIDTA, UKAddendum, BCR},
	Switzerland: {NoneNeeded, Adequacy, DPFSwiss, SCC2, SCC3, BCR},
}

// MechanismsFor lists the mechanisms that a regime knows.
func MechanismsFor(r Regime) []Mechanism { return slices.Clone(mechanismsFor[r]) }

// inside lists the countries, by their own codes, to which a regime's law applies as at home. EEA:
// the EU's member states, the EFTA states of the EEA Agreement, Åland, and the outermost regions
// that have a code of their own (TFEU Art. 355(1)).
var inside = map[Regime][]string{
	EEA: {
		"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
		"MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO", "AX", "GF", "GP", "MF", "MQ", "RE", "YT",
	},
	UK:          {"GB"},
	Switzerland: {"CH"},
}

// Covers says whether data that goes to this country stays inside the regime.
func (r Regime) Covers(country string) bool { return slices.Contains(inside[r], country) }

// RegimesAmong lists the exporting regimes among regions of customers; no region means all.
func RegimesAmong(regions []publisher.Region) []Regime {
	if len(regions) == 0 {
		return slices.Clone(Regimes)
	}
	out := []Regime{}
	for _, r := range Regimes {
		if slices.Contains(regions, publisher.Region(r)) {
			out = append(out, r)
		}
	}
	return out
}

// LocationKind says what happens with data at a location.
type LocationKind string

const (
	Stored   LocationKind = "stored"
	Accessed LocationKind = "accessed" // only looked at from there
)

// LocationKinds lists every kind.
var LocationKinds = []LocationKind{Stored, Accessed}

// Location is a country that data is stored in or accessed from, with how it may get there.
type Location struct {
	Country   string       `json:"country"` // ISO 3166-1 alpha-2
	Kind      LocationKind `json:"kind"`
	Transfers []Transfer   `json:"transfers"`
}

// Transfer is the mechanism by which data of one exporting regime goes to a location.
type Transfer struct {
	Regime     Regime        `json:"regime"`
	Mechanism  Mechanism     `json:"mechanism"`
	AssessedOn calendar.Date `json:"assessed_on"` // the transfer impact assessment; zero: none
}

// Mechanism is the mechanism for a regime, "" when none is recorded.
func (l *Location) Mechanism(r Regime) Mechanism {
	for _, t := range l.Transfers {
		if t.Regime == r {
			return t.Mechanism
		}
	}
	return ""
}

// Validate tidies the location and returns every fault in it; a transfer's fault is at
// transfers.<regime>, one without a known regime at transfers.
func (l *Location) Validate() error {
	var c fault.Check
	input.Country(&c, "country", &l.Country)
	input.Choice(&c, "kind", l.Kind, LocationKinds...)
	l.Transfers = copied(l.Transfers)
	slices.SortStableFunc(l.Transfers, func(a, b Transfer) int {
		return slices.Index(Regimes, a.Regime) - slices.Index(Regimes, b.Regime)
	})
	for i, t := range l.Transfers {
		if i > 0 && l.Transfers[i-1].Regime == t.Regime && !c.Has("transfers."+string(t.Regime)) {
			c.Add("transfers."+string(t.Regime), "transfer.twice", nil)
			continue
		}
		t.check(&c, l.Country)
	}
	return c.Err()
}

func (t Transfer) check(c *fault.Check, country string) {
	allowed, known := mechanismsFor[t.Regime]
	field := "transfers." + string(t.Regime)
	switch {
	case !known:
		input.Choice(c, "transfers", t.Regime, Regimes...)
	case !slices.Contains(allowed, t.Mechanism):
		input.Choice(c, field, t.Mechanism, allowed...)
	case !isPlausible(t.AssessedOn):
		plausible(c, field, t.AssessedOn)
	case t.Mechanism == NoneNeeded && !t.Regime.Covers(country):
		c.Add(field, "transfer.needs_mechanism", fault.Args{"Country": country})
	}
}
