package apiv1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/web"
)

// Problem is the body of every answer that is no success (RFC 9457).
type Problem struct{ web.Problem }

// Error is for huma, which takes it for an error.
func (p *Problem) Error() string { return p.Code }

// GetStatus is the status to answer with.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is RFC 9457's.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses are those of faults that mean something else to a program than to a person at a page.
var statuses = map[string]int{
	"changed_meanwhile":    http.StatusPreconditionFailed,
	"precondition.missing": http.StatusPreconditionRequired,
	"media_type":           http.StatusUnsupportedMediaType,
	"content_encoding":     http.StatusUnsupportedMediaType,
	"json.malformed":       http.StatusBadRequest,
	"json.utf8":            http.StatusBadRequest,
	"json.empty":           http.StatusBadRequest,
	"json.twice":           http.StatusBadRequest,
	"json.deep":            http.StatusBadRequest,
	"query.malformed":      http.StatusBadRequest,
	"key.invalid":          http.StatusUnauthorized,
}

func (s *Site) statusOf(err error) int {
	for _, f := range fault.All(err) {
		if status, ok := statuses[f.Code]; ok {
			return status
		}
	}
	return s.kit.Status(err)
}

// refusal is the problem for an error; headers that go with it are set.
func (s *Site) refusal(c *gin.Context, err error) *Problem {
	web.Note(c, err)
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		return &Problem{*s.kit.ProblemAt(c, http.StatusServiceUnavailable, nil)} // nobody reads it
	}
	list, status := fault.All(err), s.statusOf(err)
	if wait := web.RetryAfter(status, list); wait != "" {
		c.Header("Retry-After", wait)
	}
	if status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="Fairnotice"`)
	}
	return &Problem{*s.kit.ProblemAt(c, status, list)}
}

// refuse ends a request in the gate.
func (s *Site) refuse(c *gin.Context, err error) {
	web.SendProblem(c, &s.refusal(c, err).Problem)
	c.Abort()
}

// Huma tells errors through two variables of its package. Ours know the request and so its language;
// without a request it only asks for the type, to describe it.
func init() {
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true // "Name" is no field where "name" is one: both at once would be two values
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError {
		return &Problem{web.Problem{Status: status}}
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		c := humagin.Unwrap(ctx)
		s, ok := c.MustGet(keySite).(*Site)
		if !ok {
			panic("apiv1: a request that did not pass the gate")
		}
		return s.invalid(c, status, msg, errs)
	}
}

const keySite = "apiv1.site"

// invalid turns huma's findings into faults.
func (s *Site) invalid(c *gin.Context, status int, msg string, errs []error) *Problem {
	if status >= http.StatusInternalServerError {
		return s.refusal(c, fmt.Errorf("%s: %w", msg, errors.Join(errs...)))
	}
	var list fault.List
	for _, err := range foremost(errs, mostFaults) {
		var detail *huma.ErrorDetail
		if !errors.As(err, &detail) {
			return s.refusal(c, err)
		}
		list = append(list, faultOf(detail))
	}
	if len(list) == 0 {
		list = fault.List{fault.New(fault.Invalid, "json.empty", nil)}
	}
	slices.SortStableFunc(list, func(a, b *fault.Error) int { return strings.Compare(a.Field, b.Field) }) // huma's order is a map's
	return s.refusal(c, list)
}

// foremost are the first of huma's findings, by their places.
func foremost(errs []error, most int) []error {
	if len(errs) <= most {
		return errs
	}
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(placeOf(a), placeOf(b)) })
	return errs[:most]
}

func placeOf(err error) string {
	var detail *huma.ErrorDetail
	if errors.As(err, &detail) {
		return detail.Location
	}
	return ""
}

// found is how one of huma's messages is told here: Args are named after the message's parameters.
type found struct {
	pattern *regexp.Regexp
	code    string
	args    []string
}

func message(text, code string, args ...string) found {
	quoted := regexp.QuoteMeta(text)
	for _, verb := range []string{`%v`, `%s`, `%d`} {
		quoted = strings.ReplaceAll(quoted, regexp.QuoteMeta(verb), `(.*)`)
	}
	return found{regexp.MustCompile(`^(?s:` + quoted + `)$`), code, args}
}

// findings are huma's messages that the document's schemas can lead to.
var findings = []found{
	message(validation.MsgUnexpectedProperty, "json.unknown_field"),
	message("unknown query parameter", "query.unknown"),
	message("required %s parameter is missing", "parameter.missing"),
	message(validation.MsgExpectedRequiredProperty, "json.required", "Name"),
	message(validation.MsgExpectedOneOf, "json.choice", "Names"),
	message(validation.MsgExpectedString, "json.type.string"),
	message(validation.MsgExpectedBoolean, "json.type.boolean"),
	message(validation.MsgExpectedNumber, "json.type.number"),
	message(validation.MsgExpectedInteger, "json.type.integer"),
	message(validation.MsgExpectedArray, "json.type.array"),
	message(validation.MsgExpectedObject, "json.type.object"),
	message("invalid integer", "json.type.integer"),
	message("invalid boolean", "json.type.boolean"),
	message("invalid value: invalid UUID%s", "json.uuid"), // in a path or a query
	message("invalid value: calendar: %v", "json.date"),
	message("invalid value: %v", "json.value"),
	message(validation.MsgExpectedRFC3339Date, "json.date"),
	message(validation.MsgExpectedRFC3339DateTime, "json.time"),
	message(validation.MsgExpectedRFC4122UUID, "json.uuid", "Why"),
	message(validation.MsgExpectedMinimumNumber, "json.minimum", "Limit"),
	message(validation.MsgExpectedMaximumNumber, "json.maximum", "Limit"),
	message(validation.MsgExpectedMinLength, "json.short", "Limit"),
	message(validation.MsgExpectedMaxLength, "json.long", "Limit"),
	message(validation.MsgExpectedMinItems, "json.few", "Limit"),
	message(validation.MsgExpectedMaxItems, "json.many", "Limit"),
	message(validation.MsgExpectedMatchPattern, "json.pattern", "Pattern"),
	message(validation.MsgExpectedBePattern, "json.pattern", "Pattern"),
}

// faultOf tells one of huma's findings as a fault at its field.
func faultOf(d *huma.ErrorDetail) *fault.Error {
	field := short(fieldOf(d.Location))
	for _, f := range findings {
		m := f.pattern.FindStringSubmatch(d.Message)
		if m == nil {
			continue
		}
		args := fault.Args{}
		for i, name := range f.args {
			args[name] = strings.ReplaceAll(m[i+1], "<nil>", "null") // among choices
		}
		if f.code == "json.required" { // huma names the object that lacks it
			field = strings.TrimPrefix(field+"."+m[1], ".")
		}
		return fault.Field(field, f.code, args)
	}
	return fault.Field(field, "json.value", nil)
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// fieldOf turns huma's "body.locations[0].country" into "locations.0.country".
func fieldOf(location string) string {
	for _, in := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(location, in); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			location = strings.TrimPrefix(rest, ".")
			break
		}
	}
	return strings.TrimPrefix(index.ReplaceAllString(location, ".$1"), ".")
}
