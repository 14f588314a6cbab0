package main

import (
	"testing"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/housetest"
)

const (
	killDeliveries = 20_000
	fanOutKills    = 4  // of one worker, while it inserts the deliveries
	sendingKills   = 16 // of two workers at once, while both send
)

// Workers are killed twenty times, while they fan out and while they send. After the last restart
// every delivery has arrived and says so; nobody else than who was in flight at a kill is marked as
// possibly repeated, and nobody arrived twice who isn't.
func TestKilledWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.recipients(t, killDeliveries)
	s.house.Announced(s.house.Addition(s.house.Vendor("Errata Ltd"), 40))
	for range fanOutKills {
		s.killInFanOut(t)
	}
	claimed := claims{}
	for i := range sendingKills {
		workers := []*process{s.start(t), s.start(t)}
		mark := killDeliveries * (i + 1) / (sendingKills + 2)
		workers[0].wait(t, "more arrivals", func() bool {
			if i == 0 {
				s.hurryJobs(t) // of the last kill in fan-out
			}
			return s.arrivals() >= mark
		})
		s.kill(t, workers...)
		s.note(t, claimed)
		housetest.AuditRecord(t, s.db, s.arrived())
		s.hurry(t)
	}
	workers := []*process{s.start(t), s.start(t)}
	workers[0].wait(t, "every delivery sent", s.allServed(t, killDeliveries))
	s.stop(t, workers...)
	s.report(t, claimed)
}

// report counts what arrived, prints it, and checks it against what is recorded.
func (s *site) report(t *testing.T, claimed claims) {
	t.Helper()
	arrived := s.arrived()
	a := housetest.AuditRecord(t, s.db, arrived)
	t.Logf("%d kills in fan-out, %d kills of two workers in sending: %s; %d deliveries were claimed by who was killed",
		fanOutKills, sendingKills, a, len(claimed))
	if a.Deliveries != killDeliveries || a.Notices != 1 || a.Lost+a.Unknown != 0 {
		t.Errorf("%d lost, %d arrived without being recorded", a.Lost, a.Unknown)
	}
	cut := 0
	for _, numbers := range claimed {
		cut += len(numbers)
	}
	if a.Unrecorded != cut {
		t.Errorf("%d attempts have no record; %d were in flight at the kills", a.Unrecorded, cut)
	}
	for id, times := range arrived {
		if times > 1+len(claimed[id]) {
			t.Errorf("%s arrived %d times; it was in flight at %d kills", id, times, len(claimed[id]))
		}
	}
	marked, err := database.Collect[struct{ ID uuid.UUID }](t.Context(), s.db.Pool(), "select id from deliveries where possible_repeat")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range marked {
		if len(claimed[m.ID]) == 0 {
			t.Errorf("%s is marked, and was in flight at no kill", m.ID)
		}
	}
}

// killInFanOut starts a worker and kills it while its INSERT of the deliveries runs.
func (s *site) killInFanOut(t *testing.T) {
	t.Helper()
	p := s.start(t)
	p.wait(t, "the fan-out", func() bool { s.hurryJobs(t); return s.fansOut(t) })
	s.kill(t, p)
	if n := count(t, s.db, "select count(*) from notices"); n != 0 {
		t.Errorf("%d notices after a kill in mid fan-out", n)
	}
	s.hurry(t)
}

// fansOut says whether a worker inserts deliveries of a new notice at this moment.
func (s *site) fansOut(t *testing.T) bool {
	t.Helper()
	return count(t, s.db, `select count(*) from pg_locks n join pg_locks d using (pid, database, mode)
		where n.relation = 'notices'::regclass and d.relation = 'deliveries'::regclass and n.mode = 'RowExclusiveLock'
		  and n.database = (select oid from pg_database where datname = current_database())`) > 0
}

// hurryJobs lets River try again at once what a kill interrupted: its pauses grow to minutes.
func (s *site) hurryJobs(t *testing.T) {
	t.Helper()
	s.exec(t, "update river_job set scheduled_at = now() where state = 'retryable' and scheduled_at > now()")
}

// kill ends processes at once and waits until PostgreSQL, too, has noticed.
func (s *site) kill(t *testing.T, list ...*process) {
	t.Helper()
	for _, p := range list {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range list {
		_ = p.cmd.Wait()
	}
	list[0].wait(t, "PostgreSQL to notice", func() bool {
		return count(t, s.db, "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'worker'") == 0
	})
}

// hurry lets the dead workers' leases run out: TestACrashMendsItself waits for real ones.
func (s *site) hurry(t *testing.T) {
	t.Helper()
	s.exec(t, "update deliveries set leased_until = now() where state = 'sending'")
	s.exec(t, "update endpoints set work_at = now() where work_at is not null")
	s.exec(t, "update river_job set attempted_at = now() - interval '1 hour' where state = 'running'")
	s.exec(t, "delete from river_leader")
}

// claims are the attempts that a killed worker had claimed, by delivery.
type claims map[uuid.UUID]map[int]bool

// note adds what the workers had claimed that were killed just now. What they did not get to, left
// behind by an earlier kill, is there already.
func (s *site) note(t *testing.T, c claims) {
	t.Helper()
	list, err := database.Collect[struct {
		ID       uuid.UUID
		Attempts int
	}](t.Context(), s.db.Pool(), "select id, attempts from deliveries where state = 'sending'")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if c[r.ID] == nil {
			c[r.ID] = map[int]bool{}
		}
		c[r.ID][r.Attempts] = true
	}
}
