-- Webhooks and Slack: secrets of subscriptions, renderings that are JSON, and work by endpoint.

-- +goose Up
-- A secret is sealed by the program (AES-256-GCM) with a key that is not in the database: a
-- webhook's signing secret, a Slack incoming-webhook URL, a Slack token. A webhook's former secret
-- signs beside the new one until the receiver had time to change.
alter table subscriptions
  add column secret              bytea,
  add column former_secret       bytea,
  add column former_secret_until timestamptz,
  add constraint subscriptions_email_has_no_secret check (channel <> 'email' or secret is null),
  add constraint subscriptions_former_secret_ends check ((former_secret is null) = (former_secret_until is null)),
  add constraint subscriptions_former_secret_of_webhook check (channel = 'webhook' or former_secret is null);

-- Incoming-webhook URLs that were stored in the clear are secrets; they can't be sealed here. Their
-- subscriptions keep what is no secret and wait for the URL to be entered again; who had unsubscribed
-- stays so.
update subscriptions
   set address = regexp_replace(address, '[^/]*$', '') || '…' || left(encode(sha256(convert_to(address, 'UTF8')), 'hex'), 8),
       state = case when state = 'unsubscribed' then state else 'disabled' end,
       state_reason = case when state = 'unsubscribed' then state_reason else 'The Slack URL must be entered again: it is kept encrypted now.' end,
       state_at = case when state = 'unsubscribed' then state_at else now() end, version = version + 1
 where channel = 'slack' and address like 'https://%';

alter table renderings add column body_json text not null default '';

-- Work is found by endpoint, so that one that is dead, resting or under a limit costs nothing and
-- holds up nobody. work_at is never later than the earliest due_at of the endpoint's deliveries;
-- null: nothing is due, ever.
alter table endpoints add column work_at timestamptz;
create index endpoints_work on endpoints (channel, work_at) where work_at is not null;
drop index deliveries_due;
create index deliveries_due on deliveries (endpoint_id, due_at) where due_at is not null;
update endpoints e set work_at = (select min(d.due_at) from deliveries d where d.endpoint_id = e.id and d.due_at is not null);

-- While a delivery is being sent, due_at stays what it was and the lease says until when it is
-- somebody's. The lease is in no index and pages keep room for another version of their rows, so that
-- claiming is an update in place.
alter table deliveries add column leased_until timestamptz, set (fillfactor = 50);
update deliveries set leased_until = due_at where state = 'sending';
alter table deliveries add constraint deliveries_leased_while_sending check ((leased_until is not null) = (state = 'sending'));

-- A fact of service is of a delivery, which knows its window, and of a kind.
alter table services drop column window_id, drop constraint services_delivery_id_kind_key, drop column id,
  add primary key (delivery_id, kind);

-- +goose Down
alter table services drop constraint services_pkey, add column id uuid not null default uuid_v7() primary key,
  add constraint services_delivery_id_kind_key unique (delivery_id, kind), add column window_id uuid references windows;
update services s set window_id = d.window_id from deliveries d where d.id = s.delivery_id;
alter table services alter column window_id set not null;
create index services_window on services (window_id);
alter table deliveries drop constraint deliveries_leased_while_sending, reset (fillfactor);
update deliveries set due_at = leased_until where state = 'sending';
alter table deliveries drop column leased_until;
drop index deliveries_due;
create index deliveries_due on deliveries (channel, due_at) where due_at is not null;
alter table endpoints drop column work_at;
alter table renderings drop column body_json;
alter table subscriptions
  drop constraint subscriptions_email_has_no_secret,
  drop constraint subscriptions_former_secret_ends,
  drop constraint subscriptions_former_secret_of_webhook,
  drop column secret, drop column former_secret, drop column former_secret_until;
