package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/secrets"
)

// Names of the hidden fields that the partial "form-hidden" draws.
const (
	VersionField = "_version"
	KeyField     = "_key"
)

// Form is a form with what was typed into it and what is wrong with that.
type Form struct {
	// ID keeps the fields of two forms on one page apart; "" for the usual single form.
	ID     string
	Values url.Values
	Errors []FieldError // in the order found

	kit      *Kit
	lang     locale.Lang
	conflict bool
}

// FieldError is one thing wrong, told to the reader. Href leads to the field; "" where the fault
// concerns the whole form.
type FieldError struct {
	Field   string
	Message string
	Href    string
}

// NewForm is an empty form, with an idempotency key of its own.
func (k *Kit) NewForm(c *gin.Context) *Form {
	return &Form{kit: k, lang: Lang(c), Values: url.Values{KeyField: {secrets.Token()}}}
}

// Form is the form as posted. What was wrong with its bytes is among its errors already.
func (k *Kit) Form(c *gin.Context) *Form {
	f := &Form{kit: k, lang: Lang(c), Values: url.Values{}}
	for name, values := range c.Request.PostForm {
		f.Values[name] = slices.Clone(values)
	}
	if f.Values.Get(KeyField) == "" {
		f.Values.Set(KeyField, secrets.Token())
	}
	if dirty, ok := c.Get(keyDirty); ok {
		_ = f.Check(dirty.(fault.List))
	}
	return f
}

// Query is a GET form (search, filters) with the values of the address.
func (k *Kit) Query(c *gin.Context) *Form {
	return &Form{ID: "filter", kit: k, lang: Lang(c), Values: c.Request.URL.Query()}
}

// Raw is what was typed, unchanged.
func (f *Form) Raw(name string) string {
	if f == nil {
		return ""
	}
	return f.Values.Get(name)
}

// Text is what was typed without the space around it, and with one kind of line end.
func (f *Form) Text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.Raw(name), "\r\n", "\n"))
}

// All are the values of a field that may have several; empty ones are left out.
func (f *Form) All(name string) []string {
	var all []string
	for _, v := range f.Values[name] {
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// Bool says whether a single checkbox was ticked.
func (f *Form) Bool(name string) bool { return f.Raw(name) != "" }

// Int reads a whole number, 0 where nothing was typed; anything else is noted as a fault.
func (f *Form) Int(name string) int64 {
	text := f.Text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.Add(name, "number.malformed", nil)
	}
	return n
}

// Date reads a typed day, the zero time where nothing was typed; what is no day is noted as a
// fault. The day is at 00:00 UTC: whoever knows the zone places it there.
func (f *Form) Date(name string) time.Time {
	text := f.Text(name)
	if text == "" {
		return time.Time{}
	}
	day, ok := locale.ParseDay(text)
	if !ok {
		f.Add(name, "date.malformed", nil)
	}
	return day
}

// Choice reads one of the allowed values, "" where nothing was chosen; any other is noted.
func (f *Form) Choice(name string, allowed ...string) string {
	v := f.Text(name)
	if v != "" && !slices.Contains(allowed, v) {
		f.Add(name, "choice.unknown", fault.Args{"Value": v, "Allowed": allowed})
		return ""
	}
	return v
}

// Version is the version that the reader saw, for optimistic locking; 0 when the form holds none.
func (f *Form) Version() int64 {
	n, _ := strconv.ParseInt(f.Raw(VersionField), 10, 64)
	return n
}

// Key is the form's idempotency key: the same for each press of the same button.
func (f *Form) Key() string { return f.Raw(KeyField) }

// Set gives a field its values, such as those stored, before the form is shown.
func (f *Form) Set(name string, values ...string) *Form {
	f.Values[name] = values
	return f
}

// SetDate shows a day as the reader's language writes it; the zero time shows nothing.
func (f *Form) SetDate(name string, day time.Time) *Form {
	if day.IsZero() {
		return f.Set(name, "")
	}
	return f.Set(name, locale.Date(f.lang, day))
}

// SetVersion remembers the version that the reader is shown.
func (f *Form) SetVersion(n int64) *Form { return f.Set(VersionField, strconv.FormatInt(n, 10)) }

// Add notes an Invalid fault at a field. A field keeps its first fault: mending that one often
// mends the second.
func (f *Form) Add(field, code string, args fault.Args) { f.add(fault.Field(field, code, args)) }

func (f *Form) add(e *fault.Error) {
	if e.Field != "" && f.Error(e.Field) != "" {
		return
	}
	href := ""
	if e.Field != "" {
		href = "#" + f.FieldID(e.Field)
	}
	f.conflict = f.conflict || e.Kind == fault.Conflict
	f.Errors = append(f.Errors, FieldError{e.Field, f.kit.Sentence(f.lang, e), href})
}

// Check notes the Invalid and Conflict faults inside err, and returns err itself when it is
// anything else.
func (f *Form) Check(err error) error {
	if err == nil {
		return nil
	}
	list := fault.All(err)
	for _, e := range list {
		if e.Kind != fault.Invalid && e.Kind != fault.Conflict {
			return err
		}
	}
	if len(list) == 0 {
		return err
	}
	for _, e := range list {
		f.add(e)
	}
	return nil
}

// Do runs the work of a form that has no faults so far. It is true when the work was done. It is
// false with a nil error when the form is to be shown again with its faults, old or new; an error
// that isn't the form's is returned.
func (f *Form) Do(work func() error) (bool, error) {
	if f.Failed() {
		return false, nil
	}
	if err := f.Check(work()); err != nil {
		return false, err
	}
	return !f.Failed(), nil
}

// Failed says whether something is wrong.
func (f *Form) Failed() bool { return f != nil && len(f.Errors) > 0 }

// Error is what is wrong with a field, or "".
func (f *Form) Error(field string) string {
	if f == nil {
		return ""
	}
	for _, e := range f.Errors {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// FieldID is the HTML id of a field.
func (f *Form) FieldID(field string) string {
	if f == nil || f.ID == "" {
		return "f-" + field
	}
	return "f-" + f.ID + "-" + field
}

// Status is the HTTP status of a page that leads with this form's errors.
func (f *Form) Status() int {
	switch {
	case !f.Failed():
		return http.StatusOK
	case f.conflict:
		return http.StatusConflict
	default:
		return http.StatusUnprocessableEntity
	}
}
