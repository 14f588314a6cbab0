package console

import (
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/notify"
	"fairnotice/web"
)

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
		return out.Write(notify.ExportColumns)
	}
	err = s.Notify.Export(c.Request.Context(), web.ActorOf(c), n.ID, func(e *notify.Exported) error {
		if out == nil {
			if err := begin(); err != nil {
				return err
			}
		}
		return out.Write(e.Row())
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
