package apiv1

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/changes"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

// announced announces an addition and makes its notice.
func (d *desk) announced() (*changes.Change, string) {
	d.t.Helper()
	c := d.Announced(d.Addition(d.Vendor("Sentry Example Ltd"), 60))
	d.ok(d.notify.FanOut(d.t.Context(), c.ID, notify.Announcement))
	list, err := d.notify.NoticesOf(d.t.Context(), c.ID)
	d.ok(err)
	return c, "/notices/" + list[0].ID.String()
}

// mailer is the channel for mail, over a relay; it builds the API's messages, too.
func (d *desk) mailer(r *housetest.Relay) *notify.Email {
	d.t.Helper()
	ring, err := secrets.ParseKeyRing(d.Keys)
	d.ok(err)
	cfg, err := email.ParseURL("smtp://" + r.Address)
	d.ok(err)
	pool := email.NewPool(cfg, 2, slog.New(slog.DiscardHandler))
	d.t.Cleanup(func() { _ = pool.Close() })
	return notify.NewEmail(email.NewComposer(nil), pool, subscribers.NewLinks(d.DB, ring), notify.EmailLimits{Connections: 2, PerDomain: 2})
}

// sending runs a sender until the test ends.
func (d *desk) sending(channels ...notify.Channel) {
	d.t.Helper()
	sender := notify.StartSender(d.DB, d.Jobs, slog.New(slog.DiscardHandler), channels...)
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		sender.Stop(ctx)
	})
}

// until waits; how long it may take is no assertion, only an end to waiting.
func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

func (p *program) progress(notice string) (out NoticeProgress) {
	p.d.t.Helper()
	p.get(notice + "/progress").want(200).into(&out)
	return out
}

func TestANoticeIsFollowedToItsMessages(t *testing.T) {
	d := newDesk(t)
	relay := housetest.StartRelay(t)
	relay.Refuse(func(to string, _ int) error {
		if strings.HasPrefix(to, "gone@") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
		}
		return nil
	})
	customer := d.Customer("Anna & Töchter GmbH", "dpo@anna.example", housetest.Sheet(14))
	d.Customer("Bert AG", "gone@bert.example", housetest.Sheet(14))
	d.Follower("fan@follower.example", "de")
	c, notice := d.announced()
	editor := d.as(d.Editor)
	var notices Whole[Notice]
	editor.get("/changes/" + c.Reference + "/notices").want(200).into(&notices)
	var same Notice
	editor.get(notice).want(200).into(&same)
	if len(notices.Items) != 1 || notices.Items[0] != same || same.Reference != c.Reference || same.Kind != notify.Announcement {
		t.Errorf("notices %+v, notice %+v", notices.Items, same)
	}
	if p := editor.progress(notice); p.Total != 3 || p.Done != 0 || p.Counts.Queued != 3 {
		t.Errorf("before: %+v", p)
	}
	d.sending(d.mailer(relay))
	d.until("all is done", func() bool { p := editor.progress(notice); return p.Done == p.Total })
	if p := editor.progress(notice); p.Counts.Sent != 2 || p.Counts.Failed != 1 || len(p.Channels) != 1 || p.Channels[0] != (ChannelProgress{"email", 3, 3, 1}) || p.LastAt == nil {
		t.Errorf("after: %+v", p)
	}
	d.lookAtDeliveries(editor, notice, customer)
	d.lookAtMessage(editor, notice)
	d.retryAll(notice)
}

func (d *desk) list(p *program, path string) (list []Delivery) {
	d.t.Helper()
	var page Items[Delivery]
	p.get(path).want(200).into(&page)
	return page.Items
}

