package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"fairnotice/web/apiv1/client"
)

// column turns a cell into a value of JSON.
type column func(cell string) (any, error)

// columnsOf are the columns for a type of the API: one for each field that a cell can hold. prefix
// stands before their names.
func columnsOf(t reflect.Type, prefix string) map[string]column {
	out := map[string]column{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if kind := columnFor(f.Type); kind != nil && !f.Anonymous {
			out[prefix+name] = kind
		}
	}
	return out
}

func columnFor(t reflect.Type) column {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[client.Day](), t.Kind() == reflect.String:
		return func(cell string) (any, error) { return cell, nil }
	case t == reflect.TypeFor[[]client.Location]():
		return places
	case t.Kind() == reflect.Bool:
		return yesNo
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return func(cell string) (any, error) { return split(cell), nil }
	default:
		return nil
	}
}

// split takes what stands between semicolons.
func split(cell string) []string {
	var out []string
	for part := range strings.SplitSeq(cell, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func yesNo(cell string) (any, error) {
	switch strings.ToLower(cell) {
	case "yes", "y", "x":
		return true, nil
	case "no", "n":
		return false, nil
	}
	v, err := strconv.ParseBool(cell)
	if err != nil {
		return nil, fmt.Errorf("%q is neither yes nor no", cell)
	}
	return v, nil
}

// places reads locations: "US stored eea=scc_3 ch=scc_3@2026-01-31; IN accessed". Without stored or
// accessed data is stored there. After = stands the mechanism of a transfer, after @ the day of its
// assessment.
func places(cell string) (any, error) {
	var out []client.Location
	for _, text := range split(cell) {
		words := strings.Fields(text)
		at := client.Location{Country: words[0], Kind: client.LocationKindStored}
		for _, word := range words[1:] {
			if regime, mechanism, is := strings.Cut(word, "="); is {
				transfer, err := transferOf(regime, mechanism)
				if err != nil {
					return nil, err
				}
				at.Transfers = append(at.Transfers, *transfer)
			} else if word == "stored" || word == "accessed" {
				at.Kind = client.LocationKind(word)
			} else {
				return nil, fmt.Errorf("%q: write a location as in %q", word, "US stored eea=scc_3 ch=scc_3@2026-01-31")
			}
		}
		out = append(out, at)
	}
	return out, nil
}

func transferOf(regime, mechanism string) (*client.Transfer, error) {
	out := &client.Transfer{Regime: client.Regime(regime)}
	mechanism, day, has := strings.Cut(mechanism, "@")
	out.Mechanism = client.Mechanism(mechanism)
	if has {
		d, err := client.ParseDay(day)
		if err != nil {
			return nil, err
		}
		out.AssessedOn = &d
	}
	return out, nil
}

// sheet says which columns a CSV file may have, and what a line of it is.
type sheet struct {
	identity string            // the column that names the thing
	own      map[string]column // of the thing itself
	lists    []part
}

// part is a list within a thing, of which a line holds one entry at most.
type part struct {
	name    string
	columns map[string]column // with prefix
	prefix  string
}

// objects makes of lines what JSON would have had: lines that name the same thing make one object.
// What a line leaves empty of the thing itself is as the first line says.
func (s *sheet) objects(rows []row, wrong *mistakes) []row {
	if len(rows) > 0 {
		s.checkNames(rows[0], wrong)
	}
	var out []*object
	known := map[string]*object{}
	for _, r := range rows {
		name := strings.ToLower(r.cells[s.identity])
		if name == "" {
			wrong.add(r.n, "%s is empty", s.identity)
			continue
		}
		o := known[name]
		if o == nil {
			o = &object{first: r, value: map[string]any{}}
			known[name], out = o, append(out, o)
		}
		s.take(o, r, wrong)
	}
	made := make([]row, len(out))
	for i, o := range out {
		raw, err := json.Marshal(o.value)
		if err != nil {
			wrong.add(o.first.n, "%v", err)
		}
		made[i] = row{n: o.first.n, object: raw}
	}
	return made
}

type object struct {
	first row
	value map[string]any
}

func (s *sheet) take(o *object, r row, wrong *mistakes) {
	for name, read := range s.own {
		cell := r.cells[name]
		if before := o.first.cells[name]; cell == "" {
			continue
		} else if r.n != o.first.n && !strings.EqualFold(cell, before) {
			wrong.add(r.n, "%s is %q, but %q in row %d", name, cell, before, o.first.n)
			continue
		}
		set(o.value, name, read, cell, r.n, wrong)
	}
	for _, p := range s.lists {
		entry := map[string]any{}
		for name, read := range p.columns {
			if cell := r.cells[name]; cell != "" {
				set(entry, strings.TrimPrefix(name, p.prefix), read, cell, r.n, wrong)
			}
		}
		if len(entry) > 0 {
			list, _ := o.value[p.name].([]any)
			o.value[p.name] = append(list, entry)
		}
	}
}

func set(into map[string]any, name string, read column, cell string, n int, wrong *mistakes) {
	value, err := read(cell)
	if err != nil {
		wrong.add(n, "%s: %v", name, err)
		return
	}
	into[name] = value
}

func (s *sheet) checkNames(r row, wrong *mistakes) {
	allowed := maps.Clone(s.own)
	for _, p := range s.lists {
		maps.Copy(allowed, p.columns)
	}
	for _, name := range slices.Sorted(maps.Keys(r.cells)) {
		if allowed[name] == nil {
			wrong.add(1, "there is no column %q; the columns are %s", name, strings.Join(slices.Sorted(maps.Keys(allowed)), ", "))
		}
	}
	if _, ok := r.cells[s.identity]; !ok {
		wrong.add(1, "the column %q is missing", s.identity)
	}
}

var errNoRows = errors.New("  there are no rows in it")

// objectsOf are the rows as objects of JSON, whatever the file.
func objectsOf(rows []row, s *sheet, wrong *mistakes) []row {
	if len(rows) > 0 && rows[0].cells != nil {
		return s.objects(rows, wrong)
	}
	return rows
}
