// Package web is the kit from which every page of Fairnotice is made: layouts, texts, forms,
// errors, guards and static files. The pages themselves live in one package per audience
// (web/public, web/portal, web/console), each on top of one [Audience].
//
// # An audience
//
// An audience embeds its own templates/ and catalogs/ and adds itself to the kit:
//
//	//go:embed templates catalogs
//	var files embed.FS
//
//	type Site struct {
//		web     *web.Audience
//		vendors *vendors.Service
//	}
//
//	func New(kit *web.Kit, v *vendors.Service) (*Site, error) {
//		a, err := kit.Audience(web.Spec{
//			Layout: "console", Prefix: "/console", Files: files,
//			Nav: []web.NavItem{{Href: "/console/vendors", Key: "nav.vendors", Act: actor.ReadConsole}},
//			SignIn: "/console/sign-in", SignOut: "/console/sign-out",
//		})
//		if err != nil {
//			return nil, err
//		}
//		s := &Site{web: a, vendors: v}
//		s.routes()
//		return s, nil
//	}
//
//	func (s *Site) routes() {
//		open := s.web.Routes()
//		open.GET("/console/sign-in", s.showSignIn)
//
//		in := open.With(s.signedIn) // calls web.SetActor(c, who) or returns an Unauthenticated fault
//		in.GET("/console/vendors", s.listVendors)
//		in.GET("/console/vendors/new", s.newVendor)
//		in.POST("/console/vendors", s.createVendor)
//	}
//
// GET answers HEAD too. Every route of an audience is guarded: size of the body, invalid UTF-8 and
// control characters, cross-origin posts, caching. Probes and the API add theirs to [Kit.Engine].
//
// # A page
//
// A [Handler] responds or returns an error, never both. A page is a struct that embeds [Page]:
//
//	type vendorsPage struct {
//		web.Page
//		Vendors []vendors.Vendor
//		Pager   web.Pager
//	}
//
//	func (s *Site) listVendors(c *gin.Context) error {
//		list, next, err := s.vendors.List(c.Request.Context(), c.Query(web.AfterParam))
//		if err != nil {
//			return err
//		}
//		p := &vendorsPage{Page: s.web.NewPage(c, "vendors.title"), Vendors: list}
//		p.Pager = web.NewPager(c, "", next)
//		return s.web.Render(c, "vendors/list", p)
//	}
//
// and templates/vendors/list.html defines what the layout leaves open: "main", and where needed
// "title", "head-extra" and fragments of its own. Files named "_….html" are shared.
//
//	{{define "main"}}
//	<h1>{{.Title}}</h1>
//	{{range .Vendors}}<p><a href="/console/vendors/{{.ID}}">{{.Name}}</a> {{badge .State}} {{date .Since}}</p>
//	{{else}}{{template "empty" (empty "none" "vendors.none" "vendors.none_text" "/console/vendors/new" "vendors.add")}}
//	{{end}}
//	{{template "pager" .Pager}}
//	{{end}}
//
// [Audience.RenderCached] adds an ETag to public pages, [SendCached] to feeds and files,
// [Audience.Fragment] draws one block alone.
//
// # Functions of templates
//
//	t "key" "Name" v …     text of the catalogue; the pair "Count" chooses the plural
//	date, datetime         <time> with the long day, or the instant with its zone
//	deadline               as datetime; a script adds the reader's own time
//	month, number, list    "November 2026"; "1,204"; "a, b and c"
//	country "DE"           the country's name;  countries: []Option of all of them
//	language .Lang         "Deutsch"
//	label "legal_name"     a field's label, the catalogue's "field.legal_name"
//	badge "expiring"       a state as an adjective, the catalogue's "state.expiring"
//	field .Form "name" …   a Field for the partials below
//	options "kind" "a" …   []Option labelled "option.kind.a"
//	empty kind "title" "text" ["/href" "link"]   an Empty; kind is none, nomatch or upcoming
//	asset "app.css"        address of a static file
//	dict "Name" v …, add   a map for a partial of your own; a sum
//
// # Partials
//
//	field-text, field-textarea, field-date, field-select, field-radios, field-checkboxes,
//	field-checkbox, field-file     take (field .Form "name" options…)
//	form-hidden .Form              idempotency key and version
//	errors .Form                   the layout draws it for Page.Form
//	facets, pager, empty, tabs, dates, progress, banner   take Facets, Pager, Empty, Tabs, []Step,
//	                               Progress (or a dict with its names), Banner
//	copy-link "/path"              a link with a copy button
//	refresh-control "id"           Refresh link and Pause button of a part that moves
//
// Options of field, in pairs: Label, Hint, Empty (keys); LabelText, HintText, EmptyText (texts);
// Type, Autocomplete, InputMode, Value; Required, Optional, Narrow (bool); Rows, MaxLength (int);
// Options ([]Option). Without a label the catalogue's "field.<name>" is taken; for
// "locations.0.country" that may be "field.locations.country" or "field.country".
//
// A table is written out, so that its roles survive being drawn as cards:
//
//	<section class="scroll" aria-labelledby="list-title" tabindex="0">
//	<table class="cards" role="table">
//	<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">…</th></tr></thead>
//	<tbody role="rowgroup"><tr role="row"><th scope="row" role="rowheader" data-label="Name">…</th>
//	<td role="cell" data-label="Country">…</td></tr></tbody>
//	</table></section>
//
// Classes: lead, muted, hint, hidden (for screen readers), print-only, page-head (heading with
// badges or buttons beside it), panel, grid (of panels), facts (a dl of div>dt+dd), actions,
// button (is-secondary, is-quiet, is-danger), num (cells), banner is-ok|is-info|is-warn|is-bad.
//
// # Forms
//
//	func (s *Site) newVendor(c *gin.Context) error {
//		return s.vendorForm(c, s.web.NewForm(c).Set("country", "DE"))
//	}
//
//	func (s *Site) vendorForm(c *gin.Context, form *web.Form) error {
//		p := &vendorPage{Page: s.web.NewPage(c, "vendors.new")}
//		p.Feedback(form) // errors lead the page, mark its title and set 422 or 409
//		return s.web.Render(c, "vendors/new", p)
//	}
//
//	func (s *Site) createVendor(c *gin.Context) error {
//		form := s.web.Form(c)
//		in := vendors.Input{Name: form.Text("legal_name"), SignedOn: form.Date("signed_on")}
//		var made vendors.Vendor
//		ok, err := form.Do(func() (err error) {
//			made, err = s.vendors.Create(c.Request.Context(), web.ActorOf(c), in)
//			return err
//		})
//		if err != nil {
//			return err
//		}
//		if !ok {
//			return s.vendorForm(c, form)
//		}
//		s.web.Flash(c, "ok", "vendors.created", "Name", made.Name)
//		return web.SeeOther(c, "/console/vendors/"+made.ID.String())
//	}
//
//	<form method="post" action="/console/vendors" novalidate>
//	{{template "form-hidden" .Form}}
//	{{template "field-text" (field .Form "legal_name" "Required" true "Hint" "vendors.name_hint")}}
//	{{template "field-date" (field .Form "signed_on" "Optional" true)}}
//	<div class="actions"><button class="button" type="submit">{{t "vendors.save"}}</button></div>
//	</form>
//
// Do runs its work only when the form has no faults of its own (broken characters, no date, no
// choice of ours), and puts Invalid and Conflict faults of the work on the form. To tell all faults
// in one go, call form.Check(in.Validate()) before it. For optimistic locking show
// form.SetVersion(v.Version) and read form.Version(); form.Key() is the idempotency key, to be
// stored by the domain. Values with newlines reach the domain, which refuses them in single lines.
//
// # Faults and errors
//
// A fault's sentence is the catalogue's "fault.<code>" with {{.Label}} and the fault's Args; each
// area adds its own file, catalogs/faults-changes.en.toml and .de.toml. Args named Act, Role, Roles,
// What (field names), State, Value and Allowed are told in words where the catalogue has them.
// Statuses: Invalid 422, NotFound 404, Conflict 409, Forbidden 403, TooLarge 413, TooMany 429 with
// Retry-After, Unauthenticated to the sign-in page (GET) or 401. Any other error is a 500: logged
// with the request's ID, and hidden behind a page that shows only that ID.
//
// # Catalogues
//
// Files are catalogs/<area>.<lang>.toml with flat keys in quotes:
//
//	"vendors.title" = "Vendors"
//	"vendors.count" = { one = "{{.Count}} vendor", other = "{{.Count}} vendors" }
//
// All files share one space of keys; a key that exists already stops the start. Tests of each
// audience call webtest.CheckCatalogs, CheckTemplates, CheckKeys and CheckFaults.
//
// # Parts that keep themselves up to date
//
// A block with data-refresh="/address" and an id is fetched again (every data-refresh-seconds, or
// when the event stream data-refresh-events speaks) until it comes back without data-refresh, or
// holds what data-refresh-until selects. Without a script the reader presses Refresh. See
// static/console.js, which only the console loads.
package web
