package web

import (
	"fmt"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/locale"
)

// Names of the query's values that move through a list.
const (
	AfterParam  = "after"
	BeforeParam = "before"
)

// Pager is what the partial "pager" draws: the addresses of the pages before and after, "" where
// there is none.
type Pager struct{ Prev, Next string }

// NewPager makes the addresses from keyset cursors, and keeps everything else of the query.
func NewPager(c *gin.Context, before, after string) Pager {
	return Pager{
		Prev: withQuery(c.Request.URL, BeforeParam, before),
		Next: withQuery(c.Request.URL, AfterParam, after),
	}
}

func withQuery(at *url.URL, name, cursor string) string {
	if cursor == "" {
		return ""
	}
	query := at.Query()
	query.Del(AfterParam)
	query.Del(BeforeParam)
	query.Del("lang")
	query.Set(name, cursor)
	return (&url.URL{Path: at.Path, RawQuery: query.Encode()}).String()
}

// Facets is what the partial "facets" draws: a GET form with a search field, filters, the number
// of results (in role=status) and a way back to everything.
type Facets struct {
	Action   string
	Form     *Form  // Kit.Query
	Search   string // name of the search field; "" draws none
	Groups   []FacetGroup
	Count    int    // of results
	CountKey string // of the text with plural "Count"; "list.count" when empty
}

// FacetGroup is one filter: a select when Many is false, else checkboxes.
type FacetGroup struct {
	Name    string // of the query's value; its label is "field.<name>"
	Many    bool
	Options []Option
}

// Active says whether any filter is set, so that "clear filters" makes sense.
func (f Facets) Active() bool {
	if f.Search != "" && f.Form.Text(f.Search) != "" {
		return true
	}
	for _, g := range f.Groups {
		if len(f.Form.All(g.Name)) > 0 {
			return true
		}
	}
	return false
}

// Key is the text that tells the number of results.
func (f Facets) Key() string {
	if f.CountKey == "" {
		return "list.count"
	}
	return f.CountKey
}

// Empty is what the partial "empty" draws instead of a list. Kind says why there is nothing:
// "none" yet, "nomatch" for the filters, "upcoming" when nothing is ahead.
type Empty struct {
	Kind, Title, Text, Href, Link string
}

func (k *Kit) empty(lang locale.Lang, kind, title, text string, action []string) (Empty, error) {
	if kind != "none" && kind != "nomatch" && kind != "upcoming" {
		return Empty{}, fmt.Errorf("empty: no kind %q", kind)
	}
	e := Empty{Kind: kind, Title: k.T(lang, title), Text: k.T(lang, text)}
	switch len(action) {
	case 0:
	case 2:
		e.Href, e.Link = action[0], k.T(lang, action[1])
	default:
		return e, fmt.Errorf("empty: an action is an address and a key")
	}
	return e, nil
}

// Tabs is what the partial "tabs" draws: links that look like tabs.
type Tabs struct {
	Label string // names the group for those who can't see it
	Links []NavLink
}

// Step is one date of the partial "dates", which shows several side by side. State is "past",
// "next" or "". Instant shows the time and its zone too, with the reader's own beside it.
type Step struct {
	Label, Note, State string
	At                 time.Time
	Instant            bool
}

// Progress is what the partial "progress" draws.
type Progress struct {
	ID, Label  string
	Value, Max int
}
