package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fairnotice/internal/actor"
	"fairnotice/internal/housetest"
	"fairnotice/web/apiv1/apiv1test"
	"fairnotice/web/apiv1/client"
)

// prompt is a shell of somebody's at a real server.
type prompt struct {
	*apiv1test.Server
	env       map[string]string
	dir       string
	person    bool // sits at it
	out, errs bytes.Buffer
}

func open(t *testing.T, who func(*housetest.House) actor.Actor) *prompt {
	t.Helper()
	p := &prompt{Server: apiv1test.Serve(t), dir: t.TempDir()}
	p.env = map[string]string{"FAIRNOTICE_URL": p.URL, "FAIRNOTICE_API_KEY": p.Key(who(p.House))}
	return p
}

func editor(h *housetest.House) actor.Actor { return h.Editor }

// run runs a command, and returns its exit code.
func (p *prompt) run(in string, args ...string) int {
	p.T.Helper()
	p.out.Reset()
	p.errs.Reset()
	sh := &shell{in: strings.NewReader(in), out: &p.out, errs: &p.errs, person: p.person, env: func(name string) string { return p.env[name] },
		options: []client.Option{client.WithRetries(2, time.Millisecond)}}
	return exitCode(command(p.T.Context(), args, sh), &p.errs)
}

// want runs a command that must end with this code and say these things.
func (p *prompt) want(code int, said []string, in string, args ...string) {
	p.T.Helper()
	if got := p.run(in, args...); got != code {
		p.T.Fatalf("%q ended with %d, want %d:\n%s%s", args, got, code, &p.out, &p.errs)
	}
	all := p.out.String() + p.errs.String()
	for _, text := range said {
		if !strings.Contains(all, text) {
			p.T.Errorf("%q doesn't say %q:\n%s", args, text, all)
		}
	}
}

