package apiv1

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/database"
)

// planted adds an operation to a desk that no program has.
func (d *desk) planted(method string, h handler[struct{}, Done]) {
	handle(d.site, op{id: "planted" + method, method: method, path: "/planted", tag: tagMeta, summary: "Planted by a test"}, h)
}

// A defect is told as a problem with the request's ID only, whatever was written before it.
func TestADefectIsAProblem(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		d := newDesk(t)
		d.quiet()
		broken := errors.New("a secret of ours")
		d.planted(method, func(ctx context.Context, _ actor.Actor, _ *struct{}) (*Done, error) {
			if ginOf(ctx).GetHeader("X-Panic") != "" {
				panic(broken)
			}
			return nil, broken
		})
		p := d.as(d.Editor)
		for _, how := range []string{"", "yes"} {
			got := p.send(method, "/planted", nil, "X-Panic", how).problem(500)
			if got.Code != "internal" || got.RequestID == "" || got.Detail == "" {
				t.Errorf("%s: a defect (panic: %q) is told as %+v", method, how, got)
			}
		}
	}
}

// What an operation did is undone when its answer is a refusal, even if its handler forgot the error.
func TestARefusedWriteLeavesNothing(t *testing.T) {
	d := newDesk(t)
	d.planted(http.MethodPost, func(ctx context.Context, _ actor.Actor, _ *struct{}) (*Done, error) {
		err := d.DB.Transact(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec("delete from products")
			return err
		})
		if err != nil {
			return nil, err
		}
		return nil, actor.Actor{Kind: actor.Staff, Role: actor.Reviewer}.Must(actor.EditPublisher)
	})
	p := d.as(d.Editor)
	p.post("/planted", nil, "Idempotency-Key", "k").problem(403, "role.missing")
	var list Whole[Product]
	p.get("/products").want(200).into(&list)
	if len(list.Items) != 1 {
		t.Errorf("%d products are left, want 1", len(list.Items))
	}
	var kept int
	d.ok(d.DB.Pool().QueryRow(t.Context(), "select count(*) from idempotency_keys").Scan(&kept))
	if kept != 0 {
		t.Errorf("a refused write keeps %d keys", kept)
	}
}

// A program is told to come back when PostgreSQL is away.
func TestAnAbsentDatabaseIs503(t *testing.T) {
	d := newDesk(t)
	d.quiet()
	p := d.as(d.Editor)
	d.DB.Pool().Reset()
	if _, err := d.DB.Pool().Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"); !database.Away(err) {
		t.Fatalf("a connection that was cut is %v", err)
	}
	d.planted(http.MethodGet, func(ctx context.Context, _ actor.Actor, _ *struct{}) (*Done, error) {
		return nil, d.DB.Transact(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec("select pg_terminate_backend(pg_backend_pid())")
			return err
		})
	})
	a := p.get("/planted")
	a.problem(503)
	if a.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to come back")
	}
}

// quiet leaves the log out: the test causes defects.
func (d *desk) quiet() { *d.level = slog.LevelError + 1 }

func TestHeadIsGetWithoutItsBody(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Editor)
	get, head := p.get("/products").want(200), p.send(http.MethodHead, "/products", nil).want(200)
	if head.etag() != get.etag() || len(head.Body) != 0 {
		t.Errorf("HEAD gives %s and %d bytes, GET gives %s", head.etag(), len(head.Body), get.etag())
	}
}

// A key's rate holds for the key, and refills.
func TestAKeyHasARate(t *testing.T) {
	d := newDesk(t)
	text, err := d.accounts.CreateKey(t.Context(), d.Editor, &accounts.Key{Name: "slow", Role: actor.Editor, PerMinute: 2})
	d.ok(err)
	slow, other := &program{d: d, key: text, lang: "en"}, d.as(d.Editor)
	slow.get("/me").want(200)
	if left := slow.get("/me").want(200).Header.Get("RateLimit-Remaining"); left != "0" {
		t.Errorf("%s are left, want 0", left)
	}
	refused := slow.get("/me")
	refused.problem(429, "key.rate")
	if got := refused.Header.Get("Retry-After"); got != "30" {
		t.Errorf("told to come back after %s s, want 30", got)
	}
	other.get("/me").want(200)
	d.Clock.Add(30 * time.Second)
	slow.get("/me").want(200)
}
