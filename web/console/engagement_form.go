package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
)

// addLocation is the value of the button that asks for one more location instead of saving.
const addLocation = "location"

// engagementFields is what the partial "engagement-fields" draws: the fields of an engagement's
// facts, in any form that has them. The note is the form's own to draw, as field "note".
type engagementFields struct {
	Form      *web.Form
	Products  []planRow
	Hosts     []web.Option
	Regions   []web.Option
	Special   []web.Option
	Locations []locationRow
}

// planRow is one product to tick, with the field for its plans. Fields of plans are numbered, and a
// hidden field says whose they are.
type planRow struct {
	ID, Name, Box, Plans, Of string
	Checked                  bool
}

// locationRow is one location to fill in.
type locationRow struct {
	Number  int
	Country string // names of fields
	Kind    string
	Drop    string
	Regimes []regimeRow
	Filled  bool
}

// regimeRow is the mechanism by which data of one regime reaches the location.
type regimeRow struct {
	Regime, Mechanism, AssessedOn string
	Options                       []web.Option
}

// engagementFields makes the fields for a form, with a blank location at the end.
func (s *Site) engagementFields(c *gin.Context, form *web.Form) (engagementFields, error) {
	ctx, lang := c.Request.Context(), web.Lang(c)
	products, err := s.Publisher.Products(ctx)
	if err != nil {
		return engagementFields{}, err
	}
	hosts, err := s.vendorOptions(ctx)
	if err != nil {
		return engagementFields{}, err
	}
	out := engagementFields{
		Form: form, Hosts: hosts, Regions: s.regionOptions(lang),
		Special: s.web.Options(lang, "special_categories", texts(vendors.SpecialCategories)...),
	}
	for i, p := range products {
		out.Products = append(out.Products, planRowOf(form, i, p))
	}
	for i := range locationRows(form) {
		out.Locations = append(out.Locations, s.locationRow(lang, form, i))
	}
	return out, nil
}

func planRowOf(form *web.Form, i int, p publisher.Product) planRow {
	row := planRow{ID: p.ID.String(), Name: p.Name, Box: form.FieldID("products")}
	if i > 0 { // the first box has the group's own ID, for the error summary
		row.Box += "-" + strconv.Itoa(i)
	}
	row.Checked = slices.Contains(form.All("products"), row.ID)
	row.Plans = plansField(form, row.ID)
	row.Of = planOwner(row.Plans)
	return row
}

// plansField is the field for a product's plans: the one that names the product, or a new one.
func plansField(form *web.Form, product string) string {
	for i := 0; ; i++ {
		name := "plans." + strconv.Itoa(i)
		owner := form.Raw(planOwner(name))
		if owner == "" {
			form.Set(planOwner(name), product)
		}
		if owner == "" || owner == product {
			return name
		}
	}
}

func planOwner(plans string) string { return strings.Replace(plans, "plans.", "plan_of.", 1) }

func (s *Site) locationRow(lang locale.Lang, form *web.Form, i int) locationRow {
	at := locationField(i)
	row := locationRow{Number: i + 1, Country: at + ".country", Kind: at + ".kind", Drop: at + ".drop"}
	row.Filled = !blankLocation(form, i)
	for _, r := range vendors.Regimes {
		row.Regimes = append(row.Regimes, regimeRow{
			Regime: string(r), Mechanism: at + ".transfers." + string(r), AssessedOn: at + ".assessed_on." + string(r),
			Options: s.web.Options(lang, "mechanism", texts(vendors.MechanismsFor(r))...),
		})
	}
	return row
}

func locationField(i int) string { return "locations." + strconv.Itoa(i) }

// maxFormLocations bounds the rows that a hand-made form can make the page draw.
const maxFormLocations = 300

// locationRows is how many rows to draw: those that the form has, and a blank one at the end.
func locationRows(form *web.Form) int {
	n := countLocations(form)
	if n == 0 || !blankLocation(form, n-1) {
		n++
	}
	return n
}

func countLocations(form *web.Form) int {
	n := 0
	for name := range form.Values {
		rest, ok := strings.CutPrefix(name, "locations.")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(number); err == nil && i >= n && i < maxFormLocations {
			n = i + 1
		}
	}
	return n
}

// locationParts are the names of a location's fields, below its own.
var locationParts = func() []string {
	parts := []string{"country", "kind"}
	for _, r := range vendors.Regimes {
		parts = append(parts, "transfers."+string(r), "assessed_on."+string(r))
	}
	return parts
}()

// blankLocation says whether nothing was filled in; the kind has a value from the start.
func blankLocation(form *web.Form, i int) bool {
	for _, part := range locationParts {
		if part != "kind" && form.Text(locationField(i)+"."+part) != "" {
			return false
		}
	}
	return true
}

