package database

import (
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
)

// Texts is a text[] column for gorm's models. A nil list is stored as an empty array, so that
// "none" has one form. It marshals to JSON as a plain list.
type Texts []string

var types = pgtype.NewMap()

// Value writes the array in PostgreSQL's text form.
func (t Texts) Value() (driver.Value, error) {
	list := []string(t)
	if list == nil {
		list = []string{}
	}
	out, err := types.Encode(pgtype.TextArrayOID, pgtype.TextFormatCode, list, nil)
	if err != nil {
		return nil, fmt.Errorf("write a text array: %w", err)
	}
	return string(out), nil
}

// Scan reads the array from PostgreSQL's text form; NULL is the empty list.
func (t *Texts) Scan(src any) error {
	list := []string{}
	switch v := src.(type) {
	case nil:
	case string:
		if err := types.Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, []byte(v), &list); err != nil {
			return fmt.Errorf("read a text array: %w", err)
		}
	case []byte:
		return t.Scan(string(v))
	default:
		return fmt.Errorf("read a text array from %T", src)
	}
	*t = list
	return nil
}

// GormDataType tells gorm the column's type.
func (Texts) GormDataType() string { return "text[]" }
