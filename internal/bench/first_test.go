package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFirstDelivery measures, on an idle system with a worker process beside it, how long after
// Announce was called the first message is at the sink.
func BenchmarkFirstDelivery(b *testing.B) {
	w := newWorld(b)
	relay := startSink(b, "smtp")
	customers := 100
	w.customers("eea", customers, 1)
	w.startWorker(map[string]string{"SMTP_URL": "smtp://" + relay.Address + "?tls=off"})
	var all, announcing []float64
	for i := range rounds*4 + 1 {
		c := w.approved()
		relay.reset(0)
		pause(i)
		start := time.Now()
		w.announce(c)
		announced := time.Since(start)
		got := relay.wait(customers)
		if i == 0 {
			continue // connections and plans are made for the first time
		}
		all, announcing = append(all, got.First.Sub(start).Seconds()*1000), append(announcing, announced.Seconds()*1000)
		progress("first delivery, try %d of %d: %.0f ms, of which announcing %.0f", i, rounds*4, all[i-1], announcing[i-1])
	}
	atMost("first_email_ms", median(all), 150, "%.0f")
	fact("first_email_announcing_ms", median(announcing))
}

// pause leaves the system idle, for a time that falls in with no ticker.
func pause(try int) {
	if try == 0 {
		time.Sleep(3 * time.Second) // the worker has just started
	}
	time.Sleep(time.Second + rand.N(time.Second))
}

// startWorker runs cmd/worker on this world's database until the benchmark ends.
func (w *world) startWorker(more map[string]string) *exec.Cmd {
	w.b.Helper()
	cmd := exec.Command(workerProgram(w.b))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TZ=UTC"}, pairs(w.settings(more))...)
	cmd.Stderr = os.Stderr
	must(w.b, cmd.Start())
	w.b.Cleanup(func() { stopWorker(cmd) })
	return cmd
}

func stopWorker(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

func workerProgram(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "worker")
	if out, err := exec.Command("go", "build", "-o", path, "fairnotice/cmd/worker").CombinedOutput(); err != nil {
		b.Fatalf("build the worker: %v\n%s", err, out)
	}
	return path
}

func pairs(settings map[string]string) []string {
	var out []string
	for name, value := range settings {
		out = append(out, fmt.Sprintf("%s=%s", name, value))
	}
	return out
}
