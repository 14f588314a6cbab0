package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

const childEnv = "BENCH_CHILD"

// child is a process of this binary that plays the far side, until its standard input ends.
func child(part string) error {
	switch part {
	case "smtp":
		return smtpSink()
	case "http":
		return httpSink()
	case "load":
		return load()
	case "apiread":
		return apiRead()
	case "apiwrite":
		return apiWrite()
	default:
		return fmt.Errorf("there is no such part")
	}
}

// sink is a far side in a process of its own. Control is where it is asked what arrived.
type sink struct {
	b       *testing.B
	Address string // host and port; of the HTTP sink, any loopback address serves
	Control string
}

// received is what arrived at a sink since the last reset.
type received struct {
	Count   int
	Bytes   int
	First   time.Time
	Last    time.Time
	Samples []sample
}

// sample is a message or request as it came.
type sample struct {
	Header http.Header // of a request
	Body   []byte
}

// startSink starts a sink that ends with the benchmark.
func startSink(b *testing.B, part string) *sink {
	b.Helper()
	s := &sink{b: b}
	must(b, json.Unmarshal(startChild(b, part), s))
	return s
}

// startChild starts a child and returns the first line that it says.
func startChild(b *testing.B, part string, env ...string) []byte {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+part), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(b, err)
	out, err := cmd.StdoutPipe()
	must(b, err)
	must(b, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	must(b, err)
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return line
}

func (s *sink) ask(path string) (r received) {
	s.b.Helper()
	resp, err := http.Get("http://" + s.Control + path)
	must(s.b, err)
	defer resp.Body.Close()
	must(s.b, json.NewDecoder(resp.Body).Decode(&r))
	return r
}

// reset forgets what arrived; the first hanging hosts of the HTTP sink no longer answer.
func (s *sink) reset(hanging int) { s.ask(fmt.Sprintf("/reset?hanging=%d", hanging)) }

func (s *sink) received() received { return s.ask("/") }

// wait waits until so many have arrived.
func (s *sink) wait(n int) received {
	s.b.Helper()
	var r received
	await(s.b, fmt.Sprintf("%d at the sink", n), func() bool { r = s.received(); return r.Count >= n })
	return s.ask("/samples")
}

// tally is a sink's memory.
type tally struct {
	mu      sync.Mutex
	got     received
	hanging int
}

const samplesKept = 32

func (t *tally) add(size int, sampled func() sample) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got.Count == 0 {
		t.got.First = now
	}
	t.got.Count++
	t.got.Bytes += size
	t.got.Last = now
	// Every 97th, so that samples come from different places.
	if t.got.Count%97 == 1 && len(t.got.Samples) < samplesKept {
		t.got.Samples = append(t.got.Samples, sampled())
	}
}

// serve announces the sink, answers questions and ends with the standard input.
func (t *tally) serve(address string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		short := t.got
		short.Samples = nil
		_ = json.NewEncoder(w).Encode(short)
	})
	mux.HandleFunc("/samples", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		_ = json.NewEncoder(w).Encode(t.got)
	})
	mux.HandleFunc("/reset", func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		_, _ = fmt.Sscan(r.FormValue("hanging"), &t.hanging)
		t.got = received{}
		_ = json.NewEncoder(w).Encode(t.got)
	})
	go func() { _ = http.Serve(l, mux) }()
	if err := json.NewEncoder(os.Stdout).Encode(sink{Address: address, Control: l.Addr().String()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// smtpSink is a real SMTP server that takes everything at once and drops it.
func smtpSink() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t := &tally{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mail{t: t}, nil }))
	server.Domain = "relay.example"
	go func() { _ = server.Serve(l) }()
	return t.serve(l.Addr().String())
}

type mail struct {
	t   *tally
	raw []byte
}

func (*mail) Reset()                               {}
func (*mail) Logout() error                        { return nil }
func (*mail) Mail(string, *smtp.MailOptions) error { return nil }
func (*mail) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (m *mail) Data(body io.Reader) error {
	if m.raw == nil {
		m.raw = make([]byte, 256<<10)
	}
	n, err := io.ReadFull(body, m.raw)
	if err != io.ErrUnexpectedEOF {
		return fmt.Errorf("a message that does not end within %d bytes: %w", len(m.raw), err)
	}
	m.t.add(n, func() sample { return sample{Body: append([]byte(nil), m.raw[:n]...)} })
	return nil
}

// httpSink is a web server that answers 204. It listens on every loopback address: each is a host.
func httpSink() error {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		return err
	}
	t := &tally{}
	server := &http.Server{Handler: http.HandlerFunc(t.hook), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return t.serve(fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port))
}

func (t *tally) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return
	}
	t.mu.Lock()
	hangs := hostNumber(r.Host) < t.hanging
	t.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(http.StatusNoContent)
	t.add(len(body), func() sample { return sample{Header: r.Header.Clone(), Body: body} })
}

// hostAddress is the loopback address of a numbered host, without port.
func hostAddress(n int) string { return fmt.Sprintf("127.0.%d.%d", 1+n/250, 1+n%250) }

func hostNumber(host string) int {
	var c, d int
	if _, err := fmt.Sscanf(host, "127.0.%d.%d", &c, &d); err != nil {
		return 1 << 30
	}
	return (c-1)*250 + d - 1
}
