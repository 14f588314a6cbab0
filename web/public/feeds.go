package public

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
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
	if known(c, lasting, doc.LastUpdated) {
		return nil
	}
	doc.GeneratedAt = s.web.Now().UTC().Truncate(time.Second)
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", append(body, '\n'))
	return nil
}

// known sets what a reader needs to ask again, and answers 304 to one that has this content already.
func known(c *gin.Context, content []byte, modified *time.Time) bool {
	sum := sha256.Sum256(content)
	etag := `W/"` + hex.EncodeToString(sum[:12]) + `"` // weak: compression changes the bytes
	c.Header("ETag", etag)
	c.Header("Cache-Control", "no-cache")
	if modified != nil {
		c.Header("Last-Modified", modified.UTC().Format(http.TimeFormat))
	}
	for part := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		if part = strings.TrimSpace(part); part == "*" || part != "" && strings.TrimPrefix(part, "W/") == strings.TrimPrefix(etag, "W/") {
			c.Header("Content-Encoding", "")
			c.Status(http.StatusNotModified)
			return true
		}
	}
	return false
}

// document puts the list into its published shape.
func (s *Site) document(l *list, pub *publisher.Settings) *Document {
	doc := &Document{Publisher: Publisher{LegalName: pub.LegalName, Address: pub.Address, Country: pub.Country, Website: pub.Website,
		PrivacyEmail: pub.PrivacyEmail}, AsOf: l.On, TimeZone: pub.TimeZone, Entries: []Entry{}}
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
	value func(*Entry) string
}{
	{"legal_name", func(e *Entry) string { return e.LegalName }},
	{"trade_name", func(e *Entry) string { return e.TradeName }},
	{"country", func(e *Entry) string { return e.Country }},
	{"address", func(e *Entry) string { return e.Address }},
	{"website", func(e *Entry) string { return e.Website }},
	{"privacy_contact", func(e *Entry) string {
		return joined(", ", e.PrivacyContact.Name, e.PrivacyContact.Position, e.PrivacyContact.Email)
	}},
	{"purpose", func(e *Entry) string { return e.Purpose }},
	{"products", func(e *Entry) string {
		return each(e.Products, func(p Product) string { return joined(" ", p.Name, p.Plan) })
	}},
	{"regions", func(e *Entry) string { return strings.Join(e.Regions, "; ") }},
	{"data_categories", func(e *Entry) string { return strings.Join(e.DataCategories, "; ") }},
	{"special_categories", func(e *Entry) string { return strings.Join(e.SpecialCategories, "; ") }},
	{"data_subjects", func(e *Entry) string { return strings.Join(e.DataSubjects, "; ") }},
	{"locations", func(e *Entry) string {
		return each(e.Locations, func(l Location) string { return l.Country + " " + l.Kind })
	}},
	{"transfers_eea", func(e *Entry) string { return e.mechanisms(vendors.EEA) }},
	{"transfers_gb", func(e *Entry) string { return e.mechanisms(vendors.UK) }},
	{"transfers_ch", func(e *Entry) string { return e.mechanisms(vendors.Switzerland) }},
	{"hosted_on", func(e *Entry) string { return e.HostedOn }},
	{"certifications", func(e *Entry) string {
		return each(e.Certifications, func(c Certification) string { return joined(" ", c.Scheme, c.Edition, c.Status.State) })
	}},
	{"since", func(e *Entry) string { return e.Since.String() }},
	{"url", func(e *Entry) string { return e.URL }},
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
	return web.SendCached(c, "text/csv; charset=utf-8; header=present", body, l.Updated)
}

// table writes the entries as RFC 4180 has it.
func table(entries []Entry) ([]byte, error) {
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
