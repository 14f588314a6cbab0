package notify

import (
	"fmt"
	"strings"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/vendors"
)

// bodyVersion names the form of a webhook's body: docs/webhooks.md says what may change under it.
const bodyVersion = "2026-11-1"

// bodyTypes are the types of a webhook's body by the kind of notice.
var bodyTypes = map[Kind]string{Announcement: "subprocessor.change.announced", Withdrawal: "subprocessor.change.withdrawn"}

// body is a webhook's body. What differs by recipient are marks; those whose name ends with "?" are
// null where there is no value.
type body struct {
	Type      string   `json:"type"`
	Version   string   `json:"version"`
	Timestamp string   `json:"timestamp"`
	Data      bodyData `json:"data"`
}

type bodyData struct {
	Reference       string          `json:"reference"`
	Title           string          `json:"title"`
	Kind            bodyTerm        `json:"kind"`
	Summary         string          `json:"summary"`
	Audience        Audience        `json:"audience"`
	Addressee       string          `json:"addressee"`
	Customer        *bodyCustomer   `json:"customer"`
	Publisher       bodyPublisher   `json:"publisher"`
	NoticeOn        calendar.Date   `json:"notice_on"`
	PlannedOn       calendar.Date   `json:"planned_on"`
	TimeZone        string          `json:"time_zone"`
	Reason          string          `json:"reason"`
	Safeguards      string          `json:"safeguards"`
	Before          *bodyEngagement `json:"before"`
	After           *bodyEngagement `json:"after"`
	Window          *bodyWindow     `json:"window"`
	Withdrawal      *bodyWithdrawal `json:"withdrawal"`
	Respond         *bodyRespond    `json:"respond"`
	Links           bodyLinks       `json:"links"`
	Language        string          `json:"language"`
	TemplateVersion string          `json:"template_version"`
	Demonstration   bool            `json:"demonstration"`
	Truncated       *bodyTruncated  `json:"truncated"`
}

// bodyTerm is a code with its words in the notice's language.
type bodyTerm struct {
	Code  string `json:"code"`
	Words string `json:"words"`
}

type bodyCustomer struct {
	Name       string `json:"name"`
	ExternalID string `json:"external_id"`
	Contract   string `json:"contract"`
}

type bodyContact struct {
	Name     string `json:"name"`
	Position string `json:"position"`
	Email    string `json:"email"`
}

type bodyPublisher struct {
	LegalName string      `json:"legal_name"`
	Address   string      `json:"address"`
	Contact   bodyContact `json:"contact"`
}

type bodyWindow struct {
	Clause        string        `json:"clause"`
	Authorisation bodyTerm      `json:"authorisation"`
	Objection     bodyObjection `json:"objection"`
	Effective     bodyEffective `json:"effective"`
	Silence       bodyTerm      `json:"silence"`
	TimeZone      string        `json:"time_zone"`
	Note          string        `json:"note"`
}

type bodyObjection struct {
	EndsAt  string `json:"ends_at"`  // half-open: the first instant that is too late
	LastDay string `json:"last_day"` // the last day that counts
	Words   string `json:"words"`
}

type bodyEffective struct {
	On    string `json:"on"`
	At    string `json:"at"`
	Words string `json:"words"`
}

type bodyWithdrawal struct {
	Reason string `json:"reason"`
	Words  string `json:"words"`
}

type bodyRespond struct {
	Title         string `json:"title"`
	Words         string `json:"words"`
	URL           string `json:"url"`
	Email         string `json:"email"`
	WhatCanFollow string `json:"what_can_follow"`
}

