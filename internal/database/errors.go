package database

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// Violates says whether err is the refusal of a constraint, and of which: the domain turns it
// into a fault at the field that the constraint watches. Unique, foreign key, check and
// exclusion constraints count, and a trigger that raises with a constraint name.
func Violates(err error) (constraint string, ok bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 || pg.Code[:2] != "23" {
		return "", false
	}
	return pg.ConstraintName, true
}

// NotFound says whether err means that a query found no row, by either face.
func NotFound(err error) bool {
	return errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, pgx.ErrNoRows)
}

// TimedOut says whether err means that a lock was not to be had in the time allowed (lock_timeout).
func TimedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
