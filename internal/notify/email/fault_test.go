package email

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hearEnvelope reads a pipelined MAIL, RCPT and DATA, all before any answer.
func (d *dialog) hearEnvelope(t testing.TB) {
	d.expect(t, "MAIL FROM:<bounces@publisher.example>")
	d.expect(t, "RCPT TO:<dpo@customer.example>")
	d.expect(t, "DATA")
}

func TestPipelinedRefusals(t *testing.T) {
	tests := map[string]struct {
		replies [3]string
		want    Result
		dot     bool // the server waits for content, and gets a lone dot
		dropped bool // the connection is not used again
	}{
		"recipient": {[3]string{"250 ok", "550 5.1.1 unknown", "503 5.5.1 no recipients"},
			Result{Outcome: Permanent, Stage: StageRcpt, Code: 550, Enhanced: "5.1.1", Answer: "550 5.1.1 unknown"}, false, false},
		"recipient, but 354 all the same": {[3]string{"250 ok", "550 5.1.1 unknown", "354 go on"},
			Result{Outcome: Permanent, Stage: StageRcpt, Code: 550, Enhanced: "5.1.1", Answer: "550 5.1.1 unknown"}, true, false},
		"recipient for now, but 354 all the same": {[3]string{"250 ok", "450 4.2.0 greylisted", "354 go on"},
			Result{Outcome: Temporary, Stage: StageRcpt, Code: 450, Enhanced: "4.2.0", Answer: "450 4.2.0 greylisted"}, true, false},
		"sender": {[3]string{"550 5.7.1 not you", "503 need MAIL", "503 need RCPT"},
			Result{Outcome: Permanent, Stage: StageMail, Code: 550, Enhanced: "5.7.1", Answer: "550 5.7.1 not you"}, false, false},
		"sender and recipient, but 354 all the same": {[3]string{"451 4.3.0 later", "503 need MAIL", "354 go on"},
			Result{Outcome: Temporary, Stage: StageMail, Code: 451, Enhanced: "4.3.0", Answer: "451 4.3.0 later"}, true, false},
		"sender, but recipient accepted and 354": {[3]string{"451 4.3.0 later", "250 ok", "354 go on"},
			Result{Outcome: Temporary, Stage: StageMail, Code: 451, Enhanced: "4.3.0", Answer: "451 4.3.0 later"}, false, true},
		"data": {[3]string{"250 ok", "250 ok", "451 4.3.0 disk full"},
			Result{Outcome: Temporary, Stage: StageData, Code: 451, Enhanced: "4.3.0", Answer: "451 4.3.0 disk full"}, false, false},
		"data answered with 250": {[3]string{"250 ok", "250 ok", "250 ok"},
			Result{Outcome: Unreachable, Stage: StageData, Code: 250, Answer: "250 ok"}, false, true},
		"commands out of order": {[3]string{"503 EHLO first", "503 MAIL first", "503 RCPT first"},
			Result{Outcome: Unreachable, Stage: StageMail, Code: 503, Answer: "503 EHLO first"}, false, true},
		"recipient, then the server leaves": {[3]string{"250 ok", "550 5.1.1 unknown", "421 4.3.2 bye"},
			Result{Outcome: Permanent, Stage: StageRcpt, Code: 550, Enhanced: "5.1.1", Answer: "550 5.1.1 unknown"}, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			next := make(chan string, 2)
			cfg := serve(t, func(n int, d *dialog) {
				d.greet(t, "PIPELINING")
				if n == 2 {
					next <- d.hear()
					return
				}
				d.hearEnvelope(t)
				for _, reply := range test.replies {
					d.say("%s", reply)
				}
				if test.dot {
					if lines := d.content(); len(lines) != 0 {
						t.Errorf("before the lone dot came %q", lines)
					}
					d.say("554 5.5.1 no valid recipients")
				}
				if test.dropped {
					if line, err := d.r.ReadString('\n'); err == nil {
						t.Errorf("on the connection came %q", line)
					}
					return
				}
				next <- d.hear()
			})
			p := newPool(t, cfg, 1)
			if diff := cmp.Diff(test.want, sendOne(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go p.Send(ctx, sampleEnvelope, []byte("Subject: x\r\n\r\nx\r\n"))
			want := "RSET"
			if test.dropped {
				want = "MAIL FROM:<bounces@publisher.example>"
			}
			if got := <-next; got != want {
				t.Errorf("the next message begins with %q, want %q", got, want)
			}
		})
	}
}

func TestResetIsPipelinedAndMatched(t *testing.T) {
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t, "PIPELINING")
		d.hearEnvelope(t)
		d.say("250 ok\r\n550 5.1.1 unknown\r\n503 no recipients")
		d.expect(t, "RSET")
		d.hearEnvelope(t)
		d.say("250 flushed\r\n250 ok\r\n250 ok\r\n354 go on")
		if got := d.content(); len(got) != 3 {
			t.Errorf("got %q", got)
		}
		d.say("250 taken")
	})
	p := newPool(t, cfg, 1)
	if res := sendOne(p); res.Outcome != Permanent {
		t.Errorf("first: %+v", res)
	}
	if res := sendOne(p); res.Outcome != Accepted || res.Answer != "250 taken" {
		t.Errorf("second: %+v", res)
	}
}

