package email

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A message from prepared bodies is, byte for byte, the one that go-mail writes from the whole texts.
func TestPreparedBodiesGiveTheSameBytes(t *testing.T) {
	alphabet := []string{"a", "ä", "–", "=", " ", " ", "\t", ".", "\n", "\n", "\r\n", "€uro", "{x}", "{y}", "http://a.example/?b=c&d", strings.Repeat("lang ", 20)}
	text := func(t *rapid.T, label string) string {
		return "." + strings.Join(rapid.SliceOfN(rapid.SampledFrom(alphabet), 1, 60).Draw(t, label), "") + "\n"
	}
	composer := NewComposer(nil) // shared by all: its frames are for messages of one kind
	rapid.Check(t, func(t *rapid.T) {
		fill := strings.NewReplacer("{x}", rapid.SampledFrom([]string{"", "Zoë", "two\nlines ", "trailing "}).Draw(t, "x"), "{y}", "=?q?=").Replace
		m := anyMessage(t)
		m.Text, m.HTML = text(t, "text"), text(t, "html")
		fast := m
		fast.Text, fast.HTML = "", ""
		fast.TextEncoded, fast.HTMLEncoded = filled(t, m.Text, fill), filled(t, m.HTML, fill)
		m.Text, m.HTML = fill(m.Text), fill(m.HTML)
		want, err := NewComposer(nil).Compose(m)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the frame is made, then used
			got, err := composer.Compose(fast)
			if err != nil {
				t.Fatal(err)
			}
			if _, words, short := shortTo(fast.ToName, address{text: fast.To}); short && len(fast.Boundary) > 20 && len(fast.Subject) < 40 && composer.frames.byKind[kindOf(&fast, words)] == nil {
				t.Fatal("a usual message has no frame")
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Fatalf("from the whole texts and from prepared bodies (-whole +prepared):\n%s", diff)
			}
		}
	})
}

// anyMessage is one of many that share kinds, some with traps in what a frame takes for its own.
func anyMessage(t *rapid.T) Message {
	m := sampleMessage()
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	m.ToName = pick("name", "", "Kim", "Zoë", `O'Neil, "Q"`, "=?utf-8?q?x?=", "a\\b", strings.Repeat("Long Name ", 9), "  two  spaces ", "stand-in")
	m.To = pick("to", "a@b.example", "dpo@customer.example", strings.Repeat("x", 60)+"@long.example", "stand-in@to.invalid")
	m.MessageID = pick("id", "0197c1f2-7f3e-7a52-9d7c-3a0a1a2b3c4d", "0197c1f2-7f3e-7a52-9d7c-000000000000") + "@" + pick("domain", "a.example", "notices.publisher.example", strings.Repeat("d", 60)+".example")
	m.Subject = pick("subject", "Notice", "Mitteilung über eine Änderung", strings.Repeat("a long subject ", 12), "stand-in@to.invalid boundary-stand-in-stand-in-")
	m.Boundary = pick("boundary", "fn_0123456789abcdef01234567", "fn_aaaaaaaaaaaaaaaaaaaaaaaa", "short")
	m.ListUnsubscribe = pick("link", "", "https://a.example/unsubscribe/k1.abc", "https://a.example/unsubscribe/k1."+strings.Repeat("z", 90))
	m.OneClick = m.ListUnsubscribe != ""
	m.ReplyTo = pick("reply", "", "objections@publisher.example")
	m.Date = m.Date.AddDate(0, 0, rapid.IntRange(0, 40).Draw(t, "day"))
	return m
}

func filled(t *rapid.T, text string, fill func(string) string) Encoded {
	b, err := PrepareBody(text, func(line string) bool { return strings.Contains(line, "{") })
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.Fill(func(line string) (string, error) { return fill(line), nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPreparedBodiesRefuseWhatCantBeSent(t *testing.T) {
	open := func(line string) bool { return strings.Contains(line, "{") }
	var field *FieldError
	if _, err := PrepareBody("a\x00", open); !errors.As(err, &field) {
		t.Errorf("a control character in the fixed text: %v", err)
	}
	b, err := PrepareBody("fixed\n{x}", open)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x01", "\xff"} {
		if _, err := b.Fill(func(string) (string, error) { return bad, nil }); !errors.As(err, &field) {
			t.Errorf("%q in a value: %v", bad, err)
		}
	}
	missing := errors.New("no value")
	if _, err := b.Fill(func(string) (string, error) { return "", missing }); !errors.Is(err, missing) {
		t.Errorf("a value that is missing: %v", err)
	}
	m := sampleMessage()
	m.TextEncoded = Encoded("x\r\n")
	for name, change := range map[string]func(*Message){
		"given twice":     func(*Message) {},
		"one body only":   func(m *Message) { m.Text, m.HTML = "", "" },
		"the boundary in": func(m *Message) { m.Text, m.HTML, m.HTMLEncoded = "", "", Encoded("--"+m.Boundary+"\r\n") },
	} {
		bad := m
		change(&bad)
		if raw, err := NewComposer(nil).Compose(bad); !errors.As(err, &field) {
			t.Errorf("%s: %v\n%s", name, err, bytes.TrimSpace(raw))
		}
	}
}

func BenchmarkBody(b *testing.B) {
	m := sampleMessage()
	m.Text, m.HTML = strings.Repeat(m.Text, 40), strings.Repeat("<p>Ein Absatz, wie er in einer Mitteilung steht.</p>\n", 120)
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewComposer(nil).Compose(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	text, err := PrepareBody(m.Text+"{x}\n", func(line string) bool { return strings.Contains(line, "{") })
	if err != nil {
		b.Fatal(err)
	}
	html, err := PrepareBody(m.HTML+"{x}\n", func(line string) bool { return strings.Contains(line, "{") })
	if err != nil {
		b.Fatal(err)
	}
	m.Text, m.HTML, m.ToName = "", "", "Zoë"
	composer := NewComposer(nil)
	b.Run("prepared", func(b *testing.B) {
		for b.Loop() {
			m.TextEncoded, _ = text.Fill(func(string) (string, error) { return "Zoë\n", nil })
			m.HTMLEncoded, _ = html.Fill(func(string) (string, error) { return "Zoë\n", nil })
			if _, err := composer.Compose(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
