package console

import (
	"encoding/csv"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/notify"
	"fairnotice/web"
)

var csvHeader = []string{"delivery", "customer", "basis", "channel", "address", "addressee", "language", "state", "reason", "possible_repeat",
	"created_at", "done_at", "due_at", "attempt", "started_at", "duration_us", "outcome", "stage", "code", "answer", "sha256"}

// exportDeliveries writes a notice's deliveries, a line for each attempt, with times in UTC. It goes
// out while it is read. Once it has begun, an error can only cut it short.
func (s *Site) exportDeliveries(c *gin.Context) error {
	n, err := s.noticeAt(c)
	if err != nil {
		return err
	}
	var out *csv.Writer
	begin := func() error {
		c.Header("Content-Type", "text/csv; charset=utf-8")
		c.Header("Content-Disposition", `attachment; filename="`+strings.ToLower(n.Reference)+"-"+string(n.Kind)+`.csv"`)
		c.Status(http.StatusOK)
		out = csv.NewWriter(c.Writer)
		return out.Write(csvHeader)
	}
	err = s.Notify.Export(c.Request.Context(), web.ActorOf(c), n.ID, func(e *notify.Exported) error {
		if out == nil {
			if err := begin(); err != nil {
				return err
			}
		}
		return out.Write(csvRow(e))
	})
	if err == nil && out == nil {
		err = begin()
	}
	if err != nil && out == nil {
		return err
	}
	out.Flush()
	if err != nil || out.Error() != nil {
		panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
	}
	return nil
}

func csvRow(e *notify.Exported) []string {
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	took := ""
	if e.DurationUS != nil {
		took = strconv.FormatInt(*e.DurationUS, 10)
	}
	row := []string{e.ID.String(), e.CustomerName, e.Basis, e.Channel, e.ShownAddress(), e.ShownAddressee(), e.Language, string(e.State), e.Reason,
		strconv.FormatBool(e.PossibleRepeat), csvTime(&e.CreatedAt), csvTime(e.DoneAt), csvTime(e.DueAt), number(e.Number), csvTime(e.StartedAt),
		took, csvText(e.Outcome), csvText(e.Stage), number(e.Code), csvText(e.Answer), hex.EncodeToString(e.Digest)}
	for i := range row {
		row[i] = noFormula(row[i])
	}
	return row
}

func csvTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func csvText(s *string) string {
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
