package apiv1

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/database"
	"fairnotice/internal/idempotency"
	"fairnotice/web"
)

// errRefused rolls back the transaction of a write whose answer is no success.
var errRefused = errors.New("apiv1: the write was refused")

// keptHeaders are those of an answer that belong to what was done.
var keptHeaders = []string{"Content-Type", "Etag", "Location"}

// answerOnce runs a write in one transaction with the note that it was done: everything that its
// operation calls commits together, before the answer goes out, or not at all. A write under a key that
// was done before is answered as then.
func (s *Site) answerOnce(c *gin.Context) {
	o := s.op(c)
	if o == nil || !o.once() {
		return
	}
	request, err := requestOf(c)
	if err != nil {
		s.refuse(c, err)
		return
	}
	done, err := s.turns.take(c.Request.Context(), request)
	if err != nil {
		s.refuse(c, err)
		return
	}
	defer done()
	held := hold(c)
	defer held.giveUp(c)
	outer := c.Request
	err = s.DB.Together(outer.Context(), func(ctx context.Context, tx *database.Tx) error {
		return s.runOnce(c, ctx, tx, held, request)
	})
	c.Request = outer
	switch {
	case err == nil, errors.Is(err, errRefused):
		held.release(c)
	default:
		held.drop(c)
		s.refuse(c, err)
	}
	c.Abort() // the operation has run, inside
}

func (s *Site) runOnce(c *gin.Context, ctx context.Context, tx *database.Tx, held *buffered, r idempotency.Request) error { //nolint:revive // gin's context is the request
	if r.Key != "" {
		answer, found, err := s.Idempotency.Claim(tx, r)
		if err != nil {
			return err
		}
		if found {
			replay(c, held, answer)
			return nil
		}
	}
	c.Request = c.Request.WithContext(ctx)
	c.Next()
	if held.status >= http.StatusMultipleChoices {
		return errRefused
	}
	if r.Key == "" {
		return nil
	}
	headers := map[string]string{}
	for _, name := range keptHeaders {
		if value := held.Header().Get(name); value != "" {
			headers[name] = value
		}
	}
	return s.Idempotency.Keep(tx, r, idempotency.Answer{Status: held.status, Headers: headers, Body: held.body})
}

// replay gives the answer of the first time, and says so.
func replay(c *gin.Context, held *buffered, a *idempotency.Answer) {
	for name, value := range a.Headers {
		c.Header(name, value)
	}
	c.Header("Idempotency-Replayed", "true")
	held.status, held.body = a.Status, a.Body
}

// requestOf is what makes a write the same as another: its key, who sends it, and what it says.
func requestOf(c *gin.Context) (idempotency.Request, error) {
	key := strings.TrimSpace(c.GetHeader("Idempotency-Key"))
	if err := idempotency.Check(key); err != nil {
		return idempotency.Request{}, err
	}
	body, _ := c.Get(keyBody)
	raw, _ := body.([]byte)
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", c.Request.Method, c.Request.URL.RequestURI(), c.GetHeader("If-Match"))
	h.Write(raw)
	return idempotency.Request{Owner: web.ActorOf(c).Key, Key: key, Digest: h.Sum(nil)}, nil
}
