package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSendOverTLSWithAuthentication(t *testing.T) {
	cert, roots := certificate(t)
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		for _, implicit := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s implicit=%v", mechanism, implicit), func(t *testing.T) {
				r := &relay{user: "fair", password: "pass:w@rd/ü", mechanisms: []string{"CRAM-MD5", mechanism}}
				start := r.start
				if implicit {
					start = r.startImplicit
				}
				cfg := start(t, func(s *smtp.Server) {
					s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
					s.AllowInsecureAuth = false
				})
				cfg.TLSPolicy, cfg.ImplicitTLS, cfg.RootCAs = TLSRequired, implicit, roots
				cfg.User, cfg.Password = r.user, r.password
				p := newPool(t, cfg, 1)
				if err := p.Check(t.Context()); err != nil {
					t.Errorf("Check: %v", err)
				}
				m := compose(t, nil, sampleMessage())
				res := p.Send(t.Context(), sampleEnvelope, m)
				want := Result{Outcome: Accepted, Stage: StageData, Code: 250, Enhanced: "2.0.0", Answer: "250 2.0.0 OK: queued"}
				if diff := cmp.Diff(want, res); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				got := []received{{From: sampleEnvelope.From, To: sampleEnvelope.To, Body: string(m), User: "fair", TLS: true}}
				if diff := cmp.Diff(got, r.messages()); diff != "" {
					t.Errorf("arrived (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestConnectionsAreKeptAndRetired(t *testing.T) {
	r := &relay{}
	p := newPool(t, r.start(t, nil), 1)
	for range maxMessages + 1 {
		if res := sendOne(p); res.Outcome != Accepted {
			t.Fatalf("%+v", res)
		}
	}
	if got := r.connectionCount(); got != 2 {
		t.Errorf("%d connections for %d messages, want 2", got, maxMessages+1)
	}
}

func TestPoolKeepsToItsSize(t *testing.T) {
	r := &relay{}
	p := newPool(t, r.start(t, nil), 3)
	var running sync.WaitGroup
	for i := range 60 {
		running.Go(func() {
			env := Envelope{From: "a@b.example", To: fmt.Sprintf("r%d@c.example", i)}
			if res := p.Send(t.Context(), env, []byte("Subject: x\r\n\r\nx\r\n")); res.Outcome != Accepted {
				t.Errorf("%+v", res)
			}
		})
	}
	running.Wait()
	if got := r.connectionCount(); got > 3 {
		t.Errorf("%d connections, want at most 3", got)
	}
	seen := map[string]bool{}
	for _, m := range r.messages() {
		seen[m.To] = true
	}
	if len(seen) != 60 || len(r.messages()) != 60 {
		t.Errorf("%d messages for %d recipients arrived, want 60", len(r.messages()), len(seen))
	}
}

func TestRefusedRecipientLeavesTheConnectionUsable(t *testing.T) {
	r := &relay{refuse: func(to string) error {
		if strings.HasPrefix(to, "gone") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	}}
	p := newPool(t, r.start(t, nil), 1)
	for i, to := range []string{"a@x.example", "gone@x.example", "gone2@x.example", "b@x.example"} {
		res := p.Send(t.Context(), Envelope{"s@x.example", to}, []byte("Subject: x\r\n\r\nx\r\n"))
		want := Result{Outcome: Accepted, Stage: StageData, Code: 250, Enhanced: "2.0.0", Answer: "250 2.0.0 OK: queued"}
		if i == 1 || i == 2 {
			want = Result{Outcome: Permanent, Stage: StageRcpt, Code: 550, Enhanced: "5.1.1", Answer: "550 5.1.1 no such user"}
		}
		if diff := cmp.Diff(want, res); diff != "" {
			t.Errorf("%s (-want +got):\n%s", to, diff)
		}
	}
	if got := r.connectionCount(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
	if got := len(r.messages()); got != 2 {
		t.Errorf("%d messages arrived, want 2", got)
	}
}

// What is sent is what arrives, dots and all, and nothing is taken for the end of the message.
func TestContentArrivesAsSent(t *testing.T) {
	r := &relay{}
	p := newPool(t, r.start(t, nil), 1)
	lines := rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`\.{0,3}`), rapid.StringMatching(`\.{0,2}[ -~]{0,200}`)), 0, 40)
	sent := 0
	rapid.Check(t, func(rt *rapid.T) {
		body := strings.Join(append(lines.Draw(rt, "lines"), ""), "\r\n")
		msg := "Subject: x\r\n\r\n" + body
		if rapid.Bool().Draw(rt, "from the first byte") && body != "" {
			msg = body
		}
		if res := p.Send(context.Background(), sampleEnvelope, []byte(msg)); res.Outcome != Accepted {
			rt.Fatalf("%+v", res)
		}
		sent++
		arrived := r.messages()
		if len(arrived) != sent || arrived[sent-1].Body != msg {
			rt.Fatalf("%d messages arrived of %d; the last is %q, sent was %q", len(arrived), sent, arrived[len(arrived)-1].Body, msg)
		}
	})
}

