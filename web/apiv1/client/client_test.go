package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
	"fairnotice/internal/notify"
	"fairnotice/web/apiv1/apiv1test"
	"fairnotice/web/apiv1/client"
)

// server is the API on a real database.
type server struct{ *apiv1test.Server }

func serve(t testing.TB) *server { return &server{apiv1test.Serve(t)} }

func (s *server) ok(err error) { s.T.Helper(); s.OK(err) }

// as is a client with a new key of somebody's, that tries again at once.
func (s *server) as(who actor.Actor, options ...client.Option) *client.Client {
	s.T.Helper()
	c, err := client.New(s.URL, s.Key(who), append([]client.Option{client.WithRetries(client.DefaultTries, time.Millisecond)}, options...)...)
	s.OK(err)
	return c
}

// unsteady is a network that loses what fail says, after the server has had the request.
type unsteady struct {
	fail func(try int64, r *http.Request) bool
	try  atomic.Int64
	keys []string
}

var errLost = errors.New("the connection broke")

func (u *unsteady) RoundTrip(r *http.Request) (*http.Response, error) {
	u.keys = append(u.keys, r.Header.Get("Idempotency-Key"))
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && u.fail(u.try.Add(1), r) {
		_ = response.Body.Close()
		return nil, errLost
	}
	return response, err
}

func TestAWriteWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	s := serve(t)
	net := &unsteady{fail: func(try int64, _ *http.Request) bool { return try < 3 }}
	c := s.as(s.Staff("Ada Admin", actor.Admin), client.WithTransport(net))
	made, err := c.AddProduct(t.Context(), client.ProductInput{Slug: "forms", Name: "Nordlicht Forms"})
	s.ok(err)
	if !made.Replayed || made.Body.Slug != "forms" {
		t.Errorf("the answer is %+v, want the first one's again", made)
	}
	if len(net.keys) != 3 || net.keys[0] == "" || net.keys[0] != net.keys[1] || net.keys[1] != net.keys[2] {
		t.Errorf("the tries had the keys %q, want three times the same", net.keys)
	}
	list, err := c.ListProducts(t.Context())
	s.ok(err)
	n := 0
	for _, p := range list.Body.Items {
		if p.Slug == "forms" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the product is there %d times", n)
	}
	if _, err := c.AddProduct(t.Context(), client.ProductInput{Slug: "mail", Name: "Nordlicht Mail"}); err != nil || net.keys[0] == net.keys[len(net.keys)-1] {
		t.Errorf("another write has the key %q of the first (%v)", net.keys[len(net.keys)-1], err)
	}
}

func TestAConnectionThatStaysBrokenIsAnError(t *testing.T) {
	s := serve(t)
	net := &unsteady{fail: func(int64, *http.Request) bool { return true }}
	c := s.as(s.Editor, client.WithTransport(net))
	if _, err := c.GetMe(t.Context()); !errors.Is(err, errLost) || net.try.Load() != client.DefaultTries {
		t.Errorf("after %d tries: %v", net.try.Load(), err)
	}
}

func TestAProblemNamesFieldAndMend(t *testing.T) {
	s := serve(t)
	c := s.as(s.Staff("Ada Admin", actor.Admin))
	_, err := c.AddProduct(t.Context(), client.ProductInput{Slug: "Not A Slug", Name: ""})
	var p *client.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%T: %v", err, err)
	}
	fields := map[string]bool{}
	for _, part := range p.Errors {
		fields[part.Field] = part.Code != "" && part.Detail != ""
	}
	if p.Status != 422 || !fields["slug"] || !fields["name"] {
		t.Errorf("the problem is %+v", p)
	}
	if said := p.Error(); !strings.Contains(said, "slug") || !strings.Contains(said, "name") {
		t.Errorf("it says %q", said)
	}
	german := s.as(s.Editor, client.WithLanguage("de"))
	if _, err := german.AddProduct(t.Context(), client.ProductInput{Slug: "x", Name: "X"}); !errors.As(err, &p) || p.Status != 403 || !strings.Contains(p.Detail+p.Title, "ü") && !strings.Contains(err.Error(), "dürfen") && !strings.Contains(err.Error(), "Rolle") {
		t.Errorf("in German: %v", err)
	}
}

func TestAnEditIsBasedOnWhatWasRead(t *testing.T) {
	s := serve(t)
	c := s.as(s.Staff("Ada Admin", actor.Admin))
	read, err := c.GetPublisher(t.Context())
	s.ok(err)
	in := read.Body
	in.LegalName = "Nordlicht Software AG"
	edited, err := c.SavePublisher(t.Context(), read.ETag, in)
	s.ok(err)
	if edited.Body.LegalName != in.LegalName {
		t.Errorf("the name is %q", edited.Body.LegalName)
	}
	var p *client.Problem
	if _, err := c.SavePublisher(t.Context(), read.ETag, in); !errors.As(err, &p) || p.Code != "changed_meanwhile" || p.Status != 412 {
		t.Errorf("an edit based on the old state: %v", err)
	}
	now, err := c.GetPublisher(t.Context())
	s.ok(err)
	if _, err := c.GetPublisher(t.Context(), client.IfNoneMatch(now.ETag)); !errors.Is(err, client.ErrNotModified) {
		t.Errorf("the same again: %v", err)
	}
}

