package subscribers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/secrets"
	"fairnotice/internal/subscribers"
)

func TestACustomersLife(t *testing.T) {
	h := newHouse(t)
	c := h.customer(func(c *subscribers.Customer) {
		c.Name, c.Country, c.Affiliates = "  Bäckerei Süß  ", "at", []string{"Süß Zwei", "", "Süß Zwei"}
		c.ProductIDs = []uuid.UUID{h.hub, h.desk, h.hub}
	})
	got, err := h.Customer(t.Context(), c.ID)
	h.ok(err)
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if got.Name != "Bäckerei Süß" || got.Country != "AT" || len(got.Affiliates) != 1 || len(got.ProductIDs) != 2 {
		t.Errorf("not tidied: %+v", got)
	}
	got.ProductIDs, got.Language = []uuid.UUID{h.hub}, "en"
	h.ok(h.EditCustomer(t.Context(), h.who, got))
	h.ok(h.Leave(t.Context(), h.who, c.ID, got.Version, day(t, "2026-12-01")))
	after, err := h.Customer(t.Context(), c.ID)
	h.ok(err)
	if after.Version != 3 || after.LeftOn.String() != "2026-12-01" || !slices.Equal(after.ProductIDs, []uuid.UUID{h.hub}) || after.Language != "en" {
		t.Errorf("after the edits: %+v", after)
	}
	if _, err := h.Customer(t.Context(), secrets.ID()); !fault.Has(err, "customer.not_found") {
		t.Errorf("nobody: %v", err)
	}
}

func TestBadCustomersAreRefused(t *testing.T) {
	h := newHouse(t)
	first := h.customer(nil)
	for what, c := range map[string]struct {
		change      func(*subscribers.Customer)
		code, field string
	}{
		"no name":            {func(c *subscribers.Customer) { c.Name = " " }, "required", "name"},
		"header in the name": {func(c *subscribers.Customer) { c.Name = "X\r\nBcc: a@b.example" }, "control_characters", "name"},
		"reversed name":      {func(c *subscribers.Customer) { c.Name = "Acme \u202etxt.exe" }, "control_characters", "name"},
		"invalid UTF-8":      {func(c *subscribers.Customer) { c.Name = "A\xffB" }, "utf8", "name"},
		"endless name":       {func(c *subscribers.Customer) { c.Name = strings.Repeat("n", 201) }, "too_long", "name"},
		"no external ID":     {func(c *subscribers.Customer) { c.ExternalID = "" }, "required", "external_id"},
		"taken external ID":  {func(c *subscribers.Customer) { c.ExternalID = first.ExternalID }, "duplicate", "external_id"},
		"unknown role":       {func(c *subscribers.Customer) { c.Role = "king" }, "choice.unknown", "role"},
		"unknown region":     {func(c *subscribers.Customer) { c.Region = "moon" }, "choice.unknown", "region"},
		"unknown country":    {func(c *subscribers.Customer) { c.Country = "XX" }, "country.unknown", "country"},
		"unknown zone":       {func(c *subscribers.Customer) { c.TimeZone = "Mars/Olympus" }, "time_zone.unknown", "time_zone"},
		"the machine's zone": {func(c *subscribers.Customer) { c.TimeZone = "Local" }, "time_zone.unknown", "time_zone"},
		"unknown language":   {func(c *subscribers.Customer) { c.Language = "tlh" }, "language.unknown", "language"},
		"no product":         {func(c *subscribers.Customer) { c.ProductIDs = nil }, "required", "products"},
		"unknown product":    {func(c *subscribers.Customer) { c.ProductIDs = []uuid.UUID{h.desk, secrets.ID()} }, "product.unknown", "products"},
		"header in a branch": {func(c *subscribers.Customer) { c.Affiliates = []string{"a\nb"} }, "control_characters", "affiliates"},
	} {
		in := h.newCustomer()
		c.change(in)
		wantFault(t, what, h.CreateCustomer(t.Context(), h.who, in), c.code, c.field)
	}
	all := subscribers.Customer{}
	if n := len(fault.All(all.Validate())); n < 8 {
		t.Errorf("an empty form has %d faults told at once, want all", n)
	}
	page, err := h.Customers(t.Context(), subscribers.CustomerFilter{})
	h.ok(err)
	if len(page.Rows) != 1 {
		t.Errorf("%d customers after refusals, want the first alone", len(page.Rows))
	}
}

func TestPermissionIsNeeded(t *testing.T) {
	h := newHouse(t)
	reviewer := actor.Actor{Kind: actor.Staff, ID: h.who.ID, Role: actor.Reviewer}
	if err := h.CreateCustomer(t.Context(), reviewer, h.newCustomer()); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a reviewer: %v", err)
	}
	if err := h.CreateCustomer(t.Context(), actor.Actor{Kind: actor.Public}, h.newCustomer()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("anybody: %v", err)
	}
	if err := h.Suppress(t.Context(), reviewer, "a@b.example", subscribers.ByStaff, ""); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a reviewer suppresses: %v", err)
	}
}

