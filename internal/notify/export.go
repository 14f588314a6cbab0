package notify

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// ExportColumns are the columns of a table of deliveries, a line for each attempt.
var ExportColumns = []string{"delivery", "customer", "basis", "channel", "address", "addressee", "language", "state", "reason", "possible_repeat",
	"created_at", "done_at", "due_at", "attempt", "started_at", "duration_us", "outcome", "stage", "code", "answer", "sha256"}

// Row is a line of that table for a spreadsheet: times in UTC, cells that are no formulas.
func (e *Exported) Row() []string {
	row := []string{e.ID.String(), e.CustomerName, e.Basis, e.Channel, e.ShownAddress(), e.ShownAddressee(), e.Language, string(e.State), e.Reason,
		strconv.FormatBool(e.PossibleRepeat), timeCell(&e.CreatedAt), timeCell(e.DoneAt), timeCell(e.DueAt), numberCell(e.Number), timeCell(e.StartedAt),
		numberCell(e.DurationUS), textCell(e.Outcome), textCell(e.Stage), numberCell(e.Code), textCell(e.Answer), hex.EncodeToString(e.Digest)}
	for i := range row {
		row[i] = noFormula(row[i])
	}
	return row
}

func timeCell(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func numberCell[N int | int64](n *N) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(int64(*n), 10)
}

func textCell(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// noFormula keeps spreadsheets from running what somebody else wrote (a name, a server's answer)
// as a formula: a cell that begins like one gets an apostrophe.
func noFormula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
