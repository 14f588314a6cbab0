package notify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/housetest"
	"fairnotice/internal/ledger"
	"fairnotice/internal/locale"
	"fairnotice/internal/notify"
	"fairnotice/internal/notify/email"
	"fairnotice/internal/subscribers"
)

func TestEveryoneIsToldOnceAndTheWindowsStart(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	w.CustomerIn("Bert AG", "datenschutz@bert.example", "de", housetest.Sheet(30))
	w.Follower("fan@follower.example", "en")
	c := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	n := w.fanOut(t, c)
	if err := w.notify.FanOut(t.Context(), c.ID, notify.Announcement); err != nil {
		t.Fatal(err) // the job may run again
	}
	w.send(t)
	if got := w.states(t, n); got != "sent:3" {
		t.Fatalf("deliveries are %s, want sent:3", got)
	}
	for _, to := range []string{"dpo@anna.example", "datenschutz@bert.example", "fan@follower.example"} {
		if got := len(w.relay.To(to)); got != 1 {
			t.Errorf("%s got %d messages", to, got)
		}
	}
	if started, err := w.Changes.DeriveWindows(t.Context()); started != 2 || err != nil {
		t.Errorf("%d windows started, %v; want 2", started, err)
	}
	if n := w.count(t, "select count(*) from river_job where kind = 'windows_derive'"); n != 1 {
		t.Errorf("%d jobs to derive windows, want 1", n)
	}
	if _, err := ledger.Verify(t.Context(), w.DB); err != nil {
		t.Error(err)
	}
}

func TestOnlyFollowersCanUnsubscribe(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	follower := w.Follower("fan@follower.example", "en")
	w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.send(t)
	contract, followed := w.relay.To("dpo@anna.example")[0].Raw, w.relay.To("fan@follower.example")[0].Raw
	if strings.Contains(contract, "List-Unsubscribe") || strings.Contains(contract, "/unsubscribe/") {
		t.Error("a contract recipient is offered to unsubscribe")
	}
	m, err := mail.CreateReader(strings.NewReader(followed))
	if err != nil {
		t.Fatal(err)
	}
	link := strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
	if got := m.Header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post: %q", got)
	}
	token, ok := strings.CutPrefix(link, "https://trust.nordlicht.example/unsubscribe/")
	if !ok {
		t.Fatalf("the link is %q", link)
	}
	out, err := w.links.UnsubscribeByToken(t.Context(), token, "one-click")
	if err != nil || out.Subscription.ID != follower.ID {
		t.Fatalf("unsubscribed %v, %v", out.Subscription.ID, err)
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Second Ltd"), 40)))
	w.send(t)
	if got := w.states(t, n); got != "sent:1" {
		t.Errorf("the next notice: %s, want the contract recipient alone", got)
	}
}

func TestRefusalsAreRetriedOrFinalAndKept(t *testing.T) {
	w := newWorld(t)
	w.Customer("Gone", "gone@a.example", housetest.Sheet(14))
	w.Customer("Busy", "busy@b.example", housetest.Sheet(14))
	w.Customer("Never", "never@c.example", housetest.Sheet(14))
	w.relay.Refuse(func(to string, try int) error {
		switch {
		case strings.HasPrefix(to, "gone"):
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
		case strings.HasPrefix(to, "busy") && try == 1, strings.HasPrefix(to, "never"):
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "Come back later"}
		}
		return nil
	})
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.send(t)
	if got := w.states(t, n); got != "queued:2 failed:1" {
		t.Fatalf("after the first try: %s", got)
	}
	if n := w.count(t, "select count(*) from river_job where kind = 'deliveries_look_after'"); n != 1 {
		t.Errorf("%d jobs to look after a refused recipient's customer, want 1", n)
	}
	w.Clock.Add(6 * time.Second)
	w.send(t)
	if got := w.states(t, n); got != "queued:1 sent:1 failed:1" {
		t.Fatalf("after the second try: %s", got)
	}
	for range 12 {
		w.Clock.Add(27 * time.Hour)
		w.send(t)
	}
	list, _, err := w.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID, Query: "never@"})
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	d, attempts, err := w.notify.Delivery(t.Context(), list[0].ID)
	if err != nil || d.State != notify.Failed || d.Reason != "out_of_tries" || len(attempts) != 10 {
		t.Fatalf("state %s (%s) after %d attempts, %v; want failed after 10", d.State, d.Reason, len(attempts), err)
	}
	wants := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	for i, a := range attempts {
		if a.Number != i+1 || a.Outcome != notify.Temporary || a.Code != 450 || a.Stage != "rcpt" || !strings.Contains(a.Answer, "Come back later") {
			t.Errorf("attempt %+v", a)
		}
		if i == len(wants) {
			if a.NextAt != nil {
				t.Errorf("after the last attempt another is planned")
			}
			continue
		}
		if wait := a.NextAt.Sub(a.StartedAt); wait < wants[i] || wait > wants[i]*11/10+time.Minute {
			t.Errorf("after attempt %d: %v, want %v and up to a tenth more", i+1, wait, wants[i])
		}
	}
	if err := w.notify.Retry(t.Context(), w.Editor, d.ID); err != nil {
		t.Fatal(err)
	}
	w.relay.Refuse(nil)
	w.send(t)
	if got := w.states(t, n); got != "sent:2 failed:1" {
		t.Errorf("after a retry by hand: %s", got)
	}
	if err := w.notify.Retry(t.Context(), w.Editor, d.ID); !fault.Has(err, "delivery.not_retryable") {
		t.Errorf("retrying what was sent: %v", err)
	}
	if count, err := w.notify.RetryFailed(t.Context(), w.Editor, n.ID); count != 1 || err != nil {
		t.Errorf("retry all failed: %d, %v", count, err)
	}
}

