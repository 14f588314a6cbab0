package notify_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
)

// Figures are ratios against the bare limit in the same run, medians of interleaved rounds: these
// machines are noisy. `make bench` prints them; no test asserts them.
const (
	benchRounds     = 3
	benchDeliveries = 4000
)

// BenchmarkEmail compares the sender, every attempt durable, with the bare pool sending prebuilt
// messages over as many connections to the same relay.
func BenchmarkEmail(b *testing.B) {
	w := newWorld(b)
	c := w.Customer("Big", "first@big.example", housetest.Sheet(14))
	addMany(b, w, c.ID.String(), benchDeliveries-1)
	v := w.Vendor("Errata Ltd")
	w.email = notify.NewEmail(email.NewComposer(nil), w.pool, w.links, notify.EmailLimits{Connections: 4})
	for b.Loop() {
		var ours, bare, ratios, fanOuts []float64
		for range benchRounds {
			p := w.Addition(v, 40)
			ch := w.Announced(p)
			start := time.Now()
			n := w.fanOutB(b, ch.ID.String())
			fanOuts = append(fanOuts, benchDeliveries/time.Since(start).Seconds())
			raw := sample(b, w, n)
			o := rate(func() { w.send(b) })
			r := rate(func() { bareSend(b, w, raw) })
			ours, bare, ratios = append(ours, o), append(bare, r), append(ratios, o/r)
			if err := w.Changes.Withdraw(b.Context(), w.Approver, ch.ID, "bench"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(median(fanOuts), "fanout/s")
		b.ReportMetric(median(ours), "email/s")
		b.ReportMetric(median(bare), "bare/s")
		b.ReportMetric(median(ratios), "ratio")
		b.ReportMetric(0, "ns/op")
	}
}

func (w *world) fanOutB(b *testing.B, change string) notify.Notice {
	b.Helper()
	view, err := w.Changes.Get(b.Context(), change)
	if err != nil {
		b.Fatal(err)
	}
	return w.fanOut(b, &view.Change)
}

func rate(fn func()) float64 {
	start := time.Now()
	fn()
	return benchDeliveries / time.Since(start).Seconds()
}

func median(list []float64) float64 {
	sort.Float64s(list)
	return list[len(list)/2]
}

// sample is a message like those of the notice: as long, in the same form.
func sample(b *testing.B, w *world, n notify.Notice) []byte {
	b.Helper()
	var text, html string
	err := w.DB.Pool().QueryRow(b.Context(), "select body_text, body_html from renderings where notice_id = $1 and language = 'en' and audience = 'contract'", n.ID).Scan(&text, &html)
	if err != nil {
		b.Fatal(err)
	}
	clean := strings.NewReplacer("\x02", "", "\x03", "")
	raw, err := email.NewComposer(nil).Compose(email.Message{From: "notices@nordlicht.example", To: "first@big.example", Subject: "Bench",
		Text: clean.Replace(text), HTML: clean.Replace(html), MessageID: "bench@nordlicht.example", Date: time.Unix(0, 0), Boundary: "fn_bench_boundary"})
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func bareSend(b *testing.B, w *world, raw []byte) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range benchDeliveries / 4 {
				r := w.pool.Send(context.Background(), email.Envelope{From: "notices@nordlicht.example", To: fmt.Sprintf("c%d@d.example", i)}, raw)
				if r.Outcome != email.Accepted {
					b.Error(r)
					return
				}
			}
		})
	}
	wg.Wait()
}

func addMany(tb testing.TB, w *world, customer string, n int) {
	tb.Helper()
	_, err := w.DB.Pool().Exec(tb.Context(), `insert into subscriptions (id, customer_id, basis, channel, address, language, state, state_at, consent_how, consent_at, created_at, updated_at)
		select uuid_v7(), $1::uuid, 'contract', 'email', 'c' || i || '@d' || i % 200 || '.example', 'en', 'active', now(), 'bench', now(), now(), now() from generate_series(1, $2::int) i`, customer, n)
	if err != nil {
		tb.Fatal(err)
	}
}