func (d *desk) lookAtDeliveries(p *program, notice string, customer *subscribers.Customer) {
	d.t.Helper()
	whom := func(list []Delivery) (out []string) {
		for i := range list {
			out = append(out, list[i].Address)
		}
		slices.Sort(out)
		return out
	}
	every := []string{"dpo@anna.example", "fan@follower.example", "gone@bert.example"}
	for query, want := range map[string][]string{"": every, "?state=failed": every[2:], "?customer=" + customer.ID.String(): every[:1], "?query=TÖCHTER": every[:1],
		"?channel=webhook": nil, "?retrying=true": nil, "?retrying=false&channel=email": every} {
		for _, base := range []string{notice + "/deliveries", "/deliveries"} {
			if got := whom(d.list(p, base+query)); !slices.Equal(got, want) {
				d.t.Errorf("%s%s: %q, want %q", base, query, got, want)
			}
		}
	}
	fan := d.list(p, notice+"/deliveries?query=fan@")
	if len(fan) != 1 || fan[0].CustomerID != nil || fan[0].WindowID != nil || fan[0].Basis != "follower" || fan[0].Language != "de" || fan[0].LastOutcome != notify.Accepted {
		d.t.Errorf("the follower's: %+v", fan)
	}
	var sparse Items[map[string]any]
	p.get(notice + "/deliveries?fields=state,address&limit=1").want(200).into(&sparse)
	if len(sparse.Items) != 1 || len(sparse.Items[0]) != 2 || sparse.Next == "" {
		d.t.Errorf("sparse: %+v", sparse)
	}
}

func (d *desk) lookAtMessage(p *program, notice string) {
	d.t.Helper()
	gone := d.list(p, notice+"/deliveries?state=failed")[0]
	var detail DeliveryDetail
	path := "/deliveries/" + gone.ID.String()
	p.get(path).want(200).into(&detail)
	if detail.Delivery.ID != gone.ID || len(detail.Attempts) != 1 || detail.AttemptCount != 1 || detail.Attempts[0].Outcome != notify.Permanent || detail.Attempts[0].Code != 550 {
		d.t.Fatalf("detail %+v", detail)
	}
	sent := d.list(p, notice+"/deliveries?query=dpo@anna")[0]
	var m Message
	p.get("/deliveries/" + sent.ID.String() + "/attempts/1/message").want(200).into(&m)
	if !m.Proven || m.MediaType != "message/rfc822" || !strings.Contains(string(m.Source), sent.ID.String()) || !strings.Contains(m.Text, "Anna & Töchter") ||
		!strings.Contains(m.HTML, "Anna &amp; Töchter") || m.Subject == "" || m.JSON != "" || len(m.SHA256) != 64 {
		d.t.Errorf("message %+v", m)
	}
	p.get("/deliveries/"+sent.ID.String()+"/attempts/2/message").problem(404, "attempt.not_found")
	p.get("/deliveries/"+sent.ID.String()+"/attempts/0/message").problem(422, "json.minimum at number")
	p.get("/deliveries/"+sent.ID.String()+"/attempts/x/message").problem(422, "json.type.integer at number")
	p.get("/deliveries/"+uuid.NewString()+"/attempts/1/message").problem(404, "delivery.not_found")
	d.site.Composer = notify.Composers{}
	p.get("/deliveries/"+sent.ID.String()+"/attempts/1/message").problem(409, "attempt.not_rebuilt")
	p.post("/deliveries/"+sent.ID.String()+"/retry", nil).problem(409, "delivery.not_retryable")
	p.post("/deliveries/"+uuid.NewString()+"/retry", nil).problem(404, "delivery.not_found")
	d.as(d.Staff("Rita Reviewer", actor.Reviewer)).post(path+"/retry", nil).problem(403, "role.missing")
}

