package apiv1

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
	"fairnotice/internal/idempotency"
)

// Repeats of a slow write wait without a connection: beside more of them than there are connections,
// others go on.
func TestRepeatsOfASlowWriteTakeNoConnections(t *testing.T) {
	d := newDesk(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	d.planted(http.MethodPost, func(ctx context.Context, _ actor.Actor, _ *struct{}) (*Done, error) {
		close(begun) // twice would panic: it is done once
		<-finish
		return &Done{}, nil
	})
	p := d.as(d.Editor)
	var all sync.WaitGroup
	repeat := func() { p.post("/planted", nil, "Idempotency-Key", "slow") }
	all.Go(repeat)
	<-begun
	for range 30 {
		all.Go(repeat)
	}
	for range 5 {
		p.get("/products").want(200)
	}
	d.ok(d.DB.Transact(t.Context(), func(*database.Tx) error { return nil }))
	close(finish)
	all.Wait()
	if n := len(d.site.turns.under); n != 0 {
		t.Errorf("%d keys are remembered after all", n)
	}
}

func TestAWaitForATurnEnds(t *testing.T) {
	var all turns
	r := idempotency.Request{Owner: uuid.New(), Key: "k"}
	done, err := all.take(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.take(ctx, r); !fault.Has(err, "idempotency.busy") {
		t.Errorf("a wait that was given up: %v", err)
	}
	done()
	again, err := all.take(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if len(all.under) != 0 {
		t.Errorf("%d keys are remembered", len(all.under))
	}
}
