package notify

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
)

//go:embed templates
var templateFiles embed.FS

// templateVersion names the wording. Raise it with every change of a template or of the words:
// the evidence says which wording somebody was sent.
const templateVersion = "2026-11-1"

// Languages that notices are written in.
var Languages = []locale.Lang{locale.EN, locale.DE}

// fact is one line of what a notice tells about the engagement.
type fact struct {
	Label  string
	Values []string
}

// view is what a template renders. What differs by recipient is not in it: templates mark those
// places, and merge fills them.
type view struct {
	Kind             Kind
	ChangeKind       changes.Kind
	Audience         Audience
	Lang             locale.Lang
	Title            string
	Reference        string
	KindName         string
	VendorName       string
	ReplacedName     string
	NoticeOn         string
	EffectiveOn      string
	Reason           string
	Safeguards       string
	WithdrawnReason  string
	Facts            []fact
	Replaced         []fact
	PublisherName    string
	PublisherAddress string
	PublisherZone    string
	ContactName      string
	ContactEmail     string
	FloorDays        int
	Fictitious       bool
	ChangeURL        string
	ListURL          string
	ListOnURL        string
	TemplateVersion  string
}

func (c *content) view(l locale.Lang, audience Audience) *view {
	w := wordsOf(l)
	v := &view{
		Kind: c.kind, ChangeKind: c.change.Kind, Audience: audience, Lang: l,
		Title:     fmt.Sprintf(w.title[string(c.kind)+"."+string(c.change.Kind)], c.change.Reference, c.entry.Name()),
		Reference: c.change.Reference, KindName: w.kinds[string(c.change.Kind)], VendorName: c.entry.Name(),
		NoticeOn: locale.Date(l, c.noticeOn.UTC()), EffectiveOn: locale.Date(l, c.change.EffectiveOn.UTC()),
		Reason: c.change.Reason, Safeguards: c.change.Safeguards, WithdrawnReason: c.change.WithdrawnReason,
		PublisherName: c.publisher.LegalName, PublisherAddress: c.publisher.Address, PublisherZone: c.publisher.TimeZone,
		ContactName: c.publisher.PrivacyName, ContactEmail: c.publisher.PrivacyEmail, Fictitious: c.publisher.Fictitious,
		ChangeURL: c.publicURL + "/changes/" + c.change.Reference, ListURL: c.publicURL + "/",
		ListOnURL:       c.publicURL + "/?on=" + c.change.EffectiveOn.String(),
		TemplateVersion: templateVersion,
	}
	if c.publisher.FloorDays != nil {
		v.FloorDays = *c.publisher.FloorDays
	}
	v.Facts = c.facts(l, c.entry)
	if c.replaced != nil {
		v.ReplacedName = c.replaced.Name()
		v.Replaced = c.facts(l, c.replaced)
	}
	if chain := c.chainLines(l); len(chain) > 0 {
		v.Facts = append(v.Facts, fact{w.labels["chain"], chain})
	}
	return v
}

// facts are the lines about one engagement; those without a value are left out.
func (c *content) facts(l locale.Lang, e *vendors.Entry) (out []fact) {
	w := wordsOf(l)
	add := func(label string, values ...string) {
		kept := values[:0]
		for _, v := range values {
			if strings.TrimSpace(v) != "" {
				kept = append(kept, v)
			}
		}
		if len(kept) > 0 {
			out = append(out, fact{w.labels[label], kept})
		}
	}
	add("legal_name", e.LegalName)
	add("registration", e.RegistrationNumber)
	add("address", joinNonEmpty(", ", oneLine(e.Address), locale.Country(l, e.Country)))
	add("website", e.Website)
	add("contact", joinNonEmpty(", ", e.ContactName, e.ContactPosition, e.ContactEmail))
	add("parent", e.ParentName)
	add("purpose", e.Purpose)
	add("nature", e.Nature)
	add("products", orAll(w, productNames(e.Products))...)
	add("regions", orAll(w, regionNames(w, e.Regions))...)
	add("data", e.DataCategories...)
	add("special", orNone(w, specialNames(w, e.SpecialCategories))...)
	add("subjects", e.DataSubjects...)
	for i := range e.Locations {
		add("locations", locationLine(l, &e.Locations[i]))
		add("transfers", transferLines(l, &e.Locations[i], len(e.Locations) > 1)...)
	}
	add("hosted", e.HostedOn)
	add("optional", yesNo(w, e.Optional))
	add("excludable", yesNo(w, e.Excludable))
	add("measures", e.Measures)
	add("retention", e.Retention)
	add("delimitation", e.Delimitation)
	if !e.DPASignedOn.IsZero() {
		add("dpa", locale.Date(l, e.DPASignedOn.UTC()))
	}
	return out
}

