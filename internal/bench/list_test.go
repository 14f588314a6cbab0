package bench

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/app"
	"fairnotice/internal/calendar"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/public"
)

// BenchmarkList compares the public list of a hundred vendors with a bare gin handler that writes the
// same bytes.
func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	w.open(nil)
	w.register(100)
	c := w.approved()
	w.announce(c)
	site := listen(b, w.pages())
	for _, encoding := range []string{"identity", "gzip"} {
		page := fetch(b, site, encoding)
		bare := listen(b, bareGin(page, encoding))
		v := compare("list, "+encoding, func() float64 { return runLoad(b, site, encoding) }, func() float64 { return runLoad(b, bare, encoding) })
		if encoding == "identity" {
			atLeast("list_ratio", v.ratio(), 0.3)
			fact("list_requests_per_second", median(v.ours))
			fact("list_bare_requests_per_second", median(v.bare))
			fact("list_page_bytes", float64(len(page)))
			continue
		}
		report("list_gzip_ratio", fmt.Sprintf("%.2f", v.ratio()), "-", "")
		fact("list_gzip_requests_per_second", median(v.ours))
		fact("list_gzip_bare_requests_per_second", median(v.bare))
		fact("list_gzip_page_bytes", float64(len(page)))
	}
}

// register adds vendors with two places, two kinds of data and two certifications each.
func (w *world) register(n int) {
	w.b.Helper()
	ctx := w.b.Context()
	transfers := []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC3}, {Regime: vendors.UK, Mechanism: vendors.UKAddendum}, {Regime: vendors.Switzerland, Mechanism: vendors.SCC3}}
	for i := range n {
		v, err := w.Vendors.CreateVendor(ctx, w.Editor, vendors.VendorFacts{LegalName: fmt.Sprintf("Number %d Services, Inc.", i), TradeName: fmt.Sprintf("Number %d", i), Country: "US"})
		must(w.b, err)
		_, err = w.Vendors.RecordEngagement(ctx, w.Editor, v.ID, day("2024-05-01"), vendors.EngagementFacts{Purpose: "Delivers messages of the service",
			DataCategories: []string{"Email addresses", "Names"}, Products: []vendors.EngagementProduct{{ProductID: w.Product.ID}},
			Locations: []vendors.Location{{Country: "US", Kind: vendors.Stored, Transfers: transfers}, {Country: "IN", Kind: vendors.Accessed, Transfers: transfers}}})
		must(w.b, err)
		for _, scheme := range []string{"SOC 2", "ISO/IEC 27001"} {
			_, err = w.Vendors.AddCertification(ctx, w.Editor, v.ID, vendors.CertificationFacts{Scheme: scheme, IssuedOn: day("2026-01-01")})
			must(w.b, err)
		}
	}
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// pages is the public site as cmd/api serves it, its log written to nowhere.
func (w *world) pages() http.Handler {
	w.b.Helper()
	cfg := *w.app.Config
	cfg.LogLevel = 0
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.nordlicht.example"}, Logger: app.NewLog(&cfg, io.Discard)})
	must(w.b, err)
	_, err = public.New(kit, public.Services{DB: w.app.DB, Publisher: w.app.Publisher, Vendors: w.app.Vendors, Changes: w.app.Changes})
	must(w.b, err)
	return kit.Handler()
}

func bareGin(page []byte, encoding string) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/", func(c *gin.Context) {
		if encoding != "identity" {
			c.Header("Content-Encoding", encoding)
		}
		c.Data(http.StatusOK, "text/html; charset=utf-8", page)
	})
	return e
}

func listen(b *testing.B, h http.Handler) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String() + "/"
}

// fetch is the page as it is sent.
func fetch(b *testing.B, address, encoding string) []byte {
	b.Helper()
	body, err := get(http.DefaultClient, address, encoding)
	must(b, err)
	plain := body
	if encoding == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(body))
		must(b, err)
		plain, err = io.ReadAll(r)
		must(b, err)
	}
	if n := bytes.Count(plain, []byte("Services, Inc.")); n != 100 {
		b.Fatalf("the list has %d vendors", n)
	}
	return body
}

func get(client *http.Client, address, encoding string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Accept-Encoding", encoding)
	return do(client, r)
}

// do sends a request and reads the whole answer, which must be a success.
func do(client *http.Client, r *http.Request) ([]byte, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("status %d: %.300s", resp.StatusCode, body)
	}
	return body, err
}

const (
	loadClients = 8
	loadTime    = 3 * time.Second
)

// runLoad asks for a page from a process of its own and returns the answers a second.
func runLoad(b *testing.B, address, encoding string) float64 {
	b.Helper()
	return loadChild(b, "load", "LOAD_URL="+address, "LOAD_ENCODING="+encoding)
}

func loadChild(b *testing.B, part string, environment ...string) float64 {
	b.Helper()
	var r struct {
		Count int
		Took  time.Duration
	}
	must(b, json.Unmarshal(startChild(b, part, environment...), &r))
	return perSecond(r.Count, r.Took)
}

func load() error {
	address, encoding := os.Getenv("LOAD_URL"), os.Getenv("LOAD_ENCODING")
	return loadWith(func(client *http.Client) error {
		_, err := get(client, address, encoding)
		return err
	})
}

// loadWith lets clients ask without pause, and prints how often they were answered.
func loadWith(ask func(*http.Client) error) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: loadClients, DisableCompression: true}}
	var count atomic.Int64
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	start := time.Now()
	for range loadClients {
		wg.Go(func() {
			for time.Since(start) < loadTime {
				if err := ask(client); err != nil {
					once.Do(func() { failed = err })
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"Count": count.Load(), "Took": time.Since(start)})
}