func TestARelayThatIsDownCostsNoRecipientItsTries(t *testing.T) {
	h := housetest.New(t)
	for i := range 20 {
		h.Customer(fmt.Sprint("Customer ", i), fmt.Sprintf("dpo@c%d.example", i), housetest.Sheet(14))
	}
	dead := housetest.StartRelay(t)
	dead.Down()
	w := worldOn(t, h, dead)
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	s := notify.StartSender(w.DB, w.Jobs, w.log, w.email)
	w.await(t, "an attempt", func() bool { return w.count(t, "select count(*) from attempts") > 0 })
	s.Stop(t.Context())
	if got := w.states(t, n); got != "queued:20" {
		t.Errorf("deliveries: %s", got)
	}
	if tried := w.count(t, "select count(*) from attempts"); tried > 8 {
		t.Errorf("%d attempts against a dead relay, want a handful", tried)
	}
	if n := w.count(t, "select count(*) from attempts where outcome <> 'unreachable'"); n != 0 {
		t.Errorf("%d attempts with another outcome", n)
	}
	alive := worldOn(t, h, housetest.StartRelay(t))
	w.Clock.Add(6 * time.Minute)
	alive.send(t)
	if got := w.states(t, n); got != "sent:20" {
		t.Errorf("after the relay came back: %s", got)
	}
}

func TestStateIsCheckedWhenSending(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna", "dpo@anna.example", housetest.Sheet(14))
	suppressed := w.Customer("Bert", "dpo@bert.example", housetest.Sheet(14))
	w.Contact(suppressed, "legal@bert.example", subscribers.RoleFallback)
	follower := w.Follower("fan@follower.example", "en")
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	if err := w.Subscribers.Suppress(t.Context(), w.Editor, "dpo@bert.example", "hard_bounce", "550 5.1.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Subscribers.Unsubscribe(t.Context(), w.Editor, follower.ID, "by phone"); err != nil {
		t.Fatal(err)
	}
	w.send(t)
	if got := w.states(t, n); got != "sent:1 suppressed:2" {
		t.Fatalf("deliveries: %s", got)
	}
	if err := w.notify.LookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.send(t)
	if got := w.states(t, n); got != "sent:2 suppressed:2" || len(w.relay.To("legal@bert.example")) != 1 {
		t.Errorf("a suppressed recipient's fallback was not told: %s", got)
	}
	if err := w.notify.LookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.send(t)
	if got := len(w.relay.To("legal@bert.example")); got != 1 {
		t.Errorf("the fallback was told %d times", got)
	}
}

