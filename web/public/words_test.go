package public

import (
	"io/fs"
	"log/slog"
	"net/url"
	"testing"

	"fairnotice/internal/calendar"
	"fairnotice/internal/changes"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/webtest"
)

func newSite(t *testing.T) *Site {
	t.Helper()
	kit, err := web.New(web.Options{PublicURL: &url.URL{Scheme: "https", Host: "trust.example"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(kit, Services{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTemplatesAndTexts(t *testing.T) {
	s := newSite(t)
	webtest.CheckTemplates(t, s.web, map[string]web.Data{"list": &listPage{}, "entry": &entryPage{}, "changes": &changesPage{},
		"change": &changePage{}, "setup": &web.Page{}})
	webtest.CheckKeys(t, s.web)
	webtest.CheckCatalogs(t, files)
	webtest.CheckFaults(t, s.web.Kit, "date.malformed", "list.not_set_up", "list.product_unknown", "list.region_unknown", "list.no_page")
	if _, err := fs.Stat(files, "templates/_parts.html"); err != nil {
		t.Error("shared templates are not embedded:", err)
	}
}

// Every code that the register can hold has words.
func TestEveryCodeHasWords(t *testing.T) {
	s := newSite(t)
	var keys []string
	add := func(prefix string, codes []string) {
		for _, c := range codes {
			keys = append(keys, prefix+c)
		}
	}
	add("region.", codes(publisher.Regions))
	add("special.", codes(vendors.SpecialCategories))
	add("place.", codes(vendors.LocationKinds))
	add("kind_of_place.", codes(vendors.LocationKinds))
	add("kind.", codes(changes.Kinds))
	add("fact.", factOrder)
	for _, r := range vendors.Regimes {
		keys = append(keys, "regime."+string(r), "from."+string(r))
		add("mechanism.", codes(vendors.MechanismsFor(r)))
		add("mechanism_long.", codes(vendors.MechanismsFor(r)))
	}
	add("", []string{"optional.yes", "optional.no", "excludable.yes", "excludable.no", "event.added", "event.changed", "event.removed",
		"why.checked", "why.expiring", "why.expired", "why.edition_void", "why.edition_superseded", "why.scheme_invalid", "why.nobody_checked", "why.no_dates",
		"special_mark", "assessed", "period", "report_type", "level", "all_products", "all_regions", "list.title_on", "list.description", "changes.description"})
	for _, key := range keys {
		for _, lang := range locale.All {
			if !s.web.Has(lang, "public."+key) {
				t.Errorf("no public.%s in %s", key, lang)
			}
		}
	}
	for _, lang := range locale.All {
		for _, state := range []vendors.State{vendors.Current, vendors.Expiring, vendors.Expired, vendors.VoidEdition, vendors.Superseded, vendors.Invalid, vendors.Unverified} {
			if !s.web.Has(lang, "state."+string(state)) {
				t.Errorf("no badge for %s in %s", state, lang)
			}
		}
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx",
		"  =1": "'  =1", "\n=1": "'\n=1", "\u00a0=1": "'\u00a0=1", "＝1": "'＝1", "ä": "ä",
	} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWhyNamesTheLastDay(t *testing.T) {
	w := newSite(t).speak(locale.EN)
	day := func(text string) calendar.Date { d, _ := calendar.ParseDate(text); return d }
	for _, c := range []struct {
		status vendors.Status
		want   string
	}{
		{vendors.Status{State: vendors.Expiring, Until: day("2027-01-01"), Reason: "printed_expiry"}, "Its last day is 31 December 2026."},
		{vendors.Status{State: vendors.Expired, Since: day("2027-01-01"), Reason: "printed_expiry"}, "Its last day was 31 December 2026."},
		{vendors.Status{State: vendors.VoidEdition, Since: day("2025-11-01"), Reason: "edition_void"}, "Its edition has not been valid since 1 November 2025, whatever is printed on it."},
		{vendors.Status{State: vendors.Superseded, Since: day("2022-10-25"), Reason: "edition_superseded"}, "A newer edition exists since 25 October 2022; this one still runs."},
		{vendors.Status{State: vendors.Invalid, Since: day("2020-07-16"), Reason: "scheme_invalid"}, "The scheme itself has not been valid since 16 July 2020."},
		{vendors.Status{State: vendors.Unverified, Reason: "nobody_checked"}, "We have not compared it with its evidence yet."},
		{vendors.Status{State: vendors.Current, Reason: "checked"}, "We have compared it with its evidence."},
	} {
		if got := w.why(c.status); got != c.want {
			t.Errorf("%s: %q, want %q", c.status.State, got, c.want)
		}
	}
}

func TestPlacesAreGrouped(t *testing.T) {
	w := newSite(t).speak(locale.EN)
	same := []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.SCC3}, {Regime: vendors.UK, Mechanism: vendors.UKAddendum}, {Regime: vendors.Switzerland, Mechanism: vendors.SCC3}}
	got := w.places(&vendors.EngagementFacts{Locations: []vendors.Location{
		{Country: "US", Kind: vendors.Stored, Transfers: same}, {Country: "DE", Kind: vendors.Stored, Transfers: []vendors.Transfer{{Regime: vendors.EEA, Mechanism: vendors.NoneNeeded}}},
		{Country: "IN", Kind: vendors.Accessed, Transfers: same},
	}}, false)
	want := []place{{"United States (stored), India (accessed from there)", []string{"EU/EEA, CH: SCC, module 3", "UK: UK Addendum"}},
		{"Germany (stored)", []string{"EU/EEA: none needed"}}}
	if len(got) != 2 || got[0].Where != want[0].Where || got[1].Where != want[1].Where || len(got[0].Transfers) != 2 || got[0].Transfers[0] != want[0].Transfers[0] {
		t.Errorf("got %+v", got)
	}
}
