package workspace

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpans(t *testing.T) {
	for in, want := range map[string][]span{
		"":                      nil,
		"plain &amp; &lt;b&gt;": {{Text: "plain & <b>"}},
		"*bold* and _italic_":   {{Text: "bold", Bold: true}, {Text: " and "}, {Text: "italic", Italic: true}},
		"*Frist: _bald_* ~nie~ `<x> *y*`": {{Text: "Frist: ", Bold: true}, {Text: "bald", Bold: true, Italic: true}, {Text: " "},
			{Text: "nie", Strike: true}, {Text: " "}, {Text: "<x> *y*", Code: true}},
		"<https://a.example/b_c_d?x=1&amp;y=2|*See* it>": {{Text: "*See* it", Link: "https://a.example/b_c_d?x=1&y=2"}},
		"<https://a.example>":                            {{Text: "https://a.example", Link: "https://a.example"}},
		"_<https://a.example/x_y|z>_":                    {{Text: "z", Link: "https://a.example/x_y", Italic: true}},
		"<mailto:a@b.example|write>":                     {{Text: "write", Link: "mailto:a@b.example"}},
		"<javascript:alert(1)|here>":                     {{Text: "here"}},
		"<!here> <@U012>":                                {{Text: "!here"}, {Text: " "}, {Text: "@U012"}},
		"snake_case_name 2*3*4 a * b * c":                {{Text: "snake_case_name 2*3*4 a * b * c"}},
		"*open\nclose* <open\nclose>":                    {{Text: "*open\nclose* <open\nclose>"}},
		"**":                                             {{Text: "**"}},
		"Ä*ä*":                                           {{Text: "Ä*ä*"}},
		"(*Ä*)":                                          {{Text: "("}, {Text: "Ä", Bold: true}, {Text: ")"}},
		"ends *":                                         {{Text: "ends *"}},
	} {
		if d := cmp.Diff(want, spans(in)); d != "" {
			t.Errorf("%q (-want +got):\n%s", in, d)
		}
	}
}

func FuzzSpans(f *testing.F) {
	for _, seed := range []string{"*a* <b|c> `d` _e_", "<<>>**__~~``", "*<*>*", "\xff*\xff*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range spans(s) {
			if len(p.Text) > len(s) {
				t.Errorf("%q grew to %q", s, p.Text)
			}
		}
	})
}
