package web

import (
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"sort"
	"strings"

	"fairnotice/internal/locale"
)

// parse reads every page of an audience once per language: a template's functions are bound to
// their language, so no page can forget to pass it on.
func (k *Kit) parse(layout string, files fs.FS) (map[locale.Lang]map[string]*template.Template, error) {
	all := make(map[locale.Lang]map[string]*template.Template, len(locale.All))
	for _, lang := range locale.All {
		base, err := template.New("").Funcs(k.funcs(lang)).ParseFS(kitFiles,
			"templates/partials/*.html", "templates/"+layout+".html")
		if err != nil {
			return nil, err
		}
		pages := map[string]*template.Template{}
		if err := addPages(pages, base, kitFiles, []string{"templates/error.html"}); err != nil {
			return nil, err
		}
		if files != nil {
			if err := addAudiencePages(pages, base, files); err != nil {
				return nil, err
			}
		}
		all[lang] = pages
	}
	return all, nil
}

// addAudiencePages gives every page a clone of the layout and of the audience's shared templates.
func addAudiencePages(pages map[string]*template.Template, base *template.Template, files fs.FS) error {
	var shared, own []string
	err := fs.WalkDir(files, "templates", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() || path.Ext(p) != ".html":
			return err
		case strings.HasPrefix(path.Base(p), "_"):
			shared = append(shared, p)
		default:
			own = append(own, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	base, err = base.Clone()
	if err != nil {
		return err
	}
	for _, p := range shared {
		if err := parseFile(base, files, p); err != nil {
			return err
		}
	}
	return addPages(pages, base, files, own)
}

func addPages(pages map[string]*template.Template, base *template.Template, files fs.FS, paths []string) error {
	for _, p := range paths {
		page, err := base.Clone()
		if err != nil {
			return err
		}
		if err := parseFile(page, files, p); err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(p, "templates/"), ".html")
		pages[name] = page
	}
	return nil
}

func parseFile(into *template.Template, files fs.FS, p string) error {
	text, err := fs.ReadFile(files, p)
	if err != nil {
		return err
	}
	if _, err := into.New(p).Parse(string(text)); err != nil {
		return fmt.Errorf("template %w", err)
	}
	return nil
}

// Template is the parsed page of this name, ready to be executed as "layout" or as one of its
// blocks, or nil. Tests check it against the struct it draws.
func (a *Audience) Template(lang locale.Lang, name string) *template.Template {
	return a.pages[lang][name]
}

// Templates lists the names of the audience's pages.
func (a *Audience) Templates() []string {
	var names []string
	for name := range a.pages[locale.Default] {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
