package webhook_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fairnotice/internal/egress"
	"fairnotice/internal/notify/webhook"
)

// BenchmarkSend is the bare client: 6 KB notices to one server, over many hosts of 127.0.0.0/8.
func BenchmarkSend(b *testing.B) {
	for _, hosts := range []int{1, 1000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) { benchmarkSend(b, hosts) })
	}
}

func benchmarkSend(b *testing.B, hosts int) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
	})}
	go s.Serve(l) //nolint:errcheck // it ends with the benchmark
	b.Cleanup(func() { s.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	urls := make([]string, hosts)
	for i := range urls {
		urls[i] = fmt.Sprintf("http://127.0.%d.%d:%d/hook", i/250, i%250+1, port)
	}
	h := egress.NewClient(egress.Options{Allow: loopback})
	b.Cleanup(h.CloseIdleConnections)
	c, r := webhook.NewClient(h), try("")
	r.Body = make([]byte, 6<<10)
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	start, used := time.Now(), cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one := r
			one.URL = urls[int(next.Add(1))%hosts]
			if res := c.Send(b.Context(), one); res.Outcome != webhook.Accepted {
				b.Error(res, res.Answer)
			}
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "sends/s")
	b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime of this process, the server included: unlike the wall's it hardly depends on who else is busy.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