func TestStepByStepWithoutPipelining(t *testing.T) {
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t, "SIZE 1000000", "8BITMIME")
		d.expect(t, "MAIL FROM:<bounces@publisher.example> SIZE=25")
		d.quiet(t)
		d.say("250 ok")
		d.expect(t, "RCPT TO:<dpo@customer.example>")
		d.quiet(t)
		d.say("550 5.1.1 unknown")
		d.expect(t, "RSET") // and no DATA
		d.say("250 ok")
		d.takeMessage(t)
		d.expect(t, "QUIT")
	})
	p := newPool(t, cfg, 1)
	if res := sendOne(p); res.Outcome != Permanent || res.Stage != StageRcpt {
		t.Errorf("first: %+v", res)
	}
	if res := sendOne(p); res.Outcome != Accepted {
		t.Errorf("second: %+v", res)
	}
}

// quiet fails when the client has sent more than it was asked for.
func (d *dialog) quiet(t testing.TB) {
	_ = d.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if more, err := d.r.Peek(1); err == nil {
		t.Errorf("the client went on with %q without waiting", more)
	}
	_ = d.SetReadDeadline(time.Time{})
}

// fault is what a server does instead of its part at one point of the conversation.
type fault struct {
	name string
	do   func(*dialog)
}

func faults() []fault {
	return []fault{
		{"stalls", (*dialog).stall},
		{"closes", func(*dialog) {}},
		{"resets", func(d *dialog) { _ = d.Conn.(*net.TCPConn).SetLinger(0) }},
		{"garbage", func(d *dialog) { d.say("HTTP/1.1 400 Bad Request"); d.stall() }},
		{"endless line", func(d *dialog) { d.flood("250-" + strings.Repeat("x", 1<<16)) }},
		{"endless reply", func(d *dialog) { d.flood("250-more\r\n") }},
		{"drip", func(d *dialog) {
			for {
				if _, err := d.Write([]byte("2")); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}},
		{"421", func(d *dialog) { d.say("421 4.3.2 shutting down"); d.stall() }},
	}
}

// stall says nothing until the other side ends the connection.
func (d *dialog) stall() { _, _ = io.Copy(io.Discard, d.r) }

// flood writes until the other side has had enough.
func (d *dialog) flood(s string) {
	for {
		if _, err := d.Write([]byte(s)); err != nil {
			return
		}
	}
}

// At every point of the conversation and for every fault: no hang, no verdict on the recipient, and
// doubt about delivery exactly when the whole message had gone out and nothing was answered.
func TestFaultsAtEveryPoint(t *testing.T) {
	points := []struct {
		name  string
		stage Stage
		until func(d *dialog) // the conversation up to the fault
	}{
		{"greeting", StageConnect, func(*dialog) {}},
		{"EHLO", StageConnect, func(d *dialog) { d.say("220 hi"); d.expect(t, "EHLO") }},
		{"MAIL", StageMail, func(d *dialog) { d.greet(t, "PIPELINING"); d.hearEnvelope(t) }},
		{"RCPT", StageRcpt, func(d *dialog) { d.greet(t, "PIPELINING"); d.hearEnvelope(t); d.say("250 ok") }},
		{"DATA", StageData, func(d *dialog) { d.greet(t, "PIPELINING"); d.hearEnvelope(t); d.say("250 ok\r\n250 ok") }},
		{"verdict", StageData, func(d *dialog) {
			d.greet(t, "PIPELINING")
			d.hearEnvelope(t)
			d.say("250 ok\r\n250 ok\r\n354 go on")
			d.content()
		}},
	}
	for _, point := range points {
		for _, fault := range faults() {
			t.Run(point.name+" "+fault.name, func(t *testing.T) {
				t.Parallel()
				var connections atomic.Int32
				cfg := serve(t, func(_ int, d *dialog) {
					connections.Add(1)
					point.until(d)
					fault.do(d)
				})
				cfg.Timeouts.Reply = 200 * time.Millisecond
				p := newPool(t, cfg, 1)
				res := sendOne(p)
				answered := fault.name == "421"
				if res.Outcome != Unreachable || res.Stage != point.stage || res.Answer == "" || (res.Code == 421) != answered {
					t.Errorf("%+v", res)
				}
				if want := point.name == "verdict" && !answered; res.MaybeDelivered != want {
					t.Errorf("MaybeDelivered is %v, want %v: %+v", res.MaybeDelivered, want, res)
				}
				if got := connections.Load(); got != 1 {
					t.Errorf("%d connections: a fresh one is not tried twice", got)
				}
				if len(p.idle) != 0 {
					t.Error("the connection was kept")
				}
			})
		}
	}
}

// A kept connection that the server has given up is replaced in silence, as long as no content was sent.
func TestKeptConnectionIsReplacedOnce(t *testing.T) {
	tests := map[string]struct {
		end      func(d *dialog)
		want     Outcome
		repeated bool
	}{
		"closed":             {func(*dialog) {}, Accepted, true},
		"421 while idle":     {func(d *dialog) { d.say("421 4.4.2 idle too long") }, Accepted, true},
		"421 to MAIL":        {func(d *dialog) { d.hearEnvelope(t); d.say("421 4.4.2 too many messages") }, Accepted, true},
		"closed after RCPT":  {func(d *dialog) { d.hearEnvelope(t); d.say("250 ok\r\n250 ok") }, Accepted, true},
		"garbage":            {func(d *dialog) { d.hearEnvelope(t); d.say("what?"); d.stall() }, Unreachable, false},
		"closed in the end":  {func(d *dialog) { d.hearEnvelope(t); d.say("250 ok\r\n250 ok\r\n354 go"); d.content() }, Unreachable, false},
		"421 in the end":     {func(d *dialog) { d.hearEnvelope(t); d.say("250 ok\r\n250 ok\r\n354 go"); d.content(); d.say("421 bye") }, Unreachable, false},
		"refused for good":   {func(d *dialog) { d.hearEnvelope(t); d.say("550 5.7.1 no\r\n503 no\r\n503 no") }, Permanent, false},
		"RSET is not needed": {func(d *dialog) { d.hearEnvelope(t); d.say("250 ok\r\n250 ok\r\n354 go"); d.content(); d.say("250 ok") }, Accepted, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			cfg := serve(t, func(n int, d *dialog) {
				connections.Add(1)
				d.greet(t, "PIPELINING")
				d.hearEnvelope(t)
				d.say("250 ok\r\n250 ok\r\n354 go on")
				d.content()
				d.say("250 taken")
				if n == 1 {
					test.end(d)
				}
			})
			p := newPool(t, cfg, 1)
			if res := sendOne(p); res.Outcome != Accepted {
				t.Fatalf("first: %+v", res)
			}
			res := sendOne(p)
			if res.Outcome != test.want || res.MaybeDelivered != (name == "closed in the end") {
				t.Errorf("second: %+v", res)
			}
			if got := connections.Load(); (got == 2) != test.repeated {
				t.Errorf("%d connections", got)
			}
		})
	}
}

