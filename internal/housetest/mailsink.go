package housetest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// MailSink is a lean SMTP server for tests with many messages or with faults: of what it takes it
// keeps how often each Message-ID came, nothing else, and it misbehaves when told to.
type MailSink struct {
	Address string // host and port; the same after Down and Up

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	arrived  map[uuid.UUID]int
	taken    int
	asked    map[string]int // recipients by domain
	stalled  map[string]int // conversations that get no answer now, by domain
	trouble  func(domain string) MailTrouble
	greeting MailTrouble
	free     chan struct{} // closed by Release
	wg       sync.WaitGroup
}

// MailTrouble is what the sink does instead of taking a message. At the greeting only Stalls and
// Garbage mean something.
type MailTrouble string

// The kinds of trouble; Stalls ends with Release, which then answers as if nothing had been.
const (
	TakesMail       MailTrouble = ""
	RefusesForNow   MailTrouble = "answers 451 to the recipient"
	Stalls          MailTrouble = "says nothing to the recipient"
	StallsAfterData MailTrouble = "says nothing after the final dot"
	ClosesInData    MailTrouble = "closes in the middle of the message"
	ClosesAfterData MailTrouble = "takes the message and closes without an answer"
	Garbage         MailTrouble = "answers with garbage"
)

// StartMailSink starts a sink on a loopback port until the test ends.
func StartMailSink(t testing.TB) *MailSink {
	t.Helper()
	s := &MailSink{Address: "127.0.0.1:0", open: map[net.Conn]bool{}, arrived: map[uuid.UUID]int{}, asked: map[string]int{},
		stalled: map[string]int{}, trouble: func(string) MailTrouble { return TakesMail }, free: make(chan struct{})}
	s.Up(t)
	t.Cleanup(s.Down)
	return s
}

// Up opens the sink's door, at the start and after Down.
func (s *MailSink) Up(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener, s.Address = l, l.Addr().String()
	s.wg.Go(func() { s.accept(l) })
}

// Down refuses connections and cuts those that are open.
func (s *MailSink) Down() {
	s.mu.Lock()
	_ = s.listener.Close()
	for c := range s.open {
		_ = c.Close()
	}
	s.release()
	s.mu.Unlock()
	s.wg.Wait()
}

// Trouble makes the sink misbehave towards recipients, by their domain.
func (s *MailSink) Trouble(fn func(domain string) MailTrouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = fn
}

// Greeting makes the sink misbehave towards whoever connects.
func (s *MailSink) Greeting(trouble MailTrouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting = trouble
}

// Release ends all trouble: from now on the sink takes everything, and those that wait get their answers.
func (s *MailSink) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}

func (s *MailSink) release() {
	s.trouble, s.greeting = func(string) MailTrouble { return TakesMail }, TakesMail
	close(s.free)
	s.free = make(chan struct{})
}

// Arrived says how often the message of each delivery was taken.
func (s *MailSink) Arrived() map[uuid.UUID]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.arrived)
}

// Count is how many messages were taken, repeats included.
func (s *MailSink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Asked counts the recipients of a domain that the sink was asked to take a message for.
func (s *MailSink) Asked(domain string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[domain]
}

// Waiting counts the conversations that get no answer at this moment, by the recipient's domain;
// "" are those that wait for the greeting.
func (s *MailSink) Waiting(domain string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled[domain]
}

func (s *MailSink) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[c] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			s.talk(&mailTalk{sink: s, conn: c, r: bufio.NewReaderSize(c, 64<<10), w: bufio.NewWriter(c)})
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
			_ = c.Close()
		})
	}
}

// stall says nothing until Release; false when the client went away first.
func (s *MailSink) stall(domain string, c net.Conn) bool {
	s.mu.Lock()
	free := s.free
	s.stalled[domain]++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.stalled[domain]--
		s.mu.Unlock()
	}()
	for {
		select {
		case <-free:
			return !gone(c)
		case <-time.After(20 * time.Millisecond):
		}
		if gone(c) {
			return false
		}
	}
}

