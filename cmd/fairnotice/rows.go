package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// row is one of a file: an object of JSON, or the cells of a line by the names of their columns.
type row struct {
	n      int // the first is 1; in CSV and JSON lines the line
	object json.RawMessage
	cells  map[string]string
}

// mostBytes bounds a file; it is read at once.
const mostBytes = 256 << 20

// readRows reads a file by its ending.
func readRows(name string, in io.Reader) ([]row, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, errors.Unwrap(err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > mostBytes {
		return nil, fmt.Errorf("it is larger than %d MB: split it", mostBytes>>20)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not UTF-8: save it as such")
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return csvRows(raw)
	case ".json":
		return jsonRows(raw)
	case ".jsonl", ".ndjson", "":
		return lineRows(raw)
	default:
		return nil, errors.New("its name must end in .csv, .json or .jsonl")
	}
}

func jsonRows(raw []byte) ([]row, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("it must be an array of objects: %w", err)
	}
	out := make([]row, len(list))
	for i, object := range list {
		out[i] = row{n: i + 1, object: object}
	}
	return out, nil
}

func lineRows(raw []byte) ([]row, error) {
	var out []row
	n := 0
	for line := range bytes.Lines(raw) {
		if n++; len(bytes.TrimSpace(line)) > 0 {
			out = append(out, row{n: n, object: line})
		}
	}
	return out, nil
}

// csvRows reads comma or semicolon separated values (some spreadsheets write these) under a line of
// names.
func csvRows(raw []byte) ([]row, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	names, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: the first line must name the columns")
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if seen[names[i]] {
			return nil, fmt.Errorf("two columns are named %q", names[i])
		}
		seen[names[i]] = true
	}
	var out []row
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		x := row{n: line, cells: map[string]string{}}
		for i, cell := range cells {
			x.cells[names[i]] = strings.TrimSpace(cell)
		}
		out = append(out, x)
	}
}

// mistakes are what is wrong with a file, a line each.
type mistakes []string

func (m *mistakes) add(n int, format string, args ...any) {
	*m = append(*m, fmt.Sprintf("  row %d: ", n)+fmt.Sprintf(format, args...))
}

// mostMistakes are told at once.
const mostMistakes = 20

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	shown := m[:min(len(m), mostMistakes)]
	if more := len(m) - len(shown); more > 0 {
		shown = append(shown[:len(shown):len(shown)], fmt.Sprintf("  and %d more", more))
	}
	return errors.New(strings.Join(shown, "\n"))
}

// decode reads an object strictly: a misspelt field would silently be left out.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s can't be %s", kind.Field, kind.Value)
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	case d.More():
		return errors.New("there is more than one object on it")
	}
	return nil
}
