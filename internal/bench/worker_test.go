package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// BenchmarkWorker compares a worker process that tells ten times as many recipients with one that
// tells fewer: its peak memory, over everything from the fan-out to the last record, and the time that
// a delivery takes.
func BenchmarkWorker(b *testing.B) {
	w := newWorld(b)
	relay := startSink(b, "smtp")
	few, many := scaled(2000), scaled(20_000)
	w.customers("ch", few, 10)
	w.customers("eea", many, 10)
	var memory, each, fewKB, manyKB, fewUS, manyUS []float64
	for i := range rounds {
		small := w.work(relay, "ch", few*10)
		large := w.work(relay, "eea", many*10)
		memory, each = append(memory, large.peakKB/small.peakKB), append(each, large.eachUS/small.eachUS)
		fewKB, manyKB = append(fewKB, small.peakKB), append(manyKB, large.peakKB)
		fewUS, manyUS = append(fewUS, small.eachUS), append(manyUS, large.eachUS)
		progress("worker, round %d of %d: peak %.0f and %.0f kB (%.2f), a delivery %.0f and %.0f µs (%.2f)", i+1, rounds,
			small.peakKB, large.peakKB, memory[i], small.eachUS, large.eachUS, each[i])
	}
	atMost("worker_memory_ratio", median(memory), 1.3, "%.2f")
	atMost("worker_time_ratio", median(each), 1.1, "%.2f")
	fact(fmt.Sprintf("worker_peak_kb_at_%d", few*10), median(fewKB))
	fact(fmt.Sprintf("worker_peak_kb_at_%d", many*10), median(manyKB))
	fact(fmt.Sprintf("worker_us_each_at_%d", few*10), median(fewUS))
	fact(fmt.Sprintf("worker_us_each_at_%d", many*10), median(manyUS))
}

type worked struct{ peakKB, eachUS float64 }

// work starts a worker, announces a change for the customers of a region and waits until all is
// recorded.
func (w *world) work(relay *sink, region string, n int) worked {
	w.b.Helper()
	w.clear()
	relay.reset(0)
	cmd := w.startWorker(map[string]string{"SMTP_URL": "smtp://" + relay.Address + "?tls=off"})
	defer stopWorker(cmd)
	w.announce(w.approved(region))
	got := relay.wait(n)
	w.finished()
	took := time.Since(got.First)
	w.accepted(n)
	return worked{peakKB: peak(w.b, cmd), eachUS: float64(took.Microseconds()) / float64(n)}
}

// peak is the most memory, in kB, that a process has held resident.
func peak(b *testing.B, cmd *exec.Cmd) float64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Skip("a process's peak memory is read from /proc, as Linux has it: ", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb float64
		if strings.HasPrefix(lines.Text(), "VmHWM:") {
			_, err := fmt.Sscanf(lines.Text(), "VmHWM: %f kB", &kb)
			must(b, err)
			return kb
		}
	}
	b.Fatal("the process has no VmHWM")
	return 0
}
