package console

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/web"
)

const ledgerLimit = 50

// ledgerRow is an entry of the record as lists show it.
type ledgerRow struct {
	Seq  int64
	At   time.Time
	What string // the kind of entry, in words
	Who  string
	Href string // of the subject's page; "" where there is none
}

type ledgerPage struct {
	web.Page
	Entries []ledgerRow
	Pager   web.Pager
	Older   bool // not the newest page
	Total   int64
	Head    string // the hash that seals every entry, in hex
	Checked *ledgerCheck
}

// ledgerCheck is the outcome of walking the chain.
type ledgerCheck struct {
	Entries int64
	Seq     int64  // of the first entry that doesn't fit; 0 when all do
	Why     string // as the check says it
}

func (s *Site) showLedger(c *gin.Context) error { return s.drawLedger(c, nil) }

func (s *Site) drawLedger(c *gin.Context, checked *ledgerCheck) error {
	before := int64(0)
	if cursor := c.Query(web.AfterParam); cursor != "" {
		n, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil || n < 1 {
			return fault.Field("after", "cursor.malformed", nil)
		}
		before = n
	}
	ctx := c.Request.Context()
	records, err := ledger.Latest(ctx, s.DB, before, ledgerLimit+1)
	if err != nil {
		return err
	}
	total, head, err := ledger.Head(ctx, s.DB)
	if err != nil {
		return err
	}
	p := &ledgerPage{Page: s.web.NewPage(c, "ledger.title"), Older: before > 0, Total: total, Head: hex.EncodeToString(head), Checked: checked}
	next := ""
	if len(records) > ledgerLimit {
		records = records[:ledgerLimit]
		next = strconv.FormatInt(records[ledgerLimit-1].Seq, 10)
	}
	p.Pager = web.NewPager(c, "", next)
	if p.Entries, err = s.ledgerRows(ctx, web.Lang(c), records); err != nil {
		return err
	}
	return s.web.Render(c, "staff/ledger", p)
}

func (s *Site) verifyLedger(c *gin.Context) error {
	entries, err := ledger.Verify(c.Request.Context(), s.DB)
	out := &ledgerCheck{Entries: entries}
	var broken *ledger.Broken
	switch {
	case errors.As(err, &broken):
		out.Seq, out.Why = broken.Seq, broken.Why
	case err != nil:
		return err
	}
	return s.drawLedger(c, out)
}

// ledgerRows tells entries in the reader's words.
func (s *Site) ledgerRows(ctx context.Context, lang locale.Lang, records []ledger.Record) ([]ledgerRow, error) {
	zone := time.UTC
	settings, err := s.Publisher.Get(ctx)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if err == nil {
		zone = settings.Zone()
	}
	out := make([]ledgerRow, len(records))
	for i := range records {
		out[i] = s.ledgerRow(lang, zone, &records[i])
	}
	return out, nil
}

func (s *Site) ledgerRow(lang locale.Lang, zone *time.Location, r *ledger.Record) ledgerRow {
	row := ledgerRow{Seq: r.Seq, At: r.At.In(zone), What: r.Kind, Who: r.ActorName}
	if key := "entry." + r.Kind; s.web.Has(lang, key) {
		row.What = s.web.T(lang, key)
	}
	if row.Who == "" {
		row.Who = s.web.T(lang, "ledger.actor."+r.ActorKind)
	}
	row.Href = subjectHref(r)
	return row
}

// subjectHref is the page of what an entry is about, where there is one that its ID opens.
func subjectHref(r *ledger.Record) string {
	if r.SubjectID == nil {
		return ""
	}
	id := r.SubjectID.String()
	switch r.SubjectKind {
	case "vendor":
		return "/console/vendors/" + id
	case "engagement":
		return "/console/engagements/" + id
	case "customer":
		return "/console/customers/" + id
	case "term_template":
		return templatesPath + "/" + id
	case "change":
		return "/console/changes/" + id
	}
	return ""
}

type entryPage struct {
	web.Page
	Trail       []crumb
	Entry       ledgerRow
	Kind        string
	SubjectKind string
	SubjectID   string
	Changed     []fieldChange
	Note        string
	Body        string // indented JSON; "" when it was erased
}

func (s *Site) showEntry(c *gin.Context) error {
	seq, err := strconv.ParseInt(c.Param("seq"), 10, 64)
	if err != nil || seq < 1 || seq == 1<<63-1 {
		return fault.Missing("entry")
	}
	ctx := c.Request.Context()
	records, err := ledger.Latest(ctx, s.DB, seq+1, 1)
	if err != nil {
		return err
	}
	if len(records) == 0 || records[0].Seq != seq {
		return fault.Missing("entry")
	}
	rows, err := s.ledgerRows(ctx, web.Lang(c), records)
	if err != nil {
		return err
	}
	r := &records[0]
	p := &entryPage{Page: s.web.NewPage(c, "ledger.entry", "Number", strconv.FormatInt(seq, 10)), Entry: rows[0], Kind: r.Kind,
		SubjectKind: r.SubjectKind, Trail: []crumb{{"/console/ledger", s.text(c, "ledger.title")}}}
	if r.SubjectID != nil {
		p.SubjectID = r.SubjectID.String()
	}
	p.fill(s, r.Body)
	return s.web.Render(c, "staff/entry", p)
}

func (p *entryPage) fill(s *Site, body json.RawMessage) {
	var e ledger.Edit
	if json.Unmarshal(body, &e) == nil {
		p.Changed, p.Note = s.tellChanges(p.Lang, e.Changed), e.Note
	}
	var indented bytes.Buffer
	if len(body) > 0 && json.Indent(&indented, body, "", "  ") == nil {
		p.Body = indented.String()
	}
}
