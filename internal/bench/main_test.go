// Package bench measures Fairnotice against bare limits. It holds benchmarks only; `make bench` runs
// them all, and docs/benchmarks.md says what each one is. One alone, with a profile:
//
//	bin/withpg -durable -- go test ./internal/bench -run '^$' -bench Email -benchtime 1x -cpuprofile cpu.out
//
// A figure is a ratio within one run, the median of interleaved rounds: ours, bare, ours, bare. The
// machine is noisy, and what is noisy hits both. Sinks, the load on pages and the worker whose memory
// is measured are processes of their own, so that neither side's profile holds them.
package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(childEnv); part != "" {
		if err := child(part); err != nil {
			fmt.Fprintln(os.Stderr, part+":", err)
			os.Exit(1)
		}
		return
	}
	// What `go test` itself prints is progress; the standard output is for the figures alone.
	figures, os.Stdout = os.Stdout, os.Stderr
	if percent != 100 {
		progress("measuring at %d %% of the size: the targets are for 100", percent)
	}
	os.Exit(m.Run())
}

var figures *os.File

// rounds is how often each side of a ratio is measured.
var rounds = setting("BENCH_ROUNDS", 5)

// percent shrinks what is measured, to try a benchmark out. Only 100 counts.
var percent = setting("BENCH_PERCENT", 100)

func setting(name string, normal int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return normal
}

func scaled(n int) int { return max(n*percent/100, 20) }

// report prints a figure. verdict is "" or "  missed".
func report(name, value, target, verdict string) {
	_, _ = fmt.Fprintf(figures, "%-44s %10s  %s%s\n", name, value, target, verdict)
}

// atLeast and atMost print a figure that has a target. Missing one is told, not an error.
func atLeast(name string, value, target float64) {
	report(name, fmt.Sprintf("%.2f", value), fmt.Sprintf(">=%.2f", target), missed(value < target))
}

func atMost(name string, value, target float64, format string) {
	report(name, fmt.Sprintf(format, value), "<="+fmt.Sprintf(format, target), missed(value > target))
}

func missed(yes bool) string {
	if yes {
		return "  missed"
	}
	return ""
}

// fact prints a figure that others rest on and that has no target of its own.
func fact(name string, value float64) { report(name, fmt.Sprintf("%.0f", value), "-", "") }

// progress is for whoever waits.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// versus is two sides measured in turns, in whatever a second.
type versus struct{ ours, bare []float64 }

// compare measures the sides in turns: ours, bare, ours, bare.
func compare(what string, ours, bare func() float64) versus {
	var v versus
	for i := range rounds {
		v.ours = append(v.ours, ours())
		v.bare = append(v.bare, bare())
		progress("%s, round %d of %d: ours %.0f, bare %.0f a second, ratio %.2f", what, i+1, rounds, v.ours[i], v.bare[i], v.ours[i]/v.bare[i])
	}
	return v
}

// ratio is the median of the rounds' ratios.
func (v versus) ratio() float64 {
	var list []float64
	for i := range v.ours {
		list = append(list, v.ours[i]/v.bare[i])
	}
	return median(list)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// timed says how long fn took.
func timed(fn func()) time.Duration {
	start := time.Now()
	fn()
	return time.Since(start)
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// await waits for a condition; how long it may take is no assertion, only an end to waiting.
func await(b *testing.B, what string, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("waited five minutes in vain: %s", what)
		}
	}
}
