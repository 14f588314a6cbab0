-- Customers, their terms, contacts and subscriptions.

-- +goose Up
create table customers (
  id          uuid primary key,
  name        text not null check (name <> ''),
  external_id text not null unique check (external_id <> ''),
  role        text not null check (role in ('controller', 'processor', 'both')),
  region      text not null check (region in ('eea', 'gb', 'ch', 'us', 'ca', 'latam', 'apac', 'mea')),
  country     char(2) not null check (country ~ '^[A-Z]{2}$'),
  time_zone   text not null,
  language    text not null check (language in ('en', 'de')),
  affiliates  text[] not null default '{}',
  left_on     date, -- no longer a customer from this day
  version     integer not null default 1,
  created_at  timestamptz not null,
  updated_at  timestamptz not null
);
create index customers_name on customers (lower(name), id);

create table customer_products (
  customer_id uuid not null references customers on delete cascade,
  product_id  uuid not null references products,
  primary key (customer_id, product_id)
);
create index customer_products_product on customer_products (product_id);

-- A term sheet is one JSON document, checked field by field by the program and in its bones here.
-- +goose StatementBegin
create function term_sheet_sound(sheet jsonb) returns boolean language sql immutable as $$
  select coalesce(jsonb_typeof(sheet) = 'object'
     and sheet->>'authorisation' in ('general', 'specific')
     and sheet#>>'{notice,unit}' in ('calendar_days', 'business_days', 'weeks', 'months')
     and (sheet#>>'{notice,count}')::int between 0 and 3660
     and sheet#>>'{objection,unit}' in ('calendar_days', 'business_days', 'weeks', 'months')
     and (sheet#>>'{objection,count}')::int between 0 and 3660
     and sheet->>'objection_runs' in ('from_notice', 'after_notice_period')
     and sheet->>'activation_waits_for' in ('notice', 'objection', 'later')
     and sheet->>'direction' in ('forward', 'backward')
     and sheet->>'clock_starts' in ('sent', 'accepted', 'deemed', 'published', 'proof')
     and sheet->>'counting' in ('plain', 'regulation_1182_71')
     and sheet->>'served' in ('first', 'all')
     and sheet->>'time_zone' <> '', false) -- a check lets null pass, so a missing field must be false
$$;
-- +goose StatementEnd

create table term_templates (
  id         uuid primary key,
  name       text not null unique check (name <> ''),
  version    integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table term_template_versions (
  id          uuid primary key,
  template_id uuid not null references term_templates,
  number      integer not null check (number >= 1),
  sheet       jsonb not null check (term_sheet_sound(sheet)),
  note        text not null default '',
  created_at  timestamptz not null,
  created_by  uuid references accounts,
  unique (template_id, number)
);

create table contracts (
  id          uuid primary key,
  customer_id uuid not null references customers,
  reference   text not null check (reference <> ''),
  signed_on   date not null,
  ended_on    date check (ended_on >= signed_on),
  version     integer not null default 1,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  unique (customer_id, reference)
);

-- A contract's terms as they stand: the template's sheet with this customer's deviations on top.
-- A window keeps the version that it was computed from.
create table terms_versions (
  id                  uuid primary key,
  contract_id         uuid not null references contracts,
  number              integer not null check (number >= 1),
  template_version_id uuid references term_template_versions,
  deviations          jsonb not null default '{}' check (jsonb_typeof(deviations) = 'object'),
  sheet               jsonb not null check (term_sheet_sound(sheet)),
  created_at          timestamptz not null,
  created_by          uuid references accounts,
  unique (contract_id, number)
);

create table contacts (
  id             uuid primary key,
  customer_id    uuid not null references customers,
  name           text not null check (name <> ''),
  position       text not null default '',
  email          text not null,
  language       text not null check (language in ('en', 'de')),
  roles          text[] not null check (roles <@ array['notices', 'fallback', 'objections'] and cardinality(roles) > 0),
  verified_at    timestamptz,
  removed_at     timestamptz,
  version        integer not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null
);
create unique index contacts_email_key on contacts (customer_id, lower(email)) where removed_at is null;

create table subscriptions (
  id              uuid primary key,
  customer_id     uuid references customers,  -- none: a follower who is nobody's contact
  contact_id      uuid references contacts,
  basis           text not null check (basis in ('contract', 'follower')),
  channel         text not null check (channel in ('email', 'webhook', 'slack')),
  address         text not null check (address <> ''), -- an email address, a URL, a channel
  name            text not null default '',
  language        text not null check (language in ('en', 'de')),
  regions         text[] not null default '{}'
    check (regions <@ array['eea', 'gb', 'ch', 'us', 'ca', 'latam', 'apac', 'mea']),
  kinds           text[] not null default '{}'
    check (kinds <@ array['addition', 'replacement', 'removal', 'relocation', 'scope', 'housekeeping']),
  state           text not null check (state in ('pending', 'active', 'paused', 'disabled', 'unsubscribed')),
  state_reason    text not null default '',
  state_at        timestamptz not null,
  consent_how     text not null check (consent_how <> ''),
  consent_at      timestamptz not null,
  consent_wording text not null default '',
  link_epoch      integer not null default 1, -- raised to revoke every signed link of this subscription
  version         integer not null default 1,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  constraint subscriptions_contract_has_customer check (basis = 'follower' or customer_id is not null),
  constraint subscriptions_contract_not_unsubscribed check (basis = 'follower' or state <> 'unsubscribed')
);
create unique index subscriptions_customer_key on subscriptions (customer_id, channel, lower(address)) where customer_id is not null;
create unique index subscriptions_follower_key on subscriptions (channel, lower(address)) where customer_id is null;
create index subscriptions_contact on subscriptions (contact_id);

create table subscription_products (
  subscription_id uuid not null references subscriptions on delete cascade,
  product_id      uuid not null references products, -- no row: every product
  primary key (subscription_id, product_id)
);

create table suppressions (
  address    text primary key check (address = lower(address)),
  reason     text not null check (reason in ('hard_bounce', 'complaint', 'staff', 'unsubscribed')),
  detail     text not null default '',
  created_at timestamptz not null,
  created_by uuid references accounts
);

-- +goose Down
drop table suppressions;
drop table subscription_products;
drop table subscriptions;
drop table contacts;
drop table terms_versions;
drop table contracts;
drop table term_template_versions;
drop table term_templates;
drop function term_sheet_sound(jsonb);
drop table customer_products;
drop table customers;
