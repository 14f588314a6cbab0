package apiv1

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/jobs"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
)

// servers are two of one installation, each with a pool of its own, on one database.
func servers(t *testing.T) (first, second *desk) {
	t.Helper()
	url := databasetest.NewURL(t)
	clock := &databasetest.Clock{}
	clock.Set(databasetest.Start)
	open := func() *database.DB {
		db, err := database.Open(t.Context(), url, database.Options{MaxConns: 10, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	house := housetest.On(t, open(), clock)
	other := *house
	db := open()
	inserter, err := jobs.NewInserter(db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	other.DB, other.Jobs, other.Publisher, other.Vendors = db, inserter, publisher.New(db), vendors.New(db)
	other.Subscribers, other.Changes = subscribers.New(db, other.Vault, subscribers.AddressRules{}), changes.New(db, inserter)
	level := slog.LevelError
	return deskOn(t, house, &level, &defects{}), deskOn(t, &other, &level, &defects{})
}

func (d *desk) count(query string, args ...any) (n int) {
	d.t.Helper()
	d.ok(d.DB.Pool().QueryRow(d.t.Context(), query, args...).Scan(&n))
	return n
}

// at is the same program, asking another server.
func (p *program) at(d *desk) *program { return &program{d: d, key: p.key, lang: p.lang} }

// together does things at the same time.
func together(n int, do func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { do(i) })
	}
	wait.Wait()
}

// Twenty times the same request, at once and at two servers, is done once; each gets the same answer.
func TestTwoServersDoItOnce(t *testing.T) {
	t.Parallel()
	first, second := servers(t)
	admin := first.as(first.Staff("Ada Admin", actor.Admin))
	in := ProductInput{Slug: "forms", Name: "Nordlicht Forms"}
	answers := make([]*answer, 20)
	together(len(answers), func(i int) {
		answers[i] = admin.at([]*desk{first, second}[i%2]).post("/products", in, "Idempotency-Key", "same")
	})
	fresh := 0
	for _, a := range answers {
		if a.want(201); string(a.Body) != string(answers[0].Body) {
			t.Errorf("one was answered %s, another %s", a.Body, answers[0].Body)
		}
		if a.Header.Get("Idempotency-Replayed") == "" {
			fresh++
		}
	}
	if n := first.count("select count(*) from products where slug = 'forms'"); fresh != 1 || n != 1 {
		t.Errorf("%d did it, %d products are there; want 1 of each", fresh, n)
	}
	if n := first.count("select count(*) from ledger_entries where kind = 'product.added'"); n != 2 { // the house's own, and this
		t.Errorf("the ledger holds it %d times", n)
	}
}

// What a connection's loss interrupts, between the work and the commit, is not done; the same request
// under the same key then does it, once.
func TestALostConnectionDoesNothing(t *testing.T) {
	t.Parallel()
	first, _ := servers(t)
	admin := first.as(first.Staff("Ada Admin", actor.Admin))
	var lose bool
	type body struct{ Body ProductInput }
	handle(first.site, op{id: "planted", method: http.MethodPost, path: "/planted", tag: tagMeta, summary: "Planted by a test"},
		func(ctx context.Context, who actor.Actor, in *body) (*Plain[Product], error) {
			out, err := first.site.addProduct(ctx, who, &struct{ Body ProductInput }{in.Body})
			if err != nil {
				return nil, err
			}
			if lose {
				var pid int
				if err := first.DB.Reader(ctx).QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
					return nil, err
				}
				if _, err := first.DB.Pool().Exec(ctx, "select pg_terminate_backend($1, 5000)", pid); err != nil {
					return nil, err
				}
			}
			return out, nil
		})
	in := ProductInput{Slug: "forms", Name: "Nordlicht Forms"}
	lose = true
	lost := admin.post("/planted", in, "Idempotency-Key", "k")
	if lost.Status != http.StatusServiceUnavailable || lost.Header.Get("Retry-After") == "" {
		t.Errorf("the loss is told as %d %s", lost.Status, lost.Body)
	}
	if n := first.count("select (select count(*) from products where slug = 'forms') + (select count(*) from idempotency_keys)"); n != 0 {
		t.Errorf("%d rows are left of what was interrupted", n)
	}
	lose = false
	again := admin.post("/planted", in, "Idempotency-Key", "k").want(200)
	replay := admin.post("/planted", in, "Idempotency-Key", "k").want(200)
	if again.Header.Get("Idempotency-Replayed") != "" || replay.Header.Get("Idempotency-Replayed") != "true" || !bytes.Equal(again.Body, replay.Body) {
		t.Errorf("then it is answered %s and %s", again.Body, replay.Body)
	}
	if n := first.count("select count(*) from products where slug = 'forms'"); n != 1 {
		t.Errorf("it was done %d times", n)
	}
}

// Fifty writes at once over ten connections, and reads among them, all come to an end: no operation
// asks for a second connection while it holds one.
func TestWritesDoNotStarveEachOther(t *testing.T) {
	t.Parallel()
	first, _ := servers(t)
	admin := first.as(first.Staff("Ada Admin", actor.Admin))
	vendor := first.Vendor("Errata Ltd")
	first.server.Client().Timeout = 2 * time.Minute
	statuses := make([]int, 80)
	together(len(statuses), func(i int) {
		switch {
		case i < 50 && i%2 == 0:
			statuses[i] = admin.post("/products", ProductInput{Slug: fmt.Sprintf("forms-%d", i), Name: fmt.Sprintf("Forms %d", i)}, "Idempotency-Key", fmt.Sprint(i)).Status
		case i < 50:
			statuses[i] = admin.post("/changes", first.draftOf(vendor, i), "Idempotency-Key", fmt.Sprint(i)).Status
		default:
			statuses[i] = admin.get("/vendors/" + vendor.ID.String()).Status
		}
	})
	for i, status := range statuses {
		if status >= http.StatusMultipleChoices {
			t.Errorf("request %d was answered %d", i, status)
		}
	}
}

// draftOf is the body of a change that adds an engagement of the vendor.
func (d *desk) draftOf(v *vendors.Vendor, i int) map[string]any {
	return map[string]any{"kind": "addition", "vendor_id": v.ID, "reason": fmt.Sprintf("Reason %d", i), "effective_on": "2027-02-01",
		"facts": map[string]any{"purpose": fmt.Sprintf("Purpose %d", i), "nature": "Storage", "data_categories": []string{"names"}, "data_subjects": []string{"users"},
			"products": []any{map[string]any{"product_id": d.Product.ID}}, "locations": []any{map[string]any{"country": "IE", "kind": "stored",
				"transfers": []any{map[string]any{"regime": "eea", "mechanism": "none_needed"}}}}}}
}

// A refused write keeps no key, another's key is nothing to one, and what is kept can't be read in the
// table.
func TestKeysOfOneOwner(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada, ben := d.as(d.Staff("Ada Admin", actor.Admin)), d.as(d.Staff("Ben Admin", actor.Admin))
	ada.post("/products", ProductInput{Slug: "No Slug", Name: "Secret Forms"}, "Idempotency-Key", "k").problem(422, "slug.malformed at slug")
	if n := d.count("select count(*) from idempotency_keys"); n != 0 {
		t.Errorf("a refused write keeps %d keys", n)
	}
	ada.post("/products", ProductInput{Slug: "secret-forms", Name: "Secret Forms"}, "Idempotency-Key", "k").want(201)
	other := ben.post("/products", ProductInput{Slug: "secret-desk", Name: "Secret Desk"}, "Idempotency-Key", "k").want(201)
	if other.Header.Get("Idempotency-Replayed") != "" {
		t.Error("Ben is answered as Ada was")
	}
	var row string
	d.ok(d.DB.Pool().QueryRow(t.Context(), "select string_agg(encode(headers || body, 'escape'), ' ') from idempotency_keys").Scan(&row))
	if strings.Contains(strings.ToLower(row), "secret") || strings.Contains(row, "application/json") {
		t.Errorf("the table tells: %s", row)
	}
}

// A key's answer is kept for a day. Then it is swept, and until it is, the key can be taken anew.
func TestKeysRunOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as(d.Staff("Ada Admin", actor.Admin))
	admin.post("/products", ProductInput{Slug: "one", Name: "One"}, "Idempotency-Key", "k").want(201)
	admin.post("/products", ProductInput{Slug: "kept", Name: "Kept"}, "Idempotency-Key", "kept").want(201)
	d.Clock.Add(idempotency.KeptFor - time.Second)
	two := ProductInput{Slug: "two", Name: "Two"}
	admin.post("/products", two, "Idempotency-Key", "k").problem(409, "idempotency.other")
	d.Clock.Add(time.Second)
	if a := admin.post("/products", two, "Idempotency-Key", "k").want(201); a.Header.Get("Idempotency-Replayed") != "" {
		t.Error("a key that had run out was replayed")
	}
	if a := admin.post("/products", two, "Idempotency-Key", "k").want(201); a.Header.Get("Idempotency-Replayed") == "" {
		t.Error("a key that was taken anew is not kept")
	}
	d.ok(d.site.Idempotency.Forget(t.Context()))
	if n := d.count("select count(*) from idempotency_keys"); n != 1 {
		t.Errorf("%d keys are left, want the one taken anew", n)
	}
}

