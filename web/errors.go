package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
)

// errorPage is what a reader sees when something went wrong.
type errorPage struct {
	Page
	Status    int
	Sentences []string
}

// statusClientGone is what proxies log when nobody waits for the answer any more.
const statusClientGone = 499

// fail answers a request that ended in an error: a fault with its sentences, anything else with a
// page that shows only the request's ID.
func (k *Kit) fail(c *gin.Context, err error) {
	c.Set(keyError, err.Error())
	if c.Writer.Written() {
		return // too late to say anything
	}
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.Status(statusClientGone)
		return
	}
	status := k.Status(err)
	if status == http.StatusUnauthorized && k.sendToSignIn(c) {
		return
	}
	list := fault.All(err)
	if wait := RetryAfter(status, list); wait != "" {
		c.Header("Retry-After", wait)
	}
	k.answerError(c, status, list)
}

func retryAfter(f *fault.Error) string {
	seconds, err := strconv.Atoi(fmt.Sprint(f.Args["seconds"]))
	if err != nil || seconds < 1 {
		seconds = 60
	}
	return strconv.Itoa(seconds)
}

func (k *Kit) sendToSignIn(c *gin.Context) bool {
	signIn := k.audienceAt(c.Request.URL.Path).spec.SignIn
	if signIn == "" || c.Request.URL.Path == signIn || c.Request.Method != http.MethodGet {
		return false
	}
	next := c.Request.URL.RequestURI()
	_ = SeeOther(c, signIn+"?next="+url.QueryEscape(next))
	return true
}

// answerError writes the error's page; or a problem document (RFC 9457) to whoever asked for JSON.
func (k *Kit) answerError(c *gin.Context, status int, list fault.List) {
	if wantsJSON(c) {
		SendProblem(c, k.ProblemAt(c, status, list))
		return
	}
	lang := Lang(c)
	sentences := make([]string, len(list))
	for i, f := range list {
		sentences[i] = k.Sentence(lang, f)
	}
	if len(sentences) == 0 {
		sentences = []string{k.T(lang, k.statusKey(lang, status, "text"))}
	}
	title := k.T(lang, k.statusKey(lang, status, "title"))
	c.Header("Cache-Control", "no-store")
	a := k.audienceAt(c.Request.URL.Path)
	data := &errorPage{Page: a.errorFrame(c, status, title), Status: status, Sentences: sentences}
	var buf bytes.Buffer
	if err := a.Template(lang, "error").ExecuteTemplate(&buf, "layout", data); err != nil {
		k.log.Error("error page failed", "request_id", RequestID(c), "error", err.Error())
		c.String(status, "%s (%s)", title, RequestID(c))
		return
	}
	c.Data(status, htmlType, buf.Bytes())
}

// errorFrame leaves the audience's own touches out after a defect: they may be what broke.
func (a *Audience) errorFrame(c *gin.Context, status int, title string) Page {
	p := a.barePage(c, title)
	p.Canonical = ""
	if a.spec.Fill != nil && status < http.StatusInternalServerError {
		a.spec.Fill(c, &p)
	}
	return p
}

func (k *Kit) statusKey(lang locale.Lang, status int, part string) string {
	if key := fmt.Sprintf("error.%d.%s", status, part); k.Has(lang, key) {
		return key
	}
	if status < http.StatusInternalServerError {
		return "error.400." + part
	}
	return "error.500." + part
}

func wantsJSON(c *gin.Context) bool {
	accept := c.GetHeader("Accept")
	return isAPI(c.Request.URL.Path) ||
		strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// notFound answers for every address that leads nowhere. One with a slash too many is sent to the
// address without it.
func (k *Kit) notFound(c *gin.Context) {
	path := c.Request.URL.Path
	trimmed := strings.TrimRight(path, "/")
	if c.Request.Method == http.MethodGet && trimmed != path && trimmed != "" && SafeNext(trimmed, "") != "" {
		target := url.URL{Path: trimmed, RawQuery: c.Request.URL.RawQuery}
		c.Redirect(http.StatusPermanentRedirect, target.String())
		return
	}
	k.answerError(c, http.StatusNotFound, nil)
}

func (k *Kit) wrongMethod(c *gin.Context) { k.answerError(c, http.StatusMethodNotAllowed, nil) }
