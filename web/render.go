package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/locale"
)

const htmlType = "text/html; charset=utf-8"

// Render draws a whole page: status 200, or 422 (409 after a concurrent edit) when its form
// failed. The page is drawn into memory first, so a template that fails becomes a clean 500.
func (a *Audience) Render(c *gin.Context, name string, data Data) error {
	body, err := a.draw(c, name, "layout", data)
	if err != nil {
		return err
	}
	speaks(c, Lang(c))
	status := http.StatusOK
	if p := data.page(); p.Failed() {
		status = p.Form.Status()
	}
	if c.Writer.Header().Get("Cache-Control") == "" {
		c.Header("Cache-Control", "private, no-cache") // a form or a banner may be this reader's own
	}
	c.Data(status, htmlType, body)
	return nil
}

// RenderCached draws a public page that readers may keep and ask about again: it carries an ETag,
// and If-None-Match is answered with 304. The page must show nothing that differs between two
// readers of the same language.
func (a *Audience) RenderCached(c *gin.Context, name string, data Data) error {
	drawn, forAll, err := a.Draw(c, name, data)
	if err != nil {
		return err
	}
	if !forAll {
		return a.Render(c, name, data)
	}
	return drawn.Send(c)
}

// Drawn is a public page as it was drawn: the same for every reader of its address and language. It
// may be sent any number of times.
type Drawn struct {
	lang     locale.Lang
	body     []byte
	etag     string
	modified time.Time
}

// Draw draws a page as RenderCached does, without sending it. A page that is one reader's alone, with
// a banner or a form's errors, is not forAll and not drawn: it is for Render.
func (a *Audience) Draw(c *gin.Context, name string, data Data) (d *Drawn, forAll bool, err error) {
	p := data.page()
	if len(p.Banners) > 0 || p.Failed() {
		return nil, false, nil
	}
	// What differs at each drawing would make each ETag new.
	p.Now, p.RequestID = time.Time{}, ""
	body, err := a.draw(c, name, "layout", data)
	if err != nil {
		return nil, false, err
	}
	return &Drawn{lang: Lang(c), body: body, etag: etagOf(body), modified: p.LastUpdated}, true, nil
}

// Send answers with the page.
func (d *Drawn) Send(c *gin.Context) error {
	speaks(c, d.lang)
	return sendCached(c, htmlType, d.body, d.etag, d.modified)
}

// Fragment draws one block of a page, for a script that replaces just that part.
func (a *Audience) Fragment(c *gin.Context, name, block string, data any) error {
	body, err := a.draw(c, name, block, data)
	if err != nil {
		return err
	}
	speaks(c, Lang(c))
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, htmlType, body)
	return nil
}

func (a *Audience) draw(c *gin.Context, name, block string, data any) ([]byte, error) {
	page := a.Template(Lang(c), name)
	if page == nil {
		return nil, fmt.Errorf("web: no template %q", name)
	}
	var buf bytes.Buffer
	if err := page.ExecuteTemplate(&buf, block, data); err != nil {
		return nil, fmt.Errorf("web: template %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// speaks names the language of an answer, and what chose it.
func speaks(c *gin.Context, l locale.Lang) {
	c.Header("Content-Language", string(l))
	c.Writer.Header().Add("Vary", "Accept-Language, Cookie")
}

// SendCached answers with a body that may be asked about again: ETag from its digest,
// Last-Modified when modified isn't zero, and 304 when the reader has it already.
func SendCached(c *gin.Context, contentType string, body []byte, modified time.Time) error {
	return sendCached(c, contentType, body, etagOf(body), modified)
}

// etagOf is weak, because compression changes the bytes but not what they say.
func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

func sendCached(c *gin.Context, contentType string, body []byte, etag string, modified time.Time) error {
	c.Header("ETag", etag)
	c.Header("Cache-Control", "no-cache")
	if !modified.IsZero() {
		c.Header("Last-Modified", modified.UTC().Format(http.TimeFormat))
	}
	// Only If-None-Match is honored: seconds are too coarse to prove that nothing changed.
	if matchesETag(c.GetHeader("If-None-Match"), etag) {
		c.Header("Content-Encoding", "") // gin deletes an empty header: there is no body to compress
		c.Status(http.StatusNotModified)
		return nil
	}
	c.Data(http.StatusOK, contentType, body)
	return nil
}

// Unchanged sets the validators of a public answer, and says whether the reader has it already, by
// If-None-Match or, without that, by If-Modified-Since: 304 is then answered. The ETag is a digest of
// content; modified is when it last came to be what it is.
//
// Last-Modified tells no more than the second, and what is written at an instant may be seen a little
// later. So what is younger than a minute is told a second early and proves nothing; after that the very
// time that was told proves that nothing changed since, and so does one a minute later.
func (k *Kit) Unchanged(c *gin.Context, content []byte, modified time.Time) bool {
	etag := etagOf(content)
	c.Header("ETag", etag)
	c.Header("Cache-Control", "no-cache")
	told, young := modified.UTC().Truncate(time.Second), k.Now().Sub(modified) < coarse
	if young {
		told = told.Add(-time.Second)
	}
	c.Header("Last-Modified", told.Format(http.TimeFormat))
	has := false
	if given := c.GetHeader("If-None-Match"); given != "" {
		has = matchesETag(given, etag)
	} else if since, err := http.ParseTime(c.GetHeader("If-Modified-Since")); err == nil && !young {
		has = since.Equal(told) || !since.Before(told.Add(coarse))
	}
	if has {
		c.Header("Content-Encoding", "") // gin deletes an empty header: there is no body to compress
		c.Status(http.StatusNotModified)
	}
	return has
}

// coarse is how far clocks and commits may be from the second that Last-Modified names.
const coarse = time.Minute

func matchesETag(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || (part != "" && strings.TrimPrefix(part, "W/") == strings.TrimPrefix(etag, "W/")) {
			return true
		}
	}
	return false
}

// AllowAnyOrigin lets scripts of other sites read a public answer.
func AllowAnyOrigin(c *gin.Context) {
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Access-Control-Expose-Headers", "ETag, Last-Modified, Link")
}

// AllowConditional answers a browser that asks whether another site's script may read a public answer
// and ask about it again.
func AllowConditional(c *gin.Context) {
	AllowAnyOrigin(c)
	c.Header("Access-Control-Allow-Methods", "GET, HEAD")
	c.Header("Access-Control-Allow-Headers", "If-None-Match, If-Modified-Since")
	c.Header("Access-Control-Max-Age", "86400")
	c.Status(http.StatusNoContent)
}
