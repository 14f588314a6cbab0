package webtest

import (
	"log/slog"
	"net/url"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"fairnotice/web"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestCatalogProblems(t *testing.T) {
	got := CatalogProblems(fstest.MapFS{
		"catalogs/a.en.toml": file("\"both\" = \"Both {{.Name}}\"\n\"only.en\" = \"Only\"\n\"plural\" = { one = \"one\", other = \"{{.Count}}\" }\n\"empty\" = \" \"\n"),
		"catalogs/a.de.toml": file("\"both\" = \"Beide {{.Nmae}}\"\n\"only.de\" = \"Nur\"\n\"plural\" = \"{{.Count}}\"\n\"empty\" = \"leer\"\n"),
	})
	want := []string{
		"both mentions [Nmae] instead of [Name] in de",
		"empty is empty in en",
		"only.de is only in de",
		"only.en is missing in de",
		"plural differs in having a singular in de",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := CatalogProblems(fstest.MapFS{"catalogs/a.fr.toml": file(`"a" = "b"`)}); len(got) != 1 {
		t.Errorf("a language that isn't ours: %v", got)
	}
}

func TestMissingKeysAreFoundWhereverTheyStand(t *testing.T) {
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "x.example"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := kit.Audience(web.Spec{Layout: "public", Prefix: "/", Files: fstest.MapFS{
		"templates/_shared.html": file(`{{define "shared"}}{{label "k.label"}}{{end}}`),
		"templates/a.html": file(`{{define "main"}}{{template "shared" .}}{{if .Failed}}{{t "k.if" "A" (t "k.nested")}}{{else}}{{t "k.else"}}{{end}}
{{range .Nav}}{{t "k.range"}}{{end}}{{with t "k.with"}}{{.}}{{end}}{{$x := t "k.variable"}}{{$x}}
{{template "field-text" (field .Form "k_name" "Hint" "k.hint")}}{{template "field-text" (field .Form "other" "Label" "k.field_label")}}
{{template "field-radios" (field .Form "fine" "LabelText" "x" "Options" (options "kind" "k_option"))}}
{{template "empty" (empty "none" "k.title" "k.text" "/" "k.link")}}{{badge "k_state"}}{{t (print "k." .Lang)}}{{end}}`),
		"catalogs/a.en.toml": file(`"k.if" = "only in English"`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, key := range []string{
		"field.k.label", "field.k_name", "k.else", "k.field_label", "k.hint", "k.if", "k.link", "k.nested", "k.range", "k.text",
		"k.title", "k.variable", "k.with", "option.kind.k_option", "state.k_state",
	} {
		want = append(want, "de: "+key)
	}
	for _, key := range want[:15] {
		if key != "de: k.if" {
			want = append(want, "en: "+key[4:])
		}
	}
	if diff := cmp.Diff(want, MissingKeys(a)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