type bodyLinks struct {
	Change      string `json:"change"`
	List        string `json:"list"`
	ListOn      string `json:"list_on_planned_day"`
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

// bodyTruncated names what had to be cut, and where all of it is.
type bodyTruncated struct {
	Fields []string `json:"fields"`
	URL    string   `json:"url"`
}

type bodyEngagement struct {
	Vendor            bodyVendor     `json:"vendor"`
	Purpose           string         `json:"purpose"`
	Nature            string         `json:"nature"`
	Products          []bodyProduct  `json:"products"`
	Regions           []bodyTerm     `json:"regions"`
	DataCategories    []string       `json:"data_categories"`
	SpecialCategories []bodyTerm     `json:"special_categories"`
	DataSubjects      []string       `json:"data_subjects"`
	Locations         []bodyLocation `json:"locations"`
	HostedOn          string         `json:"hosted_on"`
	Optional          bool           `json:"optional"`
	Excludable        bool           `json:"excludable"`
	Chain             []bodyFourth   `json:"chain"`
}

type bodyVendor struct {
	LegalName          string         `json:"legal_name"`
	TradeName          string         `json:"trade_name"`
	RegistrationNumber string         `json:"registration_number"`
	Address            string         `json:"address"`
	Country            bodyTerm       `json:"country"`
	Website            string         `json:"website"`
	Parent             string         `json:"parent"`
	Contact            bodyContact    `json:"privacy_contact"`
	DPASignedOn        *calendar.Date `json:"dpa_signed_on"`
	Measures           string         `json:"measures"`
	Retention          string         `json:"retention"`
	Delimitation       string         `json:"delimitation"`
}

type bodyProduct struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
	Plan string `json:"plan"`
}

type bodyLocation struct {
	Country   bodyTerm       `json:"country"`
	Kind      bodyTerm       `json:"kind"`
	Transfers []bodyTransfer `json:"transfers"`
}

type bodyTransfer struct {
	Regime     bodyTerm       `json:"regime"`
	Mechanism  bodyTerm       `json:"mechanism"`
	AssessedOn *calendar.Date `json:"assessed_on"`
}

type bodyFourth struct {
	Depth     int         `json:"depth"`
	LegalName string      `json:"legal_name"`
	Address   string      `json:"address"`
	Country   bodyTerm    `json:"country"`
	Contact   bodyContact `json:"privacy_contact"`
	Purpose   string      `json:"purpose"`
}

// body is what a webhook says for one language and audience.
func (c *content) body(l locale.Lang, audience Audience) *body {
	v, w, said := c.view(l, audience), wordsOf(l), sentencesOf(l)
	b := &body{Type: bodyTypes[c.kind], Version: bodyVersion, Timestamp: c.at.UTC().Format(timestampForm)}
	b.Data = bodyData{
		Reference: v.Reference, Title: v.Title, Kind: bodyTerm{string(c.change.Kind), v.KindName}, Summary: c.summary(l),
		Audience: audience, Addressee: mark("addressee"),
		Publisher: bodyPublisher{LegalName: v.PublisherName, Address: v.PublisherAddress, Contact: bodyContact{Name: v.ContactName, Email: v.ContactEmail}},
		NoticeOn:  c.noticeOn, PlannedOn: c.change.EffectiveOn, TimeZone: v.PublisherZone, Reason: v.Reason, Safeguards: v.Safeguards,
		Links:    bodyLinks{Change: v.ChangeURL, List: v.ListURL, ListOn: v.ListOnURL},
		Language: string(l), TemplateVersion: v.TemplateVersion, Demonstration: v.Fictitious,
	}
	d := &b.Data
	d.Before, d.After = c.beforeAndAfter(l, w)
	if audience == FollowerAudience {
		d.Links.Unsubscribe = mark("unsubscribe_url")
	} else {
		d.Customer = &bodyCustomer{Name: mark("customer"), ExternalID: mark("external_id"), Contract: mark("contract")}
	}
	switch {
	case c.kind == Withdrawal:
		d.Withdrawal = &bodyWithdrawal{Reason: v.WithdrawnReason, Words: said.nothingToDo}
	case audience == ContractAudience:
		d.Window = windowMarks(said)
		d.Respond = &bodyRespond{Title: mark("how_title"), Words: mark("how"), URL: v.ChangeURL, Email: v.ContactEmail, WhatCanFollow: said.follow}
	}
	return b
}

const timestampForm = "2006-01-02T15:04:05.000000Z"

func windowMarks(said *sentences) *bodyWindow {
	return &bodyWindow{
		Clause: mark("clause"), Authorisation: bodyTerm{mark("authorisation_code"), mark("authorisation")},
		Objection: bodyObjection{EndsAt: mark("objection_ends_at?"), LastDay: mark("objection_last_day?"), Words: mark("objection")},
		Effective: bodyEffective{On: mark("effective_on"), At: mark("effective_at"), Words: mark("effective")},
		Silence:   bodyTerm{mark("silence_code"), mark("silence")}, TimeZone: mark("zone"), Note: said.counted,
	}
}

