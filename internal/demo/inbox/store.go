package inbox

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

	"fairnotice/internal/demo/site"
)

// envelope is what the sender said outside of the message.
type envelope struct {
	From       string    `json:"from"`
	To         []string  `json:"to"`
	ReceivedAt time.Time `json:"received_at"`
}

// entry is a message in the list.
type entry struct {
	ID string // sorts by time of arrival
	envelope
	Subject string
	Size    int
}

// store is a folder with two files for each message: ID.eml, the message's bytes and nothing else,
// and ID.json, its envelope. The first one's being there makes a message be there.
type store struct {
	dir  string
	keep int

	mu     sync.Mutex
	list   []entry // the oldest first
	latest time.Time
}

// openStore reads what is in the folder, and makes it when missing.
func openStore(dir string, keep int) (*store, error) {
	if err := site.MakeDir(dir); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the demo inbox's folder: %w", err)
	}
	s := &store{dir: dir, keep: keep}
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), ".eml")
		if !ok || f.IsDir() {
			continue
		}
		e, err := s.load(id)
		if err != nil {
			return nil, err
		}
		s.list = append(s.list, e)
	}
	slices.SortFunc(s.list, func(a, b entry) int { return strings.Compare(a.ID, b.ID) })
	if n := len(s.list); n > 0 {
		s.latest = s.list[n-1].ReceivedAt
	}
	return s, s.shrink()
}

// load reads one message. A folder that a person put a message into by hand has no envelope for it:
// then the message's own headers and the file's time have to do.
func (s *store) load(id string) (entry, error) {
	raw, err := s.raw(id)
	if err != nil {
		return entry{}, err
	}
	e := describe(id, envelope{}, raw)
	text, err := os.ReadFile(s.path(id, ".json"))
	switch {
	case err == nil && json.Unmarshal(text, &e.envelope) == nil:
	case err == nil || errors.Is(err, fs.ErrNotExist):
		if e.ReceivedAt, err = time.Parse(site.IDForm, id); err != nil {
			e.ReceivedAt = modified(s.path(id, ".eml"))
		}
	default:
		return entry{}, fmt.Errorf("read an envelope: %w", err)
	}
	return e, nil
}

// describe is a message's line in the list.
func describe(id string, env envelope, raw []byte) entry {
	h := headersOf(raw)
	if len(env.To) == 0 {
		env.From, env.To = h.from, h.to
	}
	return entry{ID: id, envelope: env, Subject: h.subject, Size: len(raw)}
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime().UTC()
}

func (s *store) path(id, ext string) string { return filepath.Join(s.dir, id+ext) }

// add keeps a message, on the disk before it returns.
func (s *store) add(env envelope, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	env.ReceivedAt = time.Now().UTC().Truncate(time.Microsecond)
	if !env.ReceivedAt.After(s.latest) {
		env.ReceivedAt = s.latest.Add(time.Microsecond)
	}
	e := describe(env.ReceivedAt.Format(site.IDForm), env, raw)
	text, err := json.Marshal(e.envelope)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path(e.ID, ".json"), text, 0o600); err != nil {
		return fmt.Errorf("keep an envelope: %w", err)
	}
	if err := site.WriteWhole(s.path(e.ID, ".eml"), raw); err != nil {
		return err
	}
	s.list, s.latest = append(s.list, e), e.ReceivedAt
	return s.shrinkLocked()
}

func (s *store) shrink() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shrinkLocked()
}

// shrinkLocked removes the oldest messages above the number that is kept.
func (s *store) shrinkLocked() error {
	for len(s.list) > s.keep {
		for _, ext := range []string{".eml", ".json"} {
			if err := os.Remove(s.path(s.list[0].ID, ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("make room in the demo inbox: %w", err)
			}
		}
		s.list = s.list[1:]
	}
	return nil
}

// find returns up to n messages that hold the query in a recipient or the subject, the newest first,
// from before the message named ("": from the newest); more says whether there are others, and
// total how many there are in all.
func (s *store) find(query, before string, n int) (found []entry, more bool, total int) {
	query = strings.ToLower(strings.TrimSpace(query))
	s.mu.Lock()
	defer s.mu.Unlock()
	return site.Newest(s.list, func(e *entry) (string, bool) {
		return e.ID, query == "" || strings.Contains(strings.ToLower(strings.Join(e.To, " ")+"\n"+e.Subject), query)
	}, before, n)
}

// get returns one message of the list with its bytes.
func (s *store) get(id string) (entry, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := slices.BinarySearchFunc(s.list, id, func(e entry, id string) int { return strings.Compare(e.ID, id) })
	if !ok {
		return entry{}, nil, fs.ErrNotExist
	}
	raw, err := s.raw(id)
	return s.list[i], raw, err
}

func (s *store) raw(id string) ([]byte, error) {
	raw, err := os.ReadFile(s.path(id, ".eml"))
	if err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return raw, nil
}
