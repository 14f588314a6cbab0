-- The publisher, its staff, and the ledger.

-- +goose Up
create extension if not exists btree_gist;

-- A UUID of version 7 (RFC 9562): rows that are inserted together lie together in the index,
-- which a fan-out of 100,000 rows feels.
create function uuid_v7() returns uuid language sql volatile parallel safe as $$
  select encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
            from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

create table publisher (
  id             smallint primary key default 1 check (id = 1), -- one deployment, one publisher
  legal_name     text not null check (legal_name <> ''),
  address        text not null default '',
  country        char(2) not null,
  website        text not null default '',
  privacy_name   text not null default '',
  privacy_email  text not null,          -- where objections and questions go
  time_zone      text not null,          -- the register's days are days of this zone
  language       text not null check (language in ('en', 'de')),
  floor_days     integer check (floor_days between 0 and 3660), -- the public promise to everyone
  received_after_hours integer check (received_after_hours between 1 and 720), -- so long without a bounce counts as received; null: never
  four_eyes      boolean not null default true,
  fictitious     boolean not null default false, -- a demo: every page says so
  version        integer not null default 1,
  updated_at     timestamptz not null
);

create table products (
  id         uuid primary key,
  slug       text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name       text not null unique check (name <> ''),
  retired_at timestamptz,
  created_at timestamptz not null
);

create table accounts (
  id             uuid primary key,
  email          text not null,
  name           text not null check (name <> ''),
  role           text not null check (role in ('admin', 'approver', 'editor', 'reviewer')),
  password_hash  text not null,
  language       text not null default 'en' check (language in ('en', 'de')),
  failed_count   integer not null default 0,
  failed_at      timestamptz,
  disabled_at    timestamptz,
  version        integer not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null
);
create unique index accounts_email_key on accounts (lower(email));

create table sessions (
  digest      bytea primary key check (octet_length(digest) = 32), -- of the cookie: a stolen table opens nothing
  account_id  uuid not null references accounts on delete cascade,
  created_at  timestamptz not null,
  seen_at     timestamptz not null,
  expires_at  timestamptz not null
);
create index sessions_account on sessions (account_id);
create index sessions_expiry on sessions (expires_at);

-- The record. An entry holds IDs and digests only; what happened is in its body, which can be
-- erased with its salt without breaking the chain.
create table ledger_entries (
  seq          bigint primary key,
  at           timestamptz not null,
  kind         text not null,
  actor_kind   text not null,
  actor_id     uuid,
  subject_kind text not null,
  subject_id   uuid,
  leaf         bytea not null check (octet_length(leaf) = 32),
  prev         bytea not null check (octet_length(prev) = 32),
  hash         bytea not null unique check (octet_length(hash) = 32)
);
create index ledger_entries_subject on ledger_entries (subject_id, seq);

create table ledger_bodies (
  seq  bigint primary key references ledger_entries,
  salt bytea not null check (octet_length(salt) = 16),
  body json not null -- json, not jsonb: the very bytes that were hashed
);

-- +goose StatementBegin
create function ledger_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % on % refused', tg_op, tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
-- +goose StatementEnd
create trigger ledger_entries_frozen before update or delete or truncate on ledger_entries
  for each statement execute function ledger_refuse();
create trigger ledger_bodies_frozen before update or truncate on ledger_bodies
  for each statement execute function ledger_refuse();

-- What an entry's hash is taken over; the offline verifier builds the same text.
create function ledger_seal(prev bytea, seq bigint, at timestamptz, kind text, actor_kind text,
    actor_id uuid, subject_kind text, subject_id uuid, leaf bytea) returns bytea
  language sql immutable as $$
  select sha256(prev || convert_to(concat_ws('|', seq,
    to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), kind, actor_kind,
    coalesce(actor_id::text, '-'), subject_kind, coalesce(subject_id::text, '-'),
    encode(leaf, 'hex')), 'UTF8'))
$$;

-- Appends entries, in order, to the end of the chain. The advisory lock makes appending one at a
-- time; it is taken by the transaction's last statement, so it is held for the commit only.
-- +goose StatementBegin
create function ledger_append(p_at timestamptz, p_kinds text[], p_actor_kinds text[], p_actor_ids uuid[],
    p_subject_kinds text[], p_subject_ids uuid[], p_leaves bytea[], p_salts bytea[], p_bodies text[])
  returns bigint language plpgsql as $$
declare
  head_seq bigint;
  head_hash bytea;
begin
  perform pg_advisory_xact_lock(7301201826);
  select e.seq, e.hash into head_seq, head_hash from ledger_entries e order by e.seq desc limit 1;
  if not found then
    head_seq := 0;
    head_hash := sha256('fairnotice ledger');
  end if;
  for i in 1 .. cardinality(p_kinds) loop
    head_seq := head_seq + 1;
    insert into ledger_entries (seq, at, kind, actor_kind, actor_id, subject_kind, subject_id, leaf, prev, hash)
    values (head_seq, p_at, p_kinds[i], p_actor_kinds[i], p_actor_ids[i], p_subject_kinds[i], p_subject_ids[i],
            p_leaves[i], head_hash,
            ledger_seal(head_hash, head_seq, p_at, p_kinds[i], p_actor_kinds[i], p_actor_ids[i],
                        p_subject_kinds[i], p_subject_ids[i], p_leaves[i]))
    returning hash into head_hash;
    insert into ledger_bodies (seq, salt, body) values (head_seq, p_salts[i], p_bodies[i]::json);
  end loop;
  return head_seq;
end $$;
-- +goose StatementEnd

-- +goose Down
drop function ledger_append(timestamptz, text[], text[], uuid[], text[], uuid[], bytea[], bytea[], text[]);
drop function ledger_seal(bytea, bigint, timestamptz, text, text, uuid, text, uuid, bytea);
drop table ledger_bodies;
drop table ledger_entries;
drop function ledger_refuse();
drop table sessions;
drop table accounts;
drop table products;
drop table publisher;
drop function uuid_v7();
drop extension btree_gist;
