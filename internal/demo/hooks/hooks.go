// Package hooks is where the demo's webhooks arrive: a real HTTP server on loopback that verifies
// what comes with the Standard Webhooks project's own library, which shares nothing with our sender,
// keeps it, and shows it on the demo's site.
//
// It has an endpoint for every name, /hooks/NAME, and some behave so that a publisher can see what
// happens then: slow answers after three seconds, down refuses each message twice (503) before it
// takes it, gone is no more (410).
package hooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fairnotice/internal/demo/site"
)

// The endpoints that are there to be tried.
const (
	Slow = "slow"
	Down = "down"
	Gone = "gone"
)

const (
	slowness   = 3 * time.Second
	refusals   = 2 // of each message, by Down
	retryAfter = 2 // seconds, said by Down
	maxBody    = 1 << 20
)

// Options say where the receiver is.
type Options struct {
	Dir  string // keeps what arrived and the secrets; made when missing
	Addr string // host:port for the first time; when the port is taken, one of those after it
	Keep int    // arrivals kept, the oldest go first; 0: 1,000
}

// Receiver is a running receiver.
type Receiver struct {
	site    *site.Site
	server  *site.Server
	secrets *keys
	mu      sync.Mutex // one arrival is judged and kept at a time
	shelf   *site.Shelf[arrival]
}

// Open reads what is in the folder, starts the server and adds its pages to the site. Close must be
// called.
func Open(on *site.Site, o Options) (*Receiver, error) {
	shelf, err := site.OpenShelf[arrival](o.Dir, cmp.Or(o.Keep, 1000))
	if err != nil {
		return nil, err
	}
	r := &Receiver{site: on, shelf: shelf}
	if r.secrets, err = openKeys(o.Dir); err != nil {
		return nil, err
	}
	if err := r.addPages(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/{name}", r.receive)
	mux.HandleFunc("/", r.nothing)
	if r.server, err = site.ListenAgain("webhooks", o.Dir, o.Addr, mux, on.Log()); err != nil {
		return nil, err
	}
	r.server.Start()
	return r, nil
}

// Address is an endpoint's.
func (r *Receiver) Address(name string) string { return r.server.URL() + "/hooks/" + name }

// Knows says whether the endpoint has a secret to verify with.
func (r *Receiver) Knows(name string) bool { return len(r.secrets.of(name)) > 0 }

// Learn gives the endpoint its secret, whsec_…; the one before stays good beside it.
func (r *Receiver) Learn(name, secret string) error { return r.secrets.add(name, secret) }

// Close lets requests under way finish until ctx ends; once is enough.
func (r *Receiver) Close(ctx context.Context) error { return r.server.Close(ctx) }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// arrival is one request as it came, and what was made of it.
type arrival struct {
	Endpoint  string  `json:"endpoint"`
	Headers   []field `json:"headers"`
	Body      string  `json:"body"`
	MessageID string  `json:"message_id"`
	judgement
	Status int `json:"status"` // answered
}

type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// receive judges, keeps and answers one webhook.
func (r *Receiver) receive(w http.ResponseWriter, request *http.Request) {
	a := arrival{Endpoint: request.PathValue("name"), Headers: fields(request), MessageID: request.Header.Get("webhook-id")}
	if !nameForm.MatchString(a.Endpoint) {
		r.nothing(w, request)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "The body can't be read: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	a.Body = string(body)
	a.judgement = judge(r.secrets.of(a.Endpoint), request.Header, body)
	if a.Endpoint == Slow {
		select {
		case <-time.After(slowness):
		case <-request.Context().Done(): // it is kept all the same: it did arrive
		}
	}
	if err := r.keep(&a); err != nil {
		r.site.Log().Error("the demo's webhook receiver can't keep what arrived", "error", err)
		http.Error(w, "It can't be stored.", http.StatusInternalServerError)
		return
	}
	r.answer(w, &a)
}

// keep decides on the answer by what came before, and stores the arrival with it.
func (r *Receiver) keep(a *arrival) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case a.Verdict == refused:
		a.Status = http.StatusUnauthorized
	case a.Endpoint == Gone:
		a.Status = http.StatusGone
	case r.answered(a, http.StatusNoContent) > 0:
		a.Verdict, a.Status = repeat, http.StatusNoContent
	case a.Endpoint == Down && r.answered(a, http.StatusServiceUnavailable) < refusals:
		a.Status = http.StatusServiceUnavailable
	default:
		a.Status = http.StatusNoContent
	}
	_, err := r.shelf.Add(*a)
	return err
}

// answered counts how often this message, by its webhook-id, had such an answer from this endpoint.
func (r *Receiver) answered(a *arrival, status int) int {
	_, _, n := r.shelf.Find(func(b *arrival) bool {
		return b.Endpoint == a.Endpoint && b.MessageID == a.MessageID && b.Status == status
	}, "", 0)
	return n
}

func (r *Receiver) answer(w http.ResponseWriter, a *arrival) {
	switch a.Status {
	case http.StatusNoContent:
		w.WriteHeader(a.Status)
		return
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	http.Error(w, answers[a.Status], a.Status)
}

var answers = map[int]string{
	http.StatusUnauthorized:       "The signature doesn't verify.",
	http.StatusGone:               "This endpoint is no more (the demo's endpoint gone always says so).",
	http.StatusServiceUnavailable: "Not now, try again later (the demo's endpoint down takes a message at the third try).",
}

// fields are a request's headers in the order of their names.
func fields(r *http.Request) []field {
	out := []field{{"Host", r.Host}}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			out = append(out, field{name, value})
		}
	}
	return out
}

// nothing is the answer to what is no webhook.
func (r *Receiver) nothing(w http.ResponseWriter, request *http.Request) {
	if strings.HasPrefix(request.URL.Path, "/hooks/") && request.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, fmt.Sprintf("A webhook is a POST. What arrived is shown at %s%s", r.site.URL(), strings.TrimPrefix(tab, "/")), http.StatusMethodNotAllowed)
		return
	}
	http.NotFound(w, request)
}

var errName = errors.New("an endpoint's name has small letters, digits and hyphens only")
