-- The API: keys for programs, and what was answered to writes that carry a key of their own.

-- +goose Up
-- A key acts for the account that made it, with a role of its own that is never worth more than the
-- account's at the time: whoever leaves or is demoted takes the keys along.
create table api_keys (
  id           uuid primary key,
  account_id   uuid not null references accounts,
  name         text not null,
  role         text not null check (role in ('admin', 'approver', 'editor', 'reviewer')),
  digest       bytea not null unique check (octet_length(digest) = 32), -- SHA-256 of the key, which is nowhere
  hint         text not null, -- its first characters, to tell keys apart
  networks     cidr[] not null default '{}', -- from which it may be used; none: from anywhere
  per_minute   int not null check (per_minute > 0), -- requests, in each server
  expires_at   timestamptz not null,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  revoked_by   uuid references accounts,
  made_by      uuid references api_keys, -- the key by which a program made this one: revoking it revokes this one too
  version      int not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null
);
create index api_keys_account on api_keys (account_id);
create index api_keys_made_by on api_keys (made_by) where made_by is not null;

-- A write that a program repeats under the same idempotency key is answered as it was the first time.
-- The row is written in the transaction of the write itself, so that there is both or neither.
create table idempotency_keys (
  owner_id   uuid not null references api_keys on delete cascade,
  key        text not null check (length(key) between 1 and 255),
  digest     bytea not null check (octet_length(digest) = 32), -- of method, address, precondition and body
  status     int not null default 0,
  headers    bytea not null default '', -- sealed, like the body: answers hold secrets that are told once
  body       bytea not null default '',
  created_at timestamptz not null,
  primary key (owner_id, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- Programs record vendors by the thousand; each asks whether its legal name is taken.
create index vendor_versions_legal_name on vendor_versions (lower(legal_name)) where upper_inf(valid);

-- +goose Down
drop index vendor_versions_legal_name;
drop table idempotency_keys;
drop table api_keys;