// packLocations takes out the rows that are blank or to be dropped, so that the rows on the page
// and the locations of the facts have the same numbers: a fault at locations.1.country is told
// where it can be mended.
func packLocations(form *web.Form) int {
	n, kept := countLocations(form), 0
	for i := range n {
		at := locationField(i)
		keep := !blankLocation(form, i) && !form.Bool(at+".drop")
		for _, part := range locationParts {
			value := form.Raw(at + "." + part)
			delete(form.Values, at+"."+part)
			if keep {
				form.Set(locationField(kept)+"."+part, value)
			}
		}
		delete(form.Values, at+".drop")
		if keep {
			kept++
		}
	}
	return kept
}

// moreLocations says whether the button "Add another location" was pressed instead of saving; the
// form then has one more row, and is to be shown again without its faults.
func moreLocations(form *web.Form) bool {
	if form.Raw("_add") != addLocation {
		return false
	}
	form.Set(locationField(packLocations(form))+".country", "")
	form.Errors = nil
	return true
}

// engagementForm reads the facts out of a form. What can't be read is noted at its field.
func engagementForm(form *web.Form) vendors.EngagementFacts {
	f := vendors.EngagementFacts{
		Purpose: form.Text("purpose"), Nature: form.Text("nature"), Note: form.Text("note"),
		Optional: form.Bool("optional"), Excludable: form.Bool("excludable"),
		DataCategories: lines(form, "data_categories"), DataSubjects: lines(form, "data_subjects"),
		SpecialCategories: as[vendors.SpecialCategory](form.All("special_categories")),
		Regions:           as[publisher.Region](form.All("regions")),
		Products:          formProducts(form),
		Locations:         []vendors.Location{},
	}
	f.HostingVendorID = formID(form, "hosting_vendor_id", "vendor.unknown")
	for i := range packLocations(form) {
		f.Locations = append(f.Locations, formLocation(form, i))
	}
	return f
}

func formLocation(form *web.Form, i int) vendors.Location {
	at := locationField(i)
	l := vendors.Location{Country: form.Text(at + ".country"), Kind: vendors.LocationKind(form.Text(at + ".kind"))}
	for _, r := range vendors.Regimes {
		mechanism := at + ".transfers." + string(r)
		t := vendors.Transfer{Regime: r, Mechanism: vendors.Mechanism(form.Text(mechanism)),
			AssessedOn: formDate(form, at+".assessed_on."+string(r))}
		switch {
		case t.Mechanism != "":
			l.Transfers = append(l.Transfers, t)
		case !t.AssessedOn.IsZero():
			form.Add(mechanism, "required", nil)
		}
	}
	return l
}

// formProducts reads the ticked products; the field for a product's plans has one plan a line.
func formProducts(form *web.Form) []vendors.EngagementProduct {
	out := []vendors.EngagementProduct{}
	for _, value := range form.All("products") {
		id, err := uuid.Parse(value)
		if err != nil {
			form.Add("products", "product.unknown", fault.Args{"Value": value})
			continue
		}
		var c fault.Check
		field := plansField(form, id.String())
		plans := lines(form, field)
		input.Names(&c, field, &plans)
		_ = form.Check(c.Err()) // Invalid faults only: none is left over
		if len(plans) == 0 {
			plans = []string{""}
		}
		for _, plan := range plans {
			out = append(out, vendors.EngagementProduct{ProductID: id, Plan: plan})
		}
	}
	return out
}

// fillEngagement puts facts into a form, to be changed there.
func fillEngagement(form *web.Form, f vendors.EngagementFacts) {
	form.Set("purpose", f.Purpose).Set("nature", f.Nature)
	setBool(form, "optional", f.Optional)
	setBool(form, "excludable", f.Excludable)
	form.Set("data_categories", strings.Join(f.DataCategories, "\n"))
	form.Set("data_subjects", strings.Join(f.DataSubjects, "\n"))
	form.Set("special_categories", texts(f.SpecialCategories)...)
	form.Set("regions", texts(f.Regions)...)
	setID(form, "hosting_vendor_id", f.HostingVendorID)
	form.Set("products")
	for _, p := range f.Products {
		id := p.ProductID.String()
		if !slices.Contains(form.Values["products"], id) {
			form.Values["products"] = append(form.Values["products"], id)
		}
		if p.Plan != "" {
			field := plansField(form, id)
			form.Set(field, strings.TrimSpace(form.Raw(field)+"\n"+p.Plan))
		}
	}
	for i, l := range f.Locations {
		at := locationField(i)
		form.Set(at+".country", l.Country).Set(at+".kind", string(l.Kind))
		for _, t := range l.Transfers {
			form.Set(at+".transfers."+string(t.Regime), string(t.Mechanism))
			setDate(form, at+".assessed_on."+string(t.Regime), t.AssessedOn)
		}
	}
}
