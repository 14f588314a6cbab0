package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"fairnotice/web/apiv1/client"
)

// customerRow is a customer in a file: the API's fields with products by slug, contacts and contracts.
type customerRow struct {
	client.CustomerFacts
	Products  []string              `json:"products"`
	Contacts  []client.ContactInput `json:"contacts"`
	Contracts []contractRow         `json:"contracts"`
}

// contractRow names the template by its name; the contract gets the terms of its latest version, less
// the deviations.
type contractRow struct {
	client.ContractInput
	Template string `json:"template"`
}

var customerSheet = func() *sheet {
	contract := columnsOf(reflect.TypeFor[contractRow](), "contract_")
	delete(contract, "contract_template_version_id")
	return &sheet{identity: "external_id", own: columnsOf(reflect.TypeFor[customerRow](), ""), lists: []part{
		{name: "contacts", columns: columnsOf(reflect.TypeFor[client.ContactInput](), "contact_"), prefix: "contact_"},
		{name: "contracts", columns: contract, prefix: "contract_"}}}
}()

type customerImport struct {
	rows      []customerEntry
	products  map[string]uuid.UUID       // by slug
	templates map[string]uuid.UUID       // latest versions, by name in lower case
	known     map[string]client.Customer // by external ID
}

type customerEntry struct {
	n int
	customerRow
}

