package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/google/uuid"

	"fairnotice/web/apiv1/client"
)

// vendorRow is a vendor in a file: the API's fields, and what it is engaged for.
type vendorRow struct {
	client.VendorFacts
	Engagements []engagementRow `json:"engagements"`
}

// engagementRow has products by slug ("desk", or "desk/Pro" for a plan), and the vendor that hosts it
// by legal name.
type engagementRow struct {
	client.NewEngagement
	Products []string `json:"products"`
	HostedOn string   `json:"hosted_on"`
}

var vendorSheet = func() *sheet {
	engagement := columnsOf(reflect.TypeFor[engagementRow](), "")
	for _, name := range []string{"hosting_vendor_id"} {
		delete(engagement, name)
	}
	return &sheet{identity: "legal_name", own: columnsOf(reflect.TypeFor[client.VendorFacts](), ""),
		lists: []part{{name: "engagements", columns: engagement}}}
}()

type vendorImport struct {
	rows     []vendorEntry
	products map[string]uuid.UUID // by slug

	mu    sync.Mutex
	known map[string]uuid.UUID // vendors by legal name in lower case; Nil: would be made, in a dry run
}

type vendorEntry struct {
	n int
	vendorRow
}

func readVendors(rows []row) (importer, error) {
	var wrong mistakes
	im := &vendorImport{known: map[string]uuid.UUID{}}
	first := map[string]int{}
	for _, r := range objectsOf(rows, vendorSheet, &wrong) {
		e := vendorEntry{n: r.n}
		if err := decode(r.object, &e.vendorRow); err != nil {
			wrong.add(r.n, "%v", err)
			continue
		}
		e.LegalName = strings.TrimSpace(e.LegalName)
		key := strings.ToLower(e.LegalName)
		switch n, twice := first[key], first[key] > 0; {
		case key == "":
			wrong.add(r.n, "legal_name is missing")
		case twice:
			wrong.add(r.n, "%s is in row %d already: put its engagements there", e.LegalName, n)
		}
		first[key] = r.n
		im.rows = append(im.rows, e)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if len(im.rows) == 0 {
		return nil, errNoRows
	}
	return im, nil
}

// productsOf are the publisher's products by slug.
func productsOf(ctx context.Context, api *client.Client) (map[string]uuid.UUID, error) {
	list, err := api.ListProducts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the products: %w", err)
	}
	out := map[string]uuid.UUID{}
	for _, p := range list.Body.Items {
		out[p.Slug] = p.ID
	}
	return out, nil
}

func (im *vendorImport) learn(ctx context.Context, api *client.Client) (err error) {
	if im.products, err = productsOf(ctx, api); err != nil {
		return err
	}
	for v, err := range api.AllVendors(ctx, &client.ListVendorsParams{Fields: new("id,legal_name"), Limit: new(pageSize)}) {
		if err != nil {
			return fmt.Errorf("read the vendors: %w", err)
		}
		im.known[strings.ToLower(v.LegalName)] = v.ID
	}
	var wrong mistakes
	coming := map[string]bool{}
	for i := range im.rows {
		coming[strings.ToLower(im.rows[i].LegalName)] = true
	}
	for i := range im.rows {
		for _, e := range im.rows[i].Engagements {
			if _, there := im.known[strings.ToLower(e.HostedOn)]; e.HostedOn != "" && !there && !coming[strings.ToLower(e.HostedOn)] {
				wrong.add(im.rows[i].n, "hosted_on: there is no vendor %q, neither in the file nor in the register", e.HostedOn)
			}
			for _, name := range e.Products {
				if slug, _, _ := strings.Cut(name, "/"); im.products[slug] == uuid.Nil {
					wrong.add(im.rows[i].n, "products: there is no product %q; there are %s", slug, slugs(im.products))
				}
			}
		}
	}
	if err := wrong.err(); err != nil {
		return &exitError{exitUsage, fmt.Errorf("the file doesn't fit the register:\n%w", err)}
	}
	return nil
}

// pageSize is how many entries of a list are read at once.
const pageSize = 200

// stages: first every vendor, then what they are engaged for, since one may host another.
func (im *vendorImport) stages() [][]entry {
	var vendors, engagements []entry
	for i := range im.rows {
		v := &im.rows[i]
		vendors = append(vendors, entry{v.n, v.LegalName, func(ctx context.Context, run *importing, t *told) error { return im.vendor(ctx, run, t, v) }})
		if len(v.Engagements) > 0 {
			engagements = append(engagements, entry{v.n, v.LegalName, func(ctx context.Context, run *importing, t *told) error { return im.engagements(ctx, run, t, v) }})
		}
	}
	return [][]entry{vendors, engagements}
}

func (im *vendorImport) id(name string) (uuid.UUID, bool) {
	im.mu.Lock()
	defer im.mu.Unlock()
	id, ok := im.known[strings.ToLower(name)]
	return id, ok
}

func (im *vendorImport) vendor(ctx context.Context, run *importing, t *told, v *vendorEntry) error {
	if _, there := im.id(v.LegalName); there {
		t.keep("the vendor")
		return nil
	}
	var id uuid.UUID
	err := run.write(t, "record the vendor", func(key client.CallOption) error {
		made, err := run.api.CreateVendor(ctx, v.VendorFacts, key)
		if err == nil {
			id = made.Body.ID
		}
		return err
	}, v.VendorFacts)
	if err == nil {
		im.mu.Lock()
		im.known[strings.ToLower(v.LegalName)] = id
		im.mu.Unlock()
	}
	return err
}

func (im *vendorImport) engagements(ctx context.Context, run *importing, t *told, v *vendorEntry) error {
	id, there := im.id(v.LegalName)
	if !there {
		return fmt.Errorf("not engaged: the vendor was refused")
	}
	purposes, basis := map[string]bool{}, client.ETag("")
	if id != uuid.Nil {
		list, err := run.api.ListVendorEngagements(ctx, id.String())
		if err != nil {
			return err
		}
		basis = list.ETag
		for _, e := range list.Body.Items {
			if e.InEffect {
				purposes[strings.ToLower(e.Purpose)] = true
			}
		}
	}
	for i := range v.Engagements {
		e := &v.Engagements[i]
		if purposes[strings.ToLower(strings.TrimSpace(e.Purpose))] {
			t.keep("an engagement")
			continue
		}
		if err := im.engagement(ctx, run, t, id, basis, e); err != nil {
			return err
		}
	}
	return nil
}

func (im *vendorImport) engagement(ctx context.Context, run *importing, t *told, vendor uuid.UUID, basis client.ETag, e *engagementRow) error {
	in := e.NewEngagement
	in.Products = nil
	for _, name := range e.Products {
		slug, plan, _ := strings.Cut(name, "/")
		p := client.EngagementProduct{ProductID: im.products[slug]}
		if plan != "" {
			p.Plan = &plan
		}
		in.Products = append(in.Products, p)
	}
	if e.HostedOn != "" {
		host, there := im.id(e.HostedOn)
		if !there {
			return fmt.Errorf("not engaged: %s, which hosts it, was refused", e.HostedOn)
		}
		in.HostingVendorID = &host
	}
	return run.write(t, fmt.Sprintf("record the engagement %q", e.Purpose), func(key client.CallOption) error {
		_, err := run.api.RecordEngagement(ctx, vendor.String(), in, key)
		return err
	}, vendor, basis, in)
}
