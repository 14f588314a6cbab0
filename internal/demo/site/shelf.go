package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kept is a thing that arrived.
type Kept[T any] struct {
	ID   string    `json:"-"` // sorts by time of arrival
	At   time.Time `json:"at"`
	What T         `json:"what"`
}

// Shelf is a folder with a JSON file for each thing that arrived. It also holds all in memory.
type Shelf[T any] struct {
	dir  string
	keep int

	mu   sync.Mutex
	list []Kept[T] // the oldest first
}

// IDForm makes IDs whose order is that of time.
const IDForm = "20060102T150405.000000Z"

// OpenShelf reads what is in the folder, and makes it when missing. More than keep things are not
// kept: the oldest go.
func OpenShelf[T any](dir string, keep int) (*Shelf[T], error) {
	if err := MakeDir(dir); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	s := &Shelf[T]{dir: dir, keep: keep}
	for _, name := range names {
		k := Kept[T]{ID: strings.TrimSuffix(filepath.Base(name), ".json")}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read what arrived at the demo: %w", err)
		}
		if _, err := time.Parse(IDForm, k.ID); err != nil || json.Unmarshal(text, &k) != nil {
			continue // somebody else's file
		}
		s.list = append(s.list, k)
	}
	slices.SortFunc(s.list, func(a, b Kept[T]) int { return strings.Compare(a.ID, b.ID) })
	return s, s.shrink()
}

// MakeDir makes a receiver's folder, which only its owner may enter.
func MakeDir(dir string) error {
	// The folder above must stay open to others: PostgreSQL, which runs as another user when we are
	// root, keeps its data beside.
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make a folder of the demo's: %w", err)
	}
	return nil
}

// Add keeps a thing, on the disk before it returns.
func (s *Shelf[T]) Add(what T) (Kept[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := Kept[T]{At: time.Now().UTC().Truncate(time.Microsecond), What: what}
	if n := len(s.list); n > 0 && !k.At.After(s.list[n-1].At) {
		k.At = s.list[n-1].At.Add(time.Microsecond)
	}
	k.ID = k.At.Format(IDForm)
	text, err := json.Marshal(k)
	if err == nil {
		err = WriteWhole(s.path(k.ID), text)
	}
	if err != nil {
		return k, err
	}
	s.list = append(s.list, k)
	return k, s.shrink()
}

// shrink removes the oldest things above the number that is kept.
func (s *Shelf[T]) shrink() error {
	for len(s.list) > s.keep {
		if err := os.Remove(s.path(s.list[0].ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make room for what arrives at the demo: %w", err)
		}
		s.list = s.list[1:]
	}
	return nil
}

func (s *Shelf[T]) path(id string) string { return filepath.Join(s.dir, id+".json") }

// Find returns up to n things that match, the newest first, from before the one named ("": from the
// newest); more says whether there are others, and total how many there are in all.
func (s *Shelf[T]) Find(match func(*T) bool, before string, n int) (found []Kept[T], more bool, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Newest(s.list, func(k *Kept[T]) (string, bool) { return k.ID, match(&k.What) }, before, n)
}

// Newest goes through a list in the order of its IDs from its end, and returns up to n of those that
// match, from before the one named ("": from the newest); more says whether there are others, and total
// how many there are in all.
func Newest[T any](list []T, look func(*T) (id string, match bool), before string, n int) (found []T, more bool, total int) {
	for i := range slices.Backward(list) {
		id, match := look(&list[i])
		if !match {
			continue
		}
		total++
		switch {
		case before != "" && id >= before:
		case len(found) < n:
			found = append(found, list[i])
		default:
			more = true
		}
	}
	return found, more, total
}

// Get returns one thing; the error is fs.ErrNotExist where it isn't there.
func (s *Shelf[T]) Get(id string) (Kept[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := slices.BinarySearchFunc(s.list, id, func(k Kept[T], id string) int { return strings.Compare(k.ID, id) })
	if !ok {
		return Kept[T]{}, fs.ErrNotExist
	}
	return s.list[i], nil
}

// WriteWhole makes a file that is there in full or not at all, and that only its owner may read.
func WriteWhole(path string, raw []byte) error {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep what arrived at the demo: %w", err)
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		_ = os.Remove(path + ".part")
		return fmt.Errorf("keep what arrived at the demo: %w", err)
	}
	return nil
}
