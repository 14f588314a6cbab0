// Package webtest holds the checks that every audience of package web runs on its templates and
// catalogues in its own tests.
package webtest

import (
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/jba/templatecheck"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"fairnotice/internal/locale"
	"fairnotice/web"
)

// CheckTemplate type-checks a page, its layout and all that they draw, against the struct it is
// rendered with, in every language.
func CheckTemplate(t *testing.T, a *web.Audience, name string, data any) {
	t.Helper()
	checkBlock(t, a, name, "layout", data)
}

// CheckFragment type-checks one block of a page against the value that Fragment draws it with.
func CheckFragment(t *testing.T, a *web.Audience, name, block string, data any) {
	t.Helper()
	checkBlock(t, a, name, block, data)
}

func checkBlock(t *testing.T, a *web.Audience, name, block string, data any) {
	t.Helper()
	for _, lang := range locale.All {
		page := a.Template(lang, name)
		if page == nil || page.Lookup(block) == nil {
			t.Errorf("no template %q with a block %q", name, block)
			return
		}
		if err := templatecheck.CheckHTML(page.Lookup(block), data); err != nil {
			t.Errorf("template %s (%s): %v", name, lang, err)
		}
	}
}

// CheckTemplates type-checks every page of the audience; one that isn't named in data fails.
func CheckTemplates(t *testing.T, a *web.Audience, data map[string]web.Data) {
	t.Helper()
	for _, name := range a.Templates() {
		if name == "error" {
			continue // the kit's own
		}
		page, ok := data[name]
		if !ok {
			t.Errorf("template %s is checked against nothing: name its struct", name)
			continue
		}
		CheckTemplate(t, a, name, page)
	}
	for name := range data {
		if !slices.Contains(a.Templates(), name) {
			t.Errorf("there is no template %s", name)
		}
	}
}

// CheckKeys fails for each text that a template of the audience asks for by a literal key (t,
// field, empty, options) and that a language doesn't have.
func CheckKeys(t *testing.T, a *web.Audience) {
	t.Helper()
	for _, m := range MissingKeys(a) {
		t.Errorf("no text for %s", m)
	}
}

// MissingKeys lists what CheckKeys fails for, as "language: key".
func MissingKeys(a *web.Audience) []string {
	missing := map[string]bool{}
	for _, name := range a.Templates() {
		for key, alternatives := range keysOf(a.Template(locale.Default, name)) {
			for _, lang := range locale.All {
				if !slices.ContainsFunc(alternatives, func(k string) bool { return a.Has(lang, k) }) {
					missing[string(lang)+": "+key] = true
				}
			}
		}
	}
	return sorted(missing)
}

// keysOf maps each key that the page asks for to the keys of which one must exist.
func keysOf(page *template.Template) map[string][]string {
	keys := map[string][]string{}
	for _, tmpl := range page.Templates() {
		if tmpl.Tree != nil {
			walk(tmpl.Tree.Root, keys)
		}
	}
	return keys
}

func walk(node parse.Node, keys map[string][]string) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walk(child, keys)
		}
	case *parse.ActionNode:
		walk(n.Pipe, keys)
	case *parse.TemplateNode:
		walk(n.Pipe, keys)
	case *parse.IfNode:
		walkBranch(&n.BranchNode, keys)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, keys)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, keys)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, cmd := range n.Cmds {
			noteKeys(cmd, keys)
			for _, arg := range cmd.Args {
				walk(arg, keys)
			}
		}
	}
}

func walkBranch(n *parse.BranchNode, keys map[string][]string) {
	walk(n.Pipe, keys)
	walk(n.List, keys)
	walk(n.ElseList, keys)
}

