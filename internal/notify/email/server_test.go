package email

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// certificate returns a server certificate for 127.0.0.1 and localhost, and a pool that trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// received is one message as a go-smtp server got it.
type received struct {
	From, To, Body, User string
	TLS, UTF8            bool
}

// relay is a real SMTP server (emersion/go-smtp) that keeps what it gets.
type relay struct {
	mu          sync.Mutex
	mail        []received
	connections int

	user, password string                // no authentication when empty
	mechanisms     []string              // offered for authentication
	refuse         func(to string) error // of RCPT
	verdict        func() error          // on the whole message
}

func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections++
	_, isTLS := c.TLSConnectionState()
	return &session{relay: r, now: received{TLS: isTLS}}, nil
}

func (r *relay) messages() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mail)
}

func (r *relay) connectionCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connections
}

type session struct {
	relay *relay
	now   received
}

func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	if s.relay.user != "" && s.now.User == "" {
		return smtp.ErrAuthRequired
	}
	s.now.From, s.now.UTF8 = from, opts.UTF8
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.To = to
	if s.relay.refuse != nil {
		return s.relay.refuse(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.relay.verdict != nil {
		if err := s.relay.verdict(); err != nil {
			return err
		}
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.now.Body = string(body)
	s.relay.mail = append(s.relay.mail, s.now)
	return nil
}

func (s *session) Reset()        { s.now.From, s.now.To, s.now.UTF8 = "", "", false }
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string { return s.relay.mechanisms }

func (s *session) Auth(mech string) (sasl.Server, error) {
	login := func(user, password string) error {
		if user != s.relay.user || password != s.relay.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "who are you"}
		}
		s.now.User = user
		return nil
	}
	if mech == sasl.Plain {
		return sasl.NewPlainServer(func(_, user, password string) error { return login(user, password) }), nil
	}
	return &loginServer{login: login}, nil
}

// loginServer is the server's side of AUTH LOGIN, which go-sasl has only the client of.
type loginServer struct {
	user  string
	login func(user, password string) error
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.user == "":
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.login(l.user, string(response))
}

// start runs the relay on a free port of loopback until the test ends.
func (r *relay) start(t testing.TB, adjust func(*smtp.Server)) Config {
	t.Helper()
	return r.run(t, adjust, false)
}

// startImplicit is start with TLS from the first byte.
func (r *relay) startImplicit(t testing.TB, adjust func(*smtp.Server)) Config {
	t.Helper()
	return r.run(t, adjust, true)
}

func (r *relay) run(t testing.TB, adjust func(*smtp.Server), implicitTLS bool) Config {
	t.Helper()
	server := smtp.NewServer(r)
	server.Domain = "relay.example"
	server.AllowInsecureAuth = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	if adjust != nil {
		adjust(server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := loopback(listener)
	if implicitTLS {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // Close does not know of a listener before Serve has run
		<-done
	})
	return cfg
}

func loopback(l net.Listener) Config {
	addr := l.Addr().(*net.TCPAddr)
	return Config{Host: "127.0.0.1", Port: addr.Port, TLSPolicy: TLSOff, Timeouts: Timeouts{Reply: 3 * time.Second}}
}

// dialog is one connection of a scripted server.
type dialog struct {
	net.Conn
	r *bufio.Reader
}

// errDone ends a script before its connection's end.
var errDone = errors.New("done")

func (d *dialog) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Conn, format+"\r\n", args...)
}

// hear reads a line and panics with errDone at the end of the connection.
func (d *dialog) hear() string {
	line, err := d.r.ReadString('\n')
	if err != nil {
		panic(errDone)
	}
	return strings.TrimRight(line, "\r\n")
}

// expect hears a line that begins so.
func (d *dialog) expect(t testing.TB, prefix string) string {
	line := d.hear()
	if !strings.HasPrefix(line, prefix) {
		t.Errorf("the server expected %q and got %q", prefix, line)
		panic(errDone)
	}
	return line
}

// greet gets a session going that offers the given extensions.
func (d *dialog) greet(t testing.TB, extensions ...string) {
	d.say("220 relay.example ESMTP")
	d.expect(t, "EHLO ")
	d.say("250-relay.example")
	for _, ext := range extensions {
		d.say("250-%s", ext)
	}
	d.say("250 HELP")
}

// content reads a message up to the lone dot.
func (d *dialog) content() []string {
	var lines []string
	for {
		line := d.hear()
		if line == "." {
			return lines
		}
		lines = append(lines, line)
	}
}

// takeMessage accepts one message, step by step, and returns its lines.
func (d *dialog) takeMessage(t testing.TB) []string {
	d.expect(t, "MAIL FROM:")
	d.say("250 ok")
	d.expect(t, "RCPT TO:")
	d.say("250 ok")
	d.expect(t, "DATA")
	d.say("354 go on")
	lines := d.content()
	d.say("250 2.0.0 taken")
	return lines
}

// serve runs script for each connection, numbered from 1, until the test ends.
func serve(t testing.TB, script func(n int, d *dialog)) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var open sync.Map
	running.Go(func() {
		for n := 1; ; n++ {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(nc, nil)
			running.Go(func() {
				defer nc.Close()
				defer func() {
					r := recover()
					if err, ok := r.(error); r != nil && (!ok || !errors.Is(err, errDone)) {
						panic(r)
					}
				}()
				script(n, &dialog{Conn: nc, r: bufio.NewReader(nc)})
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(nc, _ any) bool {
			_ = nc.(net.Conn).Close()
			return true
		})
		running.Wait()
	})
	return loopback(listener)
}

func newPool(t testing.TB, cfg Config, max int) *Pool {
	t.Helper()
	p := NewPool(cfg, max, nil)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

var sampleEnvelope = Envelope{From: "bounces@publisher.example", To: "dpo@customer.example"}

func sendOne(p *Pool) Result {
	return p.Send(context.Background(), sampleEnvelope, []byte("Subject: hello\r\n\r\nhello\r\n"))
}
