package main

import (
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
)

func approver(h *housetest.House) actor.Actor { return h.Approver }

func TestAChangeIsAnnouncedAndWatched(t *testing.T) {
	p := open(t, approver)
	p.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	p.Customer("Bela", "bela@customer.example", housetest.Sheet(30))
	c := p.Approved(p.Addition(p.House.Vendor("Sentry Example Ltd"), 60))
	p.want(exitFailed, []string{"nothing to watch"}, "", "watch", c.Reference)
	p.want(exitUsage, []string{"concerns  2 customers", "give --yes"}, "", "announce", c.Reference)
	p.person = true
	p.want(exitFailed, []string{"Announce " + c.Reference + "? [y/N]", "not announced"}, "\n", "announce", c.Reference)
	p.want(0, []string{c.Reference + " is announced."}, "y\n", "announce", c.Reference)
	p.want(0, []string{"was announced on"}, "", "announce", "--yes", c.Reference)
	p.OK(p.Notify.FanOut(t.Context(), c.ID, notify.Announcement))
	relay := p.Send(t)
	p.want(0, []string{"2 of 2 (2 sent)"}, "", "watch", c.Reference)
	p.want(0, []string{`"done":2`}, "", "watch", "--json", c.ID.String())
	notices, err := p.Notify.NoticesOf(t.Context(), c.ID)
	p.OK(err)
	p.want(0, []string{"announcement: 2 of 2"}, "", "watch", notices[0].ID.String())
	if got := len(relay.Received()); got != 2 {
		t.Errorf("%d messages went out, want 2", got)
	}
	p.want(exitFailed, []string{"404"}, "", "watch", "SP-1999-001")
}

func TestFailuresAreInTheExitCode(t *testing.T) {
	p := open(t, approver)
	p.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	c := p.Approved(p.Addition(p.House.Vendor("Sentry Example Ltd"), 60))
	p.Send(t).Refuse(func(string, int) error {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	})
	p.want(0, []string{"is announced"}, "", "announce", "--yes", c.Reference)
	p.OK(p.Notify.FanOut(t.Context(), c.ID, notify.Announcement))
	p.want(exitPart, []string{"1 deliveries did not arrive"}, "", "watch", c.Reference)
}

func TestADraftIsNotAnnounced(t *testing.T) {
	p := open(t, approver)
	c, err := p.Changes.Draft(t.Context(), p.Editor, "", p.Addition(p.House.Vendor("Sentry Example Ltd"), 60))
	p.OK(err)
	p.want(exitFailed, []string{"in the state draft"}, "", "announce", "--yes", c.Reference)
	if v, err := p.Changes.Get(t.Context(), c.Reference); err != nil || v.State != changes.Draft || strings.Contains(p.out.String(), "announced.") {
		t.Errorf("it is %+v, %v", v, err)
	}
}
