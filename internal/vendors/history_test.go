package vendors_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/database"
	"fairnotice/internal/vendors"
)

// span is how many days the reference model looks at; day 100 is the clock's first.
const (
	span    = 400
	present = 100
)

// model is the register written out day by day: what it must say, kept in the dumbest way.
type model struct {
	today       int
	vendors     []*modelVendor
	engagements []*modelEngagement
	serial      int // makes every fact another one
}

type modelVendor struct {
	id      uuid.UUID
	version int
	name    [span]string
}

type modelEngagement struct {
	id      uuid.UUID
	vendor  *modelVendor
	version int
	purpose [span]string // "": not in effect
	draft   uuid.UUID    // not in effect; zero: none
	text    string       // the draft's purpose
}

func (e *modelEngagement) fill(from, to int, text string) {
	for d := from; d < to; d++ {
		e.purpose[d] = text
	}
}

// began is the first day in effect, or span.
func (e *modelEngagement) began() int {
	return max(0, slices.IndexFunc(append(e.purpose[:len(e.purpose):len(e.purpose)], "end"), func(s string) bool { return s != "" }))
}

// reaches says whether the engagement was, is or will be in effect on the day or at the end of the day before.
func (e *modelEngagement) reaches(d int) bool {
	return slices.ContainsFunc(e.purpose[d-1:], func(s string) bool { return s != "" })
}

func date(d int) calendar.Date { return start.AddDays(d - present) }

// list is what the list of a day must be, an entry as "engagement name purpose since".
func (m *model) list(d int) []string {
	out := []string{}
	for _, e := range m.engagements {
		if e.purpose[d] != "" {
			out = append(out, fmt.Sprintf("%s %s %s %s", e.id, e.vendor.name[d], e.purpose[d], date(e.began())))
		}
	}
	slices.Sort(out)
	return out
}

func (f *fixture) entries(t *rapid.T, d int) []string {
	out := []string{}
	for _, e := range must(f.List(f.Context(), date(d), vendors.ListFilter{})) {
		out = append(out, fmt.Sprintf("%s %s %s %s", e.EngagementID, e.LegalName, e.Purpose, e.Since))
	}
	slices.Sort(out)
	return out
}

// TestListOfAnyDay plays random histories on the register and on the model and compares the lists
// of many days, and the differences between them.
func TestListOfAnyDay(t *testing.T) {
	f := setup(t)
	first := f.clock.Now()
	rapid.Check(t, func(t *rapid.T) {
		for _, table := range []string{"engagement_versions", "engagements", "vendor_versions", "vendors"} {
			must(f.db.Pool().Exec(f.Context(), "delete from "+table))
		}
		f.clock.Set(first)
		m := &model{today: present}
		m.create(t, f)
		t.Repeat(map[string]func(*rapid.T){
			"pass":     func(t *rapid.T) { m.pass(t, f) },
			"create":   func(t *rapid.T) { m.create(t, f) },
			"edit":     func(t *rapid.T) { m.edit(t, f) },
			"record":   func(t *rapid.T) { m.record(t, f) },
			"correct":  func(t *rapid.T) { m.correct(t, f) },
			"draft":    func(t *rapid.T) { m.draft(t, f) },
			"activate": func(t *rapid.T) { m.activate(t, f) },
			"end":      func(t *rapid.T) { m.end(t, f) },
		})
		days := append(rapid.SliceOfN(rapid.IntRange(0, span-1), 4, 4).Draw(t, "days"), m.today-1, m.today, m.today+1)
		for _, d := range days {
			if diff := cmp.Diff(m.list(d), f.entries(t, d)); diff != "" {
				t.Fatalf("list of %s, today %s (-want +got):\n%s", date(d), date(m.today), diff)
			}
		}
		m.compare(t, f, days[0], days[1])
	})
}

func (m *model) text(what string) string {
	m.serial++
	return fmt.Sprintf("%s-%d", what, m.serial)
}

func (m *model) pass(t *rapid.T, f *fixture) {
	n := rapid.IntRange(0, 8).Draw(t, "days")
	if m.today+n+40 > span {
		t.Skip("the model ends")
	}
	m.today += n
	f.later(n)
}

func (m *model) create(t *rapid.T, f *fixture) {
	name := m.text("name")
	v := &modelVendor{id: must(f.CreateVendor(f.Context(), f.who, named(name))).ID, version: 1}
	for d := range v.name {
		v.name[d] = name
	}
	m.vendors = append(m.vendors, v)
}

