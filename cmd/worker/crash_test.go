package main

import (
	"testing"
	"time"

	"fairnotice/internal/housetest"
)

// A worker is killed while a message waits for the relay's answer, and another while it fans out.
// Nobody touches the database: other workers send the message again within two minutes, and fan out
// as soon as River takes the job for stuck.
func TestACrashMendsItself(t *testing.T) {
	t.Parallel()
	fanOut := crashInFanOut(t)
	s, p := newSite(t), (*process)(nil)
	s.house.Customer("Anna", "anna@one.example", housetest.Sheet(14))
	s.mail.Trouble(func(string) housetest.MailTrouble { return housetest.StallsAfterData })
	s.house.Announced(s.house.Addition(s.house.Vendor("Errata Ltd"), 40))
	p = s.start(t)
	p.wait(t, "a send in flight", func() bool { return s.mail.Waiting("one.example") == 1 })
	s.kill(t, p)
	crashed := time.Now()
	s.mail.Release()
	p = s.start(t)
	within(t, 2*time.Minute, p, "the message to arrive", func() bool { return s.arrivals() > 0 })
	t.Logf("a message in flight at the crash was sent again %.1f seconds after it", time.Since(crashed).Seconds())
	p.wait(t, "the record", s.allServed(t, 1))
	s.stop(t, p)
	if a := housetest.AuditRecord(t, s.db, s.arrived()); a.Marked != 1 || a.Unrecorded != 1 {
		t.Errorf("one attempt was cut off by the crash, and the other may be a repeat: %s", a)
	}
	fanOut()
}

// crashInFanOut kills a worker while it fans out and starts another; what it returns waits for that
// one to have sent everything.
func crashInFanOut(t *testing.T) (mended func()) {
	t.Helper()
	const deliveries = 10_000
	s := newSite(t)
	s.recipients(t, deliveries)
	s.house.Announced(s.house.Addition(s.house.Vendor("Errata Ltd"), 40))
	p := s.start(t)
	p.wait(t, "the fan-out", func() bool { return s.fansOut(t) })
	s.kill(t, p)
	crashed := time.Now()
	if n := count(t, s.db, "select count(*) from notices"); n != 0 {
		t.Errorf("%d notices after a kill in mid fan-out", n)
	}
	p = s.start(t)
	return func() {
		t.Helper()
		within(t, 5*time.Minute, p, "the fan-out", func() bool { return s.arrivals() > 0 })
		t.Logf("a fan-out cut off by the crash was made again %.1f seconds after it", time.Since(crashed).Seconds())
		p.wait(t, "every delivery sent", s.allServed(t, deliveries))
		s.stop(t, p)
		a := housetest.AuditRecord(t, s.db, s.arrived())
		t.Logf("after the crash in fan-out: %s", a)
		if a.Deliveries != deliveries || a.Lost+a.Unknown+a.Repeated+a.Marked != 0 || a.Notices != 1 {
			t.Errorf("%d deliveries, %d lost", a.Deliveries, a.Lost)
		}
	}
}
