package console

import (
	"context"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/calendar"
	"fairnotice/internal/fault"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// pathID reads an ID out of the address; what is none leads to no thing.
func pathID(c *gin.Context, name, thing string) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param(name))
	if err != nil {
		return uuid.Nil, fault.Missing(thing)
	}
	return id, nil
}

// formDate reads a typed day, the zero Date where nothing was typed; what is no day is noted.
func formDate(form *web.Form, name string) calendar.Date {
	day := form.Date(name)
	if day.IsZero() {
		return calendar.Date{}
	}
	return calendar.DateOf(day, time.UTC)
}

func setDate(form *web.Form, name string, day calendar.Date) {
	if day.IsZero() {
		form.Set(name, "")
		return
	}
	form.SetDate(name, day.UTC())
}

// formID reads a chosen ID, nil where nothing was chosen; what is none is noted with the code.
func formID(form *web.Form, name, code string) *uuid.UUID {
	text := form.Text(name)
	if text == "" {
		return nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		form.Add(name, code, fault.Args{"Value": text})
		return nil
	}
	return &id
}

// formIDs reads IDs that were ticked.
func formIDs(form *web.Form, name, code string) []uuid.UUID {
	out := []uuid.UUID{}
	for _, text := range form.All(name) {
		id, err := uuid.Parse(text)
		if err != nil {
			form.Add(name, code, fault.Args{"Value": text})
			continue
		}
		out = append(out, id)
	}
	return out
}

func setID(form *web.Form, name string, id *uuid.UUID) {
	if id == nil {
		form.Set(name, "")
		return
	}
	form.Set(name, id.String())
}

func setIDs(form *web.Form, name string, ids []uuid.UUID) {
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = id.String()
	}
	form.Set(name, values...)
}

func setBool(form *web.Form, name string, on bool) {
	if on {
		form.Set(name, "yes")
	} else {
		delete(form.Values, name)
	}
}

// lines are the lines of a text area, without the empty ones.
func lines(form *web.Form, name string) []string {
	out := []string{}
	for line := range strings.SplitSeq(form.Text(name), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// texts turns choices into strings, and as turns them back.
func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func as[T ~string](list []string) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}

func (s *Site) regionOptions(lang locale.Lang) []web.Option {
	return s.web.Options(lang, "regions", texts(publisher.Regions)...)
}

// productOptions lists the products by ID.
func (s *Site) productOptions(ctx context.Context) ([]web.Option, error) {
	products, err := s.Publisher.Products(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]web.Option, len(products))
	for i, p := range products {
		out[i] = web.Option{Value: p.ID.String(), Label: p.Name}
	}
	return out, nil
}

// vendorOptions lists every vendor by ID.
func (s *Site) vendorOptions(ctx context.Context) ([]web.Option, error) {
	var out []web.Option
	page := vendors.Page{Limit: vendors.MaxLimit}
	for {
		list, err := s.Vendors.ListVendors(ctx, vendors.Filter{}, page)
		if err != nil {
			return nil, err
		}
		for _, v := range list.Items {
			out = append(out, web.Option{Value: v.ID.String(), Label: v.LegalName})
		}
		if list.Next == "" {
			return out, nil
		}
		page.After = list.Next
	}
}

// isoDay reads a day as records write it.
func isoDay(text string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return day, err == nil
}

func joinLines(list []string) string { return strings.Join(list, "\n") }
