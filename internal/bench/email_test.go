package bench

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairnotice/internal/notify/email"
)

const emailConnections = 4

// BenchmarkEmail compares the sender with the bare pool sending messages that the sender made, over
// as many connections to the same relay.
func BenchmarkEmail(b *testing.B) {
	w := newWorld(b)
	relay := startSink(b, "smtp")
	customers := scaled(1000)
	n := customers * 20
	w.customers("eea", customers, 10)
	w.followers(customers * 10)
	w.open(map[string]string{"SMTP_URL": "smtp://" + relay.Address + "?tls=off", "SMTP_CONNECTIONS": fmt.Sprint(emailConnections)})
	must(b, w.app.StartWorkers(b.Context()))
	pool := barePool(b, relay)
	var messages []sample
	var size float64
	v := compare("email", func() float64 {
		w.clear()
		relay.reset(0)
		c := w.approved()
		w.announce(c)
		got := relay.wait(n)
		w.finished()
		took := time.Since(got.First)
		w.accepted(n)
		messages, size = got.Samples, float64(got.Bytes)/float64(got.Count)
		return perSecond(n, took)
	}, func() float64 {
		return perSecond(n, timed(func() { bareMail(b, pool, messages, n) }))
	})
	atLeast("email_ratio", v.ratio(), 0.55)
	fact("email_messages_per_second", median(v.ours))
	fact("email_bare_messages_per_second", median(v.bare))
	fact("email_message_bytes", math.Round(size))
}

func barePool(b *testing.B, relay *sink) *email.Pool {
	b.Helper()
	cfg, err := email.ParseURL("smtp://" + relay.Address + "?tls=off")
	must(b, err)
	pool := email.NewPool(cfg, emailConnections, nil)
	b.Cleanup(func() { _ = pool.Close() })
	return pool
}

func bareMail(b *testing.B, pool *email.Pool, messages []sample, n int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range emailConnections {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				to := fmt.Sprintf("kim%d@eea-%d.example", i%10, i/10)
				r := pool.Send(context.Background(), email.Envelope{From: "notices@nordlicht.example", To: to}, messages[i%int64(len(messages))].Body)
				if r.Outcome != email.Accepted {
					b.Error(r)
					return
				}
			}
		})
	}
	wg.Wait()
}
