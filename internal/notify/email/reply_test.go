package email

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func readString(s string) (reply, error) {
	return readReply(bufio.NewReaderSize(strings.NewReader(s), maxReplyLine))
}

func TestReadReply(t *testing.T) {
	tests := map[string]struct {
		want   reply
		answer string
	}{
		"250 ok\r\n":          {reply{code: 250, lines: []string{"ok"}}, "250 ok"},
		"250\r\n":             {reply{code: 250, lines: []string{""}}, "250"},
		"250 ok\n":            {reply{code: 250, lines: []string{"ok"}}, "250 ok"},
		"354 go on\r\n":       {reply{code: 354, lines: []string{"go on"}}, "354 go on"},
		"250 2.0.0 ok\r\n":    {reply{code: 250, enhanced: "2.0.0", lines: []string{"2.0.0 ok"}}, "250 2.0.0 ok"},
		"550 5.1.1\r\n":       {reply{code: 550, enhanced: "5.1.1", lines: []string{"5.1.1"}}, "550 5.1.1"},
		"450 4.7.123 x\r\n":   {reply{code: 450, enhanced: "4.7.123", lines: []string{"4.7.123 x"}}, "450 4.7.123 x"},
		"450 5.1.1 x\r\n":     {reply{code: 450, lines: []string{"5.1.1 x"}}, "450 5.1.1 x"},
		"550 5.1.1234 x\r\n":  {reply{code: 550, lines: []string{"5.1.1234 x"}}, "550 5.1.1234 x"},
		"550 5.1 x\r\n":       {reply{code: 550, lines: []string{"5.1 x"}}, "550 5.1 x"},
		"550 5.1.1.1 x\r\n":   {reply{code: 550, lines: []string{"5.1.1.1 x"}}, "550 5.1.1.1 x"},
		"354 3.0.0 go on\r\n": {reply{code: 354, lines: []string{"3.0.0 go on"}}, "354 3.0.0 go on"},
		"550-5.7.1 not\r\n550-5.7.1 you\r\n550 5.7.1 again\r\n": {
			reply{code: 550, enhanced: "5.7.1", lines: []string{"5.7.1 not", "5.7.1 you", "5.7.1 again"}},
			"550 5.7.1 not 5.7.1 you 5.7.1 again"},
	}
	for raw, test := range tests {
		got, err := readString(raw)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", raw, diff)
		}
		if diff := cmp.Diff(test.answer, got.answer()); diff != "" {
			t.Errorf("%q answer (-want +got):\n%s", raw, diff)
		}
	}
}

func TestReadReplyRefuses(t *testing.T) {
	tests := map[string]error{
		"":                                  io.EOF,
		"250 ok":                            io.EOF,
		"250-ok\r\n":                        io.EOF,
		"\r\n":                              errGarbage,
		"25 ok\r\n":                         errGarbage,
		"150 ok\r\n":                        errGarbage,
		"650 ok\r\n":                        errGarbage,
		"250ok\r\n":                         errGarbage,
		"250_ok\r\n":                        errGarbage,
		"HTTP/1.1 400 Bad Request\r\n":      errGarbage,
		"250-ok\r\n550 no\r\n":              errGarbage,
		"250-" + strings.Repeat("x", 5000):  errEndless,
		strings.Repeat("250-more\r\n", 200): errEndless,
	}
	for raw, want := range tests {
		if _, err := readString(raw); !errors.Is(err, want) {
			t.Errorf("%.40q: want %v, got %v", raw, want, err)
		}
	}
}

func TestAnswerIsCleaned(t *testing.T) {
	tests := map[string]string{
		"550 a\x00b\x1b[31mc\r\n":     "550 a b [31mc",
		"550 caf\xe9\r\n":             "550 caf\uFFFD",
		"550 a\u202Eb\u200Bc\r\n":     "550 a b c",
		"550 Empfänger unbekannt\r\n": "550 Empfänger unbekannt",
	}
	for raw, want := range tests {
		r, err := readString(raw)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		if got := r.answer(); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
	long := reply{code: 550, lines: []string{strings.Repeat("ü", 3000)}}
	if got := long.answer(); len(got) > maxAnswer || len(got) < maxAnswer-4 || !utf8.ValidString(got) {
		t.Errorf("a long answer is cut to %d bytes", len(got))
	}
}

func TestRefusedCodes(t *testing.T) {
	tests := []struct {
		stage Stage
		raw   string
		want  Outcome
	}{
		{StageMail, "550 5.7.1 not this sender", Permanent},
		{StageMail, "552 5.3.4 too big", Permanent},
		{StageMail, "452 4.3.1 disk full", Temporary},
		{StageMail, "530 5.7.0 authenticate first", Unreachable},
		{StageMail, "503 who are you", Unreachable},
		{StageMail, "501 5.1.7 bad sender syntax", Unreachable},
		{StageMail, "555 5.5.4 unknown parameter", Unreachable},
		{StageMail, "250 what", Unreachable},
		{StageRcpt, "550 5.1.1 unknown", Permanent},
		{StageRcpt, "501 5.1.3 bad address syntax", Permanent},
		{StageRcpt, "450 4.2.0 greylisted", Temporary},
		{StageRcpt, "452 4.2.2 full", Temporary},
		{StageRcpt, "552 5.2.2 mailbox full", Temporary},
		{StageRcpt, "552 too many", Temporary},
		{StageRcpt, "421 4.3.2 going down", Unreachable},
		{StageRcpt, "354 what", Unreachable},
		{StageData, "552 5.2.2 mailbox full", Temporary},
		{StageData, "552 5.3.4 too big", Permanent},
		{StageData, "552 too big", Permanent},
		{StageData, "554 5.7.1 spam", Permanent},
		{StageData, "451 4.3.0 later", Temporary},
	}
	for _, test := range tests {
		r, err := readString(test.raw + "\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := refused(test.stage, r); got.Outcome != test.want {
			t.Errorf("%q at %s: %s, want %s", test.raw, test.stage, got.Outcome, test.want)
		}
	}
}

func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{"250 ok\r\n", "250-a\r\n250 2.1.0 b\r\n", "550 5.1.1 \xff\r\n", "354\r\n", "25", "250-\n250-\n", "421 4.0.0\r\n250 ok\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := readString(raw)
		if err != nil {
			return
		}
		if r.code < 200 || r.code > 599 || len(r.lines) == 0 || len(r.lines) > maxReplyLines {
			t.Errorf("%q is read as %+v", raw, r)
		}
		if r.enhanced != "" && (r.enhanced[0] != raw[0] || !strings.HasPrefix(r.lines[0], r.enhanced)) {
			t.Errorf("%q has the enhanced code %q", raw, r.enhanced)
		}
		answer := r.answer()
		if len(answer) > maxAnswer || !utf8.ValidString(answer) || strings.ContainsFunc(answer, unicode.IsControl) {
			t.Errorf("%q is answered as %q", raw, answer)
		}
		// Reading again what was read gives the same.
		again := ""
		for i, line := range r.lines {
			mark := "-"
			if i == len(r.lines)-1 {
				mark = " "
			}
			again += raw[:3] + mark + line + "\r\n"
		}
		r2, err := readString(again)
		if diff := cmp.Diff(r, r2, cmp.AllowUnexported(reply{})); err != nil || diff != "" {
			t.Errorf("%q (-first +again): %v\n%s", raw, err, diff)
		}
	})
}
