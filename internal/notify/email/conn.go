package email

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
)

// conn is one SMTP session. It is used by one send at a time; only abort may be called beside it.
type conn struct {
	cfg *Config
	raw net.Conn // the TCP connection under nc
	nc  net.Conn // raw, or TLS over it
	r   *bufio.Reader
	ext extensions
	out []byte // what is written next; reused

	sent      int       // messages begun on this connection
	idleSince time.Time // when it was last put back
	needReset bool      // a refused message may have left the server's transaction open
	doubt     bool      // not to be used again
}

// extensions is what the server offered in answer to the last EHLO.
type extensions struct {
	pipelining, startTLS, eightBit, utf8 bool
	maxSize                              int64 // 0: none declared
	auth                                 []string
}

// open brings a fresh connection to the point where messages can be sent.
func (c *conn) open(tlsConfig *tls.Config) *failure {
	if c.cfg.ImplicitTLS {
		if f := c.handshake(tlsConfig); f != nil {
			return f
		}
	}
	rep, f := c.read(StageConnect)
	if f != nil {
		return f
	}
	if rep.code != 220 {
		return badReply(StageConnect, rep)
	}
	if f := c.ehlo(); f != nil {
		return f
	}
	if !c.cfg.ImplicitTLS && c.cfg.TLSPolicy == TLSRequired {
		if f := c.startTLS(tlsConfig); f != nil {
			return f
		}
	}
	if c.cfg.User == "" {
		return nil
	}
	return c.authenticate()
}

// abort breaks off whatever the connection is waiting for.
func (c *conn) abort() { _ = c.raw.Close() }

// quit takes leave and closes. It does not wait for the server's goodbye.
func (c *conn) quit() {
	_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.nc.Write([]byte("QUIT\r\n"))
	_ = c.nc.Close()
}

func (c *conn) write(stage Stage, data []byte) *failure {
	if err := c.nc.SetWriteDeadline(time.Now().Add(c.cfg.Timeouts.Reply)); err != nil {
		return unreachable(stage, err)
	}
	if _, err := c.nc.Write(data); err != nil {
		return unreachable(stage, err)
	}
	return nil
}

// read returns the next reply. The deadline is for the whole reply, so that a server that sends
// a byte now and then cannot hold us. A 421 may answer any command and always means the end.
func (c *conn) read(stage Stage) (reply, *failure) {
	if err := c.nc.SetReadDeadline(time.Now().Add(c.cfg.Timeouts.Reply)); err != nil {
		return reply{}, unreachable(stage, err)
	}
	rep, err := readReply(c.r)
	if err != nil {
		return reply{}, unreachable(stage, err)
	}
	if rep.code == 421 {
		return rep, badReply(stage, rep)
	}
	return rep, nil
}

// command sends one line and waits for its reply. The line must hold nothing that came from outside.
func (c *conn) command(stage Stage, line string) (reply, *failure) {
	if f := c.write(stage, []byte(line+"\r\n")); f != nil {
		return reply{}, f
	}
	return c.read(stage)
}

func (c *conn) ehlo() *failure {
	rep, f := c.command(StageConnect, "EHLO "+c.localName())
	if f != nil {
		return f
	}
	if rep.code != 250 {
		return badReply(StageConnect, rep)
	}
	c.ext = parseExtensions(rep.lines[1:])
	return nil
}

// localName is the configured name, or the address literal of our end (RFC 5321 section 4.1.4):
// a machine's own idea of its name is often not one that the relay can look up.
func (c *conn) localName() string {
	if c.cfg.LocalName != "" {
		return c.cfg.LocalName
	}
	addr, ok := c.raw.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case addr.IP.To4() != nil:
		return "[" + addr.IP.String() + "]"
	}
	return "[IPv6:" + addr.IP.String() + "]"
}

func parseExtensions(lines []string) extensions {
	var ext extensions
	for _, line := range lines {
		words := strings.Fields(strings.ToUpper(strings.Replace(line, "=", " ", 1))) // "AUTH=LOGIN" is an old form
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "PIPELINING":
			ext.pipelining = true
		case "STARTTLS":
			ext.startTLS = true
		case "8BITMIME":
			ext.eightBit = true
		case "SMTPUTF8":
			ext.utf8 = true
		case "AUTH":
			ext.auth = append(ext.auth, words[1:]...)
		case "SIZE":
			if len(words) > 1 {
				ext.maxSize, _ = strconv.ParseInt(words[1], 10, 64) // unreadable counts as undeclared
			}
		}
	}
	return ext
}

