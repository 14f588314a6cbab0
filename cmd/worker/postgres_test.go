package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"fairnotice/internal/database/databasetest"
	"fairnotice/internal/housetest"
)

// PostgreSQL is restarted, and is stopped immediately and stays away for a while, again and again
// while two workers send and the api's pages are read. Nobody restarts a program: pages and sending
// come back by themselves, and nothing is lost or repeated without a mark.
func TestPostgresGoesAndComesBack(t *testing.T) {
	t.Parallel()
	const deliveries = 10_000
	server := databasetest.ServeRestartable(t)
	s := newSiteOn(t, server.NewURL(t, "fairnotice"))
	s.recipients(t, deliveries)
	api := s.startAPI(t)
	visits := api.visit(t)
	s.house.Announced(s.house.Addition(s.house.Vendor("Errata Ltd"), 40))
	workers := []*process{s.start(t), s.start(t)}

	breaks := []struct {
		name string
		do   func()
	}{
		{"restarted", func() { server.Stop(t); server.Start(t) }},
		{"stopped immediately", func() { server.StopAtOnce(t); server.Start(t) }},
		{"stopped immediately for five seconds", func() { server.StopAtOnce(t); time.Sleep(5 * time.Second); server.Start(t) }},
		{"restarted at once after that", func() { server.Stop(t); server.Start(t) }},
		{"stopped immediately once more", func() { server.StopAtOnce(t); server.Start(t) }},
	}
	for i, b := range breaks {
		mark := deliveries * (i + 1) / (len(breaks) + 2)
		workers[0].wait(t, "more arrivals", func() bool { return s.arrivals() >= mark })
		b.do()
		back, sent := time.Now(), s.arrivals()
		api.wait(t, "the pages", func() bool { return api.status("/readyz") == 200 && api.status("/") == 200 })
		pages := time.Since(back)
		workers[0].wait(t, "sending to go on", func() bool { return s.arrivals() >= min(sent+200, deliveries) })
		t.Logf("PostgreSQL was %s after %d messages: pages again %.1f s after it was back, sending again after %.1f s",
			b.name, sent, pages.Seconds(), time.Since(back).Seconds())
	}
	workers[0].wait(t, "the database to answer us too", func() bool { return s.db.Ping(t.Context()) == nil })
	workers[0].wait(t, "every delivery sent", s.allServed(t, deliveries))
	t.Logf("meanwhile %s", visits())
	s.stillWorks(t)
	s.stop(t, append(workers, api.process)...)
	a := housetest.AuditRecord(t, s.db, s.arrived())
	t.Logf("in the end: %s", a)
	if a.Lost+a.Unknown != 0 || a.Notices != 2 {
		t.Errorf("%d lost, %d notices", a.Lost, a.Notices)
	}
}

// stillWorks announces another change, to a few: jobs run again, too.
func (s *site) stillWorks(t *testing.T) {
	t.Helper()
	sent := count(t, s.db, "select count(*) from deliveries")
	s.exec(t, "update subscriptions set state = 'disabled' where address not like 'c1.%' and address not like '%/e/1'")
	s.house.Announced(s.house.Addition(s.house.Vendor("Latecomer Ltd"), 40))
	within(t, 3*time.Minute, nil, "a change announced after all that", func() bool {
		return count(t, s.db, "select count(*) from notices") == 2 && count(t, s.db, "select count(*) from deliveries where due_at is not null") == 0
	})
	if more := count(t, s.db, "select count(*) from deliveries") - sent; more != 2*customers {
		t.Errorf("it was sent to %d, not to %d", more, 2*customers)
	}
}

// apiProcess is the api, running.
type apiProcess struct {
	*process
	url    string
	client *http.Client
}

func (s *site) startAPI(t *testing.T) *apiProcess {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	a := &apiProcess{url: "http://" + address, client: &http.Client{Timeout: 10 * time.Second}}
	a.process = launch(t, program(t, "api"), append(s.env, "LISTEN_ADDR="+address, "PGAPPNAME=api", "LOG_LEVEL=error", "DATA_DIR="+os.DevNull))
	a.wait(t, "the api", func() bool { return a.status("/readyz") == 200 })
	return a
}

// status is the status of a page, 0 where there is no answer.
func (a *apiProcess) status(path string) int {
	answer, err := a.client.Get(a.url + path)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// visit reads the public list over and over until the returned function is called, which says what
// the visitors saw.
func (a *apiProcess) visit(t *testing.T) (saw func() string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	counts := make([]map[int]int, 4)
	for i := range counts {
		counts[i] = map[int]int{}
		wg.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				counts[i][a.status("/")]++
			}
		})
	}
	t.Cleanup(stop)
	return func() string {
		stop()
		wg.Wait()
		all := map[int]int{}
		for _, c := range counts {
			for status, n := range c {
				all[status] += n
			}
		}
		if all[0] > 0 {
			t.Errorf("%d visitors got no answer at all", all[0])
		}
		return fmt.Sprintf("visitors of the public list got %v (status:times)", all)
	}
}
