package email

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Bounds on what a server may answer. RFC 5321 allows 512 bytes a line; real servers write longer
// ones. An EHLO answer has some twenty lines.
const (
	maxReplyLine  = 4096
	maxReplyLines = 128
	maxAnswer     = 1024
)

var (
	errGarbage = errors.New("the server's answer is not SMTP")
	errEndless = errors.New("the server's answer does not end")
)

// reply is one reply, of one or more lines with the same code (RFC 5321 section 4.2).
type reply struct {
	code     int
	enhanced string   // RFC 3463 code of the first line, when it fits the reply's class
	lines    []string // text after the code
}

func (r reply) positive() bool { return r.code >= 200 && r.code < 300 }

// answer is the reply on one line, cleaned and cut to size.
func (r reply) answer() string {
	return sanitize(fmt.Sprintf("%d %s", r.code, strings.Join(r.lines, " ")))
}

// readReply reads one reply and never keeps more of it than maxReplyLine × maxReplyLines bytes.
// r's buffer must be maxReplyLine long: that is what bounds a line.
func readReply(r *bufio.Reader) (reply, error) {
	var rep reply
	for range maxReplyLines {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, errEndless
		}
		if err != nil {
			return reply{}, err
		}
		code, text, last, ok := splitReplyLine(line)
		if !ok || (rep.code != 0 && rep.code != code) {
			return reply{}, errGarbage
		}
		rep.code = code
		rep.lines = append(rep.lines, string(text))
		if last {
			rep.enhanced = enhancedCode(rep.lines[0], code)
			return rep, nil
		}
	}
	return reply{}, errEndless
}

// splitReplyLine takes "250-text\r\n" apart. A bare line feed is forgiven.
func splitReplyLine(line []byte) (code int, text []byte, last, ok bool) {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, nil, false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, nil, true, true
	}
	return code, line[4:], line[3] == ' ', line[3] == ' ' || line[3] == '-'
}

// enhancedCode finds "5.1.1" at the start of text. One of another class than the reply is ignored
// (RFC 2034 section 4 requires them to agree).
func enhancedCode(text string, code int) string {
	word, _, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != string(rune('0'+code/100)) || code/100 == 3 {
		return ""
	}
	for _, part := range parts[1:] {
		if len(part) < 1 || len(part) > 3 || strings.ContainsFunc(part, notDigit) {
			return ""
		}
	}
	return word
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func notDigit(r rune) bool { return r < '0' || r > '9' }

// sanitize makes foreign text safe to log, store and show: valid UTF-8, no control or invisible
// formatting characters, at most maxAnswer bytes.
func sanitize(s string) string {
	if len(s) > 2*maxAnswer {
		s = s[:2*maxAnswer]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.TrimSpace(s)
	for len(s) > maxAnswer {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// isLost reports that the other side ended the connection.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// explain puts the commonest connection errors in words; the others speak for themselves.
func explain(err error) error {
	switch {
	case isLost(err):
		return fmt.Errorf("the server closed the connection: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the server did not answer in time: %w", err)
	}
	return err
}
