package apiv1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/web"
)

// Version of the API. The address says 1; what is added raises the second number.
const Version = "1.0"

// Tags group the operations, in the order of the page.
const (
	tagMeta           = "This API"
	tagPublisher      = "Publisher"
	tagVendors        = "Vendors"
	tagEngagements    = "Engagements"
	tagCertifications = "Certifications"
	tagCustomers      = "Customers"
	tagTerms          = "Contracts and terms"
	tagSubscriptions  = "Contacts and subscriptions"
	tagChanges        = "Changes"
	tagNotices        = "Notices and deliveries"
	tagLedger         = "Ledger"
	tagStaff          = "Staff and keys"
	tagOpen           = "Open to all"
)

// tags are the groups with what they are about.
var tags = []struct{ name, text string }{
	{tagMeta, "Who a key is, and what an installation says of itself."},
	{tagPublisher, "The company that engages the sub-processors: its facts, its policies, its products."},
	{tagVendors, "The companies that process personal data for the publisher, with their facts as of each day."},
	{tagEngagements, "What a vendor is engaged for, as of each day, and whom it engages in turn."},
	{tagCertifications, "Certifications and attestations of vendors, with their state on each day."},
	{tagCustomers, "The companies on whose behalf the publisher processes personal data."},
	{tagTerms, "What was agreed with customers: notice and objection periods, who must consent, and templates of such terms."},
	{tagSubscriptions, "Whom a customer wants told, and where: by email, webhook or Slack."},
	{tagChanges, "Intended changes of the list, from the draft to the day of effect, with the customers that each concerns."},
	{tagNotices, "What was sent, to whom, with each attempt and the answer to it."},
	{tagLedger, "The record of every step: append-only and chained by digests."},
	{tagStaff, "Accounts of the publisher's staff, and API keys."},
	{tagOpen, "What anybody may read, without a key: the published list and the announced changes."},
}

// describe fills what is said of the API as a whole.
func (s *Site) describe(d *huma.OpenAPI) {
	aliases(d.Components.Schemas)
	describeWebhooks(d)
	d.Info.Description = "The register of sub-processors and the notices of its changes, for programs. What holds for every " +
		"operation (keys, pages, ETags, idempotency, problems, rates) stands at " + s.kit.URL(docsPath) + "."
	d.Servers = []*huma.Server{{URL: s.kit.URL(Prefix)}}
	d.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "An API key, made in the console under Account, or with api admin key."},
	}
	for _, t := range tags {
		d.Tags = append(d.Tags, &huma.Tag{Name: t.name, Description: t.text})
	}
}

// addExamples gives an operation's bodies their examples.
func (s *Site) addExamples(o *op) {
	described := s.described(o)
	if body := described.RequestBody; body != nil {
		s.exemplify(o, "request", body.Content["application/json"])
	}
	for status, r := range described.Responses {
		code, _ := strconv.Atoi(status)
		if code == http.StatusNotModified {
			r.Content = nil // huma describes it as an error, with a body
		}
		if problem := r.Content["application/problem+json"]; problem != nil {
			problem.Example = s.exampleProblem(code)
		}
		if code < http.StatusMultipleChoices && !o.stream {
			s.exemplify(o, status, r.Content["application/json"])
		}
	}
}

// described is the operation as it stands in the document.
func (s *Site) described(o *op) *huma.Operation {
	item := s.api.OpenAPI().Paths[o.path]
	switch o.method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	default:
		return item.Delete
	}
}

func (s *Site) exemplify(o *op, what string, media *huma.MediaType) {
	if media == nil || media.Example != nil {
		return
	}
	if media.Example = s.exampleFor(media.Schema); media.Example == nil {
		s.missing = append(s.missing, fmt.Sprintf("%s (%s): a body type has no Example", o.id, what))
	}
}

