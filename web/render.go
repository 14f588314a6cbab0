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
)

const htmlType = "text/html; charset=utf-8"

// Render draws a whole page: status 200, or 422 (409 after a concurrent edit) when its form
// failed. The page is drawn into memory first, so a template that fails becomes a clean 500.
func (a *Audience) Render(c *gin.Context, name string, data Data) error {
	body, err := a.draw(c, name, "layout", data)
	if err != nil {
		return err
	}
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
	p := data.page()
	if len(p.Banners) > 0 || p.Failed() {
		return a.Render(c, name, data)
	}
	// What differs at each drawing would make each ETag new.
	p.Now, p.RequestID = time.Time{}, ""
	body, err := a.draw(c, name, "layout", data)
	if err != nil {
		return err
	}
	return SendCached(c, htmlType, body, p.LastUpdated)
}

// Fragment draws one block of a page, for a script that replaces just that part.
func (a *Audience) Fragment(c *gin.Context, name, block string, data any) error {
	body, err := a.draw(c, name, block, data)
	if err != nil {
		return err
	}
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
	c.Header("Content-Language", string(Lang(c)))
	c.Writer.Header().Add("Vary", "Accept-Language, Cookie")
	return buf.Bytes(), nil
}

// SendCached answers with a body that may be asked about again: ETag from its digest,
// Last-Modified when modified isn't zero, and 304 when the reader has it already.
func SendCached(c *gin.Context, contentType string, body []byte, modified time.Time) error {
	sum := sha256.Sum256(body)
	// Weak, because compression changes the bytes but not what they say.
	etag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
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
func AllowAnyOrigin(c *gin.Context) { c.Header("Access-Control-Allow-Origin", "*") }