// gone looks whether the client has closed: a client that waits for an answer sends nothing.
func gone(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// mailTalk is one conversation.
type mailTalk struct {
	sink   *MailSink
	conn   net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	domain string // of the recipient; "" before there is one
}

func (s *MailSink) talk(t *mailTalk) {
	s.mu.Lock()
	greeting := s.greeting
	s.mu.Unlock()
	switch greeting {
	case Stalls:
		if !s.stall("", t.conn) {
			return
		}
	case Garbage:
		_, _ = t.conn.Write([]byte("\x00\xff*** hello ***\r\n\r\n"))
		return
	}
	t.say("220 sink.example ESMTP")
	for t.flush() {
		line, err := t.r.ReadSlice('\n')
		if err != nil || !t.obey(string(bytes.TrimSpace(line))) {
			break
		}
	}
	_ = t.w.Flush()
}

func (t *mailTalk) say(line string) { _, _ = t.w.WriteString(line + "\r\n") }

// flush sends the answers when the client waits for them: commands may come in one write (RFC 2920).
func (t *mailTalk) flush() bool { return t.r.Buffered() > 0 || t.w.Flush() == nil }

// obey carries out one command; false ends the conversation.
func (t *mailTalk) obey(line string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch verb {
	case "EHLO", "HELO":
		t.say("250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8")
	case "RCPT":
		return t.recipient(line)
	case "DATA":
		return t.data()
	case "QUIT":
		t.say("221 2.0.0 bye")
		return false
	case "MAIL", "RSET":
		t.domain = ""
		t.say("250 2.0.0 ok")
	default:
		t.say("250 2.0.0 ok")
	}
	return true
}

func (t *mailTalk) now() MailTrouble {
	t.sink.mu.Lock()
	defer t.sink.mu.Unlock()
	return t.sink.trouble(t.domain)
}

func (t *mailTalk) recipient(line string) bool {
	_, address, _ := strings.Cut(line, "@")
	t.domain, _, _ = strings.Cut(address, ">")
	t.sink.mu.Lock()
	t.sink.asked[t.domain]++
	t.sink.mu.Unlock()
	switch t.now() {
	case RefusesForNow:
		t.domain = ""
		t.say("451 4.3.0 not now")
		return true
	case Stalls:
		if !t.flushed() || !t.sink.stall(t.domain, t.conn) {
			return false
		}
	case Garbage:
		t.say("\x00\x01 what? \xff")
		return true
	}
	t.say("250 2.1.5 ok")
	return true
}

func (t *mailTalk) flushed() bool { return t.w.Flush() == nil }

// data reads the message and takes it, unless there is trouble.
func (t *mailTalk) data() bool {
	if t.domain == "" {
		t.say("503 5.5.1 a recipient first")
		return true
	}
	t.say("354 go on")
	if !t.flushed() {
		return false
	}
	trouble := t.now()
	if trouble == ClosesInData {
		_, _ = io.CopyN(io.Discard, t.r, 200)
		return false
	}
	id, err := t.message()
	if err != nil {
		return false
	}
	if trouble == StallsAfterData && !t.sink.stall(t.domain, t.conn) {
		return false
	}
	t.sink.mu.Lock()
	t.sink.arrived[id]++
	t.sink.taken++
	t.sink.mu.Unlock()
	if trouble == ClosesAfterData {
		return false
	}
	t.say("250 2.0.0 taken")
	t.domain = ""
	return true
}

// message reads to the final dot and returns the delivery's ID, which the Message-ID begins with.
func (t *mailTalk) message() (id uuid.UUID, err error) {
	here := false // within the header Message-ID, which may be folded
	for {
		line, err := t.r.ReadSlice('\n')
		if err != nil {
			return id, err
		}
		if string(line) == ".\r\n" {
			return id, nil
		}
		here = id == uuid.Nil && (bytes.HasPrefix(line, []byte("Message-ID:")) || here && line[0] == ' ')
		if _, rest, ok := bytes.Cut(line, []byte("<")); here && ok {
			local, _, _ := bytes.Cut(rest, []byte("@"))
			id, _ = uuid.ParseBytes(local)
		}
	}
}
