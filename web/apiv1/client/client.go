package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client asks one installation with one key. It may be used by several goroutines at once.
type Client struct {
	base     *url.URL // with Prefix
	key      string
	http     *http.Client
	agent    string
	language string
	timeout  time.Duration
	retries  retries
}

// Prefix is where the API lives, below an installation's address.
const Prefix = "/api/v1"

// Defaults of what options change.
const (
	DefaultTimeout = time.Minute // of one try, until its answer has been read
	DefaultTries   = 6
	DefaultWait    = 250 * time.Millisecond // after the first try; it doubles
	LongestWait    = time.Minute            // that a server may ask for before the client gives up instead
)

// Option changes how a Client works.
type Option func(*Client)

// WithTimeout limits one try of a call, until its answer has been read. Streams have no such limit, but
// for their beginning.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithRetries says how often a call is tried at most, and how long the first pause is. One try is none
// again.
func WithRetries(tries int, first time.Duration) Option {
	return func(c *Client) { c.retries = retries{max(1, tries), first} }
}

// WithLanguage of problems' sentences, such as "de". Without it they are in English.
func WithLanguage(tag string) Option { return func(c *Client) { c.language = tag } }

// WithUserAgent puts the name of the program that uses the client before the client's own.
func WithUserAgent(name string) Option { return func(c *Client) { c.agent = name + " " + ownAgent } }

// WithTransport replaces http.DefaultTransport, for proxies and certificates of one's own.
func WithTransport(t http.RoundTripper) Option { return func(c *Client) { c.http.Transport = t } }

const ownAgent = "fairnotice-client/1"

// New makes a client of the installation at baseURL, such as https://trust.example.com, that asks
// with an API key.
func New(baseURL, key string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(baseURL))
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("client: %q is not the address of an installation: give it like https://trust.example.com", baseURL)
	}
	if key = strings.TrimSpace(key); key == "" || strings.ContainsAny(key, " \r\n\t") {
		return nil, errors.New("client: the API key is missing or has blanks in it: make one in the console, under Account")
	}
	base.Path, base.RawPath, base.Fragment = strings.TrimSuffix(strings.TrimRight(base.Path, "/"), Prefix)+Prefix, "", ""
	c := &Client{base: base, key: key, agent: ownAgent, language: "en", timeout: DefaultTimeout, retries: retries{DefaultTries, DefaultWait},
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// CallOption changes one call.
type CallOption func(http.Header)

// IdempotencyKey names a write: the same write under the same key within 24 hours is done once and
// answered as the first time. Without it each call has a random key of its own, the same for all its
// tries. A key has at most 255 characters of printable ASCII.
func IdempotencyKey(key string) CallOption {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// IfNoneMatch asks for an answer only if it isn't the one that has this ETag: then the error is
// ErrNotModified.
func IfNoneMatch(tag ETag) CallOption {
	return func(h http.Header) { h.Set("If-None-Match", string(tag)) }
}

// ErrNotModified says that the answer is still the one whose ETag was given.
var ErrNotModified = errors.New("client: not modified")

// ETag names a state of a thing. Edits say on which they are based.
type ETag string

// Version is the ETag of a thing's version, where only that is known.
func Version(n int) ETag { return ETag(fmt.Sprintf("%q", fmt.Sprint(n))) }

// Answer is a success.
type Answer[T any] struct {
	Body     T
	ETag     ETag
	Location string // of what was made, as a path
	Replayed bool   // the write had been done before, under the same idempotency key
	Header   http.Header
}
