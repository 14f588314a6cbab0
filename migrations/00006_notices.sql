-- Notices, their deliveries, every attempt, and the facts of service.

-- +goose Up
create table notices (
  id         uuid primary key,
  change_id  uuid not null references changes,
  kind       text not null check (kind in ('announcement', 'withdrawal')),
  created_at timestamptz not null,
  unique (change_id, kind)
);

-- One rendering per notice, channel, language and audience; what differs by recipient is merged in.
create table renderings (
  id               uuid primary key,
  notice_id        uuid not null references notices,
  channel          text not null check (channel in ('email', 'webhook', 'slack')),
  language         text not null check (language in ('en', 'de')),
  audience         text not null check (audience in ('contract', 'follower')),
  template_version text not null,
  meta             jsonb not null default '{}', -- sender, reply address: what else the bytes were made from
  subject          text not null,
  body_text        text not null,
  body_html        text not null,
  created_at       timestamptz not null,
  unique (notice_id, channel, language, audience)
);

-- The values merged for one customer in one language (or, without a window, for followers).
create table merges (
  id         uuid primary key,
  notice_id  uuid not null references notices,
  window_id  uuid references windows,
  language   text not null check (language in ('en', 'de')),
  fields     jsonb not null check (jsonb_typeof(fields) = 'object'),
  unique nulls not distinct (notice_id, window_id, language)
);

-- The far side of deliveries: a recipient's domain, a webhook's URL, a Slack channel. Limits and
-- rests are kept here, so that several workers keep them together.
create table endpoints (
  id            uuid primary key default uuid_v7(),
  channel       text not null check (channel in ('email', 'webhook', 'slack')),
  key           text not null check (key <> ''),
  resting_until timestamptz,
  next_send_at  timestamptz,
  failures      integer not null default 0, -- in a row
  failing_since timestamptz,
  answered_at   timestamptz,
  created_at    timestamptz not null,
  unique (channel, key)
);

-- A delivery is the truth about one recipient of one notice; a River job only wakes a worker.
-- due_at says when somebody must look again: the next try when queued, the end of the lease when
-- sending, null when the state is final.
create table deliveries (
  id              uuid primary key default uuid_v7(),
  notice_id       uuid not null references notices,
  subscription_id uuid not null references subscriptions,
  rendering_id    uuid not null references renderings,
  merge_id        uuid not null references merges,
  window_id       uuid references windows,
  endpoint_id     uuid not null references endpoints,
  channel         text not null,
  address         text not null,
  addressee       text not null default '',
  link_key        text not null, -- which key of the ring signs this message's links
  state           text not null default 'queued'
    check (state in ('queued', 'sending', 'sent', 'received', 'failed', 'suppressed', 'cancelled')),
  attempts        integer not null default 0,
  due_at          timestamptz,
  possible_repeat boolean not null default false,
  reason          text not null default '', -- of a final state that isn't a success
  digest          bytea,                    -- SHA-256 of the message as last sent
  created_at      timestamptz not null,
  done_at         timestamptz,
  unique (notice_id, subscription_id),
  constraint deliveries_due_unless_final check ((due_at is not null) = (state in ('queued', 'sending'))),
  constraint deliveries_done_when_final check ((done_at is not null) = (due_at is null))
);
create index deliveries_due on deliveries (channel, due_at) where due_at is not null;
create index deliveries_window on deliveries (window_id) where window_id is not null;

create table attempts (
  delivery_id  uuid not null references deliveries,
  number       integer not null check (number >= 1),
  started_at   timestamptz not null,
  address      text not null,     -- where to, and with which epoch of links: the message's bytes
  link_epoch   integer not null,  -- are made from both, and both may change later
  duration_us  bigint not null check (duration_us >= 0),
  outcome      text not null check (outcome in ('accepted', 'temporary', 'permanent', 'unreachable', 'ambiguous')),
  stage        text not null default '',
  code         integer not null default 0,
  answer       text not null default '',
  digest       bytea,
  next_at      timestamptz, -- when the next try was planned; null: none
  primary key (delivery_id, number)
);

-- Facts of service, only ever appended; a window's dates are derived from them.
create table services (
  id          uuid primary key default uuid_v7(),
  window_id   uuid not null references windows,
  delivery_id uuid not null references deliveries,
  kind        text not null check (kind in ('sent', 'received')),
  at          timestamptz not null,
  proof       text not null,
  unique (delivery_id, kind)
);
create index services_window on services (window_id);

-- +goose Down
drop table services;
drop table attempts;
drop table deliveries;
drop table endpoints;
drop table merges;
drop table renderings;
drop table notices;
