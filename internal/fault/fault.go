// Package fault holds the few kinds of error that Fairnotice tells a person about.
//
// A fault carries a code, the field it concerns and arguments, never a sentence: the edge
// (web, API) writes the sentence in the reader's language. Every other error is a defect or an
// outage: it is logged, and the reader is told only that something went wrong.
package fault

import (
	"errors"
	"sort"
	"strings"
)

// Kind says what class of trouble a fault is; the edge maps it to its own statuses.
type Kind int

const (
	// Invalid: what was given can't be accepted as it is; Field names the place.
	Invalid Kind = iota + 1
	// NotFound: the thing named does not exist, or not for this reader.
	NotFound
	// Conflict: it would have been acceptable, but not in the present state (a concurrent
	// edit, a duplicate, a change that is no longer a draft).
	Conflict
	// Forbidden: the actor is known and may not do this.
	Forbidden
	// Unauthenticated: nobody is signed in, or the link or key isn't valid.
	Unauthenticated
	// TooLarge: the input is over a limit of size.
	TooLarge
	// TooMany: too many attempts in a time; Args["seconds"] says when to come back.
	TooMany
)

var kindNames = map[Kind]string{
	Invalid: "invalid", NotFound: "not_found", Conflict: "conflict", Forbidden: "forbidden",
	Unauthenticated: "unauthenticated", TooLarge: "too_large", TooMany: "too_many",
}

func (k Kind) String() string { return kindNames[k] }

// Args are the values that a fault's sentence mentions.
type Args map[string]any

// Error is one fault.
type Error struct {
	Kind  Kind
	Code  string // e.g. "required", "email.malformed": a key of the catalogues
	Field string // the form's and the API's name of the field, "" where no single field is meant
	Args  Args
}

// Error is for logs: kind, field and code. It never shows arguments, which may be personal data.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Kind.String() + ": " + e.Code
	}
	return e.Kind.String() + ": " + e.Field + ": " + e.Code
}

// New makes a fault that concerns no single field.
func New(kind Kind, code string, args Args) *Error {
	return &Error{Kind: kind, Code: code, Args: args}
}

// Field makes an Invalid fault at a field.
func Field(field, code string, args Args) *Error {
	return &Error{Kind: Invalid, Code: code, Field: field, Args: args}
}

// Missing says that there is no such thing ("vendor", "change", …) for this reader.
func Missing(thing string) *Error {
	return &Error{Kind: NotFound, Code: thing + ".not_found"}
}

// List is several faults told at once, so that a person mends them in one go.
type List []*Error

func (l List) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap lets errors.As find the members.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// Check gathers faults while a value is validated.
type Check struct{ list List }

// Add notes an Invalid fault at a field.
func (c *Check) Add(field, code string, args Args) {
	c.list = append(c.list, Field(field, code, args))
}

// Join notes the faults inside err, each field prefixed (prefix "locations.0" and field
// "country" give "locations.0.country"). An error that isn't a fault is returned, not swallowed.
func (c *Check) Join(prefix string, err error) error {
	if err == nil {
		return nil
	}
	found := All(err)
	if len(found) == 0 {
		return err
	}
	for _, e := range found {
		dup := *e
		if prefix != "" && dup.Field != "" {
			dup.Field = prefix + "." + dup.Field
		}
		c.list = append(c.list, &dup)
	}
	return nil
}

// OK says whether nothing was found so far.
func (c *Check) OK() bool { return len(c.list) == 0 }

// Has says whether a fault was noted at this field.
func (c *Check) Has(field string) bool {
	for _, e := range c.list {
		if e.Field == field {
			return true
		}
	}
	return false
}

// Err is nil when nothing was found, else every fault in the order it was found.
func (c *Check) Err() error {
	if c.OK() {
		return nil
	}
	return c.list
}

// All returns the faults inside err, or none when err isn't a fault.
func All(err error) List {
	var list List
	if errors.As(err, &list) {
		return list
	}
	var one *Error
	if errors.As(err, &one) {
		return List{one}
	}
	return nil
}

// Is says whether err holds a fault of this kind.
func Is(err error, kind Kind) bool {
	for _, e := range All(err) {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// Has says whether err holds a fault with this code.
func Has(err error, code string) bool {
	for _, e := range All(err) {
		if e.Code == code {
			return true
		}
	}
	return false
}

// Codes lists the codes inside err, sorted: for logs and tests.
func Codes(err error) []string {
	var codes []string
	for _, e := range All(err) {
		codes = append(codes, e.Code)
	}
	sort.Strings(codes)
	return codes
}