func TestAWithdrawalStopsWhatIsNotSentAndTellsWhoWasTold(t *testing.T) {
	w := newWorld(t)
	w.Customer("Told", "dpo@told.example", housetest.Sheet(14))
	w.Customer("Waiting", "dpo@waiting.example", housetest.Sheet(14))
	w.Customer("Untold", "", housetest.Sheet(14))
	w.relay.Refuse(func(to string, _ int) error {
		if to == "dpo@waiting.example" {
			return &smtp.SMTPError{Code: 451, Message: "Later"}
		}
		return nil
	})
	c := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	n := w.fanOut(t, c)
	w.send(t)
	if err := w.Changes.Withdraw(t.Context(), w.Approver, c.ID, "The vendor was breached"); err != nil {
		t.Fatal(err)
	}
	w.relay.Refuse(nil)
	if err := w.notify.FanOut(t.Context(), c.ID, notify.Withdrawal); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(time.Hour)
	w.send(t)
	if got := w.states(t, n); got != "sent:1 cancelled:1" {
		t.Errorf("announcement: %s", got)
	}
	if got := w.relay.To("dpo@told.example"); len(got) != 2 || !strings.Contains(got[1].Raw, "Withdrawn") {
		t.Errorf("who was told got %d messages", len(got))
	}
	// An attempt was made to tell this one too: it may have read of it elsewhere, so it is told.
	if got := w.relay.To("dpo@waiting.example"); len(got) != 1 || !strings.Contains(got[0].Raw, "Withdrawn") {
		t.Errorf("who waited got %d messages", len(got))
	}
}

func TestAWithdrawalBeforeTheFanOutTellsNobody(t *testing.T) {
	w := newWorld(t)
	w.Customer("One", "dpo@one.example", housetest.Sheet(14))
	c := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	if err := w.Changes.Withdraw(t.Context(), w.Approver, c.ID, "Never mind"); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []notify.Kind{notify.Announcement, notify.Withdrawal} {
		if err := w.notify.FanOut(t.Context(), c.ID, kind); err != nil {
			t.Fatal(err)
		}
	}
	w.send(t)
	if got := len(w.relay.Received()); got != 0 {
		t.Errorf("%d messages", got)
	}
}

func TestEveryMessageCanBeBuiltAgain(t *testing.T) {
	w := newWorld(t)
	w.Customer("Müller & Söhne <GmbH>", "dpo@mueller.example", housetest.Sheet(14))
	w.CustomerIn("Bert AG", "datenschutz@bert.example", "de", housetest.Sheet(30))
	w.Follower("fan@follower.example", "de")
	first := true
	w.relay.Refuse(func(to string, _ int) error {
		if to == "dpo@mueller.example" && first {
			first = false
			return &smtp.SMTPError{Code: 451, Message: "Later"}
		}
		return nil
	})
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.send(t)
	w.Clock.Add(time.Minute)
	w.send(t)
	list, _, err := w.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID})
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for _, d := range list {
		for number := 1; number <= d.Attempts; number++ {
			again, err := w.notify.Rebuild(t.Context(), w.email, d.ID, number)
			if err != nil || !again.Proven {
				t.Fatalf("%s, attempt %d: proven %v, %v", d.Address, number, again != nil && again.Proven, err)
			}
			if number < d.Attempts {
				continue
			}
			if got := w.relay.To(d.Address)[0].Raw; !bytes.Equal([]byte(got), again.Raw) {
				t.Errorf("%s: what arrived is not what is rebuilt", d.Address)
			}
			if !bytes.Contains(again.Raw, []byte(d.ID.String()+"@nordlicht.example")) {
				t.Errorf("%s: the Message-ID is not the delivery's", d.Address)
			}
		}
	}
	if _, err := w.DB.Pool().Exec(t.Context(), "update renderings set body_text = body_text || 'x'"); err != nil {
		t.Fatal(err)
	}
	if again, err := w.notify.Rebuild(t.Context(), w.email, list[0].ID, 1); err != nil || again.Proven {
		t.Errorf("a forged rendering passes as sent: %v", err)
	}
}

func TestAttemptsAreInTheLedger(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.Customer(fmt.Sprint("Customer ", i), fmt.Sprintf("dpo@c%d.example", i), housetest.Sheet(14))
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.send(t)
	records, err := ledger.About(t.Context(), w.DB, n.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	var sealed []string
	for _, r := range records {
		var body struct{ Attempts []string }
		if r.Kind != "deliveries.attempted" {
			continue
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, body.Attempts...)
	}
	var kept []string
	list, _, _ := w.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID})
	for _, d := range list {
		_, attempts, err := w.notify.Delivery(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i := range attempts {
			kept = append(kept, fmt.Sprintf("%x", notify.AttemptLeaf(&attempts[i])))
		}
	}
	slices.Sort(sealed)
	slices.Sort(kept)
	if diff := cmp.Diff(sealed, kept); diff != "" || len(kept) != 5 {
		t.Errorf("%d attempts kept; ledger and table differ (-ledger +table):\n%s", len(kept), diff)
	}
}

