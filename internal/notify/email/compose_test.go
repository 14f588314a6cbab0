package email

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func sampleMessage() Message {
	return Message{
		From: "privacy@notices.publisher.example", FromName: "Acme Datenschutz, Büro Köln",
		ReplyTo: "objections@publisher.example",
		To:      "dpo@customer.example", ToName: "Zoë “Z” O'Neil",
		Subject:   "Neuer Unterauftragsverarbeiter: Wolkenspeicher GmbH (SP-2026-014), wirksam ab 1. März 2027 – Widerspruch bis 31. Januar 2027",
		Text:      "Guten Tag,\n\nwir planen den Einsatz von Wolkenspeicher GmbH.\n.\n..Punkte am Zeilenanfang\n",
		HTML:      "<p>Guten Tag,</p>\n<p>wir planen den Einsatz von <b>Wolkenspeicher&nbsp;GmbH</b>. " + strings.Repeat("Ein langer Absatz ohne Zeilenende. ", 60) + "</p>",
		MessageID: "0197c1f2-7f3e-7a52-9d7c-3a0a1a2b3c4d@notices.publisher.example", Boundary: "fairnotice-0197c1f2-1",
		Date:            time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("CET", 3600)),
		ListUnsubscribe: "https://trust.publisher.example/u/" + strings.Repeat("k9f3", 20), OneClick: true,
		Headers: map[string]string{"Content-Language": "de", "X-Fairnotice-Reference": "SP-2026-014"},
	}
}

