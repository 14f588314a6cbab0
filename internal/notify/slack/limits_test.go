package slack_test

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"fairnotice/internal/notify/slack"
)

func repeated(block string, n int) json.RawMessage {
	return json.RawMessage("[" + strings.TrimSuffix(strings.Repeat(block+",", n), ",") + "]")
}

func text(kind, s string) string {
	quoted, _ := json.Marshal(s)
	return fmt.Sprintf(`{"type":%q,"text":%s}`, kind, quoted)
}

func one(format string, args ...any) json.RawMessage {
	return json.RawMessage("[" + fmt.Sprintf(format, args...) + "]")
}

// Slack's own limits, in figures and not by the constants: n of something passes, one more doesn't.
func TestCheckKnowsSlacksLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		build func(n int) json.RawMessage
		want  string
	}{
		{"blocks", 50, func(n int) json.RawMessage { return repeated(`{"type":"divider"}`, n) }, "51 blocks: Slack takes 1 to 50"},
		{"section", 3000, func(n int) json.RawMessage {
			return one(`{"type":"divider"},{"type":"section","text":%s}`, text("mrkdwn", strings.Repeat("ü", n)))
		}, "block 2 (section): text has 3001 characters: Slack takes 1 to 3000"},
		{"header", 150, func(n int) json.RawMessage {
			return one(`{"type":"header","text":%s}`, text("plain_text", strings.Repeat("x", n)))
		}, "block 1 (header): text has 151 characters: Slack takes 1 to 150"},
		{"fields", 10, func(n int) json.RawMessage {
			return one(`{"type":"section","fields":%s}`, repeated(text("mrkdwn", "x"), n))
		}, "block 1 (section): 11 fields: Slack takes 1 to 10"},
		{"field", 2000, func(n int) json.RawMessage {
			return one(`{"type":"section","fields":[%s,%s]}`, text("mrkdwn", "x"), text("mrkdwn", strings.Repeat("x", n)))
		}, "block 1 (section): field has 2001 characters: Slack takes 1 to 2000"},
		{"context elements", 10, func(n int) json.RawMessage {
			return one(`{"type":"context","elements":%s}`, repeated(text("mrkdwn", "x"), n))
		}, "block 1 (context): 11 elements: Slack takes 1 to 10"},
		{"button text", 75, func(n int) json.RawMessage {
			return one(`{"type":"actions","elements":[{"type":"button","text":%s}]}`, text("plain_text", strings.Repeat("x", n)))
		}, "block 1 (actions): text has 76 characters: Slack takes 1 to 75"},
		{"button url", 3000, func(n int) json.RawMessage {
			return one(`{"type":"section","text":%s,"accessory":{"type":"button","text":%s,"url":%q}}`, text("mrkdwn", "x"), text("plain_text", "x"), strings.Repeat("u", n))
		}, "block 1 (section): button's url has 3001 characters: Slack takes 1 to 3000"},
		{"buttons", 25, func(n int) json.RawMessage {
			return one(`{"type":"actions","elements":%s}`, repeated(`{"type":"button","text":`+text("plain_text", "x")+`}`, n))
		}, "block 1 (actions): 26 elements: Slack takes 1 to 25"},
		{"block_id", 255, func(n int) json.RawMessage { return one(`{"type":"divider","block_id":%q}`, strings.Repeat("i", n)) },
			"block 1 (divider): block_id has 256 characters: Slack takes 1 to 255"},
		{"image's alt_text", 2000, func(n int) json.RawMessage {
			return one(`{"type":"image","image_url":"https://example.com/x","alt_text":%q}`, strings.Repeat("a", n))
		}, "block 1 (image): alt_text has 2001 characters: Slack takes 1 to 2000"},
		{"a pair of surrogates counts as two", 75, func(n int) json.RawMessage {
			return one(`{"type":"header","text":%s}`, text("plain_text", strings.Repeat("😀", n)))
		}, "block 1 (header): text has 152 characters: Slack takes 1 to 150"},
	} {
		if err := slack.Check(c.build(c.limit)); err != nil {
			t.Errorf("%s: %d: %v", c.name, c.limit, err)
		}
		if err := slack.Check(c.build(c.limit + 1)); err == nil || err.Error() != c.want {
			t.Errorf("%s: %d: got %v\nwant %s", c.name, c.limit+1, err, c.want)
		}
	}
}

func TestCheckRefusesWhatSlackWould(t *testing.T) {
	for blocks, want := range map[string]string{
		``:                                "not an array",
		`{}`:                              "not an array",
		`"x"`:                             "not an array",
		`[1]`:                             "not an array",
		`[]`:                              "0 blocks",
		`null`:                            "0 blocks",
		`[null]`:                          "no such block",
		`[{"type":"divider"}]]`:           "followed by",
		`[{"type":"divider"}][]`:          "followed by",
		`[{"type":"video"}]`:              "block 1 (video): a notice has no such block",
		`[{"type":"section"}]`:            "neither text nor fields",
		`[{"type":"section","text":"x"}]`: "not a text object",
		`[{"type":"section","text":{"type":"html","text":"x"}}]`:                      "can't be of type html",
		`[{"type":"section","text":{"type":"mrkdwn","text":""}}]`:                     "text has 0 characters",
		`[{"type":"section","text":{"type":"mrkdwn"}}]`:                               "text has 0 characters",
		`[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`:                     "can't be of type mrkdwn",
		`[{"type":"section","fields":[]}]`:                                            "0 fields",
		`[{"type":"section","fields":["x"]}]`:                                         "not objects",
		`[{"type":"context","elements":[]}]`:                                          "0 elements",
		`[{"type":"actions","elements":[{"type":"datepicker"}]}]`:                     "no element of type datepicker",
		`[{"type":"image","alt_text":"x"}]`:                                           "image_url has 0",
		`[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`:       `block 2 (divider): block_id "a" is used twice`,
		`[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":"none"}]`: "accessory is not an object",
	} {
		if err := slack.Check(json.RawMessage(blocks)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want …%s…", blocks, err, want)
		}
	}
	if err := slack.Check(notice().Blocks); err != nil {
		t.Errorf("an ordinary notice: %v", err)
	}
}

