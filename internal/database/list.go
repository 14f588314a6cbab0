package database

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"fairnotice/internal/fault"
)

// WriteCursor makes the cursor of a list in the order of IDs, which is that of time: the page after
// it begins behind this ID, so rows that come or go meanwhile neither repeat nor hide others.
func WriteCursor(last uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(last[:]) }

// ReadCursor reads what WriteCursor made; nil for the empty cursor, which is the first page's. A
// broken one is an Invalid fault at "after".
func ReadCursor(cursor string) (*uuid.UUID, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // the first page has no cursor
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) != 16 {
		return nil, fault.Field("after", "cursor.malformed", nil)
	}
	id := uuid.UUID(raw)
	return &id, nil
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// EscapeLike makes words that people search for literal inside a LIKE pattern.
func EscapeLike(words string) string { return likeEscaper.Replace(strings.TrimSpace(words)) }

// OrEmpty is the list, or an empty one where it is nil: PostgreSQL takes a nil for NULL, and the
// cardinality of NULL is not 0.
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