// exampleFor makes the example of a body type from its Example method.
func (s *Site) exampleFor(schema *huma.Schema) any {
	if schema == nil || schema.Ref == "" {
		return nil
	}
	t := s.api.OpenAPI().Components.Schemas.TypeFromRef(schema.Ref)
	if t == nil {
		return nil
	}
	return exampleOfType(t)
}

func (s *Site) exampleProblem(status int) any {
	c := &gin.Context{}
	p := s.kit.ProblemAt(c, status, exampleFaults[status])
	p.RequestID = "0199aa00-0000-7000-8000-0000000000ff"
	return p
}

// exampleFaults are what commonly leads to a status.
var exampleFaults = map[int]fault.List{
	http.StatusBadRequest:            {fault.New(fault.Invalid, "json.utf8", nil)},
	http.StatusUnauthorized:          {fault.New(fault.Unauthenticated, "key.invalid", nil)},
	http.StatusPreconditionRequired:  {fault.Field("If-Match", "precondition.missing", nil)},
	http.StatusPreconditionFailed:    {fault.New(fault.Conflict, "changed_meanwhile", fault.Args{"Who": "Ada Lovelace", "What": []string{"address"}})},
	http.StatusUnprocessableEntity:   {fault.Field("country", "country.unknown", nil)},
	http.StatusUnsupportedMediaType:  {fault.New(fault.Invalid, "media_type", fault.Args{"Allowed": "application/json"})},
	http.StatusRequestEntityTooLarge: {fault.New(fault.TooLarge, "json.too_large", fault.Args{"Max": "1024 kB"})},
	http.StatusTooManyRequests:       {fault.New(fault.TooMany, "key.rate", fault.Args{"Limit": 600, "seconds": 3})},
	http.StatusConflict:              {fault.New(fault.Conflict, "idempotency.other", nil)},
	http.StatusForbidden:             {fault.New(fault.Forbidden, "key.network", nil)},
}

// Document is the OpenAPI document of an installation that readers reach at publicURL, indented. It
// needs neither a database nor a running server.
func Document(publicURL *url.URL) ([]byte, error) {
	kit, err := web.New(web.Options{PublicURL: publicURL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	s, err := New(kit, Services{})
	if err != nil {
		return nil, err
	}
	raw, err := s.document()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (s *Site) document() ([]byte, error) {
	raw, err := s.api.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("apiv1: write the document: %w", err)
	}
	return raw, nil
}

// documentRoutes serve the document. It needs no key: it tells nothing of anybody.
func (s *Site) documentRoutes() error {
	document, err := s.document()
	if err != nil {
		return err
	}
	serve := func(c *gin.Context) {
		web.AllowAnyOrigin(c)
		c.Header("Link", "<"+docsPath+`>; rel="service-doc"`)
		_ = web.SendCached(c, "application/openapi+json; charset=utf-8", document, time.Time{})
	}
	s.kit.Engine().GET(documentPath, serve)
	s.kit.Engine().HEAD(documentPath, serve)
	s.kit.Engine().OPTIONS(documentPath, web.AllowConditional)
	for _, path := range []string{Prefix, Prefix + "/"} {
		s.kit.Engine().GET(path, s.welcome)
		s.kit.Engine().HEAD(path, s.welcome)
	}
	return nil
}

const (
	docsPath     = "/docs"
	documentPath = Prefix + "/openapi.json"
)

// welcome says to whoever tries the bare address where to go on.
func (s *Site) welcome(c *gin.Context) {
	web.AllowAnyOrigin(c)
	c.Header("Cache-Control", "no-cache")
	c.Header("Link", "<"+documentPath+`>; rel="service-desc", <`+docsPath+`>; rel="service-doc"`)
	c.JSON(http.StatusOK, gin.H{"name": "Fairnotice", "version": Version, "openapi": s.kit.URL(documentPath),
		"docs": s.kit.URL(docsPath), "me": s.kit.URL(Prefix + "/me")})
}