// The second of two waits for the first; if that one is rolled back, the second does the work.
func TestTheSecondWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	first, second := servers(t)
	admin := first.as(first.Staff("Ada Admin", actor.Admin))
	started, goOn := make(chan struct{}), make(chan struct{})
	calls := 0
	for _, d := range []*desk{first, second} {
		handle(d.site, op{id: "planted", method: http.MethodPost, path: "/planted", tag: tagMeta, summary: "Planted by a test"},
			func(ctx context.Context, _ actor.Actor, _ *struct{}) (*Done, error) {
				if d == first {
					close(started)
					<-goOn
					return nil, fault.New(fault.Conflict, "change.state", nil)
				}
				calls++
				return &Done{}, nil
			})
	}
	var a *answer
	var wait sync.WaitGroup
	wait.Go(func() { a = admin.post("/planted", nil, "Idempotency-Key", "k") })
	<-started
	var b *answer
	wait.Go(func() { b = admin.at(second).post("/planted", nil, "Idempotency-Key", "k") })
	for first.count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 0 {
		time.Sleep(time.Millisecond)
	}
	close(goOn)
	wait.Wait()
	if a.Status != 409 || b.Status != 204 || calls != 1 {
		t.Errorf("answered %d and %d after %d calls", a.Status, b.Status, calls)
	}
}
