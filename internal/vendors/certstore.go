package vendors

import (
	"fmt"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// certificationSQL reads certifications: an inherited one (c) shows the facts of its source (s),
// so that a renewal below shows everywhere at once.
const certificationSQL = `
	select c.id, c.vendor_id, c.version, s.checked_at, s.checked_by, coalesce(a.name, '') as checked_by_name, c.created_at, c.updated_at,
		s.scheme, s.edition, s.report_type, s.level, s.issuer, s.number, c.scope, c.regions, s.issued_on, s.period_start, s.period_end,
		s.expires_on, s.bridge_until, c.inherited_from, coalesce(nullif(c.evidence_url, ''), s.evidence_url) as evidence_url, c.evidence_for, c.note,
		case when c.inherited_from is null then '' else coalesce(nullif(sv.trade_name, ''), sv.legal_name) end as inherited_vendor,
		case when c.inherited_from is null then '' else v.slug end as inherited_vendor_slug,
		array(select p.product_id from certification_products p where p.certification_id = c.id order by p.product_id) as products
	from certifications c
	join certifications s on s.id = coalesce(c.inherited_from, c.id) and s.removed_at is null
	join vendors v on v.id = s.vendor_id
	join vendor_versions sv on sv.vendor_id = v.id and upper_inf(sv.valid)
	left join accounts a on a.id = s.checked_by
	where c.removed_at is null`

// claimCertification raises the version of a certification on the register, as advance does, and
// returns it as it was.
func claimCertification(tx *database.Tx, id uuid.UUID, basedOn int) (*Certification, error) {
	gone, err := database.Scalar[bool](tx, "select removed_at is not null from certifications where id = $1", id)
	if database.NotFound(err) || gone {
		return nil, fault.Missing("certification")
	}
	if err != nil {
		return nil, fmt.Errorf("read a certification: %w", err)
	}
	if err := advance(tx, "certifications", certificationSubject(id), basedOn); err != nil {
		return nil, err
	}
	rows, err := database.Rows[Certification](tx, certificationSQL+" and c.id = $1", id)
	if err != nil {
		return nil, fmt.Errorf("read a certification: %w", err)
	}
	if len(rows) == 0 { // its source was removed
		return nil, fault.Missing("certification")
	}
	return &rows[0], nil
}

// heritage refuses an inheritance that the chain doesn't bear out. Only own certifications are
// passed on, so that one look at the source tells all.
func heritage(tx *database.Tx, id, vendorID uuid.UUID, from *uuid.UUID) error {
	if from == nil {
		return nil
	}
	day, err := today(tx)
	if err != nil {
		return err
	}
	sound, err := database.Scalar[bool](tx, `
		with recursive reached(id) as (
			select $2::uuid
			union
			select n.below from reached r, lateral (
				select l.sub_vendor_id as below from chain_links l where l.vendor_id = r.id and l.valid @> $3::date
				union all
				select ev.hosting_vendor_id from engagements e join engagement_versions ev on ev.engagement_id = e.id
				where e.vendor_id = r.id and ev.valid @> $3::date and ev.hosting_vendor_id is not null) n
		)
		select exists (select from certifications s join reached r on r.id = s.vendor_id
				where s.id = $4 and s.vendor_id <> $2 and s.inherited_from is null and s.removed_at is null)
			and not exists (select from certifications h where h.inherited_from = $1 and h.removed_at is null)`,
		id, vendorID, day, *from)
	if err != nil {
		return fmt.Errorf("look for an inherited certification: %w", err)
	}
	if !sound {
		return fault.Field("inherited_from", "certification.not_below", nil)
	}
	return nil
}

func insertCertification(tx *database.Tx, id, vendorID uuid.UUID, f CertificationFacts) error {
	_, err := tx.Exec(`insert into certifications (id, vendor_id, scheme, edition, report_type, level, issuer, number, scope, regions,
			issued_on, period_start, period_end, expires_on, bridge_until, inherited_from, evidence_url, evidence_for, note, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)`,
		id, vendorID, f.Scheme, f.Edition, f.ReportType, f.Level, f.Issuer, f.Number, f.Scope, f.Regions,
		f.IssuedOn, f.PeriodStart, f.PeriodEnd, f.ExpiresOn, f.BridgeUntil, f.InheritedFrom, f.EvidenceURL, string(f.EvidenceFor), f.Note, tx.Now())
	if err != nil {
		return certificationFault(err)
	}
	return insertCertificationProducts(tx, id, f.Products)
}

func updateCertification(tx *database.Tx, id uuid.UUID, f CertificationFacts) error {
	_, err := tx.Exec(`update certifications set scheme = $2, edition = $3, report_type = $4, level = $5, issuer = $6, number = $7, scope = $8,
			regions = $9, issued_on = $10, period_start = $11, period_end = $12, expires_on = $13, bridge_until = $14, inherited_from = $15,
			evidence_url = $16, evidence_for = $17, note = $18, updated_at = $19, checked_at = null, checked_by = null
		where id = $1`, id, f.Scheme, f.Edition, f.ReportType, f.Level, f.Issuer, f.Number, f.Scope,
		f.Regions, f.IssuedOn, f.PeriodStart, f.PeriodEnd, f.ExpiresOn, f.BridgeUntil, f.InheritedFrom, f.EvidenceURL, string(f.EvidenceFor), f.Note, tx.Now())
	if err != nil {
		return certificationFault(err)
	}
	if _, err := tx.Exec("delete from certification_products where certification_id = $1", id); err != nil {
		return fmt.Errorf("replace a certification's products: %w", err)
	}
	return insertCertificationProducts(tx, id, f.Products)
}

func insertCertificationProducts(tx *database.Tx, id uuid.UUID, products []uuid.UUID) error {
	_, err := tx.Exec("insert into certification_products (certification_id, product_id) select $1, unnest($2::uuid[])", id, products)
	return certificationFault(err)
}

// certificationFault names the field that a constraint watches.
func certificationFault(err error) error {
	switch constraint, _ := database.Violates(err); constraint {
	case "certification_products_product_id_fkey":
		return fault.Field("products", "product.unknown", nil)
	case "certifications_vendor_id_fkey":
		return fault.Missing("vendor")
	}
	if err != nil {
		return fmt.Errorf("record a certification: %w", err)
	}
	return nil
}
