package bench

import (
	"testing"

	"fairnotice/internal/notify"
	"fairnotice/internal/publisher"
)

func region(name string) publisher.Region { return publisher.Region(name) }

// BenchmarkFanOut compares a fan-out, with all that it reads, checks and commits, with a bare INSERT …
// SELECT of the same rows, every ID resolved beforehand, into the same table.
func BenchmarkFanOut(b *testing.B) {
	w := newWorld(b)
	w.open(nil)
	customers := scaled(10_000)
	n := customers * 10
	w.customers("eea", customers, 10)
	c := w.approved()
	w.announce(c)
	v := compare("fan-out", func() float64 {
		w.clear()
		return perSecond(n, timed(func() { must(b, w.app.Notify.FanOut(b.Context(), c.ID, notify.Announcement)) }))
	}, func() float64 { return w.bareInsert(n) })
	atLeast("fanout_ratio", v.ratio(), 0.6)
	fact("fanout_deliveries_per_second", median(v.ours))
	fact("fanout_bare_rows_per_second", median(v.bare))
}

// bareInsert stores the deliveries of the last fan-out once more, in place of themselves.
func (w *world) bareInsert(n int) float64 {
	w.b.Helper()
	const columns = "notice_id, subscription_id, rendering_id, merge_id, window_id, endpoint_id, channel, address, addressee, link_key, due_at, created_at"
	w.exec("drop table if exists prepared")
	if rows := w.exec("create table prepared as select " + columns + " from deliveries order by id"); rows != int64(n) {
		w.b.Fatalf("the fan-out made %d deliveries, not %d", rows, n)
	}
	w.exec("truncate deliveries cascade")
	w.exec("vacuum analyze prepared")
	w.exec("checkpoint")
	return perSecond(n, timed(func() { w.exec("insert into deliveries (" + columns + ") select " + columns + " from prepared") }))
}
