package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"fairnotice/internal/app"
	"fairnotice/internal/changes"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
	"fairnotice/internal/secrets"
	"fairnotice/internal/vendors"
)

// world is a publisher with many customers, in a database that flushes every commit to the disk.
type world struct {
	*housetest.House
	b      *testing.B
	url    string
	keys   string
	vendor *vendors.Vendor
	app    *app.App // of open
}

func newWorld(b *testing.B) *world {
	b.Helper()
	w := &world{b: b, url: databasetest.NewURL(b), keys: secrets.NewKey("k1")}
	clock := &databasetest.Clock{}
	clock.Set(time.Now())
	db, err := database.Open(b.Context(), w.url, database.Options{MaxConns: 4, Now: clock.Now})
	must(b, err)
	b.Cleanup(db.Close)
	w.refuseUnlessDurable(db)
	w.House = housetest.On(b, db, clock)
	w.vendor = w.Vendor("Errata Ltd")
	return w
}

// refuseUnlessDurable makes sure that what is measured is a commit that survives a power cut.
func (w *world) refuseUnlessDurable(db *database.DB) {
	w.b.Helper()
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		must(w.b, db.Pool().QueryRow(w.b.Context(), "show "+name).Scan(&value))
		if value != "on" {
			w.b.Fatalf("the server has %s = %s: measure on one that keeps what it commits (make bench, or bin/withpg -durable)", name, value)
		}
	}
}

func (w *world) exec(sql string, args ...any) int64 {
	w.b.Helper()
	tag, err := w.DB.Pool().Exec(w.b.Context(), sql, args...)
	must(w.b, err)
	return tag.RowsAffected()
}

// customers adds customers of a region, each with a contract and so many recipients at a domain of
// its own; every second customer is told in German.
func (w *world) customers(region string, n, recipients int) {
	w.b.Helper()
	sheet, err := json.Marshal(housetest.Sheet(14))
	must(w.b, err)
	w.exec(`insert into customers (id, name, external_id, role, region, country, time_zone, language, created_at, updated_at)
		select uuid_v7(), 'Customer ' || $1::text || ' ' || i || ' AG', $1 || '-' || i, 'controller', $1, 'DE', 'Europe/Berlin', case i % 2 when 0 then 'en' else 'de' end, now(), now()
		  from generate_series(1, $2::int) i`, region, n)
	w.exec(`insert into customer_products (customer_id, product_id) select id, $2 from customers where region = $1`, region, w.Product.ID)
	w.exec(`insert into contracts (id, customer_id, reference, signed_on, created_at, updated_at)
		select uuid_v7(), id, 'DPA', '2026-01-01', now(), now() from customers where region = $1`, region)
	w.exec(`insert into terms_versions (id, contract_id, number, sheet, created_at)
		select uuid_v7(), k.id, 1, $2, now() from contracts k join customers c on c.id = k.customer_id where c.region = $1`, region, sheet)
	w.exec(`insert into contacts (id, customer_id, name, email, language, roles, created_at, updated_at)
		select uuid_v7(), id, 'Kim Example the ' || i || 'th', 'kim' || i || '@' || lower(external_id) || '.example', language, '{notices}', now(), now()
		  from customers, generate_series(1, $2::int) i where region = $1`, region, recipients)
	w.exec(`insert into subscriptions (id, customer_id, contact_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), customer_id, k.id, 'contract', 'email', k.email, k.language, 'active', now(), 'named in the contract', now(), now(), now()
		  from contacts k join customers c on c.id = k.customer_id where c.region = $1`, region)
	w.exec("analyze")
}

// followers adds people who follow by email, fifty at a domain.
func (w *world) followers(n int) {
	w.b.Helper()
	w.exec(`insert into subscriptions (id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), 'follower', 'email', 'follower' || i || '@f' || i / 50 || '.example', case i % 2 when 0 then 'en' else 'de' end, 'active', now(), 'double opt-in', now(), now(), now()
		  from generate_series(1, $1::int) i`, n)
	w.exec("analyze")
}

// settings are the environment of a program on this world's database.
func (w *world) settings(more map[string]string) map[string]string {
	out := map[string]string{"DATABASE_URL": w.url, "ENCRYPTION_KEYS": w.keys, "PUBLIC_URL": "https://trust.nordlicht.example",
		"MAIL_FROM": "notices@nordlicht.example", "MAIL_FROM_NAME": "Nordlicht Software", "LOG_LEVEL": "error", "OUTBOUND_ALLOW": "127.0.0.0/8"}
	for name, value := range more {
		out[name] = value
	}
	return out
}

// open opens the program in this process, as cmd/worker does.
func (w *world) open(more map[string]string) {
	w.b.Helper()
	cfg, err := config.Load(w.settings(more), config.Worker)
	must(w.b, err)
	w.app, err = app.Open(w.b.Context(), cfg, app.NewLog(cfg, os.Stderr))
	must(w.b, err)
	w.b.Cleanup(w.close)
}

// close stops the program; sends that hang are cut.
func (w *world) close() {
	if w.app == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.app.Close(ctx); err != nil {
		w.b.Error(err)
	}
	w.app = nil
}

// approved is a change that needs only to be announced, for the customers of these regions (none:
// all).
func (w *world) approved(regions ...string) *changes.Change {
	w.b.Helper()
	w.Clock.Set(time.Now())
	p := w.Addition(w.vendor, 60)
	for _, r := range regions {
		p.Facts.Regions = append(p.Facts.Regions, region(r))
	}
	return w.Approved(p)
}

// announce announces a change, as cmd/api does. Who is told is up to the job that it enqueues.
func (w *world) announce(c *changes.Change) {
	w.b.Helper()
	w.Clock.Set(time.Now())
	must(w.b, w.Changes.Announce(w.b.Context(), w.Approver, c.ID))
}

// clear removes all notices with what hangs on them, so that each round finds the tables alike.
func (w *world) clear() {
	w.b.Helper()
	w.exec("truncate notices, endpoints cascade")
	w.exec("checkpoint")
}

// finished waits until nothing is due any more.
func (w *world) finished() {
	w.b.Helper()
	await(w.b, "every delivery's end", func() (done bool) {
		must(w.b, w.DB.Pool().QueryRow(w.b.Context(), "select not exists (select from deliveries where due_at is not null)").Scan(&done))
		return done
	})
}

// accepted makes sure that each delivery was sent, with one attempt.
func (w *world) accepted(n int) {
	w.b.Helper()
	var sent, attempts int
	must(w.b, w.DB.Pool().QueryRow(w.b.Context(), `select (select count(*) from deliveries where state in ('sent', 'received')), (select count(*) from attempts)`).Scan(&sent, &attempts))
	if sent != n || attempts != n {
		w.b.Fatal(fmt.Errorf("%d of %d deliveries were sent, with %d attempts", sent, n, attempts))
	}
}