// Two workers that send from one table never send one delivery twice.
func TestTwoSendersShareTheWork(t *testing.T) {
	w := newWorld(t)
	cust := w.Customer("Big", "first@big.example", housetest.Sheet(14))
	for i := range 150 {
		w.Contact(cust, fmt.Sprintf("c%d@d%d.example", i, i%7), subscribers.RoleNotices)
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { w.send(t) })
	}
	wg.Wait()
	if got := w.states(t, n); got != "sent:151" {
		t.Errorf("deliveries: %s", got)
	}
	seen := map[string]int{}
	for _, m := range w.relay.Received() {
		seen[m.To]++
	}
	for to, times := range seen {
		if times != 1 {
			t.Errorf("%s got %d", to, times)
		}
	}
	if repeats := w.count(t, "select count(*) from deliveries where possible_repeat"); repeats != 0 {
		t.Errorf("%d deliveries are marked as possible repeats", repeats)
	}
}

// Stopping hands back what has not started and waits for what has.
func TestStopHandsBack(t *testing.T) {
	w := newWorld(t)
	cust := w.Customer("Big", "first@big.example", housetest.Sheet(14))
	for i := range 60 {
		w.Contact(cust, fmt.Sprintf("c%d@big%d.example", i, i), subscribers.RoleNotices)
	}
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	hold := make(chan struct{})
	w.relay.Hold(hold)
	s := notify.StartSender(w.DB, w.Jobs, w.log, w.email)
	w.await(t, "a send under way among many claimed", func() bool {
		return w.relay.Asked() > 0 && w.count(t, "select count(*) from deliveries where state = 'sending'") > 10
	})
	stopped := make(chan struct{})
	go func() { s.Stop(t.Context()); close(stopped) }()
	time.Sleep(50 * time.Millisecond)
	close(hold)
	<-stopped
	p, err := w.notify.ProgressOf(t.Context(), n.ID)
	if err != nil || p.Counts[notify.Sending] != 0 || p.Total() != 61 || p.Counts[notify.Sent] == 0 {
		t.Errorf("after the stop: %+v, %v", p, err)
	}
	if got := len(w.relay.Received()); got != p.Counts[notify.Sent] {
		t.Errorf("%d arrived, %d are recorded as sent", got, p.Counts[notify.Sent])
	}
	if bad := w.count(t, "select count(*) from deliveries where state = 'queued' and (attempts <> 0 or possible_repeat)"); bad != 0 {
		t.Errorf("%d deliveries were handed back with an attempt", bad)
	}
	w.relay.Hold(nil)
	w.send(t)
	if got := w.states(t, n); got != "sent:61" {
		t.Errorf("after going on: %s", got)
	}
	if got := len(w.relay.Received()); got != 61 {
		t.Errorf("%d messages for 61 deliveries", got)
	}
}

