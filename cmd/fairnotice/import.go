package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"fairnotice/web/apiv1/client"
)

const aboutImport = `Records what a file lists: FILE ends in .csv, .json (an array) or .jsonl (an object a line); - is JSON
lines from the input. docs/api.md has the columns.

What is there already stays as it is: vendors are known by legal_name and engagements by purpose,
customers by external_id, contacts by email, contracts by reference. So an import that was stopped, or
refused in part, is mended and run again. The first row that is refused ends it, unless --continue.`

// importing is one run.
type importing struct {
	api      *client.Client
	dryRun   bool
	goOn     bool
	parallel int
	report   *report
}

// importer brings in one kind of things.
type importer interface {
	// learn reads what is there already, and names in the file that the server must know.
	learn(ctx context.Context, api *client.Client) error
	// stages are run one after the other; the entries of one stage side by side.
	stages() [][]entry
}

// entry is a thing of the file, with what was said of it in one or more rows.
type entry struct {
	row  int
	name string
	run  func(context.Context, *importing, *told) error
}

func importFile(ctx context.Context, args []string, sh *shell) error {
	c := sh.flags("import", "vendors|customers FILE", aboutImport)
	run := &importing{}
	c.BoolVar(&run.dryRun, "dry-run", false, "write nothing; say what each row would do (what only the server knows it then can't say)")
	c.BoolVar(&run.goOn, "continue", false, "go on after a row that is refused")
	c.IntVar(&run.parallel, "parallel", 4, "how many rows at a time, 16 at most")
	quiet := c.Bool("quiet", false, "tell only what is refused, and the sum")
	plain, err := c.parse(args, 2)
	if err != nil {
		return err
	}
	run.parallel = min(max(1, run.parallel), 16)
	rows, err := readRows(plain[1], sh.in)
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("%s: %w", plain[1], err)}
	}
	var what importer
	switch plain[0] {
	case "vendors":
		what, err = readVendors(rows)
	case "customers":
		what, err = readCustomers(rows)
	default:
		return wrong("import knows vendors and customers, not %q", plain[0])
	}
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("%s:\n%w", plain[1], err)}
	}
	if run.api, err = sh.connect(c); err != nil {
		return err
	}
	run.report = &report{out: sh.out, errs: sh.errs, quiet: *quiet, live: isTerminal(sh.errs) && !*quiet, dry: run.dryRun}
	return run.all(ctx, what)
}

func (run *importing) all(ctx context.Context, what importer) error {
	if err := what.learn(ctx, run.api); err != nil {
		return err
	}
	stages := what.stages()
	for _, stage := range stages {
		run.report.all += len(stage)
	}
	for _, stage := range stages {
		run.stage(ctx, stage)
		if run.report.refused > 0 && !run.goOn {
			break
		}
	}
	return run.report.end(ctx)
}

// stage runs entries side by side. After one that is refused no more are begun, unless it is to go on.
func (run *importing) stage(ctx context.Context, entries []entry) {
	next := make(chan entry)
	var wg sync.WaitGroup
	for range run.parallel {
		wg.Go(func() {
			for e := range next {
				t := &told{}
				err := e.run(ctx, run, t)
				run.report.add(e, t, err)
			}
		})
	}
	for _, e := range entries {
		if ctx.Err() != nil || run.report.stopped(run.goOn) {
			break
		}
		next <- e
	}
	close(next)
	wg.Wait()
}

// write does a write of an entry, or in a dry run only tells of it. The key comes from what is
// written and from what it was based on, so that the same write after a crash is done once.
func (run *importing) write(t *told, what string, do func(key client.CallOption) error, basis ...any) error {
	if run.dryRun {
		t.add("would " + what)
		return nil
	}
	if err := do(client.IdempotencyKey(keyOf(what, basis...))); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t.add(what)
	return nil
}

func keyOf(what string, basis ...any) string {
	h := sha256.New()
	fmt.Fprintln(h, what)
	if err := json.NewEncoder(h).Encode(basis); err != nil {
		panic(err) // values of ours, made of text and numbers
	}
	return "import-" + hex.EncodeToString(h.Sum(nil)[:20])
}

// told is what was done for an entry.
type told struct{ done, kept []string }

func (t *told) add(what string)  { t.done = append(t.done, what) }
func (t *told) keep(what string) { t.kept = append(t.kept, what) }

// report tells how it goes: a line an entry, and on a terminal how far it is.
type report struct {
	mu                         sync.Mutex
	out, errs                  io.Writer
	quiet, live, dry           bool
	all, ended, refused, wrote int
	kept                       int
	shown                      time.Time
}

func (r *report) stopped(goOn bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused > 0 && !goOn
}

func (r *report) add(e entry, t *told, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended++
	r.wrote, r.kept = r.wrote+len(t.done), r.kept+len(t.kept)
	where := fmt.Sprintf("row %d, %s: ", e.row, e.name)
	if !r.quiet && len(t.done) > 0 {
		r.clear()
		fmt.Fprintln(r.out, where+strings.Join(t.done, ", "))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		r.refused++
		r.clear()
		fmt.Fprintln(r.errs, where+mends(err))
	}
	if r.live && (time.Since(r.shown) > 100*time.Millisecond || r.ended == r.all) {
		r.shown = time.Now()
		fmt.Fprintf(r.errs, "\r%d of %d", r.ended, r.all)
	}
}

func (r *report) clear() {
	if r.live {
		fmt.Fprint(r.errs, "\r\x1b[K")
	}
}

// mends tells an error with each field on a line of its own.
func mends(err error) string {
	var p *client.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return err.Error()
	}
	before := strings.TrimSuffix(err.Error(), p.Error())
	lines := []string{strings.TrimSuffix(before, ": ") + " was refused"}
	for _, part := range p.Errors {
		lines = append(lines, "  "+part.String())
	}
	return strings.Join(lines, "\n")
}

func (r *report) end(ctx context.Context) error {
	r.clear()
	verb := "written"
	if r.dry {
		verb = "to be written"
	}
	sum := fmt.Sprintf("%d %s, %d there already", r.wrote, verb, r.kept)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w after %d of %d; %s; run it again to go on", err, r.ended, r.all, sum)
	}
	if r.refused > 0 {
		rest := ""
		if left := r.all - r.ended; left > 0 {
			rest = fmt.Sprintf(", %d not tried", left)
		}
		return partly("%s; %d refused%s: mend the rows and run it again", sum, r.refused, rest)
	}
	_, err := fmt.Fprintln(r.out, sum)
	return err
}
