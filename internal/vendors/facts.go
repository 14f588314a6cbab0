package vendors

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/actor"
	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
)

// engagementColumns are the facts of an engagement's version ev; products and locations come as
// JSON, so that one query reads any number of versions whole.
const engagementColumns = `ev.purpose, ev.nature, ev.optional, ev.excludable, ev.data_categories, ev.special_categories,
	ev.data_subjects, ev.regions, ev.hosting_vendor_id, ev.note,
	coalesce((select json_agg(json_build_object('product_id', p.id, 'plan', ep.plan, 'slug', p.slug, 'name', p.name) order by p.name, ep.plan)
		from engagement_products ep join products p on p.id = ep.product_id where ep.engagement_version_id = ev.id), '[]') as products,
	coalesce((select json_agg(json_build_object('country', l.country, 'kind', l.kind, 'transfers', coalesce(
			(select json_agg(json_build_object('regime', t.regime, 'mechanism', t.mechanism, 'assessed_on', t.assessed_on)
				order by array_position(array['eea', 'gb', 'ch'], t.regime))
			from engagement_transfers t where t.location_id = l.id), '[]')) order by l.country, l.kind desc)
		from engagement_locations l where l.engagement_version_id = ev.id), '[]') as locations`

// sinceColumn is the first day that an engagement e was in effect; null for one that never was.
const sinceColumn = `(select min(lower(o.valid)) from engagement_versions o where o.engagement_id = e.id) as since`

const engagementSQL = `select e.id, e.vendor_id, e.version, e.created_at, ev.id as version_id, ev.valid::text as valid, ` + sinceColumn + `,
	ev.recorded_at, coalesce(a.name, '') as recorded_by_name, ` + engagementColumns + `
	from engagement_versions ev join engagements e on e.id = ev.engagement_id left join accounts a on a.id = ev.recorded_by`

// nearest orders versions by how well they stand for an engagement on the day $2: the one in
// effect, then those that were, the latest first, then drafts, the latest first.
const nearest = `(valid::daterange @> $2::date) desc, isempty(valid::daterange), lower(valid::daterange) desc, recorded_at desc`

// insertEngagementVersion stores facts that Validate has tidied.
func insertEngagementVersion(tx *database.Tx, who actor.Actor, engagementID uuid.UUID, valid calendar.Range, f EngagementFacts) (uuid.UUID, error) {
	id := secrets.ID()
	_, err := tx.Exec(`insert into engagement_versions (id, engagement_id, valid, purpose, nature, optional, excludable, data_categories,
			special_categories, data_subjects, regions, hosting_vendor_id, note, recorded_at, recorded_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		id, engagementID, valid, f.Purpose, f.Nature, f.Optional, f.Excludable, f.DataCategories,
		f.SpecialCategories, f.DataSubjects, f.Regions, f.HostingVendorID, f.Note, tx.Now(), accountOf(who))
	if err != nil {
		return uuid.Nil, engagementFault(err)
	}
	return id, insertLists(tx, id, f)
}

// updateEngagementVersion replaces the facts of a version, its lists included.
func updateEngagementVersion(tx *database.Tx, who actor.Actor, id uuid.UUID, f EngagementFacts) error {
	_, err := tx.Exec(`update engagement_versions set purpose = $2, nature = $3, optional = $4, excludable = $5, data_categories = $6,
			special_categories = $7, data_subjects = $8, regions = $9, hosting_vendor_id = $10, note = $11, recorded_at = $12, recorded_by = $13
		where id = $1`, id, f.Purpose, f.Nature, f.Optional, f.Excludable, f.DataCategories,
		f.SpecialCategories, f.DataSubjects, f.Regions, f.HostingVendorID, f.Note, tx.Now(), accountOf(who))
	if err != nil {
		return engagementFault(err)
	}
	for _, table := range []string{"engagement_products", "engagement_locations"} {
		if _, err := tx.Exec("delete from "+table+" where engagement_version_id = $1", id); err != nil {
			return fmt.Errorf("replace a version's lists: %w", err)
		}
	}
	return insertLists(tx, id, f)
}

func insertLists(tx *database.Tx, versionID uuid.UUID, f EngagementFacts) error {
	b := &pgx.Batch{}
	for _, p := range f.Products {
		b.Queue("insert into engagement_products (engagement_version_id, product_id, plan) values ($1, $2, $3)", versionID, p.ProductID, p.Plan)
	}
	for _, l := range f.Locations {
		location := secrets.ID()
		b.Queue("insert into engagement_locations (id, engagement_version_id, country, kind) values ($1, $2, $3, $4)",
			location, versionID, l.Country, string(l.Kind))
		for _, t := range l.Transfers {
			b.Queue("insert into engagement_transfers (location_id, regime, mechanism, assessed_on) values ($1, $2, $3, $4)",
				location, string(t.Regime), string(t.Mechanism), t.AssessedOn)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return engagementFault(tx.Pgx(func(ptx pgx.Tx) error { return ptx.SendBatch(tx.Context(), b).Close() }))
}

// engagementFault names the field that a constraint watches.
func engagementFault(err error) error {
	switch constraint, _ := database.Violates(err); constraint {
	case "engagement_products_product_id_fkey":
		return fault.Field("products", "product.unknown", nil)
	case "engagement_versions_hosting_vendor_id_fkey":
		return fault.Field("hosting_vendor_id", "vendor.unknown", nil)
	}
	if err != nil {
		return fmt.Errorf("record an engagement's facts: %w", err)
	}
	return nil
}