func (p *prompt) file(name, text string) string {
	p.T.Helper()
	path := filepath.Join(p.dir, name)
	p.OK(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// vendors counts them.
func (p *prompt) vendors() (n int) {
	p.T.Helper()
	p.OK(p.DB.Pool().QueryRow(p.T.Context(), "select count(*) from vendors").Scan(&n))
	return n
}

const vendorsCSV = `legal_name,country,address,contact_name,contact_email,flow_down_confirmed,purpose,since,products,data_categories,locations,hosted_on,optional
Wolke Hosting GmbH,DE,"Am Kanal 1, 10115 Berlin",Ada Weiss,privacy@wolke.example,yes,Hosting,2024-01-01,desk,Names; E-mail addresses,DE,,
Brief AG,CH,"Seeweg 2, 8001 Zürich",Beat Blau,privacy@brief.example,,Sends e-mail,2024-03-01,desk,E-mail addresses,CH stored eea=adequacy@2026-01-31; US accessed eea=scc_3,Wolke Hosting GmbH,yes
Brief AG,,,,,,Archives e-mail,2025-07-01,desk/Pro,E-mail addresses,CH stored eea=adequacy,,
`

func TestVendorsAreImportedOnce(t *testing.T) {
	p := open(t, editor)
	file := p.file("vendors.csv", vendorsCSV)
	p.want(0, []string{"would record the vendor", "5 to be written, 0 there already"}, "", "import", "vendors", file, "--dry-run")
	before := p.vendors()
	p.want(0, []string{`row 3, Brief AG: record the engagement "Sends e-mail", record the engagement "Archives e-mail"`, "5 written, 0 there already"}, "", "import", "vendors", file)
	p.want(0, []string{"0 written, 5 there already"}, "", "import", "vendors", file)
	if got := p.vendors(); got != before+2 {
		t.Errorf("there are %d vendors, want %d", got, before+2)
	}
	brief, err := p.Vendors.Vendor(t.Context(), "brief-ag")
	p.OK(err)
	engagements, err := p.Vendors.Engagements(t.Context(), brief.ID)
	p.OK(err)
	got := map[string]string{}
	for _, e := range engagements {
		places := ""
		for _, l := range e.Locations {
			places += l.Country + " " + string(l.Kind)
			for _, x := range l.Transfers {
				places += " " + string(x.Regime) + "=" + string(x.Mechanism) + "@" + x.AssessedOn.String()
			}
			places += ";"
		}
		got[e.Purpose] = places
	}
	if d := cmp.Diff(map[string]string{"Sends e-mail": "CH stored eea=adequacy@2026-01-31;US accessed eea=scc_3@;", "Archives e-mail": "CH stored eea=adequacy@;"}, got); d != "" {
		t.Errorf("engagements (-want +got):\n%s", d)
	}
}

func TestAnImportThatIsRefusedInPartIsMendedAndRunAgain(t *testing.T) {
	p := open(t, editor)
	bad := strings.Replace(vendorsCSV, "Brief AG,CH", "Brief AG,XX", 1)
	file := p.file("vendors.csv", bad)
	p.want(exitPart, []string{"row 3, Brief AG: record the vendor was refused\n  country", "1 refused", "not tried"}, "", "import", "vendors", "--parallel", "1", file)
	p.want(exitPart, []string{"2 refused", "1 written, 1 there already"}, "", "import", "vendors", "--continue", file)
	p.file("vendors.csv", vendorsCSV)
	p.want(0, []string{"3 written, 2 there already"}, "", "import", "vendors", file)
}

func TestAFileIsReadStrictly(t *testing.T) {
	p := open(t, editor)
	for name, c := range map[string]struct{ text, want string }{
		"column.csv": {"legal_name,contry\nA,DE\n", `no column "contry"`},
		"twice.csv":  {"legal_name,Legal_Name\nA,DE\n", `two columns are named "legal_name"`},
		"none.csv":   {"country\nDE\n", `the column "legal_name" is missing`},
		"empty.csv":  {"", "it is empty"},
		"rows.csv":   {"legal_name\n", "no rows"},
		"else.csv":   {"legal_name;country\nA;DE\nA;FR\n", `row 3: country is "FR", but "DE" in row 2`},
		"bool.csv":   {"legal_name,optional\nA,perhaps\n", `row 2: optional: "perhaps" is neither`},
		"place.csv":  {"legal_name,locations\nA,DE here\n", `"here": write a location as in`},
		"host.csv":   {"legal_name,country,purpose,hosted_on\nA,DE,Hosting,Nobody\n", `hosted_on: there is no vendor "Nobody"`},
		"prod.csv":   {"legal_name,country,purpose,products\nA,DE,Hosting,nothing\n", `there is no product "nothing"; there are desk`},
		"latin.csv":  {"legal_name\nM\xfcller\n", "not UTF-8"},
		"field.json": {`[{"legal_name":"A","contry":"DE"}]`, `row 1: unknown field "contry"`},
		"type.json":  {`[{"legal_name":"A","engagements":[{"since":3}]}]`, "row 1: "},
		"same.json":  {`[{"legal_name":"A"},{"legal_name":"a"}]`, "row 2: a is in row 1 already"},
		"one.json":   {`{"legal_name":"A"}`, "must be an array"},
		"two.jsonl":  {`{"legal_name":"A"} {"legal_name":"B"}`, "more than one object"},
		"file.txt":   {"", "must end in .csv"},
	} {
		t.Run(name, func(t *testing.T) {
			p.want(exitUsage, []string{c.want}, "", "import", "vendors", p.file(name, c.text))
		})
	}
	p.want(exitUsage, []string{"no such file"}, "", "import", "vendors", filepath.Join(p.dir, "absent.csv"))
	p.want(exitUsage, []string{"vendors and customers"}, "", "import", "products", p.file("x.jsonl", "{}"))
}

func TestCustomersAreImportedWithContactsAndTerms(t *testing.T) {
	p := open(t, editor)
	api, err := client.New(p.URL, p.env["FAIRNOTICE_API_KEY"])
	p.OK(err)
	sheet := client.TermSheet{Authorisation: client.AuthorisationGeneral, ClockStarts: client.ClockStartsSent, Counting: client.CountingPlain, Direction: client.DirectionForward,
		Notice: client.Period{Count: 30, Unit: client.UnitCalendarDays}, Objection: client.Period{Count: 14, Unit: client.UnitCalendarDays},
		ObjectionRuns: client.ObjectionRunsFromNotice, Served: client.ServedFirst, TimeZone: "Europe/Berlin"}
	_, err = api.AddTermTemplate(t.Context(), client.TermTemplateInput{Name: "Standard DPA v4", Sheet: sheet})
	p.OK(err)
	lines := `{"external_id":"C-1","name":"Erste GmbH","role":"controller","country":"DE","region":"eea","language":"de","time_zone":"Europe/Berlin","products":["desk"],` +
		`"contacts":[{"name":"Kim","email":"dpo@erste.example"}],"contracts":[{"reference":"MSA-1","template":"standard dpa v4","signed_on":"2025-05-01","deviations":{"notice":{"count":45,"unit":"calendar_days"}}}]}` + "\n\n" +
		`{"external_id":"C-2","name":"Zweite GmbH","role":"controller","country":"DE","region":"eea","language":"de","time_zone":"Europe/Berlin","products":["desk"]}` + "\n"
	p.want(0, []string{"row 1, Erste GmbH: record the customer, add the contact dpo@erste.example, enter the contract MSA-1", "4 written"}, lines, "import", "customers", "-")
	p.want(0, []string{"0 written, 4 there already"}, lines, "import", "customers", "-")
	sheetCSV := "external_id;name;role;country;region;language;time_zone;products;contact_name;contact_email;contact_roles;contract_reference;contract_template;contract_signed_on\n" +
		"C-2;;;;;;;;Li;dpo@zweite.example;\"notices; objections\";MSA-2;Standard DPA v4;2025-06-01\n" +
		"C-2;;;;;;;;Lo;office@zweite.example;fallback;;;\n"
	p.want(0, []string{"3 written, 1 there already"}, "", "import", "customers", p.file("more.csv", sheetCSV))
	for customer, err := range api.AllCustomers(t.Context(), nil) {
		p.OK(err)
		if !customer.Reachable {
			t.Errorf("nobody is told at %s", customer.Name)
		}
		contracts, err := api.ListContracts(t.Context(), customer.ID)
		p.OK(err)
		if len(contracts.Body.Items) != 1 {
			t.Errorf("%s has %d contracts", customer.Name, len(contracts.Body.Items))
			continue
		}
		want := map[string]int{"C-1": 45, "C-2": 30}[customer.ExternalID]
		if got := contracts.Body.Items[0].Terms.Sheet.Notice.Count; got != want {
			t.Errorf("%s is told %d days before, want %d", customer.Name, got, want)
		}
	}
	p.want(exitUsage, []string{`there is no template "Nothing"; there are Standard DPA v4`}, `{"external_id":"C-3","name":"X","contracts":[{"reference":"M","template":"Nothing"}]}`, "import", "customers", "-")
}

func TestTheKeyIsToldAndMissed(t *testing.T) {
	p := open(t, editor)
	p.want(0, []string{p.Editor.Name + ", as editor"}, "", "me")
	p.want(0, []string{`"role": "editor"`}, "", "me", "--json")
	p.want(exitUsage, []string{"takes 0 argument"}, "", "me", "now")
	key := p.env["FAIRNOTICE_API_KEY"]
	p.env["FAIRNOTICE_API_KEY"] = "fn_wrong"
	p.want(exitFailed, []string{"401"}, "", "me")
	p.want(0, []string{"as editor"}, "", "me", "--key-file", p.file("key", key+"\n"))
	p.env["FAIRNOTICE_API_KEY"] = ""
	p.want(exitUsage, []string{"set FAIRNOTICE_API_KEY"}, "", "me")
	p.env["FAIRNOTICE_URL"] = ""
	p.want(exitUsage, []string{"set FAIRNOTICE_URL"}, "", "me")
	p.want(exitUsage, []string{"no command"}, "")
	p.want(exitUsage, []string{`no command "announec"`}, "", "announec")
	p.want(0, []string{"Exit codes:"}, "", "help")
	p.want(0, []string{"--dry-run", "-dry-run"}[1:], "", "import", "-h")
}
