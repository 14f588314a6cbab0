-- A change's life, and the window it opens for each affected customer.

-- +goose Up
create table change_references (
  year integer primary key,
  last integer not null
);

create table changes (
  id                     uuid primary key,
  reference              text not null unique check (reference ~ '^SP-[0-9]{4}-[0-9]{3,}$'),
  request_key            text unique, -- of the form or API call that drafted it: sent twice, it drafts once
  kind                   text not null check (kind in ('addition', 'replacement', 'removal', 'relocation', 'scope', 'housekeeping')),
  state                  text not null check (state in ('draft', 'in_review', 'approved', 'announced', 'effective', 'withdrawn')),
  vendor_id              uuid not null references vendors,
  engagement_id          uuid not null references engagements,          -- the engagement that comes, changes or goes
  before_version_id      uuid references engagement_versions,
  after_version_id       uuid references engagement_versions,
  replaced_engagement_id uuid references engagements,
  reason                 text not null check (reason <> ''),
  safeguards             text not null default '',
  effective_on           date not null, -- planned; each customer's own date is in its window
  created_at             timestamptz not null,
  created_by             uuid references accounts,
  submitted_at           timestamptz,
  submitted_by           uuid references accounts,
  approved_at            timestamptz,
  approved_by            uuid references accounts,
  announced_at           timestamptz,
  announced_by           uuid references accounts,
  effective_at           timestamptz,
  withdrawn_at           timestamptz,
  withdrawn_by           uuid references accounts,
  withdrawn_reason       text not null default '',
  version                integer not null default 1,
  updated_at             timestamptz not null,
  constraint changes_has_its_facts check (case kind
    when 'addition' then after_version_id is not null and before_version_id is null
    when 'replacement' then after_version_id is not null and replaced_engagement_id is not null
    when 'removal' then before_version_id is not null and after_version_id is null
    else before_version_id is not null and after_version_id is not null end),
  constraint changes_replaces_another check (replaced_engagement_id <> engagement_id),
  constraint changes_times_fit_state check (
    (state in ('draft', 'withdrawn') or submitted_at is not null)
    and (state in ('draft', 'in_review', 'withdrawn') or approved_at is not null)
    and (state in ('draft', 'in_review', 'approved', 'withdrawn') or announced_at is not null)
    and ((state = 'effective') = (effective_at is not null))
    and ((state = 'withdrawn') = (withdrawn_at is not null)))
);
create index changes_state on changes (state, effective_on);
create index changes_vendor on changes (vendor_id);
-- One open change at a time for an engagement: two would not know each other's "before".
create unique index changes_one_open on changes (engagement_id) where state in ('draft', 'in_review', 'approved', 'announced');
create unique index changes_one_open_replacing on changes (replaced_engagement_id) where state in ('draft', 'in_review', 'approved', 'announced');

create table windows (
  id                 uuid primary key,
  change_id          uuid not null references changes,
  customer_id        uuid not null references customers,
  contract_id        uuid not null references contracts,
  terms_version_id   uuid not null references terms_versions,
  authorisation      text not null check (authorisation in ('general', 'specific')),
  clause             text not null default '',
  time_zone          text not null,
  counted_from       timestamptz not null, -- planned: the announcement; after service: the service
  notice_ends_at     timestamptz not null, -- half-open: the first instant after the notice period
  objection_ends_at  timestamptz not null,
  earliest_at        timestamptz not null, -- nothing becomes effective for this customer before
  effective_on       date not null,        -- this customer's day, in its zone
  served_at          timestamptz,
  state              text not null check (state in ('open', 'effective', 'withdrawn')),
  effective_at       timestamptz,
  held_at            timestamptz, -- staff keep activation back: an objection came by letter, say
  held_by            uuid references accounts,
  held_reason        text not null default '',
  version            integer not null default 1,
  created_at         timestamptz not null,
  updated_at         timestamptz not null,
  unique (change_id, customer_id),
  constraint windows_effective_when_due check (state <> 'effective' or (effective_at >= earliest_at and served_at is not null and held_at is null)),
  constraint windows_effective_has_time check ((state = 'effective') = (effective_at is not null)),
  constraint windows_deadlines_after_start check (notice_ends_at >= counted_from and objection_ends_at >= counted_from)
);
create index windows_open on windows (effective_on) where state = 'open';
create index windows_customer on windows (customer_id);

-- Every contract in force of the window's customer: all of them must be kept, not only the one that
-- the window names as the strictest.
create table window_terms (
  window_id        uuid not null references windows,
  contract_id      uuid not null references contracts,
  terms_version_id uuid not null references terms_versions,
  primary key (window_id, contract_id)
);

-- +goose Down
drop table window_terms;
drop table windows;
drop table changes;
drop table change_references;