// noteKeys reads the literal keys of one call.
func noteKeys(cmd *parse.CommandNode, keys map[string][]string) {
	ident, ok := cmd.Args[0].(*parse.IdentifierNode)
	if !ok {
		return
	}
	text := func(i int) string {
		if i < len(cmd.Args) {
			if s, ok := cmd.Args[i].(*parse.StringNode); ok {
				return s.Text
			}
		}
		return ""
	}
	note := func(candidates ...string) {
		if candidates[0] != "" {
			keys[candidates[0]] = candidates
		}
	}
	switch ident.Ident {
	case "t":
		note(text(1))
	case "label":
		if text(1) != "" {
			note(web.LabelKeys(text(1))...)
		}
	case "empty":
		note(text(2))
		note(text(3))
		note(text(5))
	case "options":
		for i := 2; i < len(cmd.Args); i++ {
			if text(i) != "" {
				note("option." + text(1) + "." + text(i))
			}
		}
	case "badge":
		if text(1) != "" {
			note("state." + text(1))
		}
	case "field":
		labelled := text(2) == ""
		for i := 3; i+1 < len(cmd.Args); i += 2 {
			switch text(i) {
			case "Label", "Hint", "Empty":
				note(text(i + 1))
			}
			labelled = labelled || strings.HasPrefix(text(i), "Label")
		}
		if !labelled {
			note(web.LabelKeys(text(2))...)
		}
	}
}

var placeholder = regexp.MustCompile(`\.([A-Za-z][A-Za-z0-9]*)`)
var action = regexp.MustCompile(`\{\{[^}]*\}\}`)

// CheckCatalogs fails for each key below catalogs/ that one language has and another hasn't, for
// each that mentions other values in another language, and for empty texts.
func CheckCatalogs(t *testing.T, files fs.FS) {
	t.Helper()
	for _, p := range CatalogProblems(files) {
		t.Error(p)
	}
}

// CatalogProblems lists what CheckCatalogs fails for.
func CatalogProblems(files fs.FS) []string {
	texts, err := loadCatalogs(files)
	if err != nil {
		return []string{err.Error()}
	}
	problems := map[string]bool{}
	reference := texts[locale.Default]
	if len(reference) == 0 {
		problems["no catalogue of "+string(locale.Default)+" below catalogs/"] = true
	}
	for _, lang := range locale.All[1:] {
		for _, key := range sorted(reference) {
			if texts[lang][key] == nil {
				problems[key+" is missing in "+string(lang)] = true
			}
		}
		for key, m := range texts[lang] {
			if p := compare(reference[key], m); p != "" {
				problems[key+" "+p+" in "+string(lang)] = true
			}
		}
	}
	for lang, all := range texts {
		for key, m := range all {
			if strings.TrimSpace(m.Other) == "" {
				problems[key+" is empty in "+string(lang)] = true
			}
		}
	}
	return sorted(problems)
}

// compare says how a text strays from the same text in the default language.
func compare(want, got *i18n.Message) string {
	switch {
	case want == nil:
		return "is only"
	case !slices.Equal(valuesIn(want), valuesIn(got)):
		return fmt.Sprintf("mentions %v instead of %v", valuesIn(got), valuesIn(want))
	case (want.One == "") != (got.One == ""):
		return "differs in having a singular"
	}
	return ""
}

func loadCatalogs(files fs.FS) (map[locale.Lang]map[string]*i18n.Message, error) {
	paths, err := fs.Glob(files, "catalogs/*.toml")
	if err != nil {
		return nil, err
	}
	texts := map[locale.Lang]map[string]*i18n.Message{}
	for _, l := range locale.All {
		texts[l] = map[string]*i18n.Message{}
	}
	for _, p := range paths {
		bundle := i18n.NewBundle(language.English)
		bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
		file, err := bundle.LoadMessageFileFS(files, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		lang, ok := locale.Parse(file.Tag.String())
		if !ok {
			return nil, fmt.Errorf("%s: the name must end in .<language>.toml", p)
		}
		for _, m := range file.Messages {
			texts[lang][m.ID] = m
		}
	}
	return texts, nil
}

// valuesIn lists the values that a text mentions.
func valuesIn(m *i18n.Message) []string {
	found := map[string]bool{}
	for _, a := range action.FindAllString(m.One+m.Other, -1) {
		for _, p := range placeholder.FindAllStringSubmatch(a, -1) {
			found[p[1]] = true
		}
	}
	return sorted(found)
}

// CheckFaults fails for each code that has no sentence of its own in some language: name every
// code that the domain below the audience can return.
func CheckFaults(t *testing.T, k *web.Kit, codes ...string) {
	t.Helper()
	for _, code := range codes {
		for _, lang := range locale.All {
			if !k.Has(lang, "fault."+code) {
				t.Errorf("no sentence for fault.%s in %s", code, lang)
			}
		}
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
