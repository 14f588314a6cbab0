package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// request is a call as an operation's method describes it.
type request struct {
	method  string
	path    string // below Prefix, escaped
	query   url.Values
	basedOn ETag
	body    any
}

// path fills a pattern's parameters with names and values, escaped.
func path(pattern string, pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pattern = strings.Replace(pattern, fmt.Sprintf("{%s}", pairs[i]), url.PathEscape(text(pairs[i+1])), 1)
	}
	return pattern
}

// ask adds a query parameter; a nil pointer and an empty list add none. Lists are separated by commas.
func (r *request) ask(name string, value any) {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	said := ""
	if _, own := v.Interface().(encoding.TextMarshaler); v.Kind() == reflect.Slice && !own {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i).Interface())
		}
		if said = strings.Join(parts, ","); said == "" {
			return
		}
	} else {
		said = text(v.Interface())
	}
	if r.query == nil {
		r.query = url.Values{}
	}
	r.query.Set(name, said)
}

func text(v any) string {
	if m, ok := v.(encoding.TextMarshaler); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// prepare makes what all tries of a call have in common.
func (c *Client) prepare(r *request, options []CallOption) (*prepared, error) {
	p := &prepared{method: r.method, header: http.Header{}}
	address := *c.base
	p.url = address.String() + r.path
	if len(r.query) > 0 {
		p.url += "?" + r.query.Encode()
	}
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("client: write the body: %w", err)
		}
		p.body = raw
		p.header.Set("Content-Type", "application/json")
	}
	p.header.Set("Authorization", "Bearer "+c.key)
	p.header.Set("User-Agent", c.agent)
	p.header.Set("Accept-Language", c.language)
	if r.basedOn != "" {
		p.header.Set("If-Match", string(r.basedOn))
	}
	if r.method != http.MethodGet {
		p.header.Set("Idempotency-Key", rand.Text())
	}
	for _, o := range options {
		o(p.header)
	}
	return p, nil
}

type prepared struct {
	method, url string
	header      http.Header
	body        []byte
}

// open sends one try. An answer that is no success is an error.
func (c *Client) open(ctx context.Context, p *prepared) (*http.Response, error) {
	var body io.Reader
	if p.body != nil {
		body = bytes.NewReader(p.body)
	}
	r, err := http.NewRequestWithContext(ctx, p.method, p.url, body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	r.Header = p.header
	response, err := c.http.Do(r)
	if err != nil {
		return nil, &connectionError{err}
	}
	if response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified:
		return nil, ErrNotModified
	case response.StatusCode < http.StatusBadRequest:
		return nil, fmt.Errorf("client: %s points to %s: give the client that address", p.url, response.Header.Get("Location"))
	}
	return nil, problemOf(response)
}

// mostRead bounds an answer that is read as a whole.
const mostRead = 64 << 20

// do calls an operation that answers with nothing.
func (c *Client) do(ctx context.Context, r *request, options []CallOption) error {
	_, _, err := c.whole(ctx, r, options)
	return err
}

// answer calls an operation and reads its answer.
func answer[T any](ctx context.Context, c *Client, r *request, options []CallOption) (*Answer[T], error) {
	header, raw, err := c.whole(ctx, r, options)
	if err != nil {
		return nil, err
	}
	a := &Answer[T]{ETag: ETag(header.Get("ETag")), Location: header.Get("Location"), Header: header,
		Replayed: header.Get("Idempotency-Replayed") == "true"}
	if err := json.Unmarshal(raw, &a.Body); err != nil {
		return nil, fmt.Errorf("client: the answer of %s %s can't be read: %w", r.method, r.path, err)
	}
	return a, nil
}

// whole calls an operation, again where that can help, and reads the whole of its answer.
func (c *Client) whole(ctx context.Context, r *request, options []CallOption) (header http.Header, raw []byte, err error) {
	p, err := c.prepare(r, options)
	if err != nil {
		return nil, nil, err
	}
	err = c.retries.run(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		response, err := c.open(ctx, p)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		header = response.Header
		raw, err = io.ReadAll(io.LimitReader(response.Body, mostRead+1))
		if err != nil {
			return &connectionError{err}
		}
		if len(raw) > mostRead {
			return errors.New("client: the answer is too long to be read at once")
		}
		return nil
	})
	return header, raw, err
}

// pages goes over a list. load gives the page that comes after a cursor, and the next cursor.
func pages[T any](load func(after string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			items, next, err := load(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			after = next
		}
	}
}
