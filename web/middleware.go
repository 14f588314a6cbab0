package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/actor"
	"fairnotice/internal/secrets"
)

// record gives the request its ID and writes its one log record: never the path (it can hold a
// token), the query, or an address.
func (k *Kit) record(c *gin.Context) {
	id := secrets.ID().String()
	c.Set(keyRequestID, id)
	c.Header("X-Request-Id", id)
	start := time.Now()
	defer func() {
		status := c.Writer.Status()
		attrs := []slog.Attr{
			slog.String("request_id", id),
			slog.String("method", c.Request.Method),
			slog.String("route", routeOf(c)),
			slog.Int("status", status),
			slog.Duration("duration", time.Since(start)),
			slog.Int("bytes", max(0, c.Writer.Size())),
		}
		if who := ActorOf(c); who.Kind == actor.Staff {
			attrs = append(attrs, slog.String("account", who.ID.String()))
		}
		level := slog.LevelInfo
		if text := c.GetString(keyError); text != "" {
			attrs = append(attrs, slog.String("error", text))
			if status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
		}
		if stack := c.GetString(keyStack); stack != "" {
			attrs = append(attrs, slog.String("stack", stack))
		}
		k.log.LogAttrs(c.Request.Context(), level, "request", attrs...)
	}()
	c.Next()
}

func routeOf(c *gin.Context) string {
	if route := c.FullPath(); route != "" {
		return route
	}
	return "unmatched"
}

const defaultCSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

// headers are the same on every answer; a handler may set another policy before it writes.
func (k *Kit) headers(c *gin.Context) {
	c.Header("Content-Security-Policy", defaultCSP)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Referrer-Policy", "same-origin")
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()")
	if k.secure() {
		c.Header("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// SetCSP replaces the Content-Security-Policy of this answer.
func SetCSP(c *gin.Context, policy string) { c.Header("Content-Security-Policy", policy) }

// SetPreviewCSP is for an email's preview on a route of its own, shown by our pages in a sandboxed
// iframe: its inline styles work, but it loads nothing, runs nothing, and leads nowhere.
func SetPreviewCSP(c *gin.Context) {
	SetCSP(c, "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox")
}

// compress leaves event streams alone: their readers wait for each line, whether they ask for such a
// stream by name or not.
func compress() gin.HandlerFunc {
	squeeze := gzip.Gzip(gzip.DefaultCompression, gzip.WithCustomShouldCompressFn(func(c *gin.Context) bool {
		return c.Request.Method != http.MethodHead &&
			strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") &&
			!strings.Contains(c.GetHeader("Accept"), "text/event-stream") &&
			!strings.HasSuffix(c.FullPath(), "/events")
	}))
	return func(c *gin.Context) {
		c.Set(keyWriter, http.ResponseWriter(c.Writer))
		squeeze(c)
	}
}

// GiveTime lets an answer be written until so long from now, in place of the server's own limit: for
// answers that go on for long, which ask again as they go. A reader that takes nothing for so long is cut
// off.
func GiveTime(c *gin.Context, d time.Duration) {
	if w, ok := c.Get(keyWriter); ok { // what compresses can't be asked
		_ = http.NewResponseController(w.(http.ResponseWriter)).SetWriteDeadline(time.Now().Add(d)) // one that knows no limit has none
	}
}

// recover turns a panic into the same page as any other defect.
func (k *Kit) recover(c *gin.Context) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(r) // net/http's own way to hang up
		}
		c.Set(keyStack, string(debug.Stack()))
		k.fail(c, fmt.Errorf("panic: %v", r))
		c.Abort()
	}()
	c.Next()
}

// cleanAddress refuses addresses that no page of ours can have.
func (k *Kit) cleanAddress(c *gin.Context) {
	if !utf8.ValidString(c.Request.URL.Path) || hasControl(c.Request.URL.Path, "") {
		k.notFound(c)
		c.Abort()
	}
}