// retryAll runs while the sender does: what is retried may have failed again when the answer comes.
func (d *desk) retryAll(notice string) {
	d.t.Helper()
	p := d.as(d.Approver)
	failed := d.list(p, notice+"/deliveries?state=failed")[0]
	var detail DeliveryDetail
	p.post("/deliveries/"+failed.ID.String()+"/retry", nil).want(200).into(&detail)
	tries := func() int { return d.list(p, notice+"/deliveries?query=gone@")[0].AttemptCount }
	d.until("it is tried again", func() bool {
		return tries() == 2 && d.list(p, notice+"/deliveries?query=gone@")[0].State == notify.Failed
	})
	var first, second Retried
	p.post(notice+"/retry", nil, "Idempotency-Key", "r1").want(200).into(&first)
	p.post(notice+"/retry", nil, "Idempotency-Key", "r1").want(200).into(&second)
	if first.Retried != 1 || second.Retried != 1 || detail.State != notify.Queued {
		d.t.Errorf("retried %d, then %d; the one alone was %s", first.Retried, second.Retried, detail.State)
	}
	d.until("it is tried a third time", func() bool { return tries() == 3 })
	p.post("/notices/"+uuid.NewString()+"/retry", nil).problem(404, "notice.not_found")
	d.as(d.Staff("Rob Reviewer", actor.Reviewer)).post(notice+"/retry", nil).problem(403, "role.missing")
}

func TestDeliveriesRefuseWhatTheyCantTake(t *testing.T) {
	d := newDesk(t)
	p := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	for path, want := range map[string]string{
		"/deliveries?state=lost":       "json.choice at state",
		"/deliveries?channel=pigeon":   "json.choice at channel",
		"/deliveries?retrying=perhaps": "json.type.boolean at retrying",
		"/deliveries?customer=x":       "json.uuid at customer",
		"/deliveries?after=x":          "cursor.malformed at after",
		"/deliveries?limit=0":          "json.minimum at limit",
		"/deliveries?limit=201":        "json.maximum at limit",
		"/deliveries?fields=secret":    "fields.unknown at fields",
		"/deliveries?nope=1":           "query.unknown at nope",
		"/deliveries/x":                "json.uuid at id",
		"/notices/x":                   "json.uuid at id",
		"/notices/x/events":            "json.uuid at id",
		"/notices/x/deliveries.csv":    "json.uuid at id",
	} {
		p.get(path).problem(422, want)
	}
	for _, tail := range []string{"", "/progress", "/events", "/deliveries", "/deliveries.csv", "/deliveries.ndjson"} {
		p.get("/notices/"+uuid.NewString()+tail).problem(404, "notice.not_found")
	}
	p.get("/changes/SP-1999-001/notices").problem(404, "change.not_found")
	if got := len(d.list(p, "/deliveries?query=%25")); got != 0 {
		t.Errorf("%% finds %d deliveries of none", got)
	}
}

func TestPagesOfDeliveriesHoldWhenOthersCome(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		d.Follower(name+"@follower.example", "en")
	}
	_, notice := d.announced()
	p := d.as(d.Editor)
	seen := map[uuid.UUID]int{}
	path := "/deliveries?limit=2"
	for n := 0; path != ""; n++ {
		var page Items[Delivery]
		p.get(path).want(200).into(&page)
		for i := range page.Items {
			seen[page.Items[i].ID]++
		}
		if n == 0 {
			d.Follower("late@follower.example", "en")
			d.ok(d.Changes.Withdraw(t.Context(), d.Approver, d.onlyChange(), "Plans changed."))
			second := d.Announced(d.Addition(d.Vendor("Other Ltd"), 60))
			d.ok(d.notify.FanOut(t.Context(), second.ID, notify.Announcement))
		}
		if path = ""; page.Next != "" {
			path = "/deliveries?limit=2&after=" + page.Next
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s came %d times", id, times)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d deliveries were seen, want 5 and 6", len(seen))
	}
	p.get(notice + "/deliveries?limit=200").want(200)
}

func (d *desk) onlyChange() uuid.UUID {
	d.t.Helper()
	list, _, err := d.Changes.List(d.t.Context(), changes.Filter{})
	d.ok(err)
	return list[0].ID
}

