// Package apiv1 is the API for programs: all that the console can do, as JSON below /api/v1.
//
// How an operation is written: a type for its input (path, query, header and Body fields, with huma's
// tags), a type for its output (One, Created, Page, Done or a type of its own), and a handler that
// decodes, acts and responds; handle registers it with an op, which is its line in the document. What
// holds for every operation (keys, rates, sizes, bad input, idempotency, ETags, problems) stands in
// gate.go, once.go and tags.go and needs nothing of a handler. JSON shapes are types of this package,
// never those of the domain; each body type has an Example.
package apiv1

import (
	"embed"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/accounts"
	"fairnotice/internal/changes"
	"fairnotice/internal/database"
	"fairnotice/internal/idempotency"
	"fairnotice/internal/notify"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

//go:embed all:templates all:catalogs
var files embed.FS

// Prefix is where the API lives.
const Prefix = "/api/v1"

// Services are what the operations call.
type Services struct {
	DB          *database.DB
	Accounts    *accounts.Service
	Publisher   *publisher.Service
	Vendors     *vendors.Service
	Subscribers *subscribers.Service
	Changes     *changes.Service
	Notify      *notify.Service
	Composer    notify.Composer // builds a message again as it was sent, on any channel
	Idempotency *idempotency.Store
	Stopping    <-chan struct{} // closed when the program begins to stop: streams end then
}

// Site holds the API.
type Site struct {
	Services
	kit    *web.Kit
	pages  *web.Audience // /docs
	api    huma.API
	rates  *rates
	turns  turns
	routes map[route]*op // by method and gin's pattern

	watches *watches   // of notices that somebody follows
	walking sync.Mutex // held while the record's chain is walked
	drawn   drawnPages

	missing []string // examples that are owed: a test wants none
}

// New adds the API and its documentation to the kit.
func New(kit *web.Kit, services Services) (*Site, error) {
	s := &Site{Services: services, kit: kit, rates: newRates(), routes: map[route]*op{}}
	s.watches = newWatches(s.readProgress)
	var err error
	s.pages, err = kit.Audience(web.Spec{Layout: "public", Prefix: docsPath, Home: "/", Files: files, Fill: s.name,
		Nav: []web.NavItem{{Href: "/", Key: "api.nav.list"}, {Href: "/changes", Key: "api.nav.changes"}, {Href: docsPath, Key: "api.nav.docs"}}})
	if err != nil {
		return nil, err
	}
	group := kit.Engine().Group(Prefix, noStore, s.authenticate, s.limitRate, s.checkQuery, s.checkBody, s.answerOnce, s.tag)
	s.api = humagin.NewWithGroup(kit.Engine(), group, s.config())
	s.operations()
	s.describeOpenReads(s.api.OpenAPI())
	if err := prune(s.api.OpenAPI()); err != nil {
		return nil, err
	}
	s.docsRoutes()
	return s, s.documentRoutes()
}

// operations is the table of contents.
func (s *Site) operations() {
	s.metaOperations()
	s.publisherOperations()
	s.vendorOperations()
	s.customerOperations()
	s.changeOperations()
	s.noticeOperations()
	s.ledgerOperations()
	s.staffOperations()
}

// config is huma's, less what we do ourselves: its pages load scripts from elsewhere, and its schema
// links put a member of theirs into every body.
func (s *Site) config() huma.Config {
	c := huma.DefaultConfig("Fairnotice", Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks, c.Transformers = nil, nil
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	c.DefaultFormat = "application/json"
	c.RejectUnknownQueryParameters = true
	s.describe(c.OpenAPI)
	return c
}

func noStore(c *gin.Context) { c.Header("Cache-Control", "no-store") }

func (s *Site) now() time.Time { return s.kit.Now() }