func (m *model) edit(t *rapid.T, f *fixture) {
	v, name := rapid.SampledFrom(m.vendors).Draw(t, "vendor"), m.text("name")
	if err := f.EditVendor(f.Context(), f.who, v.id, v.version, named(name), ""); err != nil {
		t.Fatal(err)
	}
	v.version++
	for d := m.today; d < span; d++ {
		v.name[d] = name
	}
}

func (m *model) record(t *rapid.T, f *fixture) {
	v, text := rapid.SampledFrom(m.vendors).Draw(t, "vendor"), m.text("purpose")
	since := rapid.IntRange(1, m.today).Draw(t, "since")
	e := &modelEngagement{vendor: v, version: 1}
	e.id = must(f.RecordEngagement(f.Context(), f.who, v.id, date(since), purpose(text))).ID
	e.fill(since, span, text)
	m.engagements = append(m.engagements, e)
}

func (m *model) pick(t *rapid.T, fits func(*modelEngagement) bool) *modelEngagement {
	var some []*modelEngagement
	for _, e := range m.engagements {
		if fits(e) {
			some = append(some, e)
		}
	}
	if len(some) == 0 {
		t.Skip("none fits")
	}
	return rapid.SampledFrom(some).Draw(t, "engagement")
}

func (m *model) correct(t *rapid.T, f *fixture) {
	e, text := m.pick(t, func(e *modelEngagement) bool { return e.purpose[m.today] != "" }), m.text("purpose")
	if err := f.CorrectEngagement(f.Context(), f.who, e.id, e.version, purpose(text), "why"); err != nil {
		t.Fatal(err)
	}
	e.version++
	end := m.today
	for end < span && e.purpose[end] == e.purpose[m.today] {
		end++
	}
	e.fill(m.today, end, text)
}

func (m *model) draft(t *rapid.T, f *fixture) {
	text := m.text("purpose")
	var e *modelEngagement
	if rapid.Bool().Draw(t, "of a new engagement") {
		e = &modelEngagement{vendor: rapid.SampledFrom(m.vendors).Draw(t, "vendor"), version: 1}
		m.engagements = append(m.engagements, e)
	} else {
		e = m.pick(t, func(e *modelEngagement) bool { return e.draft == uuid.Nil })
	}
	e.text = text
	err := f.in(func(tx *database.Tx) (err error) {
		if e.id == uuid.Nil {
			e.id, e.draft, err = vendors.DraftEngagement(tx, f.who, e.vendor.id, purpose(text))
		} else {
			e.draft, err = vendors.DraftVersion(tx, f.who, e.id, purpose(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) activate(t *rapid.T, f *fixture) {
	from := m.today + rapid.IntRange(-3, 20).Draw(t, "from")
	e := m.pick(t, func(e *modelEngagement) bool { return e.draft != uuid.Nil })
	err := f.in(func(tx *database.Tx) error { return vendors.Activate(tx, f.who, e.draft, date(from)) })
	if possible := e.began() == span || e.reaches(from); (err == nil) != possible {
		t.Fatalf("activate from %s: %v", date(from), err)
	}
	if err != nil {
		return
	}
	e.version, e.draft = e.version+1, uuid.Nil
	e.fill(from, span, e.text)
}

func (m *model) end(t *rapid.T, f *fixture) {
	on := m.today + rapid.IntRange(-3, 20).Draw(t, "on")
	e := m.pick(t, func(e *modelEngagement) bool { return e.purpose[on] != "" })
	if err := f.in(func(tx *database.Tx) error { return vendors.End(tx, f.who, e.id, date(on)) }); err != nil {
		t.Fatal(err)
	}
	e.version++
	e.fill(on, span, "")
}

// compare checks which engagements are said to have come, gone and changed.
func (m *model) compare(t *rapid.T, f *fixture, from, to int) {
	var want, got [3][]string
	for _, e := range m.engagements {
		was, is := e.purpose[from] != "", e.purpose[to] != ""
		switch {
		case !was && is:
			want[0] = append(want[0], e.id.String())
		case was && !is:
			want[1] = append(want[1], e.id.String())
		case was && (e.purpose[from] != e.purpose[to] || e.vendor.name[from] != e.vendor.name[to]):
			want[2] = append(want[2], e.id.String())
		}
	}
	diff := must(f.Compare(f.Context(), date(from), date(to)))
	for _, e := range diff.Added {
		got[0] = append(got[0], e.EngagementID.String())
	}
	for _, e := range diff.Removed {
		got[1] = append(got[1], e.EngagementID.String())
	}
	for _, c := range diff.Changed {
		got[2] = append(got[2], c.After.EngagementID.String())
	}
	for i := range want {
		slices.Sort(want[i])
		slices.Sort(got[i])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("from %s to %s: added, removed, changed (-want +got):\n%s", date(from), date(to), d)
	}
}
