package apiv1

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
)

// tag gives every answer to a GET an ETag, and 304 to who has it. An ETag is "version-digest": the
// version, where there is one, is what edits are based on; the digest is of the whole answer, of
// which parts may change without an edit, by the day for instance.
func (s *Site) tag(c *gin.Context) {
	o := s.op(c)
	if o == nil || o.writes() || o.stream {
		return
	}
	held := hold(c)
	defer held.giveUp(c)
	c.Next()
	if held.status == http.StatusOK {
		sum := sha256.Sum256(held.body)
		etag := hex.EncodeToString(sum[:8])
		if version := strings.Trim(held.Header().Get("ETag"), `"`); version != "" {
			etag = version + "-" + etag
		}
		etag = `"` + etag + `"`
		c.Header("ETag", etag)
		c.Header("Cache-Control", "private, no-cache")
		if holds(c.GetHeader("If-None-Match"), etag) {
			held.status, held.body = http.StatusNotModified, nil
			held.Header().Del("Content-Type")
		}
	}
	held.release(c)
}

// holds says whether one of the ETags is this one (RFC 9110, section 13.1.2: compared weakly).
func holds(given, etag string) bool {
	for part := range strings.SplitSeq(given, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == etag || part == "*" {
			return true
		}
	}
	return false
}

// Match is the precondition of an edit. Embed it in the input.
type Match struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"Required: ETag of the state that the edit is based on, or its version alone in quotes. Somebody else's edit meanwhile is 412." example:"\"3\""`
}

// version is the version that the edit is based on. Without one the edit is refused (428): whoever
// edits must have read.
func (m Match) version() (int, error) {
	if m.IfMatch == "" {
		return 0, fault.Field("If-Match", "precondition.missing", nil)
	}
	text := strings.TrimPrefix(strings.TrimSpace(m.IfMatch), "W/") // compression weakens ETags on their way
	text, _, _ = strings.Cut(strings.Trim(text, `"`), "-")
	version, err := strconv.Atoi(text)
	if err != nil || version < 0 || version >= 1<<31-1 {
		return 0, fault.Field("If-Match", "precondition.malformed", nil)
	}
	return version, nil
}