func TestSendRefusesWhatWouldBreakTheConversation(t *testing.T) {
	r := &relay{}
	p := newPool(t, r.start(t, nil), 1)
	good := "Subject: x\r\n\r\nx\r\n"
	tests := map[string]struct {
		from, to, msg string
		outcome       Outcome
		stage         Stage
	}{
		"LF in recipient":      {"a@b.example", "a@b.example>\nDATA", good, Permanent, StageRcpt},
		"CR in recipient":      {"a@b.example", "a@b.example>\rDATA", good, Permanent, StageRcpt},
		"NUL in recipient":     {"a@b.example", "a\x00@b.example", good, Permanent, StageRcpt},
		"parameter":            {"a@b.example", "a@b.example> NOTIFY=NEVER", good, Permanent, StageRcpt},
		"no recipient":         {"a@b.example", "", good, Permanent, StageRcpt},
		"CRLF in sender":       {"a@b.example>\r\nRCPT TO:<x@y.example", "a@b.example", good, Unreachable, StageMail},
		"no sender":            {"", "a@b.example", good, Unreachable, StageMail},
		"empty message":        {"a@b.example", "a@b.example", "", Permanent, StageData},
		"lone LF":              {"a@b.example", "a@b.example", "x\n.\nMAIL FROM:<>\r\n", Permanent, StageData},
		"lone LF after a pair": {"a@b.example", "a@b.example", "x\r\n\n.\r\n", Permanent, StageData},
		"lone CR":              {"a@b.example", "a@b.example", "x\r.\r\n", Permanent, StageData},
		"CR at the end":        {"a@b.example", "a@b.example", "x\r", Permanent, StageData},
		"long line":            {"a@b.example", "a@b.example", strings.Repeat("x", 999) + "\r\n", Permanent, StageData},
		"long last line":       {"a@b.example", "a@b.example", strings.Repeat("x", 999), Permanent, StageData},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := p.Send(t.Context(), Envelope{test.from, test.to}, []byte(test.msg))
			if res.Outcome != test.outcome || res.Stage != test.stage || res.Answer == "" || res.Code != 0 {
				t.Errorf("%+v", res)
			}
		})
	}
	if got := r.connectionCount(); got != 0 {
		t.Errorf("%d connections were made for it", got)
	}
}

func TestInternationalAddresses(t *testing.T) {
	for _, offered := range []bool{true, false} {
		t.Run(fmt.Sprintf("offered=%v", offered), func(t *testing.T) {
			r := &relay{}
			p := newPool(t, r.start(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = offered }), 1)
			send := func(from, to string) Result {
				return p.Send(t.Context(), Envelope{from, to}, []byte("To: "+to+"\r\n\r\nx\r\n"))
			}
			if res := send("a@b.example", "dpo@bücher.example"); res.Outcome != Accepted {
				t.Errorf("ASCII local part: %+v", res)
			}
			res := send("a@b.example", "büro@bücher.example")
			if !offered {
				if res.Outcome != Permanent || res.Stage != StageRcpt || res.Enhanced != "5.6.7" {
					t.Errorf("recipient: %+v", res)
				}
				if res := send("büro@b.example", "a@b.example"); res.Outcome != Unreachable || res.Stage != StageMail {
					t.Errorf("sender: %+v", res)
				}
				return
			}
			if res.Outcome != Accepted {
				t.Errorf("recipient: %+v", res)
			}
			got := r.messages()
			if len(got) != 2 || got[0].To != "dpo@xn--bcher-kva.example" || got[0].UTF8 ||
				got[1].To != "büro@xn--bcher-kva.example" || !got[1].UTF8 {
				t.Errorf("arrived: %+v", got)
			}
		})
	}
}

