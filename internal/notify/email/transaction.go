package email

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Envelope is who a message is from and for, as the relay is told; the headers may say otherwise.
type Envelope struct {
	From string // bounces go here
	To   string
}

// keepBuffer is the largest write buffer that a connection keeps between messages.
const keepBuffer = 1 << 20

// envelope is an Envelope that was found safe to put into commands.
type envelope struct{ from, to address }

// checkEnvelope judges the addresses before anything is sent. A bad sender is the configuration's
// fault: every message has it, and none may be given up for it.
func checkEnvelope(e Envelope) (envelope, *Result) {
	from, err := parseAddress("From", e.From)
	if err != nil {
		return envelope{}, &Result{Outcome: Unreachable, Stage: StageMail, Answer: sanitize(err.Error())}
	}
	to, err := parseAddress("To", e.To)
	if err != nil {
		return envelope{}, &Result{Outcome: Permanent, Stage: StageRcpt, Enhanced: "5.1.3", Answer: sanitize(err.Error())}
	}
	return envelope{from, to}, nil
}

// checkContent makes sure that lines end with CRLF only and are at most 998 bytes (RFC 5321 section
// 4.5.3.1.6). A lone CR or LF is read differently from server to server, and a message must not be
// able to smuggle in a second one that way.
func checkContent(msg []byte) error {
	if len(msg) == 0 {
		return errors.New("the message is empty")
	}
	lines, rest := 0, msg
	for {
		cr := bytes.IndexByte(rest, '\r')
		if cr < 0 {
			break
		}
		if cr+1 == len(rest) || rest[cr+1] != '\n' {
			return errors.New("the message has a carriage return without a line feed")
		}
		if cr > 998 {
			return errors.New("the message has a line of more than 998 bytes")
		}
		lines, rest = lines+1, rest[cr+2:]
	}
	if len(rest) > 998 {
		return errors.New("the message has a line of more than 998 bytes")
	}
	if bytes.Count(msg, []byte{'\n'}) != lines {
		return errors.New("the message has a line feed without a carriage return")
	}
	return nil
}

// command is one line of the envelope and what it must be answered with.
type command struct {
	stage Stage
	line  string
	want  int // the hundreds of the code; DATA wants a 354, the others a 2xx
	reset bool
}

func (cmd command) accepted(rep reply) bool {
	if cmd.want == 3 {
		return rep.code == 354
	}
	return rep.positive()
}

// send gives one message to the server. A *failure means that the connection is no longer of use.
func (c *conn) send(env envelope, msg []byte) (Result, *failure) {
	c.sent++
	if res := c.cannot(env, len(msg)); res != nil {
		return *res, nil
	}
	commands := c.commands(env, msg)
	talk := c.step
	if c.ext.pipelining {
		talk = c.pipeline
	}
	c.needReset = true
	refusal, f := talk(commands)
	switch {
	case f != nil:
		return Result{}, f
	case refusal != nil:
		c.doubt = c.doubt || refusal.Outcome == Unreachable
		return *refusal, nil
	}
	return c.content(msg)
}

// cannot says in advance what the server has said it can't do.
func (c *conn) cannot(env envelope, size int) *Result {
	const noUTF8 = "the relay does not accept international addresses (SMTPUTF8)"
	switch {
	case env.from.utf8 && !c.ext.utf8:
		return &Result{Outcome: Unreachable, Stage: StageMail, Enhanced: "5.6.7", Answer: noUTF8}
	case env.to.utf8 && !c.ext.utf8:
		return &Result{Outcome: Permanent, Stage: StageRcpt, Enhanced: "5.6.7", Answer: noUTF8}
	case c.ext.maxSize > 0 && int64(size) > c.ext.maxSize:
		return &Result{Outcome: Permanent, Stage: StageMail, Enhanced: "5.3.4",
			Answer: fmt.Sprintf("the message has %d bytes; the relay takes at most %d", size, c.ext.maxSize)}
	}
	return nil
}

func (c *conn) commands(env envelope, msg []byte) []command {
	mail := "MAIL FROM:<" + env.from.text + ">"
	if c.ext.maxSize > 0 {
		mail += " SIZE=" + strconv.Itoa(len(msg))
	}
	if env.from.utf8 || env.to.utf8 {
		mail += " SMTPUTF8"
	}
	if c.ext.eightBit && has8Bit(msg) {
		mail += " BODY=8BITMIME"
	}
	list := make([]command, 0, 4)
	if c.needReset {
		list = append(list, command{StageMail, "RSET\r\n", 2, true})
	}
	return append(list,
		command{StageMail, mail + "\r\n", 2, false},
		command{StageRcpt, "RCPT TO:<" + env.to.text + ">\r\n", 2, false},
		command{StageData, "DATA\r\n", 3, false})
}

