package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fairnotice/internal/egress"
	"fairnotice/internal/secrets"
)

const (
	webhookConcurrency = 64 // the default of WEBHOOK_CONCURRENCY
	deliveriesEach     = 100
)

// BenchmarkWebhook compares the sender with the bare client posting bodies that the sender signed, to
// the same thousand hosts in the same order, as many at once.
func BenchmarkWebhook(b *testing.B) {
	w, hooks, hosts := newHooked(b)
	n := hosts * deliveriesEach
	client := egress.NewClient(egress.Options{Allow: []netip.Prefix{loopback}, PerHost: webhookConcurrency})
	var requests []sample
	var size float64
	v := compare("webhooks", func() float64 {
		got, took := w.post(hooks, n, 0)
		w.accepted(n)
		requests, size = got.Samples, float64(got.Bytes)/float64(got.Count)
		return perSecond(n, took)
	}, func() float64 {
		hooks.reset(0)
		rate := perSecond(n, timed(func() { barePosts(b, client, hooks, hosts, requests) }))
		if got := hooks.received(); got.Count != n {
			b.Fatalf("the bare client posted %d of %d", got.Count, n)
		}
		return rate
	})
	atLeast("webhook_ratio", v.ratio(), 0.42)
	fact("webhook_posts_per_second", median(v.ours))
	fact("webhook_bare_posts_per_second", median(v.bare))
	fact("webhook_body_bytes", size)
}

// BenchmarkWebhookHanging compares the rate of the endpoints that answer, while one in ten hangs until
// the time-out, with their rate alone. Both are taken from the first to the last receipt.
func BenchmarkWebhookHanging(b *testing.B) {
	w, hooks, hosts := newHooked(b)
	hanging := hosts / 10
	n := (hosts - hanging) * deliveriesEach
	state := func(of string) {
		var urls []string
		for i := range hanging {
			urls = append(urls, hookURL(hooks, i))
		}
		w.exec("update subscriptions set state = $1 where address = any($2)", of, urls)
	}
	rate := func(r received, _ time.Duration) float64 { return perSecond(n, r.Last.Sub(r.First)) }
	v := compare("webhooks, one in ten hanging", func() float64 {
		state("active")
		return rate(w.post(hooks, n, hanging))
	}, func() float64 {
		state("paused")
		return rate(w.post(hooks, n, 0))
	})
	atLeast("webhook_hanging_ratio", v.ratio(), 0.8)
	fact("webhook_hanging_healthy_per_second", median(v.ours))
	fact("webhook_alone_healthy_per_second", median(v.bare))
}

// newHooked is a world whose customers each have a webhook at every one of a thousand hosts: a fan-out
// makes a hundred deliveries for each.
func newHooked(b *testing.B) (w *world, hooks *sink, hosts int) {
	b.Helper()
	w = newWorld(b)
	hooks = startSink(b, "http")
	hosts = scaled(1000)
	w.customers("eea", deliveriesEach, 0)
	w.hooks(hooks, hosts)
	return w, hooks, hosts
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func hookURL(hooks *sink, host int) string {
	_, port, _ := strings.Cut(hooks.Address, ":")
	return fmt.Sprintf("http://%s:%s/fairnotice", hostAddress(host), port)
}

// hooks adds the webhooks, each with a sealed secret of its own.
func (w *world) hooks(sink *sink, hosts int) {
	w.b.Helper()
	ring, err := secrets.ParseKeyRing(w.keys)
	must(w.b, err)
	box := ring.Box("subscription")
	rows, err := w.DB.Pool().Query(w.b.Context(), "select id, language from customers order by id")
	must(w.b, err)
	type customer struct {
		ID       uuid.UUID
		Language string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[customer])
	must(w.b, err)
	var data [][]any
	now := time.Now()
	for host := range hosts {
		for _, c := range list {
			id := secrets.ID()
			secret := "whsec_" + base64.StdEncoding.EncodeToString(secrets.Bytes(32))
			data = append(data, []any{id, c.ID, "contract", "webhook", hookURL(sink, host), c.Language, "active", now, "named in the contract", now, box.Seal([]byte(secret), id[:]), now, now})
		}
	}
	_, err = w.DB.Pool().CopyFrom(w.b.Context(), pgx.Identifier{"subscriptions"}, []string{"id", "customer_id", "basis", "channel", "address", "language",
		"state", "state_at", "consent_how", "consent_at", "secret", "created_at", "updated_at"}, pgx.CopyFromRows(data))
	must(w.b, err)
	w.exec("analyze")
}

// post announces a change in a program of its own, with so many hosts that hang, and waits until n
// posts have arrived and, where none hangs, are recorded. It says how long that took from the first.
func (w *world) post(hooks *sink, n, hanging int) (received, time.Duration) {
	w.b.Helper()
	w.clear()
	hooks.reset(hanging)
	w.open(map[string]string{"WEBHOOK_CONCURRENCY": fmt.Sprint(webhookConcurrency)})
	defer w.close()
	must(w.b, w.app.StartWorkers(w.b.Context()))
	w.announce(w.approved())
	got := hooks.wait(n)
	if hanging == 0 {
		w.finished()
	}
	return got, time.Since(got.First)
}

// barePosts posts what was posted before, with the headers it had, to each host in turn.
func barePosts(b *testing.B, client *http.Client, hooks *sink, hosts int, requests []sample) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range webhookConcurrency {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < hosts*deliveriesEach; i = int(next.Add(1) - 1) {
				if err := barePost(client, hookURL(hooks, i%hosts), requests[i%len(requests)]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func barePost(client *http.Client, url string, s sample) error {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(s.Body))
	if err != nil {
		return err
	}
	r.Header = s.Header.Clone()
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return err
}