func compose(t *testing.T, d *DKIM, m Message) []byte {
	t.Helper()
	msg, err := NewComposer(d).Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestComposeIsReadAsItWasMeant(t *testing.T) {
	m := sampleMessage()
	raw := compose(t, nil, m)
	if err := checkContent(raw); err != nil {
		t.Fatal(err)
	}
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	decoder := new(mime.WordDecoder)
	got := map[string]string{}
	for name := range parsed.Header {
		if got[name], err = decoder.DecodeHeader(parsed.Header.Get(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	from, err := parsed.Header.AddressList("From")
	if err != nil {
		t.Fatal(err)
	}
	to, err := parsed.Header.AddressList("To")
	if err != nil {
		t.Fatal(err)
	}
	delete(got, "From")
	delete(got, "To")
	want := map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Language": "de", "X-Fairnotice-Reference": "SP-2026-014",
		"Content-Type": "multipart/alternative; boundary=fairnotice-0197c1f2-1", "Mime-Version": "1.0",
		"Date":             "Sun, 22 Nov 2026 08:30:00 +0000",
		"List-Unsubscribe": "<" + m.ListUnsubscribe + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Message-Id": "<" + m.MessageID + ">", "Reply-To": "<objections@publisher.example>", "Subject": m.Subject,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	people := []*netmail.Address{{Name: m.FromName, Address: m.From}, {Name: m.ToName, Address: m.To}}
	if diff := cmp.Diff(people, append(from, to...)); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	wantParts := []part{{"text/plain; charset=UTF-8", m.Text}, {"text/html; charset=UTF-8", m.HTML + "\n"}}
	if diff := cmp.Diff(wantParts, readParts(t, parsed.Body, m.Boundary)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

type part struct{ Type, Body string }

func readParts(t *testing.T, body io.Reader, boundary string) []part {
	t.Helper()
	var parts []part
	reader := multipart.NewReader(body, boundary)
	for {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
			t.Errorf("part is encoded as %q", enc)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{p.Header.Get("Content-Type"), strings.ReplaceAll(string(text), "\r\n", "\n")})
	}
}

// The bytes are rebuilt from the message's values long after, in another zone, and by another process.
func TestComposeRebuildsTheBytes(t *testing.T) {
	for name, key := range dkimKeys(t) {
		t.Run(name, func(t *testing.T) {
			m := sampleMessage()
			first := compose(t, key, m)
			for range 20 { // map order and random defaults would show
				m.Date = m.Date.In(time.FixedZone("somewhere", -7*3600))
				m.Headers = map[string]string{"X-Fairnotice-Reference": "SP-2026-014", "Content-Language": "de"}
				if diff := cmp.Diff(string(first), string(compose(t, key, m))); diff != "" {
					t.Fatalf("(-first +again):\n%s", diff)
				}
			}
		})
	}
}

func dkimKeys(t testing.TB) map[string]*DKIM {
	t.Helper()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]*DKIM{"none": nil}
	for name, key := range map[string]crypto.Signer{"ed25519": edKey, "rsa": rsaKey} {
		if keys[name], err = ParseDKIM("publisher.example", "notices2026", pkcs8(t, key)); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func pkcs8(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// verify checks the signature with go-msgauth, against the record that we tell people to publish.
func verify(t *testing.T, d *DKIM, msg []byte) *dkim.Verification {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(msg), &dkim.VerifyOptions{
		LookupTXT: func(domain string) ([]string, error) {
			name, value, err := d.Record()
			if domain != name {
				t.Errorf("looked up %s, the record is at %s", domain, name)
			}
			return []string{value}, err
		}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d signatures, %v", len(found), err)
	}
	return found[0]
}

func TestDKIMSignatureVerifies(t *testing.T) {
	for name, key := range dkimKeys(t) {
		if key == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			full, plain := sampleMessage(), sampleMessage()
			plain.ListUnsubscribe, plain.OneClick, plain.HTML, plain.Boundary = "", false, "", ""
			for _, m := range []Message{full, plain} {
				got := verify(t, key, compose(t, key, m))
				if got.Err != nil || got.Domain != "publisher.example" || !got.Time.Equal(m.Date) {
					t.Errorf("verification: %+v", got)
				}
				signed := strings.Join(got.HeaderKeys, " ")
				for _, header := range []string{"From", "Subject", "List-Unsubscribe-Post"} {
					if want := header != "List-Unsubscribe-Post" || m.OneClick; strings.Contains(signed, header) != want {
						t.Errorf("%s signed: %v; signed are %s", header, !want, signed)
					}
				}
			}
		})
	}
}

func TestDKIMSignatureNoticesTampering(t *testing.T) {
	key := dkimKeys(t)["ed25519"]
	msg := string(compose(t, key, sampleMessage()))
	for name, tampered := range map[string]string{
		"text":              strings.Replace(msg, "Wolkenspeicher", "Volkenspeicher", 1),
		"unsubscribe link":  strings.Replace(msg, "https://trust.", "https://crust.", 1),
		"another subject":   strings.Replace(msg, "\r\nDate:", "\r\nSubject: other\r\nDate:", 1),
		"another type":      strings.Replace(msg, "\r\nDate:", "\r\nContent-Type: text/plain\r\nDate:", 1),
		"another recipient": strings.Replace(msg, "dpo@customer", "dp0@customer", 1),
	} {
		if tampered == msg {
			t.Fatalf("%s: nothing changed", name)
		}
		if got := verify(t, key, []byte(tampered)); got.Err == nil {
			t.Errorf("%s: still verifies", name)
		}
	}
}

// go-mail folds the signature's tags in the middle once a tag is longer than a line (see joinTags).
func TestDKIMSignatureWithLongNames(t *testing.T) {
	key := dkimKeys(t)["ed25519"]
	rapid.Check(t, func(rt *rapid.T) {
		label := rapid.StringMatching(`[a-z]{1,60}`)
		d := &DKIM{
			domain:   label.Draw(rt, "domain") + "." + label.Draw(rt, "domain2") + ".example",
			selector: label.Draw(rt, "selector"), key: key.key,
		}
		msg, err := NewComposer(d).Compose(sampleMessage())
		if err != nil {
			rt.Fatal(err)
		}
		if got := verify(t, d, msg); got.Err != nil {
			rt.Fatalf("%v\n%s", got.Err, msg)
		}
		if err := checkContent(msg); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestOnlyFollowersCanUnsubscribe(t *testing.T) {
	follower, contract := sampleMessage(), sampleMessage()
	contract.ListUnsubscribe, contract.OneClick = "", false
	if !bytes.Contains(compose(t, nil, follower), []byte("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")) {
		t.Error("a follower's mail lacks List-Unsubscribe-Post")
	}
	if msg := compose(t, nil, contract); bytes.Contains(msg, []byte("List-Unsubscribe")) {
		t.Errorf("a contract recipient's mail has List-Unsubscribe:\n%s", msg)
	}
	link := sampleMessage()
	link.OneClick = false
	if msg := compose(t, nil, link); !bytes.Contains(msg, []byte("List-Unsubscribe: <https://")) || bytes.Contains(msg, []byte("-Post")) {
		t.Errorf("a link without one click:\n%s", msg)
	}
}

func TestComposeSaysNothingOfItsMaker(t *testing.T) {
	msg := strings.ToLower(string(compose(t, dkimKeys(t)["rsa"], sampleMessage())))
	for _, word := range []string{"user-agent", "x-mailer", "go-mail"} {
		if strings.Contains(msg, word) {
			t.Errorf("the message has %q", word)
		}
	}
}

func TestComposeRefuses(t *testing.T) {
	tests := map[string]struct {
		field string
		spoil func(*Message)
	}{
		"no sender":                   {"From", func(m *Message) { m.From = "" }},
		"sender without @":            {"From", func(m *Message) { m.From = "privacy" }},
		"recipient with header":       {"To", func(m *Message) { m.To = "a@b.example>\r\nBcc: <x@y.example" }},
		"recipient with command":      {"To", func(m *Message) { m.To = "a@b.example>\nRCPT TO:<x@y.example" }},
		"recipient with NUL":          {"To", func(m *Message) { m.To = "a\x00@b.example" }},
		"two recipients":              {"To", func(m *Message) { m.To = "a@b.example,c@d.example" }},
		"display name in recipient":   {"To", func(m *Message) { m.To = "A <a@b.example>" }},
		"empty label":                 {"To", func(m *Message) { m.To = "a@b..example" }},
		"double dot":                  {"To", func(m *Message) { m.To = "a..b@b.example" }},
		"long local part":             {"To", func(m *Message) { m.To = strings.Repeat("a", 65) + "@b.example" }},
		"bad international domain":    {"To", func(m *Message) { m.To = "a@bü\u200ecker.example" }},
		"reply address":               {"ReplyTo", func(m *Message) { m.ReplyTo = "nobody" }},
		"name with line break":        {"ToName", func(m *Message) { m.ToName = "Eve\r\nBcc: x@y.example" }},
		"name with line separator":    {"FromName", func(m *Message) { m.FromName = "Eve\u2028Bcc" }},
		"long name":                   {"ToName", func(m *Message) { m.ToName = strings.Repeat("n", 201) }},
		"no subject":                  {"Subject", func(m *Message) { m.Subject = "" }},
		"subject with LF":             {"Subject", func(m *Message) { m.Subject = "a\nBcc: x@y.example" }},
		"subject with CR":             {"Subject", func(m *Message) { m.Subject = "a\rBcc: x@y.example" }},
		"subject with NEL":            {"Subject", func(m *Message) { m.Subject = "a\u0085b" }},
		"subject not UTF-8":           {"Subject", func(m *Message) { m.Subject = "a\xff" }},
		"long subject":                {"Subject", func(m *Message) { m.Subject = strings.Repeat("s", 501) }},
		"no text":                     {"Text", func(m *Message) { m.Text = "" }},
		"text with NUL":               {"Text", func(m *Message) { m.Text = "a\x00b" }},
		"text with C1 control":        {"Text", func(m *Message) { m.Text = "a\u009fb" }},
		"HTML not UTF-8":              {"HTML", func(m *Message) { m.HTML = "\xc3" }},
		"no message ID":               {"MessageID", func(m *Message) { m.MessageID = "" }},
		"message ID with brackets":    {"MessageID", func(m *Message) { m.MessageID = "<a@b.example>" }},
		"message ID with line break":  {"MessageID", func(m *Message) { m.MessageID = "a@b.example>\r\nX: y" }},
		"no date":                     {"Date", func(m *Message) { m.Date = time.Time{} }},
		"no boundary":                 {"Boundary", func(m *Message) { m.Boundary = "" }},
		"boundary with space":         {"Boundary", func(m *Message) { m.Boundary = "a b" }},
		"boundary in the text":        {"Boundary", func(m *Message) { m.Text += "--" + m.Boundary }},
		"one click without link":      {"ListUnsubscribe", func(m *Message) { m.ListUnsubscribe = "" }},
		"unsubscribe in the clear":    {"ListUnsubscribe", func(m *Message) { m.ListUnsubscribe = "http://publisher.example/u" }},
		"unsubscribe with line break": {"ListUnsubscribe", func(m *Message) { m.ListUnsubscribe = "https://publisher.example/\r\nX: y" }},
		"unsubscribe with bracket":    {"ListUnsubscribe", func(m *Message) { m.ListUnsubscribe = "https://publisher.example/>,<mailto:x@y.example" }},
		"unsubscribe by mail":         {"ListUnsubscribe", func(m *Message) { m.ListUnsubscribe = "mailto:x@y.example" }},
		"a header of ours":            {"Headers", func(m *Message) { m.Headers = map[string]string{"bCC": "x@y.example"} }},
		"a header's name":             {"Headers", func(m *Message) { m.Headers = map[string]string{"X: y\r\nBcc": "x"} }},
		"a header twice":              {"Headers", func(m *Message) { m.Headers = map[string]string{"X-a": "1", "X-A": "2"} }},
		"a header's value":            {"X-Note", func(m *Message) { m.Headers = map[string]string{"X-Note": "a\r\nBcc: x"} }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := sampleMessage()
			test.spoil(&m)
			_, err := NewComposer(nil).Compose(m)
			var wrong *FieldError
			if !errors.As(err, &wrong) || wrong.Field != test.field {
				t.Errorf("want a FieldError for %s, got %v", test.field, err)
			}
		})
	}
}

// Whatever a subject and names hold, they arrive as they are, and no header is added.
func TestHeaderTextSurvives(t *testing.T) {
	printable := rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune("aZ=?_<>\"',;:\\ é–日😀")), rapid.RuneFrom([]rune("ab ="))), 1, 90, 200)
	decoder := new(mime.WordDecoder)
	rapid.Check(t, func(rt *rapid.T) {
		m := sampleMessage()
		m.Subject, m.ToName = printable.Draw(rt, "subject"), printable.Draw(rt, "name")
		raw, err := NewComposer(nil).Compose(m)
		if err != nil {
			rt.Fatal(err)
		}
		if err := checkContent(raw); err != nil {
			rt.Fatal(err)
		}
		parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			rt.Fatal(err)
		}
		if len(parsed.Header) != 13 {
			rt.Fatalf("%d headers:\n%s", len(parsed.Header), raw)
		}
		subject, err := decoder.DecodeHeader(parsed.Header.Get("Subject"))
		if err != nil || subject != squeeze(m.Subject) {
			rt.Fatalf("subject %q arrives as %q, %v", m.Subject, subject, err)
		}
		to, err := parsed.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != m.To || strings.TrimSpace(to[0].Name) != squeeze(m.ToName) {
			rt.Fatalf("name %q arrives as %v, %v", m.ToName, to, err)
		}
	})
}

func TestAddressInOtherScripts(t *testing.T) {
	m := sampleMessage()
	m.To = "dpo@bücher.example"
	if msg := compose(t, nil, m); !bytes.Contains(msg, []byte("<dpo@xn--bcher-kva.example>")) {
		t.Errorf("the domain is not in its ASCII form:\n%s", msg)
	}
	m.To = "büro@bücher.example"
	if msg := compose(t, nil, m); !bytes.Contains(msg, []byte("<büro@xn--bcher-kva.example>")) {
		t.Errorf("the local part is not kept:\n%s", msg)
	}
}

func TestParseDKIMRefuses(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // lets us make, and read, a key that is too short
	smallKey, err := rsa.GenerateKey(rand.Reader, 768)
	if err != nil {
		t.Fatal(err)
	}
	small := pkcs8(t, smallKey)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := pkcs8(t, edKey)
	block := func(kind, body string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(body)})
	}
	tests := map[string]struct {
		domain, selector string
		key              []byte
		want             string
	}{
		"domain":     {"publisher", "s", good, "DKIM domain"},
		"selector":   {"publisher.example", "s s", good, "DKIM selector"},
		"not PEM":    {"publisher.example", "s", []byte("MC4CAQAw"), "not in PEM form"},
		"empty":      {"publisher.example", "s", nil, "not in PEM form"},
		"two keys":   {"publisher.example", "s", append(bytes.Clone(good), good...), "follows the first"},
		"public":     {"publisher.example", "s", block("PUBLIC KEY", "x"), "public half"},
		"encrypted":  {"publisher.example", "s", block("ENCRYPTED PRIVATE KEY", "x"), "passphrase"},
		"wrong kind": {"publisher.example", "s", block("EC PRIVATE KEY", "x"), "neither an RSA key"},
		"garbage":    {"publisher.example", "s", block("PRIVATE KEY", "x"), "neither an RSA key"},
		"short RSA":  {"publisher.example", "s", small, "768 bits is too short"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDKIM(test.domain, test.selector, test.key)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want an error with %q, got %v", test.want, err)
			}
		})
	}
}

func BenchmarkCompose(b *testing.B) {
	m := sampleMessage()
	m.Text = strings.Repeat("Wir planen den Einsatz eines weiteren Unterauftragsverarbeiters für die Speicherung.\n", 40)
	m.HTML = strings.Repeat("<p>Wir planen den Einsatz eines weiteren <b>Unterauftragsverarbeiters</b> für die Speicherung.</p>\n", 80)
	for _, name := range []string{"none", "ed25519", "rsa"} {
		composer := NewComposer(dkimKeys(b)[name])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := composer.Compose(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
