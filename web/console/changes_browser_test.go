package console

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/web/browsertest"
)

// The announcement in a real browser, with a sender at work behind it.
func TestAnnouncingInABrowser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Customer("Acme AG", "privacy@acme.example", housetest.Sheet(30))
	d.Customer("Bolt BV", "legal@bolt.example", housetest.Sheet(45))
	d.Customer("Cipher SA", "", housetest.Sheet(30))
	d.Follower("fan@follower.example", "de")
	d.relay.Refuse(func(to string, _ int) error {
		if strings.HasPrefix(to, "legal@") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	})
	for _, name := range []string{"First Ltd", "Second Ltd"} {
		d.Approved(d.Addition(d.Vendor(name), 40))
	}
	_, err := d.Changes.Draft(t.Context(), d.Editor, "", d.Addition(d.Vendor("Third Ltd"), 10))
	d.ok(err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.work(ctx) }()
	defer func() { stop(); <-done }()
	browsertest.Run(t, "changes.spec.js", map[string]string{"BASE_URL": d.server.URL, "SESSION": d.session(d.Approver)})
}

// work is what the worker process does: it fans out what was announced, and sends.
func (d *desk) work(ctx context.Context) {
	s := notify.StartSender(d.DB, d.Jobs, d.log, d.email)
	defer s.Stop(context.WithoutCancel(ctx))
	for {
		list, _, err := d.Changes.List(ctx, changes.Filter{State: changes.Announced})
		for i := range list {
			err = d.notify.FanOut(ctx, list[i].ID, notify.Announcement)
		}
		if err != nil && ctx.Err() == nil {
			d.t.Errorf("fan out: %v", err)
		}
		s.Wake(notify.ChannelEmail)
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}
