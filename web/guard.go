package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
)

// drainLimit is how much of a refused body is read and thrown away. A browser reads our answer
// only after it has sent everything, or else shows "connection reset".
const drainLimit = 32 << 20

// limitBody refuses a body over the route's limit with a page that says so.
func (a *Audience) limitBody(c *gin.Context) {
	limit := a.opts.MaxBody
	if own, ok := a.spec.BodyLimits[c.FullPath()]; ok {
		limit = own
	}
	if c.Request.ContentLength > limit {
		a.refuseBody(c, limit)
		return
	}
	if c.Request.Body != nil {
		c.Request.Body = &cappedBody{http.MaxBytesReader(nil, c.Request.Body, limit), c.Request.Body}
	}
}

// cappedBody stops at the limit, but keeps the whole body at hand so it can be drained.
type cappedBody struct {
	io.ReadCloser
	whole io.ReadCloser
}

func (a *Audience) refuseBody(c *gin.Context, limit int64) {
	body := c.Request.Body
	if capped, ok := body.(*cappedBody); ok {
		body = capped.whole
	}
	// Whoever waits for "100 Continue" has sent nothing yet: reading would only ask for it.
	if c.GetHeader("Expect") == "" && body != nil {
		_, _ = io.CopyN(io.Discard, body, drainLimit)
	}
	c.Header("Connection", "close")
	a.fail(c, fault.New(fault.TooLarge, "too_large", fault.Args{"Max": sizeText(limit)}))
	c.Abort()
}

// sizeText writes a limit in the unit that people see on their files.
func sizeText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}

// guardOrigin refuses what another site makes a browser send, except on the exact routes that the
// audience has named.
func (a *Audience) guardOrigin(c *gin.Context) {
	if c.Request.Method == http.MethodPost && a.cross[c.FullPath()] {
		return
	}
	if err := a.crossOrigin.Check(c.Request); err != nil {
		a.fail(c, fault.New(fault.Forbidden, "cross_origin", nil))
		c.Abort()
	}
}

// readInput reads the form once and looks at every name and value, so that no handler can meet
// broken text. A query is refused as a whole: nobody typed it. A form's faults wait for
// Audience.Form, which shows them with the values kept; the broken characters are gone by then.
func (a *Audience) readInput(c *gin.Context) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		a.fail(c, fault.New(fault.Invalid, "query.malformed", nil))
		c.Abort()
		return
	}
	if list := clean(query); list != nil {
		a.answerError(c, http.StatusBadRequest, list)
		c.Abort()
		return
	}
	if c.Request.Method != http.MethodPost {
		return
	}
	err = parseForm(c.Request)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a.refuseBody(c, tooLarge.Limit)
	case err != nil:
		a.fail(c, fault.New(fault.Invalid, "form.malformed", nil))
		c.Abort()
	default:
		if list := clean(c.Request.PostForm); list != nil {
			c.Set(keyDirty, list)
		}
	}
}

// parseForm reads a form of either kind, and leaves any other body alone.
func parseForm(r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "multipart/form-data":
		err = r.ParseMultipartForm(DefaultMaxBody)
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		r.PostForm = url.Values{}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return tooLarge
	}
	return err
}

// CleanQuery says where the query of an address holds what no text of ours may: for routes that aren't
// pages, whose audiences look by themselves.
func CleanQuery(c *gin.Context) error {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Invalid, "query.malformed", nil)
	}
	if list := clean(query); list != nil {
		return list
	}
	return nil
}

// clean takes invalid UTF-8 and control characters out of the values, and says where they were.
func clean(values url.Values) fault.List {
	var list fault.List
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !utf8.ValidString(name) || hasControl(name, "") {
			delete(values, name)
			list = append(list, fault.New(fault.Invalid, "utf8", nil))
			continue
		}
		if code := cleanValues(values[name]); code != "" {
			list = append(list, fault.Field(name, code, nil))
		}
	}
	return list
}

// cleanValues repairs the values in place and names the first fault among them.
func cleanValues(values []string) string {
	found := ""
	note := func(code string) {
		if found == "" {
			found = code
		}
	}
	for i, v := range values {
		if !utf8.ValidString(v) {
			note("utf8")
			v = strings.ToValidUTF8(v, "")
		}
		if hasControl(v, "\n\r\t") {
			note("control_characters")
			v = strings.Map(func(r rune) rune {
				if isControl(r) && !strings.ContainsRune("\n\r\t", r) {
					return -1
				}
				return r
			}, v)
		}
		values[i] = v
	}
	return found
}

func hasControl(s, allowed string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return isControl(r) && !strings.ContainsRune(allowed, r) })
}

// isControl covers C0, DEL and C1; NEL (U+0085) breaks lines in mail headers as CR does.
func isControl(r rune) bool { return r < 0x20 || (r >= 0x7f && r <= 0x9f) }
