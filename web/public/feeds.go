package public

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/shapes"
)

func (s *Site) sendJSON(c *gin.Context, pub *publisher.Settings) error {
	l, err := s.read(c, pub)
	if err != nil {
		return err
	}
	doc := s.document(l, pub)
	lasting, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	// The time of this answer is no change of the list: the ETag leaves it out.
	if s.web.Unchanged(c, lasting, s.modified(l, pub)) {
		return nil
	}
	doc.GeneratedAt = s.web.Now().UTC().Truncate(time.Second)
	return sendIndented(c, doc)
}

func sendIndented(c *gin.Context, doc any) error {
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", append(body, '\n'))
	return nil
}

// modified is when the list last came to read as it does: when it or the publisher was written, and
// without a day in the question when the publisher's day began, which certifications and plans turn on.
func (s *Site) modified(l *list, pub *publisher.Settings) time.Time {
	at := latest(l.Updated, pub.UpdatedAt)
	if !l.Dated {
		at = latest(at, l.Today.Start(pub.Zone()))
	}
	return at
}

func companyOf(pub *publisher.Settings) shapes.PublishedCompany {
	return shapes.PublishedCompany{LegalName: pub.LegalName, Address: pub.Address, Country: pub.Country, Website: pub.Website,
		PrivacyEmail: pub.PrivacyEmail}
}

// document puts the list into its published shape.
func (s *Site) document(l *list, pub *publisher.Settings) *shapes.PublishedList {
	doc := &shapes.PublishedList{Publisher: companyOf(pub), AsOf: l.On, TimeZone: pub.TimeZone, Entries: []shapes.PublishedEntry{}}
	if !l.Updated.IsZero() {
		at := l.Updated.Truncate(time.Second)
		doc.LastUpdated = &at
	}
	for i := range l.Entries {
		e := entryOf(&l.Entries[i], l.Certs[l.Entries[i].VendorID], l.On)
		e.URL = s.web.URL("/subprocessors/" + e.Slug)
		doc.Entries = append(doc.Entries, e)
	}
	return doc
}

// csvColumns are the columns of /subprocessors.csv, in order.
var csvColumns = []struct {
	name  string
	value func(*shapes.PublishedEntry) string
}{
	{"legal_name", func(e *shapes.PublishedEntry) string { return e.LegalName }},
	{"trade_name", func(e *shapes.PublishedEntry) string { return e.TradeName }},
	{"country", func(e *shapes.PublishedEntry) string { return e.Country }},
	{"address", func(e *shapes.PublishedEntry) string { return e.Address }},
	{"website", func(e *shapes.PublishedEntry) string { return e.Website }},
	{"privacy_contact", func(e *shapes.PublishedEntry) string {
		return joined(", ", e.PrivacyContact.Name, e.PrivacyContact.Position, e.PrivacyContact.Email)
	}},
	{"purpose", func(e *shapes.PublishedEntry) string { return e.Purpose }},
	{"products", func(e *shapes.PublishedEntry) string {
		return each(e.Products, func(p shapes.PublishedProduct) string { return joined(" ", p.Name, p.Plan) })
	}},
	{"regions", func(e *shapes.PublishedEntry) string { return strings.Join(e.Regions, "; ") }},
	{"data_categories", func(e *shapes.PublishedEntry) string { return strings.Join(e.DataCategories, "; ") }},
	{"special_categories", func(e *shapes.PublishedEntry) string { return strings.Join(e.SpecialCategories, "; ") }},
	{"data_subjects", func(e *shapes.PublishedEntry) string { return strings.Join(e.DataSubjects, "; ") }},
	{"locations", func(e *shapes.PublishedEntry) string {
		return each(e.Locations, func(l shapes.PublishedLocation) string { return l.Country + " " + l.Kind })
	}},
	{"transfers_eea", func(e *shapes.PublishedEntry) string { return mechanisms(e, vendors.EEA) }},
	{"transfers_gb", func(e *shapes.PublishedEntry) string { return mechanisms(e, vendors.UK) }},
	{"transfers_ch", func(e *shapes.PublishedEntry) string { return mechanisms(e, vendors.Switzerland) }},
	{"hosted_on", func(e *shapes.PublishedEntry) string { return e.HostedOn }},
	{"certifications", func(e *shapes.PublishedEntry) string {
		return each(e.Certifications, func(c shapes.PublishedCertification) string { return joined(" ", c.Scheme, c.Edition, c.Status.State) })
	}},
	{"since", func(e *shapes.PublishedEntry) string { return e.Since.String() }},
	{"url", func(e *shapes.PublishedEntry) string { return e.URL }},
}

func (s *Site) sendCSV(c *gin.Context, pub *publisher.Settings) error {
	l, err := s.read(c, pub)
	if err != nil {
		return err
	}
	doc := s.document(l, pub)
	body, err := table(doc.Entries)
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="subprocessors-`+l.On.String()+`.csv"`)
	if !s.web.Unchanged(c, body, s.modified(l, pub)) {
		c.Data(http.StatusOK, "text/csv; charset=utf-8; header=present", body)
	}
	return nil
}

// table writes the entries as RFC 4180 has it.
func table(entries []shapes.PublishedEntry) ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	row := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		row[i] = column.name
	}
	if err := out.Write(row); err != nil {
		return nil, err
	}
	for i := range entries {
		for j, column := range csvColumns {
			row[j] = harmless(column.value(&entries[i]))
		}
		if err := out.Write(row); err != nil {
			return nil, err
		}
	}
	out.Flush()
	return b.Bytes(), out.Error()
}

// harmless keeps a spreadsheet from running a cell as a formula: such a cell gets an apostrophe
// before it, which spreadsheets don't show. Space before the sign doesn't stop them all.
func harmless(cell string) string {
	start := strings.TrimLeft(cell, " \u00a0\t\r\n")
	if start != "" && strings.ContainsAny(start[:1], "=+-@") || strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") ||
		strings.HasPrefix(start, "＝") || strings.HasPrefix(start, "＋") || strings.HasPrefix(start, "－") || strings.HasPrefix(start, "＠") {
		return "'" + cell
	}
	return cell
}

func joined(sep string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

func each[T any](list []T, text func(T) string) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = text(x)
	}
	return strings.Join(out, "; ")
}

// sendSecurity is where to report a vulnerability (RFC 9116). It expires within a year, as that
// RFC asks, and changes once a month.
func (s *Site) sendSecurity(c *gin.Context, pub *publisher.Settings) error {
	now := s.web.Now().UTC()
	expires := time.Date(now.Year(), now.Month()+7, 1, 0, 0, 0, 0, time.UTC)
	body := fmt.Sprintf("Contact: mailto:%s\nExpires: %s\nPreferred-Languages: %s\nCanonical: %s\n",
		pub.PrivacyEmail, expires.Format(time.RFC3339), preferred(pub.Language), s.web.URL("/.well-known/security.txt"))
	return web.SendCached(c, "text/plain; charset=utf-8", []byte(body), pub.UpdatedAt)
}

func preferred(language string) string {
	if language == "en" {
		return "en"
	}
	return language + ", en"
}