func has8Bit(msg []byte) bool {
	for _, b := range msg {
		if b >= 0x80 {
			return true
		}
	}
	return false
}

// step sends the envelope one command at a time and stops at the first refusal.
func (c *conn) step(commands []command) (*Result, *failure) {
	for _, cmd := range commands {
		if f := c.write(cmd.stage, []byte(cmd.line)); f != nil {
			return nil, f
		}
		rep, f := c.read(cmd.stage)
		if f != nil {
			return nil, f
		}
		if !cmd.accepted(rep) {
			return refusal(cmd, rep)
		}
	}
	return nil, nil
}

// refusal is a failure where the command was RSET: then it's the session that is of no use.
func refusal(cmd command, rep reply) (*Result, *failure) {
	if cmd.reset {
		f := badReply(cmd.stage, rep)
		f.lost = true
		return nil, f
	}
	res := refused(cmd.stage, rep)
	return &res, nil
}

// pipeline sends the envelope in one write (RFC 2920) and then matches each reply to its command.
// The first refusal is the reason; those after it ("need RCPT first") only follow from it.
func (c *conn) pipeline(commands []command) (*Result, *failure) {
	c.out = c.out[:0]
	for _, cmd := range commands {
		c.out = append(c.out, cmd.line...)
	}
	if f := c.write(StageMail, c.out); f != nil {
		return nil, f
	}
	var first *Result
	recipient, waiting := false, false
	for _, cmd := range commands {
		rep, f := c.read(cmd.stage)
		if f != nil && first != nil {
			c.doubt = true // the reason is known; what became of the connection is not
			return first, nil
		}
		if f != nil {
			return nil, f
		}
		recipient = recipient || cmd.stage == StageRcpt && rep.positive()
		waiting = rep.code == 354
		if cmd.accepted(rep) || first != nil {
			continue
		}
		if first, f = refusal(cmd, rep); f != nil {
			return nil, f
		}
	}
	if first != nil && waiting {
		c.endEmpty(recipient)
	}
	return first, nil
}

// endEmpty leaves the data phase that the server entered although it had refused the message: with a
// lone dot, so that nothing is delivered (RFC 2920 section 3.1). Where a recipient stands accepted the
// dot would deliver an empty message, so the connection is dropped instead.
func (c *conn) endEmpty(recipient bool) {
	if recipient {
		c.doubt = true
		return
	}
	if f := c.write(StageData, []byte(".\r\n")); f != nil {
		c.doubt = true
		return
	}
	if _, f := c.read(StageData); f != nil {
		c.doubt = true
	}
}

// content sends the message itself, in one write, and reads the verdict.
func (c *conn) content(msg []byte) (Result, *failure) {
	c.out = appendContent(c.out[:0], msg)
	f := c.write(StageData, c.out)
	if cap(c.out) > keepBuffer {
		c.out = nil
	}
	if f != nil {
		return c.interrupted(f)
	}
	rep, f := c.read(StageData)
	if f != nil {
		f.lost = false // nothing is certain now, so nothing is repeated on our own
		f.MaybeDelivered = f.Code == 0
		return Result{}, f
	}
	c.needReset = false // the end of the data ends the transaction, whatever the verdict
	if rep.positive() {
		return Result{Outcome: Accepted, Stage: StageData, Code: rep.code, Enhanced: rep.enhanced, Answer: rep.answer()}, nil
	}
	res := refused(StageData, rep)
	c.doubt = res.Outcome == Unreachable
	return res, nil
}

// interrupted looks for the reason why a server stopped reading in the middle of the message. The
// write failed, so the final dot never left whole and nothing was delivered.
func (c *conn) interrupted(f *failure) (Result, *failure) {
	closed := f.lost
	f.lost = false
	if !closed {
		return Result{}, f
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(time.Second))
	rep, err := readReply(c.r)
	if err != nil || rep.code < 400 {
		return Result{}, f
	}
	c.doubt = true
	return refused(StageData, rep), nil
}

// appendContent appends msg as DATA wants it: dots doubled at the start of lines, and the final dot
// (RFC 5321 section 4.5.2).
func appendContent(dst, msg []byte) []byte {
	if bytes.HasPrefix(msg, []byte(".")) {
		dst = append(dst, '.')
	}
	for {
		i := bytes.Index(msg, []byte("\n."))
		if i < 0 {
			break
		}
		dst = append(dst, msg[:i+1]...)
		dst = append(dst, '.')
		msg = msg[i+1:]
	}
	dst = append(dst, msg...)
	if !bytes.HasSuffix(msg, []byte("\r\n")) {
		dst = append(dst, "\r\n"...)
	}
	return append(dst, ".\r\n"...)
}