// beforeAndAfter are the engagement that goes and the one that comes; nil where there is none.
func (c *content) beforeAndAfter(l locale.Lang, w *words) (before, after *bodyEngagement) {
	entry := bodyEngagementOf(l, w, c.entry)
	for _, f := range c.chain {
		entry.Chain = append(entry.Chain, bodyFourth{Depth: f.depth, LegalName: f.LegalName, Address: f.Address, Country: country(l, f.Country),
			Contact: contact(&f.VendorFacts), Purpose: f.purpose})
	}
	if c.change.Kind == changes.Removal {
		return entry, nil
	}
	if c.replaced != nil {
		before = bodyEngagementOf(l, w, c.replaced)
	}
	return before, entry
}

func bodyEngagementOf(l locale.Lang, w *words, e *vendors.Entry) *bodyEngagement {
	out := &bodyEngagement{
		Vendor: bodyVendor{LegalName: e.LegalName, TradeName: e.TradeName, RegistrationNumber: e.RegistrationNumber, Address: e.Address,
			Country: country(l, e.Country), Website: e.Website, Parent: e.ParentName, Contact: contact(&e.VendorFacts),
			DPASignedOn: dateOrNull(e.DPASignedOn), Measures: e.Measures, Retention: e.Retention, Delimitation: e.Delimitation},
		Purpose: e.Purpose, Nature: e.Nature, Products: []bodyProduct{}, Regions: []bodyTerm{}, DataCategories: append([]string{}, e.DataCategories...),
		SpecialCategories: []bodyTerm{}, DataSubjects: append([]string{}, e.DataSubjects...), Locations: []bodyLocation{},
		HostedOn: e.HostedOn, Optional: e.Optional, Excludable: e.Excludable, Chain: []bodyFourth{},
	}
	for _, p := range e.Products {
		out.Products = append(out.Products, bodyProduct{p.Slug, p.Name, p.Plan})
	}
	for _, r := range e.Regions {
		out.Regions = append(out.Regions, bodyTerm{string(r), w.regions[string(r)]})
	}
	for _, s := range e.SpecialCategories {
		out.SpecialCategories = append(out.SpecialCategories, bodyTerm{string(s), w.special[string(s)]})
	}
	for i := range e.Locations {
		out.Locations = append(out.Locations, bodyLocationOf(l, w, &e.Locations[i]))
	}
	return out
}

func bodyLocationOf(l locale.Lang, w *words, loc *vendors.Location) bodyLocation {
	out := bodyLocation{Country: country(l, loc.Country), Kind: bodyTerm{string(loc.Kind), locationLine(l, loc)}, Transfers: []bodyTransfer{}}
	for _, t := range loc.Transfers {
		out.Transfers = append(out.Transfers, bodyTransfer{Regime: bodyTerm{string(t.Regime), w.regimes[string(t.Regime)]},
			Mechanism: bodyTerm{string(t.Mechanism), w.mechanisms[string(t.Mechanism)]}, AssessedOn: dateOrNull(t.AssessedOn)})
	}
	return out
}

func country(l locale.Lang, code string) bodyTerm {
	if code == "" {
		return bodyTerm{}
	}
	return bodyTerm{code, locale.Country(l, code)}
}

func contact(f *vendors.VendorFacts) bodyContact {
	return bodyContact{Name: f.ContactName, Position: f.ContactPosition, Email: f.ContactEmail}
}

func dateOrNull(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

// summary says in one sentence what is intended, or withdrawn.
func (c *content) summary(l locale.Lang) string {
	form := sentencesOf(l).summary[string(c.kind)+"."+string(c.change.Kind)]
	replaced := ""
	if c.replaced != nil {
		replaced = c.replaced.Name()
	}
	return strings.TrimSpace(fmt.Sprintf(form, c.entry.Name(), replaced, locale.Date(l, c.change.EffectiveOn.UTC())))
}