func (c *content) chainLines(l locale.Lang) (out []string) {
	for _, f := range c.chain {
		line := joinNonEmpty(", ", f.LegalName, oneLine(f.Address), locale.Country(l, f.Country), f.ContactName, f.ContactEmail, f.purpose)
		out = append(out, strings.Repeat("› ", f.depth-1)+line)
	}
	return out
}

func locationLine(l locale.Lang, loc *vendors.Location) string {
	w := wordsOf(l)
	form := w.stored
	if loc.Kind == vendors.Accessed {
		form = w.accessed
	}
	return fmt.Sprintf(form, locale.Country(l, loc.Country))
}

// transferLines say how data go to a location; of several, which one.
func transferLines(l locale.Lang, loc *vendors.Location, several bool) (out []string) {
	w := wordsOf(l)
	for _, t := range loc.Transfers {
		line := w.regimes[string(t.Regime)] + ": " + w.mechanisms[string(t.Mechanism)]
		if several {
			line = locale.Country(l, loc.Country) + ", " + line
		}
		if !t.AssessedOn.IsZero() {
			line += ", " + fmt.Sprintf(w.assessed, locale.Date(l, t.AssessedOn.UTC()))
		}
		out = append(out, line)
	}
	return out
}

func productNames(list []vendors.EngagementProduct) (out []string) {
	for _, p := range list {
		if p.Plan != "" {
			out = append(out, p.Name+" ("+p.Plan+")")
		} else {
			out = append(out, p.Name)
		}
	}
	return out
}

func regionNames(w *words, list []publisher.Region) (out []string) {
	for _, r := range list {
		out = append(out, w.regions[string(r)])
	}
	return out
}

func specialNames(w *words, list []vendors.SpecialCategory) (out []string) {
	for _, s := range list {
		out = append(out, w.special[string(s)])
	}
	return out
}

func orAll(w *words, list []string) []string {
	if len(list) == 0 {
		return []string{w.all}
	}
	return list
}

func orNone(w *words, list []string) []string {
	if len(list) == 0 {
		return []string{w.none}
	}
	return list
}

func yesNo(w *words, yes bool) string {
	if yes {
		return w.yes
	}
	return w.no
}

// oneLine writes an address of several lines in one.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", ", ") }

func joinNonEmpty(sep string, parts ...string) string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

// templates are the notices, one whole text and one whole HTML document per kind and language.
type templates struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

func parseTemplates() (*templates, error) {
	// A place for a recipient's own value. In HTML an address must be marked with its attribute:
	// html/template would escape the mark inside one.
	text, err := texttemplate.New("").Funcs(texttemplate.FuncMap{"mark": mark, "join": strings.Join, "wrap": wrap, "list": bullet}).
		ParseFS(templateFiles, "templates/*.txt")
	if err != nil {
		return nil, fmt.Errorf("notice templates: %w", err)
	}
	html, err := htmltemplate.New("").Funcs(htmltemplate.FuncMap{"mark": mark, "lines": lines,
		"href": func(name string) htmltemplate.HTMLAttr { return htmltemplate.HTMLAttr(`href="` + mark(name) + `"`) }}). //nolint:gosec // the name is the template's own, the value is escaped when merged
		ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("notice templates: %w", err)
	}
	return &templates{text: text, html: html}, nil
}

// render writes the notice for one language and audience, with marks where a recipient's values go.
func (t *templates) render(c *content, l locale.Lang, audience Audience) (subject, text, html string, err error) {
	v := c.view(l, audience)
	name := string(c.kind) + "." + string(l)
	var b bytes.Buffer
	if err := t.text.ExecuteTemplate(&b, name+".txt", v); err != nil {
		return "", "", "", fmt.Errorf("render %s: %w", name, err)
	}
	text = tidy(b.String())
	b.Reset()
	if err := t.html.ExecuteTemplate(&b, name+".html", v); err != nil {
		return "", "", "", fmt.Errorf("render %s: %w", name, err)
	}
	return v.Title, text, b.String(), nil
}

// tidy drops the blank lines that conditions leave behind.
func tidy(s string) string {
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s) + "\n"
}

// bullet writes values as a text's list lines: one short value beside its label, else a line each.
func bullet(values []string) string {
	if len(values) == 1 && len([]rune(values[0])) <= 44 {
		return " " + values[0]
	}
	var out strings.Builder
	for _, v := range values {
		out.WriteString("\n  - " + strings.ReplaceAll(wrap(v), "\n", "\n    "))
	}
	return out.String()
}

// wrap breaks a paragraph's lines at 76 columns.
func wrap(s string) string {
	var out strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		column := 0
		for _, word := range strings.Fields(line) {
			size := len([]rune(word))
			switch {
			case column == 0:
			case column+1+size > 76:
				out.WriteByte('\n')
				column = 0
			default:
				out.WriteByte(' ')
				column++
			}
			out.WriteString(word)
			column += size
		}
	}
	return out.String()
}

// lines splits a paragraph for HTML.
func lines(s string) []string { return strings.Split(s, "\n") }