func TestAnOvertakenEditIsToldByWhomAndWhat(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	mine, err := h.Customer(t.Context(), c.ID)
	h.ok(err)
	other := actor.Actor{Kind: actor.Staff, ID: h.staff("Max Beispiel"), Role: actor.Approver}
	theirs := *mine
	theirs.Name, theirs.ProductIDs = "Renamed", []uuid.UUID{h.hub}
	h.ok(h.EditCustomer(t.Context(), other, &theirs))

	mine.Country = "FR"
	err = h.EditCustomer(t.Context(), h.who, mine)
	wantFault(t, "a late edit", err, "changed_meanwhile", "")
	args := fault.All(err)[0].Args
	if diff := cmp.Diff(fault.Args{"Who": "Max Beispiel", "What": []string{"name", "products"}}, args); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	now, err := h.Customer(t.Context(), c.ID)
	h.ok(err)
	if now.Name != "Renamed" || now.Country != "DE" || !slices.Equal(now.ProductIDs, []uuid.UUID{h.hub}) {
		t.Errorf("something was overwritten: %+v", now)
	}
	wantFault(t, "a late leaving", h.Leave(t.Context(), h.who, c.ID, 1, day(t, "2026-12-01")), "changed_meanwhile", "")
}

func (h *house) names(f subscribers.CustomerFilter) []string {
	h.t.Helper()
	page, err := h.Customers(h.t.Context(), f)
	h.ok(err)
	out := []string{}
	for _, r := range page.Rows {
		out = append(out, r.Name)
	}
	return out
}

