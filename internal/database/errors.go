package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

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

// Away says whether err means that PostgreSQL can't be reached or is about to stop or not ready yet:
// nothing is wrong with what was asked, and it may be asked again. Where the connection broke during a
// commit nobody knows whether that was done.
func Away(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &pg):
		return slices.Contains(awayCodes, pg.Code)
	case errors.As(err, &connect), errors.Is(err, driver.ErrBadConn), isClosed(err), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	var network net.Error
	return errors.As(err, &network)
}

// awayCodes: admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections.
var awayCodes = []string{"57P01", "57P02", "57P03", "53300"}