func TestServerEndsInTheMiddleOfTheMessage(t *testing.T) {
	big := []byte(strings.Repeat("Subject: x\r\n", 1<<20)) // more than the sockets buffer
	for name, test := range map[string]struct {
		last string
		want Outcome
		code int
	}{"silently": {"", Unreachable, 0}, "with a reason": {"552 5.3.4 too big", Permanent, 552}, "with 421": {"421 4.3.2 bye", Unreachable, 421}} {
		t.Run(name, func(t *testing.T) {
			cfg := serve(t, func(_ int, d *dialog) {
				d.greet(t, "PIPELINING")
				d.hearEnvelope(t)
				d.say("250 ok\r\n250 ok\r\n354 go on")
				d.hear()
				if test.last != "" {
					d.say("%s", test.last)
				}
				// Ends our half, then stops reading for good once the reply is surely there.
				_ = d.Conn.(*net.TCPConn).CloseWrite()
				for range 1000 {
					d.hear()
				}
			})
			p := newPool(t, cfg, 1)
			res := p.Send(t.Context(), sampleEnvelope, big)
			if res.Outcome != test.want || res.Code != test.code || res.Stage != StageData || res.MaybeDelivered {
				t.Errorf("%+v", res)
			}
			if len(p.idle) != 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

func TestRelayThatRefusesUs(t *testing.T) {
	required := func(c *Config) { c.TLSPolicy = TLSRequired }
	login := func(c *Config) { c.User, c.Password = "fair", "geheim" }
	tests := map[string]struct {
		adjust func(*Config)
		script func(d *dialog)
		stage  Stage
		code   int
		answer string
	}{
		"greeting":             {nil, func(d *dialog) { d.say("554 5.7.1 no service for you") }, StageConnect, 554, "no service for you"},
		"EHLO":                 {nil, func(d *dialog) { d.say("220 hi"); d.hear(); d.say("550 5.7.1 bad name") }, StageConnect, 550, "bad name"},
		"no STARTTLS":          {required, func(d *dialog) { d.greet(t, "PIPELINING") }, StageTLS, 0, "does not offer STARTTLS"},
		"STARTTLS refused":     {required, func(d *dialog) { d.greet(t, "STARTTLS"); d.expect(t, "STARTTLS"); d.say("454 4.7.0 not now") }, StageTLS, 454, "not now"},
		"STARTTLS and silence": {required, func(d *dialog) { d.greet(t, "STARTTLS"); d.expect(t, "STARTTLS"); d.say("220 go"); d.hear() }, StageTLS, 0, ""},
		"STARTTLS injection": {required, func(d *dialog) {
			d.greet(t, "STARTTLS")
			d.expect(t, "STARTTLS")
			d.say("220 go\r\n250-injected\r\n250 AUTH PLAIN")
		}, StageTLS, 0, "followed by more in the clear"},
		"no authentication":  {login, func(d *dialog) { d.greet(t) }, StageAuth, 0, "offers no authentication"},
		"unknown mechanisms": {login, func(d *dialog) { d.greet(t, "AUTH CRAM-MD5 XOAUTH2") }, StageAuth, 0, "CRAM-MD5 XOAUTH2"},
		"locked out":         {login, func(d *dialog) { d.greet(t, "AUTH PLAIN"); d.hear(); d.say("454 4.7.0 try later") }, StageAuth, 454, "try later"},
		"odd challenge": {login, func(d *dialog) {
			d.greet(t, "AUTH LOGIN")
			d.expect(t, "AUTH LOGIN ")
			d.say("334 %s", base64.StdEncoding.EncodeToString([]byte("Your favourite color?")))
			d.expect(t, "*")
			d.say("501 5.7.0 given up")
		}, StageAuth, 501, "given up"},
		"challenges without end": {login, func(d *dialog) {
			d.greet(t, "AUTH LOGIN")
			for {
				d.hear()
				d.say("334 VXNlcm5hbWU6")
			}
		}, StageAuth, 334, "334"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := serve(t, func(_ int, d *dialog) { test.script(d) })
			cfg.Timeouts = Timeouts{Connect: 200 * time.Millisecond, Reply: time.Second}
			if test.adjust != nil {
				test.adjust(&cfg)
			}
			p := newPool(t, cfg, 1)
			res := sendOne(p)
			if res.Outcome != Unreachable || res.Stage != test.stage || res.Code != test.code || !strings.Contains(res.Answer, test.answer) {
				t.Errorf("%+v", res)
			}
			var wrong *failure
			if err := p.Check(t.Context()); !errors.As(err, &wrong) || wrong.Stage != test.stage {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

// Servers differ in how they word LOGIN's questions, and whether they take the user with the command.
func TestLoginDialects(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, questions := range [][]string{{"Password:"}, {"password"}, {"Username:", "Password:"}, {"User Name\x00", "Password\x00"}} {
		var heard []string
		done := make(chan struct{})
		cfg := serve(t, func(_ int, d *dialog) {
			defer close(done)
			d.greet(t, "AUTH=LOGIN")
			heard = append(heard, d.hear())
			for _, q := range questions {
				d.say("334 %s", b64(q))
				heard = append(heard, d.hear())
			}
			d.say("235 welcome")
			d.expect(t, "NOOP")
			d.say("250 ok")
			d.expect(t, "QUIT")
		})
		cfg.User, cfg.Password = "fair", "geheim"
		if err := newPool(t, cfg, 1).Check(t.Context()); err != nil {
			t.Errorf("%q: %v", questions, err)
		}
		<-done
		want := []string{"AUTH LOGIN " + b64("fair"), b64("geheim")}
		if len(questions) == 2 {
			want = slices.Insert(want, 1, b64("fair"))
		}
		if diff := cmp.Diff(want, heard); diff != "" {
			t.Errorf("%q (-want +got):\n%s", questions, diff)
		}
	}
}

// elsewhere is a connection that says it leads off this machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestPasswordIsNotSentInTheClear(t *testing.T) {
	var heard bytes.Buffer
	done := make(chan struct{})
	cfg := serve(t, func(_ int, d *dialog) {
		defer close(done)
		d.greet(t, "AUTH PLAIN LOGIN")
		_, _ = d.r.WriteTo(&heard)
	})
	cfg.User, cfg.Password = "fair", "geheim"
	nc, err := net.Dial("tcp", cfg.address())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	c := &conn{cfg: &cfg, raw: elsewhere{nc}, nc: elsewhere{nc}, r: bufio.NewReaderSize(nc, maxReplyLine)}
	f := c.open(nil)
	_ = nc.Close()
	<-done
	if f == nil || f.Stage != StageAuth || f.Code != 0 || heard.Len() != 0 {
		t.Errorf("%+v; the server heard %q", f, heard.String())
	}
}

func TestCancellation(t *testing.T) {
	reached := make(chan struct{}, 1)
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t, "PIPELINING")
		d.hearEnvelope(t)
		reached <- struct{}{}
		d.stall()
	})
	cfg.Timeouts.Reply = time.Hour
	p := newPool(t, cfg, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan Result)
	go func() { result <- p.Send(ctx, sampleEnvelope, []byte("x\r\n")) }()
	<-reached

	waiting, stopWaiting := context.WithCancel(t.Context())
	go stopWaiting()
	if res := p.Send(waiting, sampleEnvelope, []byte("x\r\n")); res.Outcome != Unreachable || res.Answer != "context canceled" {
		t.Errorf("waiting for a connection: %+v", res)
	}

	cancel(errors.New("the worker is stopping"))
	if res := <-result; res.Outcome != Unreachable || res.Answer != "the worker is stopping" || res.MaybeDelivered {
		t.Errorf("waiting for the server: %+v", res)
	}
	if len(p.idle) != 0 {
		t.Error("the connection was kept")
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := loopback(listener)
	_ = listener.Close()
	if res := sendOne(newPool(t, cfg, 1)); res.Outcome != Unreachable || res.Stage != StageConnect || !strings.Contains(res.Answer, "refused") {
		t.Errorf("%+v", res)
	}
}

func TestLogTellsOfChangesOnlyAndKeepsSecrets(t *testing.T) {
	var refuse atomic.Bool
	refuse.Store(true)
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t, "AUTH PLAIN")
		d.hear()
		if refuse.Load() {
			d.say("535 5.7.8 nutzer is not known here")
			return
		}
		d.say("235 welcome")
		d.takeMessage(t)
	})
	cfg.User, cfg.Password = "nutzer", "geheim"
	var out bytes.Buffer
	p := NewPool(cfg, 1, slog.New(slog.NewTextHandler(&out, nil)))
	defer p.Close()
	for range 3 {
		sendOne(p)
	}
	refuse.Store(false)
	if res := sendOne(p); res.Outcome != Accepted {
		t.Errorf("%+v", res)
	}
	logged := out.String()
	if strings.Count(logged, "\n") != 2 || !strings.Contains(logged, "code=535") || !strings.Contains(logged, "answers again") {
		t.Errorf("logged:\n%s", logged)
	}
	for _, secret := range []string{"nutzer", "geheim", "dpo@customer.example"} {
		if strings.Contains(logged, secret) {
			t.Errorf("the log has %q:\n%s", secret, logged)
		}
	}
}

func TestRefusedResetMeansAFreshConnection(t *testing.T) {
	for extension, refusals := range map[string]string{
		"PIPELINING": "550 5.7.1 no\r\n503 no\r\n503 no",
		"8BITMIME":   "550 5.7.1 no", // step by step, so one reply for one command
	} {
		var connections atomic.Int32
		cfg := serve(t, func(n int, d *dialog) {
			connections.Add(1)
			d.greet(t, extension)
			if n == 2 {
				d.takeMessage(t)
				return
			}
			d.expect(t, "MAIL")
			d.say("%s", refusals)
			for d.hear() != "RSET" {
			}
			d.say("500 what")
		})
		p := newPool(t, cfg, 1)
		if res := sendOne(p); res.Outcome != Permanent {
			t.Errorf("%s: first: %+v", extension, res)
		}
		if res := sendOne(p); res.Outcome != Accepted || connections.Load() != 2 {
			t.Errorf("%s: second: %+v over %d connections", extension, res, connections.Load())
		}
	}
}

func TestNameGivenInEHLO(t *testing.T) {
	for name, want := range map[string]string{"": "EHLO [127.0.0.1]", "notices.publisher.example": "EHLO notices.publisher.example"} {
		heard := make(chan string, 1)
		cfg := serve(t, func(_ int, d *dialog) {
			d.say("220 hi")
			heard <- d.hear()
			d.say("554 enough")
		})
		cfg.LocalName = name
		if res := sendOne(newPool(t, cfg, 1)); res.Code != 554 {
			t.Errorf("%+v", res)
		}
		if got := <-heard; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