// A worker that died leaves deliveries "sending"; when their lease ends they are sent again under
// the same Message-ID, marked as possible repeats, and the lost attempt's number stays free.
func TestADeadWorkersDeliveriesAreTakenOver(t *testing.T) {
	w := newWorld(t)
	w.Customer("One", "dpo@one.example", housetest.Sheet(14))
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	_, err := w.DB.Pool().Exec(t.Context(), "update deliveries set state = 'sending', attempts = 1, leased_until = $1", w.Clock.Now().Add(90*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	w.send2(t, n, "sending:1")
	w.Clock.Add(2 * time.Minute)
	w.send2(t, n, "sent:1")
	d := w.only(t, n)
	_, attempts, err := w.notify.Delivery(t.Context(), d)
	if err != nil || len(attempts) != 1 || attempts[0].Number != 2 {
		t.Errorf("attempts: %+v, %v", attempts, err)
	}
	if w.count(t, "select count(*) from deliveries where possible_repeat") != 1 {
		t.Error("the repeat is not marked")
	}
}

func (w *world) send2(t *testing.T, n notify.Notice, want string) {
	t.Helper()
	s := notify.StartSender(w.DB, w.Jobs, w.log, w.email)
	s.Wake(notify.ChannelEmail)
	if strings.HasPrefix(want, "sending") {
		time.Sleep(1200 * time.Millisecond) // a sweep must pass it by
	}
	w.await(t, want, func() bool { return w.states(t, n) == want })
	s.Stop(t.Context())
}

func (w *world) only(t *testing.T, n notify.Notice) uuid.UUID {
	t.Helper()
	list, _, err := w.notify.Deliveries(t.Context(), notify.DeliveryFilter{NoticeID: n.ID})
	if err != nil || len(list) != 1 {
		t.Fatal(len(list), err)
	}
	return list[0].ID
}

func TestARatePerDomainIsKeptOverWorkers(t *testing.T) {
	w := newWorld(t)
	cust := w.Customer("Big", "first@big.example", housetest.Sheet(14))
	for i := range 9 {
		w.Contact(cust, fmt.Sprintf("c%d@big.example", i), subscribers.RoleNotices)
	}
	w.Customer("Other", "dpo@other.example", housetest.Sheet(14))
	n := w.fanOut(t, w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40)))
	w.email = notify.NewEmail(email.NewComposer(nil), w.pool, w.links, notify.EmailLimits{Connections: 4, PerDomain: 4, Rate: 1})
	// The test's clock stands: within one instant a domain may get one message.
	for second := 1; second <= 10; second++ {
		got := func() (n int) {
			for _, m := range w.relay.Received() {
				if strings.HasSuffix(m.To, "@big.example") {
					n++
				}
			}
			return n
		}
		senders := []*notify.Sender{notify.StartSender(w.DB, w.Jobs, w.log, w.email), notify.StartSender(w.DB, w.Jobs, w.log, w.email)}
		w.await(t, "this second's message", func() bool { return got() >= second })
		time.Sleep(150 * time.Millisecond) // for one too many
		for _, s := range senders {
			s.Stop(t.Context())
		}
		if got() != second {
			t.Fatalf("after %d seconds %d messages to one domain", second, got())
		}
		if len(w.relay.To("dpo@other.example")) != 1 {
			t.Fatal("another domain was held up")
		}
		w.Clock.Add(time.Second)
	}
	if got := w.states(t, n); got != "sent:11" {
		t.Errorf("deliveries: %s", got)
	}
}

func TestSilenceCountsAsReceiptOnlyByPolicy(t *testing.T) {
	w := newWorld(t)
	accepted := housetest.Sheet(14)
	accepted.ClockStarts = subscribers.ClockAccepted
	w.Customer("Proof", "dpo@proof.example", accepted)
	c := w.Announced(w.Addition(w.Vendor("Errata Ltd"), 40))
	w.fanOut(t, c)
	w.send(t)
	look := func() (served bool) {
		t.Helper()
		if err := w.notify.LookAfter(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Changes.DeriveWindows(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.count(t, "select count(*) from windows where served_at is not null") == 1
	}
	w.Clock.Add(48 * time.Hour)
	if look() {
		t.Error("served without a policy")
	}
	settings, _ := w.Publisher.Get(t.Context())
	hours := 72
	settings.ReceivedAfterHours = &hours
	if err := w.Publisher.Save(t.Context(), actor.ForSystem(), settings); err != nil {
		t.Fatal(err)
	}
	if look() {
		t.Error("served before the policy's hours were over")
	}
	w.Clock.Add(25 * time.Hour)
	if !look() {
		t.Error("not served after the policy's hours")
	}
	if n := w.count(t, "select count(*) from services where kind = 'received' and proof like 'policy: no bounce within 72 hours%'"); n != 1 {
		t.Error("the proof does not name the policy")
	}
}

func TestPreviewIsWhatGoesOut(t *testing.T) {
	w := newWorld(t)
	w.Customer("Anna GmbH", "dpo@anna.example", housetest.Sheet(14))
	c := w.Approved(w.Addition(w.Vendor("Errata Ltd"), 40))
	a, err := w.Changes.Audience(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	before, err := w.notify.PreviewAnnouncement(t.Context(), c.ID, locale.EN, &a.Included[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Changes.Announce(t.Context(), w.Approver, c.ID); err != nil {
		t.Fatal(err)
	}
	n := w.fanOut(t, c)
	w.send(t)
	sent, err := w.notify.Rebuild(t.Context(), w.email, w.only(t, n), 1)
	if err != nil {
		t.Fatal(err)
	}
	// A preview doesn't know the contact; all else is the same.
	text := strings.ReplaceAll(sent.Text, "Contact of Anna GmbH", "Anna GmbH")
	if diff := cmp.Diff(before.Text, text); diff != "" || before.Subject != sent.Subject {
		t.Errorf("preview and mail differ (-preview +mail):\n%s", diff)
	}
	for _, l := range []locale.Lang{locale.EN, locale.DE} {
		if _, err := w.notify.PreviewAnnouncement(t.Context(), c.ID, l, nil); err != nil {
			t.Error(err)
		}
	}
}