func TestAListIsReadOverItsPages(t *testing.T) {
	s := serve(t)
	for i := range 5 {
		s.Customer(fmt.Sprintf("Customer %d", i), fmt.Sprintf("dpo%d@customer.example", i), housetest.Sheet(30))
	}
	c := s.as(s.Editor)
	two := 2
	var names []string
	seen := map[uuid.UUID]bool{}
	for customer, err := range c.AllCustomers(t.Context(), &client.ListCustomersParams{Limit: &two, Region: new(client.RegionEea)}) {
		s.ok(err)
		names = append(names, customer.Name)
		seen[customer.ID] = true
	}
	if len(names) != 5 || len(seen) != 5 || names[0] != "Customer 0" {
		t.Errorf("over all pages there are %q", names)
	}
	n := 0
	for _, err := range c.AllCustomers(t.Context(), &client.ListCustomersParams{Limit: &two}) {
		s.ok(err)
		if n++; n == 3 {
			break
		}
	}
	for customer, err := range c.AllCustomers(t.Context(), &client.ListCustomersParams{Fields: new("name,region")}) {
		if err != nil || customer.Name == "" || customer.ID != uuid.Nil {
			t.Errorf("asked for the name, got %+v, %v", customer, err)
		}
	}
	for _, err := range c.AllCustomers(t.Context(), &client.ListCustomersParams{After: new("nonsense")}) {
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 422 {
			t.Errorf("after a cursor that isn't one: %v", err)
		}
	}
}

func TestAnAddressIsChecked(t *testing.T) {
	for _, address := range []string{"", "trust.example.com", "ftp://trust.example.com", "https://", "https://user@trust.example.com"} {
		if _, err := client.New(address, "k"); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	if _, err := client.New("https://trust.example.com", " \n"); err == nil {
		t.Error("an empty key is taken")
	}
	s := serve(t)
	for _, address := range []string{s.URL, s.URL + "/", s.URL + client.Prefix, s.URL + client.Prefix + "/"} {
		c, err := client.New(address, "fn_wrong")
		s.ok(err)
		var p *client.Problem
		if _, err := c.GetMe(t.Context()); !errors.As(err, &p) || p.Code != "key.invalid" {
			t.Errorf("%s with a wrong key: %v", address, err)
		}
	}
}

func TestAnAnswerOfAnotherServerIsTold(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/me" {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusMovedPermanently)
			return
		}
		http.Error(w, "<h1>not here</h1>", http.StatusNotFound)
	}))
	defer other.Close()
	c, err := client.New(other.URL, "fn_key")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetMe(t.Context()); err == nil || !strings.Contains(err.Error(), "https://elsewhere.example/") {
		t.Errorf("a redirection: %v", err)
	}
	if _, err := c.ListProducts(t.Context()); err == nil || !strings.Contains(err.Error(), "isn't Fairnotice's") {
		t.Errorf("another site: %v", err)
	}
}

func TestANoticeIsFollowedToItsEnd(t *testing.T) {
	s := serve(t)
	s.Customer("Anna", "anna@customer.example", housetest.Sheet(30))
	s.Customer("Bela", "bela@customer.example", housetest.Sheet(30))
	change := s.Announced(s.Addition(s.Vendor("Sentry Example Ltd"), 60))
	s.ok(s.Notify.FanOut(t.Context(), change.ID, notify.Announcement))
	c := s.as(s.Editor)
	notices, err := c.ListNotices(t.Context(), change.Reference)
	s.ok(err)
	s.Send(t)
	var last client.NoticeProgress
	for p, err := range c.Follow(t.Context(), notices.Body.Items[0].ID) {
		s.ok(err)
		last = p
	}
	if last.Total < 2 || last.Done != last.Total || last.Counts.Sent != last.Total {
		t.Errorf("the last that was told is %+v", last)
	}
	export, err := c.ExportDeliveriesCSV(t.Context(), notices.Body.Items[0].ID)
	s.ok(err)
	defer export.Body.Close()
	raw, err := io.ReadAll(export.Body)
	if s.ok(err); !strings.Contains(string(raw), "anna@customer.example") {
		t.Errorf("the export is %s", raw)
	}
	for _, err := range c.Follow(t.Context(), uuid.New()) {
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 404 {
			t.Errorf("a notice that isn't there: %v", err)
		}
	}
}
