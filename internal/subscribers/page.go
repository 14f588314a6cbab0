package subscribers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// Limits of a page of a list.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Page is one page of a list. Next, when not empty, is the After of the page that follows; a
// page is found by its first row's place in the order, so rows that come or go meanwhile neither
// repeat nor hide others.
type Page[T any] struct {
	Rows []T
	Next string
}

// limit is how many rows to read: one more than are shown tells whether more follow.
func limit(asked int) int {
	if asked <= 0 {
		asked = DefaultLimit
	}
	return min(asked, MaxLimit)
}

func pageOf[T any](rows []T, limit int, key func(T) []string) Page[T] {
	if len(rows) <= limit {
		return Page[T]{Rows: rows}
	}
	rows = rows[:limit]
	return Page[T]{Rows: rows, Next: encodeCursor(key(rows[limit-1]))}
}

func encodeCursor(parts []string) string {
	raw, err := json.Marshal(parts)
	if err != nil { // a list of strings always marshals
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decodeCursor reads what encodeCursor wrote, with n parts; the empty cursor is n empty parts.
func decodeCursor(cursor string, n int) ([]string, error) {
	if cursor == "" {
		return make([]string, n), nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	var parts []string
	if err != nil || json.Unmarshal(raw, &parts) != nil || len(parts) != n || strings.Contains(string(raw), `\u0000`) {
		return nil, fault.Field("after", "cursor.malformed", nil)
	}
	return parts, nil
}

// cursorID reads an ID out of a cursor; the zero ID out of an empty part.
func cursorID(part string) (uuid.UUID, error) {
	if part == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(part)
	if err != nil {
		return uuid.Nil, fault.Field("after", "cursor.malformed", nil)
	}
	return id, nil
}

// pattern makes an ILIKE pattern that finds the words anywhere, taken literally.
func pattern(words string) string {
	if words == "" {
		return ""
	}
	return "%" + database.EscapeLike(words) + "%"
}

func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
