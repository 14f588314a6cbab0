package apiv1

import (
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/calendar"
)

// What examples are made of: fictitious, and the same everywhere.

var exampleTime = time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)

// exampleDay is a day of the register.
var exampleDay = calendar.Date{Year: 2026, Month: time.December, Day: 24}

// exampleID is the n-th ID of the examples.
func exampleID(n byte) uuid.UUID {
	return uuid.UUID{0x01, 0x99, 0xaa, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}
