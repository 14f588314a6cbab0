package public

import (
	"slices"
	"strings"
	"time"

	"fairnotice/internal/calendar"
	"fairnotice/internal/locale"
	"fairnotice/internal/vendors"
)

// speaker puts the register's values into words of one language.
type speaker struct {
	site *Site
	lang locale.Lang
}

func (s *Site) speak(lang locale.Lang) speaker { return speaker{s, lang} }

func (w speaker) t(key string, pairs ...any) string {
	return w.site.web.T(w.lang, "public."+key, pairs...)
}

// words puts codes into words: words(w, "region.", regions).
func words[T ~string](w speaker, prefix string, codes []T) []string {
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = w.t(prefix + string(code))
	}
	return out
}

// orAll is the items as a sentence has them, or "all" where none means all.
func (w speaker) orAll(key string, items []string) string {
	if len(items) == 0 {
		return w.t(key)
	}
	return locale.List(w.lang, items)
}

// products names the products, with the plan where only one is meant.
func (w speaker) products(f *vendors.EngagementFacts) string {
	var names []string
	for _, p := range f.Products {
		name := p.Name
		if p.Plan != "" {
			name += " (" + p.Plan + ")"
		}
		names = append(names, name)
	}
	return w.orAll("all_products", names)
}

// data are the categories of data; the special ones are marked as such.
func (w speaker) data(f *vendors.EngagementFacts) string {
	out := slices.Clone(f.DataCategories)
	for _, c := range f.SpecialCategories {
		out = append(out, w.t("special_mark", "Category", w.t("special."+string(c))))
	}
	return locale.List(w.lang, out)
}

// place is where data goes, with how it may get there.
type place struct {
	Where     string
	Transfers []string
}

// places groups the locations that the same mechanisms lead to, and the regimes that share one.
func (w speaker) places(f *vendors.EngagementFacts, long bool) []place {
	var out []place
	at := map[string]int{}
	for _, l := range f.Locations {
		where := w.t("place."+string(l.Kind), "Country", locale.Country(w.lang, l.Country))
		transfers := w.transfers(l.Transfers, long)
		key := strings.Join(transfers, "\n")
		if i, ok := at[key]; ok {
			out[i].Where += ", " + where
			continue
		}
		at[key] = len(out)
		out = append(out, place{where, transfers})
	}
	return out
}

func (w speaker) transfers(list []vendors.Transfer, long bool) []string {
	prefix := "mechanism."
	if long {
		prefix = "mechanism_long."
	}
	var order []string
	from := map[string][]string{}
	for _, t := range list {
		mechanism := w.t(prefix + string(t.Mechanism))
		if long && !t.AssessedOn.IsZero() {
			mechanism += " (" + w.t("assessed", "Date", t.AssessedOn.UTC()) + ")"
		}
		if _, known := from[mechanism]; !known {
			order = append(order, mechanism)
		}
		from[mechanism] = append(from[mechanism], w.t("regime."+string(t.Regime)))
	}
	for i, mechanism := range order {
		order[i] = strings.Join(from[mechanism], ", ") + ": " + mechanism
	}
	return order
}

// certificate is a certification with its state on a day.
type certificate struct {
	Name      string
	State     vendors.State
	Why       string
	Source    string // of the rule behind the state, as published, in English
	Issuer    string
	Scope     string
	Number    string
	Period    string
	Inherited string // the vendor below whose it is
	Evidence  string // a link, for evidence that is public
}

// certificates are a vendor's certifications as of a day: those that had not been issued then are
// left out.
func (w speaker) certificates(list []vendors.Certification, on calendar.Date) []certificate {
	var out []certificate
	for i := range list {
		if c := &list[i]; !c.IssuedOn.After(on) {
			out = append(out, w.certificate(c, on))
		}
	}
	return out
}

func (w speaker) certificate(c *vendors.Certification, on calendar.Date) certificate {
	status := c.Status(on)
	out := certificate{Name: w.scheme(c), State: status.State, Why: w.why(status), Source: status.Source, Issuer: c.Issuer, Scope: c.Scope,
		Number: c.Number, Inherited: c.InheritedVendor}
	if c.EvidenceFor == vendors.ForPublic {
		out.Evidence = c.EvidenceURL
	}
	if !c.PeriodStart.IsZero() && !c.PeriodEnd.IsZero() {
		out.Period = w.t("period", "From", c.PeriodStart.UTC(), "To", c.PeriodEnd.UTC())
	}
	return out
}

