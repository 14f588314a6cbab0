package locale

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		explicit, header string
		want             Lang
	}{
		{"", "", EN},
		{"de", "en", DE},
		{"de-AT", "", DE},
		{"", "de-CH,de;q=0.9,en;q=0.5", DE},
		{"", "fr-FR,fr;q=0.9,de;q=0.3", DE},
		{"", "fr", EN},
		{"klingon", "de", DE},
		{"deutsch", "", EN},
		{"", "en-US,de;q=0.9", EN},
		{"", "\x00;;q=x", EN},
	} {
		if got := Match(c.explicit, c.header); got != c.want {
			t.Errorf("Match(%q, %q) = %s, want %s", c.explicit, c.header, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	deadline := time.Date(2026, 12, 22, 23, 0, 0, 0, time.UTC).In(zone(t, "Europe/Berlin"))
	march := time.Date(2026, 3, 1, 9, 5, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{Date(EN, deadline), "23 December 2026"},
		{Date(DE, deadline), "23. Dezember 2026"},
		{Date(DE, march), "1. März 2026"},
		{DateTime(EN, deadline), "23 December 2026, 00:00 (Europe/Berlin)"},
		{DateTime(DE, deadline), "23. Dezember 2026, 00:00 Uhr (Europe/Berlin)"},
		{DateTime(EN, march), "1 March 2026, 09:05 (UTC)"},
		{DateTime(EN, march.In(time.FixedZone("", 5400))), "1 March 2026, 10:35 (UTC+01:30)"},
		{DateTime(EN, march.In(time.FixedZone("Local", 3600))), "1 March 2026, 10:05 (UTC+01:00)"},
		{Month(DE, march), "März 2026"},
		{Date("xx", march), "1 March 2026"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestNumbersAndLists(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(EN, 1234567), "1,234,567"},
		{Number(DE, 1234567), "1.234.567"},
		{Number(DE, -1000), "-1.000"},
		{Number(EN, 999), "999"},
		{List(EN, nil), ""},
		{List(EN, []string{"a"}), "a"},
		{List(EN, []string{"a", "b"}), "a and b"},
		{List(EN, []string{"a", "b", "c"}), "a, b and c"},
		{List(DE, []string{"a", "b", "c"}), "a, b und c"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestCountry(t *testing.T) {
	for _, c := range []struct {
		lang       Lang
		code, want string
	}{
		{EN, "DE", "Germany"},
		{DE, "de", "Deutschland"},
		{EN, "US", "United States"},
		{DE, "US", "Vereinigte Staaten"},
		{EN, "MK", "North Macedonia"},
		{EN, "CZ", "Czechia"},
		{EN, "UK", "UK"}, // an alias, not the code: GB is
		{EN, "ZZ", "ZZ"},
		{EN, "EU", "EU"},
		{EN, "150", "150"},
		{EN, "", ""},
	} {
		if got := Country(c.lang, c.code); got != c.want {
			t.Errorf("Country(%s, %q) = %q, want %q", c.lang, c.code, got, c.want)
		}
	}
}

func TestCountriesAreTheIsoListInAlphabeticalOrder(t *testing.T) {
	en, de := Countries(EN), Countries(DE)
	// ISO 3166-1 has 249 codes in use; Kosovo's comes on top.
	if len(en) != 250 || len(de) != 250 {
		t.Errorf("%d and %d countries, want 250", len(en), len(de))
	}
	if de[0].Name != "Afghanistan" || de[1].Name != "Ägypten" {
		t.Errorf("German list starts %v", de[:3])
	}
	for _, c := range en {
		if !IsCountry(c.Code) {
			t.Errorf("%s is listed and no country", c.Code)
		}
	}
	en[0].Name = "changed"
	if Countries(EN)[0].Name == "changed" {
		t.Error("a caller can change the shared list")
	}
}

func TestParseDay(t *testing.T) {
	want := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"2026-12-24", "24.12.2026", "24. 12. 2026", "24 December 2026", "24. Dezember 2026",
		"24 dec 2026", "24th December 2026", "December 24, 2026", "  24   Dez.  2026 ", "24DEC2026",
	} {
		got, ok := ParseDay(text)
		if !ok || !got.Equal(want) {
			t.Errorf("ParseDay(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "tomorrow", "2026-02-30", "31.11.2026", "24/12/2026", "12/24/2026", "2026-13-01", "0000-00-00",
		"24 Ju 2026", "24 Smarch 2026", "24.12.26", "1 ma 2026", "99999-01-01", "2026-12-24T00:00",
	} {
		if got, ok := ParseDay(text); ok {
			t.Errorf("ParseDay(%q) = %v, want refused", text, got)
		}
	}
	march, _ := ParseDay("1. März 2026")
	maerz, _ := ParseDay("1 maerz 2026")
	if diff := cmp.Diff(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), march); diff != "" || !maerz.Equal(march) {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is written must be readable again: people copy dates from our pages into our forms.
func TestParseDayReadsWhatDateWrites(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 366 {
		for _, l := range All {
			if got, ok := ParseDay(Date(l, day)); !ok || !got.Equal(day) {
				t.Fatalf("ParseDay(%q) = %v, %v", Date(l, day), got, ok)
			}
		}
		day = day.AddDate(0, 0, 1)
	}
}