func TestFitLeavesAloneWhatFits(t *testing.T) {
	fitted, err := slack.Fit(notice().Blocks)
	if err != nil || string(fitted) != string(notice().Blocks) {
		t.Errorf("got %s, %v", fitted, err)
	}
}

func TestFitShortensTextsOnly(t *testing.T) {
	long := strings.Repeat("word ", 1000)
	fitted, err := slack.Fit(one(`{"type":"header","text":%s},{"type":"section","text":%s,"fields":[%s]},{"type":"actions","elements":[{"type":"button","text":%s,"value":"7"}]}`,
		text("plain_text", long), text("mrkdwn", long), text("mrkdwn", long), text("plain_text", long)))
	if err != nil {
		t.Fatal(err)
	}
	if err := slack.Check(fitted); err != nil {
		t.Error(err)
	}
	if n := strings.Count(string(fitted), "…"); n != 4 {
		t.Errorf("%d texts are marked as shortened, want 4", n)
	}
	for name, blocks := range map[string]json.RawMessage{
		"too many blocks": repeated(`{"type":"divider"}`, 51),
		"a long URL":      one(`{"type":"actions","elements":[{"type":"button","text":%s,"url":%q}]}`, text("plain_text", "x"), strings.Repeat("u", 3001)),
	} {
		if _, err := slack.Fit(blocks); err == nil {
			t.Errorf("%s: cut without a word", name)
		}
	}
}

// A cut inside an entity or a link would show as garbage, or open a link that isn't there.
func TestFitNeverCutsInsideMarkup(t *testing.T) {
	for _, c := range []struct{ markup, before string }{
		{"&amp;", "x"}, {"&lt;!channel&gt;", "x"}, {"<https://example.com/a/long/path?with=much|a label>", "x"},
	} {
		for pad := 2900; pad <= 3000; pad++ {
			s := strings.Repeat("x", pad) + c.markup + strings.Repeat(" y", 100)
			fitted, err := slack.Fit(one(`{"type":"section","text":%s}`, text("mrkdwn", s)))
			if err != nil {
				t.Fatal(err)
			}
			var blocks []struct{ Text struct{ Text string } }
			if err := json.Unmarshal(fitted, &blocks); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSuffix(blocks[0].Text.Text, "…")
			if strings.Count(got, "<") != strings.Count(got, ">") || strings.Count(got, "&") != strings.Count(got, ";") {
				t.Fatalf("pad %d: cut inside: …%q", pad, got[2890:])
			}
			if !strings.HasPrefix(s, got) {
				t.Fatalf("pad %d: not a beginning: …%q", pad, got[2890:])
			}
		}
	}
	plain := "a < b " + strings.Repeat("x", 200)
	fitted, err := slack.Fit(one(`{"type":"header","text":%s}`, text("plain_text", plain)))
	if err != nil || !strings.Contains(string(fitted), "a < b xxx") {
		t.Errorf("a plain text's < is no link: %s, %v", fitted, err)
	}
}

func TestFittedTextsAreBeginningsWithinTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Repeat(rapid.StringN(1, 40, -1).Draw(t, "s"), rapid.IntRange(1, 300).Draw(t, "times"))
		s = strings.ToValidUTF8(s, "?")
		fitted, err := slack.Fit(one(`{"type":"section","text":%s}`, text("mrkdwn", slack.Escape(s))))
		if err != nil {
			t.Fatal(err)
		}
		var blocks []struct{ Text struct{ Text string } }
		if err := json.Unmarshal(fitted, &blocks); err != nil {
			t.Fatal(err)
		}
		got := blocks[0].Text.Text
		if n := len(utf16.Encode([]rune(got))); n > 3000 {
			t.Fatalf("%d characters", n)
		}
		if !strings.HasPrefix(slack.Escape(s), strings.TrimSuffix(got, "…")) {
			t.Fatalf("%q is no beginning", got)
		}
	})
}

func TestEscapeDisarmsMarkup(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"Müller & Söhne <GmbH>":     "Müller &amp; Söhne &lt;GmbH&gt;",
		"&amp;":                     "&amp;amp;",
		"<!channel> <@U012> <#C01>": "&lt;!channel&gt; &lt;@U012&gt; &lt;#C01&gt;",
		"<!subteam^S1|x>":           "&lt;!subteam^S1|x&gt;",
		"<https://evil.example|https://good.example>": "&lt;https://evil.example|https://good.example&gt;",
		"@channel":                "@\u2060channel",
		"Acme @Here, (@everyone)": "Acme @\u2060Here, (@\u2060everyone)",
		"privacy@here.com":        "privacy@here.com",
		"a.b+c@group.example":     "a.b+c@group.example",
		"@channels @someone":      "@channels @someone",
	} {
		if got := slack.Escape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("<>&;|!@#UC/a chanelhrgoupv\n\u2060é"))).Draw(t, "s")
		got := slack.Escape(s)
		if strings.ContainsAny(got, "<>") {
			t.Fatalf("%q has markup", got)
		}
		if plain := strings.ReplaceAll(html.UnescapeString(got), "\u2060", ""); plain != strings.ReplaceAll(s, "\u2060", "") {
			t.Fatalf("%q shows as %q", s, plain)
		}
	})
}