func readCustomers(rows []row) (importer, error) {
	var wrong mistakes
	im := &customerImport{known: map[string]client.Customer{}, templates: map[string]uuid.UUID{}}
	first := map[string]int{}
	for _, r := range objectsOf(rows, customerSheet, &wrong) {
		e := customerEntry{n: r.n}
		if err := decode(r.object, &e.customerRow); err != nil {
			wrong.add(r.n, "%v", err)
			continue
		}
		e.ExternalID = strings.TrimSpace(e.ExternalID)
		switch n := first[e.ExternalID]; {
		case e.ExternalID == "":
			wrong.add(r.n, "external_id is missing: by it an import that is run again knows the customer")
		case n > 0:
			wrong.add(r.n, "%s is in row %d already", e.ExternalID, n)
		}
		first[e.ExternalID] = r.n
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

// complete fills what most files don't say: a contact is for notices, in the customer's language; a
// customer who is there already needs no name.
func (im *customerImport) complete(e *customerEntry) {
	there := im.known[e.ExternalID]
	if e.Name == "" {
		e.Name = there.Name
	}
	for i := range e.Contacts {
		c := &e.Contacts[i]
		if len(c.Roles) == 0 {
			c.Roles = []client.ContactRole{client.ContactRoleNotices}
		}
		if c.Language == "" {
			c.Language = cmp.Or(e.Language, there.Language)
		}
	}
}

func (im *customerImport) learn(ctx context.Context, api *client.Client) (err error) {
	if im.products, err = productsOf(ctx, api); err != nil {
		return err
	}
	templates, err := api.ListTermTemplates(ctx)
	if err != nil {
		return fmt.Errorf("read the templates: %w", err)
	}
	var names []string
	for _, t := range templates.Body.Items {
		im.templates[strings.ToLower(t.Name)] = t.Latest.ID
		names = append(names, t.Name)
	}
	for c, err := range api.AllCustomers(ctx, &client.ListCustomersParams{Fields: new("id,external_id,name,language"), Limit: new(pageSize)}) {
		if err != nil {
			return fmt.Errorf("read the customers: %w", err)
		}
		im.known[c.ExternalID] = c
	}
	var wrong mistakes
	for i := range im.rows {
		im.complete(&im.rows[i])
		im.check(&im.rows[i], names, &wrong)
	}
	if err := wrong.err(); err != nil {
		return &exitError{exitUsage, fmt.Errorf("the file doesn't fit what is there:\n%w", err)}
	}
	return nil
}

func (im *customerImport) check(e *customerEntry, templates []string, wrong *mistakes) {
	for _, slug := range e.Products {
		if im.products[slug] == uuid.Nil {
			wrong.add(e.n, "products: there is no product %q; there are %s", slug, slugs(im.products))
		}
	}
	for _, c := range e.Contracts {
		switch {
		case c.Template != "" && c.TemplateVersionID != nil:
			wrong.add(e.n, "contracts: give template or template_version_id, not both")
		case c.Template != "" && im.templates[strings.ToLower(c.Template)] == uuid.Nil:
			wrong.add(e.n, "contracts: there is no template %q; there are %s", c.Template, strings.Join(templates, ", "))
		}
	}
}

func slugs(products map[string]uuid.UUID) string {
	return strings.Join(slices.Sorted(maps.Keys(products)), ", ")
}

func (im *customerImport) stages() [][]entry {
	var out []entry
	for i := range im.rows {
		c := &im.rows[i]
		out = append(out, entry{c.n, c.Name, func(ctx context.Context, run *importing, t *told) error { return im.customer(ctx, run, t, c) }})
	}
	return [][]entry{out}
}

// customer records the customer, then whom to tell, then what was agreed.
func (im *customerImport) customer(ctx context.Context, run *importing, t *told, c *customerEntry) error {
	known, there := im.known[c.ExternalID]
	id := known.ID
	if there {
		t.keep("the customer")
	} else {
		in := c.CustomerFacts
		in.Products = nil
		for _, slug := range c.Products {
			in.Products = append(in.Products, im.products[slug])
		}
		err := run.write(t, "record the customer", func(key client.CallOption) error {
			made, err := run.api.AddCustomer(ctx, in, key)
			if err == nil {
				id = made.Body.ID
			}
			return err
		}, in)
		if err != nil {
			return err
		}
	}
	if err := im.contacts(ctx, run, t, id, c); err != nil {
		return err
	}
	return im.contracts(ctx, run, t, id, c)
}

func (im *customerImport) contacts(ctx context.Context, run *importing, t *told, id uuid.UUID, c *customerEntry) error {
	there, basis := map[string]bool{}, client.ETag("")
	if id != uuid.Nil && len(c.Contacts) > 0 {
		list, err := run.api.ListContacts(ctx, id)
		if err != nil {
			return err
		}
		basis = list.ETag
		for _, k := range list.Body.Items {
			there[strings.ToLower(k.Email)] = k.RemovedAt == nil
		}
	}
	for _, in := range c.Contacts {
		if there[strings.ToLower(strings.TrimSpace(in.Email))] {
			t.keep("a contact")
			continue
		}
		err := run.write(t, "add the contact "+in.Email, func(key client.CallOption) error {
			_, err := run.api.AddContact(ctx, id, in, key)
			return err
		}, id, basis, in)
		if err != nil {
			return err
		}
	}
	return nil
}

func (im *customerImport) contracts(ctx context.Context, run *importing, t *told, id uuid.UUID, c *customerEntry) error {
	there, basis := map[string]bool{}, client.ETag("")
	if id != uuid.Nil && len(c.Contracts) > 0 {
		list, err := run.api.ListContracts(ctx, id)
		if err != nil {
			return err
		}
		basis = list.ETag
		for _, k := range list.Body.Items {
			there[k.Reference] = !k.HasEnded
		}
	}
	for _, row := range c.Contracts {
		if there[strings.TrimSpace(row.Reference)] {
			t.keep("a contract")
			continue
		}
		in := row.ContractInput
		if version := im.templates[strings.ToLower(row.Template)]; version != uuid.Nil {
			in.TemplateVersionID = &version
		}
		err := run.write(t, "enter the contract "+in.Reference, func(key client.CallOption) error {
			_, err := run.api.AddContract(ctx, id, in, key)
			return err
		}, id, basis, in)
		if err != nil {
			return err
		}
	}
	return nil
}
