package console

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"fairnotice/internal/actor"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// sheet is a form as a browser would send it untouched: fill changes fields.
type sheet struct {
	action string
	values url.Values
}

// form reads the form of the page that posts to an address.
func (a *answer) form(action string) *sheet {
	a.t.Helper()
	root, err := html.Parse(strings.NewReader(a.Body))
	if err != nil {
		a.t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Data == "form" && attr(n, "action") == action && attr(n, "method") == "post" {
			s := &sheet{action: action, values: url.Values{}}
			for field := range n.Descendants() {
				s.take(field)
			}
			return s
		}
	}
	a.t.Fatalf("no form posts to %s:\n%s", action, main(a.Body))
	return nil
}

func (s *sheet) take(n *html.Node) {
	name := attr(n, "name")
	if name == "" {
		return
	}
	switch n.Data {
	case "textarea":
		s.values.Set(name, strings.TrimPrefix(text(n), "\n"))
	case "select":
		for o := range n.Descendants() {
			if o.Data == "option" && (has(o, "selected") || !s.values.Has(name)) {
				s.values.Set(name, attr(o, "value"))
			}
		}
	case "input":
		kind := attr(n, "type")
		if kind != "checkbox" && kind != "radio" || has(n, "checked") {
			s.values.Add(name, attr(n, "value"))
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// fill sets fields in pairs; a field given twice has both values.
func (s *sheet) fill(pairs ...string) *sheet {
	fresh := map[string]bool{}
	for i := 0; i < len(pairs); i += 2 {
		if !fresh[pairs[i]] {
			s.values.Del(pairs[i])
		}
		fresh[pairs[i]] = true
		s.values.Add(pairs[i], pairs[i+1])
	}
	return s
}

func (r *reader) submit(s *sheet) *answer {
	r.d.t.Helper()
	return r.post(s.action, s.values)
}

// refused wants a form to come back with a sentence in its summary, its title marked and what was
// typed still there.
func (r *reader) refused(s *sheet, status int, sentence string) *answer {
	r.d.t.Helper()
	a := r.submit(s).want(status, sentence)
	if !strings.Contains(a.Body, "<title>Error: ") {
		r.d.t.Error("the title doesn't say that there is an error")
	}
	if !strings.Contains(a.Body, `id="errors"`) {
		r.d.t.Error("no summary of errors")
	}
	back := a.form(s.action).values
	for name, typed := range s.values {
		if name == web.VersionField || name == web.KeyField || strings.Contains(name, "password") {
			continue
		}
		if diff := cmp.Diff(clean(typed), clean(back[name])); diff != "" {
			r.d.t.Errorf("%s isn't as it was typed (-typed +shown)\n%s", name, diff)
		}
	}
	return a
}

// clean is what of values survives a form: broken characters are taken out, line ends are one.
func clean(values []string) []string {
	out := []string{}
	for _, v := range values {
		v = strings.ToValidUTF8(strings.ReplaceAll(v, "\r\n", "\n"), "")
		v = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' {
				return -1
			}
			return r
		}, v)
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}

// vendorFacts are those of a vendor that a test edits.
func (d *desk) vendor(name string) (*vendors.Vendor, string) {
	d.t.Helper()
	v := d.Vendor(name)
	return v, vendorPath(v.ID)
}

func editorOf(t *testing.T) (*desk, *reader) {
	t.Helper()
	d := newDesk(t)
	return d, d.as(d.Editor)
}

func (d *desk) admin() *reader {
	d.t.Helper()
	return d.as(d.Staff("Ada Admin", actor.Admin))
}