func (c *conn) startTLS(tlsConfig *tls.Config) *failure {
	if !c.ext.startTLS {
		return unreachable(StageTLS, errors.New("the server does not offer STARTTLS; "+
			"use smtps://, or add ?tls=off to SMTP_URL if the way to it is safe"))
	}
	rep, f := c.command(StageTLS, "STARTTLS")
	if f != nil {
		return f
	}
	if rep.code != 220 {
		return badReply(StageTLS, rep)
	}
	// Bytes that came in the clear after the 220 would be taken for answers from inside TLS
	// (the family of CVE-2011-0411): somebody on the way put them there.
	if c.r.Buffered() > 0 {
		return unreachable(StageTLS, errors.New("the server's answer to STARTTLS is followed by more in the clear"))
	}
	if f := c.handshake(tlsConfig); f != nil {
		return f
	}
	return c.ehlo() // what was offered in the clear is forgotten (RFC 3207 section 4.2)
}

func (c *conn) handshake(tlsConfig *tls.Config) *failure {
	tc := tls.Client(c.raw, tlsConfig)
	if err := c.raw.SetDeadline(time.Now().Add(c.cfg.Timeouts.Connect)); err != nil {
		return unreachable(StageTLS, err)
	}
	if err := tc.Handshake(); err != nil { //nolint:noctx // the send's end closes the connection under it
		return unreachable(StageTLS, err)
	}
	c.nc = tc
	c.r.Reset(tc)
	return nil
}

// authenticate logs in. That it fails is the configuration's fault and never the recipient's.
func (c *conn) authenticate() *failure {
	if !c.secret() {
		return unreachable(StageAuth, errors.New("the password is not sent in the clear; remove ?tls=off from SMTP_URL"))
	}
	client, f := c.mechanism()
	if f != nil {
		return f
	}
	mech, initial, err := client.Start()
	if err != nil {
		return unreachable(StageAuth, err)
	}
	rep, f := c.command(StageAuth, "AUTH "+mech+" "+base64.StdEncoding.EncodeToString(initial))
	// PLAIN needs no further step and LOGIN two at most.
	for step := 0; f == nil && rep.code == 334 && step < 3; step++ {
		rep, f = c.answerChallenge(client, initial, rep)
	}
	switch {
	case f != nil:
		return f
	case rep.code != 235:
		return badReply(StageAuth, rep)
	}
	return nil
}

// answerChallenge takes one step of LOGIN. Servers disagree on the wording of its two questions, and
// some ask for the user although it was given with the command.
func (c *conn) answerChallenge(client sasl.Client, initial []byte, rep reply) (reply, *failure) {
	challenge, err := base64.StdEncoding.DecodeString(rep.lines[0])
	question := strings.ToLower(string(challenge))
	var response []byte
	switch {
	case err != nil:
	case strings.HasPrefix(question, "user"):
		response = initial
	case strings.HasPrefix(question, "pass"):
		response, err = client.Next([]byte("Password:"))
	default:
		response, err = client.Next(challenge)
	}
	if err != nil {
		return c.command(StageAuth, "*") // gives up the exchange (RFC 4954 section 4)
	}
	return c.command(StageAuth, base64.StdEncoding.EncodeToString(response))
}

func (c *conn) mechanism() (sasl.Client, *failure) {
	switch {
	case slices.Contains(c.ext.auth, sasl.Plain):
		return sasl.NewPlainClient("", c.cfg.User, c.cfg.Password), nil
	case slices.Contains(c.ext.auth, sasl.Login):
		return sasl.NewLoginClient(c.cfg.User, c.cfg.Password), nil
	case len(c.ext.auth) == 0:
		return nil, unreachable(StageAuth, errors.New("the server offers no authentication; remove the user from SMTP_URL, or check the port"))
	}
	return nil, unreachable(StageAuth, fmt.Errorf("the server offers only the authentication mechanisms %s; PLAIN and LOGIN are known here",
		strings.Join(c.ext.auth, " ")))
}

// secret reports that nobody on the network can listen.
func (c *conn) secret() bool {
	if _, ok := c.nc.(*tls.Conn); ok {
		return true
	}
	addr, ok := c.raw.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}
