package apiv1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

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
)

// describe fills what is said of the API as a whole.
func (s *Site) describe(d *huma.OpenAPI) {
	aliases(d.Components.Schemas)
	d.Info.Description = "The register of sub-processors and the notices of its changes, for programs."
	d.Servers = []*huma.Server{{URL: s.kit.URL(Prefix)}}
	d.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "An API key, made in the console under Account, or with api admin key."},
	}
	for _, name := range []string{tagMeta, tagPublisher, tagVendors, tagEngagements, tagCertifications, tagCustomers,
		tagTerms, tagSubscriptions, tagChanges, tagNotices, tagLedger, tagStaff} {
		d.Tags = append(d.Tags, &huma.Tag{Name: name})
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
	r := s.api.OpenAPI().Components.Schemas
	t := r.TypeFromRef(schema.Ref)
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
	s.kit.Engine().GET(Prefix+"/openapi.json", func(c *gin.Context) {
		web.AllowAnyOrigin(c)
		c.Data(http.StatusOK, "application/openapi+json; charset=utf-8", document)
	})
	return nil
}
