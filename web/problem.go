package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
)

// Problem is how a program is told what went wrong: RFC 9457's members, and what a program can act on.
type Problem struct {
	Type      string        `json:"type" format:"uri" doc:"Where the documentation tells of problems with this status."`
	Title     string        `json:"title" doc:"The status in words, in the language asked for."`
	Status    int           `json:"status" doc:"The HTTP status."`
	Detail    string        `json:"detail" doc:"What is wrong and how to mend it, for a person, in the language asked for."`
	Code      string        `json:"code" doc:"What is wrong, for a program: it stays the same in every language. Where several things are wrong, that of the first."`
	RequestID string        `json:"request_id" doc:"Under which the request stands in the server's log."`
	Errors    []ProblemPart `json:"errors" doc:"Each thing that is wrong; empty where nothing in the request is."`
}

// ProblemPart is one thing that is wrong.
type ProblemPart struct {
	Code   string `json:"code" doc:"What is wrong, for a program."`
	Field  string `json:"field" doc:"Where: the path of a body's field, such as locations.0.country, or the name of a parameter or header; empty where no single place is meant."`
	Detail string `json:"detail" doc:"What is wrong there and how to mend it, for a person."`
}

// Codes of problems that are no faults of the domain, by status.
var statusCodes = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusUnauthorized: "unauthenticated", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusConflict: "conflict",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusTooManyRequests: "too_many",
	http.StatusInternalServerError: "internal", http.StatusServiceUnavailable: "unavailable",
}

// ProblemAt tells faults, possibly none, as a problem with this status.
func (k *Kit) ProblemAt(c *gin.Context, status int, list fault.List) *Problem {
	lang := Lang(c)
	p := &Problem{Type: k.URL("/docs#errors"), Title: k.T(lang, k.statusKey(lang, status, "title")), Status: status,
		Code: statusCodes[status], RequestID: RequestID(c), Errors: k.ProblemParts(c, list)}
	var sentences []string
	for _, part := range p.Errors {
		sentences = append(sentences, part.Detail)
	}
	if len(list) > 0 {
		p.Code = list[0].Code
	} else {
		sentences = []string{k.T(lang, k.statusKey(lang, status, "text"))}
	}
	if p.Code == "" {
		p.Code = "unexpected"
	}
	p.Detail = strings.Join(sentences, " ")
	return p
}

// ProblemParts tells faults one by one, in the language asked for. It is never nil.
func (k *Kit) ProblemParts(c *gin.Context, list fault.List) []ProblemPart {
	lang, parts := Lang(c), make([]ProblemPart, len(list))
	for i, f := range list {
		parts[i] = ProblemPart{Code: f.Code, Field: f.Field, Detail: k.sentence(lang, f, f.Field)} // a program's people know fields by these names
	}
	return parts
}

// Note keeps an error for the request's record in the log.
func Note(c *gin.Context, err error) { c.Set(keyError, err.Error()) }

// RetryAfter is the value of that header, in seconds: for faults of which one says when to come back, and
// where something that we need is away. It is "" for all else.
func RetryAfter(status int, list fault.List) string {
	for _, f := range list {
		if f.Kind == fault.TooMany {
			return retryAfter(f)
		}
	}
	if status == http.StatusServiceUnavailable {
		return "5"
	}
	return ""
}

// SendProblem answers with a problem.
func SendProblem(c *gin.Context, p *Problem) {
	body, _ := json.Marshal(p) // of strings and numbers: it can't fail
	c.Header("Cache-Control", "no-store")
	c.Data(p.Status, "application/problem+json", body)
}
