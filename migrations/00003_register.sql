-- The register in time: vendors, engagements, chain, certifications.
-- A vendor and an engagement are identities. Their facts live in versions, each valid for a range
-- of days of the publisher's zone; two versions of one thing never overlap. A version that isn't
-- in effect (a draft's "after", or one replaced on the day it began) has the empty range.

-- +goose Up
create table vendors (
  id         uuid primary key,
  slug       text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  version    integer not null default 1,
  created_at timestamptz not null
);

create table vendor_versions (
  id                   uuid primary key,
  vendor_id            uuid not null references vendors,
  valid                daterange not null,
  legal_name           text not null check (legal_name <> ''),
  trade_name           text not null default '',
  registration_number  text not null default '',
  address              text not null default '',
  country              char(2) not null check (country ~ '^[A-Z]{2}$'),
  website              text not null default '',
  contact_name         text not null default '',
  contact_position     text not null default '',
  contact_email        text not null default '',
  parent_name          text not null default '',
  owner_id             uuid references accounts, -- who looks after this vendor inside the publisher
  dpa_signed_on        date,
  dpa_url              text not null default '',
  flow_down_confirmed  boolean not null default false,
  delimitation         text not null default '', -- who is responsible for what
  measures             text not null default '', -- technical and organisational measures, in short
  retention            text not null default '',
  last_review_on       date,
  next_review_on       date,
  note                 text not null default '', -- why this version was recorded
  recorded_at          timestamptz not null,
  recorded_by          uuid references accounts,
  constraint vendor_versions_no_overlap exclude using gist (vendor_id with =, valid with &&),
  constraint vendor_versions_reviews_in_order check (next_review_on >= last_review_on)
);
create index vendor_versions_vendor on vendor_versions (vendor_id);
-- One legal name, one vendor: looked up before, enforced here.
create unique index vendor_versions_current_name on vendor_versions (lower(legal_name)) where upper_inf(valid) and not isempty(valid);

create table engagements (
  id         uuid primary key,
  vendor_id  uuid not null references vendors,
  version    integer not null default 1,
  created_at timestamptz not null
);
create index engagements_vendor on engagements (vendor_id);

create table engagement_versions (
  id                  uuid primary key,
  engagement_id       uuid not null references engagements,
  valid               daterange not null,
  purpose             text not null check (purpose <> ''),
  nature              text not null default '',
  optional            boolean not null default false, -- a customer may do without
  excludable          boolean not null default false, -- a customer can be technically excluded
  data_categories     text[] not null default '{}',
  special_categories  text[] not null default '{}',   -- GDPR Art. 9(1), 10
  data_subjects       text[] not null default '{}',
  regions             text[] not null default '{}'    -- of customers served; none: all
    check (regions <@ array['eea', 'gb', 'ch', 'us', 'ca', 'latam', 'apac', 'mea']),
  hosting_vendor_id   uuid references vendors,
  note                text not null default '',
  recorded_at         timestamptz not null,
  recorded_by         uuid references accounts,
  constraint engagement_versions_no_overlap exclude using gist (engagement_id with =, valid with &&)
);
create index engagement_versions_engagement on engagement_versions (engagement_id);

create table engagement_products (
  engagement_version_id uuid not null references engagement_versions on delete cascade,
  product_id            uuid not null references products,
  plan                  text not null default '', -- '': every plan
  primary key (engagement_version_id, product_id, plan)
);

create table engagement_locations (
  id                    uuid primary key,
  engagement_version_id uuid not null references engagement_versions on delete cascade,
  country               char(2) not null check (country ~ '^[A-Z]{2}$'),
  kind                  text not null check (kind in ('stored', 'accessed')),
  unique (engagement_version_id, country, kind)
);

-- How data may go from an exporting regime to a location.
create table engagement_transfers (
  location_id uuid not null references engagement_locations on delete cascade,
  regime      text not null check (regime in ('eea', 'gb', 'ch')),
  mechanism   text not null check (mechanism in ('none_needed', 'adequacy', 'dpf', 'dpf_uk', 'dpf_swiss',
                'scc_2', 'scc_3', 'uk_idta', 'uk_addendum', 'bcr')),
  assessed_on date, -- the transfer impact assessment
  primary key (location_id, regime)
);

-- A vendor's own sub-processors: fourth parties, to any depth.
create table chain_links (
  id            uuid primary key,
  vendor_id     uuid not null references vendors,
  sub_vendor_id uuid not null references vendors,
  purpose       text not null default '',
  valid         daterange not null,
  note          text not null default '',
  recorded_at   timestamptz not null,
  recorded_by   uuid references accounts,
  constraint chain_links_not_itself check (vendor_id <> sub_vendor_id),
  constraint chain_links_no_overlap exclude using gist (vendor_id with =, sub_vendor_id with =, valid with &&)
);
create index chain_links_sub on chain_links (sub_vendor_id);

-- +goose StatementBegin
create function chain_refuse_cycle() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7301201827); -- two links that close a circle together
  if exists (
    with recursive below as (
      select l.sub_vendor_id from chain_links l where l.vendor_id = new.sub_vendor_id and l.valid && new.valid
      union
      select l.sub_vendor_id from chain_links l join below b on l.vendor_id = b.sub_vendor_id where l.valid && new.valid
    ) select from below where sub_vendor_id = new.vendor_id
  ) then
    raise exception 'a chain of sub-processors can not lead back to itself'
      using errcode = 'check_violation', constraint = 'chain_links_no_cycle', table = 'chain_links';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger chain_links_no_cycle before insert or update on chain_links
  for each row execute function chain_refuse_cycle();

create table certifications (
  id               uuid primary key,
  vendor_id        uuid not null references vendors,
  scheme           text not null check (scheme <> ''),
  edition          text not null default '',
  report_type      text not null default '' check (report_type in ('', '1', '2')),
  level            text not null default '',
  issuer           text not null default '',
  number           text not null default '',
  scope            text not null default '',
  regions          text[] not null default '{}'
    check (regions <@ array['eea', 'gb', 'ch', 'us', 'ca', 'latam', 'apac', 'mea']),
  issued_on        date,
  period_start     date,
  period_end       date,
  expires_on       date, -- as printed
  bridge_until     date,
  inherited_from   uuid references certifications, -- of the vendor below
  evidence_url     text not null default '',
  evidence_for     text not null default 'staff' check (evidence_for in ('public', 'customers', 'staff')),
  checked_by       uuid references accounts,
  checked_at       timestamptz,
  note             text not null default '',
  removed_at       timestamptz,
  version          integer not null default 1,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  constraint certifications_period_in_order check (period_end >= period_start),
  constraint certifications_expires_after_issue check (expires_on >= issued_on),
  constraint certifications_not_its_own_heir check (inherited_from <> id)
);
create index certifications_vendor on certifications (vendor_id);

create table certification_products (
  certification_id uuid not null references certifications on delete cascade,
  product_id       uuid not null references products,
  primary key (certification_id, product_id)
);

-- +goose Down
drop table certification_products;
drop table certifications;
drop table chain_links;
drop function chain_refuse_cycle();
drop table engagement_transfers;
drop table engagement_locations;
drop table engagement_products;
drop table engagement_versions;
drop table engagements;
drop table vendor_versions;
drop table vendors;
