package vendors

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/ledger"
	"fairnotice/internal/secrets"
)

// advance raises an identity's version by one when it is the one that an edit was based on. It
// also locks the identity, so two edits of one thing never meet.
func advance(tx *database.Tx, table string, subject ledger.Subject, basedOn int) error {
	n, err := tx.Exec("update "+table+" set version = version + 1 where id = $1 and version = $2", subject.ID, basedOn)
	if err != nil {
		return fmt.Errorf("lock a %s: %w", subject.Kind, err)
	}
	if n == 1 {
		return nil
	}
	known, err := database.Scalar[bool](tx, "select exists (select from "+table+" where id = $1)", subject.ID)
	switch {
	case err != nil:
		return fmt.Errorf("look for a %s: %w", subject.Kind, err)
	case !known:
		return fault.Missing(subject.Kind)
	default:
		return ledger.Overtaken(tx, subject, basedOn)
	}
}

// claimName refuses a legal name that another vendor has now. The lock makes two claims of one
// name at the same time wait for each other.
func claimName(tx *database.Tx, id uuid.UUID, name string) error {
	if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended('vendor ' || lower($1), 0))", name); err != nil {
		return fmt.Errorf("claim a vendor's name: %w", err)
	}
	taken, err := database.Scalar[bool](tx, `select exists (select from vendor_versions
		where lower(legal_name) = lower($1) and upper_inf(valid) and vendor_id <> $2)`, name, id)
	if err != nil {
		return fmt.Errorf("claim a vendor's name: %w", err)
	}
	if taken {
		return &fault.Error{Kind: fault.Conflict, Code: "duplicate", Field: "legal_name", Args: fault.Args{"Value": name}}
	}
	return nil
}

// insertVendor stores the identity under the first free slug that its name gives.
func insertVendor(tx *database.Tx, v *Vendor) error {
	base := slugOf(v.TradeName, v.LegalName)
	for n := 1; ; n++ {
		v.Slug = base
		if n > 1 {
			v.Slug += "-" + strconv.Itoa(n)
		}
		added, err := tx.Exec(`insert into vendors (id, slug, version, created_at) values ($1, $2, $3, $4)
			on conflict (slug) do nothing`, v.ID, v.Slug, v.Version, v.CreatedAt)
		if err != nil {
			return fmt.Errorf("add a vendor: %w", err)
		}
		if added == 1 {
			return nil
		}
	}
}

func insertVendorVersion(tx *database.Tx, who actor.Actor, vendorID uuid.UUID, valid calendar.Range, facts VendorFacts, note string) error {
	err := tx.Gorm().Create(&VendorVersion{ID: secrets.ID(), VendorID: vendorID, Valid: valid, VendorFacts: facts, Note: note,
		RecordedAt: tx.Now(), RecordedBy: accountOf(who)}).Error
	if constraint, _ := database.Violates(err); constraint == "vendor_versions_owner_id_fkey" {
		return fault.Field("owner_id", "account.unknown", nil)
	}
	if err != nil {
		return fmt.Errorf("record a vendor's facts: %w", err)
	}
	return nil
}

// versionsTable names a table of versions and the column of the identity they belong to.
type versionsTable struct{ table, identity string }

var (
	vendorVersions     = versionsTable{"vendor_versions", "vendor_id"}
	engagementVersions = versionsTable{"engagement_versions", "engagement_id"}
)

// closeVersions ends the version that is in effect on the day, and returns the range that its
// successor takes over. The successor begins no earlier than its predecessor: after the publisher
// moved its zone to the west, today can be a day that was yesterday already.
func closeVersions(tx *database.Tx, of versionsTable, id uuid.UUID, present calendar.Range, day calendar.Date) (calendar.Range, error) {
	if day.Before(present.From) {
		day = present.From
	}
	_, err := tx.Exec("update "+of.table+" set valid = valid * daterange(null, $2) where "+of.identity+" = $1 and valid = $3::daterange",
		id, day, present)
	if err != nil {
		return calendar.Range{}, fmt.Errorf("close a version in %s: %w", of.table, err)
	}
	return calendar.Range{From: day, To: present.To}, nil
}

// latestVendorVersion is the version that holds until further notice.
func latestVendorVersion(tx *database.Tx, vendorID uuid.UUID) (*VendorVersion, error) {
	rows, err := database.Rows[VendorVersion](tx, vendorVersionSQL+" where vv.vendor_id = $1 and upper_inf(vv.valid)", vendorID)
	if err != nil {
		return nil, fmt.Errorf("read a vendor's facts: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("vendor")
	}
	return &rows[0], nil
}

const vendorColumns = `v.id, v.slug, v.version, v.created_at, ` + vendorFactColumns

const vendorFactColumns = `vv.legal_name, vv.trade_name, vv.registration_number, vv.address,
	vv.country, vv.website, vv.contact_name, vv.contact_position, vv.contact_email, vv.parent_name, vv.owner_id, vv.dpa_signed_on,
	vv.dpa_url, vv.flow_down_confirmed, vv.delimitation, vv.measures, vv.retention, vv.last_review_on, vv.next_review_on`

// A range is read as text: pgx hands its binary form to scanners that it doesn't know.
const vendorVersionSQL = `select vv.id, vv.vendor_id, vv.valid::text as valid, vv.note, vv.recorded_at, vv.recorded_by,
	coalesce(a.name, '') as recorded_by_name, ` + vendorFactColumns + `
	from vendor_versions vv left join accounts a on a.id = vv.recorded_by`

func oneVendor(ctx context.Context, q database.Querier, where string, args ...any) (*Vendor, error) {
	rows, err := database.Collect[Vendor](ctx, q,
		"select "+vendorColumns+" from vendors v join vendor_versions vv on vv.vendor_id = v.id where "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read a vendor: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("vendor")
	}
	return &rows[0], nil
}