func TestMessageBiggerThanTheRelayTakes(t *testing.T) {
	r := &relay{}
	p := newPool(t, r.start(t, func(s *smtp.Server) { s.MaxMessageBytes = 500 }), 1)
	res := p.Send(t.Context(), sampleEnvelope, []byte(strings.Repeat("x\r\n", 200)))
	if res.Outcome != Permanent || res.Enhanced != "5.3.4" || !strings.Contains(res.Answer, "at most 500") {
		t.Errorf("%+v", res)
	}
	if res := sendOne(p); res.Outcome != Accepted {
		t.Errorf("the next message: %+v", res)
	}
}

func TestVerdictOnTheMessage(t *testing.T) {
	var verdict *smtp.SMTPError
	r := &relay{verdict: func() error { return verdict }}
	p := newPool(t, r.start(t, nil), 1)
	for code, want := range map[int]Outcome{451: Temporary, 452: Temporary, 550: Permanent, 552: Permanent, 554: Permanent} {
		verdict = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "no"}
		if res := sendOne(p); res.Outcome != want || res.Code != code || res.Stage != StageData || res.MaybeDelivered {
			t.Errorf("%d: %+v", code, res)
		}
	}
	if got := r.connectionCount(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

func TestWrongPasswordIsOurFault(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		r := &relay{user: "fair", password: "right", mechanisms: []string{mechanism}}
		cfg := r.start(t, nil)
		cfg.User, cfg.Password = "fair", "wrong"
		p := newPool(t, cfg, 1)
		res := sendOne(p)
		want := Result{Outcome: Unreachable, Stage: StageAuth, Code: 535, Enhanced: "5.7.8", Answer: "535 5.7.8 who are you"}
		if diff := cmp.Diff(want, res); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mechanism, diff)
		}
		if err := p.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "auth: 535") {
			t.Errorf("Check: %v", err)
		}
	}
}

func TestAuthenticationRequiredIsOurFault(t *testing.T) {
	r := &relay{user: "fair", password: "right", mechanisms: []string{"PLAIN"}}
	res := sendOne(newPool(t, r.start(t, nil), 1))
	if res.Outcome != Unreachable || res.Stage != StageMail {
		t.Errorf("%+v", res)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	cert, roots := certificate(t)
	_, otherRoots := certificate(t)
	r := &relay{}
	cfg := r.start(t, func(s *smtp.Server) { s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}} })
	cfg.TLSPolicy, cfg.RootCAs = TLSRequired, otherRoots
	if res := sendOne(newPool(t, cfg, 1)); res.Outcome != Unreachable || res.Stage != StageTLS {
		t.Errorf("unknown authority: %+v", res)
	}
	// The relay's own name must be on the certificate, not merely a trusted one.
	cfg.RootCAs, cfg.Host = roots, "127.0.0.2"
	if res := sendOne(newPool(t, cfg, 1)); res.Outcome != Unreachable || res.Stage != StageTLS && res.Stage != StageConnect {
		t.Errorf("other name: %+v", res)
	}
	if got := r.messages(); len(got) != 0 {
		t.Errorf("arrived all the same: %+v", got)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	ended := make(chan string, 1)
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t)
		d.takeMessage(t)
		ended <- d.hear()
	})
	cfg.Timeouts.Idle = 20 * time.Millisecond
	p := newPool(t, cfg, 1)
	if res := sendOne(p); res.Outcome != Accepted {
		t.Fatalf("%+v", res)
	}
	if got := <-ended; got != "QUIT" {
		t.Errorf("the idle connection ended with %q, want QUIT", got)
	}
}

func TestCloseEndsConnections(t *testing.T) {
	ended := make(chan string, 1)
	cfg := serve(t, func(_ int, d *dialog) {
		d.greet(t)
		d.takeMessage(t)
		ended <- d.hear()
	})
	p := NewPool(cfg, 1, nil)
	if res := sendOne(p); res.Outcome != Accepted {
		t.Fatalf("%+v", res)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got != "QUIT" {
		t.Errorf("the connection ended with %q, want QUIT", got)
	}
	if res := sendOne(p); res.Outcome != Unreachable || res.Answer != "the pool is closed" {
		t.Errorf("after Close: %+v", res)
	}
}

func BenchmarkSend(b *testing.B) {
	r := &relay{}
	p := newPool(b, r.start(b, nil), 4)
	m, err := NewComposer(nil).Compose(sampleMessage())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if res := p.Send(context.Background(), sampleEnvelope, m); res.Outcome != Accepted {
				b.Errorf("%+v", res)
			}
		}
	})
}