// scheme is the scheme with its edition, type and level, as people write it.
func (w speaker) scheme(c *vendors.Certification) string {
	name := c.Scheme
	switch {
	case strings.HasPrefix(c.Scheme, "ISO") && strings.Trim(c.Edition, "0123456789") == "" && c.Edition != "":
		name += ":" + c.Edition
	case c.Edition != "":
		name += " " + c.Edition
	}
	if c.ReportType != "" {
		name += " " + w.t("report_type", "Type", c.ReportType)
	}
	switch {
	case c.Level != "" && strings.Trim(c.Level, "0123456789") == "":
		name += ", " + w.t("level", "Level", c.Level)
	case c.Level != "":
		name += ", " + c.Level
	}
	return name
}

// certGroup are the certifications of a vendor that are in one state.
type certGroup struct {
	State vendors.State
	Names []string
}

// stateOrder is the order in which states are shown.
var stateOrder = []vendors.State{vendors.Current, vendors.Superseded, vendors.Expiring, vendors.Unverified, vendors.Expired, vendors.VoidEdition, vendors.Invalid}

// grouped puts certifications of one state side by side: a line each would hide the list behind them.
func grouped(list []certificate) []certGroup {
	var out []certGroup
	for _, state := range stateOrder {
		g := certGroup{State: state}
		for _, c := range list {
			if c.State == state {
				g.Names = append(g.Names, c.Name)
			}
		}
		if len(g.Names) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// why says in a sentence what a status rests on. Until and Since are first days after and of a
// state; people name the last day that something is valid.
func (w speaker) why(s vendors.Status) string {
	day := func(d calendar.Date, days int) time.Time {
		if d.IsZero() {
			return time.Time{}
		}
		return d.AddDays(days).UTC()
	}
	switch s.State {
	case vendors.Expiring:
		return w.t("why.expiring", "Date", day(s.Until, -1))
	case vendors.Expired:
		return w.t("why.expired", "Date", day(s.Since, -1))
	case vendors.VoidEdition, vendors.Invalid, vendors.Superseded:
		return w.t("why."+s.Reason, "Date", day(s.Since, 0))
	default:
		return w.t("why." + s.Reason)
	}
}

// fact is one line about an entry: what it is called and what is known.
type fact struct {
	Key, Label string
	Lines      []string
	Href       string // where the line leads; "" nowhere
}

type facts []fact

// add keeps a fact that has a value.
func (f *facts) add(w speaker, key string, lines ...string) {
	var kept []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			kept = append(kept, l)
		}
	}
	if len(kept) > 0 {
		*f = append(*f, fact{Key: key, Label: w.t("fact." + key), Lines: kept})
	}
}

// link is add with an address.
func (f *facts) link(w speaker, key, text, href string) {
	if text != "" {
		*f = append(*f, fact{Key: key, Label: w.t("fact." + key), Lines: []string{text}, Href: href})
	}
}

// ofVendor are the published facts of the vendor.
func (w speaker) ofVendor(v *vendors.VendorFacts) facts {
	var f facts
	f.add(w, "legal_name", v.LegalName)
	if v.TradeName != v.LegalName {
		f.add(w, "trade_name", v.TradeName)
	}
	f.add(w, "registration_number", v.RegistrationNumber)
	f.add(w, "address", append(strings.Split(v.Address, "\n"), locale.Country(w.lang, v.Country))...)
	f.add(w, "parent_name", v.ParentName)
	f.link(w, "website", v.Website, v.Website)
	f.add(w, "contact", v.ContactName, v.ContactPosition)
	f.link(w, "contact_email", v.ContactEmail, "mailto:"+v.ContactEmail)
	f.add(w, "measures", strings.Split(v.Measures, "\n")...)
	f.add(w, "retention", strings.Split(v.Retention, "\n")...)
	return f
}

// ofEngagement are the published facts of the engagement.
func (w speaker) ofEngagement(e *vendors.Entry) facts {
	var f facts
	f.add(w, "purpose", e.Purpose)
	f.add(w, "nature", strings.Split(e.Nature, "\n")...)
	f.add(w, "products", w.products(&e.EngagementFacts))
	f.add(w, "regions", w.orAll("all_regions", words(w, "region.", e.Regions)))
	f.add(w, "data_categories", e.DataCategories...)
	f.add(w, "special_categories", words(w, "special.", e.SpecialCategories)...)
	f.add(w, "data_subjects", locale.List(w.lang, e.DataSubjects))
	f.add(w, "locations", w.placeLines(&e.EngagementFacts)...)
	f.add(w, "hosted_on", e.HostedOn)
	f.add(w, "optional", w.yesNo("optional", e.Optional))
	f.add(w, "excludable", w.yesNo("excludable", e.Excludable))
	return f
}

func (w speaker) yesNo(key string, yes bool) string {
	if yes {
		return w.t(key + ".yes")
	}
	return w.t(key + ".no")
}

func (w speaker) placeLines(f *vendors.EngagementFacts) []string {
	var out []string
	for _, p := range w.places(f, true) {
		out = append(out, p.Where)
		out = append(out, p.Transfers...)
	}
	return out
}