func TestCustomersAreFound(t *testing.T) {
	h := newHouse(t)
	a := h.customer(func(c *subscribers.Customer) { c.Name, c.Affiliates = "100% Fair", []string{"Tochter_GmbH"} })
	b := h.customer(func(c *subscribers.Customer) {
		c.Name, c.Region, c.Role, c.ProductIDs = "beta", "us", subscribers.Processor, []uuid.UUID{h.hub}
	})
	h.customer(func(c *subscribers.Customer) { c.Name = "Alpha" })
	h.ok(h.Leave(t.Context(), h.who, b.ID, 1, day(t, "2026-11-22")))
	h.contact(a, "dpo@fair.example", subscribers.RoleNotices)
	tpl := h.template("Standard DPA v4", 30)
	h.contract(a, "DPA-1", "2026-01-01", "", tpl)
	for _, c := range []struct {
		f    subscribers.CustomerFilter
		want []string
	}{
		{subscribers.CustomerFilter{}, []string{"100% Fair", "Alpha", "beta"}},
		{subscribers.CustomerFilter{Query: "ALP"}, []string{"Alpha"}},
		{subscribers.CustomerFilter{Query: "%"}, []string{"100% Fair"}},
		{subscribers.CustomerFilter{Query: "r_g"}, []string{"100% Fair"}},
		{subscribers.CustomerFilter{Query: "ext-b"}, []string{"beta"}},
		{subscribers.CustomerFilter{Query: "nothing"}, []string{}},
		{subscribers.CustomerFilter{Product: "hub"}, []string{"beta"}},
		{subscribers.CustomerFilter{Region: "eea", Role: subscribers.Controller}, []string{"100% Fair", "Alpha"}},
		{subscribers.CustomerFilter{Template: tpl.ID}, []string{"100% Fair"}},
		{subscribers.CustomerFilter{State: subscribers.Left}, []string{"beta"}},
		{subscribers.CustomerFilter{State: subscribers.Current}, []string{"100% Fair", "Alpha"}},
		{subscribers.CustomerFilter{State: subscribers.Unreachable}, []string{"Alpha"}},
	} {
		if diff := cmp.Diff(c.want, h.names(c.f)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.f, diff)
		}
	}
	page, err := h.Customers(t.Context(), subscribers.CustomerFilter{})
	h.ok(err)
	if r := page.Rows[0]; !r.Reachable || r.HasLeft || !slices.Equal(r.Templates, []string{"Standard DPA v4"}) || !slices.Equal(r.Products, []string{"Desk"}) {
		t.Errorf("row: %+v", r)
	}
	if n, err := h.CountCustomers(t.Context()); n != 2 || err != nil {
		t.Errorf("%d customers today, %v", n, err)
	}
	for field, f := range map[string]subscribers.CustomerFilter{
		"region": {Region: "x"}, "role": {Role: "x"}, "state": {State: "x"}, "after": {After: "!"}, "query": {Query: "a\x00b"},
	} {
		if _, err := h.Customers(t.Context(), f); len(fault.All(err)) == 0 || fault.All(err)[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if names, err := h.CustomerNames(t.Context(), []uuid.UUID{a.ID, b.ID, secrets.ID()}); err != nil || len(names) != 2 || names[a.ID] != "100% Fair" {
		t.Errorf("names: %v, %v", names, err)
	}
}

func TestPagesNeitherRepeatNorSkip(t *testing.T) {
	h := newHouse(t)
	var want []string
	for i := range 23 { // pairs share a name, so the ID must break the tie
		c := h.customer(func(c *subscribers.Customer) {
			c.Name, c.ExternalID = fmt.Sprintf("Name %02d", i/2), fmt.Sprintf("x%d", i)
		})
		want = append(want, c.ExternalID)
	}
	var got []string
	f := subscribers.CustomerFilter{Limit: 5}
	for pages := 1; ; pages++ {
		page, err := h.Customers(t.Context(), f)
		h.ok(err)
		for _, r := range page.Rows {
			got = append(got, r.ExternalID)
		}
		if pages == 2 { // somebody comes in before where we are, and somebody goes
			h.customer(func(c *subscribers.Customer) { c.Name, c.ExternalID = "A newcomer", "new" })
			h.exec("delete from customer_products where customer_id in (select id from customers where external_id = 'x0')")
			h.exec("delete from customers where external_id = 'x0'")
		}
		if page.Next == "" {
			if pages != 5 {
				t.Errorf("%d pages, want 5", pages)
			}
			break
		}
		f.After = page.Next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func TestTheDatabaseKeepsCustomersSound(t *testing.T) {
	h := newHouse(t)
	c := h.customer(nil)
	h.refused("customers_role_check", "update customers set role = 'king' where id = $1", c.ID)
	h.refused("customers_region_check", "update customers set region = 'moon' where id = $1", c.ID)
	h.refused("customers_country_check", "update customers set country = 'de' where id = $1", c.ID)
	h.refused("customers_language_check", "update customers set language = 'xx' where id = $1", c.ID)
	h.refused("customers_name_check", "update customers set name = '' where id = $1", c.ID)
	h.refused("customer_products_product_id_fkey", "insert into customer_products values ($1, $2)", c.ID, secrets.ID())
	k := h.contract(c, "DPA", "2026-01-01", "", h.template("T", 30))
	h.refused("terms_versions_sheet_check", `update terms_versions set sheet = sheet || '{"direction": "up"}' where contract_id = $1`, k.ID)
	h.refused("terms_versions_sheet_check", `update terms_versions set sheet = jsonb_set(sheet, '{notice,count}', '-1') where contract_id = $1`, k.ID)
	h.refused("contracts_check", "update contracts set ended_on = signed_on - 1 where id = $1", k.ID)
	h.refused("terms_versions_contract_id_number_key", `insert into terms_versions (id, contract_id, number, sheet, created_at)
		select uuid_v7(), contract_id, number, sheet, created_at from terms_versions where contract_id = $1`, k.ID)
	h.contact(c, "dpo@a.example", subscribers.RoleNotices)
	h.refused("contacts_roles_check", "update contacts set roles = '{}'")
	h.refused("contacts_roles_check", "update contacts set roles = '{boss}'")
	h.refused("subscriptions_contract_not_unsubscribed", "update subscriptions set state = 'unsubscribed'")
	h.refused("subscriptions_contract_has_customer", "update subscriptions set customer_id = null")
	h.refused("suppressions_address_check", "insert into suppressions values ('A@b.example', 'staff', '', now(), null)")
	h.refused("suppressions_reason_check", "insert into suppressions values ('a@b.example', 'mood', '', now(), null)")
}

func TestOneCustomerIsReadAsItStandsInTheList(t *testing.T) {
	h := newHouse(t)
	c := h.customer(func(c *subscribers.Customer) { c.Affiliates = []string{"Daughter"} })
	h.customer(nil)
	h.contact(c, "kim@customer.example", subscribers.RoleNotices)
	page, err := h.Customers(t.Context(), subscribers.CustomerFilter{Query: "Daughter"})
	h.ok(err)
	n, err := h.CountMatching(t.Context(), subscribers.CustomerFilter{})
	if h.ok(err); n != 2 {
		t.Errorf("%d customers are counted, want 2", n)
	}
	row, err := h.CustomerRow(t.Context(), c.ID)
	h.ok(err)
	if diff := cmp.Diff(page.Rows, []subscribers.CustomerRow{*row}); diff != "" || !row.Reachable || row.Version != 1 {
		t.Errorf("%+v: %s", row, diff)
	}
	_, err = h.CustomerRow(t.Context(), secrets.ID())
	wantFault(t, "an unknown customer", err, "customer.not_found", "")
}
