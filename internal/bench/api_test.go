package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/app"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/apiv1"
)

// BenchmarkAPI compares a read and a write over the API with a bare gin handler that calls the same
// operation of the domain, without key, rate, checks of what was sent, ETag, idempotency or problem.
func BenchmarkAPI(b *testing.B) {
	w := newWorld(b)
	w.open(nil)
	w.register(100)
	key, err := w.app.Accounts.CreateKey(b.Context(), w.Editor, &accounts.Key{Name: "bench", Role: w.Editor.Role, PerMinute: accounts.HighestKeyRate})
	must(b, err)
	// Benchmarks ask faster than any key may: the rate is lifted past the program.
	w.exec("update api_keys set per_minute = 1000000000")
	ours, bare := listen(b, w.api()), listen(b, w.bareVendors())
	ask := func(part, base, path string) func() float64 {
		return func() float64 { return loadChild(b, part, "LOAD_URL="+base+path, "LOAD_KEY="+key) }
	}
	v := compare("API, read", ask("apiread", ours, "api/v1/vendors?limit=50"), ask("apiread", bare, "vendors"))
	atLeast("api_read_ratio", v.ratio(), 0.7)
	fact("api_reads_per_second", median(v.ours))
	fact("api_bare_reads_per_second", median(v.bare))
	v = compare("API, write", ask("apiwrite", ours, "api/v1/vendors"), ask("apiwrite", bare, "vendors"))
	atLeast("api_write_ratio", v.ratio(), 0.5)
	fact("api_writes_per_second", median(v.ours))
	fact("api_bare_writes_per_second", median(v.bare))
}

// api is the API as cmd/api serves it, its log written to nowhere.
func (w *world) api() http.Handler {
	w.b.Helper()
	cfg := *w.app.Config
	cfg.LogLevel = 0
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.nordlicht.example"}, Logger: app.NewLog(&cfg, io.Discard)})
	must(w.b, err)
	_, err = apiv1.New(kit, apiv1.Services{DB: w.app.DB, Accounts: w.app.Accounts, Publisher: w.app.Publisher, Vendors: w.app.Vendors,
		Subscribers: w.app.Subscribers, Changes: w.app.Changes, Notify: w.app.Notify, Composer: w.app.Composers, Idempotency: w.app.Idempotency,
		Stopping: w.app.Stopping()})
	must(w.b, err)
	return kit.Handler()
}

// bareVendors lists fifty vendors and makes one, and does nothing else.
func (w *world) bareVendors() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/vendors", func(c *gin.Context) {
		list, err := w.app.Vendors.ListVendors(c.Request.Context(), vendors.Filter{}, vendors.Page{Limit: 50})
		if err != nil {
			c.String(http.StatusInternalServerError, "%v", err)
			return
		}
		c.JSON(http.StatusOK, list)
	})
	e.POST("/vendors", func(c *gin.Context) {
		var facts vendors.VendorFacts
		err := c.BindJSON(&facts)
		var v *vendors.Vendor
		if err == nil {
			v, err = w.app.Vendors.CreateVendor(c.Request.Context(), w.Editor, facts)
		}
		if err != nil {
			c.String(http.StatusInternalServerError, "%v", err)
			return
		}
		c.JSON(http.StatusCreated, v)
	})
	return e
}

func apiRead() error {
	return loadWith(func(client *http.Client) error { return askAPI(client, http.MethodGet, nil) })
}

func apiWrite() error {
	return loadWith(func(client *http.Client) error {
		return askAPI(client, http.MethodPost, fmt.Appendf(nil, `{"legal_name": "Vendor %s Ltd", "country": "IE"}`, uuid.NewString()))
	})
}

func askAPI(client *http.Client, method string, body []byte) error {
	r, err := http.NewRequest(method, os.Getenv("LOAD_URL"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("LOAD_KEY"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", uuid.NewString())
	_, err = do(client, r)
	return err
}