func TestAWebhooksAddressStaysUntold(t *testing.T) {
	d := newDesk(t)
	customer := d.Customer("Anna GmbH", "", housetest.Sheet(14))
	d.Hooks(customer, []string{"https://hooks.anna.example/in/s3cr3t-path"})
	_, notice := d.announced()
	p := d.as(d.Editor)
	id := d.list(p, "/deliveries")[0].ID.String()
	for _, path := range []string{"/deliveries", "/deliveries/" + id, notice + "/deliveries", notice + "/deliveries.csv", notice + "/deliveries.ndjson", "/ledger?limit=200"} {
		if a := p.get(path).want(200); strings.Contains(string(a.Body), "s3cr3t") || strings.Contains(string(a.Body), "whsec_") {
			t.Errorf("%s tells %s", path, a.Body)
		}
	}
	if n := len(d.list(p, "/deliveries?query=s3cr3t")); n != 0 {
		t.Errorf("a search finds %d by what isn't shown", n)
	}
	if n := len(d.list(p, "/deliveries?query=hooks.anna")); n != 1 {
		t.Errorf("a search finds %d by the host, want 1", n)
	}
}

func TestExportsHoldEveryAttempt(t *testing.T) {
	d := newDesk(t)
	d.Customer("=cmd|calc", "dpo@anna.example", housetest.Sheet(14))
	d.Follower("fan@follower.example", "en")
	c, notice := d.announced()
	d.sending(d.mailer(housetest.StartRelay(t)))
	p := d.as(d.Editor)
	d.until("all is done", func() bool { n := p.progress(notice); return n.Done == n.Total })
	a := p.get(notice + "/deliveries.csv").want(200)
	rows, err := csv.NewReader(strings.NewReader(string(a.Body))).ReadAll()
	d.ok(err)
	slices.SortFunc(rows[1:], func(a, b []string) int { return strings.Compare(b[1], a[1]) }) // deliveries come in the order of their IDs
	if len(rows) != 3 || !slices.Equal(rows[0], notify.ExportColumns) || rows[1][1] != "'=cmd|calc" || rows[1][16] != "accepted" || len(rows[2][20]) != 64 {
		t.Errorf("rows %q", rows)
	}
	if got := a.Header.Get("Content-Disposition"); got != `attachment; filename="`+strings.ToLower(c.Reference)+`-announcement.csv"` {
		t.Errorf("disposition %s", got)
	}
	lines := strings.Split(strings.TrimSpace(string(p.get(notice+"/deliveries.ndjson").want(200).Body)), "\n")
	var line DeliveryLine
	for _, text := range lines {
		if strings.Contains(text, "calc") {
			d.ok(json.Unmarshal([]byte(text), &line))
		}
	}
	if len(lines) != 2 || line.Customer != "=cmd|calc" || line.Attempt == nil || *line.Attempt != 1 || line.SHA256 == nil {
		t.Errorf("%d lines, the customer's %+v", len(lines), line)
	}
	var entries Items[LedgerEntry]
	p.get("/ledger?limit=2").want(200).into(&entries)
	for _, e := range entries.Items {
		if e.Kind != "deliveries.exported" || e.SubjectKind != "notice" || !strings.Contains(string(e.Body), "by_key") {
			t.Errorf("the record says %s of %s: %s", e.Kind, e.SubjectKind, e.Body)
		}
	}
}

func TestAnUntriedNoticeIsExportedToo(t *testing.T) {
	d := newDesk(t)
	_, notice := d.announced()
	p := d.as(d.Staff("Rita Reviewer", actor.Reviewer))
	if got := string(p.get(notice + "/deliveries.csv").want(200).Body); got != strings.Join(notify.ExportColumns, ",")+"\n" {
		t.Errorf("without deliveries it is %q", got)
	}
	if got := p.get(notice + "/deliveries.ndjson").want(200).Body; len(got) != 0 {
		t.Errorf("without deliveries it is %q", got)
	}
}
